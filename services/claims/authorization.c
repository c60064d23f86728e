#include <string.h>

#include "common/core/instant.h"
#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/claims/claims.h"

static const char KIND[] = "authorization";

const char *authorization_word(struct decision *d, const Claims__Authorization *a)
{
    return say_enum(d, &claims__authorization_state__descriptor, a->state);
}

bool authorization_is_with_payer(const Claims__Authorization *a)
{
    return a->state == AUTHORIZATION(SUBMITTED) || a->state == AUTHORIZATION(PENDED);
}

bool authorization_is_decided(const Claims__Authorization *a)
{
    return a->decided_at_ms != 0;
}

/* ---- Asking the payer ---- */

static void put_lines(struct decision *d, const Claims__Authorization *a, Payer__ServiceLine ***lines, size_t *count)
{
    *lines = arena_array(d->arena, a->n_lines, sizeof **lines);
    *count = a->n_lines;
    for (size_t i = 0; i < a->n_lines; i++) {
        (*lines)[i] = a->lines[i]->asked;
    }
}

static void ask_need(struct decision *d, const Claims__Authorization *a)
{
    Payer__AuthorizationNeedQuestion *question =
        MAKE(d, Payer__AuthorizationNeedQuestion, payer__authorization_need_question__descriptor);
    question->payer_id = a->coverage->payer_id;
    question->member = a->coverage->member;
    put_lines(d, a, &question->lines, &question->n_lines);
    ask(d, payer_lane(d, a->coverage->payer_id), KIND, a->authorization_id, &question->base);
}

void ask_authorization(struct decision *d, const Claims__Authorization *a)
{
    Payer__AuthorizationQuestion *question =
        MAKE(d, Payer__AuthorizationQuestion, payer__authorization_question__descriptor);
    question->payer_id = a->coverage->payer_id;
    question->member = a->coverage->member;
    question->reference = a->authorization_id;
    put_lines(d, a, &question->lines, &question->n_lines);
    question->expedited = a->expedited;
    question->from_date = a->from_date;
    question->to_date = a->to_date;
    question->clinical_note = a->clinical_note;
    question->documents = a->documents_sent;
    question->n_documents = a->n_documents_sent;
    ask(d, payer_lane(d, a->coverage->payer_id), KIND, a->authorization_id, &question->base);
}

/* ---- Drafts ---- */

static void say_impossible(struct decision *d, Claims__Authorization *a, const char *why)
{
    a->state = AUTHORIZATION(CANCELLED);
    a->reason = why;
    cancel_timer(d, KIND, a->authorization_id, "draft");
    Claims__AuthorizationImpossible *event =
        MAKE(d, Claims__AuthorizationImpossible, claims__authorization_impossible__descriptor);
    event->case_id = a->case_id;
    event->authorization_id = a->authorization_id;
    event->title = a->title;
    event->why = why;
    emit(d, &event->base);
}

/* A draft goes on as soon as a coverage is active, waits while one may still become so, and ends when none can. */
static void go_on(struct decision *d, const Claims__BenefitFile *file, Claims__Authorization *a)
{
    Claims__CoverageView *coverage = active_coverage(file);
    if (coverage) {
        a->coverage = coverage;
        a->coverage_id = coverage->coverage_id;
        ask_need(d, a);
    } else if (!coverage_is_awaited(file)) {
        say_impossible(d, a, file->uncovered_why ? file->uncovered_why : "no coverage is active");
    }
}

bool continue_drafts(struct decision *d, Claims__BenefitFile *file)
{
    size_t waiting = 0;
    for (size_t i = 0; i < file->n_authorization_ids; i++) {
        const Claims__Authorization *seen = see(d, "claims", KIND, d->root, file->authorization_ids[i]);
        bool waits = seen && seen->state == AUTHORIZATION(DRAFT) && !seen->coverage;
        waiting += waits;
        if (waits && waiting <= DRAFTS_AT_ONCE) {
            Claims__Authorization *a = touch(d, KIND, seen->authorization_id);
            go_on(d, file, a);
        }
    }
    return waiting > DRAFTS_AT_ONCE && (active_coverage(file) || !coverage_is_awaited(file));
}

static void begin_draft(struct decision *d, Claims__BenefitFile *file, Claims__Authorization *a)
{
    a->state = AUTHORIZATION(DRAFT);
    a->zone = file->zone;
    APPEND(d, file, authorization_ids, a->authorization_id);
    set_timer(d, KIND, a->authorization_id, "draft", d->now_ms + DRAFT_HOURS * HOUR_MS);
    go_on(d, file, a);
}

static void add_line(struct decision *d, Claims__Authorization *a, Payer__ServiceLine *asked)
{
    Claims__AuthorizedLine *line = MAKE(d, Claims__AuthorizedLine, claims__authorized_line__descriptor);
    line->asked = asked;
    APPEND(d, a, lines, line);
}

