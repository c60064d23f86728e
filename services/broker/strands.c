/* Order per root: the records of one root reach one consumer one at a time, the next only when the one before is done with.
 *
 *     WAITS --an instance takes it--> SENT --handled--> (done)
 *       ^                               |--failed--> PAUSED --its pause is over--> WAITS
 *       |---------- link lost ----------|--failed or lost too often, or given up--> DYING (park.c)
 *
 * Tasks and timers do not die: their lane keeps them, and they are tried again with growing pauses until there is a final
 * answer. */

#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "services/broker/state.h"

void feed_init(struct feed *feed, enum feed_kind kind, struct partition *partition)
{
    *feed = (struct feed){.kind = kind, .partition = partition};
    list_init(&feed->unfinished);
}

void feed_clear(struct broker *b, struct feed *feed)
{
    for (struct list *node; (node = list_first(&feed->unfinished));) {
        strand_empty(b, list_entry(node, struct delivery, in_feed)->strand);
    }
    feed->read = feed->acked = (struct stream_id){0};
    feed->known = feed->kept_asked = feed->ack_asked = false;
}

static const char *keep_text(char **at, const char *text)
{
    if (!text) {
        return NULL;
    }
    size_t size = strlen(text) + 1;
    const char *kept = memcpy(*at, text, size);
    *at += size;
    return kept;
}

struct entry *entry_new(const struct stored *item, uint64_t root_hash)
{
    const char *texts[] = {item->tenant, item->root, item->service, item->kind, item->key, item->name};
    size_t size = sizeof(struct entry) + item->size;
    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        size += texts[i] ? strlen(texts[i]) + 1 : 0;
    }
    struct entry *entry = malloc(size);
    MUST(entry);
    *entry = (struct entry){.refs = 1,
        .id = item->id,
        .at_ms = item->at_ms,
        .root_hash = root_hash,
        .sequence = item->sequence,
        .total_size = (uint32_t)size,
        .size = item->size};
    char *at = (char *)(entry + 1);
    if (item->size) {
        memcpy(at, item->bytes, item->size);
    }
    entry->bytes = (const uint8_t *)at;
    at += item->size;
    entry->tenant = keep_text(&at, item->tenant);
    entry->root = keep_text(&at, item->root);
    entry->service = keep_text(&at, item->service);
    entry->kind = keep_text(&at, item->kind);
    entry->key = keep_text(&at, item->key);
    entry->name = keep_text(&at, item->name);
    return entry;
}

void entry_drop(struct entry *entry)
{
    if (entry && --entry->refs == 0) {
        free(entry);
    }
}

static uint64_t strand_key(const struct feed *feed, uint64_t root_hash)
{
    return mix64(root_hash ^ mix64((uint64_t)(uintptr_t)feed));
}

struct strand *strand_find(struct broker *b, const struct feed *feed, uint64_t root_hash)
{
    return map_find(&b->strands, strand_key(feed, root_hash));
}

/* NULL when there are too many. */
struct strand *strand_require(struct broker *b, struct feed *feed, struct crew *crew, uint64_t root_hash)
{
    struct strand *strand = strand_find(b, feed, root_hash);
    uint64_t tag;
    if (strand || !(strand = pool_take(&b->strand_pool, &tag))) {
        return strand;
    }
    *strand = (struct strand){
        .tag = tag, .key = strand_key(feed, root_hash), .feed = feed, .crew = crew, .root_hash = root_hash};
    list_init(&strand->ready);
    list_init(&strand->deliveries);
    list_init(&strand->aside);
    map_put(&b->strands, strand->key, strand);
    return strand;
}

static struct delivery *strand_first(const struct strand *strand)
{
    struct list *first = list_first(&strand->deliveries);
    return first ? list_entry(first, struct delivery, in_strand) : NULL;
}

/* What comes next for the strand: its first delivery wants an instance; or it is empty and goes, or goes live again. */
void strand_settle(struct broker *b, struct strand *strand)
{
    struct delivery *first = strand_first(strand);
    if (!first && strand->standing == LIVE) {
        list_remove(&strand->ready);
        map_remove(&b->strands, strand->key);
        pool_give(&b->strand_pool, strand->tag);
    } else if (!first) {
        park_settle(b, strand);
    } else if (first->stage == STAGE_WAITS && list_is_empty(&strand->ready)) {
        list_append(&strand->crew->ready, &strand->ready);
        crew_has_work(b, strand->crew);
        crew_work(b, strand->crew);
    }
}

/* Adds a record behind the others of its root. False when too many deliveries are under way. */
bool strand_add(struct broker *b, struct strand *strand, struct entry *entry)
{
    uint64_t tag;
    struct delivery *delivery = pool_take(&b->delivery_pool, &tag);
    if (!delivery) {
        return false;
    }
    errand_init(&delivery->errand, ERRAND_DELIVERY, tag);
    delivery->feed = strand->feed;
    delivery->strand = strand;
    delivery->entry = entry;
    entry->refs++;
    crew_hold(b, strand->crew, entry);
    list_init(&delivery->in_feed);
    list_init(&delivery->in_strand);
    list_append(&strand->deliveries, &delivery->in_strand);
    if (strand->standing == LIVE) {
        list_append(&strand->feed->unfinished, &delivery->in_feed);
    }
    strand->feed->count++;
    return true;
}

