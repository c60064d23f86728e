#include <string.h>

#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/claims/claims.h"

#define OUTCOME(name) PAYER__APPEAL_OUTCOME__APPEAL_OUTCOME_##name

static const char KIND[] = "appeal";

/* ---- What cannot be true ---- */

static bool is_won(const Payer__AppealAnswer *answer)
{
    return answer->outcome == OUTCOME(OVERTURNED) || answer->outcome == OUTCOME(PARTLY_OVERTURNED);
}

static bool is_inverted(const Payer__AppealAnswer *answer)
{
    struct date from, to;
    return answer->from_date && answer->to_date && date_parse(answer->from_date, &from) &&
           date_parse(answer->to_date, &to) && date_compare(from, to) > 0;
}

static const char *appeal_lies(struct decision *d, const Claims__Authorization *a, const Payer__AppealAnswer *answer)
{
    if (is_won(answer) && a) {
        const char *lie = lines_lie(d, a, answer->lines, answer->n_lines);
        lie = lie ? lie : str_is_empty(answer->authorization_number) ? "it approves without a number" : NULL;
        return lie ? lie : is_inverted(answer) ? "its dates end before they begin" : NULL;
    }
    if (is_won(answer)) {
        return NULL;
    }
    if (str_is_empty(answer->decided_by)) {
        return "it says no without naming who decided";
    }
    if (a && str_same(answer->decided_by, a->decided_by)) {
        return "the first reviewer has decided on the appeal";
    }
    return str_is_empty(answer->reason) ? "it says no without a reason" : NULL;
}

/* ---- What follows ---- */

static Claims__AppealState state_of(const Payer__AppealAnswer *answer)
{
    switch (answer->outcome) {
    case OUTCOME(OVERTURNED):
        return APPEAL(OVERTURNED);
    case OUTCOME(PARTLY_OVERTURNED):
        return APPEAL(PARTLY_OVERTURNED);
    case OUTCOME(DISMISSED):
        return APPEAL(DISMISSED);
    case OUTCOME(UPHELD):
    case OUTCOME(UNSPECIFIED):
    case _PAYER__APPEAL_OUTCOME_IS_INT_SIZE:
        break;
    }
    return APPEAL(UPHELD);
}

static void say_appeal_decided(struct decision *d, const Claims__Appeal *appeal)
{
    Claims__AppealDecided *event = MAKE(d, Claims__AppealDecided, claims__appeal_decided__descriptor);
    event->case_id = appeal->case_id;
    event->appeal_id = appeal->appeal_id;
    event->title = appeal->title;
    event->result = appeal_word(d, appeal);
    event->reason = appeal->reason;
    event->state = appeal->state;
    event->authorization_id = appeal->authorization_id;
    event->claim_id = appeal->claim_id;
    event->next_level = appeal->next_level;
    emit(d, &event->base);
}

static void overturn_authorization(
    struct decision *d, const Claims__BenefitFile *file, Claims__Authorization *a, const Payer__AppealAnswer *answer)
{
    stop_clock(d, open_clock(a->clocks, a->n_clocks), "authorization", a->authorization_id, d->now_ms);
    a->decided_by = answer->decided_by;
    approve(d, a, answer->lines, answer->n_lines, answer->authorization_number, answer->from_date, answer->to_date);
    say_decided(d, a, file->language);
}

/* What was denied is open again and goes to the payer under a new reference. */
static void reopen_claim(struct decision *d, Claims__Claim *claim, const Payer__AppealAnswer *answer)
{
    for (size_t i = 0; i < claim->n_lines; i++) {
        Claims__ClaimLine *line = claim->lines[i];
        if (line->state != LINE(DENIED)) {
            continue;
        }
        line->state = LINE(OPEN);
        line->open_cents = line->billed_cents;
        SET(line, denied_cents, 0);
        SET(line, patient_cents, 0);
        line->adjustments = NULL;
        line->n_adjustments = 0;
        line->reason = NULL;
        if (!str_is_empty(answer->authorization_number)) {
            line->service->authorization_number = answer->authorization_number;
        }
    }
    claim->state = CLAIM(SUBMITTED);
    claim->round++;
    sum_claim(d, claim);
    ask_claim(d, claim);
}

