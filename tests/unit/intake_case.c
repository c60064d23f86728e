/* The life of a case: outreach, consent, enrolment, case manager, questionnaires, overdue duties, and its end. */
#include "tests/unit/intake_world.h"

#define PATIENT       PERSON OHIO_ADDRESS ",\"conditions\":[" HEART_FAILURE "]"
#define CASE_C1       "\"caseId\":\"001-c1\""
#define TEAM(members) "{\"teamId\":\"t1\",\"name\":\"East\",\"zone\":\"America/New_York\",\"members\":[" members "]}"
#define ANN(more)                                                                                                               \
    "{\"staffId\":\"ann\",\"name\":\"Ann\",\"role\":\"ROLE_NURSE\",\"languages\":[\"en\"],\"capacity\":2,\"homeState\":\"OH\"," \
    "\"licences\":[{\"state\":\"OH\",\"multistate\":true,\"validUntilDate\":\"2027-06-30\"}]" more "}"
#define TAKES_PART(yes) "{" CASE_C1 ",\"consents\":[{\"kind\":\"CONSENT_KIND_PARTICIPATION\",\"granted\":" yes "}]}"

static void register_team_of(struct intake_world *w, const char *json)
{
    assert_int_equal(send(w, ROLE(ADMINISTRATOR), "intake.RegisterTeam", "%s", json), FAULT_NONE);
}

static void to_outreach(struct intake_world *w)
{
    world_begin(w);
    refer(w, 1, PATIENT);
    assert_int_equal(send(w, ROLE(NURSE), "intake.AcceptReferral", "{\"referralId\":\"r1\"," CASE_C1 "}"), FAULT_NONE);
}

static enum fault enrol(struct intake_world *w)
{
    return send(w, ROLE(NURSE), "intake.EnrolCase", "{" CASE_C1 ",\"teamId\":\"t1\"}");
}

static void to_enrolled(struct intake_world *w)
{
    to_outreach(w);
    assert_int_equal(send(w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("true")), FAULT_NONE);
    register_team_of(w, TEAM(ANN("")));
    assert_int_equal(enrol(w), FAULT_NONE);
    settle_world(w);
}

static enum fault answer(struct intake_world *w, Casebus__Role role, const char *scores)
{
    static const char *const items[] = {
        "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"};
    static const char *const answers[] = {"LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9"};
    char list[2000] = "";
    for (size_t i = 0, used = 0; i < 9; i++) {
        if (scores[i] != '-') {
            used += (size_t)snprintf(list + used, sizeof list - used, "%s{\"item\":\"%s\",\"answer\":\"%s\"}",
                used > 0 ? "," : "", items[i], answers[scores[i] - '0']);
        }
    }
    return send(w, role, "intake.AnswerQuestionnaire", "{" CASE_C1 ",\"instrument\":\"phq-9\",\"answers\":[%s]}", list);
}

static enum fault ring(struct intake_world *w, const char *name)
{
    as(w, ROLE(SYSTEM));
    w->r.root = "001-c1";
    char id[40];
    snprintf(id, sizeof id, "ring-%u", ++w->call);
    w->r.command_id = id;
    enum fault fault = rules_timer(&w->r, "case", "001-c1", name, w->r.now_ms);
    w->r.command_id = NULL;
    world_keep(w);
    return fault;
}

static void react(struct intake_world *w, const char *subject, const char *json)
{
    as(w, ROLE(SYSTEM));
    w->r.root = "001-c1";
    assert_int_equal(rules_react(&w->r, rules_json(&w->r, subject, json)), FAULT_NONE);
    world_keep(w);
}

#define DRAFTED "{" CASE_C1 ",\"planId\":\"p1\",\"name\":\"Heart failure\"}"
#define AGREED  "{" CASE_C1 ",\"planId\":\"p1\",\"by\":\"patient\"}"

/* ---- Consent and enrolment ---- */

