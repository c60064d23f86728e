/* Deadlines, kept in a ring of ticks. Setting, moving and clearing one costs a few pointer moves, however many there are.
 *
 * A deadline fires in the tick after it is due, never before; those further away than one turn of the wheel are looked at once
 * a turn. Time is what the caller says it is and must not run backwards. */
#ifndef BROKER_WHEEL_H
#define BROKER_WHEEL_H

#include <stdint.h>

#include "services/broker/list.h"

enum { WHEEL_SLOTS = 1024, WHEEL_TICK_MS = 8 };

struct deadline {
    struct list node;
    int64_t at_ms;
    int owner; /* what it is a part of: the caller's to say */
};

struct wheel {
    struct list slots[WHEEL_SLOTS];
    struct list ripe;
    int64_t tick; /* ticks up to here have fired */
};

void wheel_init(struct wheel *wheel, int64_t now_ms);

/* Sets, or moves, the deadline. A zeroed deadline must have been through deadline_init() first. */
void wheel_set(struct wheel *wheel, struct deadline *deadline, int64_t at_ms);

static inline void deadline_init(struct deadline *deadline)
{
    list_init(&deadline->node);
}

static inline void deadline_clear(struct deadline *deadline)
{
    list_remove(&deadline->node);
}

/* The next one that is due at `now`, already cleared; NULL when there is none. Call until NULL. */
struct deadline *wheel_next(struct wheel *wheel, int64_t now_ms);

#endif
