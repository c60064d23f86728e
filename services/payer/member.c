#include <inttypes.h>
#include <string.h>

#include "common/core/date.h"
#include "common/core/slice.h"
#include "services/payer/payer.h"

/* ---- Who is a member ---- */

static const char *card_as_compared(const struct insurer *in, const char *card)
{
    char *key = arena_strdup(in->arena, card);
    size_t n = 0;
    for (const char *c = card; *c != '\0'; c++) {
        if (*c != ' ' && *c != '-') {
            key[n++] = ascii_upper(*c);
        }
    }
    key[n] = '\0';
    return key;
}

/* Digits made of who the person is: the same person has the same card. */
static const char *made_of_person(const struct insurer *in, const Payer__Member *member)
{
    if (str_is_empty(member->family_name) || str_is_empty(member->given_name) || str_is_empty(member->birth_date)) {
        return NULL;
    }
    uint32_t digits = in->payer->member_id_digits ? in->payer->member_id_digits : 9;
    struct memory_key key =
        memory_key(in->payer->payer_id, member->family_name, member->given_name, member->birth_date, NULL);
    char *text = arena_alloc(in->arena, digits + 1);
    for (uint32_t i = 0; i < digits; i++) {
        text[i] = (char)('0' + key.bytes[i % sizeof key.bytes] % 10);
    }
    text[digits] = '\0';
    return arena_printf(in->arena, "%s%s", in->payer->member_id_prefix ? in->payer->member_id_prefix : "", text);
}

const char *member_key(const struct insurer *in, const Payer__Member *member)
{
    if (!in->payer) {
        return NULL;
    }
    return str_is_empty(member->member_id) ? made_of_person(in, member) : card_as_compared(in, member->member_id);
}

static bool card_has_the_form(const Insurers__Payer *payer, const char *card)
{
    const char *prefix = payer->member_id_prefix ? payer->member_id_prefix : "";
    if (payer->member_id_digits == 0) {
        return str_starts_with(card, prefix);
    }
    const char *digits = card + strlen(prefix);
    return str_starts_with(card, prefix) && strlen(digits) == payer->member_id_digits &&
           strspn(digits, "0123456789") == payer->member_id_digits;
}

Payer__CoverageStatus member_status(const struct insurer *in, const Payer__Member *member, const char *day)
{
    struct date at, bound;
    const char *card = member_key(in, member);
    if (!card || !card_has_the_form(in->payer, card) || !date_parse(day, &at)) {
        return STATUS(MEMBER_UNKNOWN);
    }
    if (in->payer->start_date && date_parse(in->payer->start_date, &bound) && date_compare(at, bound) < 0) {
        return STATUS(NOT_STARTED);
    }
    if (in->payer->end_date && date_parse(in->payer->end_date, &bound) && date_compare(at, bound) > 0) {
        return STATUS(ENDED);
    }
    return STATUS(ACTIVE);
}

/* ---- Accumulators ---- */

struct account *require_account(const struct insurer *in, const Payer__Member *member, const char *day)
{
    const char *year = arena_strndup(in->arena, day, 4);
    return memory_require(in->memory, memory_key("account", in->payer->payer_id, member_key(in, member), year, NULL),
        sizeof(struct account));
}

int64_t deductible_left(const struct insurer *in, const struct account *account)
{
    return in->payer->deductible_cents - account->deductible_cents;
}

int64_t out_of_pocket_left(const struct insurer *in, const struct account *account)
{
    int64_t max_cents = in->payer->out_of_pocket_max_cents;
    return max_cents ? max_cents - account->out_of_pocket_cents : INT64_MAX;
}

/* ---- What the member has ---- */

static void add_benefit(const struct insurer *in, Payer__EligibilityAnswer *answer, const Insurers__BenefitRule *rule)
{
    Payer__Benefit *benefit = ARENA_NEW(in->arena, Payer__Benefit);
    payer__benefit__init(benefit);
    benefit->name = rule->name;
    benefit->has_copay_cents = benefit->has_coinsurance_basis_points = true;
    benefit->copay_cents = rule->copay_cents;
    benefit->coinsurance_basis_points = rule->coinsurance_basis_points;
    benefit->has_visit_limit = rule->visit_limit > 0;
    benefit->visit_limit = rule->visit_limit;
    answer->benefits[answer->n_benefits++] = benefit;
}

static void tell_plan(
    const struct insurer *in, Payer__EligibilityAnswer *answer, const Payer__EligibilityQuestion *question)
{
    const Insurers__Payer *payer = in->payer;
    const struct account *account = require_account(in, question->member, question->service_date);
    answer->plan_name = payer->plan_name;
    answer->start_date = payer->start_date;
    answer->end_date = payer->end_date;
    answer->has_deductible_cents = answer->has_deductible_left_cents = true;
    answer->deductible_cents = payer->deductible_cents;
    answer->deductible_left_cents = deductible_left(in, account);
    if (payer->out_of_pocket_max_cents) {
        answer->has_out_of_pocket_max_cents = answer->has_out_of_pocket_left_cents = true;
        answer->out_of_pocket_max_cents = payer->out_of_pocket_max_cents;
        answer->out_of_pocket_left_cents = out_of_pocket_left(in, account);
    }
    answer->member_id = member_key(in, question->member);
    answer->benefits = ARENA_ARRAY(in->arena, Payer__Benefit *, payer->n_benefits);
    for (size_t i = 0; i < payer->n_benefits; i++) {
        add_benefit(in, answer, payer->benefits[i]);
    }
}

Payer__EligibilityAnswer *answer_eligibility(const struct insurer *in, const Payer__EligibilityQuestion *question)
{
    Payer__EligibilityAnswer *answer = ARENA_NEW(in->arena, Payer__EligibilityAnswer);
    payer__eligibility_answer__init(answer);
    answer->has_status = true;
    answer->status = member_status(in, question->member, question->service_date);
    if (answer->status == STATUS(ACTIVE)) {
        tell_plan(in, answer, question);
    }
    return answer;
}
