#include "common/core/instant.h"
#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/intake/duty.h"
#include "services/intake/intake.h"
#include "services/intake/screen.h"

#define MANAGER_TIMER "manager"

const char *case_word(struct decision *d, const Intake__Case *c)
{
    return say_enum(d, &intake__case_state__descriptor, (int)c->state);
}

bool case_has_ended(const Intake__Case *c)
{
    return c->state == CASE_STATE(CLOSED) || c->state == CASE_STATE(DECLINED) || c->state == CASE_STATE(NOT_ELIGIBLE) ||
           c->state == CASE_STATE(UNABLE_TO_CONTACT);
}

bool case_takes_part(const Intake__Case *c)
{
    for (size_t i = 0; i < c->n_consents; i++) {
        if (c->consents[i]->kind == INTAKE__CONSENT_KIND__CONSENT_KIND_PARTICIPATION) {
            return c->consents[i]->granted;
        }
    }
    return false;
}

/* Whether it is under way: enrolled, and not on its way out. */
static bool case_is_running(const Intake__Case *c)
{
    return c->state == CASE_STATE(ENROLLED) || c->state == CASE_STATE(ASSESSING) || c->state == CASE_STATE(PLANNING) ||
           c->state == CASE_STATE(ACTIVE);
}

/* ---- The end ---- */

static void tell_release(struct decision *d, const Intake__Case *c)
{
    Intake__ReleaseCaseload *release = MAKE(d, Intake__ReleaseCaseload, intake__release_caseload__descriptor);
    release->team_id = c->team_id;
    release->case_id = c->case_id;
    tell(d, &release->base);
}

/* The team is told although nobody may hold the case yet: its answer could be on the way. */
void case_end(struct decision *d, Intake__Case *c, Intake__CaseState state, const char *code)
{
    c->state = state;
    c->closed_code = code;
    c->closed_at_ms = d->now_ms;
    duties_cancel(d, c, code);
    cancel_timer(d, "case", c->case_id, MANAGER_TIMER);
    case_sort(d, c);
    if (c->person_id != NULL) {
        Intake__LeavePerson *leave = MAKE(d, Intake__LeavePerson, intake__leave_person__descriptor);
        leave->person_id = c->person_id;
        leave->case_id = c->case_id;
        tell(d, &leave->base);
    }
    if (c->team_id != NULL) {
        tell_release(d, c);
    }
}

static const char *const CLOSING_CODES[] = {
    "goals-met", "declined", "moved", "died", "benefit-ended", "transferred", "lost"};

static bool is_closing_code(const char *code)
{
    for (size_t i = 0; i < sizeof CLOSING_CODES / sizeof *CLOSING_CODES; i++) {
        if (str_same(code, CLOSING_CODES[i])) {
            return true;
        }
    }
    return false;
}

enum fault close_case(struct decision *d, Intake__Case *c, const Intake__CloseCase *cmd)
{
    if (!case_is_running(c)) {
        return refuse(d, "the case is %s, only an enrolled one can be closed", case_word(d, c));
    }
    if (!is_closing_code(cmd->code)) {
        return refuse(d,
            "%s is no reason to close a case: use goals-met, declined, moved, died, benefit-ended, transferred or lost",
            cmd->code);
    }
    if (case_critical_work(c) != NULL) {
        return refuse(d, "a critical answer is still open: a clinician must speak with the patient");
    }
    const char *open = case_open_duty(d, c);
    if (str_same(cmd->code, "goals-met") && open != NULL) {
        return refuse(d, "the goals are not met while this is open: %s", open);
    }
    duties_cancel(d, c, cmd->code);
    cancel_timer(d, "case", c->case_id, MANAGER_TIMER);
    c->state = CASE_STATE(CLOSING);
    c->closing_code = cmd->code;

    Intake__CaseClosing *event = MAKE(d, Intake__CaseClosing, intake__case_closing__descriptor);
    event->case_id = c->case_id;
    event->code = cmd->code;
    event->due_at_ms = duty_due(d, c, "closing-summary", d->now_ms);
    emit(d, &event->base);
    work_open(d, c, "closing-summary", ROLE(NURSE), NULL, cmd->code);
    case_sort(d, c);
    return FAULT_NONE;
}

static void closed(struct decision *d, Intake__Case *c, Intake__Referral *referral)
{
    referral->state = str_same(c->closing_code, "goals-met") ? REFERRAL_STATE(COMPLETED) : REFERRAL_STATE(FAILED);
    case_end(d, c, CASE_STATE(CLOSED), c->closing_code);

    Intake__CaseClosed *event = MAKE(d, Intake__CaseClosed, intake__case_closed__descriptor);
    event->case_id = c->case_id;
    event->code = c->closing_code;
    emit(d, &event->base);
}

