/* What the broker costs on the way: request and reply through the broker and through a bare zmq_proxy, in turns;
 * requests per second with 256 in flight, and the time of one alone. Client, middle and worker are processes of their
 * own. A record has as many bytes as the proxy's message, head and envelope included. One row more for the allocations
 * of the broker's core. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/bus/link.h"
#include "common/core/clock.h"
#include "common/core/must.h"
#include "services/broker/core.h"
#include "tests/bench/figures.h"
#include "tests/support/redis_fixture.h"

enum { SIZE_MAX_BYTES = 512, CREDITS = 1024, ENDPOINT = 128 };

/* What is measured: bytes of a request and of its reply, how many are under way, how many are sent unmeasured and
 * measured. */
struct shape {
    unsigned size, in_flight, warm_up, requests;
};

static struct shape SHAPE; /* set before a process is made */

struct measured {
    double per_second;
    double p50_us; /* sending to reply, of a request that is alone under way */
};

/* --- our own allocations: the linker sends every call of our code here --- */

static unsigned long allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    allocations++;
    return __real_realloc(old, size);
}

/* --- processes --- */

static pid_t child(void)
{
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    }
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void *socket_at(void *zmq, int type, const char *endpoint, bool binds)
{
    int none = 0;
    void *socket = zmq_socket(zmq, type);
    MUST(socket);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    MUST((binds ? zmq_bind : zmq_connect)(socket, endpoint) == 0);
    return socket;
}

/* --- the proxy: a worker that echoes both frames --- */

static void proxy_run(const char *front, const char *back)
{
    void *zmq = zmq_ctx_new();
    zmq_proxy(socket_at(zmq, ZMQ_ROUTER, front, true), socket_at(zmq, ZMQ_DEALER, back, true), NULL);
    _exit(0);
}

static void echo_run(const char *back)
{
    void *worker = socket_at(zmq_ctx_new(), ZMQ_DEALER, back, false);
    zmq_msg_t part;
    for (;;) {
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, worker, 0) < 0) {
            _exit(0);
        }
        zmq_msg_send(&part, worker, zmq_msg_more(&part) ? ZMQ_SNDMORE : 0);
    }
}

static struct measured measured_of(int64_t began_us, double *alone_us)
{
    return (struct measured){
        .per_second = SHAPE.requests / ((double)(clock_monotonic_us() - began_us) / 1e6),
        .p50_us = SHAPE.in_flight == 1 ? median_of(alone_us, SHAPE.requests) : 0,
    };
}

static struct measured ask_proxy(const char *front)
{
    uint8_t request[SIZE_MAX_BYTES] = {0};
    void *zmq = zmq_ctx_new(), *client = socket_at(zmq, ZMQ_DEALER, front, false);
    double *alone_us = calloc(SHAPE.requests, sizeof *alone_us);
    zmq_msg_t reply;
    int64_t began_us = 0, sent_us = 0;
    unsigned total = SHAPE.warm_up + SHAPE.requests;
    MUST(alone_us);
    for (unsigned sent = 0, got = 0; got < total;) {
        while (sent - got < SHAPE.in_flight && sent < total) {
            sent_us = SHAPE.in_flight == 1 ? clock_monotonic_us() : 0;
            MUST(zmq_send(client, request, SHAPE.size, 0) == (int)SHAPE.size);
            sent++;
        }
        zmq_msg_init(&reply);
        MUST(zmq_msg_recv(&reply, client, 0) == (int)SHAPE.size);
        zmq_msg_close(&reply);
        if (got >= SHAPE.warm_up && SHAPE.in_flight == 1) {
            alone_us[got - SHAPE.warm_up] = (double)(clock_monotonic_us() - sent_us);
        }
        if (++got == SHAPE.warm_up) {
            began_us = clock_monotonic_us();
        }
    }
    struct measured measured = measured_of(began_us, alone_us);
    free(alone_us);
    zmq_close(client);
    zmq_ctx_term(zmq);
    return measured;
}

/* --- the broker: a worker that answers every command --- */

