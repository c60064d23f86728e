#include "services/broker/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bus/frame.h"
#include "common/bus/link.h"
#include "common/core/clock.h"
#include "common/core/entropy.h"
#include "common/core/hex.h"
#include "common/core/must.h"
#include "common/service/http.h"
#include "common/service/log.h"
#include "common/service/loop.h"
#include "common/service/metrics.h"
#include "services/broker/core.h"
#include "services/broker/operators.h"
#include "services/broker/pump.h"
#include "services/broker/router.h"
#include "services/broker/store_side.h"

enum {
    FRAMES_A_TURN = 256,
    STORE_WAIT_MS = 30000,
    DRAIN_MS = 10000, /* for what is under way when a broker leaves */
};

struct shell {
    struct broker *broker;
    struct actor_trust trust; /* whose word it takes on who an operator is */
    struct router *router;
    struct store_side *store;
    struct loop *loop;
    struct metrics *metrics;
    struct http *http;
    int64_t drain_until_ms; /* 0: not leaving */
};

/* --- the peers' side --- */

static size_t peers_prepare(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    struct shell *shell = user;
    (void)now;
    MUST(room >= 2);
    int64_t wake = broker_wake_ms(shell->broker);
    *wake_ms = wake < *wake_ms ? wake : *wake_ms;
    return router_items(shell->router, items);
}

static void peers_drain(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    struct shell *shell = user;
    (void)items;
    (void)count;
    struct router_frame frame;
    enum router_event event;
    broker_set_wall(shell->broker, now.wall_ms);
    for (int i = 0; i < FRAMES_A_TURN && (event = router_next(shell->router, &frame)) != ROUTER_NOTHING; i++) {
        struct broker_input input = {.kind = INPUT_FRAME, .peer = frame.peer, .bytes = frame.bytes, .size = frame.size};
        if (event == ROUTER_BROKEN) {
            input.kind = INPUT_SUSPECT;
        } else if (event == ROUTER_BAD) {
            input = (struct broker_input){.kind = INPUT_FRAME}; /* No frame at all: counted as one that was dropped. */
        }
        broker_step(shell->broker, now.monotonic_ms, &input);
    }
    struct broker_input time = {.kind = INPUT_TIME};
    broker_step(shell->broker, now.monotonic_ms, &time);
}

static void peers_flush(void *user, struct loop_now now)
{
    struct shell *shell = user;
    const struct frame *frame;
    uint32_t peer;
    while (broker_frame(shell->broker, &peer, &frame)) {
        enum router_sent sent = router_send(shell->router, peer, frame->bytes, frame->size);
        if (sent == ROUTER_FULL) {
            broker_frame_later(shell->broker);
            continue;
        }
        broker_frame_sent(shell->broker);
        if (sent == ROUTER_GONE) {
            struct broker_input gone = {.kind = INPUT_GONE, .peer = peer};
            broker_step(shell->broker, now.monotonic_ms, &gone);
        }
    }
    broker_frames_again(shell->broker);
    bool late = shell->drain_until_ms && now.monotonic_ms >= shell->drain_until_ms;
    if (late || broker_is_drained(shell->broker)) {
        loop_end(shell->loop);
    }
}

/* --- health and metrics --- */

static bool is_ready(void *user, struct why *why)
{
    const struct shell *shell = user;
    if (!broker_store_is_ready(shell->broker)) {
        why_set(why, "the store cannot be reached");
        return false;
    }
    if (broker_leases(shell->broker) == 0) {
        why_set(why, "no partition's lease is held yet");
        return false;
    }
    return true;
}