static void delivery_free(struct broker *b, struct delivery *delivery)
{
    errand_return(&delivery->errand);
    list_remove(&delivery->in_feed);
    list_remove(&delivery->in_strand);
    delivery->feed->count--;
    crew_let_go(b, delivery->strand->crew, delivery->entry);
    entry_drop(delivery->entry);
    pool_give(&b->delivery_pool, errand_slot(&delivery->errand));
}

/* Forgets all its deliveries, under way or not, and the strand itself unless it is parked. */
void strand_empty(struct broker *b, struct strand *strand)
{
    for (struct delivery *first; (first = strand_first(strand));) {
        delivery_free(b, first);
    }
    list_remove(&strand->ready);
    if (strand->standing == LIVE) {
        strand_settle(b, strand);
    }
}

/* Sends the record under the delivery's tag; what it says besides is the feed's business. */
void delivery_send(struct broker *b, struct delivery *delivery, struct peer *peer, struct record *record)
{
    const struct partition *p = delivery->feed->partition;
    delivery->sent += delivery->sent < 255;
    b->counters.redelivered += delivery->sent > 1;
    record->tag = delivery->errand.tag;
    record->attempt = (uint8_t)delivery->sent;
    record->partition = (uint16_t)p->number;
    record->epoch = p->epoch;
    record->root = delivery->entry->root_hash;
    errand_entrust(&delivery->errand, peer, (uint32_t)record_size(record));
    wheel_set(&b->wheel, &delivery->errand.deadline, b->now_ms + b->limits.ack_ms);
    outbox_add(b, peer, record);
}

static bool feed_send(struct broker *b, struct delivery *delivery, struct peer *peer)
{
    switch (delivery->feed->kind) {
    case FEED_LOG:
        return deliver_event(b, delivery, peer);
    case FEED_LANE:
        return lanes_deliver(b, delivery, peer);
    case FEED_TIMERS:
        return timers_deliver(b, delivery, peer);
    }
    MUST_NOT_REACH();
}

/* Whether it may be what kills instances: it was in the hand of one that was lost. */
static bool is_suspect(const struct delivery *delivery)
{
    return delivery->feed->kind == FEED_LOG && delivery->lost > 0;
}

/* The next strand that can go, and to whom; NULL when none can. An instance has one suspect in hand at a time, so that a second loss
 * tells which of them it was: without that, all that was beside a poisonous event would die with it. */
static struct strand *next_to_go(struct broker *b, struct crew *crew, struct peer **out)
{
    for (struct list *node = crew->ready.next; node != &crew->ready; node = node->next) {
        struct strand *strand = list_entry(node, struct strand, ready);
        const struct delivery *delivery = strand_first(strand);
        if (!partition_is_ours(b, strand->feed->partition)) {
            continue;
        }
        *out = crew_choose(b, crew, delivery->entry->root_hash, delivery->entry->size + ENVELOPE_MAX);
        if (!*out) {
            return NULL;
        }
        if (!is_suspect(delivery) || !(*out)->suspect) {
            return strand;
        }
    }
    return NULL;
}

/* One step of handing out: true when there may be more to do. */
bool crew_deliver(struct broker *b, struct crew *crew)
{
    struct peer *peer = NULL;
    struct strand *strand = next_to_go(b, crew, &peer);
    if (!strand) {
        return false;
    }
    struct delivery *delivery = strand_first(strand);
    list_remove(&strand->ready);
    delivery->stage = STAGE_SENT;
    if (!feed_send(b, delivery, peer)) {
        park_kill(b, delivery); /* It cannot be sent to anybody. */
    } else if (is_suspect(delivery)) {
        peer->suspect = &delivery->errand;
    }
    return true;
}

void delivery_done(struct broker *b, struct delivery *delivery)
{
    struct strand *strand = delivery->strand;
    struct partition *p = delivery->feed->partition;
    bool has_room_again = delivery->feed->count + BROKER_PAGE == b->limits.window + 1;
    p->unacked += delivery->feed->kind == FEED_LOG;
    delivery_free(b, delivery);
    if (has_room_again) {
        partition_ring(b, p->number, true);
    }
    strand_settle(b, strand);
    partition_look(b, p);
}

static int64_t pause_ms(const struct broker *b, unsigned times)
{
    int64_t pause = b->limits.retry_min_ms;
    for (unsigned i = 1; i < times && pause < b->limits.retry_max_ms; i++) {
        pause *= 2;
    }
    return pause < b->limits.retry_max_ms ? pause : b->limits.retry_max_ms;
}

