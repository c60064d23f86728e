/* The reference insurer: adjudication by the vectors of facts 5.2, authorisations, appeals, and its memory. "Now" is 2026-11-22. */
#include <stdio.h>
#include <string.h>

#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "common/contract/json.h"
#include "common/contract/rules.h"
#include "services/payer/payer.h"
#include "tests/unit/test.h"

#define NOW_MS INT64_C(1795316400000) /* 2026-11-22T03:00:00Z */

/* Plan P1 of facts 5.2, and what its sequence and vectors need. */
static const char PLAN[] =
    "{\"payerId\":\"p1\",\"name\":\"P1\",\"line\":\"LINE_OF_BUSINESS_COMMERCIAL\",\"planName\":\"P1 PPO\",\"deductibleCents\":150000,"
    "\"outOfPocketMaxCents\":500000,\"memberIdPrefix\":\"M\",\"memberIdDigits\":4,\"startDate\":\"2025-01-01\",\"endDate\":\"2027-06-30\","
    "\"filingDays\":90,\"reviewers\":[{\"name\":\"Nurse One\"},{\"name\":\"Dr First\",\"physician\":true},{\"name\":\"Dr Second\",\"physician\":true}],"
    "\"benefits\":["
    "{\"ruleId\":\"pcp\",\"name\":\"visit\",\"codes\":[\"99213\"],\"allowedCents\":12000,\"copayCents\":3000,\"deductibleWaived\":true},"
    "{\"ruleId\":\"mri\",\"name\":\"MRI\",\"codes\":[\"70551\"],\"allowedCents\":100000,\"coinsuranceBasisPoints\":2000},"
    "{\"ruleId\":\"inpatient\",\"name\":\"inpatient\",\"codes\":[\"99223\"],\"allowedCents\":800000,\"coinsuranceBasisPoints\":2000},"
    "{\"ruleId\":\"surgery\",\"name\":\"surgery\",\"codes\":[\"27447\"],\"allowedCents\":1200000,\"coinsuranceBasisPoints\":2000},"
    "{\"ruleId\":\"therapy\",\"name\":\"therapy\",\"codes\":[\"971*\"],\"allowedCents\":10000,\"deductibleWaived\":true,\"visitLimit\":2},"
    "{\"ruleId\":\"small\",\"name\":\"small\",\"codes\":[\"85025\"],\"allowedCents\":1002,\"deductibleWaived\":true,\"coinsuranceBasisPoints\":2000},"
    "{\"ruleId\":\"nursing\",\"name\":\"nursing\",\"codes\":[\"G0299\"],\"allowedCents\":3800,\"deductibleWaived\":true,\"authorizationRequired\":true,"
    "\"unitsWithoutReview\":4,\"documents\":[\"plan-of-care\"],\"criterion\":\"heart failure\",\"diagnoses\":[\"chf\"],\"overturnedBy\":[\"discharge-summary\"]},"
    "{\"ruleId\":\"aide\",\"name\":\"aide\",\"codes\":[\"G0156\"],\"allowedCents\":2000,\"deductibleWaived\":true,\"authorizationRequired\":true,"
    "\"unitsWithoutReview\":2}]}";

struct world {
    struct arena arena;
    struct memory *memory;
    struct insurer in;
    unsigned claims;
};

static void *read_json(struct world *w, const char *name, const char *json)
{
    ProtobufCMessage *message = NULL;
    struct why why = {0};
    if (json_cross(contract_find_message(name), json, strlen(json), &w->arena, &why, &message) != FAULT_NONE) {
        fail_msg("%s", why.text);
    }
    return message;
}

static int begin(void **state)
{
    static struct world w;
    arena_init(&w.arena, 0);
    w.memory = memory_new(10000);
    w.in = (struct insurer){.memory = w.memory, .arena = &w.arena, .now_ms = NOW_MS};
    w.in.payer = read_json(&w, "insurers.Payer", PLAN);
    w.claims = 0;
    *state = &w;
    return 0;
}

