/* What is refused at start, and what a crash of Redis leaves: everything that was acknowledged. */
#include "tests/store/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/core/clock.h"
#include "common/core/must.h"
#include "common/store/library.h"
#include "common/store/start.h"

static struct redis_fixture REDIS;

static int start(void **state)
{
    (void)state;
    redis_fixture_start(&REDIS, NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_fixture_stop(&REDIS);
    return 0;
}

static enum fault check(bool allow_everysec, int64_t timeout_ms, struct why *why)
{
    struct store store;
    struct start_settings settings = {timeout_ms, allow_everysec};
    why->text[0] = '\0';
    assert_int_equal(store_init(&store, REDIS.address, NULL, why), FAULT_NONE);
    enum fault fault = start_check(&store, &settings, why);
    store_done(&store);
    return fault;
}

static void ask(const char *a, const char *b, const char *c, const char *d)
{
    struct redis *redis = redis_new(REDIS.address);
    redisReply *reply = redis_ask_words(redis, 5000, a, b, c, d, NULL);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redis_free(&redis);
}

struct bad_setting {
    const char *name;
    const char *bad;
    const char *good;
};

static void a_redis_that_could_lose_cases_is_refused_in_a_sentence(void **state)
{
    (void)state;
    static const struct bad_setting ROWS[] = {
        {"maxmemory-policy", "allkeys-lru", "noeviction"},
        {"maxmemory-policy", "volatile-ttl", "noeviction"},
        {"maxmemory", "0", "1gb"},
        {"appendonly", "no", "yes"},
        {"appendfsync", "everysec", "always"},
        {"appendfsync", "no", "always"},
    };
    struct why why;
    assert_int_equal(check(false, 5000, &why), FAULT_NONE);
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        ask("CONFIG", "SET", ROWS[i].name, ROWS[i].bad);
        assert_int_equal(check(false, 5000, &why), FAULT_REFUSED);
        assert_non_null(strstr(why.text, ROWS[i].name));
        assert_non_null(strstr(why.text, ROWS[i].bad));
        ask("CONFIG", "SET", ROWS[i].name, ROWS[i].good);
        assert_int_equal(check(false, 5000, &why), FAULT_NONE);
    }
}

static void everysec_is_allowed_only_where_it_is_asked_for(void **state)
{
    (void)state;
    struct why why;
    ask("CONFIG", "SET", "appendfsync", "everysec");
    assert_int_equal(check(false, 5000, &why), FAULT_REFUSED);
    assert_int_equal(check(true, 5000, &why), FAULT_NONE);
    ask("CONFIG", "SET", "appendfsync", "no");
    assert_int_equal(check(true, 5000, &why), FAULT_REFUSED);
    ask("CONFIG", "SET", "appendfsync", "always");
}

static void a_redis_that_is_not_there_is_unavailable_in_time(void **state)
{
    (void)state;
    struct why why;
    redis_fixture_kill(&REDIS);
    int64_t before_ms = clock_monotonic_ms();
    assert_int_equal(check(false, 100, &why), FAULT_UNAVAILABLE);
    assert_true(clock_monotonic_ms() - before_ms < 10000);
    assert_non_null(strstr(why.text, REDIS.address));
    redis_fixture_restart(&REDIS, NULL);
}

static void load_library(const char *code)
{
    struct redis *redis = redis_new(REDIS.address);
    struct bytes argv[] = {bytes_of_text("FUNCTION"), bytes_of_text("LOAD"), bytes_of_text(code)};
    redisReply *reply = redis_ask_blocking(redis, 5000, 3, argv);
    assert_non_null(reply);
    assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
    freeReplyObject(reply);
    redis_free(&redis);
}

static void other_code_under_our_name_is_refused_and_left_alone(void **state)
{
    (void)state;
    static const char OTHER[] =
        "#!lua name=" LIBRARY_NAME "\nredis.register_function('cb_commit', function() return 'C1-1' end)";
    struct why why;
    ask("FUNCTION", "FLUSH", "SYNC", NULL);
    load_library(OTHER);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(check(false, 5000, &why), FAULT_REFUSED);
        assert_non_null(strstr(why.text, LIBRARY_NAME));
    }
    ask("FUNCTION", "FLUSH", "SYNC", NULL);
    assert_int_equal(check(false, 5000, &why), FAULT_NONE);
}

