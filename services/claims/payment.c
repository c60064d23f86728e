#include <string.h>

#include "common/core/money.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/claims/claims.h"

#define GROUP(name) PAYER__ADJUSTMENT_GROUP__ADJUSTMENT_GROUP_##name

static const char KIND[] = "claim";
static const char CONTRACT_WRITE_OFF[] = "45"; /* CARC: above the fee schedule or contract. */

enum { REASONS_TOLD_MAX = 12 }; /* In one explanation; every line keeps its own. */

/* ---- What cannot be true ---- */

static const Payer__LinePayment *find_payment(const Payer__ClaimAnswer *answer, uint32_t number)
{
    for (size_t i = 0; i < answer->n_lines; i++) {
        if (answer->lines[i]->number == number) {
            return answer->lines[i];
        }
    }
    return NULL;
}

static bool line_is_asked(const Claims__Claim *claim, uint32_t number)
{
    for (size_t i = 0; i < claim->n_lines; i++) {
        if (claim->lines[i]->service->number == number) {
            return claim->lines[i]->state == LINE(OPEN);
        }
    }
    return false;
}

/* Paid and adjustments of the line; false when they cannot be added. */
static bool add_up(const Payer__LinePayment *payment, int64_t *out)
{
    *out = payment->paid_cents;
    for (size_t i = 0; i < payment->n_adjustments; i++) {
        if (!cents_add(*out, payment->adjustments[i]->amount_cents, out)) {
            return false;
        }
    }
    return true;
}

static bool is_negative(const Payer__LinePayment *payment)
{
    bool negative = payment->paid_cents < 0 || payment->allowed_cents < 0;
    for (size_t i = 0; i < payment->n_adjustments; i++) {
        negative |= payment->adjustments[i]->amount_cents < 0;
    }
    return negative;
}

static const char *line_lies(struct decision *d, const Claims__ClaimLine *line, const Payer__LinePayment *payment)
{
    uint32_t number = line->service->number;
    int64_t sum_cents = 0;
    if (is_negative(payment)) {
        return text_of(d, "line %u has a negative amount", number);
    }
    if (!add_up(payment, &sum_cents)) {
        return text_of(d, "the amounts of line %u cannot be counted", number);
    }
    if (sum_cents != line->billed_cents) {
        return text_of(d, "line %u bills %s, but paid and adjustments make %s", number,
            money_text(d, line->billed_cents), money_text(d, sum_cents));
    }
    if (payment->denied && payment->paid_cents > 0) {
        return text_of(d, "line %u is denied and paid", number);
    }
    if (payment->denied && payment->n_adjustments == 0) {
        return text_of(d, "line %u is denied without a reason", number);
    }
    if (payment->has_allowed_cents && !payment->denied && payment->paid_cents > payment->allowed_cents) {
        return text_of(d, "line %u is paid above what is allowed", number);
    }
    return NULL;
}

const char *payment_lies(struct decision *d, const Claims__Claim *claim, const Payer__ClaimAnswer *answer)
{
    for (size_t i = 0; i < answer->n_lines; i++) {
        uint32_t number = answer->lines[i]->number;
        if (!line_is_asked(claim, number)) {
            return text_of(d, "it answers line %u, which nobody asked for", number);
        }
        if (find_payment(answer, number) != answer->lines[i]) {
            return text_of(d, "it answers line %u twice", number);
        }
    }
    for (size_t i = 0; i < claim->n_lines; i++) {
        const Claims__ClaimLine *line = claim->lines[i];
        const Payer__LinePayment *payment = find_payment(answer, line->service->number);
        if (line->state == LINE(OPEN) && !payment) {
            return text_of(d, "it leaves out line %u", line->service->number);
        }
        const char *lie = line->state == LINE(OPEN) ? line_lies(d, line, payment) : NULL;
        if (lie) {
            return lie;
        }
    }
    return NULL;
}

/* ---- What is paid ---- */

static void add_adjustment(Claims__ClaimLine *line, const Payer__Adjustment *adjustment, bool denied)
{
    if (adjustment->group == GROUP(PATIENT)) {
        line->patient_cents += adjustment->amount_cents;
    } else if (denied) {
        line->denied_cents += adjustment->amount_cents;
    } else {
        line->adjusted_cents += adjustment->amount_cents;
    }
}

