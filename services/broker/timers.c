/* Due timers: each goes, as a command of its own, to the service that set it.
 *
 * The timer stays in the store until the commit that handles it. One that is handed over and still there later is handed over
 * again; the command id is made of the timer and its due time, so the service knows it. */

#include <string.h>

#include "common/core/hash.h"
#include "common/core/id.h"
#include "proto/envelope.pb-c.h"
#include "services/broker/state.h"

void timers_poll(struct broker *b, struct partition *p)
{
    if (!p->timers_asked && !b->draining && p->timers.count + BROKER_PAGE <= b->limits.window) {
        ask_new(b, p, ASK_TIMERS)->sequence = p->timers_passed;
        p->timers_asked = true;
    }
}

static struct delivery *find_delivery(const struct feed *feed, struct stream_id id)
{
    for (struct list *node = feed->unfinished.next; node != &feed->unfinished; node = node->next) {
        struct delivery *delivery = list_entry(node, struct delivery, in_feed);
        if (stream_id_compare(delivery->entry->id, id) == 0) {
            return delivery;
        }
    }
    return NULL;
}

static bool take_timer(struct broker *b, struct feed *feed, const struct stored *item)
{
    struct crew *crew = crew_find(b, item->service, strlen(item->service));
    uint64_t root = record_root(item->tenant, item->root);
    struct strand *strand = crew && crew_is_manned(crew)
                                ? strand_require(b, feed, crew, root ^ name_hash(item->service, strlen(item->service)))
                                : NULL;
    if (strand) {
        struct entry *entry = entry_new(item, root);
        strand_add(b, strand, entry);
        entry_drop(entry);
        strand_settle(b, strand);
    }
    return strand != NULL;
}

static bool is_listed(const struct broker_input *in, struct stream_id id)
{
    for (unsigned i = 0; i < in->count; i++) {
        if (stream_id_compare(in->items[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* A full page may be all of a service that is not there, or waiting for another attempt; those behind it must not wait for that.
 * So pages follow each other until the last of the due was seen: at once while they have something to hand over. */
static void turn_page(struct broker *b, struct partition *p, const struct broker_input *in, bool taken)
{
    p->timers_passed = in->more ? p->timers_passed + in->count : 0;
    if (in->more) {
        p->timers_ms = b->now_ms + (taken ? 0 : b->limits.timer_poll_ms / 8);
    }
}

/* What waits for another attempt and is no longer due was handled or moved meanwhile. */
static void forget_settled(struct broker *b, struct feed *feed, const struct broker_input *in)
{
    for (struct list *node = feed->unfinished.next, *next; node != &feed->unfinished; node = next) {
        struct delivery *delivery = list_entry(node, struct delivery, in_feed);
        next = node->next;
        if (delivery->stage == STAGE_PAUSED && !is_listed(in, delivery->entry->id)) {
            delivery_done(b, delivery);
        }
    }
}

void timers_due(struct broker *b, struct partition *p, const struct broker_input *in)
{
    bool taken = false;
    p->timers_asked = false;
    if (!in->more && p->timers_passed == 0) {
        forget_settled(b, &p->timers, in);
    }
    for (unsigned i = 0; i < in->count; i++) {
        if (!find_delivery(&p->timers, in->items[i].id)) {
            taken |= take_timer(b, &p->timers, &in->items[i]);
        }
    }
    turn_page(b, p, in, taken);
    if (!in->more && in->next_in_ms < b->limits.timer_poll_ms) {
        p->timers_ms = b->now_ms + in->next_in_ms;
    }
}

bool timers_deliver(struct broker *b, struct delivery *delivery, struct peer *peer)
{
    const struct entry *entry = delivery->entry;
    char id[ID_FRESH_SIZE], subject[2 * BROKER_NAME_SIZE];
    uint8_t digest[HASH_SIZE], packed[ENVELOPE_MAX];
    struct hash hash;
    hash_init(&hash);
    hash_add_part(&hash, entry->bytes, entry->size);
    hash_add_part(&hash, &entry->at_ms, sizeof entry->at_ms);
    hash_done(&hash, digest);
    id_spell(id, digest);
    snprintf(subject, sizeof subject, "%s.%s", entry->service, entry->name);

    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.id = id;
    envelope.subject = subject;
    envelope.tenant = entry->tenant;
    envelope.root = entry->root;
    envelope.key = entry->key;
    envelope.kind = entry->kind;
    envelope.timer = entry->name;
    envelope.has_due_at_ms = true;
    envelope.due_at_ms = entry->at_ms;
    if (casebus__envelope__get_packed_size(&envelope) > sizeof packed) {
        return false;
    }
    struct record record = {.verb = VERB_CMD, .envelope = packed, .ttl_ms = b->limits.ack_ms};
    record.envelope_size = (uint32_t)casebus__envelope__pack(&envelope, packed);
    delivery_send(b, delivery, peer, &record);
    return true;
}
