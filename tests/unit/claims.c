/* Coverage and authorisations: who is asked what, what an answer does, and every clock (facts 5.5, 5.10 to 5.12). */
#include <stdio.h>
#include <string.h>

#include "common/core/instant.h"
#include "tests/unit/claims_story.h"

/* ---- Coverage ---- */

static void a_coverage_named_twice_and_an_enrolment_told_twice_are_one(void **state)
{
    struct rules *r = *state;
    static const char ENROLLED[] =
        "{\"caseId\":\"" CASE
        "\",\"groups\":[\"copd\"],\"patient\":{\"familyName\":\"D\",\"givenName\":\"J\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\","
        "\"coverages\":[{\"payerName\":\"Humana\",\"memberId\":\"M1\"},{\"payerName\":\"Humana Inc.\",\"memberId\":\"M1\"}]}}";
    assert_int_equal(story_react(r, "intake.CaseEnrolled", ENROLLED), FAULT_NONE);
    assert_int_equal(rules_task_count(r, "claims.RecordCoverage"), 1);
    assert_int_equal(story_react(r, "intake.CaseEnrolled", ENROLLED), FAULT_NONE);
    assert_int_equal(rules_task_count(r, "claims.RecordCoverage"), 0);
    assert_int_equal(story_file(r)->n_coverages, 1);
    assert_int_equal(story_file(r)->n_diagnoses, 1);
}

static void an_enrolment_asks_for_each_coverage_whose_payer_is_known(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name;
        size_t recorded;
        const char *missing;
    } ROWS[] = {
        {"Humana", 1, NULL},
        {"humana", 1, NULL},
        {"dual_eligible", 2, NULL},
        {"NO_INSURANCE", 0, "self pay"},
        {"Elm Mutual", 0, "Elm Mutual is no payer that we know"},
        {"", 0, "the referral does not name the payer"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        story_enrol(r, ROWS[i].name, "M1");
        const Claims__CoverageMissing *missing = rules_event(r, "claims.CoverageMissing");
        ASSERT_ROW(ROWS[i].name, rules_task_count(r, "claims.RecordCoverage") == ROWS[i].recorded);
        ASSERT_ROW(ROWS[i].name, story_file(r)->n_coverages == ROWS[i].recorded);
        ASSERT_ROW(ROWS[i].name, (missing != NULL) == (ROWS[i].missing != NULL));
        ASSERT_ROW(ROWS[i].name, !missing || strcmp(missing->why, ROWS[i].missing) == 0);
    }
}

static void medicaid_pays_last(void **state)
{
    struct rules *r = *state;
    assert_int_equal(
        story_react(r, "intake.CaseEnrolled",
            "{\"caseId\":\"" CASE
            "\",\"patient\":{\"familyName\":\"D\",\"givenName\":\"J\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\",\"coverages\":["
            "{\"payerName\":\"Medicaid\"},{\"payerName\":\"Humana\"},{\"payerName\":\"Aetna\"}]}}"),
        FAULT_NONE);
    assert_string_equal(story_file(r)->coverages[0]->payer_id, "humana");
    assert_string_equal(story_file(r)->coverages[1]->payer_id, "aetna");
    assert_string_equal(story_file(r)->coverages[2]->payer_id, "medicaid");
}

static void an_enrolment_without_coverage_says_so_once(void **state)
{
    struct rules *r = *state;
    assert_int_equal(story_react(r, "intake.CaseEnrolled", "{\"caseId\":\"" CASE "\"}"), FAULT_NONE);
    assert_int_equal(rules_event_count(r, "claims.CoverageMissing"), 1);
    assert_int_equal(story_react(r, "intake.CaseEnrolled", "{\"caseId\":\"" CASE "\"}"), FAULT_NONE);
    assert_int_equal(rules_event_count(r, "claims.CoverageMissing"), 0);
}

static const char RECORD[] =
    "{\"coverageId\":\"k1\",\"caseId\":\"%s\",\"payerId\":\"%s\",\"line\":\"LINE_OF_BUSINESS_MEDICAID\",\"member\":{\"memberId\":\"M1\"}}";

static enum fault record_for(struct rules *r, const char *case_id, const char *payer_id)
{
    char json[300];
    snprintf(json, sizeof json, RECORD, case_id, payer_id);
    return story_send(r, STORY_BILLER, "claims.RecordCoverage", json);
}