static void ask_attempt(struct broker *b, const struct delivery *delivery)
{
    const struct entry *entry = delivery->entry;
    struct broker_ask *ask = ask_new(b, delivery->feed->partition, ASK_ATTEMPT);
    snprintf(ask->name, sizeof ask->name, "%s", delivery->feed->group->crew.name);
    snprintf(ask->tenant, sizeof ask->tenant, "%s", entry->tenant);
    snprintf(ask->root, sizeof ask->root, "%s", entry->root);
    ask->sequence = entry->sequence;
    ask->after = entry->id;
    ask->ticket = delivery->errand.tag;
}

static void pause(struct broker *b, struct delivery *delivery, unsigned times, uint32_t after_ms)
{
    int64_t least_ms = pause_ms(b, times);
    delivery->stage = STAGE_PAUSED;
    wheel_set(&b->wheel, &delivery->errand.deadline, b->now_ms + (after_ms > least_ms ? after_ms : least_ms));
}

/* It was not handled this time. It goes again after `after_ms`, or after a pause of ours when that is longer. */
void delivery_failed(struct broker *b, struct delivery *delivery, uint32_t after_ms)
{
    bool mortal = delivery->feed->kind == FEED_LOG;
    errand_return(&delivery->errand);
    delivery->failed++;
    if (mortal && delivery->failed >= b->limits.attempts) {
        park_kill(b, delivery);
        return;
    }
    if (mortal) {
        ask_attempt(b, delivery);
    }
    pause(b, delivery, delivery->failed, after_ms);
}

/* The instance could not handle it now, and said so: it has no room, or the store is away from it. That says nothing about the
 * record, and must not park a root because a service was restarted or a disk was slow. */
void delivery_put_off(struct broker *b, struct delivery *delivery, uint32_t after_ms)
{
    if (++delivery->put_off % b->limits.put_offs == 0) {
        delivery_failed(b, delivery, after_ms);
        return;
    }
    errand_return(&delivery->errand);
    pause(b, delivery, delivery->put_off, after_ms);
}

/* The store has counted the failure, together with those under earlier owners. */
void delivery_counted(struct broker *b, const struct broker_input *in)
{
    struct errand *errand = errand_find(b, in->ask->ticket);
    struct delivery *delivery = (struct delivery *)errand;
    if (!errand || errand->kind != ERRAND_DELIVERY || delivery->stage != STAGE_PAUSED ||
        in->attempts <= delivery->failed) {
        return;
    }
    delivery->failed = in->attempts;
    if (delivery->failed >= b->limits.attempts) {
        park_kill(b, delivery);
    }
}

/* The link that had it is lost. One such loss says nothing about the record; two say that it may be what kills instances. */
void delivery_lost(struct broker *b, struct delivery *delivery, bool blamed)
{
    errand_return(&delivery->errand);
    delivery->lost += blamed;
    if (delivery->feed->kind == FEED_LOG && delivery->lost >= b->limits.links_lost) {
        park_kill(b, delivery);
        return;
    }
    delivery->stage = STAGE_WAITS;
    strand_settle(b, delivery->strand);
}

void delivery_due(struct broker *b, struct delivery *delivery)
{
    switch (delivery->stage) {
    case STAGE_SENT:
        delivery_failed(b, delivery, 0);
        break;
    case STAGE_PAUSED:
        delivery->stage = STAGE_WAITS;
        strand_settle(b, delivery->strand);
        break;
    case STAGE_DYING:
        park_kill(b, delivery);
        break;
    case STAGE_WAITS:
        break;
    }
}

static bool is_not_now(const struct record *record)
{
    return record->status == STATUS_OVERLOADED || record->status == STATUS_UNAVAILABLE ||
           record->status == STATUS_UNKNOWN || record->status == STATUS_EXPIRED;
}

static bool is_final(const struct record *record)
{
    return record->status == STATUS_OK || record->status == STATUS_REFUSED;
}

void delivery_answer(struct broker *b, struct delivery *delivery, const struct record *record)
{
    enum feed_kind kind = delivery->feed->kind;
    if (record->verb == VERB_REP) {
        /* A timer that was refused without a commit is still due: it comes again, more and more seldom. */
        bool done = kind == FEED_TIMERS ? record->status == STATUS_OK : is_final(record);
        if (kind == FEED_LOG || !done) {
            delivery_failed(b, delivery, record->ttl_ms);
        } else if (kind == FEED_LANE) {
            lanes_final(b, delivery);
        } else {
            b->counters.timers++;
            delivery_done(b, delivery);
        }
    } else if (record->verb == VERB_ACK) {
        uint64_t *counter = kind == FEED_LOG    ? &b->counters.events
                            : kind == FEED_LANE ? &b->counters.tasks
                                                : &b->counters.timers;
        ++*counter;
        delivery_done(b, delivery);
    } else if (record->verb == VERB_TERM && kind == FEED_LOG) {
        errand_return(&delivery->errand);
        park_kill(b, delivery);
    } else if (record->verb == VERB_NAK && kind == FEED_LOG && is_not_now(record)) {
        delivery_put_off(b, delivery, record->ttl_ms);
    } else {
        delivery_failed(b, delivery, record->ttl_ms);
    }
}
