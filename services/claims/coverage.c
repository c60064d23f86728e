#include <string.h>

#include "common/core/instant.h"
#include "common/core/slice.h"
#include "services/claims/claims.h"

/* ---- The directory ---- */

static bool payer_is_called(const Insurers__Payer *payer, const char *name)
{
    if (str_same_ignoring_case(payer->name, name)) {
        return true;
    }
    for (size_t i = 0; i < payer->n_aliases; i++) {
        if (str_same_ignoring_case(payer->aliases[i], name)) {
            return true;
        }
    }
    return false;
}

const Insurers__Payer *next_payer(struct decision *d, const char *name, size_t *cursor)
{
    size_t seen = 0;
    const Insurers__Payers *book;
    for (size_t file = 0; (book = reference_each(d, &insurers__payers__descriptor, &file));) {
        for (size_t i = 0; i < book->n_payers; i++, seen++) {
            if (seen >= *cursor && payer_is_called(book->payers[i], name)) {
                *cursor = seen + 1;
                return book->payers[i];
            }
        }
    }
    *cursor = seen;
    return NULL;
}

/* ---- Asking ---- */

static void ask_eligibility(struct decision *d, Claims__Coverage *coverage)
{
    Payer__EligibilityQuestion *question = MAKE(d, Payer__EligibilityQuestion, payer__eligibility_question__descriptor);
    question->payer_id = coverage->payer_id;
    question->member = coverage->member;
    question->service_date = date_text(d, today(d, NULL));
    question->line = coverage->line;
    ask(d, payer_lane(d, coverage->payer_id), "coverage", coverage->coverage_id, &question->base);
    coverage->asked_at_ms = d->now_ms;
}

static Claims__CoverageView *view_of(struct decision *d, const Claims__Coverage *coverage)
{
    static const char *const WHY[] = {
        [PAYER__COVERAGE_STATUS__COVERAGE_STATUS_NOT_STARTED] = "it has not begun",
        [PAYER__COVERAGE_STATUS__COVERAGE_STATUS_ENDED] = "it has ended",
        [PAYER__COVERAGE_STATUS__COVERAGE_STATUS_MEMBER_UNKNOWN] = "the payer does not know the member",
    };
    const Payer__EligibilityAnswer *answer = coverage->eligibility;
    Claims__CoverageView *view = MAKE(d, Claims__CoverageView, claims__coverage_view__descriptor);
    view->coverage_id = coverage->coverage_id;
    view->payer_id = coverage->payer_id;
    view->payer_name = coverage->payer_name;
    view->line = coverage->line;
    view->member = coverage->member;
    view->state = coverage->state;
    view->plan_name = answer->plan_name;
    view->answered_at_ms = coverage->answered_at_ms;
    view->start_date = answer->start_date ? answer->start_date : coverage->start_date;
    view->end_date = answer->end_date ? answer->end_date : coverage->end_date;
    view->why_inactive = coverage->state == COVERAGE(ACTIVE) ? NULL : WHY[answer->status];
    return view;
}

static void tell_case(struct decision *d, const Claims__Coverage *coverage, const char *case_id)
{
    Claims__LinkCoverage *link = MAKE(d, Claims__LinkCoverage, claims__link_coverage__descriptor);
    link->case_id = case_id;
    link->coverage = view_of(d, coverage);
    link->eligibility = coverage->eligibility;
    tell(d, &link->base);
}

static bool knows_case(const Claims__Coverage *coverage, const char *case_id)
{
    for (size_t i = 0; i < coverage->n_case_ids; i++) {
        if (strcmp(coverage->case_ids[i], case_id) == 0) {
            return true;
        }
    }
    return false;
}

static void take_facts(struct decision *d, Claims__Coverage *coverage, const Claims__RecordCoverage *cmd)
{
    coverage->payer_id = cmd->payer_id;
    coverage->payer_name = cmd->payer_name ? cmd->payer_name : cmd->payer_id;
    coverage->line = cmd->line;
    coverage->member = cmd->member;
    coverage->start_date = cmd->start_date;
    coverage->end_date = cmd->end_date;
    coverage->case_id = cmd->case_id;
    if (!knows_case(coverage, cmd->case_id)) {
        APPEND(d, coverage, case_ids, cmd->case_id);
    }
    if (coverage->n_case_ids > COVERAGE_CASES_MAX) {
        coverage->case_ids++;
        coverage->n_case_ids--;
    }
}

enum fault record_coverage(struct decision *d, Claims__Coverage *coverage, const Claims__RecordCoverage *cmd)
{
    if (coverage->state && strcmp(coverage->payer_id, cmd->payer_id) != 0) {
        return refuse(d, "coverage %s is of payer %s, not of %s", cmd->coverage_id, coverage->payer_id, cmd->payer_id);
    }
    bool waiting = coverage->state && coverage->answered_at_ms < coverage->asked_at_ms;
    bool fresh = coverage->answered_at_ms && d->now_ms - coverage->answered_at_ms < COVERAGE_FRESH_HOURS * HOUR_MS;
    take_facts(d, coverage, cmd);
    if (fresh && !waiting) {
        tell_case(d, coverage, cmd->case_id);
        return FAULT_NONE;
    }
    if (!waiting) {
        coverage->state = coverage->state ? coverage->state : COVERAGE(UNVERIFIED);
        ask_eligibility(d, coverage);
    }
    return FAULT_NONE;
}

/* Also an active answer is not believed against the dates that it gives itself. */
static bool holds_today(struct decision *d, const Payer__EligibilityAnswer *answer)
{
    struct date start, end, now = today(d, NULL);
    if (answer->start_date && date_parse(answer->start_date, &start) && date_compare(now, start) < 0) {
        return false;
    }
    return !(answer->end_date && date_parse(answer->end_date, &end) && date_compare(now, end) > 0);
}

enum fault coverage_answered(struct decision *d, Claims__Coverage *coverage, const Payer__EligibilityAnswer *answer)
{
    bool active = answer->status == PAYER__COVERAGE_STATUS__COVERAGE_STATUS_ACTIVE;
    Payer__EligibilityAnswer *kept = copy_of(d, &answer->base);
    if (active && !holds_today(d, answer)) {
        active = false;
        kept->status = PAYER__COVERAGE_STATUS__COVERAGE_STATUS_ENDED;
    }
    coverage->eligibility = kept;
    coverage->state = active ? COVERAGE(ACTIVE) : COVERAGE(INACTIVE);
    coverage->answered_at_ms = d->now_ms;
    if (str_is_empty(coverage->member->member_id) && !str_is_empty(answer->member_id)) {
        coverage->member->member_id = answer->member_id;
    }
    for (size_t i = 0; i < coverage->n_case_ids; i++) {
        tell_case(d, coverage, coverage->case_ids[i]);
    }
    return FAULT_NONE;
}
