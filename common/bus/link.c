#include "common/bus/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/contract/guard.h"
#include "common/core/arena.h"
#include "common/core/must.h"

#define HWM_MIN             256 /* frames; credits, not the socket, are what limits a link */
#define RECONNECT_MS        100
#define RECONNECT_MAX_MS    2000
#define HANDSHAKE_MS        5000
#define KEEPALIVE_IDLE_S    30
#define KEEPALIVE_SECONDS_S 10

struct link {
    struct link_core core;
    void *socket;
    char *endpoint;
    uint8_t *hello; /* packed */
    size_t hello_size;
    struct frame out;           /* leaves at the next flush */
    zmq_msg_t in;               /* the frame that `reader` lends from */
    struct frame_reader reader; /* its records not yet handed out */
    enum link_event raised;     /* by something else than a record; told by the next link_next() */
    int64_t wake_ms;
    struct link_counts counts;
};

static void *the_context;

void *bus_context(void)
{
    if (the_context == NULL) {
        the_context = zmq_ctx_new();
        MUST(the_context != NULL);
    }
    return the_context;
}

void bus_done(void)
{
    if (the_context != NULL) {
        while (zmq_ctx_term(the_context) != 0 && errno == EINTR) {
        }
        the_context = NULL;
    }
}

static void set_option(void *socket, int option, int value)
{
    MUST(zmq_setsockopt(socket, option, &value, sizeof(value)) == 0);
}

