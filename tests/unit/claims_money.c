/* Claims and appeals: edits, what a payer pays, what it may not say, and money that balances at every moment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/contract/guard.h"
#include "common/core/instant.h"
#include "tests/unit/claims_story.h"

#define CLAIM_JSON(id, lines)                                                                                          \
    "{\"claimId\":\"" id "\",\"caseId\":\"" CASE                                                                       \
    "\",\"title\":\"visit\",\"providerNpi\":\"1234567893\",\"lines\":[" lines "]}"
#define VISIT(number, code, day, cents)                                                                                \
    "{\"number\":" #number ",\"code\":{\"code\":\"" code "\"},\"serviceDate\":\"" day                                  \
    "\",\"units\":1,\"billedCents\":" #cents "}"
#define PAID(number, paid, more) "{\"number\":" #number ",\"paidCents\":" #paid more "}"
#define CO45(cents)                                                                                                    \
    ",\"adjustments\":[{\"group\":\"ADJUSTMENT_GROUP_CONTRACTUAL\",\"reasonCode\":\"45\",\"amountCents\":" #cents "}]"
#define ANSWER_JSON(lines) "{\"claimNumber\":\"C1\",\"lines\":[" lines "]}"

static enum fault submit(struct rules *r, const char *json)
{
    return story_send(r, STORY_BILLER, "claims.SubmitClaim", json);
}

static enum fault pay(struct rules *r, const char *json)
{
    return story_answer(r, "claim", "c1", "payer.ClaimAnswer", json);
}

static void assert_balanced(const Claims__Claim *claim)
{
    Claims__ClaimTotals sum = CLAIMS__CLAIM_TOTALS__INIT;
    for (size_t i = 0; i < claim->n_lines; i++) {
        const Claims__ClaimLine *l = claim->lines[i];
        assert_int_equal(
            l->billed_cents, l->paid_cents + l->adjusted_cents + l->denied_cents + l->patient_cents + l->open_cents);
        assert_true(l->paid_cents >= 0 && l->adjusted_cents >= 0 && l->denied_cents >= 0 && l->patient_cents >= 0 &&
                    l->open_cents >= 0);
        sum.billed_cents += l->billed_cents;
        sum.paid_cents += l->paid_cents;
        sum.adjusted_cents += l->adjusted_cents;
        sum.denied_cents += l->denied_cents;
        sum.patient_cents += l->patient_cents;
        sum.open_cents += l->open_cents;
    }
    const Claims__ClaimTotals *t = claim->totals;
    assert_int_equal(t->billed_cents, sum.billed_cents);
    assert_int_equal(t->paid_cents, sum.paid_cents);
    assert_int_equal(t->adjusted_cents, sum.adjusted_cents);
    assert_int_equal(t->denied_cents, sum.denied_cents);
    assert_int_equal(t->patient_cents, sum.patient_cents);
    assert_int_equal(t->open_cents, sum.open_cents);
    assert_int_equal(
        t->billed_cents, t->paid_cents + t->adjusted_cents + t->denied_cents + t->patient_cents + t->open_cents);
}

/* ---- Edits ---- */