static void a_payer_is_asked_about_a_member_once_a_day(void **state)
{
    struct rules *r = *state;
    const struct task *task;
    assert_int_equal(record_for(r, "c1", "medicaid"), FAULT_NONE);
    task = rules_task(r, "payer.EligibilityQuestion");
    assert_string_equal(task->lane, "payer/demo/medicaid");
    assert_string_equal(((const Payer__EligibilityQuestion *)task->body)->service_date, "2026-11-21");
    assert_int_equal(record_for(r, "c2", "medicaid"), FAULT_NONE);
    assert_null(rules_task(r, "payer.EligibilityQuestion"));
    assert_int_equal(record_for(r, "c2", "humana"), FAULT_REFUSED);
    assert_int_equal(rules_answer(r, "coverage", "k1",
                         rules_json(r, "payer.EligibilityAnswer", "{\"status\":\"COVERAGE_STATUS_ACTIVE\"}")),
        FAULT_NONE);
    assert_int_equal(rules_task_count(r, "claims.LinkCoverage"), 2);
    r->now_ms += 23 * HOUR_MS;
    assert_int_equal(record_for(r, "c3", "medicaid"), FAULT_NONE);
    assert_null(rules_task(r, "payer.EligibilityQuestion"));
    assert_int_equal(rules_task_count(r, "claims.LinkCoverage"), 1);
    r->now_ms += HOUR_MS;
    assert_int_equal(record_for(r, "c1", "medicaid"), FAULT_NONE);
    assert_non_null(rules_task(r, "payer.EligibilityQuestion"));
}

static void an_active_answer_is_not_believed_against_its_own_dates(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *json;
        Claims__CoverageState state;
    } ROWS[] = {
        {"{\"status\":\"COVERAGE_STATUS_ACTIVE\"}", COVERAGE(ACTIVE)},
        {"{\"status\":\"COVERAGE_STATUS_ACTIVE\",\"startDate\":\"2026-11-21\",\"endDate\":\"2026-11-21\"}",
            COVERAGE(ACTIVE)},
        {"{\"status\":\"COVERAGE_STATUS_ACTIVE\",\"endDate\":\"2026-11-20\"}", COVERAGE(INACTIVE)},
        {"{\"status\":\"COVERAGE_STATUS_ACTIVE\",\"startDate\":\"2026-11-22\"}", COVERAGE(INACTIVE)},
        {"{\"status\":\"COVERAGE_STATUS_MEMBER_UNKNOWN\"}", COVERAGE(INACTIVE)},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        assert_int_equal(record_for(r, "c1", "medicaid"), FAULT_NONE);
        assert_int_equal(
            rules_answer(r, "coverage", "k1", rules_json(r, "payer.EligibilityAnswer", ROWS[i].json)), FAULT_NONE);
        const Claims__Coverage *coverage = rules_state(r, "claims", "coverage", "k1");
        ASSERT_ROW(ROWS[i].json, coverage->state == ROWS[i].state);
        r->now_ms += HOUR_MS / 60;
    }
}

/* ---- Drafts ---- */

#define REQUEST(more)                                                                                                  \
    "{\"caseId\":\"" CASE "\",\"title\":\"t\",\"fromDate\":\"2026-11-21\",\"toDate\":\"2026-12-21\"" more "}"
#define ONE_LINE ",\"lines\":[{\"number\":1,\"code\":{\"code\":\"G0299\"},\"units\":2}]"

static void a_plan_waits_for_its_coverage_and_goes_on_with_it(void **state)
{
    struct rules *r = *state;
    story_enrol(r, "Medicaid", "M1");
    const char *id = story_plan(r, "G0299", 8);
    assert_null(rules_task(r, "payer.AuthorizationNeedQuestion"));
    assert_int_equal(story_authorization(r, id)->state, AUTHORIZATION(DRAFT));
    char json[300];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"coverage\":{\"coverageId\":\"%s\",\"payerId\":\"medicaid\",\"line\":\"LINE_OF_BUSINESS_MEDICAID\","
        "\"state\":\"COVERAGE_STATE_ACTIVE\",\"member\":{\"memberId\":\"M1\"}}}",
        story_file(r)->coverages[0]->coverage_id);
    assert_int_equal(story_send(r, (struct actor){"s", ROLE(SYSTEM), false}, "claims.LinkCoverage", json), FAULT_NONE);
    assert_non_null(rules_event(r, "claims.CoverageVerified"));
    assert_non_null(rules_task(r, "payer.AuthorizationNeedQuestion"));
    assert_int_equal(story_send(r, (struct actor){"s", ROLE(SYSTEM), false}, "claims.LinkCoverage", json), FAULT_NONE);
    assert_null(rules_event(r, "claims.CoverageVerified"));
    assert_null(rules_task(r, "payer.AuthorizationNeedQuestion"));
}

static void without_active_coverage_nothing_can_be_asked(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ENDED");
    const Claims__CoverageVerified *verified = rules_event(r, "claims.CoverageVerified");
    assert_string_equal(verified->status, "not active, it has ended");
    assert_non_null(rules_event(r, "claims.CoverageMissing"));
    const char *id = story_plan(r, "G0299", 8);
    assert_non_null(rules_event(r, "claims.AuthorizationImpossible"));
    assert_int_equal(story_authorization(r, id)->state, AUTHORIZATION(CANCELLED));
    story_done(state);
    story_begin(state);
    story_enrol(r, "NO_INSURANCE", "");
    story_plan(r, "G0299", 8);
    const Claims__AuthorizationImpossible *event = rules_event(r, "claims.AuthorizationImpossible");
    assert_string_equal(event->why, "self pay");
}

