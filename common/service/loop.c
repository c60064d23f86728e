#include "common/service/loop.h"

#include "common/core/clock.h"
#include "common/core/must.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define IDLE_MS 60000 /* Nothing has to wake us for so long: look around all the same. */

struct loop_timer {
    int64_t at_ms;
    uint64_t order; /* Those of one millisecond fire in the order in which they were set. */
    void (*fn)(void *user, struct loop_now now);
    void *user;
};

struct loop {
    struct loop_source sources[LOOP_SOURCES_MAX];
    size_t source_count;
    struct loop_timer timers[LOOP_TIMERS_MAX]; /* A heap, the earliest first. */
    size_t timer_count;
    uint64_t timers_set;
    int signals;
    unsigned stops;
    bool ended;
    void (*on_stop)(void *user, struct loop_now now);
    void *on_stop_user;
};

struct loop_now loop_now(void)
{
    return (struct loop_now){.monotonic_ms = clock_monotonic_ms(), .wall_ms = clock_wall_ms()};
}

enum fault loop_new(struct loop **out, struct why *why)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0) {
        why_set(why, "could not take signals: %s", strerror(errno));
        return FAULT_UNAVAILABLE;
    }
    struct loop *loop = calloc(1, sizeof *loop);
    MUST(loop != NULL);
    loop->signals = descriptor;
    *out = loop;
    return FAULT_NONE;
}

void loop_free(struct loop **loop)
{
    if (*loop != NULL) {
        close((*loop)->signals);
        free(*loop);
        *loop = NULL;
    }
}

void loop_add(struct loop *loop, struct loop_source source)
{
    MUST(loop->source_count < LOOP_SOURCES_MAX);
    loop->sources[loop->source_count++] = source;
}

/* ---- Timers ---- */

static bool before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct loop *loop, size_t a, size_t b)
{
    struct loop_timer kept = loop->timers[a];
    loop->timers[a] = loop->timers[b];
    loop->timers[b] = kept;
}

bool loop_at(struct loop *loop, int64_t at_ms, void (*fn)(void *user, struct loop_now now), void *user)
{
    if (loop->timer_count == LOOP_TIMERS_MAX) {
        return false;
    }
    size_t at = loop->timer_count++;
    loop->timers[at] = (struct loop_timer){at_ms, loop->timers_set++, fn, user};
    while (at > 0 && before(&loop->timers[at], &loop->timers[(at - 1) / 2])) {
        swap(loop, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
    return true;
}

static struct loop_timer take_first(struct loop *loop)
{
    struct loop_timer first = loop->timers[0];
    loop->timers[0] = loop->timers[--loop->timer_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < loop->timer_count; child++) {
            least = before(&loop->timers[child], &loop->timers[least]) ? child : least;
        }
        if (least == at) {
            return first;
        }
        swap(loop, at, least);
        at = least;
    }
}

static void fire(struct loop *loop, struct loop_now now)
{
    while (loop->timer_count > 0 && loop->timers[0].at_ms <= now.monotonic_ms) {
        struct loop_timer timer = take_first(loop);
        timer.fn(timer.user, now);
    }
}

/* ---- Stopping ---- */

void loop_on_stop(struct loop *loop, void (*fn)(void *user, struct loop_now now), void *user)
{
    loop->on_stop = fn;
    loop->on_stop_user = user;
}

/* The first asks to finish, the second does not wait for it. */
static void stop(struct loop *loop, struct loop_now now)
{
    loop->stops++;
    if (loop->stops > 1 || loop->on_stop == NULL) {
        loop->ended = true;
    } else {
        loop->on_stop(loop->on_stop_user, now);
    }
}

void loop_stop(struct loop *loop)
{
    stop(loop, loop_now());
}

void loop_end(struct loop *loop)
{
    loop->ended = true;
}

static void take_signals(struct loop *loop, struct loop_now now)
{
    struct signalfd_siginfo info;
    while (read(loop->signals, &info, sizeof info) == sizeof info) {
        stop(loop, now);
    }
}

/* ---- A turn ---- */

struct turn {
    zmq_pollitem_t items[LOOP_ITEMS_MAX];
    size_t begins[LOOP_SOURCES_MAX + 1]; /* Where the items of each source begin. */
};

static int64_t prepare(struct loop *loop, struct turn *turn, struct loop_now now)
{
    int64_t wake_ms = now.monotonic_ms + IDLE_MS;
    size_t count = 1;
    turn->items[0] = (zmq_pollitem_t){.fd = loop->signals, .events = ZMQ_POLLIN};
    for (size_t i = 0; i < loop->source_count; i++) {
        const struct loop_source *source = &loop->sources[i];
        turn->begins[i] = count;
        if (source->prepare != NULL) {
            count += source->prepare(source->user, now, turn->items + count, LOOP_ITEMS_MAX - count, &wake_ms);
            MUST(count <= LOOP_ITEMS_MAX);
        }
    }
    turn->begins[loop->source_count] = count;
    if (loop->timer_count > 0 && loop->timers[0].at_ms < wake_ms) {
        wake_ms = loop->timers[0].at_ms;
    }
    return wake_ms > now.monotonic_ms ? wake_ms - now.monotonic_ms : 0;
}

static void run_turn(struct loop *loop)
{
    struct turn turn;
    int64_t wait_ms = prepare(loop, &turn, loop_now());
    int ready = zmq_poll(turn.items, (int)turn.begins[loop->source_count], wait_ms);
    MUST(ready >= 0 || errno == EINTR || errno == EAGAIN);
    struct loop_now now = loop_now();
    if (ready > 0 && (turn.items[0].revents & ZMQ_POLLIN) != 0) {
        take_signals(loop, now);
    }
    for (size_t i = 0; i < loop->source_count; i++) {
        const struct loop_source *source = &loop->sources[i];
        if (source->drain != NULL) {
            source->drain(source->user, now, turn.items + turn.begins[i], turn.begins[i + 1] - turn.begins[i]);
        }
    }
    fire(loop, now);
    for (size_t i = 0; i < loop->source_count; i++) {
        if (loop->sources[i].flush != NULL) {
            loop->sources[i].flush(loop->sources[i].user, now);
        }
    }
}

void loop_run(struct loop *loop)
{
    while (!loop->ended) {
        run_turn(loop);
    }
}
