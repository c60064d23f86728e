#include "tests/bench/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/core/must.h"

void row_add(struct row *row, double figure, double limit)
{
    MUST(row->pairs < PAIRS_MAX);
    row->figures[row->pairs] = figure;
    row->limits[row->pairs] = limit;
    row->pairs++;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double percentile_of(double *values, size_t count, double percent)
{
    if (count == 0) {
        return 0;
    }
    qsort(values, count, sizeof values[0], by_value);
    size_t at = (size_t)((double)(count - 1) * percent / 100 + 0.5);
    return values[at];
}

double median_of(double *values, size_t count)
{
    return percentile_of(values, count, 50);
}

/* ---- The line ---- */

/* The first line of a command's output, without its end. */
static void ask_shell(const char *command, char *out, size_t size)
{
    FILE *pipe = popen(command, "r");
    out[0] = '\0';
    if (pipe != NULL) {
        if (fgets(out, (int)size, pipe) != NULL) {
            out[strcspn(out, "\n\"\\")] = '\0';
        }
        pclose(pipe);
    }
}

static void print_machine(void)
{
    static char redis[64], cpu[128], commit[64];
    struct utsname system;
    if (redis[0] == '\0') {
        ask_shell("redis-server --version | sed 's/.*v=\\([^ ]*\\).*/\\1/'", redis, sizeof redis);
        ask_shell("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo", cpu, sizeof cpu);
        ask_shell("git describe --always --dirty 2>/dev/null", commit, sizeof commit);
    }
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    uname(&system);
    printf("\"versions\":{\"casebus\":\"%s\",\"zmq\":\"%d.%d.%d\",\"redis\":\"%s\"},\"machine\":\"%ld x %s, %s %s\"",
        commit, major, minor, patch, redis, sysconf(_SC_NPROCESSORS_ONLN), cpu, system.sysname, system.release);
}

static void print_pairs(const struct row *row)
{
    double limits[PAIRS_MAX], ratios[PAIRS_MAX];
    for (size_t i = 0; i < row->pairs; i++) {
        limits[i] = row->limits[i];
        ratios[i] = row->limits[i] > 0 ? row->figures[i] / row->limits[i] : 0;
    }
    double ratio = median_of(ratios, row->pairs); /* They are sorted from here on. */
    printf("\"limit\":%.6g,\"limit_is\":\"%s\",\"ratio\":%.3f,\"ratio_spread\":[%.3f,%.3f],",
        median_of(limits, row->pairs), row->limit_is, ratio, ratios[0], ratios[row->pairs - 1]);
}

void row_print(const struct row *row)
{
    MUST(row->pairs > 0);
    double figures[PAIRS_MAX];
    memcpy(figures, row->figures, row->pairs * sizeof figures[0]);
    double figure = median_of(figures, row->pairs);
    printf("{\"bench\":\"%s\",\"name\":\"%s\",\"figure\":%.6g,\"unit\":\"%s\",\"spread\":[%.6g,%.6g],\"pairs\":%zu,",
        row->bench, row->name, figure, row->unit, figures[0], figures[row->pairs - 1], row->pairs);
    if (row->limit_is != NULL) {
        print_pairs(row);
    }
    if (row->bar > 0) {
        bool of_figure = row->limit_is == NULL || row->bar_of_figure;
        printf("\"bar\":\"%s %s %g\",", of_figure ? "figure" : "ratio", row->smaller_is_better ? "<=" : ">=", row->bar);
    }
    if (row->fsync != NULL) {
        printf("\"fsync\":\"%s\",", row->fsync);
    }
    print_machine();
    puts("}");
    fflush(stdout);
}

/* ---- Clocks ---- */

static double clock_seconds(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

double seconds_now(void)
{
    return clock_seconds(CLOCK_MONOTONIC);
}

double own_cpu_seconds(void)
{
    return clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
}

double process_cpu_seconds(int pid)
{
    clockid_t clock;
    MUST(clock_getcpuclockid(pid, &clock) == 0);
    return clock_seconds(clock);
}

/* ---- Size of a run ---- */

static size_t number_from(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && atol(text) > 0 ? (size_t)atol(text) : otherwise;
}

size_t bench_pairs(void)
{
    size_t pairs = number_from("BENCH_PAIRS", PAIRS);
    return pairs < PAIRS_MAX ? pairs : PAIRS_MAX;
}

size_t bench_scaled(size_t count, size_t least)
{
    size_t scaled = count * number_from("BENCH_SCALE", 100) / 100;
    return scaled > least ? scaled : least;
}