static void enrolment_needs_outreach_and_consent(void **state)
{
    (void)state;
    struct intake_world w;
    to_outreach(&w);
    assert_int_equal(enrol(&w), FAULT_REFUSED);
    assert_string_equal(rules_why(&w.r), "the patient has not consented to take part");
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent",
                         "{" CASE_C1 ",\"consents\":[{\"kind\":\"CONSENT_KIND_SHARE_FAMILY\",\"granted\":true}]}"),
        FAULT_NONE);
    assert_int_equal(enrol(&w), FAULT_REFUSED);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("true")), FAULT_NONE);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("false")), FAULT_NONE);
    assert_int_equal(enrol(&w), FAULT_REFUSED); /* The latest holds. */
    assert_int_equal(case_now(&w, "001-c1")->n_consents, 2);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("true")), FAULT_NONE);
    assert_int_equal(enrol(&w), FAULT_NONE);
    const Intake__CaseEnrolled *event = rules_event(&w.r, "intake.CaseEnrolled");
    assert_string_equal(event->programme_name, "heart failure");
    assert_string_equal(event->patient->family_name, "Mej\xc3\xad"
                                                     "a");
    assert_int_equal(event->patient->n_conditions, 0);
    assert_int_equal(event->n_consents, 2);
    assert_int_equal(event->due_at_ms, work_open_of_kind(case_now(&w, "001-c1"), "initial-assessment")->due_at_ms);
    assert_int_equal(referral_now(&w, "r1")->state, REFERRAL_STATE(IN_PROGRESS));
    assert_int_equal(enrol(&w), FAULT_REFUSED);
    assert_string_equal(rules_why(&w.r), "the case is enrolled, only one in outreach can be enrolled");
    world_done(&w);
}

static void consent_is_kept_with_who_when_and_whether_simulated(void **state)
{
    (void)state;
    struct intake_world w;
    to_outreach(&w);
    w.r.actor = (struct actor){"pat", ROLE(PATIENT), true};
    assert_int_equal(rules_command(&w.r, rules_json(&w.r, "intake.RecordConsent", TAKES_PART("true"))), FAULT_NONE);
    const Intake__Case *c = case_now(&w, "001-c1");
    assert_true(c->simulated && c->consents[0]->simulated);
    assert_string_equal(c->consents[0]->by, "pat");
    assert_int_equal(c->consents[0]->at_ms, w.r.now_ms);
    assert_int_equal(clock_now(&w, "001-c1", "first-contact")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_MET);
    assert_string_equal(
        ((const Intake__ConsentRecorded *)rules_event(&w.r, "intake.ConsentRecorded"))->summary, "take part yes");
    assert_int_equal(
        send(&w, ROLE(PATIENT), "intake.RecordConsent",
            "{" CASE_C1 ",\"consents\":[{\"kind\":\"CONSENT_KIND_PARTICIPATION\",\"granted\":true,\"atMs\":\"%lld\"}]}",
            (long long)w.r.now_ms + 1),
        FAULT_REFUSED);
    world_done(&w);
    world_begin(&w);
    refer(&w, 1, PATIENT);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("true")), FAULT_REFUSED);
    world_done(&w);
}

static void withdrawn_consent_is_work_at_once(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("false")), FAULT_NONE);
    assert_non_null(work_open_of_kind(case_now(&w, "001-c1"), "consent-withdrawn"));
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("false")), FAULT_NONE);
    assert_int_equal(rules_event_count(&w.r, "intake.WorkOpened"), 0);
    world_done(&w);
}

static void declining_ends_a_case_before_enrolment_only(void **state)
{
    (void)state;
    struct intake_world w;
    to_outreach(&w);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.DeclineCase", "{" CASE_C1 ",\"reason\":\"not now\"}"), FAULT_NONE);
    assert_non_null(rules_told(&w.r, "intake.LeavePerson"));
    assert_null(rules_told(&w.r, "intake.ReleaseCaseload"));
    assert_true(rules_index_change(&w.r, "cases", "all", "001-c1")->remove);
    assert_int_equal(referral_now(&w, "r1")->state, REFERRAL_STATE(FAILED));
    settle_world(&w);
    refer(&w, 2, PATIENT);
    assert_int_equal(referral_now(&w, "r2")->state, REFERRAL_STATE(RECEIVED)); /* No duplicate. */
    assert_int_equal(
        send(&w, ROLE(PATIENT), "intake.DeclineCase", "{" CASE_C1 ",\"reason\":\"again\"}"), FAULT_REFUSED);
    world_done(&w);
    to_enrolled(&w);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.DeclineCase", "{" CASE_C1 ",\"reason\":\"late\"}"), FAULT_REFUSED);
    world_done(&w);
}