static void many_drafts_go_on_turn_by_turn(void **state)
{
    struct rules *r = *state;
    enum { DRAFTS = 40 };
    story_enrol(r, "Medicaid", "M1");
    for (int i = 0; i < DRAFTS; i++) {
        char json[300];
        snprintf(json, sizeof json, REQUEST(ONE_LINE ",\"authorizationId\":\"a%d\""), i);
        assert_int_equal(story_send(r, STORY_NURSE, "claims.RequestAuthorization", json), FAULT_NONE);
    }
    char json[300];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"coverage\":{\"coverageId\":\"%s\",\"payerId\":\"medicaid\",\"state\":\"COVERAGE_STATE_INACTIVE\","
        "\"line\":\"LINE_OF_BUSINESS_MEDICAID\",\"whyInactive\":\"it has ended\"}}",
        story_file(r)->coverages[0]->coverage_id);
    size_t ended = 0;
    for (int turn = 0; turn < 3; turn++) {
        assert_int_equal(
            story_send(r, (struct actor){"s", ROLE(SYSTEM), false}, "claims.LinkCoverage", json), FAULT_NONE);
        ended += rules_event_count(r, "claims.AuthorizationImpossible");
        assert_int_equal(rules_task_count(r, "claims.LinkCoverage"), turn < 2);
    }
    assert_int_equal(ended, DRAFTS);
}

static void an_agreed_plan_asks_once_per_step(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    story_plan(r, "G0299", 8);
    const Payer__AuthorizationNeedQuestion *question = rules_told(r, "payer.AuthorizationNeedQuestion");
    assert_int_equal(question->lines[0]->units, 8);
    assert_string_equal(question->lines[0]->diagnoses[0]->code, "chronic-pulmonary");
    story_plan(r, "G0299", 8);
    assert_int_equal(story_file(r)->n_authorization_ids, 1);
    story_plan(r, "99214", 1);
    assert_int_equal(story_file(r)->n_authorization_ids, 2);
}

static void a_payer_that_says_nothing_to_a_draft_is_phoned(void **state)
{
    struct rules *r = *state;
    story_enrol(r, "Medicaid", "M1");
    const char *id = story_plan(r, "G0299", 8);
    assert_int_equal(rules_timer_change(r, id, "draft")->due_at_ms, r->now_ms + 24 * HOUR_MS);
    r->now_ms += 24 * HOUR_MS;
    assert_int_equal(rules_timer(r, "authorization", id, "draft", r->now_ms), FAULT_NONE);
    assert_non_null(rules_event(r, "claims.AuthorizationOverdue"));
    assert_true(story_has_work(r, "payer-is-late"));
    assert_int_equal(story_authorization(r, id)->state, AUTHORIZATION(DRAFT));
}

static void what_needs_no_authorisation_is_not_asked_for(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    const char *id = story_plan(r, "99214", 1);
    assert_int_equal(
        story_answer(r, "authorization", id, "payer.AuthorizationNeedAnswer", "{\"required\":false,\"ruleId\":\"r9\"}"),
        FAULT_NONE);
    const Claims__AuthorizationNotRequired *event = rules_event(r, "claims.AuthorizationNotRequired");
    assert_string_equal(event->rule_id, "r9");
    assert_null(rules_task(r, "payer.AuthorizationQuestion"));
    assert_int_equal(rules_timer_change(r, id, "draft")->due_at_ms, 0);
    assert_int_equal(
        story_answer(r, "authorization", id, "payer.AuthorizationNeedAnswer", "{\"required\":true,\"ruleId\":\"r9\"}"),
        FAULT_NONE);
    assert_int_equal(story_authorization(r, id)->state, AUTHORIZATION(NOT_REQUIRED));
}

