/* Things of one size, handed out and taken back without asking the heap each time, up to a ceiling.
 *
 * Each thing has a slot number and a generation, packed into a tag that can travel: a tag whose thing was given back, even if
 * the slot is in use again, finds nothing. Memory grows by blocks and stays until pool_done(). */
#ifndef BROKER_POOL_H
#define BROKER_POOL_H

#include <stdint.h>

struct pool {
    char **blocks;
    unsigned *generations; /* per slot; odd while in use */
    unsigned *idle;        /* stack of free slots */
    unsigned size;         /* bytes of one thing */
    unsigned ceiling;      /* things at most */
    unsigned made;         /* slots that have memory */
    unsigned idle_count;
    unsigned in_use;
};

void pool_init(struct pool *pool, unsigned size, unsigned ceiling);
void pool_done(struct pool *pool);

/* A zeroed thing, and its tag; NULL when the ceiling is reached. */
void *pool_take(struct pool *pool, uint64_t *tag);

/* The thing the tag was made for; NULL when it is gone, or the tag was never ours. */
void *pool_find(const struct pool *pool, uint64_t tag);

/* Gives the thing of a live tag back. */
void pool_give(struct pool *pool, uint64_t tag);

#endif
