/* Random messages there and back; the same bytes cut at every place and changed at random. The seed is printed. */
#include "common/contract/guard.h"
#include "common/contract/rules.h"
#include "tests/contract/random_message.h"
#include "tests/contract/sample.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define ROUNDS      300
#define MUTATIONS   60
#define PADDING_MAX 15 /* Before the first piece in the arena. */

static struct dice dice;

/* What the guard lets through, protobuf-c must read, within the memory that was predicted. True when it went through.
 */
static bool cross_and_compare(const uint8_t *data, size_t size, struct arena *arena)
{
    struct guard_sum sum;
    struct why why = {{0}};
    ProtobufCMessage *message = NULL;
    struct crossing crossing = CROSSING_STATE;
    enum fault scanned = guard_scan(&sample__everything__descriptor, data, size, &crossing.limits, &why, &sum);
    size_t before = arena->used_bytes;
    enum fault fault = contract_unpack(&sample__everything__descriptor, data, size, &crossing, arena, &why, &message);
    assert_int_equal(fault, scanned);
    if (fault != FAULT_NONE) {
        assert_int_not_equal(strlen(why.text), 0);
        return false;
    }
    size_t used = arena->used_bytes - before;
    if (used > sum.predicted_size + PADDING_MAX) {
        fail_msg("predicted %zu bytes, used %zu", sum.predicted_size, used);
    }
    assert_true(protobuf_c_message_check(message));
    struct packed again = contract_pack(message, arena);
    ProtobufCMessage *twice = NULL;
    assert_int_equal(
        contract_unpack(&sample__everything__descriptor, again.data, again.size, &crossing, arena, &why, &twice),
        FAULT_NONE);
    return true;
}

static void a_message_comes_back_as_it_went(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena;
        arena_init(&arena, 0);
        ProtobufCMessage *message = random_message(&dice, &sample__everything__descriptor, 3, &arena);
        struct packed packed = contract_pack(message, &arena);
        assert_true(cross_and_compare(packed.data, packed.size, &arena));
        struct why why;
        ProtobufCMessage *back = NULL;
        assert_int_equal(
            contract_unpack(message->descriptor, packed.data, packed.size, &CROSSING_STATE, &arena, &why, &back),
            FAULT_NONE);
        struct packed again = contract_pack(back, &arena);
        assert_int_equal(again.size, packed.size);
        assert_memory_equal(again.data, packed.data, packed.size);
        arena_done(&arena);
    }
}

static void a_message_cut_at_any_byte_is_refused_or_a_smaller_message(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS / 30; i++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct packed packed = contract_pack(random_message(&dice, &sample__everything__descriptor, 3, &arena), &arena);
        for (size_t size = 0; size < packed.size; size++) {
            uint8_t *exact = arena_memdup(&arena, packed.data, size); /* So that the sanitizer sees a step too far. */
            cross_and_compare(exact, size, &arena);
        }
        arena_done(&arena);
    }
}

static void mutate(uint8_t *data, size_t size)
{
    for (uint64_t n = 1 + dice_below(&dice, 4); n > 0 && size > 0; n--) {
        size_t at = dice_below(&dice, size);
        switch (dice_below(&dice, 4)) {
        case 0:
            data[at] ^= (uint8_t)(1 << dice_below(&dice, 8));
            break;
        case 1:
            data[at] = (uint8_t)dice_next(&dice);
            break;
        case 2:
            data[at] = 0xff;
            break;
        default:
            memmove(data + at, data + dice_below(&dice, size), 1);
            break;
        }
    }
}

static void what_the_guard_lets_through_protobuf_c_reads_within_the_prediction(void **state)
{
    (void)state;
    int through = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct packed packed = contract_pack(random_message(&dice, &sample__everything__descriptor, 3, &arena), &arena);
        for (int m = 0; m < MUTATIONS; m++) {
            uint8_t *mutant = arena_memdup(&arena, packed.data, packed.size);
            mutate(mutant, packed.size);
            through += cross_and_compare(mutant, packed.size, &arena);
        }
        arena_done(&arena);
    }
    print_message("%d of %d mutants were messages\n", through, ROUNDS * MUTATIONS);
    assert_in_range(through, 1, ROUNDS * MUTATIONS - 1);
}

int main(void)
{
    dice = dice_from_environment();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_back_as_it_went),
        cmocka_unit_test(a_message_cut_at_any_byte_is_refused_or_a_smaller_message),
        cmocka_unit_test(what_the_guard_lets_through_protobuf_c_reads_within_the_prediction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