static void a_request_by_hand_is_refused_with_the_reason(void **state)
{
    struct rules *r = *state;
    assert_int_equal(story_send(r, STORY_NURSE, "claims.RequestAuthorization", REQUEST(ONE_LINE)), FAULT_NOT_FOUND);
    story_cover(r, "Medicaid", "ACTIVE");
    const struct {
        const char *json, *why;
    } ROWS[] = {
        {"{\"caseId\":\"" CASE "\",\"title\":\"t\",\"fromDate\":\"2026-12-22\",\"toDate\":\"2026-12-21\"" ONE_LINE "}",
            "the dates 2026-12-22 to 2026-12-21 end before they begin"},
        {REQUEST(",\"lines\":[{\"number\":1,\"code\":{\"code\":\"W0299\"},\"units\":2}]"),
            "line 1: W0299 is neither a CPT nor a HCPCS code"},
        {REQUEST(
             ",\"lines\":[{\"number\":1,\"code\":{\"code\":\"G0299\"},\"units\":2},{\"number\":1,\"code\":{\"code\":\"G0300\"},\"units\":2}]"),
            "line number 1 is given twice"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        assert_int_equal(story_send(r, STORY_NURSE, "claims.RequestAuthorization", ROWS[i].json), FAULT_REFUSED);
        assert_string_equal(rules_why(r), ROWS[i].why);
    }
    assert_int_equal(
        story_send(r, STORY_NURSE, "claims.RequestAuthorization", REQUEST(ONE_LINE ",\"authorizationId\":\"a1\"")),
        FAULT_NONE);
    assert_int_equal(
        story_send(r, STORY_NURSE, "claims.RequestAuthorization", REQUEST(ONE_LINE ",\"authorizationId\":\"a1\"")),
        FAULT_REFUSED);
}

/* ---- Clocks ---- */

static void legal_time_follows_the_line_of_business(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name, *payer, *code, *at, *due;
        bool expedited;
    } ROWS[] = {
        {"Medicaid, standard, over Thanksgiving", "Medicaid", "G0299", "2026-11-20T22:05:00Z",
            "2026-11-28T04:59:59.999Z", false},
        {"Medicaid, expedited, over a weekend", "Medicaid", "G0299", "2026-11-20T22:05:00Z", "2026-11-23T22:05:00Z",
            true},
        {"Medicare Advantage, standard", "Buckeye Valley Advantage", "G0299", "2026-11-20T22:05:00Z",
            "2026-11-28T04:59:59.999Z", false},
        {"commercial, pre-service 15 days", "Humana", "G0299", "2026-11-20T22:05:00Z", "2026-12-06T04:59:59.999Z",
            false},
        {"commercial, urgent", "Humana", "G0299", "2026-11-20T22:05:00Z", "2026-11-23T22:05:00Z", true},
        {"a drug is not bound by CMS-0057-F", "Medicaid", "J1885", "2026-11-20T22:05:00Z", "2026-11-23T22:05:00Z",
            false},
        {"into summer time", "Medicaid", "G0299", "2027-03-10T17:00:00Z", "2027-03-18T03:59:59.999Z", false},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        r->now_ms = story_instant(ROWS[i].at);
        story_cover(r, ROWS[i].payer, "ACTIVE");
        char json[500];
        snprintf(json, sizeof json,
            "{\"caseId\":\"" CASE
            "\",\"authorizationId\":\"a1\",\"title\":\"t\",\"fromDate\":\"2026-11-21\",\"toDate\":\"2026-12-21\",\"expedited\":%s,"
            "\"lines\":[{\"number\":1,\"code\":{\"code\":\"%s\"},\"units\":2}]}",
            ROWS[i].expedited ? "true" : "false", ROWS[i].code);
        assert_int_equal(story_send(r, STORY_NURSE, "claims.RequestAuthorization", json), FAULT_NONE);
        assert_int_equal(story_answer(r, "authorization", "a1", "payer.AuthorizationNeedAnswer",
                             "{\"required\":true,\"ruleId\":\"r1\"}"),
            FAULT_NONE);
        const Claims__AuthorizationRequested *event = rules_event(r, "claims.AuthorizationRequested");
        ASSERT_ROW(ROWS[i].name, event->due_at_ms == story_instant(ROWS[i].due));
        ASSERT_ROW(ROWS[i].name, rules_timer_change(r, "a1", "decision.100")->due_at_ms == event->due_at_ms);
        int64_t span_ms = event->due_at_ms - r->now_ms;
        ASSERT_ROW(
            ROWS[i].name, rules_timer_change(r, "a1", "decision.80")->due_at_ms - r->now_ms == span_ms * 80 / 100);
        ASSERT_ROW(
            ROWS[i].name, rules_timer_change(r, "a1", "decision.95")->due_at_ms - r->now_ms == span_ms * 95 / 100);
    }
}

static enum fault answer(struct rules *r, const char *id, const char *json)
{
    return story_answer(r, "authorization", id, "payer.AuthorizationAnswer", json);
}

static void the_clock_counts_from_the_receipt_that_the_payer_tells(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name, *received, *due;
    } ROWS[] = {
        {"an hour later, the next day in New York", "2026-11-21T05:30:00Z", "2026-11-29T04:59:59.999Z"},
        {"before we asked: not believed", "2026-11-19T05:00:00Z", "2026-11-28T04:59:59.999Z"},
        {"in the future: not believed", "2026-12-19T05:00:00Z", "2026-11-28T04:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        r->now_ms = story_instant("2026-11-21T04:30:00Z");
        story_cover(r, "Medicaid", "ACTIVE");
        const char *id = story_submit(r, "G0299", 8);
        r->now_ms += 2 * HOUR_MS;
        char json[200];
        snprintf(json, sizeof json, "{\"action\":\"REVIEW_ACTION_PENDED\",\"receivedAtMs\":\"%lld\"}",
            (long long)story_instant(ROWS[i].received));
        assert_int_equal(answer(r, id, json), FAULT_NONE);
        const Claims__AuthorizationPended *event = rules_event(r, "claims.AuthorizationPended");
        ASSERT_ROW(ROWS[i].name, event->due_at_ms == story_instant(ROWS[i].due));
    }
}

