/* Dead records, and the roots that wait behind them.
 *
 * A dead record is kept as a dead letter and its root is parked for that group: nothing of that root is delivered to the group,
 * so that order holds, and nothing else waits. When an operator lets it go on, the root is read from the log by itself until it
 * has caught up with the others, and is then live again. It is live here before the store forgets that it was parked: a crash
 * in between delivers twice, never not at all. */

#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "services/broker/state.h"

static void name_root(struct broker_ask *ask, const struct feed *feed, const char *tenant, const char *root)
{
    snprintf(ask->name, sizeof ask->name, "%s", feed->group->crew.name);
    snprintf(ask->tenant, sizeof ask->tenant, "%s", tenant);
    snprintf(ask->root, sizeof ask->root, "%s", root);
}

void park_kill(struct broker *b, struct delivery *delivery)
{
    const struct entry *entry = delivery->entry;
    errand_return(&delivery->errand);
    list_remove(&delivery->strand->ready);
    if (delivery->feed->kind != FEED_LOG) {
        delivery->stage = STAGE_PAUSED;
        wheel_set(&b->wheel, &delivery->errand.deadline, b->now_ms + b->limits.retry_max_ms);
        return;
    }
    delivery->stage = STAGE_DYING;
    struct broker_ask *ask = ask_new(b, delivery->feed->partition, ASK_DEAD);
    name_root(ask, delivery->feed, entry->tenant, entry->root);
    ask->sequence = entry->sequence;
    ask->after = entry->id;
    ask->ticket = delivery->errand.tag;
    bool is_named = entry->name && entry->name[0] != '\0';
    snprintf(ask->why, sizeof ask->why, "%s%s%s", delivery->lost >= b->limits.links_lost ? "LINKS_LOST" : "ATTEMPTS",
        is_named ? " " : "", is_named ? entry->name : "");
    wheel_set(&b->wheel, &delivery->errand.deadline, b->now_ms + b->limits.retry_max_ms);
}

static void stand_aside(struct strand *strand, enum standing standing, const char *tenant, const char *root)
{
    if (strand->standing == LIVE) {
        strand->tenant = strdup(tenant);
        strand->root = strdup(root);
        MUST(strand->tenant && strand->root);
        list_append(&strand->feed->partition->aside, &strand->aside);
    }
    strand->standing = standing;
}

static void stand_again(struct strand *strand)
{
    free(strand->tenant);
    free(strand->root);
    strand->tenant = strand->root = NULL;
    list_remove(&strand->aside);
    strand->standing = LIVE;
}

void park_dead(struct broker *b, struct partition *p, const struct broker_input *in)
{
    struct errand *errand = errand_find(b, in->ask->ticket);
    struct delivery *delivery = (struct delivery *)errand;
    if (!errand || errand->kind != ERRAND_DELIVERY || delivery->stage != STAGE_DYING || in->outcome != WRITTEN) {
        return; /* A failed writing is asked for again at the delivery's deadline. */
    }
    struct strand *strand = delivery->strand;
    b->counters.dead++;
    stand_aside(strand, PARKED, delivery->entry->tenant, delivery->entry->root);
    strand_empty(b, strand);
    p->unacked++;
    partition_look(b, p);
}

/* So that a reading that starts behind it begins with it. */
static struct stream_id just_before(struct stream_id id)
{
    if (id.n > 0) {
        return (struct stream_id){id.ms, id.n - 1};
    }
    return id.ms > 0 ? (struct stream_id){id.ms - 1, UINT64_MAX} : id;
}

void park_restore(struct broker *b, struct feed *feed, const struct kept_parked *parked)
{
    struct strand *strand = strand_require(b, feed, feed->crew, record_root(parked->tenant, parked->root));
    if (strand) {
        stand_aside(strand, parked->draining ? DRAINING : PARKED, parked->tenant, parked->root);
        strand->read = just_before(parked->from);
        strand->sequence = parked->sequence;
    }
}

void broker_unpark(struct broker *b, uint32_t partition, const char *group_name, const struct kept_parked *parked)
{
    struct partition *p = &b->partitions[partition % BROKER_PARTITIONS];
    struct group *group = group_find(b, group_name);
    struct feed *feed = group ? &p->logs[group->number] : NULL;
    struct strand *strand =
        feed && feed->known ? strand_find(b, feed, record_root(parked->tenant, parked->root)) : NULL;
    if (strand && strand->standing == PARKED) {
        strand->standing = DRAINING;
        strand->read = just_before(parked->from);
        strand->sequence = parked->sequence;
        partition_ring(b, p->number, false);
    }
}

/* A draining root that waits for more of its records. They take turns. */
struct strand *park_next_to_drain(struct partition *p)
{
    for (struct list *node = p->aside.next; node != &p->aside; node = node->next) {
        struct strand *strand = list_entry(node, struct strand, aside);
        if (strand->standing == DRAINING && list_is_empty(&strand->deliveries) && crew_is_manned(strand->crew)) {
            list_remove(node);
            list_append(&p->aside, node);
            return strand;
        }
    }
    return NULL;
}

static bool is_of(const struct strand *strand, const struct stored *item)
{
    return item->sequence >= strand->sequence && strcmp(item->root, strand->root) == 0 &&
           strcmp(item->tenant, strand->tenant) == 0 && group_wants(strand->feed->group, item);
}

void park_drained(struct broker *b, struct strand *strand, const struct broker_input *in)
{
    for (unsigned i = 0; i < in->count; i++) {
        const struct stored *item = &in->items[i];
        if (stream_id_compare(item->id, strand->read) <= 0) {
            continue;
        }
        if (is_of(strand, item)) {
            struct entry *entry = entry_new(item, strand->root_hash);
            bool added = strand_add(b, strand, entry);
            entry_drop(entry);
            if (!added) {
                break;
            }
        }
        strand->read = item->id;
    }
    if (!in->more && list_is_empty(&strand->deliveries) && stream_id_compare(strand->read, strand->feed->read) < 0) {
        strand->read = strand->feed->read; /* The end of the log was seen, so nothing lies between. */
    }
    strand_settle(b, strand);
}

/* Called when a strand that stands aside has nothing under way: it has caught up, or more is to be read. */
void park_settle(struct broker *b, struct strand *strand)
{
    struct feed *feed = strand->feed;
    if (strand->standing != DRAINING) {
        return;
    }
    if (stream_id_compare(strand->read, feed->read) < 0) {
        partition_ring(b, feed->partition->number, false);
        return;
    }
    struct broker_ask *ask = ask_new(b, feed->partition, ASK_UNPARK);
    name_root(ask, feed, strand->tenant, strand->root);
    stand_again(strand);
    strand_settle(b, strand);
}

void park_clear(struct broker *b, struct partition *p)
{
    for (struct list *node; (node = list_first(&p->aside));) {
        struct strand *strand = list_entry(node, struct strand, aside);
        stand_again(strand);
        strand_empty(b, strand);
    }
}
