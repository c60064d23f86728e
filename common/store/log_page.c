#include "common/store/log_read.h"

#include "common/core/must.h"
#include "common/store/keyname.h"
#include "common/store/reply.h"
#include "common/store/stream.h"

static void read_entry(struct log_page *page, const redisReply *reply)
{
    struct log_entry *entry = &page->entries[page->count];
    struct bytes bytes;
    if (!stream_entry(reply, &entry->at, &bytes)) {
        return;
    }
    page->count++;
    bytes = bytes_of(arena_memdup(page->arena, bytes.at, bytes.size), bytes.size);
    if (record_decode(bytes, page->arena, &entry->record, &page->why) != FAULT_NONE) {
        entry->corrupt = true;
        page->store->counts.corrupt++;
    }
}

static void on_page(void *user, const redisReply *reply)
{
    struct log_page *page = user;
    page->fault = FAULT_UNAVAILABLE;
    if (reply_is_array(reply, 0)) {
        page->fault = FAULT_NONE;
        page->entries = ARENA_ARRAY(page->arena, struct log_entry, reply->elements);
        for (size_t i = 0; i < reply->elements; i++) {
            read_entry(page, reply->element[i]);
        }
    } else {
        why_set(&page->why, "could not read the log of partition %u", page->partition);
    }
    page->done(page);
}

enum fault log_page_send(struct store *store, struct log_page *page)
{
    MUST(page->count_max > 0 && page->count_max <= LOG_PAGE_MAX);
    struct keyname name;
    keyname_log(&name, page->partition);
    page->store = store;
    page->count = 0;
    page->why.text[0] = '\0';
    return stream_ask_after(
        shard_of(store->shards, page->partition), name.text, name.size, page->after, page->count_max, on_page, page);
}
