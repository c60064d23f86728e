#include <string.h>

#include "common/core/id.h"
#include "common/core/instant.h"
#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/claims/claims.h"

Claims__BenefitFile *touch_file(struct decision *d)
{
    return touch(d, "benefit_file", d->root);
}

/* ---- Coverages ---- */

/* Workers' compensation pays first and Medicaid last, by law; the others in the order in which the referral has them
 * (facts 5.3). */
static int payment_rank(Casebus__LineOfBusiness line)
{
    return line == BUSINESS(WORKERS_COMPENSATION) ? 0 : line == BUSINESS(MEDICAID) || line == BUSINESS(CHIP) ? 2 : 1;
}

static void put_in_order(Claims__BenefitFile *file)
{
    for (size_t i = 1; i < file->n_coverages; i++) {
        Claims__CoverageView *view = file->coverages[i];
        size_t at = i;
        for (; at > 0 && payment_rank(file->coverages[at - 1]->line) > payment_rank(view->line); at--) {
            file->coverages[at] = file->coverages[at - 1];
        }
        file->coverages[at] = view;
    }
}

Claims__CoverageView *active_coverage(const Claims__BenefitFile *file)
{
    for (size_t i = 0; i < file->n_coverages; i++) {
        if (file->coverages[i]->state == COVERAGE(ACTIVE)) {
            return file->coverages[i];
        }
    }
    return NULL;
}

bool coverage_is_awaited(const Claims__BenefitFile *file)
{
    for (size_t i = 0; i < file->n_coverages; i++) {
        if (file->coverages[i]->state == COVERAGE(UNVERIFIED)) {
            return true;
        }
    }
    return false;
}

static Claims__CoverageView **find_view(const Claims__BenefitFile *file, const char *coverage_id)
{
    for (size_t i = 0; i < file->n_coverages; i++) {
        if (strcmp(file->coverages[i]->coverage_id, coverage_id) == 0) {
            return &file->coverages[i];
        }
    }
    return NULL;
}

static void put_view(struct decision *d, Claims__BenefitFile *file, Claims__CoverageView *view)
{
    Claims__CoverageView **known = find_view(file, view->coverage_id);
    if (known) {
        *known = view;
    } else if (file->n_coverages < FILE_ITEMS_MAX) {
        APPEND(d, file, coverages, view);
    }
    put_in_order(file);
}

/* ---- Opening ---- */

static Payer__Member *member_of(
    struct decision *d, const Intake__PatientFacts *patient, const Intake__CoverageFact *fact)
{
    Payer__Member *member = MAKE(d, Payer__Member, payer__member__descriptor);
    member->member_id = fact->member_id;
    member->family_name = patient->family_name;
    member->given_name = patient->given_name;
    member->birth_date = patient->birth_date;
    member->sex = patient->sex;
    return member;
}

/* The same for every case of that person: made of payer, card and person, because a family may share one card, and what the payer
 * says of one of them is not to be told of another. */
static const char *coverage_id_of(struct decision *d, const char *payer_id, const Payer__Member *member)
{
    return identity_key(
        d, text_of(d, "coverage|%s|%s|%s|%s|%s|%d", payer_id, member->member_id ? member->member_id : "",
               member->family_name, member->given_name, member->birth_date, (int)member->sex));
}

static void ask_to_record(struct decision *d, Claims__BenefitFile *file, const Claims__CoverageView *view)
{
    Claims__RecordCoverage *record = MAKE(d, Claims__RecordCoverage, claims__record_coverage__descriptor);
    record->coverage_id = view->coverage_id;
    record->case_id = file->case_id;
    record->payer_id = view->payer_id;
    record->payer_name = view->payer_name;
    record->line = view->line;
    record->member = view->member;
    record->start_date = view->start_date;
    record->end_date = view->end_date;
    tell(d, &record->base);
}