enum fault complete_work(struct decision *d, Intake__Case *c, const Intake__CompleteWork *cmd)
{
    Intake__Referral *referral = touch(d, "referral", c->referral_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    Casebus__WorkItem *item = work_find(c, cmd->work_id);
    if (item == NULL) {
        return refuse_missing(d, "the case has no work %s", cmd->work_id);
    }
    if (item->state != CASEBUS__WORK_STATE__WORK_STATE_OPEN) {
        return refuse(d, "this work is %s already", say_enum(d, &casebus__work_state__descriptor, (int)item->state));
    }
    if (work_is_critical(item) && d->actor.role == ROLE(SYSTEM)) {
        return refuse(d, "a critical answer is completed by a person, never by a program");
    }
    bool closes = str_same(item->kind, "closing-summary");
    if (closes && case_critical_work(c) != NULL) {
        return refuse(d, "a critical answer is still open: a clinician must speak with the patient");
    }
    work_done(d, c, item, cmd->evidence);
    c->simulated |= d->actor.simulated;
    if (str_same(item->kind, "initial-assessment")) {
        clock_stop(d, c, "assessment-start");
        clock_stop(d, c, "assessment-complete");
    }
    case_sort(d, c);
    if (closes) {
        closed(d, c, referral);
    }
    return FAULT_NONE;
}

/* ---- Enrolment ---- */

/* Doubled each time, up to a day. */
static int64_t asked_again_at(struct decision *d, const Intake__Case *c)
{
    int64_t wait_ms = duty_due(d, c, "manager-asked-again", d->now_ms) - d->now_ms;
    for (uint32_t i = 1; i < c->manager_attempt && wait_ms < DAY_MS; i++) {
        wait_ms *= 2;
    }
    return d->now_ms + (wait_ms < DAY_MS ? wait_ms : DAY_MS);
}

static void ask_team(struct decision *d, Intake__Case *c)
{
    Intake__AssignCaseManager *assign = MAKE(d, Intake__AssignCaseManager, intake__assign_case_manager__descriptor);
    assign->team_id = c->team_id;
    assign->case_id = c->case_id;
    assign->patient_state = c->patient_state;
    assign->programme = c->programme;
    assign->language = c->language;
    tell(d, &assign->base);
    c->manager_attempt++;
    c->manager_asked_at_ms = d->now_ms;
    set_timer(d, "case", c->case_id, MANAGER_TIMER, asked_again_at(d, c));
}

/* What other services need to begin. Conditions and encounters stay here: nobody else needs them. */
static void emit_enrolled(
    struct decision *d, const Intake__Case *c, const Intake__Referral *referral, const Casebus__WorkItem *assessment)
{
    Intake__PatientFacts *patient = MAKE(d, Intake__PatientFacts, intake__patient_facts__descriptor);
    *patient = *referral->patient;
    patient->n_conditions = 0;
    patient->n_encounters = 0;

