/* What brokers and operators write: leases and fencing, cursors, attempts, dead letters, parked roots, delivered tasks.
 */
#include "tests/store/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/must.h"
#include "common/store/delivery.h"
#include "common/store/keyname.h"
#include "common/store/lane.h"

static struct store_fixture FIXTURE;

static int start(void **state)
{
    (void)state;
    static const char *const extra[] = {"--enable-debug-command", "yes", NULL};
    store_fixture_start(&FIXTURE, extra);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    store_fixture_stop(&FIXTURE);
    return 0;
}

static int empty(void **state)
{
    (void)state;
    freeReplyObject(store_fixture_ask(&FIXTURE, "FLUSHALL", NULL));
    arena_reset(&FIXTURE.arena);
    return 0;
}

static struct lease_answer LEASE;
static enum delivery_outcome OUTCOME;
static uint64_t ATTEMPTS;

static void on_lease(void *user, const struct lease_answer *answer)
{
    (void)user;
    LEASE = *answer;
    FIXTURE.waiting--;
}

static void on_outcome(void *user, enum delivery_outcome outcome)
{
    (void)user;
    OUTCOME = outcome;
    FIXTURE.waiting--;
}

static void on_attempt(void *user, enum delivery_outcome outcome, uint64_t attempts)
{
    (void)user;
    OUTCOME = outcome;
    ATTEMPTS = attempts;
    FIXTURE.waiting--;
}

