/* Every outcome of a commit, against a real Redis; and that a refused one changes nothing at all. */
#include "tests/store/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/must.h"
#include "common/store/delivery.h"
#include "common/store/keyname.h"
#include "common/store/lane.h"
#include "common/store/timers.h"

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

static struct load_aggregate referral(void)
{
    return (struct load_aggregate){.service = "intake", .kind = "referral", .id = "r1"};
}

static struct commit_state first_state(const char *body)
{
    return (struct commit_state){.kind = "referral", .id = "r1", .schema = 1, .body = bytes_of_text(body)};
}

/* Commits version 1 of referral r1 with one event, and gives back its stamp and the root. */
static struct stamp commit_first(struct root_state *root)
{
    struct commit commit = commit_of(&FIXTURE, "cmd-first");
    struct commit_state state = first_state("version one");
    struct commit_event event = {"intake.ReferralReceived", bytes_of_text("event one")};
    commit.state_count = 1;
    commit.states = &state;
    commit.event_count = 1;
    commit.events = &event;
    assert_int_equal(commit_now(&FIXTURE, &commit), COMMIT_COMMITTED);
    *root = commit.root_after;
    return commit.stamps[0];
}

static void assert_bytes(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.at, text, bytes.size);
}

/* Runs the commit, which must come out so, and must leave every key as it was. */
static void assert_refused(struct commit *commit, enum commit_outcome outcome)
{
    char before[41], after[41];
    store_fixture_digest(&FIXTURE, before);
    commit_wait(&FIXTURE, commit);
    store_fixture_digest(&FIXTURE, after);
    assert_string_equal(commit_outcome_word(commit->outcome), commit_outcome_word(outcome));
    assert_string_equal(before, after);
}

static void a_commit_is_loaded_as_it_was_written(void **state)
{
    (void)state;
    struct root_state root;
    struct stamp stamp = commit_first(&root);
    struct load_aggregate aggregate = referral();
    struct load load = load_now(&FIXTURE, "cmd-first", &aggregate);
    assert_int_equal(load.fault, FAULT_NONE);
    assert_int_equal(load.root_state.sequence, 1);
    assert_memory_equal(&load.root_state, &root, sizeof root);
    assert_memory_equal(&aggregate.stamp, &stamp, sizeof stamp);
    assert_int_equal(aggregate.stamp.version, 1);
    assert_int_equal(aggregate.schema, 1);
    assert_bytes(aggregate.body, "version one");
    assert_true(load.seen);
    assert_int_equal(load.sequence, 1);
    assert_bytes(load.reply, "first reply");
}

static void what_is_not_there_has_version_0(void **state)
{
    (void)state;
    struct load_aggregate aggregate = referral();
    struct load load = load_now(&FIXTURE, "cmd-none", &aggregate);
    assert_int_equal(load.fault, FAULT_NONE);
    assert_int_equal(aggregate.stamp.version, 0);
    assert_int_equal(load.root_state.sequence, 0);
    assert_false(load.seen);
}

static void the_same_command_again_gets_the_first_reply(void **state)
{
    (void)state;
    struct root_state root;
    commit_first(&root);
    struct commit commit = commit_of(&FIXTURE, "cmd-first");
    struct commit_state other = first_state("something else");
    commit.state_count = 1;
    commit.states = &other;
    commit.reply = bytes_of_text("second reply");
    assert_refused(&commit, COMMIT_DUP);
    assert_bytes(commit.answer, "first reply");
    assert_int_equal(commit.answer_sequence, 1);
}

static void the_same_id_with_other_content_is_a_conflict(void **state)
{
    (void)state;
    struct root_state root;
    commit_first(&root);
    struct commit commit = commit_of(&FIXTURE, "cmd-first");
    commit.fingerprint[3] ^= 1;
    assert_refused(&commit, COMMIT_CONFLICT);
}

static void an_aggregate_that_was_changed_meanwhile_is_stale(void **state)
{
    (void)state;
    struct root_state root;
    struct stamp stamp = commit_first(&root);
    struct commit_state next = first_state("version two");
    struct commit commit = commit_of(&FIXTURE, "cmd-second");
    commit.expected_root = root;
    commit.state_count = 1;
    commit.states = &next; /* expects that there is none */
    assert_refused(&commit, COMMIT_STALE);

    next.expected = stamp;
    next.expected.record_id[0] ^= 1; /* the same version, written by another record: a fork */
    assert_refused(&commit, COMMIT_STALE);

    next.expected = stamp;
    assert_int_equal(commit_now(&FIXTURE, &commit), COMMIT_COMMITTED);
    assert_int_equal(commit.root_after.sequence, 2);
}