static void a_claim_is_refused_before_it_is_sent_with_what_to_do(void **state)
{
    struct rules *r = *state;
    assert_int_equal(submit(r, CLAIM_JSON("c1", VISIT(1, "99213", "2026-11-02", 18000))), FAULT_NOT_FOUND);
    story_cover(r, "Medicaid", "ACTIVE"); /* From 2026-01-01. */
    assert_int_equal(submit(r, CLAIM_JSON("c0", VISIT(1, "99214", "2026-11-02", 18000))), FAULT_NONE);
    const struct {
        const char *json, *why;
    } ROWS[] = {
        {CLAIM_JSON("c1", VISIT(1, "X9213", "2026-11-02", 18000)),
            "line 1: X9213 is neither a CPT nor a HCPCS code: correct it"},
        {CLAIM_JSON("c1", VISIT(1, "9921", "2026-11-02", 18000)),
            "line 1: 9921 is neither a CPT nor a HCPCS code: correct it"},
        {CLAIM_JSON("c1", VISIT(1, "99213", "2026-11-02", 0)), "line 1 bills nothing: give billedCents"},
        {CLAIM_JSON("c1", "{\"number\":1,\"code\":{\"code\":\"99213\"},\"units\":1,\"billedCents\":5}"),
            "line 1 has no service date: give serviceDate"},
        {CLAIM_JSON("c1", VISIT(1, "99213", "2026-11-22", 18000)),
            "line 1: 2026-11-22 lies in the future: bill it when it has taken place"},
        {CLAIM_JSON("c1", VISIT(1, "99213", "2025-12-31", 18000)),
            "line 1: 2025-12-31 lies before the coverage, which begins on 2026-01-01: bill the coverage of that day"},
        {CLAIM_JSON("c1", VISIT(1, "99213", "2026-11-02", 5) "," VISIT(1, "99215", "2026-11-02", 5)),
            "line number 1 is given twice: number the lines"},
        {CLAIM_JSON("c1", VISIT(1, "99213", "2026-11-02", 5) "," VISIT(2, "99213", "2026-11-02", 5)),
            "line 2 looks like line 1, 99213 on 2026-11-02: put the units into one line, or correct the date"},
        {CLAIM_JSON("c1", VISIT(1, "99214", "2026-11-02", 5)),
            "line 1 looks like line 1 of claim c0, 99214 on 2026-11-02: leave it out, or correct the date; a denied line is appealed"},
        {"{\"claimId\":\"c1\",\"caseId\":\"" CASE
         "\",\"title\":\"v\",\"providerNpi\":\"1234567893\",\"placeOfService\":\"1A\",\"lines\":[" VISIT(
             1, "99213", "2026-11-02", 5) "]}",
            "the place of service 1A is not two digits"},
        {CLAIM_JSON("c0", VISIT(1, "99213", "2026-11-02", 5)), "claim c0 exists already and is submitted"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        ASSERT_ROW(ROWS[i].why, submit(r, ROWS[i].json) == FAULT_REFUSED);
        assert_string_equal(rules_why(r), ROWS[i].why);
        assert_null(story_claim(r, "c1"));
    }
    assert_int_equal(submit(r, CLAIM_JSON("c1", VISIT(1, "99213", "2026-11-21", 5))), FAULT_NONE); /* Today, there. */
    assert_int_equal(submit(r, CLAIM_JSON("c2", VISIT(1, "99213", "2026-01-01", 5))), FAULT_NONE);
}

static void codes_have_the_forms_of_cpt_and_hcpcs(void **state)
{
    (void)state;
    const struct {
        const char *code;
        bool billable;
    } ROWS[] = {{"99213", true}, {"0001F", true}, {"0042T", true}, {"0001U", true}, {"0001M", true}, {"0001X", false},
        {"G0299", true}, {"V5010", true}, {"A0428", true}, {"W0000", false}, {"g0299", false}, {"9921", false},
        {"992134", false}, {"G02A9", false}, {"", false}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        ASSERT_ROW(ROWS[i].code, code_is_billable(ROWS[i].code) == ROWS[i].billable);
    }
    assert_false(code_is_billable(NULL));
}

#define CERTIFIED "{\"action\":\"REVIEW_ACTION_CERTIFIED\",\"authorizationNumber\":\"N1\"}"
#define DENIED                                                                                                         \
    "{\"action\":\"REVIEW_ACTION_NOT_CERTIFIED\",\"decidedBy\":\"Dr First\",\"criterion\":\"c\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_NOT_CERTIFIED\",\"reasonCode\":\"not-medically-necessary\"}]}"

static void a_claim_carries_the_number_of_its_authorisation(void **state)
{
    struct rules *r = *state;
    story_cover(r, "Medicaid", "ACTIVE");
    const char *id = story_submit(r, "G0299", 8);
    const char *json = CLAIM_JSON("c1", VISIT(1, "G0299", "2026-11-21", 18000));
    assert_int_equal(submit(r, json), FAULT_REFUSED);
    assert_string_equal(rules_why(r), "line 1: the authorisation of G0299 is submitted: bill when it is decided");
    assert_int_equal(story_answer(r, "authorization", id, "payer.AuthorizationAnswer", CERTIFIED), FAULT_NONE);
    assert_int_equal(
        submit(r,
            CLAIM_JSON("c1",
                "{\"number\":1,\"code\":{\"code\":\"G0299\"},\"serviceDate\":\"2026-11-21\",\"units\":1,\"billedCents\":1,\"authorizationNumber\":\"N2\"}")),
        FAULT_REFUSED);
    assert_string_equal(rules_why(r), "line 1: the authorisation of G0299 has the number N1, not N2");
    assert_int_equal(submit(r, json), FAULT_NONE);
    assert_string_equal(
        ((const Payer__ClaimQuestion *)rules_told(r, "payer.ClaimQuestion"))->lines[0]->authorization_number, "N1");
}

static void nobody_is_billed_without_an_active_coverage(void **state)
{
    struct rules *r = *state;
    const char *json = CLAIM_JSON("c1", VISIT(1, "99213", "2026-11-02", 18000));
    story_enrol(r, "Medicaid", "M1");
    assert_int_equal(submit(r, json), FAULT_REFUSED);
    assert_string_equal(rules_why(r), "no payer has confirmed the coverage yet: bill when one has");
    story_done(state);
    story_begin(state);
    story_enrol(r, "NO_INSURANCE", "");
    assert_int_equal(submit(r, json), FAULT_REFUSED);
    assert_string_equal(
        rules_why(r), "no coverage of this case is active: record one, or bill the patient as self pay");
}

/* ---- Answers ---- */

static void submit_two_lines(struct rules *r, const char *payer)
{
    story_cover(r, payer, "ACTIVE");
    assert_int_equal(
        submit(r, CLAIM_JSON("c1", VISIT(1, "99213", "2026-11-02", 18000) "," VISIT(2, "80048", "2026-11-02", 5000))),
        FAULT_NONE);
    assert_balanced(story_claim(r, "c1"));
    assert_int_equal(story_claim(r, "c1")->totals->open_cents, 23000);
}

#define SHARE                                                                                                          \
    ",\"adjustments\":[{\"group\":\"ADJUSTMENT_GROUP_CONTRACTUAL\",\"reasonCode\":\"45\",\"amountCents\":6000},{\"group\":\"ADJUSTMENT_GROUP_PATIENT\",\"reasonCode\":\"3\",\"amountCents\":3000}]"
#define NO197                                                                                                          \
    ",\"denied\":true,\"adjustments\":[{\"group\":\"ADJUSTMENT_GROUP_CONTRACTUAL\",\"reasonCode\":\"197\",\"amountCents\":5000}]"

static void an_answer_is_applied_line_by_line_and_explained(void **state)
{
    struct rules *r = *state;
    submit_two_lines(r, "Medicaid");
    assert_int_equal(pay(r, ANSWER_JSON(PAID(1, 9000, SHARE) "," PAID(2, 0, NO197))), FAULT_NONE);
    const Claims__Claim *claim = story_claim(r, "c1");
    assert_balanced(claim);
    assert_int_equal(claim->state, CLAIM(ANSWERED));
    assert_int_equal(claim->lines[0]->state, LINE(PAID));
    assert_int_equal(claim->lines[1]->state, LINE(DENIED));
    assert_int_equal(claim->totals->open_cents, 0);
    const Claims__ClaimAnswered *event = rules_event(r, "claims.ClaimAnswered");
    assert_string_equal(event->summary, "of $230.00 $90.00 paid, $60.00 taken off, $50.00 denied, patient $30.00");
    assert_string_equal(event->explanation,
        "The bill is $230.00. Your plan pays $90.00. $60.00 is taken off by contract: you do not owe it. Your plan says no to $50.00. You may owe "
        "$30.00. Line 2: The plan was not asked before the care was given. You do not owe it. If you do not agree, you can ask for a new look until "
        "Wed Jan 20, 2027.");
    assert_int_equal(event->appeal_until_ms, story_instant("2027-01-21T04:59:59.999Z"));
    assert_int_equal(rules_timer_change(r, "c1", "decision.100")->due_at_ms, 0);
    assert_int_equal(pay(r, ANSWER_JSON(PAID(1, 18000, "") "," PAID(2, 5000, ""))), FAULT_NONE);
    assert_int_equal(
        story_claim(r, "c1")->totals->paid_cents, 9000); /* The first answer counts, and the second is no lie. */
    assert_null(rules_event(r, "claims.AnswerSetAside"));
    assert_int_equal(rules_timer(r, "claim", "c1", "appeal-window", event ? r->now_ms : 0), FAULT_NONE);
    assert_int_equal(story_claim(r, "c1")->state, CLAIM(FINALIZED));
}

static void an_answer_without_denial_is_final(void **state)
{
    struct rules *r = *state;
    submit_two_lines(r, "Medicaid");
    assert_int_equal(pay(r, ANSWER_JSON(PAID(2, 5000, "") "," PAID(1, 9000, SHARE))), FAULT_NONE);
    assert_int_equal(story_claim(r, "c1")->state, CLAIM(FINALIZED));
    assert_null(rules_timer_change(r, "c1", "appeal-window"));
}

static void an_answer_that_lies_is_set_aside_and_never_applied(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *json, *why;
    } ROWS[] = {
        {ANSWER_JSON(PAID(1, 18000, "")), "it leaves out line 2"},
        {ANSWER_JSON(PAID(1, 18000, "") "," PAID(2, 5000, "") "," PAID(3, 0, "")),
            "it answers line 3, which nobody asked for"},
        {ANSWER_JSON(PAID(1, 18000, "") "," PAID(2, 5000, "") "," PAID(1, 18000, "")), "it answers line 1 twice"},
        {ANSWER_JSON(PAID(1, 17999, "") "," PAID(2, 5000, "")),
            "line 1 bills $180.00, but paid and adjustments make $179.99"},
        {ANSWER_JSON(PAID(1, 18001, "") "," PAID(2, 5000, "")),
            "line 1 bills $180.00, but paid and adjustments make $180.01"},
        {ANSWER_JSON(PAID(1, 18000, CO45(1)) "," PAID(2, 5000, "")),
            "line 1 bills $180.00, but paid and adjustments make $180.01"},
        {ANSWER_JSON(PAID(1, 18000, ",\"denied\":true") "," PAID(2, 5000, "")), "line 1 is denied and paid"},
        {ANSWER_JSON(PAID(1, 18000, ",\"allowedCents\":17999") "," PAID(2, 5000, "")),
            "line 1 is paid above what is allowed"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        submit_two_lines(r, "Medicaid");
        ASSERT_ROW(ROWS[i].why, pay(r, ROWS[i].json) == FAULT_NONE);
        const Claims__AnswerSetAside *event = rules_event(r, "claims.AnswerSetAside");
        ASSERT_ROW(ROWS[i].why, event != NULL);
        assert_string_equal(event->why, ROWS[i].why);
        const Claims__Claim *claim = story_claim(r, "c1");
        ASSERT_ROW(
            ROWS[i].why, claim->state == CLAIM(SUBMITTED) && claim->totals->open_cents == 23000 && claim->set_aside);
        ASSERT_ROW(ROWS[i].why, story_has_work(r, "answer-set-aside"));
    }
}

static void after_a_lie_a_person_asks_again(void **state)
{
    struct rules *r = *state;
    static const char AGAIN[] = "{\"claimId\":\"c1\",\"caseId\":\"" CASE "\"}";
    submit_two_lines(r, "Medicaid");
    assert_int_equal(story_send(r, STORY_BILLER, "claims.AskPayerAgain", AGAIN), FAULT_REFUSED);
    assert_int_equal(pay(r, ANSWER_JSON(PAID(1, 1, "") "," PAID(2, 1, ""))), FAULT_NONE);
    assert_int_equal(story_send(r, STORY_BILLER, "claims.AskPayerAgain", AGAIN), FAULT_NONE);
    assert_string_equal(((const Payer__ClaimQuestion *)rules_told(r, "payer.ClaimQuestion"))->reference, "c1.r2");
    assert_false(story_has_work(r, "answer-set-aside"));
    assert_int_equal(pay(r, ANSWER_JSON(PAID(1, 18000, "") "," PAID(2, 5000, ""))), FAULT_NONE);
    assert_int_equal(story_claim(r, "c1")->state, CLAIM(FINALIZED));
}

/* Amounts that the crossing refuses are refused here too: nobody relies on one wall. */
static void amounts_that_cannot_be_are_lies(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name;
        int64_t paid, allowed, adjustment;
        const char *why;
    } ROWS[] = {
        {"paid negative", -1, 0, 18001, "line 1 has a negative amount"},
        {"allowed negative", 18000, -1, 0, "line 1 has a negative amount"},
        {"adjusted negative", 18001, 18001, -1, "line 1 has a negative amount"},
        {"overflow", INT64_MAX, INT64_MAX, 18001, "the amounts of line 1 cannot be counted"},
    };
    submit_two_lines(r, "Medicaid");
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        Payer__ClaimAnswer *answer =
            rules_json(r, "payer.ClaimAnswer", ANSWER_JSON(PAID(1, 0, CO45(1)) "," PAID(2, 5000, "")));
        answer->lines[0]->paid_cents = ROWS[i].paid;
        answer->lines[0]->has_allowed_cents = true;
        answer->lines[0]->allowed_cents = ROWS[i].allowed;
        answer->lines[0]->adjustments[0]->amount_cents = ROWS[i].adjustment;
        struct decision d = {.arena = &r->world};
        const char *why = payment_lies(&d, story_claim(r, "c1"), answer);
        ASSERT_ROW(ROWS[i].name, why && strcmp(why, ROWS[i].why) == 0);
    }
}

