/* Rules of planning, on the pathways of seeds/. "Now" is Sat 2026-11-21 22:00 in New York. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/core/instant.h"
#include "services/planning/planning.h"
#include "tests/support/rules.h"

#define CASE "001-case"
#define PLAN CASE ".plan"

static const struct actor NURSE = {"n1", CASEBUS__ROLE__ROLE_NURSE, false};
static const struct actor PATIENT = {"p1", CASEBUS__ROLE__ROLE_PATIENT, true};

static const Planning__Plan *plan(struct rules *r)
{
    return rules_state(r, "planning", "plan", PLAN);
}

static enum fault ask_plan(struct rules *r, struct actor actor, const char *subject, const char *more)
{
    char json[1200];
    snprintf(json, sizeof json, "{\"planId\":\"" PLAN "\",\"caseId\":\"" CASE "\"%s}", more);
    r->actor = actor;
    return rules_command(r, rules_json(r, subject, json));
}

static void enrol(struct rules *r, const char *programme, const char *observations)
{
    char json[1600];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"programme\":\"%s\",\"zone\":\"America/New_York\",\"patient\":{\"familyName\":\"Doe\",\"givenName\":\"Jane\","
        "\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\",\"language\":\"es\",\"observations\":[%s]}}",
        programme, observations);
    r->root = CASE;
    r->actor = (struct actor){"n1", CASEBUS__ROLE__ROLE_SYSTEM, false};
    assert_int_equal(rules_react(r, rules_json(r, "intake.CaseEnrolled", json)), FAULT_NONE);
}

static void agree(struct rules *r)
{
    assert_int_equal(ask_plan(r, NURSE, "planning.ProposePlan", ""), FAULT_NONE);
    assert_int_equal(ask_plan(r, PATIENT, "planning.AgreePlan", ""), FAULT_NONE);
}

static int begin(void **state)
{
    static struct rules r;
    rules_begin(&r, &PLANNING);
    rules_load_references(&r, "seeds");
    *state = &r;
    return 0;
}

static int done(void **state)
{
    rules_done(*state);
    return 0;
}

static void every_programme_has_a_pathway_with_goals_and_steps(void **state)
{
    struct rules *r = *state;
    static const char *const PROGRAMMES[] = {"heart-failure", "copd", "diabetes", "depression", "post-discharge"};
    for (size_t i = 0; i < sizeof PROGRAMMES / sizeof PROGRAMMES[0]; i++) {
        print_message("  %s\n", PROGRAMMES[i]);
        done(state);
        begin(state);
        enrol(r, PROGRAMMES[i], "");
        assert_string_equal(plan(r)->programme, PROGRAMMES[i]);
        assert_true(plan(r)->n_problems > 0 && plan(r)->n_goals > 0 && plan(r)->n_interventions > 0);
    }
}

static void an_unknown_programme_drafts_nothing(void **state)
{
    struct rules *r = *state;
    r->root = CASE;
    assert_int_equal(
        rules_react(r, rules_json(r, "intake.CaseEnrolled", "{\"caseId\":\"" CASE "\",\"programme\":\"gout\"}")),
        FAULT_REFUSED);
    assert_string_equal(rules_why(r), "there is no pathway for the programme gout");
    assert_null(plan(r));
}

static void what_the_referral_told_is_held_against_the_targets(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure",
        "{\"code\":{\"system\":\"http://loinc.org\",\"code\":\"59408-5\"},\"valueMilli\":\"91000\",\"unit\":\"%\",\"atMs\":\"1556668800000\"}");
    const Planning__IndicatorEvaluated *event = rules_event(r, "planning.IndicatorEvaluated");
    assert_non_null(event);
    assert_string_equal(event->result, "91 % on Tue Apr 30, 2019, target at least 92: in-progress");
}

static void the_patient_agrees_only_to_what_was_shown(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    assert_int_equal(ask_plan(r, PATIENT, "planning.AgreePlan", ""), FAULT_REFUSED);
    agree(r);
    assert_int_equal(plan(r)->state, PLANNING__PLAN_STATE__PLAN_STATE_ACTIVE);
    assert_true(plan(r)->agreements[0]->simulated);
    assert_int_equal(ask_plan(r, NURSE, "planning.ProposePlan", ""), FAULT_REFUSED);
}

static void agreement_sets_due_days_timers_and_names_the_services(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    agree(r);
    const Planning__Intervention *call = find_step(plan(r), "first-call");
    int64_t due_ms = 0;
    assert_true(instant_parse("2026-11-24T04:59:59.999Z", &due_ms)); /* Two days on, end of the day in New York. */
    assert_int_equal(call->due_at_ms, due_ms);
    assert_int_equal(rules_timer_change(r, PLAN, "due.first-call")->due_at_ms, due_ms);
    assert_int_equal(call->state, PLANNING__STEP_STATE__STEP_STATE_READY);
    assert_int_equal(find_step(plan(r), "home-nurse")->state, PLANNING__STEP_STATE__STEP_STATE_WAITING);
    const Planning__PlanAgreed *event = rules_event(r, "planning.PlanAgreed");
    assert_true(event->n_services > 0);
    assert_string_equal(event->services[0]->intervention_id, "home-nurse");
}

