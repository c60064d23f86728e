/* A store over a Redis of the test's own, with fresh keys, and the loop that waits for answers. */
#ifndef STORE_TEST_FIXTURE_H
#define STORE_TEST_FIXTURE_H

#include "common/core/arena.h"
#include "common/store/commit.h"
#include "common/store/store.h"
#include "tests/support/redis_fixture.h"

#include <stdbool.h>

#define DEMO "demo"
#define ROOT "00a-root1" /* lives in partition 10 */

enum {
    PARTITION = 10,
};

struct store_fixture {
    struct redis_fixture redis;
    struct store store;
    struct keys *keys;
    struct arena arena;
    char keys_dir[96];
    unsigned waiting; /* answers not here yet */
};

void store_fixture_start(struct store_fixture *fixture, const char *const *extra);
void store_fixture_stop(struct store_fixture *fixture);

/* Connects anew after Redis was killed and restarted. */
void store_fixture_reconnect(struct store_fixture *fixture);

/* One turn of the loop. */
void store_fixture_turn(struct store_fixture *fixture);

/* Turns the loop until `waiting` is 0. Fails the test after a while. */
void store_fixture_wait(struct store_fixture *fixture);

/* A plain command to Redis; the reply is the caller's. */
redisReply *store_fixture_ask(struct store_fixture *fixture, const char *command, ...) __attribute__((sentinel));

/* Everything that Redis holds, as one digest: DEBUG DIGEST. */
void store_fixture_digest(struct store_fixture *fixture, char out[41]);

/* A commit on ROOT with all that is always there; the test adds what it is about. */
struct commit commit_of(struct store_fixture *fixture, const char *command_id);

/* Sends and waits. The outcome stands in the commit. */
void commit_wait(struct store_fixture *fixture, struct commit *commit);
enum commit_outcome commit_now(struct store_fixture *fixture, struct commit *commit);

/* Loads ROOT and, with an id, the aggregate intake:referral of that id. */
struct load load_now(struct store_fixture *fixture, const char *command_id, struct load_aggregate *aggregate);

#endif
