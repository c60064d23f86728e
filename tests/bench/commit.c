/* What a commit costs: Redis's CPU and our own per commit, and commits per second. The variants take
 * turns.
 *
 *     core    one aggregate, one event, idempotency record: the packed core
 *     full    the core with a timer, an index entry and a guard
 *     batch8  full, eight commits in one call */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/clock.h"
#include "common/core/must.h"
#include "common/store/commit.h"
#include "common/store/start.h"
#include "tests/bench/figures.h"
#include "tests/support/redis_fixture.h"

enum {
    DEPTH = 128,     /* commits in flight */
    COMMITS = 20000, /* in one round of a variant */
    COMMITS_LEAST = 256,
    STATE_SIZE = 512,
    EVENT_SIZE = 256,
    LINKS_MAX = 16,
};

struct variant {
    const char *name;
    bool full;
    size_t batch;
};

static const struct variant VARIANTS[] = {{"core", false, 1}, {"full", true, 1}, {"batch8", true, 8}};

enum {
    VARIANT_COUNT = 3,
};

struct figures {
    double redis_us;
    double client_us;
    double per_second;
};

/* One commit in flight again and again: a case of its own, so that nobody races. */
struct slot {
    struct commit commit;
    struct commit_state state;
    struct commit_event event;
    struct commit_timer timer;
    struct commit_entry entry;
    struct commit_guard guard;
    struct arena arena;
    char root[32];
    char command_id[48];
    bool idle;
};

static struct store STORE;
static struct slot SLOTS[DEPTH];
static uint8_t BODY[STATE_SIZE];
static uint64_t STARTED, DONE;

static void on_commit(struct commit *commit)
{
    struct slot *slot = commit->user;
    if (commit->outcome != COMMIT_COMMITTED) {
        fprintf(stderr, "a commit came out as %s: %s\n", commit_outcome_word(commit->outcome), commit->why.text);
        exit(1);
    }
    slot->commit.expected_root = commit->root_after;
    slot->state.expected = commit->stamps[0];
    slot->idle = true;
    DONE++;
}

static void slot_init(struct slot *slot, size_t n)
{
    snprintf(slot->root, sizeof slot->root, "%03zx-case%zu", n % 8, n);
    arena_init(&slot->arena, 0);
    slot->state =
        (struct commit_state){.kind = "referral", .id = slot->root, .schema = 1, .body = bytes_of(BODY, STATE_SIZE)};
    slot->event = (struct commit_event){"intake.ReferralReceived", bytes_of(BODY, EVENT_SIZE)};
    slot->timer = (struct commit_timer){"referral", slot->root, "first-contact", 1800000000000};
    slot->entry = (struct commit_entry){"caseload", "nurse-17", slot->root, 1800000000000, false};
    slot->guard = (struct commit_guard){"claims", "coverage", "none", {0}};
    slot->commit = (struct commit){
        .partition = (uint32_t)(n % 8),
        .tenant = "demo",
        .service = "intake",
        .root = slot->root,
        .actor_id = "nurse-17",
        .state_count = 1,
        .states = &slot->state,
        .event_count = 1,
        .events = &slot->event,
        .reply = bytes_of(BODY, 32),
        .arena = &slot->arena,
        .done = on_commit,
        .user = slot,
    };
    slot->idle = true;
}

static void slot_renew(struct slot *slot, const struct variant *variant)
{
    arena_reset(&slot->arena);
    snprintf(slot->command_id, sizeof slot->command_id, "command-%016llx", (unsigned long long)STARTED++);
    slot->commit.command_id = slot->command_id;
    slot->commit.at_ms = clock_wall_ms();
    slot->timer.due_ms++;
    slot->entry.sort++;
    slot->commit.timer_count = slot->commit.entry_count = slot->commit.guard_count = variant->full;
    slot->commit.timers = &slot->timer;
    slot->commit.entries = &slot->entry;
    slot->commit.guards = &slot->guard;
    slot->idle = false;
}

/* Fills the pipeline with calls of `batch` commits of one partition (slots n, n + 8, n + 16, ...). */
static void fill(const struct variant *variant, uint64_t goal)
{
    struct why why = {""};
    for (size_t first = 0; first < DEPTH; first++) {
        struct commit *call[8];
        size_t count = 0;
        for (size_t n = first; n < DEPTH && SLOTS[n].idle && count < variant->batch && STARTED < goal; n += 8) {
            slot_renew(&SLOTS[n], variant);
            call[count++] = &SLOTS[n].commit;
        }
        if (count > 0 && commit_send_many(&STORE, call, count, &why) != FAULT_NONE) {
            fprintf(stderr, "%s\n", why.text);
            exit(1);
        }
    }
}

