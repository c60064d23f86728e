#include "services/broker/pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"

enum { BLOCK = 256 }; /* slots */

void pool_init(struct pool *pool, unsigned size, unsigned ceiling)
{
    ceiling = (ceiling + BLOCK - 1) / BLOCK * BLOCK;
    *pool = (struct pool){.size = (size + 15) / 16 * 16, .ceiling = ceiling};
    pool->blocks = calloc(ceiling / BLOCK, sizeof *pool->blocks);
    pool->generations = calloc(ceiling, sizeof *pool->generations);
    pool->idle = calloc(ceiling, sizeof *pool->idle);
    MUST(pool->blocks && pool->generations && pool->idle);
}

void pool_done(struct pool *pool)
{
    for (unsigned i = 0; i * BLOCK < pool->made; i++) {
        free(pool->blocks[i]);
    }
    free(pool->blocks);
    free(pool->generations);
    free(pool->idle);
    *pool = (struct pool){0};
}

static void grow(struct pool *pool)
{
    char *block = malloc((size_t)BLOCK * pool->size);
    MUST(block);
    pool->blocks[pool->made / BLOCK] = block;
    for (unsigned i = BLOCK; i > 0; i--) {
        pool->idle[pool->idle_count++] = pool->made + i - 1;
    }
    pool->made += BLOCK;
}

static void *slot_at(const struct pool *pool, unsigned slot)
{
    return pool->blocks[slot / BLOCK] + (size_t)(slot % BLOCK) * pool->size;
}

void *pool_take(struct pool *pool, uint64_t *tag)
{
    if (pool->idle_count == 0) {
        if (pool->made == pool->ceiling) {
            return NULL;
        }
        grow(pool);
    }
    unsigned slot = pool->idle[--pool->idle_count];
    pool->in_use++;
    *tag = (uint64_t)++pool->generations[slot] << 32 | slot;
    return memset(slot_at(pool, slot), 0, pool->size);
}

void *pool_find(const struct pool *pool, uint64_t tag)
{
    uint64_t slot = tag & UINT32_MAX;
    unsigned generation = (unsigned)(tag >> 32);
    if (slot >= pool->made || generation % 2 == 0 || pool->generations[slot] != generation) {
        return NULL;
    }
    return slot_at(pool, (unsigned)slot);
}

void pool_give(struct pool *pool, uint64_t tag)
{
    MUST(pool_find(pool, tag));
    unsigned slot = (unsigned)(tag & UINT32_MAX);
    pool->generations[slot]++;
    pool->idle[pool->idle_count++] = slot;
    pool->in_use--;
}
