/* What a rule may know and do, shown by the tiny service. */
#include "tests/support/rules.h"
#include "tests/support/tiny.h"

#include "common/core/slice.h"
#include "proto/intake.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void know_case(struct rules *r, const char *id, Intake__CaseState state)
{
    Intake__Case known = INTAKE__CASE__INIT;
    known.case_id = (char *)id;
    known.state = state;
    rules_know(r, &known.base);
}

static const Intake__Case *case_of(struct rules *r, const char *id)
{
    return rules_state(r, "intake", "case", id);
}

static void a_command_changes_the_state_emits_and_sets_its_timer(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    know_case(&r, "c1", INTAKE__CASE_STATE__CASE_STATE_OUTREACH);
    assert_int_equal(rules_command(&r, rules_json(&r, "intake.RecordConsent", CONSENT)), FAULT_NONE);
    assert_int_equal(case_of(&r, "c1")->n_consents, 1);
    assert_int_equal(rules_event_count(&r, "intake.ConsentRecorded"), 1);
    assert_int_equal(rules_timer_change(&r, "c1", "outreach")->due_at_ms, RULES_NOW_MS + 1000);
    rules_done(&r);
}

static void a_refusal_says_why_and_changes_nothing(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    know_case(&r, "c1", INTAKE__CASE_STATE__CASE_STATE_CLOSED);
    assert_int_equal(rules_command(&r, rules_json(&r, "intake.RecordConsent", CONSENT)), FAULT_REFUSED);
    assert_string_equal(rules_why(&r), "case c1 is not in outreach");
    assert_int_equal(r.d->event_count + r.d->timer_count, 0);
    assert_int_equal(case_of(&r, "c1")->n_consents, 0);
    rules_done(&r);
}

static void a_command_on_what_does_not_exist_is_not_found(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    assert_int_equal(rules_command(&r, rules_json(&r, "intake.RecordConsent", CONSENT)), FAULT_NOT_FOUND);
    assert_string_equal(rules_why(&r), "there is no case c1");
    rules_done(&r);
}

static void a_creating_command_gets_its_ids_and_may_make_others_under_its_root(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    assert_int_equal(rules_command(&r, rules_json(&r, "intake.ReceiveReferral", REFERRAL)), FAULT_NONE);
    const Intake__Case *opened = case_of(&r, r.d->root);
    assert_non_null(opened);
    assert_true(opened->has_state); /* Assigned plainly; settled before it was packed. */
    assert_true(str_starts_with(opened->referral_id, r.d->root));
    assert_string_equal(rules_task(&r, "intake.AssignCaseManager")->root, "team-1");
    assert_string_equal(rules_task(&r, "intake.AssignCaseManager")->lane, "intake");
    rules_done(&r);
}

static void the_same_command_id_makes_the_same_ids(void **unused)
{
    (void)unused;
    struct rules a, b;
    rules_begin(&a, &TINY);
    rules_begin(&b, &TINY);
    a.command_id = b.command_id = "x1";
    assert_int_equal(rules_command(&a, rules_json(&a, "intake.ReceiveReferral", REFERRAL)), FAULT_NONE);
    assert_int_equal(rules_command(&b, rules_json(&b, "intake.ReceiveReferral", REFERRAL)), FAULT_NONE);
    assert_string_equal(a.d->root, b.d->root);
    assert_string_equal(a.d->tasks[0].id, b.d->tasks[0].id);
    rules_done(&a);
    rules_done(&b);
}

static void a_rule_may_ask_for_more_and_is_run_again(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    know_case(&r, "c1", INTAKE__CASE_STATE__CASE_STATE_ENROLLED);
    assert_int_equal(rules_command(&r, rules_json(&r, "intake.AnswerQuestionnaire", QUESTIONS)), FAULT_NONE);
    assert_int_equal(case_of(&r, "c1")->manager_attempt, 1); /* Once, although the rule ran several times. */
    const Intake__Assessment *answered = rules_reply(&r);
    assert_true(answered->has_at_ms);
    rules_done(&r);
}

static void an_aggregate_of_another_root_is_never_touched(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    Intake__Assessment other = INTAKE__ASSESSMENT__INIT;
    other.assessment_id = (char *)"a1";
    other.case_id = (char *)"c2";
    rules_know(&r, &other.base);
    know_case(&r, "c1", INTAKE__CASE_STATE__CASE_STATE_ENROLLED);
    Intake__AnswerQuestionnaire *cmd = rules_json(&r, "intake.AnswerQuestionnaire", QUESTIONS);
    cmd->assessment_id = (char *)"a1";
    assert_int_equal(rules_command(&r, &cmd->base), FAULT_REFUSED);
    assert_string_equal(rules_why(&r), "assessment a1 belongs to another root than c1");
    rules_done(&r);
}

static void a_timer_reaches_the_rule_of_its_kind(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    know_case(&r, "c1", INTAKE__CASE_STATE__CASE_STATE_OUTREACH);
    assert_int_equal(rules_timer(&r, "case", "c1", "outreach", RULES_NOW_MS), FAULT_NONE);
    assert_int_equal(case_of(&r, "c1")->state, INTAKE__CASE_STATE__CASE_STATE_UNABLE_TO_CONTACT);
    rules_done(&r);
}

