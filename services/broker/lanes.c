/* Tasks: what a commit left to be done by another service, an insurer or a channel.
 *
 * A lane named after a service holds commands: they go to an instance of it and leave the lane after a final answer, OK or
 * REFUSED. Every other lane holds questions to the outside: they go to a peer that takes the lane, and stay until the commit
 * that handles the answer removes them, perhaps days later. When such a peer comes or goes, its lanes are read again from the
 * start, because what it had in hand is forgotten with it. */

#include <stdlib.h>
#include <string.h>

#include "common/bus/task.h"
#include "common/core/must.h"
#include "services/broker/state.h"

struct task_lane *lane_find(struct partition *p, const char *name)
{
    for (struct list *node = p->lanes.next; node != &p->lanes; node = node->next) {
        struct task_lane *lane = list_entry(node, struct task_lane, node);
        if (strcmp(lane->name, name) == 0) {
            return lane;
        }
    }
    return NULL;
}

/* Lanes of services have no slash in their name. */
static bool is_to_outside(const char *name)
{
    return strchr(name, '/') != NULL;
}

static bool is_named(const struct peer *peer, const char *lane)
{
    for (unsigned i = 0; i < peer->lane_count; i++) {
        if (strcmp(peer->lanes[i], lane) == 0) {
            return true;
        }
    }
    return false;
}

/* A lane goes to who names it; to who takes the rest only while nobody does. */
static void man_lane(struct broker *b, struct crew *crew)
{
    crew->peer_count = 0;
    for (int rest = 0; rest < 2 && crew->peer_count == 0; rest++) {
        for (struct list *node = b->peer_list.next; node != &b->peer_list; node = node->next) {
            struct peer *peer = list_entry(node, struct peer, all);
            bool takes = rest ? peer_takes_lane(peer, crew->name) : is_named(peer, crew->name);
            if (takes && peer->state != PEER_LEAVING) {
                crew_join(crew, peer);
            }
        }
    }
}

static void man_lanes_of(struct broker *b, const struct peer *peer)
{
    for (unsigned i = 0; i < b->crew_count && peer->lane_count; i++) {
        if (is_to_outside(b->crew_list[i]->name) && peer_takes_lane(peer, b->crew_list[i]->name)) {
            man_lane(b, b->crew_list[i]);
            crew_work(b, b->crew_list[i]);
        }
    }
}

static struct task_lane *lane_require(struct broker *b, struct partition *p, const char *name)
{
    struct task_lane *lane = lane_find(p, name);
    if (lane || strlen(name) >= BROKER_LANE_SIZE) {
        return lane;
    }
    struct crew *crew = crew_require(b, name);
    if (!crew) {
        return NULL;
    }
    if (is_to_outside(name)) {
        crew->outside = true;
        man_lane(b, crew);
    }
    lane = calloc(1, sizeof *lane);
    MUST(lane);
    memcpy(lane->name, name, strlen(name) + 1);
    feed_init(&lane->feed, FEED_LANE, p);
    lane->feed.lane = lane;
    lane->feed.crew = crew;
    list_append(&p->lanes, &lane->node);
    return lane;
}

static void lane_read(struct broker *b, struct partition *p, struct task_lane *lane)
{
    lane->again = lane->asked;
    if (lane->asked || lane->feed.count + BROKER_PAGE > b->limits.window || crew_is_full(b, lane->feed.crew) ||
        !crew_is_manned(lane->feed.crew) || b->draining) {
        return;
    }
    struct broker_ask *ask = ask_new(b, p, ASK_TASKS);
    memcpy(ask->name, lane->name, sizeof ask->name);
    ask->after = lane->feed.read;
    lane->asked = true;
}

void lanes_poll(struct broker *b, struct partition *p)
{
    p->lanes_again = p->lanes_asked;
    if (!p->lanes_asked && !b->draining) {
        ask_new(b, p, ASK_LANES);
        p->lanes_asked = true;
    }
}

void lanes_found(struct broker *b, struct partition *p, const struct broker_input *in)
{
    p->lanes_asked = false;
    if (p->lanes_again) {
        p->lanes_ms = b->now_ms;
    }
    for (unsigned i = 0; i < in->name_count; i++) {
        struct task_lane *lane = lane_require(b, p, in->names[i]);
        if (lane) {
            lane_read(b, p, lane);
        }
    }
}