static struct link *greet(const char *endpoint, bool serves)
{
    static const char *const ECHO[] = {"echo"};
    struct link *link;
    struct why why;
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = true;
    hello.kind = serves ? CASEBUS__PEER_KIND__PEER_KIND_SERVICE : CASEBUS__PEER_KIND__PEER_KIND_CLIENT;
    hello.instance = serves ? "echo-1" : "client-1";
    hello.serves = (const char **)ECHO;
    hello.n_serves = serves;
    hello.has_credit_messages = true;
    hello.credit_messages = CREDITS;
    struct link_options options = {.endpoint = endpoint, .hello = &hello};
    MUST(link_new(&options, clock_monotonic_ms(), &why, &link) == FAULT_NONE);
    return link;
}

static void wait_for(struct link *link)
{
    zmq_pollitem_t item = link_poll_item(link);
    zmq_poll(&item, 1, 100);
}

/* The same body both ways: with its head and envelope the record has the size wanted, where that leaves room for a
 * body. */
static struct record padded(const uint8_t *envelope, uint32_t envelope_size, const uint8_t *body)
{
    uint32_t taken = RECORD_HEAD + envelope_size;
    uint32_t body_size = SHAPE.size > taken ? SHAPE.size - taken : 0;
    return (struct record){.envelope = envelope, .envelope_size = envelope_size, .body = body, .body_size = body_size};
}

static void service_run(const char *endpoint)
{
    static const uint8_t BODY[SIZE_MAX_BYTES];
    struct link *link = greet(endpoint, true);
    struct record record;
    for (;;) {
        enum link_event event;
        wait_for(link);
        int64_t now_ms = clock_monotonic_ms();
        while ((event = link_next(link, now_ms, &record)) != LINK_NOTHING) {
            if (event == LINK_RECORD && record.verb == VERB_CMD) {
                struct record reply = padded(NULL, 0, BODY);
                reply.verb = VERB_REP;
                reply.status = STATUS_OK;
                reply.tag = record.tag;
                MUST(link_send(link, now_ms, &reply));
            }
        }
        link_flush(link);
    }
}

static uint32_t pack_envelope(uint8_t out[static SIZE_MAX_BYTES])
{
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.id = "0123456789abcdefghjkmnpqrs";
    envelope.subject = "echo.Say";
    envelope.tenant = "demo";
    envelope.root = "00a-0123456789abcdefghjkmnpqrs";
    return (uint32_t)casebus__envelope__pack(&envelope, out);
}

/* Waits until the service answers, so that start-up is not measured. */
static unsigned take_replies(struct link *link, int64_t now_ms)
{
    struct record record;
    enum link_event event;
    unsigned done = 0;
    while ((event = link_next(link, now_ms, &record)) != LINK_NOTHING) {
        MUST(event != LINK_LOST);
        done += event == LINK_RECORD && record.verb == VERB_REP;
        if (event == LINK_RECORD && record.verb == VERB_REP && record.status != STATUS_OK) {
            return UINT32_MAX;
        }
    }
    return done;
}

/* Until the service is there the first requests are refused: greets again and starts over. */
static struct link *greet_again(struct link *link, const char *endpoint)
{
    link_free(&link);
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    return greet(endpoint, false);
}

