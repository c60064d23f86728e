/* Fuzzes the questions that the reference insurer answers: whatever is asked, an answer keeps the rules of payer.proto, is
 * the same when it is asked again, and of a claim every line's amounts make up what was billed. */
#include <string.h>

#include "common/core/must.h"
#include "common/core/slice.h"
#include "services/payer/payer.h"
#include "tests/fuzz/crossing.h"

#define NOW_MS INT64_C(1795316400000) /* 2026-11-22T03:00:00Z */

static const Insurers__Payers *book(void)
{
    static const Insurers__Payers *loaded;
    static struct arena arena;
    if (loaded == NULL) {
        arena_init(&arena, 0);
        MUST(book_load("seeds", &arena, &loaded, NULL) == FAULT_NONE);
    }
    return loaded;
}

static const char *input_question(struct input *input)
{
    static const char *const QUESTIONS[] = {"payer.EligibilityQuestion", "payer.AuthorizationNeedQuestion",
        "payer.AuthorizationQuestion", "payer.ClaimQuestion", "payer.AppealQuestion"};
    return QUESTIONS[input_byte(input) % ARRAY_LENGTH(QUESTIONS)];
}

static const Insurers__Payer *input_payer(struct input *input)
{
    unsigned place = input_byte(input);
    return place == 255 ? NULL : book()->payers[place % book()->n_payers];
}

/* What was billed is what is paid and what is not, to the cent; lines come in the order in which they were asked. */
static void must_balance(const Payer__ClaimAnswer *answer, const Payer__ClaimQuestion *question)
{
    MUST(answer->n_lines == question->n_lines);
    for (size_t i = 0; i < answer->n_lines; i++) {
        const Payer__LinePayment *line = answer->lines[i];
        int64_t sum = line->paid_cents;
        for (size_t k = 0; k < line->n_adjustments; k++) {
            MUST(!__builtin_add_overflow(sum, line->adjustments[k]->amount_cents, &sum));
        }
        MUST(line->number == question->lines[i]->number && sum == question->lines[i]->billed_cents);
        MUST(line->paid_cents >= 0 && line->paid_cents <= line->allowed_cents);
    }
}

static const ProtobufCMessage *must_read(const char *subject, const uint8_t *body, size_t size, struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    const struct contract_message *type = contract_find_message(subject);
    MUST(type != NULL);
    MUST(contract_unpack(type->descriptor, body, size, &CROSSING_PAYER, arena, NULL, &message) == FAULT_NONE);
    return message;
}

static void must_be_right(const struct answers *answers, const ProtobufCMessage *question, struct arena *arena)
{
    const ProtobufCMessage *answer = must_read(answers->subject, answers->now, answers->now_size, arena);
    if (answer->descriptor == &payer__claim_answer__descriptor) {
        must_balance((const Payer__ClaimAnswer *)answer, (const Payer__ClaimQuestion *)question);
    }
    if (answers->then_size > 0) {
        must_read(answers->subject, answers->then, answers->then_size, arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct arena *arena = fuzz_arena();
    struct insurer insurer = {
        .payer = input_payer(&input), .memory = memory_new(256), .arena = arena, .now_ms = NOW_MS};
    const char *question = input_question(&input);
    struct answers first, second;
    struct why why = {""};
    if (answer_question(&insurer, question, "task-1", input.at, input.size, &first, &why) != FAULT_NONE) {
        must_say_why(&why);
    } else {
        MUST(answer_question(&insurer, question, "task-1", input.at, input.size, &second, &why) == FAULT_NONE);
        MUST(first.now_size == second.now_size && memcmp(first.now, second.now, first.now_size) == 0);
        must_be_right(&first, must_read(question, input.at, input.size, arena), arena);
    }
    memory_free(&insurer.memory);
    return 0;
}