static void add_coverage(struct decision *d, Claims__BenefitFile *file, const Insurers__Payer *payer, bool only,
    const Intake__PatientFacts *patient, const Intake__CoverageFact *fact)
{
    Claims__CoverageView *view = MAKE(d, Claims__CoverageView, claims__coverage_view__descriptor);
    view->member = member_of(d, patient, fact);
    view->coverage_id = coverage_id_of(d, payer->payer_id, view->member);
    view->payer_id = payer->payer_id;
    view->payer_name = payer->name;
    view->line = only && fact->line ? fact->line : payer->line;
    view->state = COVERAGE(UNVERIFIED);
    view->start_date = fact->start_date;
    view->end_date = fact->end_date;
    if (!find_view(file, view->coverage_id)) {
        put_view(d, file, view);
        ask_to_record(d, file, view);
    }
}

static void say_missing(struct decision *d, const char *case_id, const char *why)
{
    Claims__CoverageMissing *event = MAKE(d, Claims__CoverageMissing, claims__coverage_missing__descriptor);
    event->case_id = case_id;
    event->why = why;
    emit(d, &event->base);
}

/* Why no coverage comes of the fact; NULL when one does. */
static const char *take_coverage(struct decision *d, Claims__BenefitFile *file, const Intake__PatientFacts *patient,
    const Intake__CoverageFact *fact)
{
    if (fact->line == BUSINESS(SELF_PAY)) {
        return "self pay";
    }
    if (str_is_empty(fact->payer_name)) {
        return "the referral does not name the payer";
    }
    const Insurers__Payer *payer;
    size_t count = 0;
    for (size_t cursor = 0; (payer = next_payer(d, fact->payer_name, &cursor)); count++) {
        if (payer->line == BUSINESS(SELF_PAY)) {
            return "self pay";
        }
    }
    for (size_t cursor = 0; (payer = next_payer(d, fact->payer_name, &cursor));) {
        add_coverage(d, file, payer, count == 1, patient, fact);
    }
    return count > 0 ? NULL : text_of(d, "%s is no payer that we know", fact->payer_name);
}

static void take_patient(struct decision *d, Claims__BenefitFile *file, const Intake__CaseEnrolled *event)
{
    const Intake__PatientFacts *patient = event->patient;
    file->zone = event->zone;
    file->programme = event->programme;
    SET(file, simulated, event->simulated);
    for (size_t i = 0; i < event->n_groups && i < DIAGNOSES_MAX; i++) {
        Casebus__Coding *code = MAKE(d, Casebus__Coding, casebus__coding__descriptor);
        code->system = CONDITION_GROUP_SYSTEM;
        code->code = event->groups[i];
        APPEND(d, file, diagnoses, code);
    }
    if (patient) {
        file->patient_name = text_of(d, "%s %s", patient->given_name, patient->family_name);
        file->language = patient->language;
    }
}

enum fault open_file(struct decision *d, const Intake__CaseEnrolled *event)
{
    bool made = false;
    Claims__BenefitFile *file = require(d, "benefit_file", event->case_id, &made);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!made) {
        return FAULT_NONE;
    }
    take_patient(d, file, event);
    for (size_t i = 0; event->patient && i < event->patient->n_coverages; i++) {
        const char *why = take_coverage(d, file, event->patient, event->patient->coverages[i]);
        if (why) {
            file->uncovered_why = why;
            say_missing(d, file->case_id, why);
        }
    }
    if (file->n_coverages == 0 && !file->uncovered_why) {
        file->uncovered_why = "the referral tells of none";
        say_missing(d, file->case_id, file->uncovered_why);
    }
    SET(file, uncovered_told, file->n_coverages == 0);
    return FAULT_NONE;
}

/* ---- Answers about coverages ---- */

static void say_verified(struct decision *d, const Claims__BenefitFile *file, const Claims__CoverageView *view)
{
    Claims__CoverageVerified *event = MAKE(d, Claims__CoverageVerified, claims__coverage_verified__descriptor);
    event->case_id = file->case_id;
    event->coverage_id = view->coverage_id;
    event->payer_name = view->payer_name;
    event->plan_name = view->plan_name;
    event->status = view->state == COVERAGE(ACTIVE) ? "active" : text_of(d, "not active, %s", view->why_inactive);
    emit(d, &event->base);
}

