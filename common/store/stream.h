/* Entries of a stream as XRANGE gives them, each with one field. Internal to the store. */
#ifndef STORE_STREAM_H
#define STORE_STREAM_H

#include "common/store/head.h"
#include "common/store/redis.h"

#include <stdbool.h>

/* Asks for up to `count` entries behind `after` ({0, 0}: from the start). */
enum fault stream_ask_after(struct redis *redis, const char *key, size_t key_size, struct stream_id after, size_t count,
    redis_reply_fn *fn, void *user);

/* Asks for the one entry at `at`. */
enum fault stream_ask_at(
    struct redis *redis, const char *key, size_t key_size, struct stream_id at, redis_reply_fn *fn, void *user);

/* An entry of the reply: its id, and the value of its one field (empty when it has none). False when it is no entry. */
bool stream_entry(const redisReply *entry, struct stream_id *id, struct bytes *value);

#endif