/* ---- From an agreed plan ---- */

static bool asked_already(struct decision *d, const Claims__BenefitFile *file, const Planning__PlannedService *service)
{
    bool found = false;
    for (size_t i = 0; i < file->n_authorization_ids; i++) {
        const Claims__Authorization *a = see(d, "claims", KIND, d->root, file->authorization_ids[i]);
        found |= a && a->state != AUTHORIZATION(CANCELLED) && str_same(a->intervention_id, service->intervention_id);
    }
    return found;
}

static Payer__ServiceLine *line_of(
    struct decision *d, const Claims__BenefitFile *file, const Planning__PlannedService *service)
{
    Payer__ServiceLine *line = MAKE(d, Payer__ServiceLine, payer__service_line__descriptor);
    line->number = 1;
    line->code = service->service_code;
    line->units = service->units ? service->units : 1;
    line->diagnoses = file->diagnoses;
    line->n_diagnoses = file->n_diagnoses;
    return line;
}

static void draft(struct decision *d, Claims__BenefitFile *file, const Planning__PlanAgreed *event,
    const Planning__PlannedService *service)
{
    bool made = false;
    Claims__Authorization *a = require(d, KIND, fresh_id(d), &made);
    if (!a) {
        return;
    }
    a->title = service->title ? service->title : service->service_code->code;
    a->plan_id = event->plan_id;
    a->intervention_id = service->intervention_id;
    struct date from = today(d, file->zone);
    a->from_date = date_text(d, from);
    a->to_date = date_text(d, date_add_days(from, AUTHORIZATION_DAYS));
    a->clinical_note = text_of(d, "Case management programme %s. Plan of care %s by the %s: %s. Asked for: %s, %s.",
        file->programme ? file->programme : "not named", "agreed", event->by ? event->by : "patient",
        event->summary ? event->summary : "no summary", a->title,
        say_count(d, service->units ? service->units : 1, "unit"));
    const char *plan_of_care = "plan-of-care";
    APPEND(d, a, documents_sent, plan_of_care);
    add_line(d, a, line_of(d, file, service));
    begin_draft(d, file, a);
}

enum fault draft_authorizations(struct decision *d, const Planning__PlanAgreed *event)
{
    bool made = false;
    Claims__BenefitFile *file = require(d, "benefit_file", event->case_id, &made);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (made) {
        file->zone = event->zone;
        file->uncovered_why = "the enrolment told of none";
    }
    size_t drafted = 0;
    for (size_t i = 0; i < event->n_services; i++) {
        const Planning__PlannedService *service = event->services[i];
        if (!service->service_code || str_is_empty(service->service_code->code) || asked_already(d, file, service)) {
            continue;
        }
        if (drafted == PLANNED_SERVICES_MAX || file->n_authorization_ids >= FILE_ITEMS_MAX) {
            open_work(d, file, "authorization-by-hand", event->plan_id, service->title,
                "the plan has more services than are drafted at once");
            break;
        }
        draft(d, file, event, service);
        drafted++;
    }
    return d->wants ? FAULT_WANT : FAULT_NONE;
}

/* ---- By hand ---- */

static const char *repeated_number(struct decision *d, Payer__ServiceLine *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (lines[i]->number == lines[k]->number) {
                return text_of(d, "line number %u is given twice", lines[i]->number);
            }
        }
    }
    return NULL;
}

enum fault request_authorization(struct decision *d, Claims__Authorization *a, const Claims__RequestAuthorization *cmd)
{
    struct date from = {0}, to = {0};
    if (a->state) {
        return refuse(d, "authorisation %s exists already and is %s", a->authorization_id, authorization_word(d, a));
    }
    Claims__BenefitFile *file = touch_file(d);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!file) {
        return refuse_missing(d, "case %s has no benefit file: enrol it first", cmd->case_id);
    }
    if (file->n_authorization_ids >= FILE_ITEMS_MAX) {
        return refuse(d, "case %s cannot have more than %d authorisations", cmd->case_id, FILE_ITEMS_MAX);
    }
    if (!date_parse(cmd->from_date, &from) || !date_parse(cmd->to_date, &to) || date_compare(from, to) > 0) {
        return refuse(d, "the dates %s to %s end before they begin", cmd->from_date, cmd->to_date);
    }
    const char *twice = repeated_number(d, cmd->lines, cmd->n_lines);
    if (twice) {
        return refuse(d, "%s", twice);
    }
    for (size_t i = 0; i < cmd->n_lines; i++) {
        if (!code_is_billable(cmd->lines[i]->code->code)) {
            return refuse(
                d, "line %u: %s is neither a CPT nor a HCPCS code", cmd->lines[i]->number, cmd->lines[i]->code->code);
        }
        add_line(d, a, cmd->lines[i]);
    }
    a->title = cmd->title;
    SET(a, expedited, cmd->expedited);
    a->from_date = cmd->from_date;
    a->to_date = cmd->to_date;
    a->clinical_note = cmd->clinical_note;
    a->plan_id = cmd->plan_id;
    a->intervention_id = cmd->intervention_id;
    a->documents_sent = cmd->documents;
    a->n_documents_sent = cmd->n_documents;
    begin_draft(d, file, a);
    reply(d, &a->base);
    return FAULT_NONE;
}