static void a_step_waits_for_the_step_before_it(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    agree(r);
    assert_int_equal(
        ask_plan(r, NURSE, "planning.CompleteIntervention", ",\"interventionId\":\"home-nurse\",\"evidence\":\"x\""),
        FAULT_REFUSED);
    assert_string_equal(rules_why(r), "step home-nurse comes after first-call, which is open");
    assert_int_equal(ask_plan(r, NURSE, "planning.CompleteIntervention",
                         ",\"interventionId\":\"first-call\",\"evidence\":\"spoke\""),
        FAULT_NONE);
    assert_int_equal(find_step(plan(r), "home-nurse")->state, PLANNING__STEP_STATE__STEP_STATE_READY);
    assert_int_equal(rules_timer_change(r, PLAN, "due.first-call")->due_at_ms, 0);
    assert_int_equal(ask_plan(r, NURSE, "planning.CompleteIntervention",
                         ",\"interventionId\":\"first-call\",\"evidence\":\"again\""),
        FAULT_REFUSED);
}

static void a_step_that_repeats_is_due_again(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    agree(r);
    assert_int_equal(ask_plan(r, NURSE, "planning.CompleteIntervention",
                         ",\"interventionId\":\"weigh-daily\",\"evidence\":\"180 lb\""),
        FAULT_NONE);
    const Planning__Intervention *weigh = find_step(plan(r), "weigh-daily");
    assert_int_equal(weigh->state, PLANNING__STEP_STATE__STEP_STATE_READY);
    assert_int_equal(weigh->done_count, 1);
    assert_int_equal(rules_timer_change(r, PLAN, "due.weigh-daily")->due_at_ms, weigh->due_at_ms);
}

static void overdue_work_escalates_and_never_closes_itself(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    agree(r);
    static const char *const TOLD[] = {"nurse", "supervisor", "director", "director", "director"};
    for (size_t i = 0; i < sizeof TOLD / sizeof TOLD[0]; i++) {
        r->now_ms += 8 * DAY_MS;
        assert_int_equal(rules_timer(r, "plan", PLAN, "due.first-call", r->now_ms), FAULT_NONE);
        const Planning__InterventionOverdue *event = rules_event(r, "planning.InterventionOverdue");
        assert_string_equal(event->told, TOLD[i]);
        assert_true(step_is_open(find_step(plan(r), "first-call")));
        assert_true(rules_timer_change(r, PLAN, "due.first-call")->due_at_ms > r->now_ms);
    }
}

static void an_objection_stops_the_step_until_it_is_answered(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    agree(r);
    assert_int_equal(
        ask_plan(r, PATIENT, "planning.ObjectToPlan", ",\"stepId\":\"weigh-daily\",\"reason\":\"I have no scale\""),
        FAULT_NONE);
    assert_int_equal(find_step(plan(r), "weigh-daily")->state, PLANNING__STEP_STATE__STEP_STATE_ON_HOLD);
    assert_int_equal(
        ask_plan(r, NURSE, "planning.CompleteIntervention", ",\"interventionId\":\"weigh-daily\",\"evidence\":\"x\""),
        FAULT_REFUSED);
    assert_int_equal(
        ask_plan(r, NURSE, "planning.RevisePlan", ",\"cancel\":[\"weigh-daily\"],\"note\":\"no scale at home\""),
        FAULT_NONE);
    assert_int_equal(plan(r)->revision, 2);
    agree(r);
    assert_int_equal(find_step(plan(r), "weigh-daily")->state, PLANNING__STEP_STATE__STEP_STATE_CANCELLED);
}