static void an_overdue_claim_escalates_and_stays_open(void **state)
{
    struct rules *r = *state;
    submit_two_lines(r, "Medicaid");
    assert_int_equal(story_claim(r, "c1")->clocks[0]->due_at_ms, story_instant("2026-12-22T04:59:59.999Z"));
    assert_int_equal(rules_timer(r, "claim", "c1", "decision.95", r->now_ms), FAULT_NONE);
    assert_non_null(rules_event(r, "claims.PayerReminded"));
    assert_int_equal(rules_timer(r, "claim", "c1", "decision.100", r->now_ms), FAULT_NONE);
    assert_non_null(rules_event(r, "claims.ClaimOverdue"));
    assert_true(story_has_work(r, "payer-is-late"));
    assert_int_equal(story_claim(r, "c1")->totals->open_cents, 23000);
}

/* ---- Random answers ---- */

static uint64_t seed;

static uint32_t dice(uint32_t sides)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % sides;
}

/* An answer that is mostly true; now and then a cent, a line or a flag is wrong. */
static Payer__ClaimAnswer *random_answer(struct rules *r, const Claims__Claim *claim)
{
    Payer__ClaimAnswer *answer =
        rules_json(r, "payer.ClaimAnswer", ANSWER_JSON(PAID(1, 0, SHARE) "," PAID(2, 0, SHARE)));
    for (size_t i = 0; i < answer->n_lines; i++) {
        Payer__LinePayment *line = answer->lines[i];
        int64_t billed = claim->lines[i]->billed_cents, rest = billed;
        bool denied = dice(3) == 0;
        SET(line, denied, denied);
        line->paid_cents = denied ? 0 : dice((uint32_t)billed + 1);
        rest -= line->paid_cents;
        line->adjustments[0]->amount_cents = dice((uint32_t)rest + 1);
        line->adjustments[1]->amount_cents = rest - line->adjustments[0]->amount_cents;
        line->adjustments[dice(2)]->group = (Payer__AdjustmentGroup)(1 + dice(4));
        line->paid_cents += dice(8) == 0 ? (int64_t)dice(3) - 1 : 0;
        line->number = dice(16) == 0 ? 1 + dice(3) : line->number;
        line->paid_cents = line->paid_cents < 0 ? 0 : line->paid_cents;
    }
    answer->n_lines -= dice(16) == 0;
    return answer->n_lines ? answer : NULL;
}

