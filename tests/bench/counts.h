/* What count_allocations.c counts, in a file that both processes map. */
#ifndef BENCH_COUNTS_H
#define BENCH_COUNTS_H

#include <stdint.h>

struct allocations {
    uint64_t ours; /* by our code and by every library but ZeroMQ */
    uint64_t zmq;
};

#endif
