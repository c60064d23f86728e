#include "common/core/arena.h"

#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static void pieces_are_aligned_apart_and_zeroed_when_asked(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 0);
    uint8_t *pieces[200];
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        pieces[i] = arena_alloc_zeroed(&arena, i);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(pieces[i][j], 0);
        }
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(pieces); i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(pieces[i][j], i);
        }
    }
    arena_done(&arena);
}

static void a_piece_larger_than_a_block_leaves_the_current_block_in_use(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 0);
    char *before = arena_alloc(&arena, 16);
    char *large = arena_alloc(&arena, 2 * ARENA_BLOCK_BYTES);
    memset(large, 'x', 2 * ARENA_BLOCK_BYTES);
    char *after = arena_alloc(&arena, 16);
    assert_ptr_equal(after, before + 16);
    arena_done(&arena);
}

static void strangers_meet_the_ceiling_as_null(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 1024);
    assert_non_null(arena_try_alloc(&arena, 1024));
    assert_null(arena_try_alloc(&arena, 1));
    volatile size_t absurd = SIZE_MAX; /* volatile: the compiler refuses to ask for so much */
    assert_null(arena_try_alloc(&arena, absurd));
    assert_int_equal(arena.used_bytes, 1024);
    arena_reset(&arena);
    assert_null(arena_try_alloc(&arena, 1025));
    assert_non_null(arena_try_alloc(&arena, 1000));
    arena_done(&arena);
}

static void a_budget_once_overdrawn_stays_empty(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct budget budget = {&arena, 100};
    assert_non_null(budget_alloc(&budget, 60));
    assert_null(budget_alloc(&budget, 41));
    assert_null(budget_alloc(&budget, 1));

    struct budget wide = {&arena, SIZE_MAX};
    assert_null(budget_alloc(&wide, ARENA_CEILING_BYTES));
    assert_null(budget_alloc(&wide, 1));
    arena_done(&arena);
}

static void a_reset_arena_hands_out_the_same_memory_again(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 0);
    char *first = arena_alloc(&arena, 1000);
    for (int call = 0; call < 100; call++) {
        arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
        assert_ptr_equal(arena_alloc(&arena, 1000), first);
    }
    arena_done(&arena);
}

static void a_reset_keeps_the_largest_block_that_may_be_kept(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t taken = 0; taken < 4 * ARENA_BLOCK_BYTES; taken += 4096) {
        arena_alloc(&arena, 4096);
    }
    arena_alloc(&arena, 10 * ARENA_KEEP_BYTES);
    arena_reset(&arena);
    char *start = arena_alloc(&arena, 4096);
    for (size_t taken = 4096; taken < ARENA_KEEP_BYTES; taken += 4096) {
        assert_ptr_equal(arena_alloc(&arena, 4096), start + taken);
    }
    arena_done(&arena);
}

static void copies_are_whole_and_null_stays_null(void **state UNUSED)
{
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(arena_strdup(&arena, "Mejía"), "Mejía");
    assert_null(arena_strdup(&arena, NULL));
    assert_string_equal(arena_strndup(&arena, "case", 2), "ca");
    assert_string_equal(arena_strndup(&arena, "case", 20), "case");
    assert_memory_equal(arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
    assert_string_equal(arena_printf(&arena, "%s-%03x", "case", 7), "case-007");

    char *pages = arena_printf(&arena, "%100000d", 7);
    assert_int_equal(strlen(pages), 100000);
    arena_done(&arena);
}

static void sizes_at_random_never_overlap(void **state UNUSED)
{
    enum { PIECES = 3000, SEED = 20261122 };
    static struct {
        uint8_t *at;
        size_t size;
    } pieces[PIECES];
    struct arena arena;
    arena_init(&arena, 0);
    srand(SEED);
    for (int i = 0; i < PIECES; i++) {
        pieces[i].size = (size_t)(rand() % 100 == 0 ? rand() % 100000 : rand() % 200);
        pieces[i].at = arena_alloc(&arena, pieces[i].size);
        memset(pieces[i].at, i, pieces[i].size);
        arena_strdup(&arena, "odd");
    }
    for (int i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < pieces[i].size; j++) {
            assert_int_equal(pieces[i].at[j], (uint8_t)i);
        }
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_apart_and_zeroed_when_asked),
        cmocka_unit_test(a_piece_larger_than_a_block_leaves_the_current_block_in_use),
        cmocka_unit_test(strangers_meet_the_ceiling_as_null),
        cmocka_unit_test(a_budget_once_overdrawn_stays_empty),
        cmocka_unit_test(a_reset_arena_hands_out_the_same_memory_again),
        cmocka_unit_test(a_reset_keeps_the_largest_block_that_may_be_kept),
        cmocka_unit_test(copies_are_whole_and_null_stays_null),
        cmocka_unit_test(sizes_at_random_never_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
