#include <string.h>

#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "common/core/slice.h"
#include "services/payer/payer.h"

/* One question of payer.proto: who answers it, and under what name the same question is known again. */
struct question {
    const ProtobufCMessageDescriptor *descriptor;
    const char *answer; /* subject */
    void (*give)(const struct insurer *in, const ProtobufCMessage *question, const ProtobufCMessage **now,
        const ProtobufCMessage **then);
    const char *(*reference)(const ProtobufCMessage *question); /* NULL: the task's own id */
};

static void give_eligibility(const struct insurer *in, const ProtobufCMessage *question, const ProtobufCMessage **now,
    const ProtobufCMessage **then)
{
    (void)then;
    *now = &answer_eligibility(in, (const Payer__EligibilityQuestion *)question)->base;
}

static void give_need(const struct insurer *in, const ProtobufCMessage *question, const ProtobufCMessage **now,
    const ProtobufCMessage **then)
{
    (void)then;
    *now = &answer_need(in, (const Payer__AuthorizationNeedQuestion *)question)->base;
}

static void give_authorization(const struct insurer *in, const ProtobufCMessage *question, const ProtobufCMessage **now,
    const ProtobufCMessage **then)
{
    struct review review = answer_authorization(in, (const Payer__AuthorizationQuestion *)question);
    *now = &review.now->base;
    *then = review.then ? &review.then->base : NULL;
}

static void give_claim(const struct insurer *in, const ProtobufCMessage *question, const ProtobufCMessage **now,
    const ProtobufCMessage **then)
{
    (void)then;
    *now = &answer_claim(in, (const Payer__ClaimQuestion *)question)->base;
}

static void give_appeal(const struct insurer *in, const ProtobufCMessage *question, const ProtobufCMessage **now,
    const ProtobufCMessage **then)
{
    (void)then;
    *now = &answer_appeal(in, (const Payer__AppealQuestion *)question)->base;
}

static const char *claim_reference(const ProtobufCMessage *question)
{
    return ((const Payer__ClaimQuestion *)question)->reference;
}

static const char *appeal_reference(const ProtobufCMessage *question)
{
    return ((const Payer__AppealQuestion *)question)->reference;
}

/* An authorisation is known again by its task alone: asked again under the same reference it may come with more
 * documents. */
static const struct question QUESTIONS[] = {
    {&payer__eligibility_question__descriptor, "payer.EligibilityAnswer", give_eligibility, NULL},
    {&payer__authorization_need_question__descriptor, "payer.AuthorizationNeedAnswer", give_need, NULL},
    {&payer__authorization_question__descriptor, "payer.AuthorizationAnswer", give_authorization, NULL},
    {&payer__claim_question__descriptor, "payer.ClaimAnswer", give_claim, claim_reference},
    {&payer__appeal_question__descriptor, "payer.AppealAnswer", give_appeal, appeal_reference},
};

static const struct question *find_question(const char *subject)
{
    for (size_t i = 0; i < sizeof QUESTIONS / sizeof QUESTIONS[0]; i++) {
        if (str_same(contract_of(QUESTIONS[i].descriptor)->subject, subject)) {
            return &QUESTIONS[i];
        }
    }
    return NULL;
}

/* As remembered: the first answer, and behind it what follows. */
struct remembered {
    size_t now_size, then_size;
    uint8_t bytes[];
};

static void remember(
    const struct insurer *in, struct memory_key key, const ProtobufCMessage *now, const ProtobufCMessage *then)
{
    struct packed first = contract_pack(now, in->arena);
    struct packed second = then ? contract_pack(then, in->arena) : (struct packed){0};
    struct remembered *fact = memory_require(in->memory, key, sizeof *fact + first.size + second.size);
    fact->now_size = first.size;
    fact->then_size = second.size;
    memcpy(fact->bytes, first.data, first.size);
    if (second.size) {
        memcpy(fact->bytes + first.size, second.data, second.size);
    }
}

enum fault answer_question(const struct insurer *in, const char *subject, const char *task_id, const uint8_t *body,
    size_t size, struct answers *out, struct why *why)
{
    const struct question *row = find_question(subject);
    ProtobufCMessage *question = NULL;
    if (!row) {
        why_set(why, "%s is no question of payer.proto", subject);
        return FAULT_INVALID;
    }
    enum fault fault = contract_unpack(row->descriptor, body, size, &CROSSING_PAYER, in->arena, why, &question);
    if (fault) {
        return fault;
    }
    const char *payer_id = in->payer ? in->payer->payer_id : "";
    struct memory_key key =
        memory_key("answer", payer_id, subject, row->reference ? row->reference(question) : task_id, NULL);
    if (!memory_find(in->memory, key, NULL)) {
        const ProtobufCMessage *now = NULL, *then = NULL;
        row->give(in, question, &now, &then);
        remember(in, key, now, then);
    }
    const struct remembered *fact = memory_find(in->memory, key, NULL);
    *out = (struct answers){.subject = row->answer, .now_size = fact->now_size, .then_size = fact->then_size};
    out->now = arena_memdup(in->arena, fact->bytes, fact->now_size);
    out->then = fact->then_size ? arena_memdup(in->arena, fact->bytes + fact->now_size, fact->then_size) : NULL;
    return FAULT_NONE;
}
