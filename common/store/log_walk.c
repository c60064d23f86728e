#include "common/store/log_read.h"

#include <string.h>

#include "common/core/must.h"
#include "common/store/keyname.h"
#include "common/store/reply.h"
#include "common/store/stream.h"

static void on_record(void *user, const redisReply *reply);

static void finish(struct log_walk *walk, enum fault fault)
{
    walk->fault = fault;
    if (fault == FAULT_INTERNAL) {
        walk->store->counts.corrupt++;
    }
    walk->done(walk);
}

static enum fault ask(struct log_walk *walk)
{
    struct keyname name;
    keyname_log(&name, walk->partition);
    return stream_ask_at(
        shard_of(walk->store->shards, walk->partition), name.text, name.size, walk->next.last, on_record, walk);
}

/* Whether this is the record that the chain, from its newest end, says is here. */
static bool is_expected(const struct log_walk *walk, const struct record *record)
{
    const struct record_header *header = &record->header;
    return header->sequence == walk->next.sequence && strcmp(header->root, walk->root) == 0 &&
           strcmp(header->tenant, walk->tenant) == 0 && record_follows(record, walk->next.head);
}

static void step_back(struct log_walk *walk, const struct record_header *header)
{
    walk->next.sequence--;
    walk->next.last = header->previous;
    memcpy(walk->next.head, header->previous_id, RECORD_ID_SIZE);
}

static void go_on(struct log_walk *walk)
{
    walk->complete = walk->next.sequence == 0;
    if (walk->complete || walk->count == walk->count_max) {
        finish(walk, FAULT_NONE);
        return;
    }
    if (ask(walk) != FAULT_NONE) {
        why_set(&walk->why, "could not read the log of partition %u", walk->partition);
        finish(walk, FAULT_UNAVAILABLE);
    }
}

static void on_record(void *user, const redisReply *reply)
{
    struct log_walk *walk = user;
    if (!reply_is_array(reply, 0)) {
        why_set(&walk->why, "could not read the log of partition %u", walk->partition);
        finish(walk, FAULT_UNAVAILABLE);
        return;
    }
    if (reply->elements == 0) {
        finish(walk, FAULT_NONE); /* trimmed: what is older is in the archive */
        return;
    }
    struct log_entry *entry = &walk->entries[walk->count];
    struct bytes bytes;
    bool good = stream_entry(reply->element[0], &entry->at, &bytes);
    if (good) {
        bytes = bytes_of(arena_memdup(walk->arena, bytes.at, bytes.size), bytes.size);
        good = record_decode(bytes, walk->arena, &entry->record, &walk->why) == FAULT_NONE;
    }
    if (!good || !is_expected(walk, &entry->record)) {
        why_set(&walk->why, "the log of root %s breaks at its record %llu: it was altered", walk->root,
            (unsigned long long)walk->next.sequence);
        finish(walk, FAULT_INTERNAL);
        return;
    }
    walk->count++;
    step_back(walk, &entry->record.header);
    go_on(walk);
}

enum fault log_walk_send(struct store *store, struct log_walk *walk)
{
    MUST(walk->count_max > 0 && walk->count_max <= LOG_WALK_MAX && walk->from.sequence > 0);
    walk->store = store;
    walk->next = walk->from;
    walk->count = 0;
    walk->complete = false;
    walk->why.text[0] = '\0';
    size_t entries = walk->from.sequence < walk->count_max ? (size_t)walk->from.sequence : walk->count_max;
    walk->entries = ARENA_ARRAY(walk->arena, struct log_entry, entries);
    return ask(walk);
}