/* ---- Outreach without an answer ---- */

static enum fault try_to_reach(struct intake_world *w, const char *when, const char *channel, bool reached)
{
    w->r.now_ms = at(when);
    return send(w, ROLE(NURSE), "intake.RecordContactAttempt",
        "{" CASE_C1 ",\"attempt\":{\"channel\":\"CHANNEL_%s\",\"reached\":%s}}", channel, reached ? "true" : "false");
}

static void outreach_ends_only_after_three_days_two_times_and_a_letter(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *tries[6]; /* "L" in front: a letter. */
        const char *why;      /* NULL: it may end. */
    } rows[] = {
        {"none", {NULL}, "there were 0"},
        {"three on one day",
            {"2026-11-23T14:00:00Z", "2026-11-23T19:00:00Z", "2026-11-23T23:30:00Z", "L2026-11-24T14:00:00Z"},
            "there were 1"},
        {"always in the morning",
            {"2026-11-23T14:00:00Z", "2026-11-24T14:00:00Z", "2026-11-25T14:00:00Z", "L2026-11-25T15:00:00Z"},
            "one time of the day"},
        {"no letter", {"2026-11-23T14:00:00Z", "2026-11-24T19:00:00Z", "2026-11-25T14:00:00Z"}, "a letter"},
        {"the letter too early",
            {"2026-11-23T14:00:00Z", "2026-11-24T19:00:00Z", "L2026-11-24T20:00:00Z", "2026-11-25T14:00:00Z"},
            "a letter"},
        {"all of it", {"2026-11-23T14:00:00Z", "2026-11-24T19:00:00Z", "2026-11-25T14:00:00Z", "L2026-11-25T15:00:00Z"},
            NULL},
        {"midnight in New York divides the days",
            {"2026-11-24T04:30:00Z", "2026-11-24T14:00:00Z", "2026-11-25T14:00:00Z", "L2026-11-25T15:00:00Z"}, NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct intake_world w;
        to_outreach(&w);
        for (size_t t = 0; t < 6 && rows[i].tries[t] != NULL; t++) {
            bool letter = rows[i].tries[t][0] == 'L';
            assert_int_equal(
                try_to_reach(&w, rows[i].tries[t] + letter, letter ? "LETTER" : "PHONE", false), FAULT_NONE);
        }
        enum fault fault = send(&w, ROLE(NURSE), "intake.EndOutreach", "{" CASE_C1 "}");
        if ((fault == FAULT_NONE) != (rows[i].why == NULL) ||
            (rows[i].why != NULL && strstr(rules_why(&w.r), rows[i].why) == NULL)) {
            fail_msg("%s: %s", rows[i].name, rules_why(&w.r));
        }
        assert_int_equal(
            case_now(&w, "001-c1")->state, rows[i].why == NULL ? CASE_STATE(UNABLE_TO_CONTACT) : CASE_STATE(OUTREACH));
        world_done(&w);
    }
}

static void reaching_the_patient_stops_the_clock_and_outreach_cannot_fail(void **state)
{
    (void)state;
    struct intake_world w;
    to_outreach(&w);
    assert_int_equal(try_to_reach(&w, "2026-11-23T14:00:00Z", "LETTER", true), FAULT_REFUSED);
    assert_int_equal(try_to_reach(&w, "2026-11-23T14:00:00Z", "PHONE", true), FAULT_NONE);
    assert_int_equal(clock_now(&w, "001-c1", "first-contact")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_MET);
    assert_int_equal(send(&w, ROLE(NURSE), "intake.EndOutreach", "{" CASE_C1 "}"), FAULT_REFUSED);
    assert_non_null(strstr(rules_why(&w.r), "was reached"));
    world_done(&w);
}

/* ---- The case manager ---- */