/* What asks for a coverage is the file itself, so it is there; a stranger's command makes none. */
enum fault link_coverage(struct decision *d, Claims__BenefitFile *file, const Claims__LinkCoverage *cmd)
{
    Claims__CoverageView **known = find_view(file, cmd->coverage->coverage_id);
    bool news = !known || (*known)->state != cmd->coverage->state;
    put_view(d, file, cmd->coverage);
    if (news) {
        say_verified(d, file, cmd->coverage);
    }
    bool more = continue_drafts(d, file);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (more) {
        tell(d, &cmd->base);
    }
    if (!active_coverage(file) && !coverage_is_awaited(file) && !file->uncovered_told) {
        SET(file, uncovered_told, true);
        file->uncovered_why = "no coverage is active";
        say_missing(d, file->case_id, file->uncovered_why);
    }
    return FAULT_NONE;
}

enum fault read_benefit_file(struct decision *d, const Claims__BenefitFile *file, const Claims__ReadBenefitFile *query)
{
    if (!file) {
        return refuse_missing(d, "case %s has no benefit file", query->case_id);
    }
    reply(d, &file->base);
    return FAULT_NONE;
}

/* ---- Work for a person ---- */

static const char *work_id_of(struct decision *d, const char *kind, const char *subject_id)
{
    const char *id = text_of(d, "%s.%s", kind, subject_id);
    return strlen(id) <= ID_LENGTH_MAX ? id : identity_key(d, id);
}

static Casebus__WorkItem *find_work(const Claims__BenefitFile *file, const char *work_id)
{
    for (size_t i = 0; i < file->n_work; i++) {
        if (strcmp(file->work[i]->work_id, work_id) == 0 &&
            file->work[i]->state == CASEBUS__WORK_STATE__WORK_STATE_OPEN) {
            return file->work[i];
        }
    }
    return NULL;
}

/* The oldest that is done makes room; the log keeps it. */
static void make_room(Claims__BenefitFile *file)
{
    for (size_t i = 0; file->n_work >= FILE_WORK_MAX && i < file->n_work; i++) {
        if (file->work[i]->state != CASEBUS__WORK_STATE__WORK_STATE_OPEN) {
            memmove(&file->work[i], &file->work[i + 1], (file->n_work - i - 1) * sizeof file->work[i]);
            file->n_work--;
            return;
        }
    }
}

void open_work(struct decision *d, Claims__BenefitFile *file, const char *kind, const char *subject_id,
    const char *title, const char *because)
{
    const char *work_id = work_id_of(d, kind, subject_id);
    Casebus__WorkItem *work = find_work(file, work_id);
    if (work) {
        work->level++;
        work->because = because;
        return;
    }
    make_room(file);
    work = MAKE(d, Casebus__WorkItem, casebus__work_item__descriptor);
    work->work_id = work_id;
    work->kind = kind;
    work->title = title;
    work->state = CASEBUS__WORK_STATE__WORK_STATE_OPEN;
    work->owner_role = ROLE(BILLER);
    work->opened_at_ms = d->now_ms;
    work->due_at_ms = d->now_ms + WORK_HOURS * HOUR_MS;
    work->because = because;
    APPEND(d, file, work, work);
}

void close_work(struct decision *d, Claims__BenefitFile *file, const char *kind, const char *subject_id)
{
    Casebus__WorkItem *work = find_work(file, work_id_of(d, kind, subject_id));
    if (work) {
        work->state = CASEBUS__WORK_STATE__WORK_STATE_DONE;
        work->done_at_ms = d->now_ms;
    }
}

void set_answer_aside(struct decision *d, Claims__BenefitFile *file, const char *subject_id, const char *title,
    const char *payer_name, const char *why)
{
    Claims__AnswerSetAside *event = MAKE(d, Claims__AnswerSetAside, claims__answer_set_aside__descriptor);
    event->case_id = file->case_id;
    event->subject_id = subject_id;
    event->title = title;
    event->payer_name = payer_name;
    event->why = why;
    emit(d, &event->base);
    open_work(d, file, "answer-set-aside", subject_id, title, why);
}