static void a_guard_that_was_changed_meanwhile_is_stale(void **state)
{
    (void)state;
    struct root_state root;
    struct stamp stamp = commit_first(&root);
    struct commit_state plan = {.kind = "plan", .id = "p1", .body = bytes_of_text("plan")};
    struct commit_guard guard = {"intake", "referral", "r1", {0}};
    struct commit commit = commit_of(&FIXTURE, "cmd-plan");
    commit.service = "planning";
    commit.expected_root = root;
    commit.state_count = 1;
    commit.states = &plan;
    commit.guard_count = 1;
    commit.guards = &guard;
    assert_refused(&commit, COMMIT_STALE);
    guard.expected = stamp;
    assert_int_equal(commit_now(&FIXTURE, &commit), COMMIT_COMMITTED);
}

static void a_root_that_moved_on_is_chained_anew(void **state)
{
    (void)state;
    struct root_state root;
    commit_first(&root);
    struct commit_state note = {.kind = "note", .id = "n1", .body = bytes_of_text("note")};
    struct commit commit = commit_of(&FIXTURE, "cmd-note"); /* decided when the root had no record yet */
    commit.state_count = 1;
    commit.states = &note;
    assert_int_equal(commit_now(&FIXTURE, &commit), COMMIT_COMMITTED);
    assert_int_equal(commit.root_after.sequence, 2);
    assert_int_equal(FIXTURE.store.counts.rehashed, 1);
    struct load load = load_now(&FIXTURE, NULL, NULL);
    assert_memory_equal(&load.root_state, &commit.root_after, sizeof load.root_state);
}

static void a_root_that_is_gone_is_stale(void **state)
{
    (void)state;
    struct commit_state note = {.kind = "note", .id = "n1", .body = bytes_of_text("note")};
    struct commit commit = commit_of(&FIXTURE, "cmd-note");
    commit.expected_root.sequence = 4;
    memset(commit.expected_root.head, 9, RECORD_ID_SIZE);
    commit.state_count = 1;
    commit.states = &note;
    assert_refused(&commit, COMMIT_STALE);
}

static void an_event_is_handled_once_by_a_group(void **state)
{
    (void)state;
    struct root_state root;
    commit_first(&root);
    struct commit mark = commit_of(&FIXTURE, "");
    mark.service = "planning";
    mark.inbox_group = "planning";
    mark.inbox_sequence = 1;
    assert_int_equal(commit_now(&FIXTURE, &mark), COMMIT_COMMITTED);
    assert_int_equal(mark.root_after.sequence, 0); /* no record: the root stays as the commit knew it */
    struct load load = load_now(&FIXTURE, NULL, NULL);
    assert_int_equal(load.inbox, 1);
    assert_memory_equal(&load.root_state, &root, sizeof root);

    struct commit_state plan = {.kind = "plan", .id = "p1", .body = bytes_of_text("plan")};
    struct commit again = commit_of(&FIXTURE, "");
    again.service = "planning";
    again.expected_root = root;
    again.inbox_group = "planning";
    again.inbox_sequence = 1;
    again.state_count = 1;
    again.states = &plan;
    assert_refused(&again, COMMIT_APPLIED);
    again.inbox_sequence = 2;
    assert_int_equal(commit_now(&FIXTURE, &again), COMMIT_COMMITTED);
    again = commit_of(&FIXTURE, "");
    again.inbox_group = "claims"; /* each group has a mark of its own */
    again.inbox_sequence = 1;
    assert_int_equal(commit_now(&FIXTURE, &again), COMMIT_COMMITTED);
}

static void on_timers(struct timers_due *due)
{
    ((struct store_fixture *)due->user)->waiting--;
}