static bool is_cut(const Payer__Adjustment *adjustment)
{
    return adjustment->group != GROUP(PATIENT) && strcmp(adjustment->reason_code, CONTRACT_WRITE_OFF) != 0 &&
           adjustment->amount_cents > 0;
}

static void apply_line(
    struct decision *d, Claims__ClaimLine *line, const Payer__LinePayment *payment, const char *language)
{
    bool cut = false;
    MUST(payment != NULL); /* An answer that leaves out an open line was set aside. */
    line->paid_cents = payment->paid_cents;
    line->open_cents = 0;
    line->adjustments = payment->adjustments;
    line->n_adjustments = payment->n_adjustments;
    for (size_t i = 0; i < payment->n_adjustments; i++) {
        add_adjustment(line, payment->adjustments[i], payment->denied);
        cut |= is_cut(payment->adjustments[i]);
    }
    line->state = payment->denied ? LINE(DENIED) : cut ? LINE(REDUCED) : LINE(PAID);
    if (payment->denied || cut) {
        const char *plain = NULL;
        for (size_t i = 0; i < payment->n_adjustments && !plain; i++) {
            bool speaks = payment->denied || is_cut(payment->adjustments[i]);
            plain = speaks ? plain_reason(d, payment->adjustments[i]->reason_code, language) : NULL;
        }
        line->reason = plain ? plain : payment->reason;
    }
}

void sum_claim(struct decision *d, Claims__Claim *claim)
{
    Claims__ClaimTotals *totals = MAKE(d, Claims__ClaimTotals, claims__claim_totals__descriptor);
    for (size_t i = 0; i < claim->n_lines; i++) {
        const Claims__ClaimLine *line = claim->lines[i];
        MUST(line->billed_cents ==
             line->paid_cents + line->adjusted_cents + line->denied_cents + line->patient_cents + line->open_cents);
        totals->billed_cents += line->billed_cents;
        totals->paid_cents += line->paid_cents;
        totals->adjusted_cents += line->adjusted_cents;
        totals->denied_cents += line->denied_cents;
        totals->patient_cents += line->patient_cents;
        totals->open_cents += line->open_cents;
    }
    claim->totals = totals;
}

static size_t count_lines(const Claims__Claim *claim, Claims__LineState state)
{
    size_t count = 0;
    for (size_t i = 0; i < claim->n_lines; i++) {
        count += claim->lines[i]->state == state;
    }
    return count;
}

/* ---- Explanation of benefits ---- */

/* One set of sentences per language; each takes an amount, but for those marked. */
static const struct words {
    const char *billed, *paid, *off, *owe, *nothing, *denied, *reason,
        *appeal; /* `reason`: number, text; `appeal`: day. */
} ENGLISH =
    {
        .billed = "The bill is %s.",
        .paid = " Your plan pays %s.",
        .off = " %s is taken off by contract: you do not owe it.",
        .owe = " You may owe %s.",
        .nothing = " You owe nothing.",
        .denied = " Your plan says no to %s.",
        .reason = " Line %u: %s",
        .appeal = " If you do not agree, you can ask for a new look until %s.",
},
  SPANISH = {
      .billed = "La cuenta es de %s.",
      .paid = " Su plan paga %s.",
      .off = " %s se descuenta por contrato: usted no lo debe.",
      .owe = " Usted podría deber %s.",
      .nothing = " Usted no debe nada.",
      .denied = " Su plan dice que no a %s.",
      .reason = " Línea %u: %s",
      .appeal = " Si no está de acuerdo, puede pedir otra revisión hasta %s.",
};

