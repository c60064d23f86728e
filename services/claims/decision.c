#include <string.h>

#include "common/core/instant.h"
#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/claims/claims.h"

#define ACTION(name) PAYER__REVIEW_ACTION__REVIEW_ACTION_##name

static const char KIND[] = "authorization";

enum { DOCUMENTS_TOLD_MAX = 8 }; /* In one sentence; the authorisation keeps all. */

/* ---- What cannot be true ---- */

static Claims__AuthorizedLine *find_line(const Claims__Authorization *a, uint32_t number)
{
    for (size_t i = 0; i < a->n_lines; i++) {
        if (a->lines[i]->asked->number == number) {
            return a->lines[i];
        }
    }
    return NULL;
}

static const Payer__LineDecision *find_decision(Payer__LineDecision *const *lines, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (lines[i]->number == number) {
            return lines[i];
        }
    }
    return NULL;
}

const char *lines_lie(
    struct decision *d, const Claims__Authorization *a, Payer__LineDecision *const *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const Claims__AuthorizedLine *line = find_line(a, lines[i]->number);
        if (!line) {
            return text_of(d, "it decides on line %u, which nobody asked for", lines[i]->number);
        }
        if (find_decision(lines, count, lines[i]->number) != lines[i]) {
            return text_of(d, "it decides on line %u twice", lines[i]->number);
        }
        if (lines[i]->has_units && lines[i]->units > line->asked->units) {
            return text_of(d, "it grants %u units on line %u, asked were %u", lines[i]->units, lines[i]->number,
                line->asked->units);
        }
        if (lines[i]->action == ACTION(CERTIFIED) && lines[i]->has_units && lines[i]->units != line->asked->units) {
            return text_of(d, "it certifies line %u in total, but %u of %u units", lines[i]->number, lines[i]->units,
                line->asked->units);
        }
    }
    return NULL;
}

static bool dates_are_inverted(const char *from_date, const char *to_date)
{
    struct date from, to;
    return from_date && to_date && date_parse(from_date, &from) && date_parse(to_date, &to) &&
           date_compare(from, to) > 0;
}

static const char *reason_of(const Payer__AuthorizationAnswer *answer)
{
    for (size_t i = 0; i < answer->n_lines; i++) {
        if (!str_is_empty(answer->lines[i]->reason_code)) {
            return answer->lines[i]->reason_code;
        }
    }
    return NULL;
}

static const char *denial_lies(const Payer__AuthorizationAnswer *answer)
{
    const char *code = reason_of(answer);
    if (!code) {
        return "it denies without a specific reason";
    }
    if (strcmp(code, "not-medically-necessary") == 0 &&
        (str_is_empty(answer->decided_by) || str_is_empty(answer->criterion))) {
        return "it denies for medical necessity without naming the physician and the criterion";
    }
    return NULL;
}

static bool grants_something(const Payer__AuthorizationAnswer *answer)
{
    for (size_t i = 0; i < answer->n_lines; i++) {
        if (answer->lines[i]->action != ACTION(NOT_CERTIFIED) && answer->lines[i]->units > 0) {
            return true;
        }
    }
    return false;
}

static const char *answer_lies(
    struct decision *d, const Claims__Authorization *a, const Payer__AuthorizationAnswer *answer)
{
    const char *lie = lines_lie(d, a, answer->lines, answer->n_lines);
    if (lie) {
        return lie;
    }
    if (dates_are_inverted(answer->from_date, answer->to_date)) {
        return "its dates end before they begin";
    }
    switch (answer->action) {
    case ACTION(CERTIFIED):
        return str_is_empty(answer->authorization_number) ? "it approves without a number" : NULL;
    case ACTION(PARTIAL):
    case ACTION(MODIFIED):
        if (str_is_empty(answer->authorization_number)) {
            return "it approves without a number";
        }
        return grants_something(answer) ? NULL : "it approves in part and grants no unit";
    case ACTION(NOT_CERTIFIED):
        return denial_lies(answer);
    case ACTION(PENDED):
    case ACTION(NOT_REQUIRED):
        return NULL;
    case ACTION(CANCELLED):
        return "it cancels what nobody cancelled";
    case ACTION(UNSPECIFIED):
    case _PAYER__REVIEW_ACTION_IS_INT_SIZE:
        break;
    }
    return "it decides nothing";
}

