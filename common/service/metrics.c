#include "common/service/metrics.h"

#include "common/core/arena.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Upper bounds in microseconds: from half a millisecond to ten seconds. */
static const int64_t BUCKETS_US[] = {
    500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000};
#define BUCKETS ARRAY_LENGTH(BUCKETS_US)

struct metric {
    enum metric_kind kind;
    const char *name;
    const char *help;
    const char *labels;
    int64_t value; /* of a histogram: how many */
    int64_t sum_us;
    uint64_t buckets[BUCKETS];
};

struct metrics {
    struct arena arena;
    struct metric *series[METRICS_MAX + METRIC_KINDS]; /* The last ones for what overflows. */
    size_t count;
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    MUST(metrics != NULL);
    arena_init(&metrics->arena, 0);
    return metrics;
}

void metrics_free(struct metrics **metrics)
{
    if (*metrics != NULL) {
        arena_done(&(*metrics)->arena);
        free(*metrics);
        *metrics = NULL;
    }
}

/* Series of one name stand together, as the format wants it: a new one goes behind the last of its name. */
static struct metric *insert(struct metrics *metrics, struct metric made)
{
    size_t at = metrics->count;
    while (at > 0 && !str_same(metrics->series[at - 1]->name, made.name)) {
        at--;
    }
    at = at == 0 ? metrics->count : at;
    memmove(&metrics->series[at + 1], &metrics->series[at], (metrics->count - at) * sizeof metrics->series[0]);
    struct metric *metric = ARENA_NEW(&metrics->arena, struct metric);
    *metric = made;
    metrics->series[at] = metric;
    metrics->count++;
    return metric;
}

struct metric *metrics_find(
    struct metrics *metrics, enum metric_kind kind, const char *name, const char *help, const char *labels)
{
    for (size_t i = 0; i < metrics->count; i++) {
        struct metric *metric = metrics->series[i];
        if (str_same(metric->name, name) && str_same(metric->labels, labels)) {
            MUST(metric->kind == kind);
            return metric;
        }
    }
    if (metrics->count >= METRICS_MAX && !str_starts_with(name, "casebus_overflow")) {
        static const char *const OVERFLOWS[] = {
            "casebus_overflow_total", "casebus_overflow_gauge", "casebus_overflow_seconds"};
        return metrics_find(metrics, kind, OVERFLOWS[kind], "Series beyond the limit.", "");
    }
    return insert(metrics,
        (struct metric){.kind = kind, .name = name, .help = help, .labels = arena_strdup(&metrics->arena, labels)});
}

void metric_add(struct metric *metric, uint64_t by)
{
    metric->value += (int64_t)by;
}

void metric_set(struct metric *metric, int64_t value)
{
    metric->value = value;
}

void metric_observe(struct metric *metric, int64_t took_us)
{
    metric->value++;
    metric->sum_us += took_us;
    for (size_t i = 0; i < BUCKETS; i++) {
        if (took_us <= BUCKETS_US[i]) {
            metric->buckets[i]++;
            return;
        }
    }
}

uint64_t metric_value(const struct metric *metric)
{
    return (uint64_t)metric->value;
}

static void write_seconds(struct text *out, int64_t us)
{
    text_addf(out, "%" PRId64 ".%06" PRId64, us / 1000000, us % 1000000);
}

static void write_histogram(const struct metric *metric, struct text *out)
{
    const char *comma = metric->labels[0] != '\0' ? "," : "";
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        below += metric->buckets[i];
        text_addf(out, "%s_bucket{%s%sle=\"", metric->name, metric->labels, comma);
        write_seconds(out, BUCKETS_US[i]);
        text_addf(out, "\"} %" PRIu64 "\n", below);
    }
    const char *open = metric->labels[0] != '\0' ? "{" : "", *close = metric->labels[0] != '\0' ? "}" : "";
    text_addf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRId64 "\n", metric->name, metric->labels, comma, metric->value);
    text_addf(out, "%s_sum%s%s%s ", metric->name, open, metric->labels, close);
    write_seconds(out, metric->sum_us);
    text_addf(out, "\n%s_count%s%s%s %" PRId64 "\n", metric->name, open, metric->labels, close, metric->value);
}

static void write_series(const struct metric *metric, struct text *out)
{
    if (metric->kind == METRIC_HISTOGRAM) {
        write_histogram(metric, out);
    } else if (metric->labels[0] != '\0') {
        text_addf(out, "%s{%s} %" PRId64 "\n", metric->name, metric->labels, metric->value);
    } else {
        text_addf(out, "%s %" PRId64 "\n", metric->name, metric->value);
    }
}

void metrics_write(const struct metrics *metrics, struct text *out)
{
    static const char *const KINDS[METRIC_KINDS] = {"counter", "gauge", "histogram"};
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric *metric = metrics->series[i];
        if (i == 0 || !str_same(metric->name, metrics->series[i - 1]->name)) {
            text_addf(
                out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name, KINDS[metric->kind]);
        }
        write_series(metric, out);
    }
}