static struct timers_due due_after(size_t skip)
{
    struct timers_due due = {.partition = PARTITION,
        .count_max = 10,
        .skip = skip,
        .arena = &FIXTURE.arena,
        .done = on_timers,
        .user = &FIXTURE};
    assert_int_equal(timers_due_send(&FIXTURE.store, &due), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    assert_int_equal(due.fault, FAULT_NONE);
    return due;
}

static struct timers_due due_now(void)
{
    return due_after(0);
}

static void due_timers_come_in_pages(void **state)
{
    (void)state;
    struct commit_timer timers[12];
    for (size_t i = 0; i < ARRAY_LENGTH(timers); i++) {
        timers[i] = (struct commit_timer){"referral", "r1", arena_printf(&FIXTURE.arena, "n%02zu", i), 1000};
    }
    struct commit set = commit_of(&FIXTURE, "cmd-set");
    set.timer_count = ARRAY_LENGTH(timers);
    set.timers = timers;
    assert_int_equal(commit_now(&FIXTURE, &set), COMMIT_COMMITTED);
    assert_int_equal(due_now().count, 10);
    struct timers_due rest = due_after(10);
    assert_int_equal(rest.count, 2);
    assert_string_equal(rest.timers[0].name, "n10");
}

static void a_due_timer_is_handled_once(void **state)
{
    (void)state;
    struct commit_timer timers[] = {{"referral", "r1", "contact", 1000}, {"referral", "r1", "review", 9000000000000}};
    struct commit set = commit_of(&FIXTURE, "cmd-set");
    set.timer_count = 2;
    set.timers = timers;
    assert_int_equal(commit_now(&FIXTURE, &set), COMMIT_COMMITTED);
    struct timers_due due = due_now();
    assert_int_equal(due.count, 1);
    assert_int_equal(due.timers[0].due_ms, 1000);
    assert_int_equal(due.next_ms, 9000000000000);
    assert_string_equal(due.timers[0].name, "contact");
    assert_string_equal(due.timers[0].service, "intake");
    assert_string_equal(due.timers[0].root, ROOT);

    struct commit fire = commit_of(&FIXTURE, "cmd-fire");
    fire.handled_timer = due.timers[0].member;
    fire.handled_due_ms = 999; /* it was set anew since */
    assert_refused(&fire, COMMIT_APPLIED);
    fire.handled_due_ms = 1000;
    assert_int_equal(commit_now(&FIXTURE, &fire), COMMIT_COMMITTED);
    assert_int_equal(due_now().count, 0);
    fire = commit_of(&FIXTURE, "cmd-fire-again");
    fire.handled_timer = due.timers[0].member;
    fire.handled_due_ms = 1000;
    assert_refused(&fire, COMMIT_APPLIED);
}

static void a_timer_may_be_moved_and_cancelled(void **state)
{
    (void)state;
    struct commit_timer timer = {"referral", "r1", "contact", 1000};
    struct commit set = commit_of(&FIXTURE, "cmd-set");
    set.timer_count = 1;
    set.timers = &timer;
    assert_int_equal(commit_now(&FIXTURE, &set), COMMIT_COMMITTED);
    timer.due_ms = 2000;
    struct commit move = commit_of(&FIXTURE, "cmd-move");
    move.timer_count = 1;
    move.timers = &timer;
    assert_int_equal(commit_now(&FIXTURE, &move), COMMIT_COMMITTED);
    struct timers_due due = due_now();
    assert_int_equal(due.count, 1);
    assert_int_equal(due.timers[0].due_ms, 2000);
    assert_int_equal(due.next_ms, INT64_MAX);
    struct commit cancel = commit_of(&FIXTURE, "cmd-cancel");
    cancel.cancel_count = 1;
    cancel.cancels = &timer;
    assert_int_equal(commit_now(&FIXTURE, &cancel), COMMIT_COMMITTED);
    assert_int_equal(due_now().count, 0);
}

static void on_lanes(struct lanes *lanes)
{
    ((struct store_fixture *)lanes->user)->waiting--;
}

static struct lanes lanes_now(void)
{
    struct lanes lanes = {.partition = PARTITION, .arena = &FIXTURE.arena, .done = on_lanes, .user = &FIXTURE};
    assert_int_equal(lanes_send(&FIXTURE.store, &lanes), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    return lanes;
}

static void on_page(struct lane_page *page)
{
    ((struct store_fixture *)page->user)->waiting--;
}

static struct lane_page page_now(const char *dest)
{
    struct lane_page page = {.partition = PARTITION,
        .dest = dest,
        .count_max = 10,
        .arena = &FIXTURE.arena,
        .done = on_page,
        .user = &FIXTURE};
    assert_int_equal(lane_page_send(&FIXTURE.store, &page), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    return page;
}

static void a_task_stays_in_its_lane_until_it_is_answered(void **state)
{
    (void)state;
    struct commit_task tasks[] = {
        {"payer/demo/acme", bytes_of_text("question 1")},
        {"scheduling", bytes_of_text("command")},
        {"payer/demo/acme", bytes_of_text("question 2")},
    };
    struct commit ask = commit_of(&FIXTURE, "cmd-ask");
    ask.task_count = 3;
    ask.tasks = tasks;
    assert_int_equal(commit_now(&FIXTURE, &ask), COMMIT_COMMITTED);
    assert_int_equal(lanes_now().count, 2);
    struct lane_page page = page_now("payer/demo/acme");
    assert_int_equal(page.count, 2);
    assert_bytes(page.tasks[0].body, "question 1");
    assert_bytes(page.tasks[1].body, "question 2");
    for (size_t i = 0; i < 2; i++) {
        char id[16];
        snprintf(id, sizeof id, "cmd-answer-%zu", i);
        struct commit answer = commit_of(&FIXTURE, arena_strdup(&FIXTURE.arena, id));
        answer.handled_lane = "payer/demo/acme";
        answer.handled_task = page.tasks[i].id;
        assert_int_equal(commit_now(&FIXTURE, &answer), COMMIT_COMMITTED);
    }
    struct lanes lanes = lanes_now();
    assert_int_equal(lanes.count, 1);
    assert_string_equal(lanes.dests[0], "scheduling");
}

static void a_batch_carries_out_each_commit_on_its_own(void **state)
{
    (void)state;
    struct commit commits[6];
    struct commit *list[6];
    struct commit_state states[6];
    const char *ids[] = {"n0", "n1", "n2", "n2", "n4", "n5"}; /* the fourth finds n2 written by the third */
    char commands[6][8];
    struct commit_timer timer = {"note", "n0", "t", 5};
    struct commit_task task = {"claims", bytes_of_text("t")};
    struct commit_entry entries[] = {{"todo", "nurse-1", "n", 4, false}, {"old", NULL, "n", 0, true}};
    for (size_t i = 0; i < 6; i++) {
        snprintf(commands[i], sizeof commands[i], "cmd-%zu", i == 5 ? 0 : i); /* the last repeats the first */
        commits[i] = commit_of(&FIXTURE, commands[i]);
        states[i] = (struct commit_state){.kind = "note", .id = ids[i], .body = bytes_of_text(ids[i])};
        commits[i].state_count = 1;
        commits[i].states = &states[i];
        list[i] = &commits[i];
    }
    commits[0].timer_count = commits[0].cancel_count = 1;
    commits[0].timers = commits[0].cancels = &timer;
    commits[1].task_count = 1;
    commits[1].tasks = &task;
    commits[2].entry_count = 2;
    commits[2].entries = entries;
    commits[3].task_count = 1; /* would be written, were it not refused */
    commits[3].tasks = &task;
    struct why why = {""};
    assert_int_equal(commit_send_many(&FIXTURE.store, list, 6, &why), FAULT_NONE);
    FIXTURE.waiting += 6;
    store_fixture_wait(&FIXTURE);
    static const enum commit_outcome EXPECTED[] = {
        COMMIT_COMMITTED, COMMIT_COMMITTED, COMMIT_COMMITTED, COMMIT_STALE, COMMIT_COMMITTED, COMMIT_DUP};
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(commit_outcome_word(commits[i].outcome), commit_outcome_word(EXPECTED[i]));
    }
    assert_int_equal(load_now(&FIXTURE, NULL, NULL).root_state.sequence, 4);
    assert_int_equal(page_now("claims").count, 1);
}

static void a_commit_of_unknown_tenant_or_too_long_lists_is_not_sent(void **state)
{
    (void)state;
    struct why why = {""};
    struct commit commit = commit_of(&FIXTURE, "cmd");
    commit.tenant = "nobody";
    assert_int_equal(commit_send(&FIXTURE.store, &commit, &why), FAULT_INVALID);
    assert_non_null(strstr(why.text, "nobody"));
    commit = commit_of(&FIXTURE, "cmd");
    struct commit_timer timers[COMMIT_LIST_MAX + 1] = {0};
    commit.timers = timers;
    commit.timer_count = COMMIT_LIST_MAX + 1;
    assert_int_equal(commit_send(&FIXTURE.store, &commit, &why), FAULT_INVALID);
    commit = commit_of(&FIXTURE, "cmd");
    struct commit_entry entry = {"todo", NULL, "n", INT64_MAX, false};
    commit.entries = &entry;
    commit.entry_count = 1;
    assert_int_equal(commit_send(&FIXTURE.store, &commit, &why), FAULT_INVALID);
}

static void a_redis_that_lost_its_functions_gets_them_again(void **state)
{
    (void)state;
    freeReplyObject(store_fixture_ask(&FIXTURE, "FUNCTION", "FLUSH", NULL));
    struct root_state root;
    commit_first(&root);
    assert_int_equal(FIXTURE.store.counts.library_loads, 1);
}

static void an_altered_body_is_a_fault_and_not_a_crash(void **state)
{
    (void)state;
    struct root_state root;
    commit_first(&root);
    struct keyname name;
    keyname_aggregate(&name, PARTITION, "intake", "referral", DEMO, "r1");
    freeReplyObject(store_fixture_ask(&FIXTURE, "SETRANGE", name.text, "80", "x", NULL));
    struct load_aggregate aggregate = referral();
    struct load load = load_now(&FIXTURE, NULL, &aggregate);
    assert_int_equal(load.fault, FAULT_INTERNAL);
    assert_non_null(strstr(load.why.text, "r1"));
    freeReplyObject(store_fixture_ask(&FIXTURE, "SET", name.text, "short", NULL));
    assert_int_equal(load_now(&FIXTURE, NULL, &aggregate).fault, FAULT_INTERNAL);
}

static void on_lease(void *user, const struct lease_answer *answer)
{
    *(struct lease_answer *)user = *answer;
    FIXTURE.waiting--;
}

static void on_outcome(void *user, enum delivery_outcome outcome)
{
    *(enum delivery_outcome *)user = outcome;
    FIXTURE.waiting--;
}

static void a_full_redis_refuses_commits_and_still_takes_what_brokers_write(void **state)
{
    (void)state;
    freeReplyObject(store_fixture_ask(&FIXTURE, "CONFIG", "SET", "maxmemory", "1kb", NULL));
    struct commit_state note = {.kind = "note", .id = "n1", .body = bytes_of_text("note")};
    struct commit commit = commit_of(&FIXTURE, "cmd-note");
    commit.state_count = 1;
    commit.states = &note;
    assert_refused(&commit, COMMIT_OVERLOADED);
    struct lease_answer lease;
    enum delivery_outcome outcome = DELIVERY_UNAVAILABLE;
    assert_int_equal(lease_send(&FIXTURE.store, PARTITION, "broker-1", 5000, on_lease, &lease), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    struct lease held = {"broker-1", lease.epoch};
    struct cursor cursor = {"planning", {5, 0}};
    assert_int_equal(cursors_send(&FIXTURE.store, PARTITION, &held, 1, &cursor, on_outcome, &outcome), FAULT_NONE);
    FIXTURE.waiting++;
    store_fixture_wait(&FIXTURE);
    assert_int_equal(outcome, DELIVERY_DONE);
    freeReplyObject(store_fixture_ask(&FIXTURE, "CONFIG", "SET", "maxmemory", "1gb", NULL));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, empty)
    const struct CMUnitTest tests[] = {
        TEST(a_commit_is_loaded_as_it_was_written),
        TEST(what_is_not_there_has_version_0),
        TEST(the_same_command_again_gets_the_first_reply),
        TEST(the_same_id_with_other_content_is_a_conflict),
        TEST(an_aggregate_that_was_changed_meanwhile_is_stale),
        TEST(a_guard_that_was_changed_meanwhile_is_stale),
        TEST(a_root_that_moved_on_is_chained_anew),
        TEST(a_root_that_is_gone_is_stale),
        TEST(an_event_is_handled_once_by_a_group),
        TEST(due_timers_come_in_pages),
        TEST(a_due_timer_is_handled_once),
        TEST(a_timer_may_be_moved_and_cancelled),
        TEST(a_task_stays_in_its_lane_until_it_is_answered),
        TEST(a_batch_carries_out_each_commit_on_its_own),
        TEST(a_commit_of_unknown_tenant_or_too_long_lists_is_not_sent),
        TEST(a_redis_that_lost_its_functions_gets_them_again),
        TEST(an_altered_body_is_a_fault_and_not_a_crash),
        TEST(a_full_redis_refuses_commits_and_still_takes_what_brokers_write),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
