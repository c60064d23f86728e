#include "common/store/shard.h"

#include <stdlib.h>

#include "common/core/id.h"
#include "common/core/must.h"

/* Redis reads some 16 KiB of each connection in one turn of its loop, and syncs its file once per turn: several
 * connections make the groups that share one sync larger. A partition keeps to one of them, so its commands stay in
 * order. */
enum {
    LINKS = 4,
};

struct shards {
    struct redis *links[LINKS];
};

struct shards *shards_new(const char *address)
{
    struct shards *shards = calloc(1, sizeof *shards);
    MUST(shards != NULL);
    for (size_t i = 0; i < LINKS; i++) {
        shards->links[i] = redis_new(address);
        if (shards->links[i] == NULL) {
            shards_free(&shards);
            return NULL;
        }
    }
    return shards;
}

void shards_free(struct shards **shards)
{
    if (*shards == NULL) {
        return;
    }
    for (size_t i = 0; i < LINKS; i++) {
        redis_free(&(*shards)->links[i]);
    }
    free(*shards);
    *shards = NULL;
}

struct redis *shard_of(struct shards *shards, uint32_t partition)
{
    MUST(partition < PARTITIONS);
    return shards->links[partition % LINKS];
}

size_t shards_count(const struct shards *shards)
{
    (void)shards;
    return LINKS;
}

struct redis *shards_at(struct shards *shards, size_t i)
{
    MUST(i < LINKS);
    return shards->links[i];
}

void shards_tick(struct shards *shards, int64_t now_ms)
{
    for (size_t i = 0; i < LINKS; i++) {
        redis_tick(shards->links[i], now_ms);
    }
}

void shards_flush(struct shards *shards)
{
    for (size_t i = 0; i < LINKS; i++) {
        redis_flush(shards->links[i]);
    }
}

int64_t shards_next_tick_ms(const struct shards *shards)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < LINKS; i++) {
        int64_t at_ms = redis_next_tick_ms(shards->links[i]);
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    return next_ms;
}

bool shards_are_ready(const struct shards *shards)
{
    for (size_t i = 0; i < LINKS; i++) {
        if (!redis_is_ready(shards->links[i])) {
            return false;
        }
    }
    return true;
}
