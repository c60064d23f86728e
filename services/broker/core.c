#include "services/broker/core.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "services/broker/state.h"

struct broker_limits broker_limits_default(void)
{
    return (struct broker_limits){
        .peers = 1024,
        .calls = 16384,
        .deliveries = 65536,
        .queue_calls = 4096,
        .queue_bytes = 16 << 20,
        .queue_age_ms = 5000,
        .ttl_ms = 10000,
        .ttl_max_ms = 120000,
        .credits = 1024,
        .credit_bytes = 4 << 20,
        .heartbeat_ms = 1000,
        .ack_ms = 30000,
        .attempts = 5,
        .put_offs = 64,
        .links_lost = 2,
        .retry_min_ms = 200,
        .retry_max_ms = 60000,
        .window = 1024,
        .held_bytes = 8 << 20,
        .lane_bytes = 1 << 20,
        .outside_bytes = 32 << 20,
        .out_bytes = 8 << 20,
        .lease_ms = 5000,
        .poll_ms = 500,
        .timer_poll_ms = 500,
        .cursor_ms = 250,
    };
}

struct broker *broker_new(const struct broker_limits *limits, const char *name, uint64_t seed, int64_t now_ms)
{
    struct broker *b = calloc(1, sizeof *b);
    MUST(b);
    b->limits = *limits;
    b->now_ms = now_ms;
    b->tickets = seed;
    snprintf(b->name, sizeof b->name, "%s", name);
    wheel_init(&b->wheel, now_ms);
    pool_init(&b->peer_pool, sizeof(struct peer), limits->peers);
    pool_init(&b->call_pool, sizeof(struct call), limits->calls);
    pool_init(&b->delivery_pool, sizeof(struct delivery), limits->deliveries);
    pool_init(&b->strand_pool, sizeof(struct strand), limits->deliveries);
    struct list *lists[] = {&b->peer_list, &b->dirty, &b->stuck, &b->busy, &b->rung, &b->idle_parcels, &b->questions};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        list_init(lists[i]);
    }
    b->crew_list = calloc(CREWS_MAX, sizeof *b->crew_list);
    b->partitions = calloc(BROKER_PARTITIONS, sizeof *b->partitions);
    MUST(b->crew_list && b->partitions);
    leases_start(b);
    return b;
}

void broker_free(struct broker **broker)
{
    struct broker *b = *broker;
    if (!b) {
        return;
    }
    for (struct list *node; (node = list_first(&b->peer_list));) {
        link_lose(b, list_entry(node, struct peer, all));
    }
    for (unsigned i = 0; i < BROKER_PARTITIONS; i++) {
        lease_lose(b, &b->partitions[i]);
    }
    for (unsigned i = 0; i < b->crew_count; i++) {
        free(b->crew_list[i]);
    }
    for (unsigned i = 0; i < b->group_count; i++) {
        free(b->groups[i]->wants);
        free(b->groups[i]);
    }
    for (struct list *node; (node = list_first(&b->questions));) {
        struct question *question = list_entry(node, struct question, node);
        list_remove(node);
        free(question->copy);
        free(question);
    }
    outbox_done(b);
    pool_done(&b->peer_pool);
    pool_done(&b->call_pool);
    pool_done(&b->delivery_pool);
    pool_done(&b->strand_pool);
    map_done(&b->peers);
    map_done(&b->strands);
    map_done(&b->crews);
    free(b->crew_list);
    free(b->partitions);
    free(b->asks);
    free(b);
    *broker = NULL;
}

static void due(struct broker *b, struct deadline *deadline)
{
    switch ((enum deadline_owner)deadline->owner) {
    case DUE_PEER:
        links_due(b, list_entry(deadline, struct peer, quiet));
        break;
    case DUE_PARTITION:
        leases_due(b, list_entry(deadline, struct partition, deadline));
        break;
    case DUE_ERRAND: {
        struct errand *errand = list_entry(deadline, struct errand, deadline);
        if (errand->kind == ERRAND_CALL) {
            route_due(b, (struct call *)errand);
        } else {
            delivery_due(b, (struct delivery *)errand);
        }
        break;
    }
    }
}

static void written(struct broker *b, struct partition *p, const struct broker_input *in)
{
    if (in->outcome == WRITE_FENCED && p->held && p->epoch == in->ask->epoch) {
        b->counters.fenced++;
        lease_lose(b, p);
        return;
    }
    switch (in->ask->kind) {
    case ASK_CURSOR:
        deliver_written(b, p, in);
        break;
    case ASK_TASK_DONE:
        lanes_written(b, p, in);
        break;
    case ASK_DEAD:
        park_dead(b, p, in);
        break;
    case ASK_ATTEMPT:
        delivery_counted(b, in);
        break;
    case ASK_LEASE:
    case ASK_RELEASE:
    case ASK_KEPT:
    case ASK_LOG:
    case ASK_LANES:
    case ASK_TASKS:
    case ASK_TIMERS:
    case ASK_UNPARK:
        break;
    }
}