/* ---- What is decided ---- */

void approve(struct decision *d, Claims__Authorization *a, Payer__LineDecision *const *lines, size_t count,
    const char *number, const char *from_date, const char *to_date)
{
    bool whole = true;
    for (size_t i = 0; i < a->n_lines; i++) {
        Claims__AuthorizedLine *line = a->lines[i];
        const Payer__LineDecision *decision = find_decision(lines, count, line->asked->number);
        bool denied = decision && decision->action == ACTION(NOT_CERTIFIED);
        line->decision = (Payer__LineDecision *)decision;
        line->units_approved = denied ? 0 : decision && decision->has_units ? decision->units : line->asked->units;
        whole &= line->units_approved == line->asked->units;
    }
    a->state = whole ? AUTHORIZATION(APPROVED) : AUTHORIZATION(PARTIAL);
    a->authorization_number = number;
    a->from_date = from_date ? from_date : a->from_date;
    a->to_date = to_date ? to_date : a->to_date;
    a->decided_at_ms = d->now_ms;
    struct date to;
    if (date_parse(a->to_date, &to)) {
        int days = date_days_between(today(d, a->zone), to);
        set_timer(d, KIND, a->authorization_id, "expires", end_of_day_after(d, a->zone, d->now_ms, days));
        if (days > RENEWAL_DAYS) {
            set_timer(
                d, KIND, a->authorization_id, "renewal", end_of_day_after(d, a->zone, d->now_ms, days - RENEWAL_DAYS));
        }
    }
}

static void deny(Claims__Authorization *a, const Payer__AuthorizationAnswer *answer, int64_t now_ms)
{
    for (size_t i = 0; i < a->n_lines; i++) {
        a->lines[i]->decision =
            (Payer__LineDecision *)find_decision(answer->lines, answer->n_lines, a->lines[i]->asked->number);
        SET(a->lines[i], units_approved, 0);
    }
    a->state = AUTHORIZATION(DENIED);
    a->decided_at_ms = now_ms;
}

static const char *units_text(struct decision *d, const Claims__Authorization *a)
{
    uint32_t units = units_approved(a);
    return units ? text_of(d, "%s from %s to %s", say_count(d, units, "unit"), a->from_date, a->to_date) : NULL;
}

/* The reason of the first line that was cut, as the member may read it. */
static const char *decision_reason(struct decision *d, const Claims__Authorization *a, const char *language)
{
    for (size_t i = 0; i < a->n_lines; i++) {
        const Payer__LineDecision *line = a->lines[i]->decision;
        if (line && a->lines[i]->units_approved < a->lines[i]->asked->units) {
            const char *plain = plain_reason(d, line->reason_code, language);
            return plain ? plain : line->reason;
        }
    }
    return NULL;
}

void say_decided(struct decision *d, Claims__Authorization *a, const char *language)
{
    bool whole = a->state == AUTHORIZATION(APPROVED);
    if (!whole) {
        const Claims__AppealRight *right = appeal_right(d, a->coverage->line);
        a->appeal_until_ms = end_of_day_after(d, a->zone, d->now_ms, (int)right->file_days);
        set_timer(d, KIND, a->authorization_id, "appeal-window", a->appeal_until_ms);
    }
    a->reason = whole ? NULL : decision_reason(d, a, language);
    Claims__AuthorizationDecided *event =
        MAKE(d, Claims__AuthorizationDecided, claims__authorization_decided__descriptor);
    event->case_id = a->case_id;
    event->authorization_id = a->authorization_id;
    event->title = a->title;
    event->result = whole ? "approved" : a->state == AUTHORIZATION(PARTIAL) ? "approved in part" : "denied";
    event->state = a->state;
    event->units_text = units_text(d, a);
    event->reason = a->reason;
    event->appeal_until_ms = whole ? 0 : a->appeal_until_ms;
    event->payer_name = a->coverage->payer_name;
    event->intervention_id = a->intervention_id;
    event->plan_id = a->plan_id;
    event->authorization_number = a->authorization_number;
    emit(d, &event->base);
}

static const char *documents_text(struct decision *d, const Payer__AuthorizationAnswer *answer)
{
    const char *text = text_of(d, "it asks for %s", answer->documents[0]);
    for (size_t i = 1; i < answer->n_documents && i < DOCUMENTS_TOLD_MAX; i++) {
        text = text_of(d, "%s, %s", text, answer->documents[i]);
    }
    return text;
}

