#include <string.h>

#include "common/core/date.h"
#include "common/core/id.h"
#include "common/core/instant.h"
#include "common/core/money.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "services/payer/payer.h"

#define ADJUSTMENTS_MAX 4 /* contract, deductible, coinsurance, copay */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- Shares ---- */

struct share cost_share(const Insurers__BenefitRule *rule, int64_t allowed_cents, bool copay_due,
    int64_t deductible_left_cents, int64_t out_of_pocket_left_cents)
{
    struct share share = {0};
    share.copay_cents = copay_due ? least(rule->copay_cents, allowed_cents) : 0;
    int64_t rest_cents = allowed_cents - share.copay_cents;
    share.deductible_cents = rule->deductible_waived ? 0 : least(deductible_left_cents, rest_cents);
    rest_cents -= share.deductible_cents;
    MUST(cents_share(rest_cents, (int32_t)rule->coinsurance_basis_points, &share.coinsurance_cents));
    int64_t over_cents =
        share.copay_cents + share.deductible_cents + share.coinsurance_cents - out_of_pocket_left_cents;
    int64_t *const CUTS[] = {&share.coinsurance_cents, &share.copay_cents, &share.deductible_cents};
    for (size_t i = 0; i < sizeof CUTS / sizeof CUTS[0] && over_cents > 0; i++) {
        int64_t cut_cents = least(over_cents, *CUTS[i]);
        *CUTS[i] -= cut_cents;
        over_cents -= cut_cents;
    }
    return share;
}

/* ---- Lines ---- */

static void adjust(const struct insurer *in, Payer__LinePayment *payment, Payer__AdjustmentGroup group,
    const char *code, int64_t cents)
{
    if (cents == 0) {
        return;
    }
    if (!payment->adjustments) {
        payment->adjustments = ARENA_ARRAY(in->arena, Payer__Adjustment *, ADJUSTMENTS_MAX);
    }
    MUST(payment->n_adjustments < ADJUSTMENTS_MAX);
    Payer__Adjustment *adjustment = ARENA_NEW(in->arena, Payer__Adjustment);
    payer__adjustment__init(adjustment);
    adjustment->has_group = adjustment->has_amount_cents = true;
    adjustment->group = group;
    adjustment->reason_code = code;
    adjustment->amount_cents = cents;
    payment->adjustments[payment->n_adjustments++] = adjustment;
}

/* Who bears what is denied, by its CARC (facts 5.9). */
static Payer__AdjustmentGroup group_of(const char *code)
{
    static const struct {
        const char *code;
        Payer__AdjustmentGroup group;
    } ROWS[] = {{"18", GROUP(OTHER)}, {"26", GROUP(PATIENT)}, {"27", GROUP(PATIENT)}, {"204", GROUP(PATIENT)}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        if (strcmp(ROWS[i].code, code) == 0) {
            return ROWS[i].group;
        }
    }
    return GROUP(CONTRACTUAL);
}

static void deny(
    const struct insurer *in, Payer__LinePayment *payment, const Payer__ServiceLine *line, const char *code)
{
    payment->has_denied = payment->denied = true;
    adjust(in, payment, group_of(code), code, line->billed_cents);
}

static const char *coverage_carc(const struct insurer *in, const Payer__Member *member, const char *day)
{
    switch (member_status(in, member, day)) {
    case STATUS(ACTIVE):
        return NULL;
    case STATUS(NOT_STARTED):
        return "26";
    case STATUS(ENDED):
        return "27";
    case STATUS(MEMBER_UNKNOWN):
    case STATUS(UNSPECIFIED):
    case _PAYER__COVERAGE_STATUS_IS_INT_SIZE:
        break;
    }
    return "31";
}

static struct memory_key paid_key(
    const struct insurer *in, const Payer__ClaimQuestion *question, const Payer__ServiceLine *line)
{
    return memory_key("paid", in->payer->payer_id, member_key(in, question->member), question->provider_npi,
        line->service_date, line->code->code, arena_printf(in->arena, "%u", line->units), NULL);
}

static bool is_filed_late(const struct insurer *in, const char *day)
{
    struct date at;
    return in->payer->filing_days && date_parse(day, &at) &&
           date_days_between(at, instant_utc_date(in->now_ms)) > (int)in->payer->filing_days;
}

/* Visits of the year under one benefit: a visit is a day. */
struct visits {
    struct memory_key day;
    uint32_t *count;
};

static struct visits visits_of(
    const struct insurer *in, const Payer__Member *member, const Insurers__BenefitRule *rule, const char *day)
{
    const char *year = arena_strndup(in->arena, day, 4), *card = member_key(in, member), *payer = in->payer->payer_id;
    return (struct visits){
        .day = memory_key("visit", payer, card, rule->rule_id, day, NULL),
        .count =
            memory_require(in->memory, memory_key("visits", payer, card, rule->rule_id, year, NULL), sizeof(uint32_t)),
    };
}

