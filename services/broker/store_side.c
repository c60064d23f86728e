#include "services/broker/store_side.h"

#include <stdlib.h>

#include "common/core/must.h"
#include "common/store/start.h"
#include "common/store/store.h"
#include "services/broker/operators.h"
#include "services/broker/pump.h"

struct store_side {
    struct store store;
    struct pump *pump;
    struct operators *operators;
    bool open;
};

enum fault store_side_new(const char *address, bool allow_everysec, struct broker *broker, const char *owner,
    uint32_t lease_ms, int64_t wait_ms, const struct actor_trust *trust, struct store_side **out, struct why *why)
{
    struct store_side *side = calloc(1, sizeof *side);
    MUST(side);
    enum fault fault = store_init(&side->store, address, NULL, why);
    side->open = fault == FAULT_NONE;
    if (side->open) {
        struct start_settings settings = {.timeout_ms = wait_ms, .allow_everysec = allow_everysec};
        fault = start_check(&side->store, &settings, why);
    }
    if (fault != FAULT_NONE) {
        store_side_free(&side);
        return fault;
    }
    side->pump = pump_new(&side->store, broker, owner, lease_ms);
    side->operators = operators_new(&side->store, broker, trust);
    *out = side;
    return FAULT_NONE;
}

void store_side_free(struct store_side **side)
{
    if (!*side) {
        return;
    }
    if ((*side)->open) {
        store_done(&(*side)->store);
    }
    pump_free(&(*side)->pump);
    operators_free(&(*side)->operators);
    free(*side);
    *side = NULL;
}

static size_t prepare(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    struct store_side *side = user;
    struct shards *shards = side->store.shards;
    size_t count = 0;
    (void)now;
    for (size_t i = 0; i < shards_count(shards) && count < room; i++) {
        const struct redis *redis = shards_at(shards, i);
        if (redis_fd(redis) >= 0) {
            short events = (short)(ZMQ_POLLIN | (redis_wants_write(redis) ? ZMQ_POLLOUT : 0));
            items[count++] = (zmq_pollitem_t){.fd = redis_fd(redis), .events = events};
        }
    }
    int64_t next = shards_next_tick_ms(shards);
    *wake_ms = next < *wake_ms ? next : *wake_ms;
    return count;
}

static void drain(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    struct store_side *side = user;
    struct shards *shards = side->store.shards;
    for (size_t i = 0; i < shards_count(shards); i++) {
        struct redis *redis = shards_at(shards, i);
        for (size_t j = 0; j < count && redis_fd(redis) >= 0; j++) {
            if (items[j].fd != redis_fd(redis)) {
                continue;
            }
            if (items[j].revents & ZMQ_POLLOUT) {
                redis_on_writable(redis);
            }
            if (items[j].revents & (ZMQ_POLLIN | ZMQ_POLLERR)) {
                redis_on_readable(redis);
            }
        }
    }
    store_tick(&side->store, now.monotonic_ms);
}

static void flush(void *user, struct loop_now now)
{
    struct store_side *side = user;
    operators_turn(side->operators, now.wall_ms);
    pump_turn(side->pump, now.monotonic_ms);
    store_flush(&side->store);
}

void store_side_join(struct store_side *side, struct loop *loop)
{
    loop_add(loop, (struct loop_source){side, prepare, drain, flush});
}
