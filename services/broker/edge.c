#include "services/broker/edge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bus/link.h"
#include "common/contract/guard.h"
#include "common/core/entropy.h"
#include "common/core/must.h"
#include "common/service/log.h"
#include "common/service/loop.h"
#include "services/broker/insurer.h"
#include "services/broker/map.h"
#include "services/broker/router.h"

enum {
    FRAME_BYTES_MAX = 256 << 10, /* of an insurer */
    HEARTBEAT_MS = 1000,
    SILENT_MS = 3 * HEARTBEAT_MS,
    CREDITS = 64, /* answers that an insurer may have under way */
    FRAMES_A_TURN = 256,
};

struct edge {
    struct router *router;
    struct keys *keys;
    struct loop *loop;
    const char *broker;
    struct map by_peer;
    struct list insurers;
    unsigned count;
    uint64_t sessions;
};

static struct insurer *find(struct edge *edge, uint32_t peer)
{
    return map_find(&edge->by_peer, mix64(peer));
}

static void forget(struct edge *edge, struct insurer *insurer)
{
    map_remove(&edge->by_peer, mix64(insurer->peer));
    edge->count--;
    insurer_free(&insurer);
}

static void say_reset(struct edge *edge, uint32_t peer, uint64_t tag, enum status status, const char *why)
{
    uint8_t envelope[ENVELOPE_MAX], bytes[ENVELOPE_MAX + RECORD_HEAD];
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.fault = status == STATUS_REFUSED ? "REFUSED" : NULL;
    outcome.why = why;
    struct record record = {.verb = VERB_RESET, .status = (uint8_t)status, .tag = tag, .envelope = envelope};
    record.envelope_size = (uint32_t)casebus__outcome__pack(&outcome, envelope);
    record_write(&record, bytes);
    router_send(edge->router, peer, bytes, record_size(&record));
}

static void say_welcome(struct insurer *insurer, struct loop_now now, uint64_t tag)
{
    Casebus__Welcome welcome = CASEBUS__WELCOME__INIT;
    uint8_t envelope[ENVELOPE_MAX];
    welcome.has_session = welcome.has_heartbeat_ms = welcome.has_credit_messages = welcome.has_now_ms = true;
    welcome.session = insurer->session;
    welcome.heartbeat_ms = HEARTBEAT_MS;
    welcome.credit_messages = CREDITS;
    welcome.now_ms = now.wall_ms;
    struct record record = {.verb = VERB_WELCOME, .tag = tag, .envelope = envelope};
    record.envelope_size = (uint32_t)casebus__welcome__pack(&welcome, envelope);
    insurer_say(insurer, now.monotonic_ms, &record);
}

static void admit(
    struct edge *edge, uint32_t peer, const struct record *record, const Casebus__Hello *hello, struct loop_now now)
{
    struct why why;
    struct insurer *insurer = find(edge, peer);
    if (insurer) {
        forget(edge, insurer);
    }
    if (edge->count == INSURERS_MAX) {
        say_reset(edge, peer, record->tag, STATUS_OVERLOADED, "this edge has no room for another insurer");
        return;
    }
    insurer = insurer_new(peer, ++edge->sessions, hello, edge->broker, edge->keys, now.monotonic_ms, &why);
    if (!insurer) {
        say_reset(edge, peer, record->tag, STATUS_REFUSED, why.text);
        return;
    }
    map_put(&edge->by_peer, mix64(peer), insurer);
    list_append(&edge->insurers, &insurer->node);
    edge->count++;
    say_welcome(insurer, now, record->tag);
}

static void take_hello(struct edge *edge, uint32_t peer, const struct record *record, struct loop_now now)
{
    struct arena arena;
    struct why why;
    ProtobufCMessage *message;
    struct bytes bytes = record->body_size ? bytes_of(record->body, record->body_size)
                                           : bytes_of(record->envelope, record->envelope_size);
    arena_init(&arena, 1 << 20);
    if (contract_unpack(&casebus__hello__descriptor, bytes.at, bytes.size, &CROSSING_PAYER, &arena, &why, &message) !=
        FAULT_NONE) {
        say_reset(edge, peer, record->tag, STATUS_REFUSED, why.text);
    } else if (((Casebus__Hello *)message)->kind != CASEBUS__PEER_KIND__PEER_KIND_PAYER) {
        say_reset(edge, peer, record->tag, STATUS_REFUSED, "only insurers link to an edge");
    } else {
        admit(edge, peer, record, (Casebus__Hello *)message, now);
    }
    arena_done(&arena);
}

