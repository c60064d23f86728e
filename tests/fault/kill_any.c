/* Any one process dies at any moment of a journey: every journey completes, and afterwards nothing is lost and nothing was done twice.
 *
 * kill_any [ROUNDS [SEED]]: in each round every process is killed once, in a random order, while patients travel. The seed is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/core/slice.h"
#include "tests/fault/history.h"
#include "tests/support/suite.h"

enum {
    PROCESSES_MAX = 10,
    KILL_AFTER_MS = 120, /* at most, after a journey has begun: most of its commands are under way then */
    PATIENCE_S = 60,
};

static const char *const PROCESSES[] = {
    "broker",
    "intake",
    "planning",
    "scheduling",
    "claims",
    "notifications",
    "payer",
    "edge",
    "courier",
    "redis",
};
static const char *const BUNDLES[] = {"seeds/bundles/rosa-quintanar.json", "seeds/bundles/harlan-pruitt-osei.json"};

static struct suite SUITE;
static unsigned ROUNDS = 1;
static uint64_t SEED;

static uint64_t next_random(void)
{
    SEED ^= SEED << 13;
    SEED ^= SEED >> 7;
    SEED ^= SEED << 17;
    return SEED;
}

static int start(void **state)
{
    (void)state;
    suite_start(&SUITE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    suite_stop(&SUITE);
    return 0;
}

/* ---- A patient like one of ours, whom nobody has seen before ---- */

static void replace_all(char **text, const char *from, const char *to)
{
    for (char *at; (at = strstr(*text, from)) != NULL;) {
        *text = arena_printf(&SUITE.arena, "%.*s%s%s", (int)(at - *text), *text, to, at + strlen(from));
    }
}

static const char *write_patient(unsigned number)
{
    const char *source = BUNDLES[number % 2];
    FILE *in = fopen(source, "r");
    assert_non_null(in);
    char *text = arena_alloc(&SUITE.arena, 1 << 20);
    text[fread(text, 1, (1 << 20) - 1, in)] = '\0';
    fclose(in);
    char name[32];
    snprintf(name, sizeof name, "Traveller%c%c", 'a' + (int)(number / 26), 'a' + (int)(number % 26));
    replace_all(&text, number % 2 ? "Pruitt-Osei" : "Quintanar", name);
    replace_all(&text, number % 2 ? "GPH5520917" : "BVA88013427",
        arena_printf(&SUITE.arena, number % 2 ? "GPH%07u" : "BVA%08u", 5000000 + number));
    replace_all(&text, number % 2 ? "KC-0093318" : "SR-4471902", arena_printf(&SUITE.arena, "TR-%u", number));
    const char *path = suite_path(&SUITE, "traveller-%u.json", number);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    return path;
}

/* ---- The storm ---- */

static void travel_while_dying(const char *process, unsigned number)
{
    const char *path = write_patient(number);
    const char *const words[] = {"journey", "--json", "--timeout", suite_is_whole() ? "60" : "8", path, NULL};
    struct running journey = suite_begin(&SUITE, (struct suite_call){.words = words});
    long after_ms = (long)(next_random() % KILL_AFTER_MS);
    nanosleep(&(struct timespec){0, after_ms * 1000000L}, NULL);
    suite_kill(&SUITE, process);
    struct ran ran = suite_end(&SUITE, &journey);
    const char *end = said(&SUITE, ran.out, "end");
    const char *complete = said(&SUITE, ran.out, "complete");
    if (!str_same(end, "enrolled") || (suite_is_whole() && !str_same(complete, "true"))) {
        fail_msg("%s killed after %ld ms: exit %d, %s%s", process, after_ms, ran.status, ran.out, ran.err);
    }
}

static void shuffle(const char **processes, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = next_random() % i;
        const char *kept = processes[i - 1];
        processes[i - 1] = processes[k];
        processes[k] = kept;
    }
}

static void any_process_may_die_during_a_journey(void **state)
{
    (void)state;
    const char *processes[PROCESSES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < PROCESSES_MAX; i++) {
        if (suite_pid(&SUITE, PROCESSES[i]) > 0) {
            processes[count++] = PROCESSES[i];
        }
    }
    unsigned number = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        shuffle(processes, count);
        for (size_t i = 0; i < count; i++) {
            travel_while_dying(processes[i], number++);
        }
    }
    suite_wait_ready(&SUITE);
    struct history_counts counts = history_check(&SUITE);
    print_message("%zu records of %zu roots, %zu bookings, %zu timers, %zu claims, %zu notices\n", counts.records,
        counts.roots, counts.bookings, counts.timers, counts.claims, counts.notices);
    assert_true(counts.bookings >= number);
    assert_int_equal(suite_is_whole() ? counts.claims : number, number);
}

static void nobody_was_given_up(void **state)
{
    (void)state;
    struct ran ran = SUITE_RUN(&SUITE, "dead", "list");
    assert_int_equal(ran.status, 0);
    assert_string_equal(ran.out, "0 dead letters\n");
}

int main(int argc, char **argv)
{
    const char *seed = argc > 2 ? argv[2] : getenv("CASEBUS_SEED");
    ROUNDS = argc > 1 ? (unsigned)atoi(argv[1]) : ROUNDS;
    SEED = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL) * 2654435761u + 1;
    print_message("seed %llu\n", (unsigned long long)SEED);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_process_may_die_during_a_journey),
        cmocka_unit_test(nobody_was_given_up),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
