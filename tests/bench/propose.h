/* The command of shape.h through the bus, one or many at a time. */
#ifndef BENCH_PROPOSE_H
#define BENCH_PROPOSE_H

#include "services/cli/cli.h"
#include "tests/bench/figures.h"

struct proposing {
    double per_second;
    double *took_us; /* of each command, from submitting to reply, where room for that was given */
};

/* Sends `count` commands, `depth` in flight, and waits for all. A command that does not succeed ends the benchmark. */
void propose_many(struct cli *cli, size_t count, size_t depth, struct proposing *out);

/* Submits one. */
void propose_one(struct cli *cli);

/* Waits for the next reply; returns how long it took. */
double propose_reply_us(struct cli *cli);

#endif