static void money_balances_whatever_a_payer_answers(void **state)
{
    struct rules *r = *state;
    const char *given = getenv("CASEBUS_SEED");
    seed = given ? strtoull(given, NULL, 10) : 20261122;
    print_message("seed %llu\n", (unsigned long long)seed);
    size_t applied = 0, aside = 0;
    for (int i = 0; i < 400; i++) {
        if (i % 50 == 0) {
            story_done(state);
            story_begin(state);
            story_cover(r, "Medicaid", "ACTIVE");
        }
        char json[500];
        snprintf(json, sizeof json,
            "{\"claimId\":\"c%d\",\"caseId\":\"" CASE "\",\"title\":\"v\",\"providerNpi\":\"1234567893\",\"lines\":["
            "{\"number\":1,\"code\":{\"code\":\"%05d\"},\"serviceDate\":\"2026-11-02\",\"units\":1,\"billedCents\":%u},"
            "{\"number\":2,\"code\":{\"code\":\"%05d\"},\"serviceDate\":\"2026-11-02\",\"units\":1,\"billedCents\":%u}]}",
            i, 10000 + 2 * i, 1 + dice(100000), 10001 + 2 * i, 1 + dice(100000));
        assert_int_equal(submit(r, json), FAULT_NONE);
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        const Payer__ClaimAnswer *answer = random_answer(r, story_claim(r, id));
        if (!answer) {
            continue;
        }
        r->root = CASE;
        assert_int_equal(rules_answer(r, "claim", id, &answer->base), FAULT_NONE);
        const Claims__Claim *claim = story_claim(r, id);
        assert_balanced(claim);
        bool lied = rules_event(r, "claims.AnswerSetAside") != NULL;
        assert_int_equal(claim->totals->open_cents, lied ? claim->totals->billed_cents : 0);
        applied += !lied;
        aside += lied;
    }
    assert_true(applied > 50 && aside > 50);
}

