/* Whose partitions, and when each is looked at.
 *
 *     (free) --lease won--> held --renewed in time--> held
 *       ^                    |--fenced, expired by our own clock, released--.
 *       '----------------------------------------------------------------- '
 *
 * What is under way in a partition is forgotten with its lease: the next owner begins at the positions that were written. Our
 * own clock ends a lease a little before Redis does, so that two brokers never deliver the same partition. */

#include <string.h>

#include "services/broker/state.h"

enum { MARGIN_MS = 250 };

bool partition_is_ours(const struct broker *b, const struct partition *p)
{
    return p->held && b->now_ms < p->until_ms - MARGIN_MS;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void partition_look(struct broker *b, struct partition *p)
{
    int64_t at = p->renew_ms;
    if (p->held) {
        at = earlier(at, earlier(p->log_ms, earlier(p->lanes_ms, p->timers_ms)));
        at = earlier(at, p->until_ms - MARGIN_MS);
        at = p->unacked ? earlier(at, p->cursor_ms) : at;
    }
    if (list_is_empty(&p->deadline.node) || at < p->deadline.at_ms) {
        wheel_set(&b->wheel, &p->deadline, at);
    }
}

void partition_ring(struct broker *b, uint32_t number, bool lanes)
{
    struct partition *p = &b->partitions[number % BROKER_PARTITIONS];
    if (p->held) {
        p->log_ms = b->now_ms;
        p->lanes_ms = lanes ? b->now_ms : p->lanes_ms;
        if (list_is_empty(&p->rung_node)) {
            list_append(&b->rung, &p->rung_node);
        }
    }
}

static void ask_lease(struct broker *b, struct partition *p)
{
    p->renew_ms = b->now_ms + b->limits.lease_ms / 3;
    if (!p->lease_asked && b->store_ready && !b->draining) {
        ask_new(b, p, ASK_LEASE);
        p->lease_asked = true;
    }
}

static void look(struct broker *b, struct partition *p)
{
    if (b->now_ms >= p->log_ms) {
        p->log_ms = b->now_ms + b->limits.poll_ms;
        deliver_poll(b, p);
    }
    if (b->now_ms >= p->lanes_ms) {
        p->lanes_ms = b->now_ms + b->limits.poll_ms;
        lanes_poll(b, p);
    }
    if (b->now_ms >= p->timers_ms) {
        p->timers_ms = b->now_ms + b->limits.timer_poll_ms;
        timers_poll(b, p);
    }
}

void leases_due(struct broker *b, struct partition *p)
{
    if (p->held && !partition_is_ours(b, p)) {
        lease_lose(b, p);
    }
    if (b->now_ms >= p->renew_ms) {
        ask_lease(b, p);
    }
    if (p->held && b->store_ready) {
        look(b, p);
        if (b->now_ms >= p->cursor_ms || b->draining) {
            p->cursor_ms = b->now_ms + b->limits.cursor_ms;
            deliver_cursors(b, p);
        }
    }
    partition_look(b, p);
}

void leases_got(struct broker *b, struct partition *p, const struct broker_input *in)
{
    p->lease_asked = false;
    if (in->epoch == 0 || (p->held && p->epoch != in->epoch)) {
        lease_lose(b, p);
    }
    if (in->epoch == 0) {
        return;
    }
    bool won = !p->held;
    p->held = true;
    p->epoch = in->epoch;
    p->until_ms = in->until_ms;
    if (won) {
        b->leases++;
        p->log_ms = p->lanes_ms = p->timers_ms = p->cursor_ms = b->now_ms;
        for (unsigned i = 0; i < b->group_count; i++) {
            deliver_ask_kept(b, p, b->groups[i]);
        }
    }
    partition_look(b, p);
}

void lease_lose(struct broker *b, struct partition *p)
{
    if (!p->held) {
        return;
    }
    p->held = false;
    b->leases--;
    list_remove(&p->rung_node);
    park_clear(b, p);
    for (unsigned i = 0; i < b->group_count; i++) {
        if (p->logs[i].group) {
            feed_clear(b, &p->logs[i]);
        }
    }
    feed_clear(b, &p->timers);
    lanes_clear(b, p);
    p->log_asked = p->lanes_asked = p->timers_asked = false;
    p->unacked = p->timers_passed = 0;
}

void leases_start(struct broker *b)
{
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        struct partition *p = &b->partitions[i];
        p->number = i;
        list_init(&p->lanes);
        list_init(&p->aside);
        list_init(&p->rung_node);
        deadline_init(&p->deadline);
        p->deadline.owner = DUE_PARTITION;
        feed_init(&p->timers, FEED_TIMERS, p);
        for (unsigned g = 0; g < GROUPS_MAX; g++) {
            feed_init(&p->logs[g], FEED_LOG, p);
        }
        wheel_set(&b->wheel, &p->deadline, b->now_ms);
    }
}

void leases_store_up(struct broker *b)
{
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        struct partition *p = &b->partitions[i];
        p->renew_ms = b->now_ms;
        for (unsigned g = 0; g < b->group_count && p->held; g++) {
            deliver_ask_kept(b, p, b->groups[g]);
        }
        leases_due(b, p);
    }
}

/* Nothing that was asked will be answered. The lease itself lives on until our clock says that it is over. */
void leases_store_down(struct broker *b)
{
    b->ask_count = 0;
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        struct partition *p = &b->partitions[i];
        p->lease_asked = p->log_asked = p->lanes_asked = p->timers_asked = false;
        for (unsigned g = 0; g < b->group_count; g++) {
            p->logs[g].ack_asked = p->logs[g].kept_asked = false;
        }
        for (struct list *node = p->lanes.next; node != &p->lanes; node = node->next) {
            list_entry(node, struct task_lane, node)->asked = false;
        }
    }
}

/* The rest of what a ring asks for: everything rung in this step is looked at once, at its end. */
void leases_rung(struct broker *b)
{
    for (struct list *node; (node = list_first(&b->rung));) {
        struct partition *p = list_entry(node, struct partition, rung_node);
        list_remove(node);
        leases_due(b, p);
    }
}

void leases_release(struct broker *b)
{
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        struct partition *p = &b->partitions[i];
        if (p->held && !p->released) {
            deliver_cursors(b, p);
            ask_new(b, p, ASK_RELEASE);
            p->released = true;
        }
    }
}