static struct measured ask_broker(const char *endpoint)
{
    static const uint8_t BODY[SIZE_MAX_BYTES];
    uint8_t envelope[SIZE_MAX_BYTES];
    uint32_t envelope_size = pack_envelope(envelope);
    struct link *link = greet(endpoint, false);
    double *alone_us = calloc(SHAPE.requests, sizeof *alone_us);
    int64_t began_us = 0, sent_us = 0;
    unsigned total = SHAPE.warm_up + SHAPE.requests;
    MUST(alone_us);
    for (unsigned sent = 0, got = 0; got < total;) {
        int64_t now_ms = clock_monotonic_ms();
        unsigned done = take_replies(link, now_ms);
        if (done == UINT32_MAX) {
            sent = got = 0;
            link = greet_again(link, endpoint);
            continue;
        }
        if (done && got >= SHAPE.warm_up && SHAPE.in_flight == 1) {
            alone_us[got - SHAPE.warm_up] = (double)(clock_monotonic_us() - sent_us);
        }
        if (got < SHAPE.warm_up && got + done >= SHAPE.warm_up) {
            began_us = clock_monotonic_us();
        }
        got += done;
        unsigned goal = got == 0 && sent == 0 ? 1 : SHAPE.in_flight;
        while (sent - got < goal && sent < total && link_may_ask(link_core_of(link))) {
            struct record command = padded(envelope, envelope_size, BODY);
            command.verb = VERB_CMD;
            command.tag = sent++;
            command.root = 1 + sent % 64;
            sent_us = SHAPE.in_flight == 1 ? clock_monotonic_us() : 0;
            MUST(link_send(link, now_ms, &command));
        }
        link_flush(link);
        if (got < total) {
            wait_for(link);
        }
    }
    struct measured measured = measured_of(began_us, alone_us);
    free(alone_us);
    link_free(&link);
    return measured;
}

/* --- one pair --- */

static struct measured measure(struct measured (*ask)(const char *), const char *endpoint)
{
    int ends[2];
    struct measured result;
    MUST(pipe(ends) == 0);
    pid_t client = child();
    if (client == 0) {
        result = ask(endpoint);
        MUST(write(ends[1], &result, sizeof result) == sizeof result);
        _exit(0);
    }
    MUST(read(ends[0], &result, sizeof result) == sizeof result);
    waitpid(client, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    return result;
}

static struct measured measure_proxy(const char *front, const char *back)
{
    pid_t proxy = child();
    if (proxy == 0) {
        proxy_run(front, back);
    }
    pid_t worker = child();
    if (worker == 0) {
        echo_run(back);
    }
    struct measured rate = measure(ask_proxy, front);
    end(worker);
    end(proxy);
    return rate;
}

static struct measured measure_broker(const char *endpoint, const char *program, const char *redis)
{
    pid_t broker = child();
    if (broker == 0) {
        char store[256], here[256];
        snprintf(store, sizeof store, "--redis=%s", redis);
        snprintf(here, sizeof here, "--brokers=%s", endpoint);
        execl(program, program, store, here, (char *)NULL);
        _exit(127);
    }
    pid_t worker = child();
    if (worker == 0) {
        service_run(endpoint);
    }
    struct measured rate = measure(ask_broker, endpoint);
    end(worker);
    end(broker);
    return rate;
}

static void free_endpoint(const char *transport, const char *folder, int number, char out[static ENDPOINT])
{
    if (strcmp(transport, "ipc") == 0) {
        snprintf(out, ENDPOINT, "ipc://%s/%d", folder, number);
        return;
    }
    void *zmq = zmq_ctx_new(), *socket = socket_at(zmq, ZMQ_ROUTER, "tcp://127.0.0.1:*", true);
    size_t size = ENDPOINT;
    MUST(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, out, &size) == 0);
    zmq_close(socket);
    zmq_ctx_term(zmq);
}

static void compare_on(
    const char *transport, struct shape shape, double bar, const char *program, const struct redis_fixture *redis)
{
    static int number;
    bool alone = shape.in_flight == 1;
    struct row row = {.bench = "broker", .unit = alone ? "us" : "/s", .limit_is = "zmq_proxy", .bar = bar};
    snprintf(row.name, sizeof row.name,
        alone ? "%s, %u B: p50 of one request and reply" : "%s, %u B: requests and replies, %u in flight", transport,
        shape.size, shape.in_flight);
    SHAPE = shape;
    for (size_t i = 0; i < bench_pairs(); i++) {
        char front[ENDPOINT], back[ENDPOINT], at[ENDPOINT];
        free_endpoint(transport, redis->dir, number++, front);
        free_endpoint(transport, redis->dir, number++, back);
        free_endpoint(transport, redis->dir, number++, at);
        struct measured proxy = measure_proxy(front, back);
        struct measured broker = measure_broker(at, program, redis->address);
        row_add(&row, alone ? broker.p50_us : broker.per_second, alone ? proxy.p50_us : proxy.per_second);
    }
    row_print(&row);
}

