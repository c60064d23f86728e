/* What the crossing costs. Prints JSON lines: nanoseconds of one message, median of 9 runs. Not a test. */
#include "common/contract/guard.h"
#include "common/contract/json.h"
#include "common/contract/rules.h"
#include "common/core/clock.h"
#include "common/core/must.h"
#include "tests/contract/random_message.h"
#include "tests/contract/sample.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS       9
#define ITERATIONS 20000
#define SIZE       550 /* Of the message, at least. */

struct subject {
    ProtobufCMessage *message;
    struct packed packed;
    const char *json;
};

static struct arena scratch;

static void scan(const struct subject *s)
{
    MUST(guard_scan(s->message->descriptor, s->packed.data, s->packed.size, &CROSSING_CALL.limits, NULL, NULL) ==
         FAULT_NONE);
}

static void rules(const struct subject *s)
{
    MUST(rules_check(s->message, NULL) == FAULT_NONE);
}

static void cross(const struct subject *s)
{
    ProtobufCMessage *out = NULL;
    MUST(contract_unpack(s->message->descriptor, s->packed.data, s->packed.size, &CROSSING_CALL, &scratch, NULL,
             &out) == FAULT_NONE);
}

static void read_json(const struct subject *s)
{
    ProtobufCMessage *out = NULL;
    MUST(json_read(contract_of(s->message->descriptor), s->json, strlen(s->json), &scratch, NULL, &out) == FAULT_NONE);
}

static void write_json(const struct subject *s)
{
    MUST(json_write(s->message, JSON_LINE, &scratch) != NULL);
}

static int by_size(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

static void measure(const char *name, void (*work)(const struct subject *), const struct subject *s, int iterations)
{
    double ns[RUNS];
    for (int run = 0; run < RUNS; run++) {
        int64_t start = clock_monotonic_us();
        for (int i = 0; i < iterations; i++) {
            work(s);
            arena_reset(&scratch);
        }
        ns[run] = (double)(clock_monotonic_us() - start) * 1000.0 / iterations;
    }
    qsort(ns, RUNS, sizeof *ns, by_size);
    printf("{\"what\":\"%s\",\"bytes\":%zu,\"median_ns\":%.0f,\"min_ns\":%.0f,\"max_ns\":%.0f}\n", name, s->packed.size,
        ns[RUNS / 2], ns[0], ns[RUNS - 1]);
}

int main(void)
{
    struct arena arena;
    arena_init(&arena, 0);
    arena_init(&scratch, 0);
    struct dice dice = {1};
    struct subject s = {0};
    do {
        arena_reset(&arena);
        s.message = random_message(&dice, &sample__everything__descriptor, 3, &arena);
        s.packed = contract_pack(s.message, &arena);
    } while (s.packed.size < SIZE || s.packed.size > SIZE + 50);
    s.json = json_write(s.message, JSON_LINE, &arena);
    measure("guard", scan, &s, ITERATIONS);
    measure("rules", rules, &s, ITERATIONS);
    measure("guard, unpack, rules", cross, &s, ITERATIONS);
    measure("json read", read_json, &s, ITERATIONS / 10);
    measure("json write", write_json, &s, ITERATIONS / 10);
    arena_done(&scratch);
    arena_done(&arena);
    return 0;
}