static int done(void **state)
{
    struct world *w = *state;
    memory_free(&w->memory);
    arena_done(&w->arena);
    return 0;
}

static int64_t adjusted(const Payer__LinePayment *line, const char *code)
{
    int64_t cents = 0;
    for (size_t i = 0; i < line->n_adjustments; i++) {
        cents += strcmp(line->adjustments[i]->reason_code, code) == 0 ? line->adjustments[i]->amount_cents : 0;
    }
    return cents;
}

static void assert_balanced(const char *name, const Payer__LinePayment *line, int64_t billed_cents)
{
    int64_t sum = line->paid_cents;
    for (size_t i = 0; i < line->n_adjustments; i++) {
        ASSERT_ROW(name, line->adjustments[i]->amount_cents > 0);
        sum += line->adjustments[i]->amount_cents;
    }
    ASSERT_ROW(name, sum == billed_cents);
}

/* One line, under a new reference. */
static const Payer__LinePayment *pay(struct world *w, const char *member, const char *code, const char *day,
    unsigned units, int64_t billed_cents, const char *number)
{
    char json[700];
    snprintf(json, sizeof json,
        "{\"payerId\":\"p1\",\"member\":{\"memberId\":\"%s\"},\"reference\":\"c%u\",\"providerNpi\":\"1234567893\",\"lines\":[{\"number\":1,"
        "\"code\":{\"code\":\"%s\"},\"serviceDate\":\"%s\",\"units\":%u,\"billedCents\":%lld,\"authorizationNumber\":\"%s\"}]}",
        member, ++w->claims, code, day, units, (long long)billed_cents, number);
    const Payer__ClaimAnswer *answer = answer_claim(&w->in, read_json(w, "payer.ClaimQuestion", json));
    struct why why = {0};
    assert_int_equal(rules_check(&answer->base, &why), FAULT_NONE);
    assert_int_equal(answer->n_lines, 1);
    assert_balanced(code, answer->lines[0], billed_cents);
    return answer->lines[0];
}