static void set_options(void *socket, const struct link_options *options, uint32_t credits)
{
    int hwm = credits * 2 > HWM_MIN ? (int)(credits * 2) : HWM_MIN;
    int64_t largest = FRAME_MAX;
    MUST(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &largest, sizeof(largest)) == 0);
    set_option(socket, ZMQ_IMMEDIATE, 1);
    set_option(socket, ZMQ_SNDHWM, hwm);
    set_option(socket, ZMQ_RCVHWM, hwm);
    set_option(socket, ZMQ_LINGER, 0);
    set_option(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set_option(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    set_option(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set_option(socket, ZMQ_HEARTBEAT_IVL, LINK_HEARTBEAT_MS);
    set_option(socket, ZMQ_HEARTBEAT_TIMEOUT, LINK_HEARTBEAT_MS * LINK_SILENCE);
    set_option(socket, ZMQ_TCP_KEEPALIVE, 1);
    set_option(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S);
    set_option(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_SECONDS_S);
    set_option(socket, ZMQ_CONNECT_TIMEOUT, (int)options->connect_timeout_ms);
}

static enum fault pack_hello(struct link *link, const Casebus__Hello *given, uint32_t credits, struct why *why)
{
    Casebus__Hello hello = *given;
    hello.has_wire_major = true;
    hello.wire_major = WIRE_MAJOR;
    hello.has_contract_major = true;
    hello.contract_major = given->has_contract_major ? given->contract_major : CONTRACT_MAJOR;
    hello.has_credit_messages = true;
    hello.credit_messages = credits;
    hello.has_heartbeat_ms = true;
    hello.heartbeat_ms = given->has_heartbeat_ms ? given->heartbeat_ms : LINK_HEARTBEAT_MS;
    link->hello_size = casebus__hello__get_packed_size(&hello);
    if (link->hello_size > FRAME_MAX - RECORD_HEAD) {
        why_set(why, "the greeting has %zu bytes, more than a frame can hold", link->hello_size);
        return FAULT_INVALID;
    }
    link->hello = malloc(link->hello_size);
    MUST(link->hello != NULL);
    casebus__hello__pack(&hello, link->hello);
    return FAULT_NONE;
}

static enum fault open_socket(struct link *link, const struct link_options *options, uint32_t credits, struct why *why)
{
    link->socket = zmq_socket(options->zmq != NULL ? options->zmq : bus_context(), ZMQ_DEALER);
    if (link->socket == NULL) {
        why_set(why, "could not open a socket: %s", zmq_strerror(errno));
        return FAULT_UNAVAILABLE;
    }
    set_options(link->socket, options, credits);
    if (zmq_connect(link->socket, options->endpoint) != 0) {
        why_set(why, "cannot connect to %s: %s", options->endpoint, zmq_strerror(errno));
        return FAULT_INVALID;
    }
    return FAULT_NONE;
}

enum fault link_new(const struct link_options *options, int64_t now_ms, struct why *why, struct link **out)
{
    uint32_t credits = options->hello->has_credit_messages ? options->hello->credit_messages : LINK_CREDITS;
    struct link *link = calloc(1, sizeof(*link));
    MUST(link != NULL);
    MUST(zmq_msg_init(&link->in) == 0);
    link->endpoint = strdup(options->endpoint);
    MUST(link->endpoint != NULL);
    enum fault fault = pack_hello(link, options->hello, credits, why);
    if (fault == FAULT_NONE) {
        fault = open_socket(link, options, credits, why);
    }
    if (fault != FAULT_NONE) {
        link_free(&link);
        return fault;
    }
    link_init(&link->core, now_ms);
    link->wake_ms = now_ms;
    *out = link;
    return FAULT_NONE;
}

void link_free(struct link **link)
{
    if (*link == NULL) {
        return;
    }
    struct link *old = *link;
    *link = NULL;
    if (old->socket != NULL) {
        bool leaves_well = old->core.state == LINK_DRAINING || old->core.state == LINK_CLOSED;
        set_option(old->socket, ZMQ_LINGER, leaves_well ? LINK_LINGER_MS : 0);
        zmq_close(old->socket);
    }
    zmq_msg_close(&old->in);
    frame_done(&old->out);
    free(old->hello);
    free(old->endpoint);
    free(old);
}

/* Queues a record of the link's own. A PING that finds no room is no loss: the frame before it is a sign of life. */
static void say(struct link *link, const struct link_output *output)
{
    struct record record = {.verb = (uint8_t)output->say, .tag = output->tag};
    if (output->say == VERB_HELLO) {
        record.body = link->hello;
        record.body_size = (uint32_t)link->hello_size;
        frame_clear(&link->out); /* What was queued belongs to a session that is no more. */
    }
    if (!frame_append(&link->out, &record)) {
        link_flush(link);
        frame_append(&link->out, &record);
    }
}

static enum link_event step(struct link *link, int64_t now_ms, const struct link_input *input)
{
    struct link_output output = link_step(&link->core, now_ms, input);
    link->wake_ms = output.wake_ms;
    if (output.event == LINK_LOST) {
        frame_clear(&link->out);
    }
    if (output.event == LINK_UP) {
        link->counts.sessions++;
    }
    if (output.say != VERB_NONE) {
        say(link, &output);
    }
    return output.event;
}

/* Fills in what the WELCOME says. A body that is none leaves the session 0, which the core does not accept. */
static void read_welcome(const struct record *record, struct link_input *input)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    const uint8_t *bytes = record->body_size > 0 ? record->body : record->envelope;
    size_t size = record->body_size > 0 ? record->body_size : record->envelope_size;
    arena_init(&arena, 0);
    if (contract_unpack(&casebus__welcome__descriptor, bytes, size, &CROSSING_EVENT, &arena, NULL, &message) ==
        FAULT_NONE) {
        const Casebus__Welcome *welcome = (const Casebus__Welcome *)message;
        input->session = welcome->session;
        input->heartbeat_ms = welcome->heartbeat_ms;
        input->window = welcome->credit_messages;
    }
    arena_done(&arena);
}

static enum link_event hear(struct link *link, int64_t now_ms, const struct record *record)
{
    struct link_input input = {
        .kind = LINK_HEARD,
        .verb = record->verb,
        .status = record->status,
        .tag = record->tag,
    };
    if (record->verb == VERB_WELCOME) {
        read_welcome(record, &input);
    }
    bool for_owner = verb_asks(input.verb) || verb_answers(input.verb);
    link->counts.records_in++;
    enum link_event event = step(link, now_ms, &input);
    if (for_owner && event != LINK_RECORD) {
        link->counts.stale++;
    }
    return event;
}

/* Reads the other parts of a message away: this protocol has one. */
static void skip_parts(struct link *link)
{
    while (zmq_msg_more(&link->in)) {
        if (zmq_msg_recv(&link->in, link->socket, ZMQ_DONTWAIT) < 0 && errno != EINTR) {
            return;
        }
    }
}

/* Takes the next frame in. False when there is none now. */
static bool receive(struct link *link)
{
    int size;
    do {
        size = zmq_msg_recv(&link->in, link->socket, ZMQ_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        return false;
    }
    link->counts.frames_in++;
    link->counts.bytes_in += (uint64_t)size;
    if (zmq_msg_more(&link->in)) {
        skip_parts(link);
        link->counts.bad_frames++;
        link->reader = (struct frame_reader){0};
    } else if (frame_begin(&link->reader, zmq_msg_data(&link->in), (size_t)size) != FRAME_NONE) {
        link->counts.bad_frames++;
    }
    return true;
}

enum link_event link_next(struct link *link, int64_t now_ms, struct record *out)
{
    enum link_event event = link->raised;
    link->raised = LINK_NOTHING;
    if (event != LINK_NOTHING) {
        return event;
    }
    do {
        while (frame_next(&link->reader, out)) {
            event = hear(link, now_ms, out);
            if (event != LINK_NOTHING) {
                return event;
            }
        }
    } while (receive(link));
    return now_ms >= link->wake_ms ? step(link, now_ms, &(struct link_input){.kind = LINK_TICK}) : LINK_NOTHING;
}

bool link_send(struct link *link, int64_t now_ms, const struct record *record)
{
    bool in_session = link->core.state == LINK_READY || link->core.state == LINK_DRAINING;
    if (!in_session || !record_fits(record) || (verb_asks(record->verb) && !link_may_ask(&link->core))) {
        return false;
    }
    if (!frame_append(&link->out, record)) {
        link_flush(link);
        if (!frame_append(&link->out, record)) {
            return false;
        }
    }
    step(link, now_ms, &(struct link_input){.kind = LINK_SAID, .verb = record->verb});
    return true;
}

void link_flush(struct link *link)
{
    if (frame_is_empty(&link->out)) {
        return;
    }
    zmq_msg_t message;
    MUST(zmq_msg_init_size(&message, link->out.size) == 0);
    memcpy(zmq_msg_data(&message), link->out.bytes, link->out.size);
    int sent;
    do {
        sent = zmq_msg_send(&message, link->socket, ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        zmq_msg_close(&message);
        return;
    }
    link->counts.frames_out++;
    link->counts.records_out += link->out.records;
    link->counts.bytes_out += link->out.size;
    frame_clear(&link->out);
}

void link_drain(struct link *link, int64_t now_ms)
{
    enum link_event event = step(link, now_ms, &(struct link_input){.kind = LINK_DRAIN});
    if (event != LINK_NOTHING) {
        link->raised = event;
    }
}

const struct link_core *link_core_of(const struct link *link)
{
    return &link->core;
}

const char *link_endpoint(const struct link *link)
{
    return link->endpoint;
}

int64_t link_wake_ms(const struct link *link)
{
    return link->raised != LINK_NOTHING ? 0 : link->wake_ms;
}

zmq_pollitem_t link_poll_item(const struct link *link)
{
    bool waits = !frame_is_empty(&link->out);
    return (zmq_pollitem_t){.socket = link->socket, .events = (short)(ZMQ_POLLIN | (waits ? ZMQ_POLLOUT : 0))};
}

int link_fd(const struct link *link)
{
    int fd;
    size_t size = sizeof(fd);
    MUST(zmq_getsockopt(link->socket, ZMQ_FD, &fd, &size) == 0);
    return fd;
}

bool link_is_readable(const struct link *link)
{
    int events = 0;
    size_t size = sizeof(events);
    return link->raised != LINK_NOTHING ||
           (zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0);
}

struct link_counts link_counts(const struct link *link)
{
    return link->counts;
}
