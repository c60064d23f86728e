/* Whose turn it is: calls of one root are carried out one after the other, and an event that has to wait keeps its
 * turn. */
#include "common/service/call.h"

#include "common/core/must.h"

#include <stdlib.h>

#define BUCKETS 1024 /* of roots; a power of two */

void turns_init(struct runtime *runtime)
{
    runtime->buckets = calloc(BUCKETS, sizeof *runtime->buckets);
    MUST(runtime->buckets != NULL);
}

bool call_in_order(const struct call *call)
{
    return call->kind <= CALL_EVENT && call->root_number != 0;
}

static struct call **bucket_of(struct call *call)
{
    return &call->runtime->buckets[call->root_number & (BUCKETS - 1)];
}

static void take_turn(struct call *call)
{
    struct call **bucket = bucket_of(call);
    call->next_turn = *bucket;
    *bucket = call;
    call_ready(call);
}

/* Two roots of one number only wait for each other for nothing. */
void turn_enter(struct call *call)
{
    for (struct call *first = *bucket_of(call); first != NULL; first = first->next_turn) {
        if (first->root_number != call->root_number) {
            continue;
        }
        if (first->behind == NULL) {
            first->behind = call;
        } else {
            first->last_behind->behind = call;
        }
        first->last_behind = call;
        return;
    }
    take_turn(call);
}

void turn_leave(struct call *call)
{
    struct call **at = bucket_of(call);
    while (*at != call) {
        at = &(*at)->next_turn;
    }
    *at = call->next_turn;
    struct call *next = call->behind;
    if (next != NULL) {
        next->last_behind = call->last_behind;
        take_turn(next);
    }
}

/* ---- Events that have to wait for better times ---- */

/* It keeps its turn: what comes behind it in its root may not overtake it. */
bool call_hold(struct call *call, uint32_t after_ms)
{
    struct runtime *runtime = call->runtime;
    int64_t again_at_ms = runtime->now.monotonic_ms + after_ms;
    if (runtime->draining || call->root_number == 0 || again_at_ms > call->held_until_ms) {
        return false;
    }
    decide_forget(call->d);
    call->root_loaded = false;
    call->fault = FAULT_NONE;
    call->races = 0;
    call->rounds = 0;
    call->again_at_ms = again_at_ms;
    call->next = runtime->held;
    runtime->held = call;
    return true;
}

void turns_release(struct runtime *runtime)
{
    struct call *call = runtime->held;
    runtime->held = NULL;
    while (call != NULL) {
        struct call *next = call->next;
        if (runtime->draining || call->again_at_ms <= runtime->now.monotonic_ms) {
            call_ready(call);
        } else {
            call->next = runtime->held;
            runtime->held = call;
        }
        call = next;
    }
}

int64_t runtime_wake_ms(const struct runtime *runtime)
{
    int64_t wake_ms = INT64_MAX;
    for (const struct call *call = runtime->held; call != NULL; call = call->next) {
        wake_ms = call->again_at_ms < wake_ms ? call->again_at_ms : wake_ms;
    }
    return wake_ms;
}

void runtime_drain(struct runtime *runtime)
{
    runtime->draining = true;
}

/* Calls of roots that are still under way, and those behind them. */
static void free_turns(struct call *first)
{
    while (first != NULL) {
        struct call *next = first->next_turn;
        for (struct call *call = first; call != NULL;) {
            struct call *behind = call->behind;
            arena_done(&call->arena);
            free(call);
            call = behind;
        }
        first = next;
    }
}

void turns_done(struct runtime *runtime)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        free_turns(runtime->buckets[i]);
    }
    free(runtime->buckets);
}
