/* What a benchmark says: one JSON line per row, in which a figure stands beside its own limit, measured in the same
 * run.
 *
 * This machine's figures move by a factor of two between minutes; only what was measured in turns can be compared. So a
 * row is made of pairs: figure, limit, figure, limit, ... Printed are the medians of both, the median of the pairs'
 * ratios, and the smallest and the largest ratio. A row without a limit has a bar alone, or is a report. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PAIRS_MAX = 64,
    PAIRS = 5, /* where the caller of the program says nothing */
};

struct row {
    const char *bench; /* the program's word */
    char name[96];     /* what is measured, at which size and depth */
    const char *unit;
    const char *limit_is;   /* what the limit is; NULL: there is none */
    double bar;             /* of the ratio, or of the figure where there is no limit; 0: a report */
    bool smaller_is_better; /* the bar is a ceiling */
    bool bar_of_figure;     /* the bar is the figure's though there is a limit */
    const char *fsync;      /* NULL: no store takes part */
    size_t pairs;
    double figures[PAIRS_MAX], limits[PAIRS_MAX];
};

/* Adds one pair; `limit` is not read where the row has none. */
void row_add(struct row *row, double figure, double limit);

/* Prints the line, with versions and machine, on standard output. */
void row_print(const struct row *row);

/* Sorts the values. */
double median_of(double *values, size_t count);
double percentile_of(double *values, size_t count, double percent);

/* ---- Clocks ---- */

double seconds_now(void); /* monotonic */
double own_cpu_seconds(void);
double process_cpu_seconds(int pid);

/* ---- How large a run is: BENCH_PAIRS and BENCH_SCALE ---- */

/* Pairs to measure: the environment's BENCH_PAIRS, else PAIRS. */
size_t bench_pairs(void);

/* `count` times BENCH_SCALE (a per cent; 100 where it is not given), at least `least`. A smoke run scales everything
 * down. */
size_t bench_scaled(size_t count, size_t least);

#endif
