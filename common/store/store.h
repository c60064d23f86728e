/* The store as a service or broker sees it: the connections, the keys, and the counts that its metrics show.
 *
 * Everything is asked for without waiting: a request is appended to the pipeline of its partition's connection, leaves
 * with `store_flush` at the end of the loop's turn, and its answer comes to a callback. Requests are structs of the
 * caller that must stay where they are until the callback; what an answer points to lives in the request's arena.
 *
 * Fits one loop: poll `shards_at(...)`'s descriptors, call `redis_on_readable` and `redis_on_writable`, then
 * `store_tick` with the monotonic clock and `store_flush`. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "common/core/fault.h"
#include "common/store/keys.h"
#include "common/store/shard.h"

#include <stdbool.h>
#include <stdint.h>

struct store_counts {
    uint64_t commits;       /* sent */
    uint64_t committed;     /* of them */
    uint64_t duplicates;    /* the same command again */
    uint64_t conflicts;     /* the same id, other content */
    uint64_t stale;         /* lost a race for an aggregate or guard */
    uint64_t applied;       /* the event, or timer, was handled before */
    uint64_t unknown;       /* connection lost before the answer */
    uint64_t overloaded;    /* Redis or the pipeline is full */
    uint64_t unavailable;   /* Redis down, loading or refusing writes */
    uint64_t rehashed;      /* the root had moved on: chained anew, not decided anew */
    uint64_t library_loads; /* "Function not found": loaded again */
    uint64_t corrupt;       /* bodies or records that did not verify */
};

struct question;

struct store {
    struct shards *shards;
    struct keys *keys; /* NULL in a broker: it opens nothing */
    struct store_counts counts;
    bool repairing;             /* the functions are being loaded again */
    struct question *questions; /* of delivery.c: memory for the next ones */
};

/* Borrows `keys`. UNAVAILABLE with a sentence when the address is malformed; does not connect (start.h does). */
enum fault store_init(struct store *store, const char *address, struct keys *keys, struct why *why);
void store_done(struct store *store);

void store_tick(struct store *store, int64_t monotonic_ms);
void store_flush(struct store *store);

#endif