static bool is_under_way(const struct feed *feed, struct stream_id id)
{
    for (struct list *node = feed->unfinished.next; node != &feed->unfinished; node = node->next) {
        if (stream_id_compare(list_entry(node, struct delivery, in_feed)->entry->id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* False when no more can be under way now. What is no task at all stays where it is, for a person to see. */
static bool take_task(struct broker *b, struct feed *feed, const struct stored *item)
{
    struct record record;
    if (!task_parse(item->bytes, item->size, &record) || is_under_way(feed, item->id)) {
        return true;
    }
    struct strand *strand = crew_is_full(b, feed->crew) ? NULL : strand_require(b, feed, feed->crew, record.root);
    if (!strand) {
        return false;
    }
    struct entry *entry = entry_new(item, record.root);
    bool added = strand_add(b, strand, entry);
    entry_drop(entry);
    strand_settle(b, strand);
    return added;
}

void lanes_tasks(struct broker *b, struct partition *p, const struct broker_input *in)
{
    struct task_lane *lane = lane_find(p, in->ask->name);
    if (!lane) {
        return;
    }
    bool stale = stream_id_compare(lane->feed.read, in->ask->after) != 0; /* Set back to the start meanwhile. */
    lane->asked = false;
    for (unsigned i = 0; i < in->count && !stale && take_task(b, &lane->feed, &in->items[i]); i++) {
        lane->feed.read = in->items[i].id;
    }
    if (in->more || stale || lane->again) {
        lane_read(b, p, lane);
    }
}

static void read_again(struct broker *b, const struct peer *peer)
{
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        struct partition *p = &b->partitions[i];
        for (struct list *node = p->lanes.next; node != &p->lanes; node = node->next) {
            struct task_lane *lane = list_entry(node, struct task_lane, node);
            if (is_to_outside(lane->name) && peer_takes_lane(peer, lane->name)) {
                lane->feed.read = (struct stream_id){0};
                lane_read(b, p, lane);
            }
        }
        if (peer->serves_count || peer->lane_count) {
            partition_ring(b, i, true);
        }
    }
}

void lanes_joined(struct broker *b, struct peer *peer)
{
    man_lanes_of(b, peer);
    read_again(b, peer);
}

void lanes_left(struct broker *b, struct peer *peer)
{
    if (peer->lane_count) {
        man_lanes_of(b, peer);
        read_again(b, peer);
    }
}

static size_t append_text(uint8_t *out, unsigned field, const char *text)
{
    size_t size = strlen(text), at = 0;
    MUST(field >= 16 && field < 2048 && size < 2 * 128 * 128);
    out[at++] = (uint8_t)((field << 3 & 0x7f) | 2 | 0x80);
    out[at++] = (uint8_t)(field >> 4);
    if (size >= 128) {
        out[at++] = (uint8_t)((size & 0x7f) | 0x80);
        out[at++] = (uint8_t)(size >> 7);
    } else {
        out[at++] = (uint8_t)size;
    }
    memcpy(out + at, text, size);
    return at + size;
}

/* The record as it lies in the lane, with the place where it lies at the end of its envelope (fields lane and entry). */
bool lanes_deliver(struct broker *b, struct delivery *delivery, struct peer *peer)
{
    enum { LANE_FIELD = 16, ENTRY_FIELD = 17, FIELD_HEADS = 8 };
    const struct entry *entry = delivery->entry;
    const char *lane = delivery->feed->lane->name;
    char id[STREAM_ID_TEXT_SIZE];
    uint8_t envelope[ENVELOPE_MAX];
    struct record record;
    size_t id_size = stream_id_format(entry->id, id);
    if (!task_parse(entry->bytes, entry->size, &record) ||
        record.envelope_size + strlen(lane) + id_size + FIELD_HEADS > sizeof envelope) {
        return false;
    }
    size_t size = record.envelope_size;
    memcpy(envelope, record.envelope, size);
    size += append_text(envelope + size, LANE_FIELD, lane);
    size += append_text(envelope + size, ENTRY_FIELD, id);
    record.envelope = envelope;
    record.envelope_size = (uint32_t)size;
    record.verb = is_to_outside(lane) ? VERB_TASK : VERB_CMD;
    record.ttl_ms = b->limits.ack_ms;
    if (!record_fits(&record)) {
        return false;
    }
    delivery_send(b, delivery, peer, &record);
    return true;
}

/* A service has given its final answer. The delivery stays under way until the lane has forgotten the task. */
void lanes_final(struct broker *b, struct delivery *delivery)
{
    struct feed *feed = delivery->feed;
    struct broker_ask *ask = ask_new(b, feed->partition, ASK_TASK_DONE);
    memcpy(ask->name, feed->lane->name, sizeof ask->name);
    ask->after = delivery->entry->id;
    ask->ticket = delivery->errand.tag;
    errand_return(&delivery->errand);
    delivery->stage = STAGE_PAUSED; /* Asked again, under the same command id, should the writing fail. */
    wheel_set(&b->wheel, &delivery->errand.deadline, b->now_ms + b->limits.retry_max_ms);
    b->counters.tasks++;
}

void lanes_written(struct broker *b, struct partition *p, const struct broker_input *in)
{
    (void)p;
    struct errand *errand = errand_find(b, in->ask->ticket);
    if (errand && errand->kind == ERRAND_DELIVERY && in->outcome == WRITTEN) {
        delivery_done(b, (struct delivery *)errand);
    }
}

void lanes_clear(struct broker *b, struct partition *p)
{
    for (struct list *node; (node = list_first(&p->lanes));) {
        struct task_lane *lane = list_entry(node, struct task_lane, node);
        feed_clear(b, &lane->feed);
        list_remove(node);
        free(lane);
    }
}