/* ---- Appeals ---- */

static const char *denied_authorization(struct rules *r, const char *payer)
{
    story_cover(r, payer, "ACTIVE");
    const char *id = story_submit(r, "G0299", 8);
    assert_int_equal(story_answer(r, "authorization", id, "payer.AuthorizationAnswer", DENIED), FAULT_NONE);
    return id;
}

static enum fault file_for(struct rules *r, struct actor actor, const char *authorization_id, const char *more)
{
    char json[500];
    snprintf(json, sizeof json, "{\"appealId\":\"ap1\",\"caseId\":\"" CASE "\"%s%s%s%s}",
        authorization_id ? ",\"authorizationId\":\"" : "", authorization_id ? authorization_id : "",
        authorization_id ? "\"" : "", more);
    return story_send(r, actor, "claims.FileAppeal", json);
}

static void a_members_appeal_is_never_blocked(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name, *authorization, *more, *missing;
        int64_t after_ms;
        Claims__AppealState state;
    } ROWS[] = {
        {"in time, with grounds", "", ",\"grounds\":\"g\"", NULL, DAY_MS, APPEAL(SUBMITTED)},
        {"without grounds", "", "", "the grounds", DAY_MS, APPEAL(SUBMITTED)},
        {"late", "", ",\"grounds\":\"g\"", "the reason for filing after Wed Jan 20, 2027", 90 * DAY_MS,
            APPEAL(SUBMITTED)},
        {"of what nobody knows", "nothing", ",\"grounds\":\"g\"", "which decision it is about", DAY_MS,
            APPEAL(RECEIVED)},
        {"of nothing named", NULL, "", "which decision it is about, the grounds", DAY_MS, APPEAL(RECEIVED)},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        const char *id = denied_authorization(r, "Medicaid");
        r->now_ms += ROWS[i].after_ms;
        const char *named = ROWS[i].authorization && !*ROWS[i].authorization ? id : ROWS[i].authorization;
        ASSERT_ROW(ROWS[i].name, file_for(r, STORY_PATIENT, named, ROWS[i].more) == FAULT_NONE);
        const Claims__AppealFiled *event = rules_event(r, "claims.AppealFiled");
        ASSERT_ROW(ROWS[i].name, (event->missing != NULL) == (ROWS[i].missing != NULL));
        ASSERT_ROW(ROWS[i].name, !event->missing || strcmp(event->missing, ROWS[i].missing) == 0);
        ASSERT_ROW(ROWS[i].name, story_appeal(r, "ap1")->state == ROWS[i].state && story_appeal(r, "ap1")->simulated);
        ASSERT_ROW(
            ROWS[i].name, (rules_task(r, "payer.AppealQuestion") != NULL) == (ROWS[i].state == APPEAL(SUBMITTED)));
        ASSERT_ROW(ROWS[i].name, story_has_work(r, "appeal-incomplete") == (ROWS[i].missing != NULL));
    }
}

