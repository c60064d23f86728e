/* How a commit becomes the keys and arguments of cb_commit. Internal to the store. */
#ifndef STORE_COMMIT_BUILD_H
#define STORE_COMMIT_BUILD_H

#include "common/store/commit.h"

/* What the builder made, in the commit's arena. */
struct commit_build {
    struct store *store;
    struct commit *next; /* in the same call */
    const struct key *key;
    bool has_record;
    bool has_command;
    struct bytes *bodies;                /* clear, of the events */
    struct record_aggregate *aggregates; /* with sealed states */
    struct bytes sealed_reply;
    struct root_state root; /* what the record below is chained to */
    struct bytes record;
    uint8_t record_id[RECORD_ID_SIZE];
    unsigned rehashed;
    bool loaded_library;
};

/* Checks the lists, seals the states and the reply: once for a commit. INVALID with a sentence. */
enum fault commit_prepare(struct store *store, struct commit *commit, struct why *why);

/* Makes the log record that follows `root`: anew each time that the root moved on. */
enum fault commit_chain(struct commit *commit, const struct root_state *root, struct why *why);

/* Appends the call for commits linked by `next`; NONE, UNAVAILABLE or OVERLOADED. */
enum fault commit_write(struct redis *redis, struct commit *first, redis_reply_fn *fn);

#endif
