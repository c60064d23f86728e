/* One service, its broker and its Redis, as processes; and what a client sees while they die and come back. */
#include "tests/support/stage.h"

#include "common/core/slice.h"
#include "proto/intake.pb-c.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define PATIENT(family)                                                                                                \
    "\"patient\": {\"familyName\": \"" family "\", \"givenName\": \"Ada\", \"birthDate\": \"1950-02-03\", "            \
    "\"sex\": \"SEX_FEMALE\", \"address\": {\"state\": \"MA\"}}"
#define REFERRAL(family) "{\"source\": \"ward 3\", " PATIENT(family) "}"

static struct stage stage;

static int start(void **unused)
{
    (void)unused;
    stage_start(&stage, (const char *const[]){"intake", NULL});
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    stage_stop(&stage);
    return 0;
}

static struct stage_outcome refer(const char *json, const char *id)
{
    return stage_ask(
        &stage, (struct stage_call){
                    .subject = "intake.ReceiveReferral", .json = json, .id = id, .role = CASEBUS__ROLE__ROLE_PROVIDER});
}

static void must_be_done(struct stage_outcome outcome)
{
    if (outcome.fault != FAULT_NONE) {
        fail_msg("%s: %s", fault_word(outcome.fault), outcome.why);
    }
}

static void a_referral_is_committed_and_its_tasks_reach_other_roots_and_come_back(void **unused)
{
    (void)unused;
    struct stage_outcome outcome = refer(REFERRAL("Ng"), NULL);
    must_be_done(outcome);
    assert_true(stage_sees(&stage, outcome.root, "intake.ReferralReceived"));
    assert_true(stage_sees(
        &stage, outcome.root, "intake.PersonMatched")); /* Asked of the person's root, in another partition. */
    assert_int_equal(stage_count(&stage, outcome.root, "intake.ReferralReceived"), 1);
}

static void the_same_referral_again_has_no_second_effect(void **unused)
{
    (void)unused;
    struct stage_outcome first = refer(REFERRAL("Okafor"), "referral-1"),
                         again = refer(REFERRAL("Okafor"), "referral-1");
    must_be_done(first);
    must_be_done(again);
    assert_string_equal(first.root, again.root);
    assert_true(again.repeated);
    assert_int_equal(first.sequence, again.sequence);
    struct stage_outcome other = refer(REFERRAL("Somebody"), "referral-1");
    assert_int_equal(other.fault, FAULT_CONFLICT);
    assert_int_equal(stage_count(&stage, first.root, "intake.ReferralReceived"), 1);
}

static void what_nobody_serves_is_unavailable_at_once(void **unused)
{
    (void)unused;
    struct stage_outcome outcome = stage_ask(&stage, (struct stage_call){.subject = "planning.ReadPlan",
                                                         .json = "{\"planId\": \"p1\", \"caseId\": \"c1\"}",
                                                         .query = true,
                                                         .timeout_ms = 300});
    assert_int_equal(outcome.fault, FAULT_UNAVAILABLE);
}

static void a_service_killed_between_commands_loses_and_doubles_nothing(void **unused)
{
    (void)unused;
    struct stage_outcome before = refer(REFERRAL("Garcia"), "referral-2");
    must_be_done(before);
    assert_int_equal(stage_end(&stage, "intake", SIGKILL), 128 + SIGKILL);
    stage_restart(&stage, "intake");
    struct stage_outcome after = refer(REFERRAL("Garcia"), "referral-2");
    must_be_done(after);
    assert_true(after.repeated);
    assert_string_equal(before.root, after.root);
    assert_true(stage_sees(&stage, before.root, "intake.PersonMatched"));
    assert_int_equal(stage_count(&stage, before.root, "intake.PersonMatched"), 1);
}

static void redis_killed_and_back_has_all_that_was_acknowledged(void **unused)
{
    (void)unused;
    struct stage_outcome before = refer(REFERRAL("Haddad"), NULL);
    must_be_done(before);
    redis_fixture_kill(&stage.redis);
    struct stage_outcome meanwhile = stage_ask(&stage, (struct stage_call){.subject = "intake.ReceiveReferral",
                                                           .json = REFERRAL("Late"),
                                                           .id = "referral-3",
                                                           .role = CASEBUS__ROLE__ROLE_PROVIDER,
                                                           .timeout_ms = 500});
    assert_true(meanwhile.fault == FAULT_UNAVAILABLE || meanwhile.fault == FAULT_UNKNOWN);
    redis_fixture_restart(&stage.redis, NULL);
    assert_true(stage_sees(&stage, before.root, "intake.ReferralReceived"));
    struct stage_outcome later = refer(REFERRAL("Late"), "referral-3");
    must_be_done(later);
    assert_int_equal(stage_count(&stage, later.root, "intake.ReferralReceived"), 1);
}

static void a_broker_killed_and_back_is_found_again(void **unused)
{
    (void)unused;
    stage_end(&stage, "broker", SIGKILL);
    stage_restart(&stage, "broker");
    struct stage_outcome outcome = refer(REFERRAL("Ivanova"), NULL);
    must_be_done(outcome);
    assert_true(stage_sees(&stage, outcome.root, "intake.PersonMatched"));
}

static void a_service_told_to_stop_finishes_and_ends_well(void **unused)
{
    (void)unused;
    assert_int_equal(stage_end(&stage, "intake", SIGTERM), 0);
    stage_restart(&stage, "intake");
    must_be_done(refer(REFERRAL("Jansen"), NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_referral_is_committed_and_its_tasks_reach_other_roots_and_come_back),
        cmocka_unit_test(the_same_referral_again_has_no_second_effect),
        cmocka_unit_test(what_nobody_serves_is_unavailable_at_once),
        cmocka_unit_test(a_service_killed_between_commands_loses_and_doubles_nothing),
        cmocka_unit_test(redis_killed_and_back_has_all_that_was_acknowledged),
        cmocka_unit_test(a_broker_killed_and_back_is_found_again),
        cmocka_unit_test(a_service_told_to_stop_finishes_and_ends_well),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