static void a_clock_that_runs_out_escalates_and_decides_nothing(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *payer;
        bool opens;
    } ROWS[] = {{"Medicaid", true}, {"Buckeye Valley Advantage", true}, {"Humana", false}, {"Medicare", false}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        story_cover(r, ROWS[i].payer, "ACTIVE");
        const char *id = story_submit(r, "G0299", 8);
        r->now_ms += 6 * DAY_MS;
        assert_int_equal(rules_timer(r, "authorization", id, "decision.80", r->now_ms), FAULT_NONE);
        ASSERT_ROW(
            ROWS[i].payer, ((const Claims__PayerReminded *)rules_event(r, "claims.PayerReminded"))->percent == 80);
        ASSERT_ROW(
            ROWS[i].payer, !rules_task(r, "payer.AuthorizationQuestion")); /* The first one still lies in the lane. */
        r->now_ms += 20 * DAY_MS;
        assert_int_equal(rules_timer(r, "authorization", id, "decision.100", r->now_ms), FAULT_NONE);
        const Claims__Authorization *a = story_authorization(r, id);
        ASSERT_ROW(ROWS[i].payer, rules_event(r, "claims.AuthorizationOverdue") && story_has_work(r, "payer-is-late"));
        ASSERT_ROW(ROWS[i].payer,
            a->state == AUTHORIZATION(SUBMITTED) && a->clocks[0]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_OVERDUE);
        ASSERT_ROW(ROWS[i].payer, (a->appeal_until_ms > 0) == ROWS[i].opens);
        ASSERT_ROW(ROWS[i].payer, rules_timer_change(r, id, "decision.late")->due_at_ms == r->now_ms + 7 * DAY_MS);
        assert_int_equal(
            answer(r, id, "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\"}"), FAULT_NONE);
        ASSERT_ROW(
            ROWS[i].payer, story_authorization(r, id)->clocks[0]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_MET_LATE);
        ASSERT_ROW(ROWS[i].payer, rules_timer_change(r, id, "decision.late")->due_at_ms == 0);
        ASSERT_ROW(ROWS[i].payer, !story_has_work(r, "payer-is-late"));
    }
}

static void who_pended_is_asked_again_when_time_gets_short(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    const char *id = story_submit(r, "G0299", 8);
    assert_int_equal(
        answer(r, id, "{\"action\":\"REVIEW_ACTION_PENDED\",\"documents\":[\"clinical-note\",\"order\"]}"), FAULT_NONE);
    assert_string_equal(((const Claims__AuthorizationPended *)rules_event(r, "claims.AuthorizationPended"))->reason,
        "it asks for clinical-note, order");
    assert_true(story_has_work(r, "documents-missing"));
    assert_int_equal(rules_timer(r, "authorization", id, "decision.80", r->now_ms), FAULT_NONE);
    assert_string_equal(
        ((const Payer__AuthorizationQuestion *)rules_told(r, "payer.AuthorizationQuestion"))->reference, id);
    char json[300];
    snprintf(json, sizeof json, "{\"caseId\":\"" CASE "\",\"authorizationId\":\"%s\"}", id);
    assert_int_equal(story_send(r, STORY_NURSE, "claims.SendDocuments", json), FAULT_REFUSED);
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE "\",\"authorizationId\":\"%s\",\"documents\":[\"order\",\"plan-of-care\"]}", id);
    assert_int_equal(story_send(r, STORY_NURSE, "claims.SendDocuments", json), FAULT_NONE);
    assert_int_equal(
        ((const Payer__AuthorizationQuestion *)rules_told(r, "payer.AuthorizationQuestion"))->n_documents, 2);
    assert_false(story_has_work(r, "documents-missing"));
    assert_int_equal(
        answer(r, id, "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\"}"), FAULT_NONE);
    assert_int_equal(story_send(r, STORY_NURSE, "claims.SendDocuments", json), FAULT_REFUSED);
}

/* ---- Decisions ---- */

#define DENIED                                                                                                         \
    "{\"action\":\"REVIEW_ACTION_NOT_CERTIFIED\",\"decidedBy\":\"Dr First\",\"criterion\":\"c\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_NOT_CERTIFIED\",\"reasonCode\":\"not-medically-necessary\"}]}"

