#include "common/store/shard.h"

#include <stdlib.h>

#include "common/core/id.h"
#include "common/core/must.h"

struct shards {
    struct redis *node;
};

struct shards *shards_new(const char *address)
{
    struct redis *node = redis_new(address);
    if (node == NULL) {
        return NULL;
    }
    struct shards *shards = malloc(sizeof *shards);
    MUST(shards != NULL);
    shards->node = node;
    return shards;
}

void shards_free(struct shards **shards)
{
    if (*shards == NULL) {
        return;
    }
    redis_free(&(*shards)->node);
    free(*shards);
    *shards = NULL;
}

struct redis *shard_of(struct shards *shards, uint32_t partition)
{
    MUST(partition < PARTITIONS);
    return shards->node;
}

size_t shards_count(const struct shards *shards)
{
    (void)shards;
    return 1;
}

struct redis *shards_at(struct shards *shards, size_t i)
{
    MUST(i < shards_count(shards));
    return shards->node;
}

void shards_tick(struct shards *shards, int64_t now_ms)
{
    redis_tick(shards->node, now_ms);
}

void shards_flush(struct shards *shards)
{
    redis_flush(shards->node);
}

int64_t shards_next_tick_ms(const struct shards *shards)
{
    return redis_next_tick_ms(shards->node);
}

bool shards_are_ready(const struct shards *shards)
{
    return redis_is_ready(shards->node);
}