static void the_team_gives_the_case_to_somebody_and_says_why(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    const Intake__Case *c = case_now(&w, "001-c1");
    assert_string_equal(c->manager_id, "ann");
    assert_non_null(strstr(w.assigned->why, "licence of OH"));
    assert_int_equal(c->n_considered, 1);
    assert_int_equal(
        send(&w, ROLE(SYSTEM), "intake.RecordCaseManager", "{" CASE_C1 ",\"staffId\":\"bob\",\"name\":\"Bob\"}"),
        FAULT_NONE);
    assert_int_equal(w.r.d->event_count + w.r.d->task_count, 0); /* A second answer changes nothing. */
    assert_string_equal(case_now(&w, "001-c1")->manager_id, "ann");
    world_done(&w);
}

static void a_licence_nobody_has_makes_work_and_is_asked_again_later_and_later(void **state)
{
    (void)state;
    struct intake_world w;
    to_outreach(&w);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("true")), FAULT_NONE);
    register_team_of(&w, TEAM(ANN(",\"away\":true")));
    assert_int_equal(enrol(&w), FAULT_NONE);
    settle_world(&w);
    assert_string_equal(w.not_found->why, "none of 1 member fits: is away");
    assert_int_equal(w.not_found->due_at_ms, w.r.now_ms + 15 * MINUTE_MS);
    assert_int_equal(work_open_of_kind(case_now(&w, "001-c1"), "find-case-manager")->owner_role, ROLE(SUPERVISOR));
    static const int minutes[] = {30, 60, 120, 240, 480, 960, 1440, 1440};
    for (size_t i = 0; i < ARRAY_LENGTH(minutes); i++) {
        w.r.now_ms = w.not_found->due_at_ms;
        assert_int_equal(ring(&w, "manager"), FAULT_NONE);
        assert_int_equal(rules_event_count(&w.r, "intake.WorkOpened"), 0); /* One item, however often. */
        settle_world(&w);
        assert_int_equal(w.not_found->due_at_ms, w.r.now_ms + minutes[i] * MINUTE_MS);
    }
    register_team_of(&w, TEAM(ANN("")));
    assert_int_equal(ring(&w, "manager"), FAULT_NONE);
    settle_world(&w);
    const Intake__Case *c = case_now(&w, "001-c1");
    assert_string_equal(c->manager_id, "ann");
    assert_null(work_open_of_kind(c, "find-case-manager"));
    assert_int_equal(ring(&w, "manager"), FAULT_NONE); /* A late ring asks nobody. */
    assert_int_equal(w.r.d->task_count, 0);
    world_done(&w);
}

static void a_team_that_never_answers_becomes_work_too(void **state)
{
    (void)state;
    struct intake_world w;
    to_outreach(&w);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("true")), FAULT_NONE);
    assert_int_equal(enrol(&w), FAULT_NONE);
    assert_int_equal(rules_timer_change(&w.r, "001-c1", "manager")->due_at_ms, w.r.now_ms + 15 * MINUTE_MS);
    assert_int_equal(ring(&w, "manager"), FAULT_NONE);
    assert_string_equal(
        work_open_of_kind(case_now(&w, "001-c1"), "find-case-manager")->because, "the team has not answered");
    assert_int_equal(rules_task_count(&w.r, "intake.AssignCaseManager"), 1);
    world_done(&w);
}

static void an_answer_of_the_team_after_the_end_gives_the_place_back(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    assert_int_equal(send(&w, ROLE(NURSE), "intake.CloseCase", "{" CASE_C1 ",\"code\":\"died\"}"), FAULT_NONE);
    const char *summary = work_open_of_kind(case_now(&w, "001-c1"), "closing-summary")->work_id;
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.CompleteWork", "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"sent\"}", summary),
        FAULT_NONE);
    settle_world(&w);
    assert_int_equal(((const Intake__Team *)rules_state(&w.r, "intake", "team", "t1"))->members[0]->n_case_ids, 0);
    assert_int_equal(
        send(&w, ROLE(SYSTEM), "intake.RecordCaseManager", "{" CASE_C1 ",\"staffId\":\"ann\",\"name\":\"Ann\"}"),
        FAULT_NONE);
    assert_non_null(rules_told(&w.r, "intake.ReleaseCaseload"));
    world_done(&w);
}

/* ---- Questionnaires ---- */