static void decide_appeal(struct decision *d, Claims__BenefitFile *file, Claims__Appeal *appeal,
    Claims__Authorization *a, Claims__Claim *claim, const Payer__AppealAnswer *answer)
{
    appeal->state = state_of(answer);
    appeal->decided_at_ms = d->now_ms;
    appeal->decided_by = answer->decided_by;
    appeal->reason = answer->reason;
    stop_clock(d, open_clock(appeal->clocks, appeal->n_clocks), KIND, appeal->appeal_id, d->now_ms);
    close_work(d, file, "payer-is-late", appeal->appeal_id);
    if (appeal->state == APPEAL(UPHELD) || appeal->state == APPEAL(PARTLY_OVERTURNED)) {
        appeal->next_level = appeal_right(d, appeal->coverage->line)->next_level;
    }
    say_appeal_decided(d, appeal);
    if (is_won(answer) && a) {
        overturn_authorization(d, file, a, answer);
    } else if (is_won(answer) && claim) {
        reopen_claim(d, claim, answer);
    } else if (claim && claim->state == CLAIM(ANSWERED)) {
        claim->state = CLAIM(FINALIZED);
    }
}

enum fault appeal_answered(struct decision *d, Claims__Appeal *appeal, const Payer__AppealAnswer *answer)
{
    Claims__BenefitFile *file = require(d, "benefit_file", d->root, NULL);
    Claims__Authorization *a = appeal->authorization_id ? touch(d, "authorization", appeal->authorization_id) : NULL;
    Claims__Claim *claim = appeal->claim_id ? touch(d, "claim", appeal->claim_id) : NULL;
    if (d->wants) {
        return FAULT_WANT;
    }
    if (appeal->state != APPEAL(SUBMITTED)) {
        return FAULT_NONE;
    }
    const char *lie = appeal_lies(d, a, answer);
    if (lie) {
        SET(appeal, set_aside, true);
        set_answer_aside(d, file, appeal->appeal_id, appeal->title, appeal->coverage->payer_name, lie);
        return FAULT_NONE;
    }
    decide_appeal(d, file, appeal, a, claim, answer);
    return FAULT_NONE;
}

enum fault appeal_timer(struct decision *d, Claims__Appeal *appeal, const char *name, int64_t due_at_ms)
{
    (void)due_at_ms;
    Claims__BenefitFile *file = require(d, "benefit_file", d->root, NULL);
    if (d->wants) {
        return FAULT_WANT;
    }
    unsigned level = clock_level(name);
    Casebus__Clock *clock = open_clock(appeal->clocks, appeal->n_clocks);
    if (!level || !clock || appeal->state != APPEAL(SUBMITTED)) {
        return FAULT_NONE;
    }
    clock_rings(d, clock, level, KIND, appeal->appeal_id, appeal->title, appeal->coverage->payer_name);
    if (level < 3) {
        return FAULT_NONE;
    }
    const Claims__AppealRight *right = appeal_right(d, appeal->coverage->line);
    Claims__AppealOverdue *event = MAKE(d, Claims__AppealOverdue, claims__appeal_overdue__descriptor);
    event->case_id = appeal->case_id;
    event->appeal_id = appeal->appeal_id;
    event->title = appeal->title;
    event->payer_name = appeal->coverage->payer_name;
    event->right = text_of(d, "the member may turn to the %s", right->next_level);
    event->level = level;
    emit(d, &event->base);
    open_work(d, file, "payer-is-late", appeal->appeal_id, appeal->title, event->right);
    return FAULT_NONE;
}