/* Waits for the answer to what was just sent. */
static enum delivery_outcome outcome_of(enum fault sent)
{
    assert_int_equal(sent, FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    return OUTCOME;
}

static struct lease_answer lease_now(const char *owner, int64_t ttl_ms)
{
    outcome_of(lease_send(&FIXTURE.store, PARTITION, owner, ttl_ms, on_lease, NULL));
    return LEASE;
}

static struct lease held_by(const char *owner)
{
    struct lease_answer answer = lease_now(owner, 60000);
    assert_int_equal(answer.outcome, DELIVERY_DONE);
    return (struct lease){owner, answer.epoch};
}

static void on_state(struct delivery_state *state)
{
    (void)state;
    FIXTURE.waiting--;
}

static struct delivery_state state_now(void)
{
    struct delivery_state state = {
        .partition = PARTITION, .group = "planning", .letters_max = 100, .arena = &FIXTURE.arena, .done = on_state};
    assert_int_equal(delivery_state_send(&FIXTURE.store, &state), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    assert_int_equal(state.fault, FAULT_NONE);
    return state;
}

static const struct delivery_record POISON = {"planning", DEMO, ROOT, 5, {1700, 2}};

static void a_partition_has_one_owner_at_a_time(void **state)
{
    (void)state;
    struct lease_answer first = lease_now("broker-1", 60000);
    assert_int_equal(first.outcome, DELIVERY_DONE);
    assert_int_equal(first.epoch, 1);
    assert_int_equal(first.until_ms, first.now_ms + 60000);
    struct lease_answer second = lease_now("broker-2", 60000);
    assert_int_equal(second.outcome, DELIVERY_FENCED);
    assert_string_equal(second.owner, "broker-1");
    assert_int_equal(lease_now("broker-1", 60000).epoch, 1);           /* renewed */
    assert_int_equal(lease_now("broker-2", 0).outcome, DELIVERY_DONE); /* gives up what it has not */
    assert_string_equal(lease_now("broker-2", 60000).owner, "broker-1");
    assert_int_equal(lease_now("broker-1", 0).outcome, DELIVERY_DONE);
    second = lease_now("broker-2", 60000);
    assert_int_equal(second.outcome, DELIVERY_DONE);
    assert_int_equal(second.epoch, 2);
}

static void a_lease_that_lapsed_comes_back_under_a_new_epoch(void **state)
{
    (void)state;
    uint64_t epoch = held_by("broker-1").epoch;
    struct keyname name;
    keyname_lease(&name, PARTITION);
    freeReplyObject(store_fixture_ask(&FIXTURE, "HSET", name.text, "u", "1000", NULL)); /* long past */
    assert_int_equal(lease_now("broker-1", 60000).epoch, epoch + 1);
    freeReplyObject(store_fixture_ask(&FIXTURE, "HSET", name.text, "u", "1000", NULL));
    struct lease_answer other = lease_now("broker-2", 60000);
    assert_int_equal(other.outcome, DELIVERY_DONE);
    assert_int_equal(other.epoch, epoch + 2);
}

static void a_clock_set_back_does_not_keep_a_partition_from_the_living(void **state)
{
    (void)state;
    struct lease_answer dead = lease_now("broker-1", 5000);
    struct keyname name;
    char far[24];
    keyname_lease(&name, PARTITION);
    snprintf(far, sizeof far, "%lld", (long long)dead.now_ms + 3600 * 1000); /* as if an hour had been taken away */
    freeReplyObject(store_fixture_ask(&FIXTURE, "HSET", name.text, "u", far, NULL));
    struct lease_answer other = lease_now("broker-2", 5000);
    assert_int_equal(other.outcome, DELIVERY_DONE);
    assert_int_equal(other.epoch, dead.epoch + 1);
}

static void a_store_that_lost_its_functions_is_mended_by_who_asks_for_a_lease(void **state)
{
    (void)state;
    freeReplyObject(store_fixture_ask(&FIXTURE, "FUNCTION", "FLUSH", NULL));
    assert_int_equal(lease_now("broker-1", 5000).outcome, DELIVERY_UNAVAILABLE);
    assert_int_equal(lease_now("broker-1", 5000).outcome, DELIVERY_DONE);
}

static void an_owner_of_the_past_changes_nothing(void **state)
{
    (void)state;
    struct store *store = &FIXTURE.store;
    struct lease past = held_by("broker-1");
    lease_now("broker-1", 0);
    struct lease now = held_by("broker-2");
    struct lease stolen_epoch = {"broker-1", now.epoch};
    struct lease old_epoch = {"broker-2", past.epoch};
    struct lease bad[] = {past, stolen_epoch, old_epoch};
    struct cursor cursor = {"planning", {9, 9}};
    char before[41], after[41];
    store_fixture_digest(&FIXTURE, before);
    for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
        struct lease *lease = &bad[i];
        assert_int_equal(
            outcome_of(cursors_send(store, PARTITION, lease, 1, &cursor, on_outcome, NULL)), DELIVERY_FENCED);
        assert_int_equal(outcome_of(attempt_send(store, PARTITION, lease, &POISON, on_attempt, NULL)), DELIVERY_FENCED);
        assert_int_equal(
            outcome_of(dead_send(store, PARTITION, lease, &POISON, "INTERNAL", on_outcome, NULL)), DELIVERY_FENCED);
        assert_int_equal(
            outcome_of(drain_to_send(store, PARTITION, lease, &POISON, on_outcome, NULL)), DELIVERY_FENCED);
        assert_int_equal(
            outcome_of(task_done_send(store, PARTITION, lease, "claims", (struct stream_id){1, 1}, on_outcome, NULL)),
            DELIVERY_FENCED);
    }
    store_fixture_digest(&FIXTURE, after);
    assert_string_equal(before, after);
}

static void cursors_of_several_groups_move_together(void **state)
{
    (void)state;
    assert_false(state_now().has_cursor);
    struct lease lease = held_by("broker-1");
    struct cursor cursors[] = {{"planning", {1700, 3}}, {"claims", {1800, 0}}};
    assert_int_equal(
        outcome_of(cursors_send(&FIXTURE.store, PARTITION, &lease, 2, cursors, on_outcome, NULL)), DELIVERY_DONE);
    struct delivery_state now = state_now();
    assert_true(now.has_cursor);
    assert_int_equal(now.cursor.ms, 1700);
    assert_int_equal(now.cursor.n, 3);
}

static void attempts_are_counted_until_the_letter_is_dead(void **state)
{
    (void)state;
    struct store *store = &FIXTURE.store;
    struct lease lease = held_by("broker-1");
    for (uint64_t n = 1; n <= 5; n++) {
        outcome_of(attempt_send(store, PARTITION, &lease, &POISON, on_attempt, NULL));
        assert_int_equal(ATTEMPTS, n);
    }
    assert_int_equal(
        outcome_of(dead_send(store, PARTITION, &lease, &POISON, "INTERNAL", on_outcome, NULL)), DELIVERY_DONE);
    /* Its answer may have been lost: the same again adds nothing. */
    assert_int_equal(
        outcome_of(dead_send(store, PARTITION, &lease, &POISON, "INTERNAL", on_outcome, NULL)), DELIVERY_DONE);
    struct delivery_state now = state_now();
    assert_int_equal(now.letter_count, 1);
    assert_int_equal(now.letters[0].attempts, 5);
    assert_int_equal(now.letters[0].sequence, 5);
    assert_string_equal(now.letters[0].root, ROOT);
    assert_string_equal(now.letters[0].tenant, DEMO);
    assert_string_equal(now.letters[0].reason, "INTERNAL");
    assert_int_equal(stream_id_compare(now.letters[0].at, POISON.at), 0);
    assert_int_equal(now.parked_count, 1);
    assert_false(now.parked[0].draining);
    assert_string_equal(now.parked[0].root, ROOT);
    assert_int_equal(now.parked[0].sequence, 5);
    assert_int_equal(stream_id_compare(now.parked[0].at, POISON.at), 0);
    outcome_of(attempt_send(store, PARTITION, &lease, &POISON, on_attempt, NULL));
    assert_int_equal(ATTEMPTS, 1); /* counted anew after a retry */
}

static struct stream_id park(const struct lease *lease)
{
    assert_int_equal(
        outcome_of(dead_send(&FIXTURE.store, PARTITION, lease, &POISON, "INTERNAL", on_outcome, NULL)), DELIVERY_DONE);
    return state_now().letters[0].id;
}

static void a_retried_root_drains_and_is_live_again(void **state)
{
    (void)state;
    struct store *store = &FIXTURE.store;
    struct lease lease = held_by("broker-1");
    struct delivery_record next = POISON, end = POISON;
    struct stream_id letter = park(&lease);
    /* A root that is parked does not drain before an operator says so. */
    assert_int_equal(outcome_of(drain_to_send(store, PARTITION, &lease, &POISON, on_outcome, NULL)), DELIVERY_GONE);
    assert_int_equal(outcome_of(dead_retry_send(store, PARTITION, &POISON, letter, on_outcome, NULL)), DELIVERY_DONE);
    struct delivery_state now = state_now();
    assert_true(now.parked[0].draining);
    assert_int_equal(now.parked[0].sequence, 5);
    assert_int_equal(now.letter_count, 0);
    next.sequence = 6;
    next.at = (struct stream_id){1701, 0};
    assert_int_equal(outcome_of(drain_to_send(store, PARTITION, &lease, &next, on_outcome, NULL)), DELIVERY_DONE);
    now = state_now();
    assert_int_equal(now.parked[0].sequence, 6);
    assert_int_equal(now.parked[0].at.ms, 1701);
    end.sequence = 0;
    assert_int_equal(outcome_of(drain_to_send(store, PARTITION, &lease, &end, on_outcome, NULL)), DELIVERY_DONE);
    assert_int_equal(state_now().parked_count, 0);
    assert_int_equal(outcome_of(dead_retry_send(store, PARTITION, &POISON, letter, on_outcome, NULL)), DELIVERY_GONE);
}

static void a_draining_root_that_fails_again_is_parked_again(void **state)
{
    (void)state;
    struct lease lease = held_by("broker-1");
    struct stream_id letter = park(&lease);
    outcome_of(dead_retry_send(&FIXTURE.store, PARTITION, &POISON, letter, on_outcome, NULL));
    park(&lease);
    struct delivery_state now = state_now();
    assert_int_equal(now.letter_count, 1);
    assert_false(now.parked[0].draining);
}

static void a_skipped_record_counts_as_handled(void **state)
{
    (void)state;
    struct store *store = &FIXTURE.store;
    struct lease lease = held_by("broker-1");
    struct stream_id letter = park(&lease);
    struct delivery_record other = POISON;
    other.sequence = 4;
    assert_int_equal(outcome_of(dead_skip_send(store, PARTITION, &other, letter, on_outcome, NULL)), DELIVERY_GONE);
    assert_int_equal(outcome_of(dead_skip_send(store, PARTITION, &POISON, letter, on_outcome, NULL)), DELIVERY_DONE);
    assert_int_equal(outcome_of(dead_skip_send(store, PARTITION, &POISON, letter, on_outcome, NULL)), DELIVERY_GONE);
    struct delivery_state now = state_now();
    assert_int_equal(now.letter_count, 0);
    assert_true(now.parked[0].draining);
    assert_int_equal(now.parked[0].sequence, 6);
    assert_int_equal(load_now(&FIXTURE, NULL, NULL).inbox, 5);
    struct commit late = commit_of(&FIXTURE, "");
    late.inbox_group = "planning";
    late.inbox_sequence = 5;
    assert_int_equal(commit_now(&FIXTURE, &late), COMMIT_APPLIED);
}

static void on_lanes(struct lanes *lanes)
{
    (void)lanes;
    FIXTURE.waiting--;
}

static void on_page(struct lane_page *page)
{
    (void)page;
    FIXTURE.waiting--;
}

static void a_delivered_task_leaves_its_lane(void **state)
{
    (void)state;
    struct lease lease = held_by("broker-1");
    struct commit_task task = {"claims", bytes_of_text("task")};
    struct commit commit = commit_of(&FIXTURE, "cmd-1");
    commit.task_count = 1;
    commit.tasks = &task;
    assert_int_equal(commit_now(&FIXTURE, &commit), COMMIT_COMMITTED);
    struct lane_page page = {
        .partition = PARTITION, .dest = "claims", .count_max = 5, .arena = &FIXTURE.arena, .done = on_page};
    outcome_of(lane_page_send(&FIXTURE.store, &page));
    assert_int_equal(page.count, 1);
    struct stream_id id = page.tasks[0].id;
    assert_int_equal(
        outcome_of(task_done_send(&FIXTURE.store, PARTITION, &lease, "claims", id, on_outcome, NULL)), DELIVERY_DONE);
    assert_int_equal(
        outcome_of(task_done_send(&FIXTURE.store, PARTITION, &lease, "claims", id, on_outcome, NULL)), DELIVERY_GONE);
    struct lanes lanes = {.partition = PARTITION, .arena = &FIXTURE.arena, .done = on_lanes};
    outcome_of(lanes_send(&FIXTURE.store, &lanes));
    assert_int_equal(lanes.count, 0);
}

static void the_end_of_the_log_is_known_to_a_new_owner(void **state)
{
    (void)state;
    assert_int_equal(state_now().log_end.ms, 0);
    struct commit commit = commit_of(&FIXTURE, "cmd-1");
    struct commit_event event = {"intake.ReferralReceived", bytes_of_text("event")};
    commit.event_count = 1;
    commit.events = &event;
    assert_int_equal(commit_now(&FIXTURE, &commit), COMMIT_COMMITTED);
    assert_int_equal(stream_id_compare(state_now().log_end, commit.root_after.last), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, empty)
    const struct CMUnitTest tests[] = {
        TEST(a_partition_has_one_owner_at_a_time),
        TEST(a_lease_that_lapsed_comes_back_under_a_new_epoch),
        TEST(a_store_that_lost_its_functions_is_mended_by_who_asks_for_a_lease),
        TEST(a_clock_set_back_does_not_keep_a_partition_from_the_living),
        TEST(an_owner_of_the_past_changes_nothing),
        TEST(cursors_of_several_groups_move_together),
        TEST(attempts_are_counted_until_the_letter_is_dead),
        TEST(a_retried_root_drains_and_is_live_again),
        TEST(a_draining_root_that_fails_again_is_parked_again),
        TEST(a_skipped_record_counts_as_handled),
        TEST(a_delivered_task_leaves_its_lane),
        TEST(the_end_of_the_log_is_known_to_a_new_owner),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
