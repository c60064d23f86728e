#include "common/store/index_scan.h"

#include <string.h>

#include "common/core/id.h"
#include "common/core/must.h"
#include "common/store/keyname.h"
#include "common/store/reply.h"

/* What one partition answered, in order. */
struct index_part {
    struct index_scan *scan;
    uint32_t partition;
    size_t count;
    size_t taken;
    struct index_entry *entries;
};

static int compare(const struct index_scan *scan, const struct index_entry *a, const struct index_entry *b)
{
    int order = a->sort != b->sort ? (a->sort < b->sort ? -1 : 1) : strcmp(a->member, b->member);
    return scan->descending ? -order : order;
}

/* The heap of parts that have entries left: the part with the first one on top. */
struct heap {
    size_t count;
    struct index_part *parts[PARTITIONS];
};

static bool comes_before(const struct index_part *a, const struct index_part *b)
{
    return compare(a->scan, &a->entries[a->taken], &b->entries[b->taken]) < 0;
}

static void sift_down(struct heap *heap, size_t at)
{
    for (;;) {
        size_t first = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->count; child++) {
            if (comes_before(heap->parts[child], heap->parts[first])) {
                first = child;
            }
        }
        if (first == at) {
            return;
        }
        struct index_part *part = heap->parts[at];
        heap->parts[at] = heap->parts[first];
        heap->parts[first] = part;
        at = first;
    }
}

static void merge(struct index_scan *scan)
{
    struct heap heap = {0};
    for (size_t i = 0; i < PARTITIONS; i++) {
        if (scan->parts[i].count > 0) {
            heap.parts[heap.count++] = &scan->parts[i];
        }
    }
    for (size_t i = heap.count; i-- > 0;) {
        sift_down(&heap, i);
    }
    scan->entries = ARENA_ARRAY(scan->arena, struct index_entry, scan->count_max);
    while (heap.count > 0 && scan->count < scan->count_max) {
        struct index_part *part = heap.parts[0];
        scan->entries[scan->count++] = part->entries[part->taken++];
        if (part->taken == part->count) {
            heap.parts[0] = heap.parts[--heap.count];
        }
        sift_down(&heap, 0);
    }
}

/* member, sort, member, sort, ... */
static bool read_part(struct index_part *part, const redisReply *reply)
{
    if (!reply_is_array(reply, 0)) {
        return false;
    }
    struct arena *arena = part->scan->arena;
    part->entries = ARENA_ARRAY(arena, struct index_entry, reply->elements / 2);
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        struct index_entry *entry = &part->entries[part->count++];
        const redisReply *member = reply->element[i];
        if (!reply_is_string(member) || !reply_number(reply->element[i + 1], &entry->sort)) {
            return false;
        }
        entry->partition = part->partition;
        entry->member = arena_strndup(arena, member->str, member->len);
    }
    return true;
}

static void on_part(void *user, const redisReply *reply)
{
    struct index_part *part = user;
    struct index_scan *scan = part->scan;
    if (!read_part(part, reply)) {
        scan->fault = FAULT_UNAVAILABLE;
    }
    if (--scan->waiting > 0) {
        return;
    }
    if (scan->fault == FAULT_NONE) {
        merge(scan);
    }
    scan->done(scan);
}

static void ask_part(struct index_part *part, struct redis *redis)
{
    const struct index_scan *scan = part->scan;
    struct keyname name;
    keyname_index(&name, part->partition, scan->service, scan->index, scan->tenant, scan->group);
    MUST(redis_begin(redis, 8, name.size + 128) == FAULT_NONE);
    redis_add_text(redis, scan->descending ? "ZREVRANGEBYSCORE" : "ZRANGEBYSCORE");
    redis_add(redis, name.text, name.size);
    redis_add_int(redis, scan->descending ? scan->max : scan->min);
    redis_add_int(redis, scan->descending ? scan->min : scan->max);
    redis_add_text(redis, "WITHSCORES");
    redis_add_text(redis, "LIMIT");
    redis_add_int(redis, 0);
    redis_add_int(redis, (int64_t)scan->count_max);
    redis_end(redis, on_part, part);
}

/* All or none: a partition that cannot be asked now would leave others asked with nobody to answer to. */
static enum fault room_everywhere(struct store *store)
{
    for (size_t i = 0; i < shards_count(store->shards); i++) {
        enum fault fault = redis_room(shards_at(store->shards, i), PARTITIONS, PARTITIONS * (KEYNAME_LENGTH_MAX + 256));
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    return FAULT_NONE;
}

enum fault index_scan_send(struct store *store, struct index_scan *scan)
{
    MUST(scan->count_max > 0 && scan->count_max <= INDEX_PAGE_MAX);
    enum fault fault = room_everywhere(store);
    if (fault != FAULT_NONE) {
        return fault;
    }
    scan->fault = FAULT_NONE;
    scan->count = 0;
    scan->waiting = PARTITIONS;
    scan->parts = ARENA_ARRAY(scan->arena, struct index_part, PARTITIONS);
    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        scan->parts[partition].scan = scan;
        scan->parts[partition].partition = partition;
        ask_part(&scan->parts[partition], shard_of(store->shards, partition));
    }
    return FAULT_NONE;
}
