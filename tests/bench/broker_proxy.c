/* What the broker costs on the way: request and reply of 512 bytes, 256 in flight, through the broker and through a bare zmq_proxy,
 * in turns. Client, middle and worker are processes of their own. One JSON line per transport, the medians of PAIRS pairs and
 * of their ratios; one line more for our own allocations per command in the broker's core. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "common/bus/link.h"
#include "common/core/clock.h"
#include "common/core/must.h"
#include "services/broker/core.h"
#include "tests/support/redis_fixture.h"

enum { SIZE = 512, IN_FLIGHT = 256, REQUESTS = 200000, WARM_UP = 20000, PAIRS = 7, CREDITS = 1024, ENDPOINT = 128 };

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

static double proxy_rate(const char *front)
{
    uint8_t request[SIZE] = {0};
    void *zmq = zmq_ctx_new(), *client = socket_at(zmq, ZMQ_DEALER, front, false);
    zmq_msg_t reply;
    int64_t began_us = 0;
    for (unsigned sent = 0, got = 0; got < WARM_UP + REQUESTS;) {
        while (sent - got < IN_FLIGHT && sent < WARM_UP + REQUESTS) {
            MUST(zmq_send(client, request, sizeof request, 0) == sizeof request);
            sent++;
        }
        zmq_msg_init(&reply);
        MUST(zmq_msg_recv(&reply, client, 0) == SIZE);
        zmq_msg_close(&reply);
        if (++got == WARM_UP) {
            began_us = clock_monotonic_us();
        }
    }
    double rate = REQUESTS / ((double)(clock_monotonic_us() - began_us) / 1e6);
    zmq_close(client);
    zmq_ctx_term(zmq);
    return rate;
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

/* The same body both ways: with its head and envelope the record has SIZE bytes. */
static struct record padded(const uint8_t *envelope, uint32_t envelope_size, const uint8_t *body)
{
    return (struct record){.envelope = envelope, .envelope_size = envelope_size, .body = body, .body_size = SIZE - RECORD_HEAD - envelope_size};
}

static void service_run(const char *endpoint)
{
    static const uint8_t BODY[SIZE];
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

static uint32_t pack_envelope(uint8_t out[static SIZE])
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

static double broker_rate(const char *endpoint)
{
    static const uint8_t BODY[SIZE];
    uint8_t envelope[SIZE];
    uint32_t envelope_size = pack_envelope(envelope);
    struct link *link = greet(endpoint, false);
    int64_t began_us = 0;
    for (unsigned sent = 0, got = 0; got < WARM_UP + REQUESTS;) {
        int64_t now_ms = clock_monotonic_ms();
        unsigned done = take_replies(link, now_ms);
        if (done == UINT32_MAX) {
            sent = got = 0; /* The service, or the store, is not there yet. */
            link_free(&link);
            usleep(50000);
            link = greet(endpoint, false);
            continue;
        }
        if (got < WARM_UP && got + done >= WARM_UP) {
            began_us = clock_monotonic_us();
        }
        got += done;
        unsigned goal = got == 0 && sent == 0 ? 1 : IN_FLIGHT;
        while (sent - got < goal && sent < WARM_UP + REQUESTS && link_may_ask(link_core_of(link))) {
            struct record command = padded(envelope, envelope_size, BODY);
            command.verb = VERB_CMD;
            command.tag = sent++;
            command.root = 1 + sent % 64;
            MUST(link_send(link, now_ms, &command));
        }
        link_flush(link);
        if (got < WARM_UP + REQUESTS) {
            wait_for(link);
        }
    }
    double rate = REQUESTS / ((double)(clock_monotonic_us() - began_us) / 1e6);
    link_free(&link);
    return rate;
}

/* --- one pair --- */

static double measure(double (*rate)(const char *), const char *endpoint)
{
    int ends[2];
    double result = 0;
    MUST(pipe(ends) == 0);
    pid_t client = child();
    if (client == 0) {
        result = rate(endpoint);
        MUST(write(ends[1], &result, sizeof result) == sizeof result);
        _exit(0);
    }
    MUST(read(ends[0], &result, sizeof result) == sizeof result);
    waitpid(client, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    return result;
}

static double measure_proxy(const char *front, const char *back)
{
    pid_t proxy = child();
    if (proxy == 0) {
        proxy_run(front, back);
    }
    pid_t worker = child();
    if (worker == 0) {
        echo_run(back);
    }
    double rate = measure(proxy_rate, front);
    end(worker);
    end(proxy);
    return rate;
}

static double measure_broker(const char *endpoint, const char *program, const char *redis)
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
    double rate = measure(broker_rate, endpoint);
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

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, PAIRS, sizeof *values, compare);
    return values[PAIRS / 2];
}

static void compare_on(const char *transport, const char *program, const struct redis_fixture *redis)
{
    double proxy[PAIRS], broker[PAIRS], ratio[PAIRS];
    char front[ENDPOINT], back[ENDPOINT], at[ENDPOINT];
    for (int i = 0; i < PAIRS; i++) {
        free_endpoint(transport, redis->dir, 3 * i, front);
        free_endpoint(transport, redis->dir, 3 * i + 1, back);
        free_endpoint(transport, redis->dir, 3 * i + 2, at);
        proxy[i] = measure_proxy(front, back);
        broker[i] = measure_broker(at, program, redis->address);
        ratio[i] = broker[i] / proxy[i];
    }
    printf("{\"bench\":\"broker_proxy\",\"transport\":\"%s\",\"bytes\":%d,\"in_flight\":%d,\"pairs\":%d,\"proxy_per_s\":%.0f,\"broker_per_s\":%.0f,"
           "\"ratio\":%.2f,\"target\":0.85}\n",
        transport, SIZE, IN_FLIGHT, PAIRS, median(proxy), median(broker), median(ratio));
    fflush(stdout);
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
    struct record record = {.verb = VERB_HELLO, .body = body, .body_size = (uint32_t)casebus__hello__pack(&hello, body)};
    feed(broker, peer, &record);
    take_frames(broker, 0);
}

static void count_allocations(void)
{
    enum { ROUNDS = 10000, SERVICE = 1, CLIENT = 2 };
    static const uint8_t BODY[SIZE];
    uint8_t envelope[SIZE];
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
    printf("{\"bench\":\"broker_allocations\",\"commands\":%d,\"allocations_per_command\":%.4f,\"target\":2}\n", ROUNDS,
        (double)(allocations - before) / ROUNDS);
    broker_free(&broker);
}

int main(int argc, char **argv)
{
    const char *program = argc > 1 ? argv[1] : "build/release/bin/casebus-broker";
    struct redis_fixture redis;
    count_allocations();
    redis_fixture_start(&redis, NULL);
    compare_on("ipc", program, &redis);
    compare_on("tcp", program, &redis);
    redis_fixture_stop(&redis);
    return 0;
}
