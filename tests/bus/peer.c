#include "tests/bus/peer.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "common/bus/link.h"
#include "common/core/must.h"

/* An address that was just given up is free once ZeroMQ's own thread has closed the old socket. */
static void bind_router(struct peer *peer)
{
    int one = 1, none = 0;
    peer->router = zmq_socket(bus_context(), ZMQ_ROUTER);
    MUST(peer->router != NULL);
    MUST(zmq_setsockopt(peer->router, ZMQ_ROUTER_MANDATORY, &one, sizeof(one)) == 0);
    MUST(zmq_setsockopt(peer->router, ZMQ_LINGER, &none, sizeof(none)) == 0);
    while (zmq_bind(peer->router, peer->endpoint) != 0) {
        MUST(errno == EADDRINUSE);
        sched_yield();
    }
}

void peer_die_and_return(struct peer *peer)
{
    zmq_close(peer->router);
    peer->known_count = 0;
    frame_clear(&peer->out);
    bind_router(peer);
}

static int find_known(const struct peer *peer)
{
    for (unsigned i = 0; i < peer->known_count; i++) {
        if (memcmp(peer->known[i], peer->from, PEER_ROUTING_MAX) == 0) {
            return (int)i;
        }
    }
    return -1;
}

void peer_say(struct peer *peer, const struct record *record)
{
    MUST(frame_append(&peer->out, record));
}

void peer_say_raw(struct peer *peer, const void *bytes, size_t size, bool more)
{
    zmq_send(peer->router, peer->from + 1, peer->from[0], ZMQ_SNDMORE);
    zmq_send(peer->router, bytes, size, more ? ZMQ_SNDMORE : 0);
    if (more) {
        zmq_send(peer->router, bytes, size, 0);
    }
}

void peer_welcome(struct peer *peer, const struct record *hello)
{
    uint8_t body[256];
    Casebus__Welcome welcome = CASEBUS__WELCOME__INIT;
    welcome.has_session = welcome.has_credit_messages = true;
    welcome.session = ++peer->sessions;
    welcome.broker = "peer";
    welcome.credit_messages = peer->window;
    struct record record = {.verb = VERB_WELCOME, .tag = hello->tag};
    uint32_t size = (uint32_t)casebus__welcome__pack(&welcome, body);
    if (peer->welcomes_in_envelope) {
        record.envelope = body;
        record.envelope_size = size;
    } else {
        record.body = body;
        record.body_size = size;
    }
    if (find_known(peer) < 0) {
        MUST(peer->known_count < PEER_LINKS_MAX);
        memcpy(peer->known[peer->known_count++], peer->from, PEER_ROUTING_MAX);
    }
    peer_say(peer, &record);
}

void peer_reset(struct peer *peer, enum status status, const char *why)
{
    uint8_t envelope[512];
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.fault = status == STATUS_REFUSED ? "REFUSED" : NULL;
    outcome.why = why;
    struct record record = {.verb = VERB_RESET, .status = (uint8_t)status, .envelope = envelope};
    record.envelope_size = (uint32_t)casebus__outcome__pack(&outcome, envelope);
    peer_say(peer, &record);
    int known = find_known(peer);
    if (known >= 0) {
        memcpy(peer->known[known], peer->known[--peer->known_count], PEER_ROUTING_MAX);
    }
}

void peer_answer(struct peer *peer, const struct record *asked, enum status status, const Casebus__Outcome *outcome,
    const char *body)
{
    uint8_t envelope[1024];
    struct record record = {
        .verb = asked->verb == VERB_QRY ? VERB_QRS : VERB_REP,
        .status = (uint8_t)status,
        .tag = asked->tag,
        .envelope = envelope,
        .body = (const uint8_t *)body,
        .body_size = body == NULL ? 0 : (uint32_t)strlen(body),
    };
    if (outcome != NULL) {
        record.envelope_size = (uint32_t)casebus__outcome__pack(outcome, envelope);
    }
    peer_say(peer, &record);
}