static void plan_p1_pays_its_sequence_to_the_cent(void **state)
{
    struct world *w = *state;
    const struct {
        const char *name, *code, *day;
        int64_t billed, co45, deductible, coinsurance, copay, paid, deductible_left, pocket_left;
    } ROWS[] = {
        {"PCP visit", "99213", "2026-11-02", 18000, 6000, 0, 0, 3000, 9000, 150000, 497000},
        {"MRI", "70551", "2026-11-03", 200000, 100000, 100000, 0, 0, 0, 50000, 397000},
        {"inpatient", "99223", "2026-11-04", 2000000, 1200000, 50000, 150000, 0, 600000, 0, 197000},
        {"surgery", "27447", "2026-11-05", 1500000, 300000, 0, 197000, 0, 1003000, 0, 0},
        {"PCP visit again", "99213", "2026-11-06", 18000, 6000, 0, 0, 0, 12000, 0, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const Payer__LinePayment *line = pay(w, "M0001", ROWS[i].code, ROWS[i].day, 1, ROWS[i].billed, "");
        ASSERT_ROW(ROWS[i].name, adjusted(line, "45") == ROWS[i].co45);
        ASSERT_ROW(ROWS[i].name, adjusted(line, "1") == ROWS[i].deductible);
        ASSERT_ROW(ROWS[i].name, adjusted(line, "2") == ROWS[i].coinsurance);
        ASSERT_ROW(ROWS[i].name, adjusted(line, "3") == ROWS[i].copay);
        ASSERT_ROW(ROWS[i].name, line->paid_cents == ROWS[i].paid);
        const Payer__Member member = {.base = {&payer__member__descriptor, 0, NULL}, .member_id = "M0001"};
        const struct account *account = require_account(&w->in, &member, "2026-01-01");
        ASSERT_ROW(ROWS[i].name, deductible_left(&w->in, account) == ROWS[i].deductible_left);
        ASSERT_ROW(ROWS[i].name, out_of_pocket_left(&w->in, account) == ROWS[i].pocket_left);
    }
}

static void shares_follow_the_independent_vectors(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int64_t allowed, copay;
        uint32_t basis_points;
        int64_t deductible_left, pocket_left, pr3, pr1, pr2;
    } ROWS[] = {
        {"copay above the allowed", 2200, 3000, 0, 0, INT64_MAX, 2200, 0, 0},
        {"ER, deductible met", 125000, 25000, 2000, 0, INT64_MAX, 25000, 0, 20000},
        {"ER, 600 left", 125000, 25000, 2000, 60000, INT64_MAX, 25000, 60000, 8000},
        {"copay before deductible", 50000, 10000, 0, 45000, INT64_MAX, 10000, 40000, 0},
        {"a third rounds", 3333, 0, 2000, 0, INT64_MAX, 0, 0, 667},
        {"62.45 at 20 %", 6245, 0, 2000, 0, INT64_MAX, 0, 0, 1249},
        {"10.02 at 20 %, per line", 1002, 0, 2000, 0, INT64_MAX, 0, 0, 200},
        {"half a cent goes up", 1, 0, 5000, 0, INT64_MAX, 0, 0, 1},
        {"cap inside the deductible", 900000, 0, 2000, 150000, 120000, 0, 120000, 0},
        {"cap cuts coinsurance, then copay", 50000, 5000, 2000, 10000, 12000, 2000, 10000, 0},
        {"nothing left", 50000, 5000, 2000, 10000, 0, 0, 0, 0},
        {"nothing allowed", 0, 5000, 2000, 10000, 100, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        Insurers__BenefitRule rule = INSURERS__BENEFIT_RULE__INIT;
        rule.copay_cents = ROWS[i].copay;
        rule.coinsurance_basis_points = ROWS[i].basis_points;
        struct share share = cost_share(&rule, ROWS[i].allowed, true, ROWS[i].deductible_left, ROWS[i].pocket_left);
        ASSERT_ROW(ROWS[i].name, share.copay_cents == ROWS[i].pr3);
        ASSERT_ROW(ROWS[i].name, share.deductible_cents == ROWS[i].pr1);
        ASSERT_ROW(ROWS[i].name, share.coinsurance_cents == ROWS[i].pr2);
    }
}

static void lines_that_are_not_paid_say_why_and_who_bears_them(void **state)
{
    struct world *w = *state;
    const struct {
        const char *name, *member, *code, *day, *number, *carc;
        Payer__AdjustmentGroup group;
    } ROWS[] = {
        {"no such card", "X0001", "99213", "2026-11-02", "", "31", GROUP(CONTRACTUAL)},
        {"card too long", "M00011", "99213", "2026-11-02", "", "31", GROUP(CONTRACTUAL)},
        {"before the plan", "M0001", "99213", "2024-12-31", "", "26", GROUP(PATIENT)},
        {"after the plan", "M0001", "99213", "2027-07-01", "", "27", GROUP(PATIENT)},
        {"filed on day 91", "M0001", "99213", "2026-08-23", "", "29", GROUP(CONTRACTUAL)},
        {"no benefit", "M0001", "12345", "2026-11-02", "", "204", GROUP(PATIENT)},
        {"no authorisation", "M0001", "G0299", "2026-11-02", "", "197", GROUP(CONTRACTUAL)},
        {"a number of nobody", "M0001", "G0299", "2026-11-02", "A123456789012", "15", GROUP(CONTRACTUAL)},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        const Payer__LinePayment *line = pay(w, ROWS[i].member, ROWS[i].code, ROWS[i].day, 1, 30000, ROWS[i].number);
        ASSERT_ROW(ROWS[i].name, line->denied && line->paid_cents == 0);
        ASSERT_ROW(ROWS[i].name, adjusted(line, ROWS[i].carc) == 30000);
        ASSERT_ROW(ROWS[i].name, line->adjustments[0]->group == ROWS[i].group);
    }
    assert_false(pay(w, "M0001", "99213", "2026-08-24", 1, 30000, "")
                     ->denied); /* Day 90, and the card counts without its dashes. */
    assert_true(adjusted(pay(w, "m-0001", "99213", "2026-08-24", 1, 30000, ""), "18") == 30000);
}

static void the_plans_last_day_is_covered(void **state)
{
    struct world *w = *state;
    w->in.now_ms = NOW_MS + INT64_C(260) * 86400000; /* 2027-08-09 */
    assert_false(pay(w, "M0001", "99213", "2027-06-30", 1, 18000, "")->denied);
    assert_true(adjusted(pay(w, "M0001", "99213", "2027-07-01", 1, 18000, ""), "27") == 18000);
}

static void a_visit_is_a_day_and_the_limit_is_of_the_year(void **state)
{
    struct world *w = *state;
    assert_false(pay(w, "M0001", "97110", "2026-11-02", 1, 10000, "")->denied);
    assert_false(pay(w, "M0001", "97140", "2026-11-02", 1, 10000, "")->denied);
    assert_false(pay(w, "M0001", "97110", "2026-11-03", 1, 10000, "")->denied);
    assert_true(adjusted(pay(w, "M0001", "97110", "2026-11-04", 1, 10000, ""), "119") == 10000);
    assert_false(pay(w, "M0002", "97110", "2026-11-04", 1, 10000, "")->denied);
}

static void what_is_billed_below_the_price_is_allowed_as_billed(void **state)
{
    const Payer__LinePayment *line = pay(*state, "M0001", "99213", "2026-11-02", 1, 4000, "");
    assert_int_equal(line->allowed_cents, 4000);
    assert_int_equal(line->paid_cents, 1000);
    assert_int_equal(
        pay(*state, "M0001", "99213", "2026-11-09", 9999, 100000000000, "")->allowed_cents, INT64_C(119988000));
}

/* ---- Eligibility ---- */

static void a_member_is_known_by_the_card_or_the_person(void **state)
{
    struct world *w = *state;
    const struct {
        const char *name, *member, *day;
        Payer__CoverageStatus status;
    } ROWS[] = {
        {"by card", "{\"memberId\":\"M0001\"}", "2026-11-22", STATUS(ACTIVE)},
        {"dashes and small letters", "{\"memberId\":\"m-00 01\"}", "2026-11-22", STATUS(ACTIVE)},
        {"another card", "{\"memberId\":\"MX001\"}", "2026-11-22", STATUS(MEMBER_UNKNOWN)},
        {"by person", "{\"familyName\":\"Doe\",\"givenName\":\"Jane\",\"birthDate\":\"1950-01-01\"}", "2026-11-22",
            STATUS(ACTIVE)},
        {"half a person", "{\"familyName\":\"Doe\"}", "2026-11-22", STATUS(MEMBER_UNKNOWN)},
        {"first day", "{\"memberId\":\"M0001\"}", "2025-01-01", STATUS(ACTIVE)},
        {"the day before", "{\"memberId\":\"M0001\"}", "2024-12-31", STATUS(NOT_STARTED)},
        {"last day", "{\"memberId\":\"M0001\"}", "2027-06-30", STATUS(ACTIVE)},
        {"the day after", "{\"memberId\":\"M0001\"}", "2027-07-01", STATUS(ENDED)},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char json[300];
        snprintf(json, sizeof json, "{\"payerId\":\"p1\",\"member\":%s,\"serviceDate\":\"%s\"}", ROWS[i].member,
            ROWS[i].day);
        const Payer__EligibilityAnswer *answer =
            answer_eligibility(&w->in, read_json(w, "payer.EligibilityQuestion", json));
        ASSERT_ROW(ROWS[i].name, answer->status == ROWS[i].status);
        ASSERT_ROW(ROWS[i].name, (answer->status == STATUS(ACTIVE)) == (answer->member_id != NULL));
    }
}

static void nobody_is_a_member_of_a_payer_without_a_book(void **state)
{
    struct world *w = *state;
    w->in.payer = NULL;
    const Payer__EligibilityQuestion *question = read_json(w, "payer.EligibilityQuestion",
        "{\"payerId\":\"x\",\"member\":{\"memberId\":\"M0001\"},\"serviceDate\":\"2026-11-22\"}");
    assert_int_equal(answer_eligibility(&w->in, question)->status, STATUS(MEMBER_UNKNOWN));
    assert_int_equal(adjusted(pay(w, "M0001", "99213", "2026-11-02", 1, 100, ""), "31"), 100);
}

/* ---- Authorisation ---- */

static struct review ask(struct world *w, const char *reference, const char *code, unsigned units, const char *more)
{
    char json[900];
    snprintf(json, sizeof json,
        "{\"payerId\":\"p1\",\"member\":{\"memberId\":\"M0001\"},\"reference\":\"%s\",\"fromDate\":\"2026-11-01\",\"toDate\":\"2027-01-31\",\"lines\":[{"
        "\"number\":1,\"code\":{\"code\":\"%s\"},\"units\":%u%s}]%s}",
        reference, code, units, strncmp(more, ",\"diag", 6) == 0 ? ",\"diagnoses\":[{\"code\":\"chf\"}]" : "",
        strncmp(more, ",\"diag", 6) == 0 ? ",\"clinicalNote\":\"n\",\"documents\":[\"plan-of-care\"]" : more);
    struct review review = answer_authorization(&w->in, read_json(w, "payer.AuthorizationQuestion", json));
    struct why why = {0};
    assert_int_equal(rules_check(&review.now->base, &why), FAULT_NONE);
    return review;
}

#define COMPLETE ",\"clinicalNote\":\"n\",\"documents\":[\"plan-of-care\"]"

static void need_follows_the_benefit(void **state)
{
    struct world *w = *state;
    const struct {
        const char *code, *rule;
        bool required;
    } ROWS[] = {{"99213", "pcp", false}, {"G0299", "nursing", true}, {"12345", "no-benefit", true}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char json[300];
        snprintf(json, sizeof json,
            "{\"payerId\":\"p1\",\"member\":{\"memberId\":\"M0001\"},\"lines\":[{\"number\":1,\"code\":{\"code\":\"%s\"},\"units\":1}]}",
            ROWS[i].code);
        const Payer__AuthorizationNeedAnswer *answer =
            answer_need(&w->in, read_json(w, "payer.AuthorizationNeedQuestion", json));
        ASSERT_ROW(ROWS[i].code, answer->required == ROWS[i].required);
        ASSERT_ROW(ROWS[i].code, strcmp(answer->rule_id, ROWS[i].rule) == 0);
    }
}

static void rules_approve_and_only_a_physician_says_no(void **state)
{
    struct world *w = *state;
    struct review small = ask(w, "r1", "G0299", 4, "");
    assert_int_equal(small.now->action, ACTION(CERTIFIED));
    assert_string_equal(small.now->decided_by, "rule nursing");
    assert_null(small.then);

    struct review incomplete = ask(w, "r2", "G0299", 5, "");
    assert_int_equal(incomplete.now->action, ACTION(PENDED));
    assert_null(incomplete.then);
    assert_int_equal(incomplete.now->n_documents, 2);
    assert_string_equal(incomplete.now->documents[0], "clinical-note");
    assert_string_equal(incomplete.now->documents[1], "plan-of-care");

    struct review met = ask(w, "r3", "G0299", 5, ",\"diag");
    assert_int_equal(met.now->action, ACTION(PENDED));
    assert_int_equal(met.then->action, ACTION(CERTIFIED));
    assert_string_equal(met.then->decided_by, "Nurse One");
    assert_int_equal(met.then->lines[0]->units, 5);

    struct review unmet = ask(w, "r4", "G0299", 5, COMPLETE);
    assert_int_equal(unmet.now->action, ACTION(PENDED));
    assert_int_equal(unmet.then->action, ACTION(NOT_CERTIFIED));
    assert_string_equal(unmet.then->decided_by, "Dr First");
    assert_string_equal(unmet.then->criterion, "heart failure");
    assert_string_equal(unmet.then->lines[0]->reason_code, "not-medically-necessary");
    assert_null(unmet.then->authorization_number);

    struct review foreign = ask(w, "r5", "12345", 1, "");
    assert_int_equal(foreign.now->action, ACTION(NOT_CERTIFIED));
    assert_string_equal(foreign.now->lines[0]->reason_code, "not-covered-benefit");
}

static void without_a_physician_nobody_says_no(void **state)
{
    struct world *w = *state;
    Insurers__Payer *payer = (Insurers__Payer *)w->in.payer;
    payer->n_reviewers = 1;
    struct review review = ask(w, "r1", "G0299", 5, COMPLETE);
    assert_int_equal(review.now->action, ACTION(PENDED));
    assert_null(review.then);
}

static void granted_units_are_paid_until_they_are_used_up(void **state)
{
    struct world *w = *state;
    const char *number = ask(w, "r1", "G0299", 4, "").now->authorization_number;
    assert_false(pay(w, "M0001", "G0299", "2026-11-02", 3, 12000, number)->denied);
    assert_int_equal(adjusted(pay(w, "M0001", "G0299", "2026-11-03", 2, 8000, number), "198"), 8000);
    assert_false(pay(w, "M0001", "G0299", "2026-11-03", 1, 4000, number)->denied);
    assert_int_equal(adjusted(pay(w, "M0001", "G0299", "2026-11-04", 1, 4000, number), "198"), 4000);
    assert_int_equal(adjusted(pay(w, "M0002", "G0299", "2026-11-04", 1, 4000, number), "15"), 4000);
    const char *other = ask(w, "r2", "G0299", 4, "").now->authorization_number;
    assert_string_not_equal(number, other);
    assert_int_equal(adjusted(pay(w, "M0001", "G0299", "2026-10-31", 1, 4000, other), "198"), 4000);
}

static void a_number_outlives_the_memory_of_the_process(void **state)
{
    struct world *w = *state;
    const char *number = ask(w, "r1", "G0299", 4, "").now->authorization_number;
    memory_free(&w->memory);
    w->in.memory = w->memory = memory_new(10);
    assert_false(pay(w, "M0001", "G0299", "2026-11-02", 3, 12000, number)->denied);
}

/* ---- Appeals ---- */

static void another_physician_looks_at_the_evidence(void **state)
{
    struct world *w = *state;
    const struct {
        const char *name, *code, *evidence, *decided_by;
        Payer__AppealOutcome outcome;
    } ROWS[] = {
        {"nothing new", "G0299", "", "Dr Second", OUTCOME(UPHELD)},
        {"evidence of another kind", "G0299", "\"photo\"", "Dr Second", OUTCOME(UPHELD)},
        {"the beginning of a kind", "G0299", "\"discharge\"", "Dr Second", OUTCOME(UPHELD)},
        {"only like it", "G0299", "\"discharge-summary-2\"", "Dr Second", OUTCOME(UPHELD)},
        {"evidence", "G0299", "\"discharge-summary\"", "Dr Second", OUTCOME(OVERTURNED)},
        {"evidence with its reference", "G0299", "\"photo\",\"discharge-summary:KC-1\"", "Dr Second",
            OUTCOME(OVERTURNED)},
        {"no benefit", "12345", "\"discharge-summary\"", "Dr Second", OUTCOME(UPHELD)},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char json[500];
        snprintf(json, sizeof json,
            "{\"payerId\":\"p1\",\"member\":{\"memberId\":\"M0001\"},\"reference\":\"a%zu\",\"decisionReference\":\"r4\",\"level\":1,\"evidence\":[%s],\"lines\":[{"
            "\"number\":1,\"code\":{\"code\":\"%s\"},\"units\":8}]}",
            i, ROWS[i].evidence, ROWS[i].code);
        const Payer__AppealAnswer *answer = answer_appeal(&w->in, read_json(w, "payer.AppealQuestion", json));
        ASSERT_ROW(ROWS[i].name, answer->outcome == ROWS[i].outcome);
        ASSERT_ROW(ROWS[i].name, strcmp(answer->decided_by, ROWS[i].decided_by) == 0);
        ASSERT_ROW(ROWS[i].name, (answer->authorization_number != NULL) == (answer->outcome == OUTCOME(OVERTURNED)));
        if (answer->authorization_number) {
            ASSERT_ROW(ROWS[i].name,
                !pay(w, "M0001", "G0299", i == 4 ? "2026-11-02" : "2026-11-03", 8, 40000, answer->authorization_number)
                     ->denied);
        }
    }
}

/* ---- Answering tasks ---- */

static void the_same_claim_always_gets_the_same_answer(void **state)
{
    struct world *w = *state;
    const Payer__ClaimQuestion *question = read_json(w, "payer.ClaimQuestion",
        "{\"payerId\":\"p1\",\"member\":{\"memberId\":\"M0001\"},\"reference\":\"c9\",\"providerNpi\":\"1234567893\",\"lines\":[{\"number\":1,"
        "\"code\":{\"code\":\"70551\"},\"serviceDate\":\"2026-11-02\",\"units\":1,\"billedCents\":200000}]}");
    struct packed body = contract_pack(&question->base, &w->arena);
    struct answers first, second;
    struct why why = {0};
    assert_int_equal(
        answer_question(&w->in, "payer.ClaimQuestion", "t1", body.data, body.size, &first, &why), FAULT_NONE);
    w->in.now_ms += 1000;
    assert_int_equal(
        answer_question(&w->in, "payer.ClaimQuestion", "t2", body.data, body.size, &second, &why), FAULT_NONE);
    assert_string_equal(first.subject, "payer.ClaimAnswer");
    assert_int_equal(first.now_size, second.now_size);
    assert_memory_equal(first.now, second.now, first.now_size);
    assert_null(first.then);
}

static void a_review_is_pended_first_and_decided_after(void **state)
{
    struct world *w = *state;
    const Payer__AuthorizationQuestion *question = read_json(w, "payer.AuthorizationQuestion",
        "{\"payerId\":\"p1\",\"member\":{\"memberId\":\"M0001\"},\"reference\":\"r9\",\"fromDate\":\"2026-11-01\",\"toDate\":\"2027-01-31\",\"lines\":[{"
        "\"number\":1,\"code\":{\"code\":\"G0299\"},\"units\":8}]" COMPLETE "}");
    struct packed body = contract_pack(&question->base, &w->arena);
    struct answers answers;
    struct why why = {0};
    ProtobufCMessage *then = NULL;
    assert_int_equal(
        answer_question(&w->in, "payer.AuthorizationQuestion", "t1", body.data, body.size, &answers, &why), FAULT_NONE);
    assert_int_equal(contract_unpack(&payer__authorization_answer__descriptor, answers.then, answers.then_size,
                         &CROSSING_PAYER, &w->arena, &why, &then),
        FAULT_NONE);
    assert_int_equal(((Payer__AuthorizationAnswer *)then)->action, ACTION(NOT_CERTIFIED));
}

static void what_is_no_question_is_refused(void **state)
{
    struct world *w = *state;
    struct answers answers;
    struct why why = {0};
    assert_int_equal(
        answer_question(&w->in, "payer.ClaimAnswer", "t1", (const uint8_t *)"", 0, &answers, &why), FAULT_INVALID);
    assert_string_equal(why.text, "payer.ClaimAnswer is no question of payer.proto");
    assert_int_equal(
        answer_question(&w->in, "payer.ClaimQuestion", "t1", (const uint8_t *)"\xff\xff", 2, &answers, &why),
        FAULT_INVALID);
    assert_int_equal(
        answer_question(&w->in, "payer.ClaimQuestion", "t1", (const uint8_t *)"", 0, &answers, &why), FAULT_INVALID);
}

/* ---- Memory and book ---- */

static void a_full_memory_forgets_the_oldest(void **state)
{
    (void)state;
    struct memory *memory = memory_new(3);
    const char *const NAMES[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++) {
        *(int *)memory_require(memory, memory_key(NAMES[i], NULL), sizeof(int)) = (int)i;
    }
    size_t size = 0;
    assert_null(memory_find(memory, memory_key("a", NULL), NULL));
    assert_null(memory_find(memory, memory_key("b", NULL), NULL));
    assert_int_equal(*(int *)memory_find(memory, memory_key("c", NULL), &size), 2);
    assert_int_equal(size, sizeof(int));
    assert_null(memory_find(memory, memory_key("c", "", NULL), NULL));
    memory_free(&memory);
    assert_null(memory);
    memory = memory_new(1);
    for (size_t i = 0; i < 5; i++) {
        memory_require(memory, memory_key(NAMES[i], NULL), 1);
    }
    assert_null(memory_find(memory, memory_key("d", NULL), NULL));
    assert_non_null(memory_find(memory, memory_key("e", NULL), NULL));
    memory_free(&memory);
}

static void the_book_of_the_seeds_can_be_read(void **state)
{
    struct world *w = *state;
    const Insurers__Payers *book = NULL;
    struct why why = {0};
    assert_int_equal(book_load("seeds", &w->arena, &book, &why), FAULT_NONE);
    assert_non_null(book_find(book, "golden-poppy"));
    assert_null(book_find(book, "nobody"));
    for (size_t i = 0; i < book->n_payers; i++) {
        const Insurers__Payer *payer = book->payers[i];
        for (size_t k = 0; k < payer->n_benefits; k++) {
            ASSERT_ROW(payer->payer_id, !payer->benefits[k]->authorization_required ||
                                            find_reviewer(payer, true, find_reviewer(payer, true, NULL)->name));
        }
    }
    assert_int_equal(book_load("/nowhere", &w->arena, &book, &why), FAULT_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plan_p1_pays_its_sequence_to_the_cent),
        TEST(shares_follow_the_independent_vectors),
        TEST(lines_that_are_not_paid_say_why_and_who_bears_them),
        TEST(the_plans_last_day_is_covered),
        TEST(a_visit_is_a_day_and_the_limit_is_of_the_year),
        TEST(what_is_billed_below_the_price_is_allowed_as_billed),
        TEST(a_member_is_known_by_the_card_or_the_person),
        TEST(nobody_is_a_member_of_a_payer_without_a_book),
        TEST(need_follows_the_benefit),
        TEST(rules_approve_and_only_a_physician_says_no),
        TEST(without_a_physician_nobody_says_no),
        TEST(granted_units_are_paid_until_they_are_used_up),
        TEST(a_number_outlives_the_memory_of_the_process),
        TEST(another_physician_looks_at_the_evidence),
        TEST(the_same_claim_always_gets_the_same_answer),
        TEST(a_review_is_pended_first_and_decided_after),
        TEST(what_is_no_question_is_refused),
        TEST(a_full_memory_forgets_the_oldest),
        TEST(the_book_of_the_seeds_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