static const char *explain(struct decision *d, const Claims__Claim *claim, const char *language)
{
    const struct words *w = speaks_spanish(language) ? &SPANISH : &ENGLISH;
    const Claims__ClaimTotals *t = claim->totals;
    const char *text = text_of(d, w->billed, money_text(d, t->billed_cents));
    text = text_of(d, "%s%s", text, text_of(d, w->paid, money_text(d, t->paid_cents)));
    if (t->adjusted_cents) {
        text = text_of(d, "%s%s", text, text_of(d, w->off, money_text(d, t->adjusted_cents)));
    }
    if (t->denied_cents) {
        text = text_of(d, "%s%s", text, text_of(d, w->denied, money_text(d, t->denied_cents)));
    }
    text =
        text_of(d, "%s%s", text, t->patient_cents ? text_of(d, w->owe, money_text(d, t->patient_cents)) : w->nothing);
    for (size_t i = 0, told = 0; i < claim->n_lines && told < REASONS_TOLD_MAX; i++) {
        const Claims__ClaimLine *line = claim->lines[i];
        if (line->reason) {
            told++;
            text = text_of(d, "%s%s", text, text_of(d, w->reason, line->service->number, line->reason));
        }
    }
    if (claim->state == CLAIM(ANSWERED)) {
        text = text_of(d, "%s%s", text, text_of(d, w->appeal, say_day(d, claim->zone, claim->appeal_until_ms)));
    }
    return text;
}

static const char *summarise(struct decision *d, const Claims__Claim *claim)
{
    const Claims__ClaimTotals *t = claim->totals;
    const char *text = text_of(d, "of %s %s paid", money_text(d, t->billed_cents), money_text(d, t->paid_cents));
    text = t->adjusted_cents ? text_of(d, "%s, %s taken off", text, money_text(d, t->adjusted_cents)) : text;
    text = t->denied_cents ? text_of(d, "%s, %s denied", text, money_text(d, t->denied_cents)) : text;
    return text_of(d, "%s, patient %s", text, money_text(d, t->patient_cents));
}

static void say_answered(struct decision *d, const Claims__Claim *claim)
{
    Claims__ClaimAnswered *event = MAKE(d, Claims__ClaimAnswered, claims__claim_answered__descriptor);
    event->case_id = claim->case_id;
    event->claim_id = claim->claim_id;
    event->title = claim->title;
    event->summary = summarise(d, claim);
    event->totals = claim->totals;
    event->explanation = claim->explanation;
    SET(event, denied, claim->state == CLAIM(ANSWERED));
    event->appeal_until_ms = claim->state == CLAIM(ANSWERED) ? claim->appeal_until_ms : 0;
    event->payer_name = claim->coverage->payer_name;
    emit(d, &event->base);
}

static void apply(struct decision *d, Claims__BenefitFile *file, Claims__Claim *claim, const Payer__ClaimAnswer *answer)
{
    for (size_t i = 0; i < claim->n_lines; i++) {
        Claims__ClaimLine *line = claim->lines[i];
        if (line->state == LINE(OPEN)) {
            apply_line(d, line, find_payment(answer, line->service->number), file->language);
        }
    }
    sum_claim(d, claim);
    claim->claim_number = answer->claim_number;
    claim->answered_at_ms = d->now_ms;
    SET(claim, set_aside, false);
    claim->state = CLAIM(FINALIZED);
    if (count_lines(claim, LINE(DENIED))) {
        claim->state = CLAIM(ANSWERED);
        claim->appeal_until_ms =
            end_of_day_after(d, claim->zone, d->now_ms, (int)appeal_right(d, claim->coverage->line)->file_days);
        set_timer(d, KIND, claim->claim_id, "appeal-window", claim->appeal_until_ms);
    }
    stop_clock(d, open_clock(claim->clocks, claim->n_clocks), KIND, claim->claim_id, d->now_ms);
    close_work(d, file, "payer-is-late", claim->claim_id);
    close_work(d, file, "answer-set-aside", claim->claim_id);
    claim->explanation = explain(d, claim, file->language);
    say_answered(d, claim);
}

/* A second answer to what is answered changes nothing: the first one counts. */
enum fault claim_answered(struct decision *d, Claims__Claim *claim, const Payer__ClaimAnswer *answer)
{
    Claims__BenefitFile *file = require(d, "benefit_file", d->root, NULL);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (claim->state != CLAIM(SUBMITTED)) {
        return FAULT_NONE;
    }
    const char *lie = payment_lies(d, claim, answer);
    if (lie) {
        SET(claim, set_aside, true);
        set_answer_aside(d, file, claim->claim_id, claim->title, claim->coverage->payer_name, lie);
    } else {
        apply(d, file, claim, answer);
    }
    return FAULT_NONE;
}