static bool has_text(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (str_same(list[i], text)) {
            return true;
        }
    }
    return false;
}

enum fault send_documents(struct decision *d, Claims__Authorization *a, const Claims__SendDocuments *cmd)
{
    Claims__BenefitFile *file = touch_file(d);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!authorization_is_with_payer(a)) {
        return refuse(d, "authorisation %s is %s, documents go to a payer that has not decided", a->authorization_id,
            authorization_word(d, a));
    }
    if (str_is_empty(cmd->clinical_note) && cmd->n_documents == 0 && !a->set_aside) {
        return refuse(d, "there is nothing to send: give a clinical note or documents");
    }
    a->clinical_note = str_is_empty(cmd->clinical_note) ? a->clinical_note : cmd->clinical_note;
    for (size_t i = 0; i < cmd->n_documents; i++) {
        if (!has_text((const char *const *)a->documents_sent, a->n_documents_sent, cmd->documents[i])) {
            APPEND(d, a, documents_sent, cmd->documents[i]);
        }
    }
    SET(a, set_aside, false);
    if (file) {
        close_work(d, file, "documents-missing", a->authorization_id);
        close_work(d, file, "answer-set-aside", a->authorization_id);
    }
    ask_authorization(d, a);
    reply(d, &a->base);
    return FAULT_NONE;
}

/* ---- Need ---- */

static bool is_drug(const Claims__Authorization *a)
{
    for (size_t i = 0; i < a->n_lines; i++) {
        if (str_starts_with(a->lines[i]->asked->code->code, "J")) {
            return true;
        }
    }
    return false;
}

static void submit(struct decision *d, Claims__Authorization *a)
{
    a->state = AUTHORIZATION(SUBMITTED);
    a->submitted_at_ms = d->now_ms;
    const Casebus__ClockRule *rule =
        clock_rule(d, is_drug(a) ? "authorization-drug" : "authorization", a->coverage->line);
    Casebus__Clock *clock = rule ? start_clock(d, rule, a->expedited, a->zone, d->now_ms) : NULL;
    if (clock) {
        APPEND(d, a, clocks, clock);
        watch_clock(d, clock, KIND, a->authorization_id);
    }
    ask_authorization(d, a);
    Claims__AuthorizationRequested *event =
        MAKE(d, Claims__AuthorizationRequested, claims__authorization_requested__descriptor);
    event->case_id = a->case_id;
    event->authorization_id = a->authorization_id;
    event->title = a->title;
    event->payer_name = a->coverage->payer_name;
    event->due_at_ms = clock ? clock->due_at_ms : 0;
    emit(d, &event->base);
}

static void note_not_required(struct decision *d, Claims__Authorization *a, const char *rule_id)
{
    a->state = AUTHORIZATION(NOT_REQUIRED);
    Claims__AuthorizationNotRequired *event =
        MAKE(d, Claims__AuthorizationNotRequired, claims__authorization_not_required__descriptor);
    event->case_id = a->case_id;
    event->authorization_id = a->authorization_id;
    event->title = a->title;
    event->rule_id = rule_id;
    emit(d, &event->base);
}

/* Told twice is told once. An answer without yes or no counts as yes: asking too much costs time, asking too little
 * money. */
enum fault need_answered(struct decision *d, Claims__Authorization *a, const Payer__AuthorizationNeedAnswer *answer)
{
    if (a->state != AUTHORIZATION(DRAFT) || !a->coverage) {
        return FAULT_NONE;
    }
    cancel_timer(d, KIND, a->authorization_id, "draft");
    a->need_rule = answer->rule_id;
    a->documents = answer->documents;
    a->n_documents = answer->n_documents;
    if (answer->has_required && !answer->required) {
        note_not_required(d, a, answer->rule_id);
    } else {
        submit(d, a);
    }
    return FAULT_NONE;
}

enum fault read_authorization(
    struct decision *d, const Claims__Authorization *a, const Claims__ReadAuthorization *query)
{
    if (!a) {
        return refuse_missing(d, "there is no authorisation %s", query->authorization_id);
    }
    reply(d, &a->base);
    return FAULT_NONE;
}
