/* A commit: everything one decision changes, in one partition, whole or not at all, by one function call in Redis.
 *
 * The caller fills in what was expected (from load.h) and what is to be; the builder seals bodies, makes and chains the
 * log record, and sends. All checks come before the first write, in this order:
 *
 *     the command id is known    -> DUP with the first reply, or CONFLICT when the content differs
 *     the event or timer is done -> APPLIED
 *     an aggregate or guard is not at the expected stamp -> STALE: load and decide again
 *     the root has another head  -> inside: chained to the new head and sent again, up to COMMIT_REHASH_MAX times
 *
 * A commit that changes no aggregate, emits nothing, and sets no timer, task or index entry writes no record: only its
 * inbox mark, its idempotency record, and the removal of what it handled. */
#ifndef STORE_COMMIT_H
#define STORE_COMMIT_H

#include "common/store/load.h"
#include "common/store/record.h"

enum {
    COMMIT_REHASH_MAX = 8,
    COMMIT_LIST_MAX = 64,                 /* of each list below */
    COMMIT_BATCH_MAX = 64,                /* commits in one call */
    COMMIT_REMEMBER_S = 7 * 24 * 60 * 60, /* idempotency records; casebus.lua has it too */
};

enum commit_outcome {
    COMMIT_COMMITTED,
    COMMIT_DUP,         /* carried out before: `reply` is the first reply */
    COMMIT_CONFLICT,    /* the command id came before with another fingerprint */
    COMMIT_STALE,       /* nothing was changed: load and decide again */
    COMMIT_APPLIED,     /* nothing was changed: the event was handled before, or the timer was, or was set anew */
    COMMIT_UNKNOWN,     /* the connection was lost: the same command id tells later */
    COMMIT_OVERLOADED,  /* nothing was changed: Redis is at maxmemory, or our pipeline is full */
    COMMIT_UNAVAILABLE, /* nothing was changed: Redis is down, loading or refuses writes */
};

const char *commit_outcome_word(enum commit_outcome outcome);

struct commit_state {
    const char *kind;
    const char *id;
    struct stamp expected; /* version 0: it must not exist yet */
    uint32_t schema;
    struct bytes body; /* clear; sealed by the builder */
};

/* An aggregate that the decision relied on, of any service in the partition; it must still be at this stamp. */
struct commit_guard {
    const char *service;
    const char *kind;
    const char *id;
    struct stamp expected;
};

struct commit_event {
    const char *subject;
    struct bytes body; /* clear */
};

/* A durable timer of the service. Setting one of the same name moves it. */
struct commit_timer {
    const char *kind; /* with id: the aggregate it belongs to */
    const char *id;
    const char *name;
    int64_t due_ms;
};

/* Something to deliver at least once: `dest` is a service's name or `payer/<tenant>/<payer id>`. */
struct commit_task {
    const char *dest;
    struct bytes body; /* opaque here: sealed by the caller for its reader */
};

/* An entry of one of the service's indexes; `index`, tenant and `group` make one sorted set per partition. */
struct commit_entry {
    const char *index;
    const char *group;  /* "" when the index has none */
    const char *member; /* ids and keyed hashes only */
    int64_t sort;       /* within 53 bits; not read when removed */
    bool remove;
};

struct commit {
    /* who and where */
    uint32_t partition;
    const char *tenant;
    const char *service;
    const char *root;
    struct root_state expected_root;

    /* the audit of it */
    const char *command_id; /* "" when a reaction has none: then there is no idempotency record */
    uint8_t fingerprint[FINGERPRINT_SIZE];
    const char *cause;
    const char *actor_id;
    uint32_t actor_role;
    bool simulated;
    int64_t at_ms;
    uint32_t schema;
    uint8_t trace_id[TRACE_ID_SIZE];

    /* what it does */
    size_t state_count;
    const struct commit_state *states;
    size_t guard_count;
    const struct commit_guard *guards;
    size_t event_count;
    const struct commit_event *events;
    size_t timer_count;
    const struct commit_timer *timers;
    size_t cancel_count;
    const struct commit_timer *cancels; /* due_ms not read; one that is also set stays set */
    size_t task_count;
    const struct commit_task *tasks;
    size_t entry_count;
    const struct commit_entry *entries;
    struct bytes reply; /* clear; kept with the idempotency record */

    /* what it handles, each optional */
    const char *inbox_group;       /* NULL, or: this group has now handled ... */
    uint64_t inbox_sequence;       /* ... the root's record of this sequence, from 1 */
    const char *handled_timer;     /* NULL, or the member as timers_due gave it */
    int64_t handled_due_ms;        /* and its due time: a timer set anew since is left alone */
    const char *handled_lane;      /* NULL, or the dest of a task ... */
    struct stream_id handled_task; /* ... that this commit answers */

    struct arena *arena; /* the builder's memory; lives until `done` */
    void (*done)(struct commit *commit);
    void *user;

    /* answered */
    enum commit_outcome outcome;
    struct why why;               /* for all but COMMITTED and DUP */
    struct root_state root_after; /* COMMITTED; unchanged when there was no record */
    struct stamp *stamps;         /* COMMITTED: of each state, in the arena */
    struct bytes answer;          /* DUP: the first reply, clear, in the arena */
    uint64_t answer_sequence;     /* DUP: of the record it made, 0 when none */

    /* inside */
    struct commit_build *build;
};

/* Sends it; `done` is called once, later, never from within. A fault returned here means that nothing was sent and
 * `done` will not be called: UNAVAILABLE, OVERLOADED, INVALID (a list or body above its limit, an unknown tenant). */
enum fault commit_send(struct store *store, struct commit *commit, struct why *why);

/* Sends up to COMMIT_BATCH_MAX commits of one partition in one call, which is cheaper. They are carried out in order
 * and each on its own: one that is refused does not hold up the next. A fault means that none was sent. */
enum fault commit_send_many(struct store *store, struct commit *const *commits, size_t count, struct why *why);

#endif
