/* An event that cannot be handled, because a state was damaged behind the suite's back: it is given up after five attempts, holds back its
 * own case alone, and an operator retries or skips it by the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/core/clock.h"
#include "common/core/id.h"
#include "common/core/slice.h"
#include "common/store/keyname.h"
#include "tests/support/suite.h"

enum { PATIENCE_MS = 60000, LOOK_EVERY_MS = 50 };

#define ROSA   "seeds/bundles/rosa-quintanar.json"
#define HARLAN "seeds/bundles/harlan-pruitt-osei.json"

static struct suite SUITE;
static const char *CASE_ID; /* Rosa's */
static const char *LETTER;  /* and the letter about her */

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

static void redis_cli(const char *words)
{
    const char *command =
        arena_printf(&SUITE.arena, "redis-cli -s %s %s >/dev/null", suite_path(&SUITE, "run/redis.sock"), words);
    assert_int_equal(system(command), 0);
}

static const char *plan_key(const char *case_id)
{
    struct keyname name;
    keyname_aggregate(&name, (uint32_t)partition_of("demo", case_id), "planning", "plan", "demo",
        arena_printf(&SUITE.arena, "%s.plan", case_id));
    return arena_strdup(&SUITE.arena, name.text);
}

/* Carries a patient up to the plan while planning is away, damages where the plan will be looked for, and lets planning come back. */
static const char *poison(const char *bundle)
{
    suite_down(&SUITE, "planning");
    struct ran ran = SUITE_RUN(&SUITE, "journey", "--json", "--timeout", "1", bundle);
    const char *case_id = said(&SUITE, ran.out, "case");
    assert_int_equal(ran.status, 4);
    assert_non_null(case_id);
    redis_cli(arena_printf(&SUITE.arena, "set '%s' 'this is no state of ours'", plan_key(case_id)));
    suite_up(&SUITE, "planning");
    suite_wait_ready(&SUITE);
    return case_id;
}

/* What `dead list` says once there are that many letters. */
static struct ran wait_for_letters(size_t count)
{
    const char *wanted = arena_printf(&SUITE.arena, "%zu dead letter%s\n", count, count == 1 ? "" : "s");
    int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    for (;;) {
        struct ran ran = SUITE_RUN(&SUITE, "dead", "list");
        assert_int_equal(ran.status, 0);
        if (strstr(ran.out, wanted)) {
            return ran;
        }
        if (clock_monotonic_ms() > until_ms) {
            fail_msg("wanted %s, but: %s", wanted, ran.out);
        }
        nanosleep(&(struct timespec){0, LOOK_EVERY_MS * 1000000L}, NULL);
    }
}

static void an_event_that_cannot_be_handled_is_given_up_with_its_reason(void **state)
{
    (void)state;
    CASE_ID = poison(ROSA);
    struct ran text = wait_for_letters(1);
    struct ran json = SUITE_RUN(&SUITE, "dead", "list", "--json");
    LETTER = said(&SUITE, json.out, "id");
    assert_string_equal(said(&SUITE, json.out, "group"), "planning");
    assert_string_equal(said(&SUITE, json.out, "root"), CASE_ID);
    assert_string_equal(said(&SUITE, json.out, "subjects"), "intake.WorkOpened, intake.CaseEnrolled");
    assert_string_equal(said(&SUITE, json.out, "attempts"), "5");
    assert_non_null(strstr(text.out, LETTER));
    assert_non_null(strstr(text.out, "to planning: intake.WorkOpened, intake.CaseEnrolled of "));
    assert_non_null(strstr(text.out, "the service's log says why"));
}

static void others_are_not_held_back(void **state)
{
    (void)state;
    struct ran ran = SUITE_RUN(&SUITE, "journey", "--json", "--timeout", suite_is_whole() ? "60" : "4", HARLAN);
    struct ran status = SUITE_RUN(&SUITE, "status");
    assert_string_equal(said(&SUITE, ran.out, "end"), "enrolled");
    assert_non_null(
        strstr(SUITE_RUN(&SUITE, "events", "--case", said(&SUITE, ran.out, "case")).out, "planning.PlanAgreed"));
    assert_non_null(strstr(status.out, "planning"));
}

static void what_is_retried_too_early_is_given_up_again(void **state)
{
    (void)state;
    struct ran ran = SUITE_RUN(&SUITE, "dead", "retry", LETTER);
    assert_int_equal(ran.status, 0);
    wait_for_letters(1);
}

static void what_was_mended_is_retried_and_the_journey_goes_on(void **state)
{
    (void)state;
    struct ran letters = SUITE_RUN(&SUITE, "dead", "list", "--json");
    redis_cli(arena_printf(&SUITE.arena, "del '%s'", plan_key(CASE_ID)));
    assert_int_equal(SUITE_RUN(&SUITE, "dead", "retry", said(&SUITE, letters.out, "id")).status, 0);
    struct ran ran = SUITE_RUN(&SUITE, "journey", "--json", "--timeout", suite_is_whole() ? "60" : "4", ROSA);
    assert_string_equal(said(&SUITE, ran.out, "case"), CASE_ID);
    assert_true(!suite_is_whole() || str_same(said(&SUITE, ran.out, "complete"), "true"));
    assert_non_null(strstr(SUITE_RUN(&SUITE, "events", "--case", CASE_ID).out, "planning.PlanAgreed"));
    wait_for_letters(0);
}

static void what_is_skipped_stays_undone_and_the_case_goes_on(void **state)
{
    (void)state;
    FILE *in = fopen(ROSA, "r");
    FILE *out = fopen(suite_path(&SUITE, "other.json"), "w");
    char line[4096];
    while (fgets(line, sizeof line, in)) {
        char *at = strstr(line, "Quintanar");
        char *number = strstr(line, "SR-4471902");
        char *member = strstr(line, "BVA88013427");
        memcpy(at ? at : line, at ? "Quintanal" : line, at ? 9 : 0);
        memcpy(number ? number : line, number ? "SR-4471903" : line, number ? 10 : 0);
        memcpy(member ? member : line, member ? "BVA88013428" : line, member ? 11 : 0);
        fputs(line, out);
    }
    fclose(in);
    fclose(out);
    const char *case_id = poison(suite_path(&SUITE, "other.json"));
    wait_for_letters(1);
    struct ran letters = SUITE_RUN(&SUITE, "dead", "list", "--json");
    struct ran skipped =
        SUITE_RUN(&SUITE, "dead", "skip", said(&SUITE, letters.out, "id"), "the plan is written by hand");
    assert_int_equal(skipped.status, 0);
    wait_for_letters(0);
    struct ran status = SUITE_RUN(&SUITE, "status", "--json");
    assert_int_equal(times_said(status.out, "\"parked\":1"), 0);
    assert_null(strstr(SUITE_RUN(&SUITE, "events", "--case", case_id).out, "planning.PlanDrafted"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_that_cannot_be_handled_is_given_up_with_its_reason),
        cmocka_unit_test(others_are_not_held_back),
        cmocka_unit_test(what_is_retried_too_early_is_given_up_again),
        cmocka_unit_test(what_was_mended_is_retried_and_the_journey_goes_on),
        cmocka_unit_test(what_is_skipped_stays_undone_and_the_case_goes_on),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