static void a_critical_answer_is_work_today_and_goes_up_by_the_minute(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    w.r.now_ms = at("2026-11-23T15:00:00Z");
    assert_int_equal(answer(&w, ROLE(PATIENT), "000000001"), FAULT_NONE);
    const Intake__Assessment *reply = rules_reply(&w.r);
    assert_int_equal(reply->score->value, 1);
    assert_string_equal(reply->critical_items[0], "44260-8");
    const Intake__CriticalAnswerGiven *critical = rules_event(&w.r, "intake.CriticalAnswerGiven");
    assert_int_equal(critical->due_at_ms, at("2026-11-24T04:59:59.999Z"));
    assert_int_equal(case_now(&w, "001-c1")->state, CASE_STATE(ASSESSING));
    const Casebus__WorkItem *item = case_critical_work(case_now(&w, "001-c1"));
    char timer[40];
    snprintf(timer, sizeof timer, "work.%s", item->work_id);
    assert_int_equal(rules_timer_change(&w.r, "001-c1", timer)->due_at_ms, w.r.now_ms + 15 * MINUTE_MS);
    static const struct {
        const char *now, *told, *next;
    } rings[] = {
        {"2026-11-23T15:15:00Z", "supervisor", "2026-11-23T15:30:00Z"},
        {"2026-11-23T15:30:00Z", "director", "2026-11-24T04:59:59.999Z"},
        {"2026-11-24T04:59:59.999Z", "director", NULL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rings); i++) {
        w.r.now_ms = at(rings[i].now);
        assert_int_equal(ring(&w, timer), FAULT_NONE);
        const Intake__ClockOverdue *overdue = rules_event(&w.r, "intake.ClockOverdue");
        assert_string_equal(overdue->told, rings[i].told);
        assert_int_equal(overdue->level, i + 1);
        const struct timer_change *next = rules_timer_change(&w.r, "001-c1", timer);
        assert_true(rings[i].next == NULL ? next == NULL : next->due_at_ms == at(rings[i].next));
    }
    assert_non_null(case_critical_work(case_now(&w, "001-c1"))); /* Never closed by itself. */
    static const char *const codes[] = {"goals-met", "died", "lost"};
    for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
        assert_int_equal(
            send(&w, ROLE(NURSE), "intake.CloseCase", "{" CASE_C1 ",\"code\":\"%s\"}", codes[i]), FAULT_REFUSED);
        assert_non_null(strstr(rules_why(&w.r), "critical answer"));
    }
    assert_int_equal(send(&w, ROLE(SYSTEM), "intake.CompleteWork",
                         "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"auto\"}", item->work_id),
        FAULT_REFUSED);
    assert_int_equal(send(&w, ROLE(NURSE), "intake.CompleteWork",
                         "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"spoke, safe\"}", item->work_id),
        FAULT_NONE);
    assert_null(case_critical_work(case_now(&w, "001-c1")));
    assert_int_equal(send(&w, ROLE(NURSE), "intake.CompleteWork",
                         "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"twice\"}", item->work_id),
        FAULT_REFUSED);
    world_done(&w);
}

static void an_open_safety_question_is_not_a_no(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    assert_int_equal(answer(&w, ROLE(PATIENT), "00000000-"), FAULT_NONE);
    assert_null(rules_event(&w.r, "intake.CriticalAnswerGiven"));
    assert_non_null(work_open_of_kind(case_now(&w, "001-c1"), "safety-question"));
    assert_int_equal(answer(&w, ROLE(PATIENT), "22---2221"), FAULT_NONE); /* No total, and still an alarm. */
    assert_string_equal(((const Intake__Assessment *)rules_reply(&w.r))->score->not_computable,
        "3 items without an answer, at most 2 may be");
    assert_non_null(rules_event(&w.r, "intake.CriticalAnswerGiven"));
    world_done(&w);
}

