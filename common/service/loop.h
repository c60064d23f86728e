/* The reactor of a process: everything that can wake it is polled in one place, by zmq_poll.
 *
 * A turn drains and then flushes: whatever came in is handled by every source first, then every source sends what has
 * gathered. So hundreds of calls share one write to Redis and one frame to a broker.
 *
 *     prepare  each source says what to poll for, and until when at most
 *     poll
 *     drain    each source takes in all that is there
 *     flush    each source hands out all that waits
 *
 * Time is read once per turn and given to everybody. One thread. */
#ifndef CASEBUS_SERVICE_LOOP_H
#define CASEBUS_SERVICE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "common/core/fault.h"

#define LOOP_SOURCES_MAX 32
#define LOOP_ITEMS_MAX   256 /* sockets and descriptors polled at a time */
#define LOOP_TIMERS_MAX  4096

struct loop_now {
    int64_t monotonic_ms;
    int64_t wall_ms;
};

/* Any of the three may be NULL. */
struct loop_source {
    void *user;
    /* Writes the items to poll, at most `room`, and returns how many; lowers *wake_ms (monotonic) to when it must run
     * at the latest. */
    size_t (*prepare)(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms);
    /* The same items, with what is ready; called in every turn. */
    void (*drain)(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count);
    void (*flush)(void *user, struct loop_now now);
};

struct loop;

/* Takes SIGTERM and SIGINT from now on: they end the loop gracefully. UNAVAILABLE when the system has no descriptor
 * left. */
enum fault loop_new(struct loop **out, struct why *why);
void loop_free(struct loop **loop);

/* Sources run in the order in which they were added, and flush in that order too. */
void loop_add(struct loop *loop, struct loop_source source);

/* Calls `fn` once, in the drain of the first turn at or after `at_ms` (monotonic). False when LOOP_TIMERS_MAX are set.
 */
bool loop_at(struct loop *loop, int64_t at_ms, void (*fn)(void *user, struct loop_now now), void *user);

/* Called once, at the first SIGTERM or SIGINT or loop_stop(): begin to drain. Without it the loop ends at once. */
void loop_on_stop(struct loop *loop, void (*fn)(void *user, struct loop_now now), void *user);
void loop_stop(struct loop *loop); /* as a signal would */
void loop_end(struct loop *loop);  /* loop_run() returns after this turn's flush */

/* Runs until loop_end(), or a second signal. */
void loop_run(struct loop *loop);

struct loop_now loop_now(void);

#endif