static void a_decision_is_applied_or_set_aside(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name, *json;
        Claims__AuthorizationState state;
        const char *aside;
    } ROWS[] = {
        {"approved", "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\"}", AUTHORIZATION(APPROVED),
            NULL},
        {"in part",
            "{\"action\":\"REVIEW_ACTION_PARTIAL\",\"authorizationNumber\":\"N1\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_PARTIAL\",\"units\":3}]}",
            AUTHORIZATION(PARTIAL), NULL},
        {"modified",
            "{\"action\":\"REVIEW_ACTION_MODIFIED\",\"authorizationNumber\":\"N1\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_MODIFIED\",\"units\":8}]}",
            AUTHORIZATION(APPROVED), NULL},
        {"denied", DENIED, AUTHORIZATION(DENIED), NULL},
        {"not needed after all", "{\"action\":\"REVIEW_ACTION_NOT_REQUIRED\"}", AUTHORIZATION(NOT_REQUIRED), NULL},
        {"no number", "{\"action\":\"REVIEW_ACTION_CERTIFIED\"}", AUTHORIZATION(SUBMITTED),
            "it approves without a number"},
        {"another line",
            "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\",\"lines\":[{\"number\":2,\"action\":\"REVIEW_ACTION_CERTIFIED\"}]}",
            AUTHORIZATION(SUBMITTED), "it decides on line 2, which nobody asked for"},
        {"a line twice",
            "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_CERTIFIED\"},{\"number\":1,\"action\":\"REVIEW_ACTION_CERTIFIED\"}]}",
            AUTHORIZATION(SUBMITTED), "it decides on line 1 twice"},
        {"more than asked",
            "{\"action\":\"REVIEW_ACTION_MODIFIED\",\"authorizationNumber\":\"N1\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_MODIFIED\",\"units\":9}]}",
            AUTHORIZATION(SUBMITTED), "it grants 9 units on line 1, asked were 8"},
        {"in total, but fewer",
            "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_CERTIFIED\",\"units\":7}]}",
            AUTHORIZATION(SUBMITTED), "it certifies line 1 in total, but 7 of 8 units"},
        {"in part, of nothing", "{\"action\":\"REVIEW_ACTION_PARTIAL\",\"authorizationNumber\":\"N1\"}",
            AUTHORIZATION(SUBMITTED), "it approves in part and grants no unit"},
        {"dates inverted",
            "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\",\"fromDate\":\"2026-12-02\",\"toDate\":\"2026-12-01\"}",
            AUTHORIZATION(SUBMITTED), "its dates end before they begin"},
        {"denied without reason", "{\"action\":\"REVIEW_ACTION_NOT_CERTIFIED\"}", AUTHORIZATION(SUBMITTED),
            "it denies without a specific reason"},
        {"denied by nobody",
            "{\"action\":\"REVIEW_ACTION_NOT_CERTIFIED\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_NOT_CERTIFIED\",\"reasonCode\":\"not-medically-necessary\"}]}",
            AUTHORIZATION(SUBMITTED), "it denies for medical necessity without naming the physician and the criterion"},
        {"cancelled", "{\"action\":\"REVIEW_ACTION_CANCELLED\"}", AUTHORIZATION(SUBMITTED),
            "it cancels what nobody cancelled"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        story_cover(r, "Medicaid", "ACTIVE");
        const char *id = story_submit(r, "G0299", 8);
        ASSERT_ROW(ROWS[i].name, answer(r, id, ROWS[i].json) == FAULT_NONE);
        const Claims__AnswerSetAside *aside = rules_event(r, "claims.AnswerSetAside");
        ASSERT_ROW(ROWS[i].name, story_authorization(r, id)->state == ROWS[i].state);
        ASSERT_ROW(ROWS[i].name,
            (aside != NULL) == (ROWS[i].aside != NULL) && story_has_work(r, "answer-set-aside") == (aside != NULL));
        ASSERT_ROW(ROWS[i].name, !aside || strcmp(aside->why, ROWS[i].aside) == 0);
        ASSERT_ROW(ROWS[i].name, (rules_timer_change(r, id, "decision.100") != NULL) == !aside);
    }
}

static void a_denial_is_told_in_plain_words_with_the_window_to_appeal(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *payer, *until;
    } ROWS[] = {
        {"Humana", "2027-05-21T03:59:59.999Z"},                   /* 180 days of 2026-11-21 */
        {"Buckeye Valley Advantage", "2027-01-26T04:59:59.999Z"}, /* 65 */
        {"Medicaid", "2027-01-21T04:59:59.999Z"},                 /* 60 */
        {"Medicare", "2027-03-22T03:59:59.999Z"},                 /* 120 */
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        story_cover(r, ROWS[i].payer, "ACTIVE");
        const char *id = story_submit(r, "G0299", 8);
        assert_int_equal(answer(r, id, DENIED), FAULT_NONE);
        const Claims__AuthorizationDecided *event = rules_event(r, "claims.AuthorizationDecided");
        ASSERT_ROW(ROWS[i].payer, strcmp(event->result, "denied") == 0 && !event->units_text);
        ASSERT_ROW(ROWS[i].payer, strstr(event->reason, "You can ask for a new look") != NULL);
        ASSERT_ROW(ROWS[i].payer, event->appeal_until_ms == story_instant(ROWS[i].until));
        ASSERT_ROW(ROWS[i].payer, rules_timer_change(r, id, "appeal-window")->due_at_ms == event->appeal_until_ms);
        assert_int_equal(rules_timer(r, "authorization", id, "appeal-window", event->appeal_until_ms), FAULT_NONE);
        ASSERT_ROW(ROWS[i].payer, rules_event(r, "claims.AppealWindowClosed") != NULL);
    }
}

