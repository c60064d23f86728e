#include "common/service/runtime.h"

#include "common/service/call.h"

#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/sealing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MAX     64   /* calls whose memory is kept for the next ones */
#define TURN_COMMITS 4096 /* calls in flight are never more */

struct runtime *runtime_new(const struct runtime_options *options)
{
    struct runtime *runtime = calloc(1, sizeof *runtime);
    MUST(runtime != NULL);
    runtime->options = *options;
    turns_init(runtime);
    runtime->commits = calloc(TURN_COMMITS, sizeof *runtime->commits);
    MUST(runtime->commits != NULL);
    MUST(options->calls_max > 0 && options->calls_max <= TURN_COMMITS);
    return runtime;
}

unsigned runtime_in_flight(const struct runtime *runtime)
{
    return runtime->in_flight;
}

/* ---- Calls ---- */

static struct call *call_new(struct runtime *runtime, const struct incoming *record)
{
    struct call *call = runtime->pool;
    struct arena arena;
    if (call != NULL) {
        runtime->pool = call->next;
        runtime->pooled--;
        arena = call->arena;
    } else {
        call = malloc(sizeof *call);
        MUST(call != NULL);
        arena_init(&arena, 0);
    }
    memset(call, 0, sizeof *call);
    call->runtime = runtime;
    call->arena = arena;
    call->verb = record->verb;
    call->link = record->link;
    call->session = record->session;
    call->tag = record->tag;
    call->epoch = record->epoch;
    call->delivered_from = record->partition;
    call->started_us = runtime->options.port->now_us(runtime->options.port->context);
    call->deadline_ms = runtime->now.monotonic_ms + (record->ttl_ms > 0 ? record->ttl_ms : RUNTIME_TTL_MS);
    call->d = decide_new(&call->arena, runtime->options.service);
    call->d->reference = runtime->options.reference;
    call->d->now_ms = runtime->now.wall_ms;
    runtime->in_flight++;
    return call;
}

static void call_free(struct call *call)
{
    struct runtime *runtime = call->runtime;
    runtime->in_flight--;
    if (runtime->pooled >= POOL_MAX) {
        arena_done(&call->arena);
        free(call);
        return;
    }
    arena_reset(&call->arena);
    call->next = runtime->pool;
    runtime->pool = call;
    runtime->pooled++;
}

void call_ready(struct call *call)
{
    struct runtime *runtime = call->runtime;
    call->next = NULL;
    if (runtime->ready == NULL) {
        runtime->ready = call;
    } else {
        runtime->last_ready->next = call;
    }
    runtime->last_ready = call;
}