static void processes_that_start_at_once_all_find_the_library(void **state)
{
    (void)state;
    ask("FUNCTION", "FLUSH", "SYNC", NULL);
    for (int i = 0; i < 8; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct redis *redis = redis_new(REDIS.address);
            struct why why;
            _exit(library_require(redis, 5000, &why) == FAULT_NONE ? 0 : 1);
        }
    }
    for (int i = 0; i < 8; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

/* ---- crashes ---- */

enum {
    CASES = 16,
    ROUNDS = 4,
    KILL_AFTER = 150, /* acknowledged commits, more or less */
};

struct crash_case {
    struct commit commit;
    struct commit_state state;
    struct arena arena;
    struct root_state acknowledged;
    struct stamp stamp;
    uint64_t body;
    char root[16];
    char command_id[40];
    bool in_flight;
    bool unknown;
};

static struct store_fixture STORE;
static struct crash_case CASES_OF[CASES];
static unsigned ACKNOWLEDGED;

static void on_commit(struct commit *commit)
{
    struct crash_case *c = commit->user;
    c->in_flight = false;
    STORE.waiting--;
    if (commit->outcome == COMMIT_COMMITTED) {
        c->acknowledged = commit->root_after;
        c->stamp = commit->stamps[0];
        ACKNOWLEDGED++;
    } else {
        assert_int_equal(commit->outcome, COMMIT_UNKNOWN);
        c->unknown = true;
    }
}

static void send(struct crash_case *c)
{
    struct why why;
    arena_reset(&c->arena);
    c->body++;
    snprintf(c->command_id, sizeof c->command_id, "%s-%llu", c->root, (unsigned long long)c->body);
    c->state = (struct commit_state){
        .kind = "referral", .id = c->root, .expected = c->stamp, .body = bytes_of(&c->body, sizeof c->body)};
    c->commit = commit_of(&STORE, c->command_id);
    c->commit.root = c->root;
    c->commit.expected_root = c->acknowledged;
    c->commit.state_count = 1;
    c->commit.states = &c->state;
    c->commit.arena = &c->arena;
    c->commit.done = on_commit;
    c->commit.user = c;
    if (commit_send(&STORE.store, &c->commit, &why) == FAULT_NONE) {
        c->in_flight = true;
        STORE.waiting++;
    } else {
        c->body--;
    }
}

/* Keeps all cases busy until so many more are acknowledged, then kills Redis with the rest in flight. */
static void commit_until_killed(void)
{
    unsigned goal = ACKNOWLEDGED + KILL_AFTER;
    while (ACKNOWLEDGED < goal) {
        for (size_t i = 0; i < CASES; i++) {
            if (!CASES_OF[i].in_flight) {
                send(&CASES_OF[i]);
            }
        }
        store_fixture_turn(&STORE);
    }
    for (size_t i = 0; i < CASES; i++) {
        if (!CASES_OF[i].in_flight) {
            send(&CASES_OF[i]);
        }
    }
    store_flush(&STORE.store);
    redis_fixture_kill(&STORE.redis);
    store_fixture_wait(&STORE);
}

static void on_load(struct load *load)
{
    (void)load;
    STORE.waiting--;
}

/* What was acknowledged is there; what is unknown is there whole or not at all, and its command id tells which. */
static void check_case(struct crash_case *c)
{
    struct load_aggregate aggregate = {.service = "intake", .kind = "referral", .id = c->root};
    struct load load = {.partition = PARTITION,
        .tenant = DEMO,
        .root = c->root,
        .command_id = c->command_id,
        .count = 1,
        .aggregates = &aggregate,
        .arena = &STORE.arena,
        .done = on_load};
    assert_int_equal(load_send(&STORE.store, &load), FAULT_NONE);
    STORE.waiting++;
    store_fixture_wait(&STORE);
    assert_int_equal(load.fault, FAULT_NONE);
    uint64_t expected = c->acknowledged.sequence + (c->unknown && load.seen ? 1 : 0);
    assert_true(load.seen || c->unknown);
    assert_int_equal(load.root_state.sequence, expected);
    assert_int_equal(aggregate.stamp.version, expected);
    if (!c->unknown) {
        assert_memory_equal(&load.root_state, &c->acknowledged, sizeof load.root_state);
    }
    c->acknowledged = load.root_state;
    c->stamp = aggregate.stamp;
    c->unknown = false;
}

static void nothing_acknowledged_is_lost_when_redis_is_killed(void **state)
{
    (void)state;
    store_fixture_start(&STORE, NULL);
    for (size_t i = 0; i < CASES; i++) {
        snprintf(CASES_OF[i].root, sizeof CASES_OF[i].root, "00a-case%zu", i);
        arena_init(&CASES_OF[i].arena, 0);
    }
    for (int round = 0; round < ROUNDS; round++) {
        commit_until_killed();
        redis_fixture_restart(&STORE.redis, NULL);
        store_fixture_reconnect(&STORE);
        for (size_t i = 0; i < CASES; i++) {
            check_case(&CASES_OF[i]);
        }
    }
    assert_true(ACKNOWLEDGED >= ROUNDS * KILL_AFTER);
    for (size_t i = 0; i < CASES; i++) {
        arena_done(&CASES_OF[i].arena);
    }
    store_fixture_stop(&STORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_redis_that_could_lose_cases_is_refused_in_a_sentence),
        cmocka_unit_test(everysec_is_allowed_only_where_it_is_asked_for),
        cmocka_unit_test(a_redis_that_is_not_there_is_unavailable_in_time),
        cmocka_unit_test(other_code_under_our_name_is_refused_and_left_alone),
        cmocka_unit_test(processes_that_start_at_once_all_find_the_library),
        cmocka_unit_test(nothing_acknowledged_is_lost_when_redis_is_killed),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