static void the_first_decision_counts(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    const char *id = story_submit(r, "G0299", 8);
    assert_int_equal(answer(r, id, DENIED), FAULT_NONE);
    assert_int_equal(answer(r, id, DENIED), FAULT_NONE);
    assert_int_equal(answer(r, id, "{\"action\":\"REVIEW_ACTION_PENDED\"}"), FAULT_NONE);
    assert_null(rules_event(r, "claims.AnswerSetAside"));
    assert_int_equal(
        answer(r, id, "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\"}"), FAULT_NONE);
    assert_non_null(rules_event(r, "claims.AnswerSetAside"));
    assert_int_equal(story_authorization(r, id)->state, AUTHORIZATION(DENIED));
}

/* ---- Units ---- */

static enum fault visit(struct rules *r, const char *step, const char *code, unsigned units, const char *at)
{
    char json[400];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"appointmentId\":\"v\",\"title\":\"visit\",\"interventionId\":\"%s\",\"serviceCode\":{\"code\":\"%s\"},\"units\":%u,\"startAtMs\":\"%lld\"}",
        step, code, units, (long long)story_instant(at));
    return story_react(r, "scheduling.AppointmentFulfilled", json);
}

static void visits_use_up_what_was_approved(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    const char *id = story_submit(r, "G0299", 12);
    assert_int_equal(visit(r, "step-G0299", "G0299", 1, "2026-11-23T15:00:00Z"), FAULT_NONE);
    assert_int_equal(rules_event_count(r, "claims.AuthorizationUsed"), 0); /* Not decided yet. */
    assert_int_equal(
        answer(r, id,
            "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\",\"fromDate\":\"2026-11-01\",\"toDate\":\"2027-01-31\"}"),
        FAULT_NONE);
    assert_int_equal(rules_timer_change(r, id, "expires")->due_at_ms, story_instant("2027-02-01T04:59:59.999Z"));
    assert_int_equal(rules_timer_change(r, id, "renewal")->due_at_ms, story_instant("2027-01-18T04:59:59.999Z"));
    for (unsigned n = 1; n <= 12; n++) {
        assert_int_equal(visit(r, "step-G0299", "G0299", 1, "2026-12-01T15:00:00Z"), FAULT_NONE);
        const Claims__AuthorizationUsed *event = rules_event(r, "claims.AuthorizationUsed");
        assert_int_equal(event->renewal_due, n == 10 || n == 12);
        assert_int_equal(units_used(story_authorization(r, id)), n);
    }
    assert_int_equal(story_authorization(r, id)->state, AUTHORIZATION(EXHAUSTED));
    assert_int_equal(visit(r, "step-G0299", "G0299", 1, "2026-12-02T15:00:00Z"), FAULT_NONE);
    assert_string_equal(((const Claims__AuthorizationUsed *)rules_event(r, "claims.AuthorizationUsed"))->what,
        "exceeded, 1 unit used, 0 left");
    assert_int_equal(units_used(story_authorization(r, id)), 12);
    assert_true(story_has_work(r, "authorization-exceeded"));
}

static void a_visit_counts_only_for_its_code_and_within_the_dates(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name, *step, *code, *at;
        unsigned units, used;
        bool work;
    } ROWS[] = {
        {"its own", "step-G0299", "G0299", "2026-12-01T15:00:00Z", 8, 8, false},
        {"another step, same code", "other", "G0299", "2026-12-01T15:00:00Z", 2, 2, false},
        {"another code", "step-G0299", "99214", "2026-12-01T15:00:00Z", 1, 0, false},
        {"more than is left", "step-G0299", "G0299", "2026-12-01T15:00:00Z", 9, 8, true},
        {"late on the last day there", "step-G0299", "G0299", "2027-02-01T04:59:00Z", 1, 1, false},
        {"a minute later", "step-G0299", "G0299", "2027-02-01T05:00:00Z", 1, 0, true},
        {"the day before the first", "step-G0299", "G0299", "2026-11-01T03:00:00Z", 1, 0, true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        story_cover(r, "Medicaid", "ACTIVE");
        const char *id = story_submit(r, "G0299", 8);
        assert_int_equal(
            answer(r, id,
                "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\",\"fromDate\":\"2026-11-01\",\"toDate\":\"2027-01-31\"}"),
            FAULT_NONE);
        assert_int_equal(visit(r, ROWS[i].step, ROWS[i].code, ROWS[i].units, ROWS[i].at), FAULT_NONE);
        ASSERT_ROW(ROWS[i].name, units_used(story_authorization(r, id)) == ROWS[i].used);
        ASSERT_ROW(ROWS[i].name, story_has_work(r, "authorization-exceeded") == ROWS[i].work);
    }
}

