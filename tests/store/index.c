/* Index scans: the scatter over all partitions comes back as one list in order. */
#include "tests/store/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/id.h"
#include "common/store/index_scan.h"

enum {
    ENTRIES = 600,
};

static struct store_fixture FIXTURE;

static void on_commit(struct commit *commit)
{
    assert_int_equal(commit->outcome, COMMIT_COMMITTED);
    FIXTURE.waiting--;
}

/* The sort key of entry i: all different but for pairs, and in no order. */
static int64_t sort_of(int i)
{
    return (i / 2 * 7919 % ENTRIES) - 100;
}

static void put(int i, bool remove)
{
    struct arena *arena = &FIXTURE.arena;
    struct commit *commit = ARENA_NEW(arena, struct commit);
    struct commit_entry *entry = ARENA_NEW(arena, struct commit_entry);
    struct why why;
    *entry = (struct commit_entry){"caseload", "nurse-1", arena_printf(arena, "case-%04d", i), sort_of(i), remove};
    *commit = commit_of(&FIXTURE, arena_printf(arena, "cmd-%d-%d", i, remove));
    commit->partition = (uint32_t)(i * 37) % PARTITIONS;
    commit->root = arena_printf(arena, "%03x-root%d", commit->partition, i);
    commit->entry_count = 1;
    commit->entries = entry;
    commit->done = on_commit;
    assert_int_equal(commit_send(&FIXTURE.store, commit, &why), FAULT_NONE);
    FIXTURE.waiting++;
}

static int start(void **state)
{
    (void)state;
    store_fixture_start(&FIXTURE, NULL);
    for (int i = 0; i < ENTRIES; i++) {
        put(i, false);
    }
    store_fixture_wait(&FIXTURE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    store_fixture_stop(&FIXTURE);
    return 0;
}

static void on_scan(struct index_scan *scan)
{
    (void)scan;
    FIXTURE.waiting--;
}

static struct index_scan scan_now(const char *group, int64_t min, int64_t max, bool descending, size_t count_max)
{
    struct index_scan scan = {.service = "intake",
        .index = "caseload",
        .group = group,
        .tenant = DEMO,
        .min = min,
        .max = max,
        .descending = descending,
        .count_max = count_max,
        .arena = &FIXTURE.arena,
        .done = on_scan};
    assert_int_equal(index_scan_send(&FIXTURE.store, &scan), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    assert_int_equal(scan.fault, FAULT_NONE);
    return scan;
}

static void a_scan_finds_all_in_order_of_key_then_member(void **state)
{
    (void)state;
    struct index_scan up = scan_now("nurse-1", INT64_MIN / 2048, INT64_MAX / 2048, false, INDEX_PAGE_MAX);
    struct index_scan down = scan_now("nurse-1", INT64_MIN / 2048, INT64_MAX / 2048, true, INDEX_PAGE_MAX);
    assert_int_equal(up.count, ENTRIES);
    assert_int_equal(down.count, ENTRIES);
    for (size_t i = 0; i < up.count; i++) {
        const struct index_entry *entry = &up.entries[i];
        int n = atoi(entry->member + strlen("case-"));
        assert_int_equal(entry->sort, sort_of(n));
        assert_int_equal(entry->partition, (uint32_t)(n * 37) % PARTITIONS);
        assert_string_equal(entry->member, down.entries[up.count - 1 - i].member);
        if (i > 0) {
            const struct index_entry *before = entry - 1;
            assert_true(before->sort < entry->sort ||
                        (before->sort == entry->sort && strcmp(before->member, entry->member) < 0));
        }
    }
}

static void a_scan_keeps_to_its_range_and_its_count(void **state)
{
    (void)state;
    struct index_scan scan = scan_now("nurse-1", 0, 49, false, INDEX_PAGE_MAX);
    size_t expected = 0;
    for (int i = 0; i < ENTRIES; i++) {
        expected += sort_of(i) >= 0 && sort_of(i) <= 49;
    }
    assert_true(expected > 0);
    assert_int_equal(scan.count, expected);
    struct index_scan first = scan_now("nurse-1", 0, 49, false, 10);
    assert_int_equal(first.count, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_string_equal(first.entries[i].member, scan.entries[i].member);
    }
    assert_int_equal(scan_now("nurse-2", 0, 49, false, 10).count, 0);
}

static void a_removed_entry_is_found_no_more(void **state)
{
    (void)state;
    put(17, true);
    store_fixture_wait(&FIXTURE);
    struct index_scan scan = scan_now("nurse-1", sort_of(17), sort_of(17), false, INDEX_PAGE_MAX);
    assert_int_equal(scan.count, 1);
    assert_string_equal(scan.entries[0].member, "case-0016");
}

static void a_scan_of_a_redis_that_is_gone_is_unavailable(void **state)
{
    (void)state;
    struct index_scan scan = {.service = "intake",
        .index = "caseload",
        .group = "nurse-1",
        .tenant = DEMO,
        .max = 1,
        .count_max = 1,
        .arena = &FIXTURE.arena,
        .done = on_scan};
    assert_int_equal(index_scan_send(&FIXTURE.store, &scan), FAULT_NONE);
    FIXTURE.waiting++;
    redis_fixture_kill(&FIXTURE.redis);
    store_fixture_wait(&FIXTURE);
    assert_int_equal(scan.fault, FAULT_UNAVAILABLE);
    assert_int_equal(index_scan_send(&FIXTURE.store, &scan), FAULT_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_finds_all_in_order_of_key_then_member),
        cmocka_unit_test(a_scan_keeps_to_its_range_and_its_count),
        cmocka_unit_test(a_removed_entry_is_found_no_more),
        cmocka_unit_test(a_scan_of_a_redis_that_is_gone_is_unavailable),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
