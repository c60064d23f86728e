/* Reads what a decision needs, in one round trip: the idempotency record, the root, and any aggregates of one
 * partition. A missing aggregate has version 0; whether that means "new" is the caller's to know. */
#ifndef STORE_LOAD_H
#define STORE_LOAD_H

#include "common/core/arena.h"
#include "common/store/head.h"
#include "common/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    FINGERPRINT_SIZE = 16,
    LOAD_AGGREGATES_MAX = 256,
};

/* Where a root stands. All zero: it has no record yet. */
struct root_state {
    uint64_t sequence;
    uint8_t head[RECORD_ID_SIZE]; /* id of its last record */
    struct stream_id last;        /* and where that stands in the log */
};

struct load_aggregate {
    /* asked */
    const char *service;
    const char *kind;
    const char *id;
    /* answered */
    struct stamp stamp; /* version 0: there is none */
    uint32_t schema;
    struct bytes body; /* clear, in the load's arena */
};

struct load {
    /* asked; strings and arrays stay the caller's and must outlive the answer */
    uint32_t partition;
    const char *tenant;
    const char *root;       /* NULL: none wanted */
    const char *group;      /* NULL, or whose inbox mark on the root is wanted */
    const char *command_id; /* NULL: no idempotency look-up */
    size_t count;
    struct load_aggregate *aggregates;
    struct arena *arena;
    void (*done)(struct load *load);
    void *user;

    /* answered */
    enum fault
        fault; /* NONE; UNAVAILABLE: no connection, nothing read; INTERNAL: a body is corrupt, `why` says which */
    struct why why;
    struct root_state root_state;
    uint64_t inbox; /* last sequence of the root that the group has handled */
    bool seen;      /* the command was carried out before: */
    uint8_t fingerprint[FINGERPRINT_SIZE];
    uint64_t sequence;  /* of the record it made, 0 when none */
    struct bytes reply; /* its clear reply, in the arena */

    /* inside */
    struct store *store;
};

/* Appends the reads; `done` is called once, later, never from within. A fault returned here means: not sent, `done`
 * will not be called (UNAVAILABLE, OVERLOADED). */
enum fault load_send(struct store *store, struct load *load);

#endif