static void handle(struct peer *peer, const struct record *record)
{
    peer->records++;
    if (record->verb == VERB_HELLO) {
        peer->hellos++;
        if (peer->greet != NULL) {
            peer->greet(peer, record, peer->context);
        } else {
            peer_welcome(peer, record);
        }
    } else if (find_known(peer) < 0) {
        peer->strays++;
        peer_reset(peer, STATUS_NONE, NULL);
    } else if (record->verb == VERB_PING) {
        peer->pings++;
        peer_say(peer, &(struct record){.verb = VERB_PONG, .tag = record->tag});
    } else if (record->verb == VERB_BYE) {
        peer->byes++;
        peer_say(peer, &(struct record){.verb = VERB_BYE});
    } else {
        peer->rule(peer, record, peer->context);
    }
}

static void handle_frame(struct peer *peer, zmq_msg_t *message)
{
    struct frame_reader reader;
    struct record record;
    peer->frames++;
    MUST(frame_begin(&reader, zmq_msg_data(message), zmq_msg_size(message)) == FRAME_NONE);
    while (frame_next(&reader, &record)) {
        handle(peer, &record);
    }
    if (!frame_is_empty(&peer->out)) {
        peer_say_raw(peer, peer->out.bytes, peer->out.size, false);
        frame_clear(&peer->out);
    }
}

static void receive(struct peer *peer)
{
    zmq_msg_t routing, message;
    zmq_msg_init(&routing);
    zmq_msg_init(&message);
    if (zmq_msg_recv(&routing, peer->router, ZMQ_DONTWAIT) >= 0 && zmq_msg_recv(&message, peer->router, 0) >= 0) {
        size_t size = zmq_msg_size(&routing);
        MUST(size < PEER_ROUTING_MAX);
        memset(peer->from, 0, sizeof(peer->from));
        peer->from[0] = (uint8_t)size;
        memcpy(peer->from + 1, zmq_msg_data(&routing), size);
        handle_frame(peer, &message);
    }
    zmq_msg_close(&routing);
    zmq_msg_close(&message);
}

static void *run(void *argument)
{
    struct peer *peer = argument;
    for (;;) {
        zmq_pollitem_t items[] = {
            {.socket = peer->router, .events = ZMQ_POLLIN}, {.socket = peer->stop, .events = ZMQ_POLLIN}};
        if (zmq_poll(items, 2, -1) < 0) {
            continue;
        }
        if (items[1].revents != 0) {
            break;
        }
        receive(peer);
    }
    zmq_close(peer->router);
    zmq_close(peer->stop);
    return NULL;
}

void peer_start(struct peer *peer, peer_rule *rule, void *context)
{
    char signal[96];
    struct peer given = *peer;
    memset(peer, 0, sizeof(*peer));
    peer->rule = rule;
    peer->context = context;
    peer->greet = given.greet;
    peer->window = given.window == 0 ? 64 : given.window;
    peer->welcomes_in_envelope = given.welcomes_in_envelope;
    snprintf(peer->folder, sizeof(peer->folder), "/tmp/casebus-peer-XXXXXX");
    MUST(mkdtemp(peer->folder) != NULL);
    snprintf(peer->endpoint, sizeof(peer->endpoint), "ipc://%s/bus", peer->folder);
    snprintf(signal, sizeof(signal), "inproc://%s", peer->folder);
    bind_router(peer);
    peer->control = zmq_socket(bus_context(), ZMQ_PAIR);
    peer->stop = zmq_socket(bus_context(), ZMQ_PAIR);
    MUST(zmq_bind(peer->control, signal) == 0 && zmq_connect(peer->stop, signal) == 0);
    MUST(pthread_create(&peer->thread, NULL, run, peer) == 0);
}

void peer_stop(struct peer *peer)
{
    char path[96];
    zmq_send(peer->control, "", 0, 0);
    pthread_join(peer->thread, NULL);
    zmq_close(peer->control);
    frame_done(&peer->out);
    snprintf(path, sizeof(path), "%s/bus", peer->folder);
    unlink(path);
    rmdir(peer->folder);
}