    Intake__CaseEnrolled *event = MAKE(d, Intake__CaseEnrolled, intake__case_enrolled__descriptor);
    event->case_id = c->case_id;
    event->person_id = c->person_id;
    event->programme = c->programme;
    event->programme_name = programme_name(d, c->programme);
    event->why = c->screening->why;
    event->due_at_ms = assessment->due_at_ms;
    event->patient = patient;
    event->groups = c->screening->groups;
    event->n_groups = c->screening->n_groups;
    event->consents = c->consents;
    event->n_consents = c->n_consents;
    event->identified_at_ms = c->identified_at_ms;
    event->zone = c->zone;
    event->simulated = c->simulated;
    emit(d, &event->base);
}

enum fault enrol_case(struct decision *d, Intake__Case *c, const Intake__EnrolCase *cmd)
{
    Intake__Referral *referral = touch(d, "referral", c->referral_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (c->state != CASE_STATE(OUTREACH)) {
        return refuse(d, "the case is %s, only one in outreach can be enrolled", case_word(d, c));
    }
    if (!case_takes_part(c)) {
        return refuse(d, "the patient has not consented to take part");
    }
    referral->state = REFERRAL_STATE(IN_PROGRESS);
    c->state = CASE_STATE(ENROLLED);
    c->team_id = cmd->team_id;
    c->enrolled_at_ms = d->now_ms;
    c->simulated |= d->actor.simulated;
    clock_stop(d, c, "first-contact");
    emit_enrolled(d, c, referral,
        work_open(
            d, c, "initial-assessment", ROLE(NURSE), NULL, "every factor of the initial assessment, with its date"));
    ask_team(d, c);
    case_sort(d, c);
    return FAULT_NONE;
}

/* ---- The case manager ---- */

static const char *reason_of(const Intake__RecordCaseManager *cmd)
{
    for (size_t i = 0; i < cmd->n_considered; i++) {
        if (cmd->considered[i]->chosen) {
            return cmd->considered[i]->why;
        }
    }
    return "holds the case";
}

static void take_manager(struct decision *d, Intake__Case *c, const Intake__RecordCaseManager *cmd)
{
    c->manager_id = cmd->staff_id;
    c->manager_name = cmd->name;
    cancel_timer(d, "case", c->case_id, MANAGER_TIMER);
    work_cancel(d, c, "find-case-manager", "a case manager was found");
    case_sort(d, c);

    Intake__CaseManagerAssigned *event =
        MAKE(d, Intake__CaseManagerAssigned, intake__case_manager_assigned__descriptor);
    event->case_id = c->case_id;
    event->staff_id = cmd->staff_id;
    event->name = cmd->name;
    event->why = reason_of(cmd);
    event->considered = cmd->considered;
    event->n_considered = cmd->n_considered;
    event->email = cmd->email;
    emit(d, &event->base);
}

static void nobody_found(struct decision *d, Intake__Case *c, const char *why)
{
    Intake__CaseManagerNotFound *event =
        MAKE(d, Intake__CaseManagerNotFound, intake__case_manager_not_found__descriptor);
    event->case_id = c->case_id;
    event->why = why;
    event->considered = c->considered;
    event->n_considered = c->n_considered;
    event->due_at_ms = asked_again_at(d, c);
    emit(d, &event->base);
    if (work_open_of_kind(c, "find-case-manager") == NULL) {
        work_open(d, c, "find-case-manager", ROLE(SUPERVISOR), NULL, why);
    }
    set_timer(d, "case", c->case_id, MANAGER_TIMER, event->due_at_ms);
    case_sort(d, c);
}

enum fault record_case_manager(struct decision *d, Intake__Case *c, const Intake__RecordCaseManager *cmd)
{
    if (!case_is_running(c)) {
        if (cmd->staff_id != NULL && c->team_id != NULL) {
            tell_release(d, c); /* The case ended while the team was choosing. */
        }
        return FAULT_NONE;
    }
    if (c->manager_id != NULL) {
        return FAULT_NONE;
    }
    c->considered = cmd->considered;
    c->n_considered = cmd->n_considered;
    if (cmd->staff_id != NULL) {
        take_manager(d, c, cmd);
        return FAULT_NONE;
    }
    const char *why = cmd->n_considered == 0 ? "the team has no members"
                                             : text_of(d, "none of %s fits: %s",
                                                   say_count(d, cmd->n_considered, "member"), cmd->considered[0]->why);
    nobody_found(d, c, why);
    return FAULT_NONE;
}

/* ---- Timers and questions ---- */

enum fault case_timer(struct decision *d, Intake__Case *c, const char *name, int64_t due_at_ms)
{
    (void)due_at_ms;
    if (case_has_ended(c)) {
        return FAULT_NONE;
    }
    if (!str_same(name, MANAGER_TIMER)) {
        duty_ring(d, c, name);
    } else if (c->manager_id == NULL && case_is_running(c)) {
        if (work_open_of_kind(c, "find-case-manager") == NULL) {
            work_open(d, c, "find-case-manager", ROLE(SUPERVISOR), NULL, "the team has not answered");
        }
        ask_team(d, c);
    }
    case_sort(d, c);
    return FAULT_NONE;
}

enum fault read_case(struct decision *d, const Intake__Case *c, const Intake__ReadCase *query)
{
    if (c == NULL) {
        return refuse_missing(d, "there is no case %s", query->case_id);
    }
    reply(d, &c->base);
    return FAULT_NONE;
}

enum fault list_cases(struct decision *d, const void *none, const Intake__ListCases *query)
{
    (void)none;
    size_t limit = query->limit != 0 ? query->limit : LIST_CASES_LIMIT;
    bool everybody = str_is_empty(query->manager_id);
    const struct index_page *page =
        index_page(d, everybody ? "cases" : "caseload", everybody ? "all" : query->manager_id, limit);
    if (d->wants) {
        return FAULT_WANT;
    }
    Intake__CaseList *list = MAKE(d, Intake__CaseList, intake__case_list__descriptor);
    for (size_t i = 0; i < page->count; i++) {
        Intake__CaseLine *line = MAKE(d, Intake__CaseLine, intake__case_line__descriptor);
        line->case_id = page->lines[i].member;
        line->due_at_ms = page->lines[i].sort;
        APPEND(d, list, cases, line);
    }
    reply(d, &list->base);
    return FAULT_NONE;
}