static void turn(void)
{
    store_tick(&STORE, clock_monotonic_ms());
    store_flush(&STORE);
    struct pollfd pollers[LINKS_MAX];
    size_t count = shards_count(STORE.shards);
    MUST(count <= LINKS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct redis *redis = shards_at(STORE.shards, i);
        pollers[i] = (struct pollfd){redis_fd(redis), (short)(POLLIN | (redis_wants_write(redis) ? POLLOUT : 0)), 0};
    }
    poll(pollers, count, 1000);
    for (size_t i = 0; i < count; i++) {
        if (pollers[i].revents & POLLOUT) {
            redis_on_writable(shards_at(STORE.shards, i));
        }
        if (pollers[i].revents & POLLIN) {
            redis_on_readable(shards_at(STORE.shards, i));
        }
    }
}

static struct figures measure(const struct variant *variant, pid_t redis)
{
    double redis_before = process_cpu_seconds(redis), own_before = own_cpu_seconds();
    double before = seconds_now();
    size_t commits = bench_scaled(COMMITS, COMMITS_LEAST);
    uint64_t goal = STARTED + commits;
    while (DONE < goal) {
        fill(variant, goal);
        turn();
    }
    return (struct figures){
        .redis_us = (process_cpu_seconds(redis) - redis_before) / (double)commits * 1e6,
        .client_us = (own_cpu_seconds() - own_before) / (double)commits * 1e6,
        .per_second = (double)commits / (seconds_now() - before),
    };
}

static void report(const char *fsync, const struct variant *variant, const struct figures *rounds, size_t count)
{
    struct row redis = {.bench = "commit", .unit = "us", .fsync = fsync}, client = redis, rate = redis;
    bool is_barred = variant->full && variant->batch == 1;
    redis.bar = is_barred ? 31 : 0;
    redis.smaller_is_better = true;
    rate.unit = "/s";
    snprintf(redis.name, sizeof redis.name, "CPU of redis per commit, %s", variant->name);
    snprintf(client.name, sizeof client.name, "CPU of the client per commit, %s", variant->name);
    snprintf(rate.name, sizeof rate.name, "commits, %s, %d in flight", variant->name, DEPTH);
    for (size_t i = 0; i < count; i++) {
        row_add(&redis, rounds[i].redis_us, 0);
        row_add(&client, rounds[i].client_us, 0);
        row_add(&rate, rounds[i].per_second, 0);
    }
    row_print(&redis);
    row_print(&client);
    row_print(&rate);
}

static void bench(const char *fsync)
{
    const char *const extra[] = {"--appendfsync", strcmp(fsync, "off") == 0 ? "everysec" : fsync, NULL};
    struct redis_fixture fixture;
    struct why why = {""};
    struct keys *keys = NULL;
    char dir[128];
    redis_fixture_start(&fixture, extra);
    snprintf(dir, sizeof dir, "%s/keys", fixture.dir);
    struct start_settings settings = {.timeout_ms = 10000, .allow_everysec = true};
    if (keys_open(dir, (const char *const[]){"demo"}, 1, &keys, &why) != FAULT_NONE ||
        store_init(&STORE, fixture.address, keys, &why) != FAULT_NONE ||
        start_check(&STORE, &settings, &why) != FAULT_NONE) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    if (strcmp(fsync, "off") == 0) {
        freeReplyObject(redis_ask_words(shards_at(STORE.shards, 0), 1000, "CONFIG", "SET", "appendonly", "no", NULL));
    }
    STARTED = DONE = 0;
    for (size_t n = 0; n < DEPTH; n++) {
        slot_init(&SLOTS[n], n);
    }
    static struct figures figures[VARIANT_COUNT][PAIRS_MAX];
    for (size_t round = 0; round < bench_pairs(); round++) {
        for (size_t v = 0; v < VARIANT_COUNT; v++) {
            figures[v][round] = measure(&VARIANTS[v], fixture.pid);
        }
    }
    for (size_t v = 0; v < VARIANT_COUNT; v++) {
        report(fsync, &VARIANTS[v], figures[v], bench_pairs());
    }
    for (size_t n = 0; n < DEPTH; n++) {
        arena_done(&SLOTS[n].arena);
    }
    store_done(&STORE);
    keys_close(&keys);
    redis_fixture_stop(&fixture);
}

int main(void)
{
    bench("off");
    bench("everysec");
    bench("always");
    return 0;
}