static const char *by_hand(struct rules *r, const char *id, const char *step)
{
    char json[400];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"authorizationId\":\"%s\",\"interventionId\":\"%s\",\"title\":\"t\",\"fromDate\":\"2026-11-21\","
        "\"toDate\":\"2026-12-21\",\"lines\":[{\"number\":1,\"code\":{\"code\":\"G0299\"},\"units\":2}]}",
        id, step);
    assert_int_equal(story_send(r, STORY_NURSE, "claims.RequestAuthorization", json), FAULT_NONE);
    assert_int_equal(
        story_answer(r, "authorization", id, "payer.AuthorizationNeedAnswer", "{\"required\":true,\"ruleId\":\"r1\"}"),
        FAULT_NONE);
    assert_int_equal(
        answer(r, id, "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\"}"), FAULT_NONE);
    return id;
}

static void a_visit_counts_against_its_own_step_then_against_what_is_open(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    by_hand(r, "first", "step-1");
    by_hand(r, "second", "step-2");
    assert_int_equal(visit(r, "step-2", "G0299", 2, "2026-12-01T15:00:00Z"), FAULT_NONE);
    assert_int_equal(units_used(story_authorization(r, "second")), 2);
    assert_int_equal(units_used(story_authorization(r, "first")), 0);
    assert_int_equal(visit(r, "step-2", "G0299", 1, "2026-12-02T15:00:00Z"), FAULT_NONE);
    assert_int_equal(units_used(story_authorization(r, "first")), 1); /* The second is used up. */
}

static void dates_end_an_authorisation(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    const char *id = story_submit(r, "G0299", 8);
    assert_int_equal(
        answer(r, id, "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\"}"), FAULT_NONE);
    assert_int_equal(rules_timer(r, "authorization", id, "renewal", r->now_ms), FAULT_NONE);
    assert_true(((const Claims__AuthorizationUsed *)rules_event(r, "claims.AuthorizationUsed"))->renewal_due);
    assert_int_equal(rules_timer(r, "authorization", id, "expires", r->now_ms), FAULT_NONE);
    assert_string_equal(((const Claims__AuthorizationUsed *)rules_event(r, "claims.AuthorizationUsed"))->what,
        "expired with 8 of 8 units left");
    assert_int_equal(story_authorization(r, id)->state, AUTHORIZATION(EXPIRED));
}

static void queries_tell_what_is_there_or_that_it_is_not(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    assert_int_equal(rules_query(r, rules_json(r, "claims.ReadBenefitFile", "{\"caseId\":\"" CASE "\"}")), FAULT_NONE);
    assert_string_equal(((const Claims__BenefitFile *)rules_reply(r))->coverages[0]->plan_name, "Gold");
    assert_int_equal(
        rules_query(r, rules_json(r, "claims.ReadBenefitFile", "{\"caseId\":\"002-case\"}")), FAULT_NOT_FOUND);
    assert_int_equal(rules_query(r, rules_json(r, "claims.ReadAuthorization",
                                        "{\"caseId\":\"" CASE "\",\"authorizationId\":\"x\"}")),
        FAULT_NOT_FOUND);
    assert_int_equal(rules_query(r, rules_json(r, "claims.ReadClaim", "{\"caseId\":\"" CASE "\",\"claimId\":\"x\"}")),
        FAULT_NOT_FOUND);
    assert_int_equal(rules_query(r, rules_json(r, "claims.ReadAppeal", "{\"caseId\":\"" CASE "\",\"appealId\":\"x\"}")),
        FAULT_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, story_begin, story_done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_coverage_named_twice_and_an_enrolment_told_twice_are_one),
        TEST(an_enrolment_asks_for_each_coverage_whose_payer_is_known),
        TEST(medicaid_pays_last),
        TEST(an_enrolment_without_coverage_says_so_once),
        TEST(a_payer_is_asked_about_a_member_once_a_day),
        TEST(an_active_answer_is_not_believed_against_its_own_dates),
        TEST(a_plan_waits_for_its_coverage_and_goes_on_with_it),
        TEST(without_active_coverage_nothing_can_be_asked),
        TEST(many_drafts_go_on_turn_by_turn),
        TEST(an_agreed_plan_asks_once_per_step),
        TEST(a_payer_that_says_nothing_to_a_draft_is_phoned),
        TEST(what_needs_no_authorisation_is_not_asked_for),
        TEST(a_request_by_hand_is_refused_with_the_reason),
        TEST(legal_time_follows_the_line_of_business),
        TEST(the_clock_counts_from_the_receipt_that_the_payer_tells),
        TEST(a_clock_that_runs_out_escalates_and_decides_nothing),
        TEST(who_pended_is_asked_again_when_time_gets_short),
        TEST(a_decision_is_applied_or_set_aside),
        TEST(a_denial_is_told_in_plain_words_with_the_window_to_appeal),
        TEST(the_first_decision_counts),
        TEST(visits_use_up_what_was_approved),
        TEST(a_visit_counts_only_for_its_code_and_within_the_dates),
        TEST(a_visit_counts_against_its_own_step_then_against_what_is_open),
        TEST(dates_end_an_authorisation),
        TEST(queries_tell_what_is_there_or_that_it_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