/* Why nothing is paid, in the order of facts 5.2; NULL: it is priced. */
static const char *denial_of(
    const struct insurer *in, const Payer__ClaimQuestion *question, const Payer__ServiceLine *line)
{
    const char *day = line->service_date ? line->service_date : "";
    const char *carc = coverage_carc(in, question->member, day);
    if (carc) {
        return carc;
    }
    if (memory_find(in->memory, paid_key(in, question, line), NULL)) {
        return "18";
    }
    if (is_filed_late(in, day)) {
        return "29";
    }
    const Insurers__BenefitRule *rule = find_benefit(in->payer, line->code->code);
    if (!rule) {
        return "204";
    }
    carc = rule->authorization_required ? grant_carc(in, question->member, line) : NULL;
    if (carc) {
        return carc;
    }
    struct visits visits = visits_of(in, question->member, rule, day);
    bool more = rule->visit_limit && !memory_find(in->memory, visits.day, NULL);
    return more && *visits.count >= rule->visit_limit ? "119" : NULL;
}

static int64_t allowed_of(const Insurers__BenefitRule *rule, const Payer__ServiceLine *line)
{
    int64_t price_cents = 0;
    bool counted = cents_multiply(rule->allowed_cents, line->units, &price_cents);
    return counted ? least(price_cents, line->billed_cents) : line->billed_cents;
}

static void price(const struct insurer *in, const Payer__ClaimQuestion *question, const Payer__ServiceLine *line,
    Payer__LinePayment *payment)
{
    const Insurers__BenefitRule *rule = find_benefit(in->payer, line->code->code);
    struct visits visits = visits_of(in, question->member, rule, line->service_date);
    bool first_of_day = !memory_find(in->memory, visits.day, NULL);
    *visits.count += first_of_day;
    memory_require(in->memory, visits.day, 1);
    use_grant(in, question->member, line);
    memory_require(in->memory, paid_key(in, question, line), 1);
    struct account *account = require_account(in, question->member, line->service_date);
    int64_t allowed_cents = allowed_of(rule, line);
    struct share share =
        cost_share(rule, allowed_cents, first_of_day, deductible_left(in, account), out_of_pocket_left(in, account));
    int64_t member_cents = share.copay_cents + share.deductible_cents + share.coinsurance_cents;
    account->deductible_cents += share.deductible_cents;
    account->out_of_pocket_cents += member_cents;
    payment->allowed_cents = allowed_cents;
    payment->paid_cents = allowed_cents - member_cents;
    adjust(in, payment, GROUP(CONTRACTUAL), "45", line->billed_cents - allowed_cents);
    adjust(in, payment, GROUP(PATIENT), "1", share.deductible_cents);
    adjust(in, payment, GROUP(PATIENT), "2", share.coinsurance_cents);
    adjust(in, payment, GROUP(PATIENT), "3", share.copay_cents);
}

static Payer__LinePayment *pay_line(
    const struct insurer *in, const Payer__ClaimQuestion *question, const Payer__ServiceLine *line)
{
    Payer__LinePayment *payment = ARENA_NEW(in->arena, Payer__LinePayment);
    payer__line_payment__init(payment);
    payment->has_number = payment->has_allowed_cents = payment->has_paid_cents = true;
    payment->number = line->number;
    const char *carc = denial_of(in, question, line);
    if (carc) {
        deny(in, payment, line, carc);
    } else {
        price(in, question, line, payment);
    }
    return payment;
}

Payer__ClaimAnswer *answer_claim(const struct insurer *in, const Payer__ClaimQuestion *question)
{
    char spelled[ID_FRESH_SIZE];
    id_spell(spelled, memory_key("claim", question->payer_id, question->reference, NULL).bytes);
    ascii_upper_all(spelled);
    Payer__ClaimAnswer *answer = ARENA_NEW(in->arena, Payer__ClaimAnswer);
    payer__claim_answer__init(answer);
    answer->claim_number = arena_printf(in->arena, "C%.10s", spelled);
    answer->has_received_at_ms = answer->has_decided_at_ms = true;
    answer->received_at_ms = answer->decided_at_ms = in->now_ms;
    answer->lines = ARENA_ARRAY(in->arena, Payer__LinePayment *, question->n_lines);
    for (size_t i = 0; i < question->n_lines; i++) {
        answer->lines[answer->n_lines++] = pay_line(in, question, question->lines[i]);
    }
    return answer;
}