static void questionnaires_refuse_what_they_do_not_ask(void **state)
{
    (void)state;
    static const struct {
        const char *json, *why;
    } rows[] = {
        {"\"instrument\":\"phq-8\",\"answers\":[{\"item\":\"44250-9\",\"answer\":\"LA6568-5\"}]",
            "there is no questionnaire phq-8"},
        {"\"instrument\":\"phq-9\",\"answers\":[{\"item\":\"69722-7\",\"answer\":\"LA6568-5\"}]",
            "phq-9 has no item 69722-7"},
        {"\"instrument\":\"phq-9\",\"answers\":[{\"item\":\"44250-9\",\"answer\":\"LA6572-7\"}]",
            "phq-9 has no answer LA6572-7"},
        {"\"instrument\":\"phq-9\",\"answers\":[{\"item\":\"44250-9\",\"answer\":\"LA6568-5\"},{\"item\":\"44250-9\",\"answer\":\"LA6569-3\"}]",
            "the item 44250-9 is answered twice"},
    };
    struct intake_world w;
    to_enrolled(&w);
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(
            send(&w, ROLE(NURSE), "intake.AnswerQuestionnaire", "{" CASE_C1 ",%s}", rows[i].json), FAULT_REFUSED);
        assert_string_equal(rules_why(&w.r), rows[i].why);
    }
    world_done(&w);
    world_begin(&w);
    refer(&w, 1, PATIENT);
    assert_int_equal(answer(&w, ROLE(PATIENT), "000000000"), FAULT_REFUSED);
    assert_non_null(strstr(rules_why(&w.r), "identified"));
    world_done(&w);
}

/* ---- Planning's facts, overdue duties ---- */

static void the_plan_moves_the_case(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    react(&w, "planning.PlanDrafted", DRAFTED);
    assert_int_equal(case_now(&w, "001-c1")->state, CASE_STATE(PLANNING));
    assert_int_equal(clock_now(&w, "001-c1", "care-plan")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING);
    assert_int_equal(answer(&w, ROLE(PATIENT), "000000000"), FAULT_NONE);
    assert_int_equal(case_now(&w, "001-c1")->state, CASE_STATE(PLANNING)); /* Not back. */
    react(&w, "planning.PlanAgreed", AGREED);
    assert_non_null(rules_event(&w.r, "intake.CaseActivated"));
    assert_int_equal(case_now(&w, "001-c1")->state, CASE_STATE(ACTIVE));
    assert_int_equal(clock_now(&w, "001-c1", "care-plan")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_MET);
    react(&w, "planning.PlanAgreed", AGREED);
    assert_null(rules_event(&w.r, "intake.CaseActivated"));
    react(&w, "planning.PlanDrafted", DRAFTED);
    assert_int_equal(case_now(&w, "001-c1")->state, CASE_STATE(ACTIVE));
    react(&w, "planning.PlanEnded", "{" CASE_C1 ",\"planId\":\"p1\",\"how\":\"completed\",\"summary\":\"all goals\"}");
    assert_string_equal(work_open_of_kind(case_now(&w, "001-c1"), "plan-ended")->because, "plan completed: all goals");
    world_done(&w);
}

static void an_overdue_duty_goes_up_and_stays_open_until_it_is_met_late(void **state)
{
    (void)state;
    struct intake_world w;
    to_outreach(&w);
    static const struct {
        const char *now, *told, *next;
    } rings[] = {
        {"2026-11-25T04:59:59.999Z", "supervisor", "2026-11-26T04:59:59.999Z"}, /* Nobody manages it yet. */
        {"2026-11-26T04:59:59.999Z", "supervisor", "2026-11-28T04:59:59.999Z"}, /* Thanksgiving is no business day. */
        {"2026-11-28T04:59:59.999Z", "director", NULL},
    };
    assert_int_equal(clock_now(&w, "001-c1", "first-contact")->due_at_ms, at(rings[0].now));
    for (size_t i = 0; i < ARRAY_LENGTH(rings); i++) {
        w.r.now_ms = at(rings[i].now);
        assert_int_equal(ring(&w, "clock.first-contact"), FAULT_NONE);
        const Intake__ClockOverdue *overdue = rules_event(&w.r, "intake.ClockOverdue");
        assert_string_equal(overdue->told, rings[i].told);
        assert_string_equal(overdue->title, "reach the patient for the first time");
        const struct timer_change *next = rules_timer_change(&w.r, "001-c1", "clock.first-contact");
        assert_true(rings[i].next == NULL ? next == NULL : next->due_at_ms == at(rings[i].next));
        assert_int_equal(clock_now(&w, "001-c1", "first-contact")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_OVERDUE);
    }
    assert_int_equal(ring(&w, "clock.first-contact"), FAULT_NONE);
    assert_int_equal(w.r.d->event_count, 0);
    assert_int_equal(try_to_reach(&w, "2026-11-30T14:00:00Z", "PHONE", true), FAULT_NONE);
    assert_int_equal(clock_now(&w, "001-c1", "first-contact")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_MET_LATE);
    assert_int_equal(ring(&w, "clock.first-contact"), FAULT_NONE); /* A ring that was on its way. */
    assert_int_equal(w.r.d->event_count, 0);
    world_done(&w);
}

