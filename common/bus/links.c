#include "common/bus/links.h"

#include "common/core/clock.h"

enum fault links_open(struct links *links, const char *const *endpoints, unsigned count, const Casebus__Hello *hello,
    int64_t now_ms, struct why *why)
{
    *links = (struct links){0};
    if (count == 0 || count > CLIENT_ENDPOINTS_MAX) {
        why_set(why, "%u brokers are named, it must be 1 to %d", count, CLIENT_ENDPOINTS_MAX);
        return FAULT_INVALID;
    }
    for (; links->count < count; links->count++) {
        struct link_options options = {.endpoint = endpoints[links->count], .hello = hello};
        enum fault fault = link_new(&options, now_ms, why, &links->at[links->count]);
        if (fault != FAULT_NONE) {
            links_close(links, now_ms);
            return fault;
        }
    }
    return FAULT_NONE;
}

void links_close(struct links *links, int64_t now_ms)
{
    for (unsigned i = 0; i < links->count; i++) {
        link_drain(links->at[i], now_ms);
        link_flush(links->at[i]);
        link_free(&links->at[i]);
    }
    links->count = 0;
}

void links_flush(struct links *links)
{
    for (unsigned i = 0; i < links->count; i++) {
        link_flush(links->at[i]);
    }
}

void links_wait(struct links *links, int64_t until_ms)
{
    zmq_pollitem_t items[CLIENT_ENDPOINTS_MAX];
    links_flush(links);
    for (unsigned i = 0; i < links->count; i++) {
        items[i] = link_poll_item(links->at[i]);
        int64_t wake_ms = link_wake_ms(links->at[i]);
        until_ms = wake_ms < until_ms ? wake_ms : until_ms;
    }
    int64_t wait_ms = until_ms - clock_monotonic_ms();
    zmq_poll(items, (int)links->count, wait_ms > 0 ? (long)wait_ms : 0);
}

int links_choose(struct links *links, int avoid)
{
    int best = -1;
    uint32_t best_awaited = 0;
    for (unsigned i = 0; i < links->count; i++) {
        int candidate = (int)((links->turn + i) % links->count);
        const struct link_core *core = link_core_of(links->at[candidate]);
        if (!link_may_ask(core)) {
            continue;
        }
        if (best < 0 || best == avoid || (candidate != avoid && core->awaited < best_awaited)) {
            best = candidate;
            best_awaited = core->awaited;
        }
    }
    links->turn++;
    return best;
}

bool links_are_up(const struct links *links)
{
    for (unsigned i = 0; i < links->count; i++) {
        if (link_core_of(links->at[i])->state == LINK_READY) {
            return true;
        }
    }
    return false;
}