static void take_frame(struct edge *edge, const struct router_frame *frame, struct loop_now now)
{
    struct frame_reader reader;
    struct record record;
    if (frame_begin(&reader, frame->bytes, frame->size) != FRAME_NONE) {
        return;
    }
    while (frame_next(&reader, &record)) {
        struct insurer *insurer = find(edge, frame->peer);
        if (record.verb == VERB_HELLO) {
            take_hello(edge, frame->peer, &record, now);
        } else if (insurer) {
            insurer_hear(insurer, edge->keys, now.monotonic_ms, &record);
        } else {
            say_reset(edge, frame->peer, record.tag, STATUS_UNAVAILABLE, "no session: say HELLO");
            return;
        }
    }
}

static size_t prepare(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    struct edge *edge = user;
    size_t count = router_items(edge->router, items);
    for (struct list *node = edge->insurers.next; node != &edge->insurers && count < room; node = node->next) {
        struct insurer *insurer = list_entry(node, struct insurer, node);
        items[count++] = link_poll_item(insurer->link);
        int64_t wake = link_wake_ms(insurer->link);
        *wake_ms = wake < *wake_ms ? wake : *wake_ms;
    }
    *wake_ms = now.monotonic_ms + HEARTBEAT_MS < *wake_ms ? now.monotonic_ms + HEARTBEAT_MS : *wake_ms;
    return count;
}

static void drain(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    struct edge *edge = user;
    struct router_frame frame;
    enum router_event event;
    (void)items;
    (void)count;
    for (int i = 0; i < FRAMES_A_TURN && (event = router_next(edge->router, &frame)) != ROUTER_NOTHING; i++) {
        struct insurer *insurer = event == ROUTER_BROKEN ? find(edge, frame.peer) : NULL;
        if (insurer) {
            insurer->lost = true;
        } else if (event == ROUTER_FRAME) {
            take_frame(edge, &frame, now);
        }
    }
    for (struct list *node = edge->insurers.next; node != &edge->insurers; node = node->next) {
        insurer_serve(list_entry(node, struct insurer, node), edge->keys, now.monotonic_ms);
    }
}

static void beat(struct insurer *insurer, int64_t now_ms)
{
    struct record ping = {.verb = VERB_PING};
    insurer->lost |= now_ms - insurer->heard_ms >= SILENT_MS;
    if (now_ms - insurer->said_ms >= HEARTBEAT_MS) {
        insurer_say(insurer, now_ms, &ping);
    }
}

static void flush_one(struct edge *edge, struct insurer *insurer, struct loop_now now)
{
    beat(insurer, now.monotonic_ms);
    if (!insurer->lost && !frame_is_empty(&insurer->out)) {
        enum router_sent sent = router_send(edge->router, insurer->peer, insurer->out.bytes, insurer->out.size);
        insurer->lost |= sent == ROUTER_GONE;
        if (sent == ROUTER_SENT) {
            frame_clear(&insurer->out);
        }
    }
    link_flush(insurer->link);
    if (insurer->lost) {
        say_reset(edge, insurer->peer, 0, STATUS_UNAVAILABLE, "the session is over: say HELLO");
        forget(edge, insurer);
    }
}

static void flush(void *user, struct loop_now now)
{
    struct edge *edge = user;
    for (struct list *node = edge->insurers.next, *next; node != &edge->insurers; node = next) {
        next = node->next;
        flush_one(edge, list_entry(node, struct insurer, node), now);
    }
}

static bool start(struct edge *edge, const struct settings *settings, struct why *why)
{
    const char *brokers[SETTING_LIST_MAX], *endpoints[SETTING_LIST_MAX];
    size_t count = settings_list(settings, "edge", endpoints);
    settings_list(settings, "brokers", brokers);
    edge->broker = brokers[0];
    list_init(&edge->insurers);
    entropy_fill(&edge->sessions, sizeof edge->sessions);
    if (keys_open_lane_only(settings_text(settings, "lanes"), &edge->keys, why) != FAULT_NONE ||
        loop_new(&edge->loop, why) != FAULT_NONE ||
        router_open(bus_context(), endpoints, count, FRAME_BYTES_MAX, &edge->router, why) != FAULT_NONE) {
        return false;
    }
    loop_add(edge->loop, (struct loop_source){edge, prepare, drain, flush});
    return true;
}

int edge_main(const struct settings *settings)
{
    struct edge edge = {0};
    struct why why;
    log_open("edge", log_level_of(settings_text(settings, "log-level")), STDERR_FILENO);
    bool started = start(&edge, settings, &why);
    if (started) {
        loop_run(edge.loop);
    } else {
        fprintf(stderr, "casebus-broker: %s\n", why.text);
    }
    for (struct list *node; edge.insurers.next && (node = list_first(&edge.insurers));) {
        forget(&edge, list_entry(node, struct insurer, node));
    }
    map_done(&edge.by_peer);
    router_close(&edge.router);
    keys_close(&edge.keys);
    loop_free(&edge.loop);
    bus_done();
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}