static void failed(struct broker *b, struct partition *p, const struct broker_ask *ask)
{
    struct task_lane *lane;
    switch (ask->kind) {
    case ASK_LEASE:
        p->lease_asked = false;
        break;
    case ASK_KEPT: {
        struct group *group = group_find(b, ask->name);
        if (group) {
            p->logs[group->number].kept_asked = false;
        }
        break;
    }
    case ASK_LOG:
        p->log_asked = false;
        break;
    case ASK_LANES:
        p->lanes_asked = false;
        break;
    case ASK_TASKS:
        if ((lane = lane_find(p, ask->name))) {
            lane->asked = false;
        }
        break;
    case ASK_TIMERS:
        p->timers_asked = false;
        break;
    case ASK_RELEASE:
    case ASK_CURSOR:
    case ASK_TASK_DONE:
    case ASK_ATTEMPT:
    case ASK_DEAD:
    case ASK_UNPARK:
        break;
    }
}

/* Answers to what an earlier owner of the lease asked, be it ourselves, mean nothing any more. */
static struct partition *partition_of_answer(struct broker *b, const struct broker_input *in)
{
    struct partition *p = &b->partitions[in->ask->partition % BROKER_PARTITIONS];
    return p->held && p->epoch == in->ask->epoch ? p : NULL;
}

static void store_answer(struct broker *b, const struct broker_input *in)
{
    struct partition *p = partition_of_answer(b, in);
    if (in->kind == INPUT_LEASED) {
        leases_got(b, &b->partitions[in->ask->partition % BROKER_PARTITIONS], in);
    } else if (in->kind == INPUT_FAILED) {
        failed(b, &b->partitions[in->ask->partition % BROKER_PARTITIONS], in->ask);
    } else if (!p) {
        return;
    } else if (in->kind == INPUT_KEPT) {
        deliver_kept(b, p, in);
    } else if (in->kind == INPUT_LOG) {
        deliver_log(b, p, in);
    } else if (in->kind == INPUT_LANES) {
        lanes_found(b, p, in);
    } else if (in->kind == INPUT_TASKS) {
        lanes_tasks(b, p, in);
    } else if (in->kind == INPUT_TIMERS) {
        timers_due(b, p, in);
    } else {
        written(b, p, in);
    }
    if (p) {
        partition_look(b, p);
    }
}

static void store_changed(struct broker *b, bool ready, const char *why)
{
    if (b->store_ready == ready) {
        return;
    }
    b->store_ready = ready;
    snprintf(b->store_why, sizeof b->store_why, "%s", ready || !why ? "" : why);
    if (ready) {
        leases_store_up(b);
    } else {
        b->counters.store_lost++;
        leases_store_down(b);
    }
}

static void take(struct broker *b, const struct broker_input *in)
{
    struct peer *peer;
    switch (in->kind) {
    case INPUT_TIME:
        break;
    case INPUT_FRAME:
        links_frame(b, in);
        break;
    case INPUT_GONE:
        if ((peer = peer_find(b, in->peer))) {
            link_lose(b, peer);
        }
        break;
    case INPUT_SUSPECT:
        if ((peer = peer_find(b, in->peer))) {
            links_suspect(b, peer);
        }
        break;
    case INPUT_STORE_UP:
        store_changed(b, true, NULL);
        break;
    case INPUT_STORE_DOWN:
        store_changed(b, false, in->why);
        break;
    case INPUT_DRAIN:
        if (!b->draining) {
            b->draining = true;
            links_drain(b);
        }
        break;
    case INPUT_LEASED:
    case INPUT_KEPT:
    case INPUT_LOG:
    case INPUT_LANES:
    case INPUT_TASKS:
    case INPUT_TIMERS:
    case INPUT_WRITTEN:
    case INPUT_FAILED:
        store_answer(b, in);
        break;
    }
}

static bool nothing_under_way(const struct broker *b)
{
    return b->call_pool.in_use == 0 && b->delivery_pool.in_use == 0;
}

void broker_step(struct broker *b, int64_t now_ms, const struct broker_input *input)
{
    b->now_ms = now_ms > b->now_ms ? now_ms : b->now_ms;
    take(b, input);
    for (struct deadline *deadline; (deadline = wheel_next(&b->wheel, b->now_ms));) {
        due(b, deadline);
    }
    leases_rung(b);
    if (b->draining && nothing_under_way(b)) {
        leases_release(b);
    }
}

void broker_set_wall(struct broker *b, int64_t wall_ms)
{
    b->wall_ms = wall_ms;
}

int64_t broker_wake_ms(const struct broker *b)
{
    enum { LOOK_AHEAD = 64 };
    for (int64_t tick = b->wheel.tick + 1; tick < b->wheel.tick + LOOK_AHEAD; tick++) {
        if (!list_is_empty(&b->wheel.slots[tick % WHEEL_SLOTS])) {
            return tick * WHEEL_TICK_MS;
        }
    }
    return (b->wheel.tick + LOOK_AHEAD) * WHEEL_TICK_MS;
}

const struct broker_counters *broker_counters(const struct broker *b)
{
    return &b->counters;
}

bool broker_is_drained(const struct broker *b)
{
    return b->draining && nothing_under_way(b) && b->ask_count == 0 && list_is_empty(&b->dirty) &&
           list_is_empty(&b->stuck);
}

bool broker_store_is_ready(const struct broker *b)
{
    return b->store_ready;
}

unsigned broker_leases(const struct broker *b)
{
    return b->leases;
}