enum fault call_fail(struct call *call, enum fault fault, const char *format, ...)
{
    char text[WHY_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    why_set(&call->d->why, "%s", text);
    call->fault = fault;
    return fault;
}

void call_end(struct call *call)
{
    if (call_in_order(call)) {
        turn_leave(call);
    }
    call_free(call);
}

/* ---- A call's way ---- */

static enum fault decide(struct call *call)
{
    struct decision *d = call->d;
    switch (call->kind) {
    case CALL_COMMAND:
        return decide_command(d, call->command, call->message);
    case CALL_TIMER:
        return decide_timer(d, call->timer, call->envelope->key, call->envelope->timer, call->envelope->due_at_ms);
    case CALL_ANSWER:
        return decide_answer(d, call->answer, call->envelope->key, call->message);
    case CALL_EVENT:
        return decide_record(d, call->reacted, call->reacted_count);
    case CALL_QUERY:
        return decide_query(d, call->query, call->message);
    case CALL_READ_ROOT:
    case CALL_READ_EVENTS:
        break;
    }
    MUST_NOT_REACH();
}

/* The caller has seen a version; another one is there. */
static bool is_expected(struct call *call)
{
    const Casebus__Envelope *envelope = call->envelope;
    if (call->kind != CALL_COMMAND || !envelope->has_expect_version) {
        return true;
    }
    return call->d->known_count > 0 && call->d->known[0].version == envelope->expect_version;
}

/* A due timer that its rule refuses is gone all the same, or it would come for ever. */
static enum fault refuse_timer(struct call *call, enum fault fault)
{
    if (call->kind != CALL_TIMER || !fault_is_refusal(fault)) {
        return fault;
    }
    call->refused = true;
    call->fault = fault;
    return FAULT_NONE;
}

static void carry_out(struct call *call)
{
    enum fault fault = FAULT_NONE;
    if (call->kind == CALL_QUERY) {
        call_answer(call, FAULT_NONE);
        return;
    }
    if (!is_expected(call)) {
        fault = call_fail(call, FAULT_STALE, "the %s is at version %llu", call->d->known[0].kind,
            (unsigned long long)call->d->known[0].version);
    } else if (call->runtime->now.monotonic_ms > call->deadline_ms) {
        fault = call_fail(call, FAULT_EXPIRED, "its time ran out before it was decided");
    } else {
        fault = call_save(call);
    }
    if (fault != FAULT_NONE) {
        call_answer(call, fault);
    }
}

/* Runs the call until it waits for something or is answered. */
static void advance(struct call *call)
{
    if (call->kind == CALL_READ_ROOT || call->kind == CALL_READ_EVENTS) {
        call_read_log(call);
        return;
    }
    if (call->fault != FAULT_NONE) {
        call_answer(call, call->fault);
        return;
    }
    if (call->repeated) {
        call_answer(call, FAULT_NONE);
        return;
    }
    enum fault fault = decide(call);
    bool needs_more = fault == FAULT_WANT || (call->kind != CALL_QUERY && !call->root_loaded);
    if (needs_more) {
        if (!call_load(call)) {
            call_answer(call, call->fault);
        }
        return;
    }
    fault = refuse_timer(call, fault);
    if (fault != FAULT_NONE) {
        call_answer(call, fault);
        return;
    }
    carry_out(call);
}

static void begin(struct call *call)
{
    if (call_in_order(call)) {
        turn_enter(call);
    } else {
        call_ready(call);
    }
}

/* A task leaves its lane with a final answer. Who does not know its tenant, its subject or its key (yet, or any more) has not
 * refused it: it stays, for an instance that does. */
static enum fault keep_task(struct call *call, enum fault fault)
{
    bool is_task = call->verb == VERB_CMD && call->envelope != NULL && !str_is_empty(call->envelope->lane);
    if (is_task && fault_is_refusal(fault)) {
        call->fault = FAULT_UNAVAILABLE;
        return FAULT_UNAVAILABLE;
    }
    return fault;
}

void runtime_receive(struct runtime *runtime, struct loop_now now, const struct incoming *record)
{
    runtime->now = now;
    struct call *call = call_new(runtime, record);
    bool nothing = false;
    enum fault fault = FAULT_NONE;
    if (runtime->in_flight > runtime->options.calls_max) {
        call->kind = record->verb == VERB_EVT ? CALL_EVENT : record->verb == VERB_QRY ? CALL_QUERY : CALL_COMMAND;
        fault = call_fail(call, FAULT_OVERLOADED, "this service has no room for another call");
    } else if (record->verb == VERB_EVT) {
        fault = call_accept_event(call, record, &nothing);
    } else {
        fault = keep_task(call, call_accept(call, record));
    }
    if (fault != FAULT_NONE || nothing) {
        call->root_number = 0; /* It never had a turn. */
        call_answer(call, fault);
        return;
    }
    begin(call);
}

/* ---- The turn's end ---- */

static int by_partition(const void *a, const void *b)
{
    const struct commit *left = *(struct commit *const *)a, *right = *(struct commit *const *)b;
    return (left->partition > right->partition) - (left->partition < right->partition);
}

static void commit_some(struct runtime *runtime, struct commit *const *commits, size_t count)
{
    const struct runtime_port *port = runtime->options.port;
    struct why why = {0};
    enum fault fault = port->commit(port->context, commits, count, &why);
    if (fault == FAULT_NONE) {
        return;
    }
    if (count > 1) { /* One that is too large must not refuse the others. */
        for (size_t i = 0; i < count; i++) {
            commit_some(runtime, commits + i, 1);
        }
        return;
    }
    struct call *call = commits[0]->user;
    call_fail(call, fault, "%s", why.text);
    call_ready(call);
}

/* Calls of one root are never in one turn, so the order within a partition does not matter. */
static void commit_all(struct runtime *runtime)
{
    size_t count = runtime->commit_count;
    runtime->commit_count = 0;
    if (count > 1) {
        qsort(runtime->commits, count, sizeof *runtime->commits, by_partition);
    }
    for (size_t from = 0; from < count;) {
        size_t to = from + 1;
        while (to < count && to - from < COMMIT_BATCH_MAX &&
               runtime->commits[to]->partition == runtime->commits[from]->partition) {
            to++;
        }
        commit_some(runtime, runtime->commits + from, to - from);
        from = to;
    }
}

void runtime_turn(struct runtime *runtime, struct loop_now now)
{
    runtime->now = now;
    turns_release(runtime);
    while (runtime->ready != NULL || runtime->commit_count > 0) {
        while (runtime->ready != NULL) {
            struct call *call = runtime->ready;
            runtime->ready = call->next;
            advance(call);
        }
        commit_all(runtime);
    }
}

static void free_list(struct call *call)
{
    while (call != NULL) {
        struct call *next = call->next;
        arena_done(&call->arena);
        free(call);
        call = next;
    }
}

void runtime_free(struct runtime **runtime)
{
    if (*runtime == NULL) {
        return;
    }
    turns_done(*runtime);
    free_list((*runtime)->pool);
    free((*runtime)->commits);
    free(*runtime);
    *runtime = NULL;
}
