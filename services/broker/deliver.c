/* The log to its groups: what a partition holds beyond the position of a group, and the group wants, in order per root.
 *
 * One reading serves all groups that stand at the same place. A group without an instance, or with a full window, is left
 * where it is and holds up nobody else; it reads again from there when it can. The position that is written back is the last
 * record before the oldest one unfinished, so whoever takes over starts there and loses nothing. */

#include <string.h>

#include "common/core/must.h"
#include "proto/envelope.pb-c.h"
#include "services/broker/state.h"

struct group *group_find(struct broker *b, const char *name)
{
    for (unsigned i = 0; i < b->group_count; i++) {
        if (strcmp(b->groups[i]->crew.name, name) == 0) {
            return b->groups[i];
        }
    }
    return NULL;
}

void deliver_ask_kept(struct broker *b, struct partition *p, struct group *group)
{
    struct feed *feed = &p->logs[group->number];
    if (!feed->group) {
        feed_init(feed, FEED_LOG, p);
        feed->group = group;
        feed->crew = &group->crew;
    }
    if (p->held && !feed->known && !feed->kept_asked && b->store_ready) {
        feed->kept_asked = true;
        struct broker_ask *ask = ask_new(b, p, ASK_KEPT);
        snprintf(ask->name, sizeof ask->name, "%s", group->crew.name);
    }
}

void deliver_joined(struct broker *b, struct group *group)
{
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        deliver_ask_kept(b, &b->partitions[i], group);
        partition_ring(b, i, false);
    }
    crew_work(b, &group->crew);
}

void deliver_kept(struct broker *b, struct partition *p, const struct broker_input *in)
{
    struct group *group = group_find(b, in->ask->name);
    struct feed *feed = group ? &p->logs[group->number] : NULL;
    if (!feed || feed->known) {
        return;
    }
    feed->kept_asked = false;
    feed->known = true;
    feed->read = feed->acked = in->at;
    for (unsigned i = 0; i < in->parked_count; i++) {
        park_restore(b, feed, &in->parked[i]);
    }
    partition_ring(b, p->number, false);
}

static bool may_read(const struct broker *b, const struct feed *feed)
{
    return feed->known && feed->count + BROKER_PAGE <= b->limits.window && !crew_is_full(b, feed->crew) &&
           crew_is_manned(feed->crew);
}

static bool ask_live(struct broker *b, struct partition *p)
{
    const struct feed *behind = NULL;
    for (unsigned i = 0; i < b->group_count; i++) {
        const struct feed *feed = &p->logs[i];
        if (feed->group && may_read(b, feed) && (!behind || stream_id_compare(feed->read, behind->read) < 0)) {
            behind = feed;
        }
    }
    if (behind) {
        ask_new(b, p, ASK_LOG)->after = behind->read;
    }
    return behind != NULL;
}

static bool ask_draining(struct broker *b, struct partition *p)
{
    struct strand *strand = park_next_to_drain(p);
    if (strand) {
        struct broker_ask *ask = ask_new(b, p, ASK_LOG);
        ask->after = strand->read;
        ask->ticket = strand->tag;
    }
    return strand != NULL;
}

void deliver_poll(struct broker *b, struct partition *p)
{
    for (unsigned i = 0; i < b->group_count; i++) {
        deliver_ask_kept(b, p, b->groups[i]); /* Where the store could not say so before. */
    }
    p->log_again = p->log_asked;
    if (p->log_asked || b->draining) {
        return;
    }
    p->drain_turn = !p->drain_turn;
    p->log_asked = p->drain_turn ? ask_draining(b, p) || ask_live(b, p) : ask_live(b, p) || ask_draining(b, p);
}

struct page {
    const struct stored *item;
    uint64_t root_hash;
    struct stream_id previous;
    struct entry *entry; /* made when the first group wants it */
};

static struct entry *page_entry(struct page *page)
{
    if (!page->entry) {
        page->entry = entry_new(page->item, page->root_hash);
        page->entry->previous = page->previous;
    }
    return page->entry;
}