static void a_clock_older_than_the_rules_still_rings(void **state)
{
    (void)state;
    struct intake_world w;
    to_outreach(&w);
    Intake__Case *c = (Intake__Case *)case_now(&w, "001-c1");
    for (size_t i = 0; i < c->n_clocks; i++) {
        c->clocks[i]->name = strcmp(c->clocks[i]->name, "first-contact") == 0 ? "welcome-call" : c->clocks[i]->name;
    }
    rules_know(&w.r, &c->base);
    assert_int_equal(ring(&w, "clock.welcome-call"), FAULT_NONE);
    assert_string_equal(
        ((const Intake__ClockOverdue *)rules_event(&w.r, "intake.ClockOverdue"))->title, "welcome-call");
    world_done(&w);
}

static void the_initial_assessment_stops_the_clocks_of_identification(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    const char *work_id = work_open_of_kind(case_now(&w, "001-c1"), "initial-assessment")->work_id;
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.CompleteWork", "{" CASE_C1 ",\"workId\":\"w99\",\"evidence\":\"x\"}"),
        FAULT_NOT_FOUND);
    assert_int_equal(send(&w, ROLE(NURSE), "intake.CompleteWork",
                         "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"12 factors\"}", work_id),
        FAULT_NONE);
    assert_int_equal(clock_now(&w, "001-c1", "assessment-start")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_MET);
    assert_int_equal(clock_now(&w, "001-c1", "assessment-complete")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_MET);
    const Casebus__WorkItem *item = work_find(case_now(&w, "001-c1"), work_id);
    assert_string_equal(item->evidence, "12 factors");
    assert_string_equal(item->done_by, "u1");
    world_done(&w);
}

/* ---- The end ---- */

static void goals_are_not_met_while_a_duty_is_open(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    assert_int_equal(send(&w, ROLE(NURSE), "intake.CloseCase", "{" CASE_C1 ",\"code\":\"bored\"}"), FAULT_REFUSED);
    assert_int_equal(send(&w, ROLE(NURSE), "intake.CloseCase", "{" CASE_C1 ",\"code\":\"goals-met\"}"), FAULT_REFUSED);
    assert_string_equal(rules_why(&w.r), "the goals are not met while this is open: complete the initial assessment");
    const char *work_id = work_open_of_kind(case_now(&w, "001-c1"), "initial-assessment")->work_id;
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.CompleteWork", "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"done\"}", work_id),
        FAULT_NONE);
    assert_int_equal(send(&w, ROLE(NURSE), "intake.CloseCase", "{" CASE_C1 ",\"code\":\"goals-met\"}"), FAULT_NONE);
    assert_int_equal(case_now(&w, "001-c1")->state, CASE_STATE(CLOSING));
    assert_int_equal(send(&w, ROLE(NURSE), "intake.CloseCase", "{" CASE_C1 ",\"code\":\"goals-met\"}"), FAULT_REFUSED);
    assert_int_equal(answer(&w, ROLE(PATIENT), "000000003"), FAULT_NONE); /* While it closes. */
    const char *summary = work_open_of_kind(case_now(&w, "001-c1"), "closing-summary")->work_id;
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.CompleteWork", "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"sent\"}", summary),
        FAULT_REFUSED);
    const char *critical = case_critical_work(case_now(&w, "001-c1"))->work_id;
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.CompleteWork", "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"safe\"}", critical),
        FAULT_NONE);
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.CompleteWork", "{" CASE_C1 ",\"workId\":\"%s\",\"evidence\":\"sent\"}", summary),
        FAULT_NONE);
    assert_non_null(rules_event(&w.r, "intake.CaseClosed"));
    settle_world(&w);
    const Intake__Case *c = case_now(&w, "001-c1");
    assert_int_equal(c->state, CASE_STATE(CLOSED));
    assert_string_equal(c->closed_code, "goals-met");
    assert_int_equal(referral_now(&w, "r1")->state, REFERRAL_STATE(COMPLETED));
    assert_null(((const Intake__Person *)rules_state(&w.r, "intake", "person", c->person_id))->open_case_id);
    assert_int_equal(((const Intake__Team *)rules_state(&w.r, "intake", "team", "t1"))->members[0]->n_case_ids, 0);
    assert_int_equal(answer(&w, ROLE(PATIENT), "000000000"), FAULT_REFUSED);
    assert_int_equal(send(&w, ROLE(PATIENT), "intake.RecordConsent", TAKES_PART("true")), FAULT_REFUSED);
    world_done(&w);
}

