#include "tests/store/store_fixture.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/clock.h"
#include "common/core/must.h"
#include "common/store/start.h"

enum {
    PATIENCE_MS = 20000,
    LINKS_MAX = 16,
};

static void connect_store(struct store_fixture *fixture)
{
    struct why why = {""};
    struct start_settings settings = {.timeout_ms = PATIENCE_MS};
    if (start_check(&fixture->store, &settings, &why) != FAULT_NONE) {
        fail_msg("%s", why.text);
    }
}

void store_fixture_start(struct store_fixture *fixture, const char *const *extra)
{
    struct why why = {""};
    const char *tenants[] = {DEMO};
    *fixture = (struct store_fixture){0};
    redis_fixture_start(&fixture->redis, extra);
    snprintf(fixture->keys_dir, sizeof fixture->keys_dir, "%s/keys", fixture->redis.dir);
    assert_int_equal(keys_open(fixture->keys_dir, tenants, 1, &fixture->keys, &why), FAULT_NONE);
    assert_int_equal(store_init(&fixture->store, fixture->redis.address, fixture->keys, &why), FAULT_NONE);
    arena_init(&fixture->arena, 0);
    connect_store(fixture);
}

void store_fixture_stop(struct store_fixture *fixture)
{
    store_done(&fixture->store);
    keys_close(&fixture->keys);
    arena_done(&fixture->arena);
    redis_fixture_stop(&fixture->redis);
}

void store_fixture_reconnect(struct store_fixture *fixture)
{
    connect_store(fixture);
}

void store_fixture_turn(struct store_fixture *fixture)
{
    struct store *store = &fixture->store;
    store_tick(store, clock_monotonic_ms());
    store_flush(store);
    struct pollfd pollers[LINKS_MAX];
    size_t count = shards_count(store->shards);
    assert_true(count <= LINKS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct redis *redis = shards_at(store->shards, i);
        pollers[i] = (struct pollfd){redis_fd(redis), (short)(POLLIN | (redis_wants_write(redis) ? POLLOUT : 0)), 0};
    }
    poll(pollers, count, 10);
    for (size_t i = 0; i < count; i++) {
        if (pollers[i].revents & POLLOUT) {
            redis_on_writable(shards_at(store->shards, i));
        }
        if (pollers[i].revents & (POLLIN | POLLHUP | POLLERR)) {
            redis_on_readable(shards_at(store->shards, i));
        }
    }
}

void store_fixture_wait(struct store_fixture *fixture)
{
    int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (fixture->waiting > 0) {
        store_fixture_turn(fixture);
        if (clock_monotonic_ms() > until_ms) {
            fail_msg("%u answers did not come", fixture->waiting);
        }
    }
}

redisReply *store_fixture_ask(struct store_fixture *fixture, const char *command, ...)
{
    struct bytes argv[16] = {bytes_of_text(command)};
    size_t argc = 1;
    va_list words;
    va_start(words, command);
    for (const char *word; (word = va_arg(words, const char *)) != NULL;) {
        argv[argc++] = bytes_of_text(word);
    }
    va_end(words);
    redisReply *reply = redis_ask_blocking(shard_of(fixture->store.shards, PARTITION), PATIENCE_MS, argc, argv);
    assert_non_null(reply);
    return reply;
}

void store_fixture_digest(struct store_fixture *fixture, char out[41])
{
    redisReply *reply = store_fixture_ask(fixture, "DEBUG", "DIGEST", NULL);
    assert_int_equal(reply->len, 40);
    snprintf(out, 41, "%s", reply->str);
    freeReplyObject(reply);
}

static void on_commit(struct commit *commit)
{
    struct store_fixture *fixture = commit->user;
    fixture->waiting--;
}

struct commit commit_of(struct store_fixture *fixture, const char *command_id)
{
    struct commit commit = {
        .partition = PARTITION,
        .tenant = DEMO,
        .service = "intake",
        .root = ROOT,
        .command_id = command_id,
        .cause = "",
        .actor_id = "nurse-1",
        .actor_role = 3,
        .at_ms = 1763800000000,
        .schema = 1,
        .reply = bytes_of_text("first reply"),
        .arena = &fixture->arena,
        .done = on_commit,
        .user = fixture,
    };
    memset(commit.fingerprint, 7, sizeof commit.fingerprint);
    return commit;
}

void commit_wait(struct store_fixture *fixture, struct commit *commit)
{
    struct why why = {""};
    if (commit_send(&fixture->store, commit, &why) != FAULT_NONE) {
        fail_msg("%s", why.text);
    }
    fixture->waiting++;
    store_fixture_wait(fixture);
}

enum commit_outcome commit_now(struct store_fixture *fixture, struct commit *commit)
{
    commit_wait(fixture, commit);
    return commit->outcome;
}

static void on_load(struct load *load)
{
    struct store_fixture *fixture = load->user;
    fixture->waiting--;
}

struct load load_now(struct store_fixture *fixture, const char *command_id, struct load_aggregate *aggregate)
{
    struct load *load = ARENA_NEW(&fixture->arena, struct load);
    *load = (struct load){
        .partition = PARTITION,
        .tenant = DEMO,
        .root = ROOT,
        .group = "planning",
        .command_id = command_id,
        .count = aggregate == NULL ? 0 : 1,
        .aggregates = aggregate,
        .arena = &fixture->arena,
        .done = on_load,
        .user = fixture,
    };
    assert_int_equal(load_send(&fixture->store, load), FAULT_NONE);
    fixture->waiting++;
    store_fixture_wait(fixture);
    return *load;
}