static void refresh(void *user)
{
    struct shell *shell = user;
    const struct broker_counters *counters = broker_counters(shell->broker);
#define SHOW(name, help)                                                                                               \
    metric_set(                                                                                                        \
        metrics_find(shell->metrics, METRIC_COUNTER, "casebus_" #name "_total", help, ""), (int64_t)counters->name);
    BROKER_COUNTERS(SHOW)
#undef SHOW
    metric_set(metrics_find(shell->metrics, METRIC_GAUGE, "casebus_leases", "partitions whose lease is held", ""),
        broker_leases(shell->broker));
}

static bool open_pages(struct shell *shell, const struct settings *settings, struct why *why)
{
    shell->metrics = metrics_new();
    struct http_pages pages = {.user = shell, .ready = is_ready, .refresh = refresh, .metrics = shell->metrics};
    int64_t port = settings_number(settings, "http-port");
    return port == 0 || http_start(shell->loop, settings_text(settings, "http-address"), (uint16_t)port, pages,
                            &shell->http, why) == FAULT_NONE;
}

/* --- start and end --- */

static void leave(void *user, struct loop_now now)
{
    struct shell *shell = user;
    struct broker_input drain = {.kind = INPUT_DRAIN};
    shell->drain_until_ms = now.monotonic_ms + DRAIN_MS;
    broker_step(shell->broker, now.monotonic_ms, &drain);
}

static struct broker_limits limits_of(const struct settings *settings)
{
    struct broker_limits limits = broker_limits_default();
    limits.lease_ms = (uint32_t)settings_number(settings, "lease-ms");
    limits.heartbeat_ms = (uint32_t)settings_number(settings, "heartbeat-ms");
    limits.ack_ms = (uint32_t)settings_number(settings, "ack-ms");
    limits.poll_ms = (uint32_t)settings_number(settings, "poll-ms");
    limits.timer_poll_ms = (uint32_t)settings_number(settings, "timer-poll-ms");
    limits.retry_min_ms = (uint32_t)settings_number(settings, "retry-ms");
    limits.queue_calls = (uint32_t)settings_number(settings, "queue-calls");
    return limits;
}

/* Without a signer it routes and delivers all the same, and no operator can touch its dead letters. */
static void trust_signers(struct shell *shell, const struct settings *settings)
{
    const char *paths[SETTING_LIST_MAX];
    size_t count = settings_list(settings, "actor-keys", paths);
    for (size_t i = 0; i < count; i++) {
        struct why why;
        struct log_line line;
        if (actor_trust_load(&shell->trust, paths[i], &why) != FAULT_NONE) {
            log_begin(&line, LOG_WARN, clock_wall_ms(), "broker.TrustSigner");
            log_word(&line, "file", paths[i]);
            log_end(&line);
        }
    }
}

static bool start(struct shell *shell, const struct settings *settings, const char *instance, struct why *why)
{
    const char *endpoints[SETTING_LIST_MAX];
    size_t count = settings_list(settings, "brokers", endpoints);
    struct broker_limits limits = limits_of(settings);
    uint64_t seed;
    entropy_fill(&seed, sizeof seed);
    trust_signers(shell, settings);
    shell->broker = broker_new(&limits, instance, seed, clock_monotonic_ms());
    if (loop_new(&shell->loop, why) != FAULT_NONE ||
        store_side_new(settings_text(settings, "redis"), settings_yes(settings, "allow-everysec"), shell->broker,
            instance, limits.lease_ms, STORE_WAIT_MS, &shell->trust, &shell->store, why) != FAULT_NONE ||
        router_open(bus_context(), endpoints, count, FRAME_MAX, &shell->router, why) != FAULT_NONE) {
        return false;
    }
    store_side_join(shell->store, shell->loop);
    loop_add(shell->loop, (struct loop_source){shell, peers_prepare, peers_drain, peers_flush});
    loop_on_stop(shell->loop, leave, shell);
    return open_pages(shell, settings, why);
}

static void stop(struct shell *shell)
{
    http_stop(&shell->http);
    router_close(&shell->router);
    store_side_free(&shell->store);
    broker_free(&shell->broker);
    metrics_free(&shell->metrics);
    loop_free(&shell->loop);
    bus_done();
}

static void make_name(char out[BROKER_NAME_SIZE], const char *given)
{
    uint8_t random[6];
    char hex[HEX_SIZE(sizeof random)];
    entropy_fill(random, sizeof random);
    hex_encode(hex, random, sizeof random);
    snprintf(out, BROKER_NAME_SIZE, "%s%s", given[0] ? given : "broker-", given[0] ? "" : hex);
}

int broker_main(const struct settings *settings)
{
    struct shell shell = {0};
    struct why why;
    char instance[BROKER_NAME_SIZE];
    make_name(instance, settings_text(settings, "instance"));
    log_open("broker", log_level_of(settings_text(settings, "log-level")), STDERR_FILENO);
    bool started = start(&shell, settings, instance, &why);
    if (started) {
        loop_run(shell.loop);
    } else {
        fprintf(stderr, "casebus-broker: %s\n", why.text);
    }
    stop(&shell);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
