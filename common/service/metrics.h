/* Counters, gauges and histograms of a process, and their text for Prometheus (version 0.0.4).
 *
 * A series is made once and lives as long as the process; changing it is one addition. Names begin with `casebus_` and
 * end with their unit. Labels are words that the program chose: no ids, no text of callers, so the number of series is
 * bounded. */
#ifndef CASEBUS_SERVICE_METRICS_H
#define CASEBUS_SERVICE_METRICS_H

#include <stdint.h>

#include "common/core/text.h"

#define METRICS_MAX 1024 /* series of a process */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_KINDS };

struct metrics;
struct metric;

struct metrics *metrics_new(void);
void metrics_free(struct metrics **metrics);

/* Finds or makes the series. `labels` is as it will be written, e.g. `outcome="OK"`, or "". Name and help are borrowed
 * for ever; labels are copied. Never NULL: beyond METRICS_MAX everything counts into one series of its kind,
 * `casebus_overflow_...`. */
struct metric *metrics_find(
    struct metrics *metrics, enum metric_kind kind, const char *name, const char *help, const char *labels);

void metric_add(struct metric *metric, uint64_t by);         /* counter */
void metric_set(struct metric *metric, int64_t value);       /* gauge, or a counter that something else keeps */
void metric_observe(struct metric *metric, int64_t took_us); /* histogram of durations, written in seconds */
uint64_t metric_value(const struct metric *metric);

void metrics_write(const struct metrics *metrics, struct text *out);

#endif