static void pend(
    struct decision *d, Claims__BenefitFile *file, Claims__Authorization *a, const Payer__AuthorizationAnswer *answer)
{
    a->state = AUTHORIZATION(PENDED);
    Claims__AuthorizationPended *event = MAKE(d, Claims__AuthorizationPended, claims__authorization_pended__descriptor);
    event->case_id = a->case_id;
    event->authorization_id = a->authorization_id;
    event->title = a->title;
    event->payer_name = a->coverage->payer_name;
    const Casebus__Clock *clock = open_clock(a->clocks, a->n_clocks);
    event->due_at_ms = clock ? clock->due_at_ms : 0;
    if (answer->n_documents) {
        a->documents = answer->documents;
        a->n_documents = answer->n_documents;
        event->reason = documents_text(d, answer);
        open_work(
            d, file, "documents-missing", a->authorization_id, a->title, "the payer asks for documents: send them");
    }
    emit(d, &event->base);
}

/* The legal clock starts with the payer's receipt: believed when it lies between our asking and now. */
static void recount(struct decision *d, Claims__Authorization *a, int64_t received_at_ms)
{
    Casebus__Clock *clock = open_clock(a->clocks, a->n_clocks);
    if (a->received_at_ms || received_at_ms < a->submitted_at_ms || received_at_ms > d->now_ms) {
        return;
    }
    a->received_at_ms = received_at_ms;
    const Casebus__ClockRule *rule = clock ? clock_rule(d, clock->name, a->coverage->line) : NULL;
    if (rule && clock->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING) {
        clock->happened_at_ms = received_at_ms;
        clock->due_at_ms = clock_due(d, rule, a->expedited, a->zone, received_at_ms);
        watch_clock(d, clock, KIND, a->authorization_id);
    }
}

static void decide(
    struct decision *d, Claims__BenefitFile *file, Claims__Authorization *a, const Payer__AuthorizationAnswer *answer)
{
    a->decided_by = answer->decided_by;
    a->criterion = answer->criterion;
    a->reason_code = reason_of(answer);
    stop_clock(d, open_clock(a->clocks, a->n_clocks), KIND, a->authorization_id, d->now_ms);
    close_work(d, file, "documents-missing", a->authorization_id);
    close_work(d, file, "payer-is-late", a->authorization_id);
    if (answer->action == ACTION(NOT_CERTIFIED)) {
        deny(a, answer, d->now_ms);
    } else {
        approve(d, a, answer->lines, answer->n_lines, answer->authorization_number, answer->from_date, answer->to_date);
    }
    say_decided(d, a, file->language);
}

static bool says_the_same(const Claims__Authorization *a, const Payer__AuthorizationAnswer *answer)
{
    bool denied = answer->action == ACTION(NOT_CERTIFIED);
    return answer->action == ACTION(PENDED) || (a->state == AUTHORIZATION(DENIED) && denied) ||
           (!denied && str_same(a->authorization_number, answer->authorization_number));
}

enum fault authorization_answered(
    struct decision *d, Claims__Authorization *a, const Payer__AuthorizationAnswer *answer)
{
    Claims__BenefitFile *file = require(d, "benefit_file", d->root, NULL);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!authorization_is_with_payer(a)) {
        if (authorization_is_decided(a) && !says_the_same(a, answer)) {
            set_answer_aside(
                d, file, a->authorization_id, a->title, a->coverage->payer_name, "it has decided otherwise before");
        }
        return FAULT_NONE;
    }
    const char *lie = answer_lies(d, a, answer);
    if (lie) {
        SET(a, set_aside, true);
        set_answer_aside(d, file, a->authorization_id, a->title, a->coverage->payer_name, lie);
        return FAULT_NONE;
    }
    recount(d, a, answer->received_at_ms);
    if (answer->action == ACTION(PENDED)) {
        pend(d, file, a, answer);
    } else if (answer->action == ACTION(NOT_REQUIRED)) {
        stop_clock(d, open_clock(a->clocks, a->n_clocks), KIND, a->authorization_id, d->now_ms);
        a->state = AUTHORIZATION(NOT_REQUIRED);
        Claims__AuthorizationNotRequired *event =
            MAKE(d, Claims__AuthorizationNotRequired, claims__authorization_not_required__descriptor);
        event->case_id = a->case_id;
        event->authorization_id = a->authorization_id;
        event->title = a->title;
        event->rule_id = answer->criterion ? answer->criterion : "the payer says so";
        emit(d, &event->base);
    } else {
        decide(d, file, a, answer);
    }
    return FAULT_NONE;
}