static void an_objection_to_a_shown_plan_stops_all_of_it(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    assert_int_equal(ask_plan(r, NURSE, "planning.ProposePlan", ""), FAULT_NONE);
    assert_int_equal(
        ask_plan(r, PATIENT, "planning.ObjectToPlan", ",\"stepId\":\"weigh-daily\",\"reason\":\"too much\""),
        FAULT_NONE);
    assert_int_equal(plan(r)->state, PLANNING__PLAN_STATE__PLAN_STATE_OBJECTED);
    assert_int_equal(ask_plan(r, PATIENT, "planning.AgreePlan", ""), FAULT_REFUSED);
    assert_int_equal(
        ask_plan(r, NURSE, "planning.RevisePlan", ",\"cancel\":[\"nonsense\"],\"note\":\"x\""), FAULT_NOT_FOUND);
}

static void visits_move_their_steps(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    agree(r);
    assert_int_equal(ask_plan(r, NURSE, "planning.CompleteIntervention",
                         ",\"interventionId\":\"first-call\",\"evidence\":\"spoke\""),
        FAULT_NONE);
    r->actor = (struct actor){"n1", CASEBUS__ROLE__ROLE_SYSTEM, false};
    const char *visit =
        "{\"caseId\":\"" CASE "\",\"appointmentId\":\"a1\",\"planId\":\"" PLAN "\",\"interventionId\":\"home-nurse\"}";
    const struct {
        const char *event;
        Planning__StepState state;
    } ROWS[] = {
        {"scheduling.AppointmentBooked", PLANNING__STEP_STATE__STEP_STATE_SCHEDULED},
        {"scheduling.AppointmentCancelled", PLANNING__STEP_STATE__STEP_STATE_READY},
        {"scheduling.AppointmentBooked", PLANNING__STEP_STATE__STEP_STATE_SCHEDULED},
        {"scheduling.AppointmentMissed", PLANNING__STEP_STATE__STEP_STATE_READY},
        {"scheduling.AppointmentBooked", PLANNING__STEP_STATE__STEP_STATE_SCHEDULED},
        {"scheduling.AppointmentFulfilled", PLANNING__STEP_STATE__STEP_STATE_COMPLETED},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        assert_int_equal(rules_react(r, rules_json(r, ROWS[i].event, visit)), FAULT_NONE);
        assert_int_equal(find_step(plan(r), "home-nurse")->state, ROWS[i].state);
    }
}

static void a_closed_case_ends_its_plan(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *code;
        Planning__PlanState state;
    } ROWS[] = {
        {"goals-met", PLANNING__PLAN_STATE__PLAN_STATE_COMPLETED},
        {"moved", PLANNING__PLAN_STATE__PLAN_STATE_REVOKED},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        done(state);
        begin(state);
        enrol(r, "heart-failure", "");
        agree(r);
        char json[200];
        snprintf(json, sizeof json, "{\"caseId\":\"" CASE "\",\"code\":\"%s\"}", ROWS[i].code);
        assert_int_equal(rules_react(r, rules_json(r, "intake.CaseClosed", json)), FAULT_NONE);
        assert_int_equal(plan(r)->state, ROWS[i].state);
        assert_int_equal(rules_timer_change(r, PLAN, "due.first-call")->due_at_ms, 0);
    }
}