/* ---- Worklists ---- */

static void worklists_are_in_the_order_of_what_is_due_next(void **state)
{
    (void)state;
    struct intake_world w;
    to_enrolled(&w);
    refer(&w, 2,
        "\"familyName\":\"Doe\",\"givenName\":\"Jo\",\"birthDate\":\"1960-01-01\",\"sex\":\"SEX_MALE\",\"conditions\":[" HEART_FAILURE
        "]");
    assert_int_equal(rules_query(&w.r, rules_json(&w.r, "intake.ListCases", "{}")), FAULT_NONE);
    const Intake__CaseList *all = rules_reply(&w.r);
    assert_int_equal(all->n_cases, 2);
    assert_string_equal(
        all->cases[0]->case_id, "001-c2"); /* A referral to decide comes before an assessment in 30 days. */
    assert_int_equal(all->cases[0]->due_at_ms, clock_now(&w, "001-c2", "referral-decision")->due_at_ms);
    assert_int_equal(rules_query(&w.r, rules_json(&w.r, "intake.ListCases", "{\"managerId\":\"ann\"}")), FAULT_NONE);
    const Intake__CaseList *anns = rules_reply(&w.r);
    assert_int_equal(anns->n_cases, 1);
    assert_string_equal(anns->cases[0]->case_id, "001-c1");
    w.r.root = "001-c1";
    assert_int_equal(rules_query(&w.r, rules_json(&w.r, "intake.ReadCase", "{" CASE_C1 "}")), FAULT_NONE);
    assert_string_equal(((const Intake__Case *)rules_reply(&w.r))->manager_name, "Ann");
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enrolment_needs_outreach_and_consent),
        cmocka_unit_test(consent_is_kept_with_who_when_and_whether_simulated),
        cmocka_unit_test(withdrawn_consent_is_work_at_once),
        cmocka_unit_test(declining_ends_a_case_before_enrolment_only),
        cmocka_unit_test(outreach_ends_only_after_three_days_two_times_and_a_letter),
        cmocka_unit_test(reaching_the_patient_stops_the_clock_and_outreach_cannot_fail),
        cmocka_unit_test(the_team_gives_the_case_to_somebody_and_says_why),
        cmocka_unit_test(a_licence_nobody_has_makes_work_and_is_asked_again_later_and_later),
        cmocka_unit_test(a_team_that_never_answers_becomes_work_too),
        cmocka_unit_test(an_answer_of_the_team_after_the_end_gives_the_place_back),
        cmocka_unit_test(a_critical_answer_is_work_today_and_goes_up_by_the_minute),
        cmocka_unit_test(an_open_safety_question_is_not_a_no),
        cmocka_unit_test(questionnaires_refuse_what_they_do_not_ask),
        cmocka_unit_test(the_plan_moves_the_case),
        cmocka_unit_test(an_overdue_duty_goes_up_and_stays_open_until_it_is_met_late),
        cmocka_unit_test(a_clock_older_than_the_rules_still_rings),
        cmocka_unit_test(the_initial_assessment_stops_the_clocks_of_identification),
        cmocka_unit_test(goals_are_not_met_while_a_duty_is_open),
        cmocka_unit_test(worklists_are_in_the_order_of_what_is_due_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