static void the_desk_appeals_by_the_rules(void **state)
{
    struct rules *r = *state;
    const char *id = denied_authorization(r, "Medicaid");
    assert_int_equal(file_for(r, STORY_BILLER, "nothing", ",\"grounds\":\"g\""), FAULT_NOT_FOUND);
    assert_int_equal(file_for(r, STORY_BILLER, id, ""), FAULT_REFUSED);
    assert_string_equal(rules_why(r), "say on what grounds: give grounds");
    assert_int_equal(file_for(r, STORY_BILLER, id, ",\"grounds\":\"g\""), FAULT_NONE);
    char json[200];
    snprintf(json, sizeof json, "{\"caseId\":\"" CASE "\",\"authorizationId\":\"%s\",\"grounds\":\"g\"}", id);
    assert_int_equal(story_send(r, STORY_BILLER, "claims.FileAppeal", json), FAULT_REFUSED);
    assert_string_equal(rules_why(r), "appeal ap1 of home nursing is with the payer already: send it what is new");
    story_done(state);
    story_begin(state);
    story_cover(r, "Medicaid", "ACTIVE");
    id = story_submit(r, "G0299", 8);
    assert_int_equal(story_answer(r, "authorization", id, "payer.AuthorizationAnswer", CERTIFIED), FAULT_NONE);
    assert_int_equal(file_for(r, STORY_NURSE, id, ",\"grounds\":\"g\""), FAULT_REFUSED);
    assert_string_equal(rules_why(r), "home nursing was not denied, there is nothing to appeal");
}

static void a_case_takes_a_hundred_appeals_and_no_more(void **state)
{
    struct rules *r = *state;
    for (int i = 0; i <= FILE_ITEMS_MAX; i++) {
        char json[200];
        snprintf(json, sizeof json, "{\"appealId\":\"x%d\",\"caseId\":\"" CASE "\"}", i);
        assert_int_equal(
            story_send(r, STORY_PATIENT, "claims.FileAppeal", json), i < FILE_ITEMS_MAX ? FAULT_NONE : FAULT_REFUSED);
    }
}

static void an_appeal_has_its_own_legal_time(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *payer, *more, *due;
    } ROWS[] = {
        {"Medicaid", ",\"grounds\":\"g\"", "2026-12-22T04:59:59.999Z"},
        {"Medicaid", ",\"grounds\":\"g\",\"expedited\":true", "2026-11-25T03:00:00Z"},
        {"Medicare", ",\"grounds\":\"g\"", "2027-01-21T04:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        const char *id = denied_authorization(r, ROWS[i].payer);
        assert_int_equal(file_for(r, STORY_PATIENT, id, ROWS[i].more), FAULT_NONE);
        ASSERT_ROW(ROWS[i].payer, ((const Claims__AppealFiled *)rules_event(r, "claims.AppealFiled"))->due_at_ms ==
                                      story_instant(ROWS[i].due));
        ASSERT_ROW(ROWS[i].payer, rules_timer_change(r, id, "appeal-window")->due_at_ms == 0);
        assert_int_equal(rules_timer(r, "appeal", "ap1", "decision.100", r->now_ms), FAULT_NONE);
        ASSERT_ROW(ROWS[i].payer,
            rules_event(r, "claims.AppealOverdue") != NULL && story_appeal(r, "ap1")->state == APPEAL(SUBMITTED));
    }
}