/* Readings of one measure, in order, days apart; target below 130. */
static void readings_tell_how_far_the_goal_is(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int values[4];
        int days[4];
        size_t count;
        Planning__Achievement achievement;
    } ROWS[] = {
        {"no reading", {0}, {0}, 0, PLANNING__ACHIEVEMENT__ACHIEVEMENT_IN_PROGRESS},
        {"first one off target", {150}, {0}, 1, PLANNING__ACHIEVEMENT__ACHIEVEMENT_IN_PROGRESS},
        {"on the edge is off target", {130}, {0}, 1, PLANNING__ACHIEVEMENT__ACHIEVEMENT_IN_PROGRESS},
        {"nearer", {150, 140}, {0, 1}, 2, PLANNING__ACHIEVEMENT__ACHIEVEMENT_IMPROVING},
        {"farther", {140, 150}, {0, 1}, 2, PLANNING__ACHIEVEMENT__ACHIEVEMENT_WORSENING},
        {"the same", {150, 150}, {0, 1}, 2, PLANNING__ACHIEVEMENT__ACHIEVEMENT_NO_CHANGE},
        {"met once", {150, 129}, {0, 1}, 2, PLANNING__ACHIEVEMENT__ACHIEVEMENT_IMPROVING},
        {"met twice, six days apart", {129, 128}, {0, 6}, 2, PLANNING__ACHIEVEMENT__ACHIEVEMENT_IMPROVING},
        {"met twice, seven days apart", {129, 128}, {0, 7}, 2, PLANNING__ACHIEVEMENT__ACHIEVEMENT_ACHIEVED},
        {"met three times", {129, 128, 127}, {0, 7, 14}, 3, PLANNING__ACHIEVEMENT__ACHIEVEMENT_SUSTAINING},
        {"lost again", {129, 128, 127, 135}, {0, 7, 14, 21}, 4, PLANNING__ACHIEVEMENT__ACHIEVEMENT_WORSENING},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        print_message("  %s\n", ROWS[i].name);
        Casebus__Coding code = CASEBUS__CODING__INIT;
        code.code = "8480-6";
        Planning__Target target = PLANNING__TARGET__INIT;
        target.measure = &code;
        target.operator_ = PLANNING__OPERATOR__OPERATOR_BELOW;
        target.high_milli = 130000;
        Planning__Target *targets[] = {&target};
        Planning__Reading readings[4];
        Planning__Reading *list[4];
        for (size_t n = 0; n < ROWS[i].count; n++) {
            planning__reading__init(&readings[n]);
            readings[n].measure = "8480-6";
            readings[n].value_milli = ROWS[i].values[n] * 1000;
            readings[n].at_ms = ROWS[i].days[n] * DAY_MS;
            list[n] = &readings[n];
        }
        Planning__Goal goal = PLANNING__GOAL__INIT;
        goal.n_targets = 1;
        goal.targets = targets;
        goal.n_readings = ROWS[i].count;
        goal.readings = list;
        assert_int_equal(achievement_of(&goal), ROWS[i].achievement);
    }
}

static void a_reading_in_another_unit_or_from_the_future_is_refused(void **state)
{
    struct rules *r = *state;
    enrol(r, "heart-failure", "");
    agree(r);
    assert_int_equal(
        ask_plan(r, NURSE, "planning.RecordReadings",
            ",\"readings\":[{\"measure\":\"59408-5\",\"valueMilli\":\"93000\",\"unit\":\"mmHg\",\"atMs\":\"1\"}]"),
        FAULT_REFUSED);
    assert_string_equal(rules_why(r), "the reading of 59408-5 is in mmHg, the plan measures it in %");
    assert_int_equal(
        ask_plan(r, NURSE, "planning.RecordReadings",
            ",\"readings\":[{\"measure\":\"59408-5\",\"valueMilli\":\"93000\",\"unit\":\"%\",\"atMs\":\"1895316400000\"}]"),
        FAULT_REFUSED);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(every_programme_has_a_pathway_with_goals_and_steps),
        STORY(an_unknown_programme_drafts_nothing),
        STORY(what_the_referral_told_is_held_against_the_targets),
        STORY(the_patient_agrees_only_to_what_was_shown),
        STORY(agreement_sets_due_days_timers_and_names_the_services),
        STORY(a_step_waits_for_the_step_before_it),
        STORY(a_step_that_repeats_is_due_again),
        STORY(overdue_work_escalates_and_never_closes_itself),
        STORY(an_objection_stops_the_step_until_it_is_answered),
        STORY(an_objection_to_a_shown_plan_stops_all_of_it),
        STORY(visits_move_their_steps),
        STORY(a_closed_case_ends_its_plan),
        STORY(readings_tell_how_far_the_goal_is),
        STORY(a_reading_in_another_unit_or_from_the_future_is_refused),
    };
    return cmocka_run_group_tests_name("planning", tests, NULL, NULL);
}
