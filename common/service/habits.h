/* What the rules of a service are in the habit of asking for: so that the runtime loads it with the first round and a
 * rule need not be run, and the store not be asked, a second time.
 *
 * Learned while running, from what a rule asked for in a later round: aggregates of its own service whose key is the
 * root (an agenda, a case). A habit is a guess about what to load and nothing else: what the rule does not ask for this
 * time is neither guarded nor written. Forgotten with the process. */
#ifndef CASEBUS_SERVICE_HABITS_H
#define CASEBUS_SERVICE_HABITS_H

#include "common/service/decide.h"

enum {
    HABIT_ROWS = 128,    /* rows of tables that are remembered; two in one place take turns */
    HABIT_KINDS_MAX = 4, /* of one row */
};

struct habit {
    const void *row;
    unsigned count;
    const struct contract_aggregate *kinds[HABIT_KINDS_MAX];
};

/* Zeroed memory has none. */
struct habits {
    struct habit rows[HABIT_ROWS];
};

/* Before the first round: asks for what the row is wont to ask for. */
void habits_follow(const struct habits *habits, const void *row, struct decision *d);

/* Before a later round: what is not loaded yet will be asked for at once the next time. */
void habits_learn(struct habits *habits, const void *row, const struct decision *d);

#endif
