#include "tests/support/tiny.h"

#include "common/core/slice.h"
#include "proto/intake.pb-c.h"
#include "proto/payer.pb-c.h"

static enum fault record_consent(struct decision *d, Intake__Case *state, const Intake__RecordConsent *cmd)
{
    if (state->state != INTAKE__CASE_STATE__CASE_STATE_OUTREACH) {
        return refuse(d, "case %s is not in outreach", state->case_id);
    }
    for (size_t i = 0; i < cmd->n_consents; i++) {
        APPEND(d, state, consents, cmd->consents[i]);
    }
    Intake__ConsentRecorded *event = make(d, &intake__consent_recorded__descriptor);
    event->case_id = state->case_id;
    emit(d, &event->base);
    set_timer(d, "case", state->case_id, "outreach", d->now_ms + 1000);
    return FAULT_NONE;
}

static enum fault answer_questionnaire(
    struct decision *d, Intake__Assessment *state, const Intake__AnswerQuestionnaire *cmd)
{
    if (!is_new(d, state)) {
        return refuse(d, "assessment %s was answered", state->assessment_id);
    }
    Intake__Case *about = touch(d, "case", cmd->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (about == NULL) {
        return refuse_missing(d, "there is no case %s", cmd->case_id);
    }
    state->at_ms = d->now_ms;
    state->score = make(d, &intake__score__descriptor);
    state->instrument = cmd->instrument;
    about->manager_attempt += 1;
    reply(d, &state->base);
    return FAULT_NONE;
}

static enum fault receive_referral(struct decision *d, Intake__Referral *state, const Intake__ReceiveReferral *cmd)
{
    (void)cmd;
    bool made = false;
    Intake__Case *opened = require(d, "case", d->root, &made);
    if (d->wants) {
        return FAULT_WANT;
    }
    opened->state = INTAKE__CASE_STATE__CASE_STATE_IDENTIFIED;
    opened->referral_id = state->referral_id;
    Intake__AssignCaseManager *assign = make(d, &intake__assign_case_manager__descriptor);
    assign->team_id = text_of(d, "team-1");
    assign->case_id = opened->case_id;
    tell(d, &assign->base);
    index_put(d, "caseload", "everybody", opened->case_id, d->now_ms);
    return FAULT_NONE;
}

static enum fault list_cases(struct decision *d, const void *state, const Intake__ListCases *query)
{
    (void)state;
    const struct index_page *page = index_page(d, "caseload", "everybody", query->limit);
    if (d->wants) {
        return FAULT_WANT;
    }
    Intake__CaseList *list = make(d, &intake__case_list__descriptor);
    for (size_t i = 0; i < page->count; i++) {
        Intake__CaseLine *line = make(d, &intake__case_line__descriptor);
        line->case_id = text_of(d, "%s", page->lines[i].member);
        line->due_at_ms = page->lines[i].sort;
        APPEND(d, list, cases, line);
    }
    reply(d, &list->base);
    return FAULT_NONE;
}

static enum fault outreach_due(struct decision *d, Intake__Case *state, const char *name, int64_t due_at_ms)
{
    (void)due_at_ms;
    if (!str_same(name, "outreach")) {
        return refuse(d, "no timer %s", name);
    }
    state->state = INTAKE__CASE_STATE__CASE_STATE_UNABLE_TO_CONTACT;
    return FAULT_NONE;
}

static enum fault case_enrolled(struct decision *d, const Intake__CaseEnrolled *event)
{
    Intake__Case *state = touch(d, "case", event->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (state == NULL) {
        return refuse_missing(d, "there is no case %s", event->case_id);
    }
    state->state = INTAKE__CASE_STATE__CASE_STATE_ENROLLED;
    Payer__EligibilityQuestion *question = make(d, &payer__eligibility_question__descriptor);
    question->payer_id = "p1";
    question->service_date = "2026-11-22";
    question->member = make(d, &payer__member__descriptor);
    ask(d, payer_lane(d, "p1"), "case", state->case_id, &question->base);
    return FAULT_NONE;
}

static enum fault eligibility_answered(struct decision *d, Intake__Case *state, const Payer__EligibilityAnswer *answer)
{
    if (answer->status == PAYER__COVERAGE_STATUS__COVERAGE_STATUS_MEMBER_UNKNOWN) {
        return refuse(d, "case %s has a member whom p1 must know", state->case_id);
    }
    state->programme = text_of(d, "%s", answer->plan_name);
    return FAULT_NONE;
}

static const struct command COMMANDS[] = {
    COMMAND(Intake__RecordConsent, intake__record_consent__descriptor, Intake__Case, record_consent),
    COMMAND(Intake__AnswerQuestionnaire, intake__answer_questionnaire__descriptor, Intake__Assessment,
        answer_questionnaire),
    COMMAND(Intake__ReceiveReferral, intake__receive_referral__descriptor, Intake__Referral, receive_referral),
    {0},
};
static const struct reaction REACTIONS[] = {
    REACTION(Intake__CaseEnrolled, intake__case_enrolled__descriptor, case_enrolled),
    {0},
};
static const struct timer TIMERS[] = {
    TIMER("case", Intake__Case, outreach_due),
    {0},
};
static const struct answer ANSWERS[] = {
    ANSWER(Payer__EligibilityAnswer, payer__eligibility_answer__descriptor, "case", Intake__Case, eligibility_answered),
    {0},
};
static const struct query QUERIES[] = {
    QUERY(Intake__ListCases, intake__list_cases__descriptor, void, list_cases),
    {0},
};
const struct service TINY = {.name = "intake",
    .commands = COMMANDS,
    .reactions = REACTIONS,
    .timers = TIMERS,
    .answers = ANSWERS,
    .queries = QUERIES};