/* --- allocations of the core --- */

static void feed(struct broker *broker, uint32_t peer, const struct record *record)
{
    static struct frame frame;
    frame_clear(&frame);
    MUST(frame_append(&frame, record));
    struct broker_input input = {.kind = INPUT_FRAME, .peer = peer, .bytes = frame.bytes, .size = frame.size};
    broker_step(broker, 1000, &input);
}

static uint64_t take_frames(struct broker *broker, uint32_t peer)
{
    const struct frame *frame;
    uint32_t to;
    uint64_t tag = 0;
    while (broker_frame(broker, &to, &frame)) {
        struct frame_reader reader;
        struct record record;
        MUST(frame_begin(&reader, frame->bytes, frame->size) == FRAME_NONE);
        while (to == peer && frame_next(&reader, &record)) {
            tag = record.tag;
        }
        broker_frame_sent(broker);
    }
    return tag;
}

static void hello(struct broker *broker, uint32_t peer, const char *instance, const char *serves)
{
    uint8_t body[256];
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = true;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_SERVICE;
    hello.instance = instance;
    hello.serves = &serves;
    hello.n_serves = serves != NULL;
    struct record record = {
        .verb = VERB_HELLO, .body = body, .body_size = (uint32_t)casebus__hello__pack(&hello, body)};
    feed(broker, peer, &record);
    take_frames(broker, 0);
}

static void count_allocations(void)
{
    enum { ROUNDS = 10000, SERVICE = 1, CLIENT = 2 };
    static const uint8_t BODY[SIZE_MAX_BYTES];
    uint8_t envelope[SIZE_MAX_BYTES];
    uint32_t envelope_size = pack_envelope(envelope);
    struct broker_limits limits = broker_limits_default();
    struct broker *broker = broker_new(&limits, "b1", 1, 1000);
    struct broker_input up = {.kind = INPUT_STORE_UP};
    struct broker_ask ask;
    broker_step(broker, 1000, &up);
    while (broker_ask(broker, &ask)) {
    }
    hello(broker, SERVICE, "echo-1", "echo");
    hello(broker, CLIENT, "client-1", NULL);
    unsigned long before = 0;
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        if (i == ROUNDS) {
            before = allocations;
        }
        struct record command = padded(envelope, envelope_size, BODY), reply = padded(NULL, 0, BODY);
        command.verb = VERB_CMD;
        command.root = 1 + i % 64;
        feed(broker, CLIENT, &command);
        reply.verb = VERB_REP;
        reply.status = STATUS_OK;
        reply.tag = take_frames(broker, SERVICE);
        feed(broker, SERVICE, &reply);
        take_frames(broker, CLIENT);
    }
    MUST(broker_counters(broker)->commands == 2 * ROUNDS);
    struct row row = {.bench = "broker",
        .name = "allocations in the broker's core per command",
        .unit = "allocations",
        .bar = 2,
        .smaller_is_better = true};
    row_add(&row, (double)(allocations - before) / ROUNDS, 0);
    row_print(&row);
    broker_free(&broker);
}

int main(int argc, char **argv)
{
    const char *program = argc > 1 ? argv[1] : "build/release/bin/casebus-broker";
    unsigned many = (unsigned)bench_scaled(200000, 512), few = (unsigned)bench_scaled(5000, 64);
    const struct shape large = {512, 256, many / 10, many}, small = {128, 256, many / 10, many},
                       alone = {512, 1, few / 10, few};
    struct redis_fixture redis;
    SHAPE = large;
    count_allocations();
    redis_fixture_start(&redis, NULL);
    compare_on("tcp", large, 0.85, program, &redis);
    compare_on("ipc", large, 0.85, program, &redis);
    compare_on("tcp", small, 0, program, &redis);
    compare_on("ipc", small, 0, program, &redis);
    compare_on("tcp", alone, 0, program, &redis);
    compare_on("ipc", alone, 0, program, &redis);
    redis_fixture_stop(&redis);
    return 0;
}