static void a_reaction_touches_what_has_the_event_s_root(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    r.root = "c1";
    know_case(&r, "c1", INTAKE__CASE_STATE__CASE_STATE_OUTREACH);
    Intake__CaseEnrolled event = INTAKE__CASE_ENROLLED__INIT;
    event.case_id = (char *)"c1";
    assert_int_equal(rules_react(&r, &event.base), FAULT_NONE);
    assert_int_equal(case_of(&r, "c1")->state, INTAKE__CASE_STATE__CASE_STATE_ENROLLED);
    rules_done(&r);
}

static void a_page_of_an_index_is_sorted_and_bounded(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TINY);
    rules_index(&r, "caseload", "everybody", "c2", 20);
    rules_index(&r, "caseload", "everybody", "c1", 10);
    rules_index(&r, "caseload", "n7", "c9", 5);
    rules_index(&r, "caseload", "everybody", "c3", 30);
    assert_int_equal(rules_query(&r, rules_json(&r, "intake.ListCases", "{\"limit\": 2}")), FAULT_NONE);
    const Intake__CaseList *list = rules_reply(&r);
    assert_int_equal(list->n_cases, 2);
    assert_string_equal(list->cases[0]->case_id, "c1");
    assert_string_equal(list->cases[1]->case_id, "c2");
    rules_done(&r);
}

static void settling_marks_what_is_not_zero_in_the_whole_tree(void **unused)
{
    (void)unused;
    Intake__CaseLine line = INTAKE__CASE_LINE__INIT;
    Intake__CaseLine empty = INTAKE__CASE_LINE__INIT;
    Intake__CaseLine *lines[] = {&line, &empty};
    Intake__CaseList list = INTAKE__CASE_LIST__INIT;
    list.cases = lines;
    list.n_cases = 2;
    line.due_at_ms = 7;
    settle(&list.base);
    assert_true(line.has_due_at_ms);
    assert_false(empty.has_due_at_ms);
}

static enum fault do_too_much(struct decision *d, Intake__Case *state, const Intake__RecordConsent *cmd)
{
    for (size_t i = 0; i < DECISION_EVENTS_MAX - 1 + cmd->n_consents; i++) {
        Intake__ConsentRecorded *event = make(d, &intake__consent_recorded__descriptor);
        event->case_id = state->case_id;
        emit(d, &event->base);
    }
    state->manager_attempt = 7;
    return FAULT_NONE;
}

static enum fault see_too_much(struct decision *d, Intake__Case *state, const Intake__DeclineCase *cmd)
{
    (void)cmd;
    for (int i = 0; i <= DECISION_AGGREGATES_MAX; i++) {
        (void)see(d, "intake", "assessment", state->case_id, text_of(d, "a%d", i));
    }
    return d->wants ? FAULT_WANT : FAULT_NONE;
}

static const struct command TOO_MUCH_COMMANDS[] = {
    COMMAND(Intake__RecordConsent, intake__record_consent__descriptor, Intake__Case, do_too_much),
    COMMAND(Intake__DeclineCase, intake__decline_case__descriptor, Intake__Case, see_too_much),
    {0},
};
static const struct service TOO_MUCH = {.name = "intake", .commands = TOO_MUCH_COMMANDS};

#define TWO_CONSENTS                                                                                                   \
    "{\"caseId\": \"c1\", \"consents\": [{\"kind\": \"CONSENT_KIND_PARTICIPATION\"}, "                                 \
    "{\"kind\": \"CONSENT_KIND_SHARE_FAMILY\"}]}"

static void more_than_a_commit_may_hold_is_refused_as_a_whole(void **unused)
{
    (void)unused;
    struct rules r;
    rules_begin(&r, &TOO_MUCH);
    know_case(&r, "c1", INTAKE__CASE_STATE__CASE_STATE_OUTREACH);
    assert_int_equal(rules_command(&r, rules_json(&r, "intake.RecordConsent", CONSENT)), FAULT_NONE); /* 32 events. */
    assert_int_equal(rules_event_count(&r, "intake.ConsentRecorded"), DECISION_EVENTS_MAX);
    assert_int_equal(rules_command(&r, rules_json(&r, "intake.RecordConsent", TWO_CONSENTS)), FAULT_REFUSED);
    assert_int_equal(r.d->event_count, 0);
    assert_int_equal(
        rules_command(&r, rules_json(&r, "intake.DeclineCase", "{\"caseId\": \"c1\", \"reason\": \"no\"}")),
        FAULT_REFUSED);
    assert_string_equal(rules_why(&r), "intake.DeclineCase would do more at once than one commit may hold");
    rules_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_changes_the_state_emits_and_sets_its_timer),
        cmocka_unit_test(a_refusal_says_why_and_changes_nothing),
        cmocka_unit_test(a_command_on_what_does_not_exist_is_not_found),
        cmocka_unit_test(a_creating_command_gets_its_ids_and_may_make_others_under_its_root),
        cmocka_unit_test(the_same_command_id_makes_the_same_ids),
        cmocka_unit_test(a_rule_may_ask_for_more_and_is_run_again),
        cmocka_unit_test(an_aggregate_of_another_root_is_never_touched),
        cmocka_unit_test(a_timer_reaches_the_rule_of_its_kind),
        cmocka_unit_test(a_reaction_touches_what_has_the_event_s_root),
        cmocka_unit_test(a_page_of_an_index_is_sorted_and_bounded),
        cmocka_unit_test(more_than_a_commit_may_hold_is_refused_as_a_whole),
        cmocka_unit_test(settling_marks_what_is_not_zero_in_the_whole_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