/* ---- Timers ---- */

static void say_overdue(
    struct decision *d, const Claims__Authorization *a, const char *payer_name, const char *right, unsigned level)
{
    Claims__AuthorizationOverdue *event =
        MAKE(d, Claims__AuthorizationOverdue, claims__authorization_overdue__descriptor);
    event->case_id = a->case_id;
    event->authorization_id = a->authorization_id;
    event->title = a->title;
    event->payer_name = payer_name;
    event->right = right;
    event->level = level;
    emit(d, &event->base);
}

/* Overdue decides nothing. Where silence counts as a denial by law, the window to appeal opens. */
static void payer_is_late(struct decision *d, Claims__BenefitFile *file, Claims__Authorization *a, unsigned level)
{
    const Claims__AppealRight *right = appeal_right(d, a->coverage->line);
    if (level == 3 && right->silence_opens_appeal) {
        a->appeal_until_ms = end_of_day_after(d, a->zone, d->now_ms, (int)right->file_days);
    }
    say_overdue(d, a, a->coverage->payer_name, right->when_silent, level);
    open_work(d, file, "payer-is-late", a->authorization_id, a->title, right->when_silent);
}

static void decision_rings(struct decision *d, Claims__BenefitFile *file, Claims__Authorization *a, unsigned level)
{
    Casebus__Clock *clock = open_clock(a->clocks, a->n_clocks);
    if (!clock || !authorization_is_with_payer(a)) {
        return;
    }
    clock_rings(d, clock, level, KIND, a->authorization_id, a->title, a->coverage->payer_name);
    /* A question that was answered has left the lane: who pended may have forgotten it. */
    if (level <= 2 && (a->state == AUTHORIZATION(PENDED) || a->set_aside)) {
        ask_authorization(d, a);
    }
    if (level >= 3) {
        payer_is_late(d, file, a, level);
    }
}

static void draft_is_stuck(struct decision *d, Claims__BenefitFile *file, Claims__Authorization *a)
{
    if (a->state != AUTHORIZATION(DRAFT)) {
        return;
    }
    const char *payer_name = a->coverage ? a->coverage->payer_name : "the payer";
    const char *why = a->coverage ? "it has not said whether authorisation is needed: phone it"
                                  : "it has not said whether the patient is covered: phone it";
    say_overdue(d, a, payer_name, why, 1);
    open_work(d, file, "payer-is-late", a->authorization_id, a->title, why);
    set_timer(d, KIND, a->authorization_id, "draft", d->now_ms + OVERDUE_AGAIN_DAYS * DAY_MS);
}

static void window_closes(struct decision *d, const Claims__Authorization *a)
{
    if (a->appeal_id || (a->state != AUTHORIZATION(DENIED) && a->state != AUTHORIZATION(PARTIAL))) {
        return;
    }
    Claims__AppealWindowClosed *event = MAKE(d, Claims__AppealWindowClosed, claims__appeal_window_closed__descriptor);
    event->case_id = a->case_id;
    event->title = a->title;
    emit(d, &event->base);
}

enum fault authorization_timer(struct decision *d, Claims__Authorization *a, const char *name, int64_t due_at_ms)
{
    (void)due_at_ms;
    Claims__BenefitFile *file = require(d, "benefit_file", d->root, NULL);
    if (d->wants) {
        return FAULT_WANT;
    }
    unsigned level = clock_level(name);
    if (level) {
        decision_rings(d, file, a, level);
    } else if (strcmp(name, "draft") == 0) {
        draft_is_stuck(d, file, a);
    } else if (strcmp(name, "appeal-window") == 0) {
        window_closes(d, a);
    } else if (strcmp(name, "expires") == 0) {
        end_of_dates(d, a);
    } else if (strcmp(name, "renewal") == 0) {
        renewal_is_due(d, a, text_of(d, "ends on %s", a->to_date));
    }
    return FAULT_NONE;
}