/* Offers one record to one group. False when the group can take no more now. */
static bool offer(struct broker *b, struct feed *feed, struct page *page)
{
    if (!group_wants(feed->group, page->item)) {
        return true;
    }
    struct strand *strand = strand_find(b, feed, page->root_hash);
    if (strand && strand->standing != LIVE) {
        return true; /* It is read when the root drains. */
    }
    if (feed->count >= b->limits.window || crew_is_full(b, feed->crew) ||
        !(strand = strand_require(b, feed, feed->crew, page->root_hash))) {
        return false;
    }
    bool added = strand_add(b, strand, page_entry(page));
    strand_settle(b, strand);
    return added;
}

static void offer_to_all(struct broker *b, struct partition *p, struct page *page, bool *full)
{
    for (unsigned g = 0; g < b->group_count; g++) {
        struct feed *feed = &p->logs[g];
        if (full[g] || !feed->known || stream_id_compare(feed->read, page->previous) < 0 ||
            stream_id_compare(feed->read, page->item->id) >= 0 || !crew_is_manned(feed->crew)) {
            continue;
        }
        if (offer(b, feed, page)) {
            feed->read = page->item->id;
        } else {
            full[g] = true;
        }
    }
    entry_drop(page->entry);
}

static void deliver_live(struct broker *b, struct partition *p, const struct broker_input *in)
{
    bool full[GROUPS_MAX] = {false};
    struct stream_id previous = in->ask->after;
    for (unsigned i = 0; i < in->count; i++) {
        const struct stored *item = &in->items[i];
        struct page page = {.item = item, .root_hash = record_root(item->tenant, item->root), .previous = previous};
        offer_to_all(b, p, &page, full);
        previous = item->id;
    }
    p->unacked += in->count > 0; /* The positions move past what nobody wants, too. */
}

void deliver_log(struct broker *b, struct partition *p, const struct broker_input *in)
{
    p->log_asked = false;
    if (in->ask->ticket) {
        struct strand *strand = pool_find(&b->strand_pool, in->ask->ticket);
        if (strand && strand->standing == DRAINING) {
            park_drained(b, strand, in);
        }
    } else {
        deliver_live(b, p, in);
    }
    if (in->more || in->ask->ticket || p->log_again) {
        p->log_ms = b->now_ms;
    }
}

static struct stream_id handled_up_to(const struct feed *feed)
{
    struct list *first = list_first(&feed->unfinished);
    return first ? list_entry(first, struct delivery, in_feed)->entry->previous : feed->read;
}

void deliver_cursors(struct broker *b, struct partition *p)
{
    p->unacked = 0;
    for (unsigned i = 0; i < b->group_count; i++) {
        struct feed *feed = &p->logs[i];
        if (!feed->known || feed->ack_asked) {
            continue;
        }
        struct stream_id floor = handled_up_to(feed);
        if (stream_id_compare(floor, feed->acked) > 0) {
            struct broker_ask *ask = ask_new(b, p, ASK_CURSOR);
            snprintf(ask->name, sizeof ask->name, "%s", feed->group->crew.name);
            ask->after = floor;
            feed->ack_asked = true;
        }
    }
}

void deliver_written(struct broker *b, struct partition *p, const struct broker_input *in)
{
    struct group *group = group_find(b, in->ask->name);
    struct feed *feed = group ? &p->logs[group->number] : NULL;
    if (feed) {
        feed->ack_asked = false;
        if (in->outcome == WRITTEN) {
            feed->acked = in->ask->after;
        }
    }
}

bool deliver_event(struct broker *b, struct delivery *delivery, struct peer *peer)
{
    const struct entry *entry = delivery->entry;
    char id[STREAM_ID_TEXT_SIZE];
    uint8_t packed[ENVELOPE_MAX];
    stream_id_format(entry->id, id);
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.tenant = entry->tenant;
    envelope.root = entry->root;
    envelope.group = delivery->feed->group->crew.name;
    envelope.stream_id = id;
    envelope.has_sequence = true;
    envelope.sequence = entry->sequence;
    if (casebus__envelope__get_packed_size(&envelope) > sizeof packed) {
        return false;
    }
    struct record record = {
        .verb = VERB_EVT, .flags = RECORD_SEALED, .envelope = packed, .body = entry->bytes, .body_size = entry->size};
    record.envelope_size = (uint32_t)casebus__envelope__pack(&envelope, packed);
    if (!record_fits(&record)) {
        return false;
    }
    delivery_send(b, delivery, peer, &record);
    return true;
}
