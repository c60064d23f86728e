/* Random commits against a model in plain C: each must come out as the model says, a refused one must change nothing,
 * and what is loaded afterwards must be what the model has. The seed is printed; SUITE_SEED repeats it. */
#include "tests/store/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/core/must.h"
#include "common/store/tag.h"
#include "common/store/timers.h"

enum {
    STEPS = 1500,
    AGGREGATES = 4,
    COMMANDS = 40, /* few, so that they repeat */
    TIMER_MS = 5,
};

static const char *const IDS[AGGREGATES] = {"a0", "a1", "a2", "a3"};
static const char *const GROUPS[] = {"planning", "claims"};

static struct {
    struct stamp stamps[AGGREGATES], older[AGGREGATES];
    struct root_state root, older_root;
    uint64_t inbox[2];
    int fingerprints[COMMANDS]; /* 0: not carried out */
    bool timer;
} MODEL;

static struct store_fixture FIXTURE;
static unsigned SEED;

static unsigned any(unsigned below)
{
    return (unsigned)rand_r(&SEED) % below;
}

/* One random commit, and what it was made of. */
struct attempt {
    struct commit commit;
    struct commit_state states[AGGREGATES];
    struct commit_guard guard;
    struct commit_timer timer;
    bool writes[AGGREGATES];
    bool stale;
    int command; /* -1: none */
    int group;   /* -1: none */
    char command_id[16];
};

/* Mostly what is, sometimes what was, sometimes nothing. */
static struct stamp some_stamp(struct attempt *attempt, size_t n)
{
    struct stamp choices[] = {MODEL.stamps[n], MODEL.stamps[n], MODEL.stamps[n], MODEL.older[n], {0}};
    struct stamp stamp = choices[any(ARRAY_LENGTH(choices))];
    attempt->stale |= memcmp(&stamp, &MODEL.stamps[n], sizeof stamp) != 0;
    return stamp;
}

static void make_attempt(struct attempt *attempt)
{
    memset(attempt, 0, sizeof *attempt);
    attempt->command = any(5) == 0 ? -1 : (int)any(COMMANDS);
    attempt->group = any(3) == 0 ? (int)any(2) : -1;
    snprintf(attempt->command_id, sizeof attempt->command_id, attempt->command < 0 ? "" : "cmd-%d", attempt->command);
    struct commit *commit = &attempt->commit;
    *commit = commit_of(&FIXTURE, attempt->command_id);
    commit->fingerprint[0] = (uint8_t)(1 + any(8) / 7); /* seldom another content */
    commit->expected_root = any(3) == 0 ? MODEL.older_root : MODEL.root;
    commit->states = attempt->states;
    for (size_t n = 0; n < AGGREGATES; n++) {
        if (any(3) == 0) {
            attempt->writes[n] = true;
            attempt->states[commit->state_count++] = (struct commit_state){
                .kind = "thing", .id = IDS[n], .expected = some_stamp(attempt, n), .body = bytes_of_text(IDS[n])};
        }
    }
    if (any(3) == 0) {
        size_t n = any(AGGREGATES);
        attempt->guard = (struct commit_guard){"intake", "thing", IDS[n], some_stamp(attempt, n)};
        commit->guards = &attempt->guard;
        commit->guard_count = 1;
    }
    if (attempt->group >= 0) {
        commit->inbox_group = GROUPS[attempt->group];
        uint64_t handled = MODEL.inbox[attempt->group];
        commit->inbox_sequence = handled == 0 ? 1 : handled + any(3);
    }
    attempt->timer = (struct commit_timer){"thing", "a0", "tick", TIMER_MS};
    commit->timers = &attempt->timer;
    commit->timer_count = any(6) == 0;
    if (any(5) == 0) {
        commit->handled_timer = timer_member(&FIXTURE.arena, "intake", "thing", DEMO, ROOT, "a0", "tick");
        commit->handled_due_ms = TIMER_MS + (any(4) == 0);
    }
}

static bool makes_record(const struct commit *commit)
{
    return commit->state_count + commit->timer_count > 0;
}

static enum commit_outcome predict(const struct attempt *attempt)
{
    const struct commit *commit = &attempt->commit;
    if (attempt->command >= 0 && MODEL.fingerprints[attempt->command] != 0) {
        bool same = MODEL.fingerprints[attempt->command] == commit->fingerprint[0];
        return same ? COMMIT_DUP : COMMIT_CONFLICT;
    }
    if (attempt->group >= 0 && commit->inbox_sequence <= MODEL.inbox[attempt->group]) {
        return COMMIT_APPLIED;
    }
    if (commit->handled_timer != NULL && (!MODEL.timer || commit->handled_due_ms != TIMER_MS)) {
        return COMMIT_APPLIED;
    }
    return attempt->stale ? COMMIT_STALE : COMMIT_COMMITTED;
}

