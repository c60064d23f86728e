#include "common/store/lane.h"

#include "common/core/must.h"
#include "common/store/keyname.h"
#include "common/store/reply.h"
#include "common/store/stream.h"

static void on_lanes(void *user, const redisReply *reply)
{
    struct lanes *lanes = user;
    lanes->fault = FAULT_UNAVAILABLE;
    if (reply_is_array(reply, 0)) {
        lanes->fault = FAULT_NONE;
        lanes->dests = ARENA_ARRAY(lanes->arena, const char *, reply->elements);
        for (size_t i = 0; i < reply->elements; i++) {
            const redisReply *dest = reply->element[i];
            if (reply_is_string(dest)) {
                lanes->dests[lanes->count++] = arena_strndup(lanes->arena, dest->str, dest->len);
            }
        }
    }
    lanes->done(lanes);
}

enum fault lanes_send(struct store *store, struct lanes *lanes)
{
    struct redis *redis = shard_of(store->shards, lanes->partition);
    struct keyname name;
    keyname_lanes(&name, lanes->partition);
    enum fault fault = redis_begin(redis, 4, name.size + 64);
    if (fault != FAULT_NONE) {
        return fault;
    }
    lanes->count = 0;
    redis_add_text(redis, "ZRANGE");
    redis_add(redis, name.text, name.size);
    redis_add_int(redis, 0);
    redis_add_int(redis, LANES_MAX - 1);
    redis_end(redis, on_lanes, lanes);
    return FAULT_NONE;
}

static void on_page(void *user, const redisReply *reply)
{
    struct lane_page *page = user;
    page->fault = FAULT_UNAVAILABLE;
    if (reply_is_array(reply, 0)) {
        page->fault = FAULT_NONE;
        page->tasks = ARENA_ARRAY(page->arena, struct lane_task, reply->elements);
        for (size_t i = 0; i < reply->elements; i++) {
            struct lane_task *task = &page->tasks[page->count];
            struct bytes body;
            if (stream_entry(reply->element[i], &task->id, &body)) {
                task->body = bytes_of(arena_memdup(page->arena, body.at, body.size), body.size);
                page->count++;
            }
        }
    }
    page->done(page);
}

enum fault lane_page_send(struct store *store, struct lane_page *page)
{
    MUST(page->count_max > 0 && page->count_max <= LANE_PAGE_MAX);
    struct keyname name;
    keyname_lane(&name, page->partition, page->dest);
    page->count = 0;
    return stream_ask_after(
        shard_of(store->shards, page->partition), name.text, name.size, page->after, page->count_max, on_page, page);
}
