/* The words of the command line that a newcomer tries first, on a running suite with one patient in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/core/clock.h"
#include "common/core/slice.h"
#include "tests/support/suite.h"

enum { FOLLOW_MS = 20000 };

#define HARLAN "seeds/bundles/harlan-pruitt-osei.json"

static struct suite SUITE;
static struct running FOLLOWER;
static const char *CASE_ID;

static int start(void **state)
{
    (void)state;
    suite_start(&SUITE);
    FOLLOWER =
        suite_begin(&SUITE, (struct suite_call){.words = (const char *const[]){"events", "--follow", "--json", NULL}});
    struct ran ran = SUITE_RUN(&SUITE, "journey", "--json", "--timeout", suite_is_whole() ? "60" : "4", HARLAN);
    CASE_ID = said(&SUITE, ran.out, "case");
    return CASE_ID ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    suite_stop(&SUITE);
    return 0;
}

static const char *events_of_case(void)
{
    return SUITE_RUN(&SUITE, "events", "--case", CASE_ID).out;
}

static void status_shows_every_service_and_nothing_left_behind(void **state)
{
    (void)state;
    struct ran ran = SUITE_RUN(&SUITE, "status");
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "store ready"));
    assert_non_null(strstr(ran.out, "256 of 256 partitions"));
    assert_non_null(strstr(ran.out, "\nintake "));
    assert_non_null(strstr(ran.out, "\nplanning "));
    assert_non_null(strstr(ran.out, "\nscheduling "));
}

static void contract_list_names_every_service(void **state)
{
    (void)state;
    struct ran ran = SUITE_RUN(&SUITE, "contract", "list");
    static const char *const NAMES[] = {"intake.ReceiveReferral", "planning.AgreePlan", "scheduling.HoldAppointment",
        "claims.SubmitClaim", "notifications.ReadNotice", "broker.RetryDead"};
    assert_int_equal(ran.status, 0);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        assert_non_null(strstr(ran.out, NAMES[i]));
    }
}

static void contract_show_tells_fields_rules_and_roles(void **state)
{
    (void)state;
    struct ran ran = SUITE_RUN(&SUITE, "contract", "show", "intake.RegisterTeam");
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "teamId                   text, required, form ID"));
    assert_non_null(strstr(ran.out, "asked by SUPERVISOR, ADMINISTRATOR"));
}

static void call_asks_any_question_of_the_contract(void **state)
{
    (void)state;
    const char *body = arena_printf(&SUITE.arena, "{\"caseId\":\"%s\"}", CASE_ID);
    struct ran json = SUITE_RUN(&SUITE, "call", "--json", "intake.ReadCase", body);
    struct ran text = SUITE_RUN(&SUITE, "call", "intake.ReadCase", body);
    assert_int_equal(json.status, 0);
    assert_int_equal(times_said(json.out, "\n"), 1);
    assert_string_equal(json.err, "");
    assert_non_null(strstr(text.out, "  \"patientName\": \"Harlan Pruitt-Osei\""));
    assert_non_null(strstr(text.err, "done in "));
}

static void case_show_says_where_a_case_stands(void **state)
{
    (void)state;
    struct ran ran = SUITE_RUN(&SUITE, "case", "show", CASE_ID);
    assert_int_equal(ran.status, 0);
    assert_true(str_starts_with(ran.out, "Harlan Pruitt-Osei, born 1951-09-30, CA; case active\n"));
    assert_non_null(strstr(ran.out, "  programme  copd\n"));
    assert_non_null(strstr(ran.out, "  manager    Ada Whitcombe\n"));
    assert_non_null(strstr(ran.out, "  score      lace 11 high\n"));
}

static void import_sends_nothing(void **state)
{
    (void)state;
    size_t before = times_said(SUITE_RUN(&SUITE, "events", "--json").out, "\n");
    struct ran ran = SUITE_RUN(&SUITE, "import", "fhir", "seeds/bundles/rosa-quintanar.json");
    assert_int_equal(ran.status, 0);
    assert_non_null(strstr(ran.out, "8 conditions, 5 active, 0 unmapped"));
    assert_int_equal(times_said(SUITE_RUN(&SUITE, "events", "--json").out, "\n"), before);
}

/* Harlan's insurer says no at first; the appeal turns it. */
static void a_denial_is_appealed_and_overturned(void **state)
{
    (void)state;
    const char *events = events_of_case();
    const char *denied = strstr(events, "authorisation denied: home nursing visit");
    const char *filed = strstr(events, "appeal filed by the patient: home nursing visit");
    const char *decided = strstr(events, "appeal overturned: home nursing visit");
    assert_true(denied && filed && decided);
    assert_true(denied < filed && filed < decided);
    assert_non_null(strstr(events, "claim answered: initial assessment: of $95.00 "));
}

/* The follower was there from the first event on; it tells what a reader afterwards is told. */
static void a_follower_hears_every_event_of_the_case_in_order(void **state)
{
    (void)state;
    struct ran all = SUITE_RUN(&SUITE, "events", "--case", CASE_ID, "--json");
    size_t wanted = times_said(all.out, "\n");
    const char *root = arena_printf(&SUITE.arena, "{\"root\":\"%s\"", CASE_ID);
    int64_t until_ms = clock_monotonic_ms() + FOLLOW_MS;
    while (times_said(suite_heard(&SUITE, &FOLLOWER), root) < wanted && clock_monotonic_ms() < until_ms) {
        nanosleep(&(struct timespec){0, 20000000}, NULL);
    }
    kill(FOLLOWER.pid, SIGTERM);
    struct ran followed = suite_end(&SUITE, &FOLLOWER);
    assert_int_equal(times_said(followed.out, root), wanted);
    long last = 0;
    for (const char *at = followed.out; (at = strstr(at, root)) != NULL; at++) {
        long sequence = atol(said(&SUITE, at, "sequence"));
        assert_true(sequence >= last);
        last = sequence;
    }
}

static void a_pipe_gets_no_colours(void **state)
{
    (void)state;
    static const char *const ROWS[][4] = {{"status"}, {"contract", "list"}, {"dead", "list"}, {"events"}, {"--help"},
        {"journey", "--timeout", "1", HARLAN}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct ran ran = SUITE_RUN(&SUITE, ROWS[i][0], ROWS[i][1], ROWS[i][2], ROWS[i][3]);
        assert_null(strchr(ran.out, '\033'));
        assert_null(strchr(ran.err, '\033'));
        assert_null(strchr(ran.out, '\r'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_shows_every_service_and_nothing_left_behind),
        cmocka_unit_test(contract_list_names_every_service),
        cmocka_unit_test(contract_show_tells_fields_rules_and_roles),
        cmocka_unit_test(call_asks_any_question_of_the_contract),
        cmocka_unit_test(case_show_says_where_a_case_stands),
        cmocka_unit_test(import_sends_nothing),
        cmocka_unit_test(a_denial_is_appealed_and_overturned),
        cmocka_unit_test(a_follower_hears_every_event_of_the_case_in_order),
        cmocka_unit_test(a_pipe_gets_no_colours),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