static void an_appeal_is_decided_or_its_answer_set_aside(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name, *json;
        Claims__AppealState state;
        Claims__AuthorizationState authorization;
        const char *next, *aside;
    } ROWS[] = {
        {"overturned",
            "{\"outcome\":\"APPEAL_OUTCOME_OVERTURNED\",\"authorizationNumber\":\"N7\",\"decidedBy\":\"Dr Second\"}",
            APPEAL(OVERTURNED), AUTHORIZATION(APPROVED), NULL, NULL},
        {"partly",
            "{\"outcome\":\"APPEAL_OUTCOME_PARTLY_OVERTURNED\",\"authorizationNumber\":\"N7\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_PARTIAL\",\"units\":3}]}",
            APPEAL(PARTLY_OVERTURNED), AUTHORIZATION(PARTIAL), "state fair hearing, within 120 days", NULL},
        {"upheld", "{\"outcome\":\"APPEAL_OUTCOME_UPHELD\",\"decidedBy\":\"Dr Second\",\"reason\":\"x\"}",
            APPEAL(UPHELD), AUTHORIZATION(DENIED), "state fair hearing, within 120 days", NULL},
        {"dismissed", "{\"outcome\":\"APPEAL_OUTCOME_DISMISSED\",\"decidedBy\":\"Dr Second\",\"reason\":\"x\"}",
            APPEAL(DISMISSED), AUTHORIZATION(DENIED), NULL, NULL},
        {"overturned without number", "{\"outcome\":\"APPEAL_OUTCOME_OVERTURNED\"}", APPEAL(SUBMITTED),
            AUTHORIZATION(DENIED), NULL, "it approves without a number"},
        {"more than asked",
            "{\"outcome\":\"APPEAL_OUTCOME_OVERTURNED\",\"authorizationNumber\":\"N7\",\"lines\":[{\"number\":1,\"action\":\"REVIEW_ACTION_MODIFIED\",\"units\":9}]}",
            APPEAL(SUBMITTED), AUTHORIZATION(DENIED), NULL, "it grants 9 units on line 1, asked were 8"},
        {"upheld by the first", "{\"outcome\":\"APPEAL_OUTCOME_UPHELD\",\"decidedBy\":\"Dr First\",\"reason\":\"x\"}",
            APPEAL(SUBMITTED), AUTHORIZATION(DENIED), NULL, "the first reviewer has decided on the appeal"},
        {"upheld by nobody", "{\"outcome\":\"APPEAL_OUTCOME_UPHELD\",\"reason\":\"x\"}", APPEAL(SUBMITTED),
            AUTHORIZATION(DENIED), NULL, "it says no without naming who decided"},
        {"upheld for no reason", "{\"outcome\":\"APPEAL_OUTCOME_UPHELD\",\"decidedBy\":\"Dr Second\"}",
            APPEAL(SUBMITTED), AUTHORIZATION(DENIED), NULL, "it says no without a reason"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        story_done(state);
        story_begin(state);
        const char *id = denied_authorization(r, "Medicaid");
        assert_int_equal(file_for(r, STORY_PATIENT, id, ",\"grounds\":\"g\""), FAULT_NONE);
        assert_int_equal(story_answer(r, "appeal", "ap1", "payer.AppealAnswer", ROWS[i].json), FAULT_NONE);
        const Claims__AnswerSetAside *aside = rules_event(r, "claims.AnswerSetAside");
        const Claims__AppealDecided *decided = rules_event(r, "claims.AppealDecided");
        ASSERT_ROW(ROWS[i].name, story_appeal(r, "ap1")->state == ROWS[i].state);
        ASSERT_ROW(ROWS[i].name, story_authorization(r, id)->state == ROWS[i].authorization);
        ASSERT_ROW(ROWS[i].name, (aside != NULL) == (ROWS[i].aside != NULL) && (decided != NULL) == (aside == NULL));
        ASSERT_ROW(ROWS[i].name, !aside || strcmp(aside->why, ROWS[i].aside) == 0);
        ASSERT_ROW(ROWS[i].name, !decided || (decided->next_level != NULL) == (ROWS[i].next != NULL));
        ASSERT_ROW(ROWS[i].name, !decided || !ROWS[i].next || strcmp(decided->next_level, ROWS[i].next) == 0);
        ASSERT_ROW(ROWS[i].name,
            (rules_event(r, "claims.AuthorizationDecided") != NULL) ==
                (ROWS[i].authorization == AUTHORIZATION(APPROVED) || ROWS[i].authorization == AUTHORIZATION(PARTIAL)));
    }
}

