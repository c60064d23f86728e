#include "common/store/stream.h"

#include <string.h>

#include "common/store/reply.h"

static void add_range(
    struct redis *redis, const char *key, size_t key_size, const char *from, const char *to, size_t count)
{
    redis_add_text(redis, "XRANGE");
    redis_add(redis, key, key_size);
    redis_add_text(redis, from);
    redis_add_text(redis, to);
    redis_add_text(redis, "COUNT");
    redis_add_int(redis, (int64_t)count);
}

enum fault stream_ask_after(struct redis *redis, const char *key, size_t key_size, struct stream_id after, size_t count,
    redis_reply_fn *fn, void *user)
{
    enum fault fault = redis_begin(redis, 6, key_size + 128);
    if (fault == FAULT_NONE) {
        char from[1 + STREAM_ID_TEXT_SIZE] = "(";
        stream_id_format(after, from + 1);
        add_range(redis, key, key_size, from, "+", count);
        redis_end(redis, fn, user);
    }
    return fault;
}

enum fault stream_ask_at(
    struct redis *redis, const char *key, size_t key_size, struct stream_id at, redis_reply_fn *fn, void *user)
{
    enum fault fault = redis_begin(redis, 6, key_size + 128);
    if (fault == FAULT_NONE) {
        char id[STREAM_ID_TEXT_SIZE];
        stream_id_format(at, id);
        add_range(redis, key, key_size, id, id, 1);
        redis_end(redis, fn, user);
    }
    return fault;
}

bool stream_entry(const redisReply *entry, struct stream_id *id, struct bytes *value)
{
    if (!reply_is_array(entry, 2) || !reply_is_string(entry->element[0]) || !reply_is_array(entry->element[1], 0) ||
        !stream_id_parse(entry->element[0]->str, entry->element[0]->len, id)) {
        return false;
    }
    const redisReply *fields = entry->element[1];
    bool has_value = fields->elements == 2 && reply_is_string(fields->element[1]);
    *value = has_value ? bytes_of(fields->element[1]->str, fields->element[1]->len) : bytes_of(NULL, 0);
    return true;
}
