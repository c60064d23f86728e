/* Which connection serves which partition. Everything that talks to Redis asks here, so that one node, several
 * primaries with a fixed map, or a Redis Cluster differ only behind this header. Today: one node serves all partitions.
 */
#ifndef STORE_SHARD_H
#define STORE_SHARD_H

#include "common/store/redis.h"

struct shards;

/* NULL when the address is malformed. */
struct shards *shards_new(const char *address);
void shards_free(struct shards **shards);

/* The connection of a partition; never NULL, but it may be down. */
struct redis *shard_of(struct shards *shards, uint32_t partition);

/* All connections, for the poll set: i < shards_count. The count may change in `shards_tick` only. */
size_t shards_count(const struct shards *shards);
struct redis *shards_at(struct shards *shards, size_t i);

/* `redis_tick` and `redis_flush` on all of them; the earliest next tick. */
void shards_tick(struct shards *shards, int64_t now_ms);
void shards_flush(struct shards *shards);
int64_t shards_next_tick_ms(const struct shards *shards);
bool shards_are_ready(const struct shards *shards);

#endif