static void after_the_payer_another_decides(void **state)
{
    struct rules *r = *state;
    const char *id = denied_authorization(r, "Medicaid");
    assert_int_equal(file_for(r, STORY_PATIENT, id, ",\"grounds\":\"g\""), FAULT_NONE);
    assert_int_equal(story_answer(r, "appeal", "ap1", "payer.AppealAnswer",
                         "{\"outcome\":\"APPEAL_OUTCOME_UPHELD\",\"decidedBy\":\"Dr Second\",\"reason\":\"x\"}"),
        FAULT_NONE);
    assert_int_equal(rules_timer(r, "authorization", id, "appeal-window", r->now_ms), FAULT_NONE);
    assert_null(rules_event(r, "claims.AppealWindowClosed"));
    char json[200];
    snprintf(json, sizeof json, "{\"appealId\":\"ap2\",\"caseId\":\"" CASE "\",\"authorizationId\":\"%s\"}", id);
    assert_int_equal(story_send(r, STORY_PATIENT, "claims.FileAppeal", json), FAULT_NONE);
    assert_int_equal(story_appeal(r, "ap2")->level, 2);
    assert_int_equal(story_appeal(r, "ap2")->state, APPEAL(RECEIVED));
    assert_null(rules_task(r, "payer.AppealQuestion"));
    assert_true(story_has_work(r, "appeal-to-next-level"));
}

static void a_claim_won_on_appeal_is_paid_for_its_denied_lines(void **state)
{
    struct rules *r = *state;
    submit_two_lines(r, "Medicaid");
    assert_int_equal(pay(r, ANSWER_JSON(PAID(1, 9000, SHARE) "," PAID(2, 0, NO197))), FAULT_NONE);
    assert_int_equal(file_for(r, STORY_PATIENT, NULL, ",\"claimId\":\"c1\",\"grounds\":\"g\""), FAULT_NONE);
    const Payer__AppealQuestion *question = rules_told(r, "payer.AppealQuestion");
    assert_int_equal(question->n_lines, 1);
    assert_int_equal(question->lines[0]->number, 2);
    assert_int_equal(rules_timer(r, "claim", "c1", "appeal-window", r->now_ms), FAULT_NONE);
    assert_int_equal(story_claim(r, "c1")->state, CLAIM(ANSWERED)); /* The window is for who has not appealed. */
    assert_int_equal(story_answer(r, "appeal", "ap1", "payer.AppealAnswer",
                         "{\"outcome\":\"APPEAL_OUTCOME_OVERTURNED\",\"authorizationNumber\":\"N7\"}"),
        FAULT_NONE);
    const Payer__ClaimQuestion *again = rules_told(r, "payer.ClaimQuestion");
    assert_string_equal(again->reference, "c1.r2");
    assert_int_equal(again->n_lines, 1);
    assert_string_equal(again->lines[0]->authorization_number, "N7");
    assert_balanced(story_claim(r, "c1"));
    assert_int_equal(story_claim(r, "c1")->totals->open_cents, 5000);
    assert_int_equal(pay(r, ANSWER_JSON(PAID(1, 18000, "") "," PAID(2, 5000, ""))), FAULT_NONE);
    assert_string_equal(((const Claims__AnswerSetAside *)rules_event(r, "claims.AnswerSetAside"))->why,
        "it answers line 1, which nobody asked for");
    assert_int_equal(pay(r, ANSWER_JSON(PAID(2, 5000, ""))), FAULT_NONE);
    assert_balanced(story_claim(r, "c1"));
    assert_int_equal(story_claim(r, "c1")->totals->paid_cents, 14000);
    assert_int_equal(story_claim(r, "c1")->state, CLAIM(FINALIZED));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, story_begin, story_done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_claim_is_refused_before_it_is_sent_with_what_to_do),
        cmocka_unit_test(codes_have_the_forms_of_cpt_and_hcpcs),
        TEST(a_claim_carries_the_number_of_its_authorisation),
        TEST(nobody_is_billed_without_an_active_coverage),
        TEST(an_answer_is_applied_line_by_line_and_explained),
        TEST(an_answer_without_denial_is_final),
        TEST(an_answer_that_lies_is_set_aside_and_never_applied),
        TEST(after_a_lie_a_person_asks_again),
        TEST(amounts_that_cannot_be_are_lies),
        TEST(an_overdue_claim_escalates_and_stays_open),
        TEST(money_balances_whatever_a_payer_answers),
        TEST(a_members_appeal_is_never_blocked),
        TEST(the_desk_appeals_by_the_rules),
        TEST(a_case_takes_a_hundred_appeals_and_no_more),
        TEST(an_appeal_has_its_own_legal_time),
        TEST(an_appeal_is_decided_or_its_answer_set_aside),
        TEST(after_the_payer_another_decides),
        TEST(a_claim_won_on_appeal_is_paid_for_its_denied_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