static void apply(const struct attempt *attempt)
{
    const struct commit *commit = &attempt->commit;
    if (attempt->command >= 0) {
        MODEL.fingerprints[attempt->command] = commit->fingerprint[0];
    }
    if (attempt->group >= 0) {
        MODEL.inbox[attempt->group] = commit->inbox_sequence;
    }
    MODEL.timer = commit->timer_count > 0 || (MODEL.timer && commit->handled_timer == NULL);
    for (size_t n = 0, state = 0; n < AGGREGATES; n++) {
        if (attempt->writes[n]) {
            MODEL.older[n] = MODEL.stamps[n];
            MODEL.stamps[n] = commit->stamps[state++];
            assert_int_equal(MODEL.stamps[n].version, MODEL.older[n].version + 1);
        }
    }
    if (makes_record(commit)) {
        assert_int_equal(commit->root_after.sequence, MODEL.root.sequence + 1);
        MODEL.older_root = MODEL.root;
        MODEL.root = commit->root_after;
    }
}

static void on_load(struct load *load)
{
    (void)load;
    FIXTURE.waiting--;
}

static void assert_loaded_as_modelled(void)
{
    for (int group = 0; group < 2; group++) {
        struct load_aggregate aggregates[AGGREGATES] = {0};
        for (size_t n = 0; n < AGGREGATES; n++) {
            aggregates[n] = (struct load_aggregate){.service = "intake", .kind = "thing", .id = IDS[n]};
        }
        struct load load = {.partition = PARTITION,
            .tenant = DEMO,
            .root = ROOT,
            .group = GROUPS[group],
            .count = AGGREGATES,
            .aggregates = aggregates,
            .arena = &FIXTURE.arena,
            .done = on_load};
        assert_int_equal(load_send(&FIXTURE.store, &load), FAULT_NONE);
        FIXTURE.waiting++;
        store_fixture_wait(&FIXTURE);
        assert_int_equal(load.fault, FAULT_NONE);
        assert_int_equal(load.inbox, MODEL.inbox[group]);
        assert_memory_equal(&load.root_state, &MODEL.root, sizeof MODEL.root);
        for (size_t n = 0; n < AGGREGATES; n++) {
            assert_memory_equal(&aggregates[n].stamp, &MODEL.stamps[n], sizeof MODEL.stamps[n]);
        }
    }
}

static void every_commit_comes_out_as_the_model_says(void **state)
{
    (void)state;
    unsigned outcomes[COMMIT_UNAVAILABLE + 1] = {0};
    for (int step = 0; step < STEPS; step++) {
        struct attempt attempt;
        char before[41], after[41];
        arena_reset(&FIXTURE.arena);
        make_attempt(&attempt);
        enum commit_outcome expected = predict(&attempt);
        store_fixture_digest(&FIXTURE, before);
        commit_wait(&FIXTURE, &attempt.commit);
        store_fixture_digest(&FIXTURE, after);
        if (attempt.commit.outcome != expected) {
            fail_msg("step %d came out as %s instead of %s: %s", step, commit_outcome_word(attempt.commit.outcome),
                commit_outcome_word(expected), attempt.commit.why.text);
        }
        outcomes[expected]++;
        if (expected == COMMIT_COMMITTED) {
            apply(&attempt);
        } else {
            assert_string_equal(before, after);
        }
        if (step % 10 == 0) {
            assert_loaded_as_modelled();
            /* Old commands are forgotten, so that there are new ones. */
            memset(MODEL.fingerprints, 0, sizeof MODEL.fingerprints);
            for (int i = 0; i < COMMANDS; i++) {
                char key[64];
                snprintf(key, sizeof key, "{%s}:cmd:%s:cmd-%d", partition_tag(PARTITION), DEMO, i);
                freeReplyObject(store_fixture_ask(&FIXTURE, "DEL", key, NULL));
            }
        }
    }
    static const enum commit_outcome MET[] = {
        COMMIT_COMMITTED, COMMIT_DUP, COMMIT_CONFLICT, COMMIT_STALE, COMMIT_APPLIED};
    for (size_t i = 0; i < ARRAY_LENGTH(MET); i++) {
        assert_true(outcomes[MET[i]] > 0);
    }
    assert_true(FIXTURE.store.counts.rehashed > 0);
}

static int start(void **state)
{
    (void)state;
    static const char *const extra[] = {"--enable-debug-command", "yes", NULL};
    const char *seed = getenv("SUITE_SEED");
    SEED = seed != NULL ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);
    printf("seed %u\n", SEED);
    store_fixture_start(&FIXTURE, extra);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    store_fixture_stop(&FIXTURE);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_commit_comes_out_as_the_model_says)};
    return cmocka_run_group_tests(tests, start, stop);
}
