/* From receipt to decision: what a referral starts, how screening ends, and that one changed fact changes exactly its lines. */
#include "tests/unit/intake_world.h"

#define STAY(start, end)                                                                                               \
    "{\"class\":\"ENCOUNTER_CLASS_INPATIENT\",\"startAtMs\":\"" start "\",\"endAtMs\":\"" end "\",\"emergent\":true}"
#define CONDITION(code, status)                                                                                        \
    "{\"code\":{\"system\":\"http://snomed.info/sct\",\"code\":\"" code "\"},\"status\":\"CONDITION_STATUS_" status    \
    "\"}"
#define CONDITIONS(list) ",\"conditions\":[" list "]"
#define BORN(date)       "\"familyName\":\"Roe\",\"givenName\":\"Ann\",\"birthDate\":\"" date "\",\"sex\":\"SEX_FEMALE\""

#define PREDIABETES "714628002"
#define MISCARRIAGE "19169002"
#define DIABETES    "44054006"
#define EMPHYSEMA   "87433001"

static void receipt_opens_referral_and_case_and_starts_the_clocks_now(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    int64_t then = w.r.now_ms - 40 * DAY_MS;
    assert_int_equal(
        send(&w, ROLE(PROVIDER), "intake.ReceiveReferral",
            "{\"source\":\"clinic\",\"reason\":\"falls\",\"referredAtMs\":\"%lld\",\"patient\":{" PERSON "}}",
            (long long)then),
        FAULT_NONE);
    const Intake__ReferralReceipt *receipt = rules_reply(&w.r);
    const Intake__ReferralReceived *event = rules_event(&w.r, "intake.ReferralReceived");
    assert_string_equal(event->reason, "falls");
    assert_string_equal(event->case_id, receipt->case_id);
    static const char *const clocks[] = {"referral-decision", "assessment-start", "assessment-complete"};
    for (size_t i = 0; i < ARRAY_LENGTH(clocks); i++) {
        const Casebus__Clock *clock = clock_now(&w, receipt->case_id, clocks[i]);
        assert_int_equal(clock->happened_at_ms, then);
        assert_int_equal(clock->started_at_ms, w.r.now_ms);
        assert_true(clock->due_at_ms > w.r.now_ms && clock->source != NULL && clock->rule_version != NULL);
    }
    const Intake__Case *c = case_now(&w, receipt->case_id);
    assert_int_equal(c->state, CASE_STATE(IDENTIFIED));
    assert_string_equal(c->zone, "America/New_York");
    world_done(&w);
}

static void receipt_refuses_what_cannot_be(void **state)
{
    (void)state;
    static const struct {
        const char *more, *why;
    } rows[] = {
        {"\"patient\":{" BORN("2026-11-23") "}", "birth date"},
        {"\"patient\":{" BORN("1958-01-01") ",\"deceasedDate\":\"1957-01-01\"}", "before being born"},
        {"\"patient\":{" BORN("1958-01-01") ",\"deceasedDate\":\"2027-01-01\"}", "in the future"},
        {"\"referredAtMs\":\"1795316400001\",\"patient\":{" PERSON "}", "in the future"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct intake_world w;
        world_begin(&w);
        assert_int_equal(send(&w, ROLE(PROVIDER), "intake.ReceiveReferral", "{\"source\":\"clinic\",%s}", rows[i].more),
            FAULT_REFUSED);
        assert_non_null(strstr(rules_why(&w.r), rows[i].why));
        world_done(&w);
    }
    struct intake_world w;
    world_begin(&w);
    assert_int_equal(receive(&w, 1, PERSON), FAULT_NONE);
    assert_int_equal(receive(&w, 1, PERSON), FAULT_REFUSED);
    assert_int_equal(
        send(&w, ROLE(PROVIDER), "intake.ReceiveReferral",
            "{\"referralId\":\"r2\",\"caseId\":\"001-c1\",\"source\":\"clinic\",\"patient\":{" PERSON "}}"),
        FAULT_REFUSED);
    assert_string_equal(rules_why(&w.r), "the case 001-c1 exists already");
    world_done(&w);
}

/* 2026-11-22T03:00Z is still Saturday the 21st in New York. */
static void screening_ends_by_rule(void **state)
{
    (void)state;
    static const struct {
        const char *name, *patient;
        Intake__RejectionCode code;
        const char *programme, *why;
    } rows[] = {
        {"dead by date", BORN("1950-01-01") CONDITIONS(HEART_FAILURE) ",\"deceasedDate\":\"2020-05-01\"",
            REJECTION(DECEASED), NULL, "died 2020-05-01"},
        {"dead without a date", BORN("1950-01-01") CONDITIONS(HEART_FAILURE) ",\"deceased\":true", REJECTION(DECEASED),
            NULL, "died"},
        {"a dead child", BORN("2020-01-01") ",\"deceased\":true", REJECTION(DECEASED), NULL, "died"},
        {"18 tomorrow", BORN("2008-11-22") CONDITIONS(HEART_FAILURE), REJECTION(CHILD), NULL,
            "17 years old at identification"},
        {"18 today", BORN("2008-11-21") CONDITIONS(HEART_FAILURE), REJECTION(UNSPECIFIED), "heart-failure",
            "active: Heart failure"},
        {"heart failure before COPD", BORN("1950-01-01") CONDITIONS(CONDITION(EMPHYSEMA, "ACTIVE") "," HEART_FAILURE),
            REJECTION(UNSPECIFIED), "heart-failure", "active: Heart failure"},
        {"emphysema is COPD", BORN("1950-01-01") CONDITIONS(CONDITION(EMPHYSEMA, "RELAPSE")), REJECTION(UNSPECIFIED),
            "copd", "active: Pulmonary emphysema"},
        {"resolved heart failure", BORN("1950-01-01") CONDITIONS(CONDITION("84114007", "RESOLVED")), REJECTION(NO_NEED),
            NULL, "no active condition of a programme, no inpatient stay in the 30 days before identification"},
        {"prediabetes is not diabetes", BORN("1950-01-01") CONDITIONS(CONDITION(PREDIABETES, "ACTIVE")),
            REJECTION(NO_NEED), NULL, "no active condition"},
        {"a miscarriage at 90", BORN("1936-01-01") CONDITIONS(CONDITION(MISCARRIAGE, "ACTIVE")), REJECTION(NO_NEED),
            NULL, "no active condition"},
        {"nothing told", BORN("1950-01-01"), REJECTION(NO_NEED), NULL, "no active condition"},
        {"a stay 30 days ago", BORN("1950-01-01") ",\"encounters\":[" STAY("1792500000000", "1792681200000") "]",
            REJECTION(UNSPECIFIED), "post-discharge", "left hospital on"},
        {"a stay 31 days ago", BORN("1950-01-01") ",\"encounters\":[" STAY("1792500000000", "1792594800000") "]",
            REJECTION(NO_NEED), NULL, "no active condition"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct intake_world w;
        world_begin(&w);
        refer(&w, 1, rows[i].patient);
        const Intake__Case *c = case_now(&w, "001-c1");
        const Intake__Referral *referral = referral_now(&w, "r1");
        const char *programme = c->programme != NULL ? c->programme : "none";
        if (referral->rejected_code != rows[i].code ||
            strcmp(programme, rows[i].programme != NULL ? rows[i].programme : "none") != 0 ||
            strstr(c->screening->why, rows[i].why) == NULL) {
            fail_msg("%s: code %d, %s, %s", rows[i].name, referral->rejected_code, programme, c->screening->why);
        }
        bool waits = rows[i].code == REJECTION(UNSPECIFIED);
        assert_int_equal(referral->state, waits ? REFERRAL_STATE(RECEIVED) : REFERRAL_STATE(REJECTED));
        assert_int_equal(c->state, waits ? CASE_STATE(IDENTIFIED) : CASE_STATE(NOT_ELIGIBLE));
        assert_int_equal(clock_now(&w, "001-c1", "assessment-start")->state,
            waits ? CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING : CASEBUS__CLOCK_STATE__CLOCK_STATE_CANCELLED);
        world_done(&w);
    }
}

static void a_rejected_person_may_be_referred_anew(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    refer(&w, 1, PERSON);
    refer(&w, 2, PERSON CONDITIONS(HEART_FAILURE));
    assert_int_equal(referral_now(&w, "r2")->state, REFERRAL_STATE(RECEIVED));
    refer(&w, 3, PERSON CONDITIONS(HEART_FAILURE));
    const Intake__Referral *third = referral_now(&w, "r3");
    assert_int_equal(third->rejected_code, REJECTION(DUPLICATE));
    assert_string_equal(third->duplicate_of_case_id, "001-c2");
    assert_int_equal(case_now(&w, "001-c3")->state, CASE_STATE(NOT_ELIGIBLE));
    assert_string_equal(
        ((const Intake__Person *)rules_state(&w.r, "intake", "person", third->person_id))->open_case_id, "001-c2");
    world_done(&w);
}

/* ---- One changed fact ---- */

static const char *lines_of(struct intake_world *w, const char *patient, char *out, size_t size)
{
    world_begin(w);
    refer(w, 1, patient);
    const Intake__Case *c = case_now(w, "001-c1");
    int used = snprintf(out, size, "%s\n%s\n", w->screened, c->patient_state != NULL ? c->patient_state : "-");
    for (size_t i = 0; i < c->screening->n_scores; i++) {
        const Intake__Score *score = c->screening->scores[i];
        used += snprintf(out + used, size - (size_t)used, "%s %d %s %s\n", score->name,
            score->has_value ? (int)score->value : -1, score->not_computable != NULL ? score->not_computable : "",
            score->as_of_date);
    }
    world_done(w);
    return out;
}

static unsigned changed_lines(const char *a, const char *b)
{
    unsigned changed = 0;
    for (unsigned line = 0; *a != '\0' || *b != '\0'; line++) {
        size_t left = strcspn(a, "\n"), right = strcspn(b, "\n");
        changed |= left != right || memcmp(a, b, left) != 0 ? 1u << line : 0;
        a += left + (a[left] != '\0');
        b += right + (b[right] != '\0');
    }
    return changed;
}

static void one_changed_fact_changes_exactly_its_lines(void **state)
{
    (void)state;
    enum { SUMMARY = 1, STATE = 2, LACE = 4, OF_1987 = 8, WITH_AGE = 16, OF_2011 = 32 };
#define STORY(born, state, second, extra)                                                                              \
    BORN(born)                                                                                                         \
    CONDITIONS(HEART_FAILURE "," second) ",\"address\":{\"state\":\"" state "\"},\"asOfDate\":\"2026-11-20\"" extra
    static const char base[] = STORY("1958-03-14", "OH", CONDITION(DIABETES, "ACTIVE"), "");
    static const struct {
        const char *name, *patient;
        unsigned lines;
    } rows[] = {
        {"nothing", STORY("1958-03-14", "OH", CONDITION(DIABETES, "ACTIVE"), ""), 0},
        {"the state", STORY("1958-03-14", "MA", CONDITION(DIABETES, "ACTIVE"), ""), STATE},
        {"diabetes resolved", STORY("1958-03-14", "OH", CONDITION(DIABETES, "RESOLVED"), ""),
            SUMMARY | OF_1987 | WITH_AGE},
        {"coverage",
            STORY("1958-03-14", "OH", CONDITION(DIABETES, "ACTIVE"), ",\"coverages\":[{\"payerName\":\"Acme\"}]"), 0},
        {"ten years older", STORY("1948-03-14", "OH", CONDITION(DIABETES, "ACTIVE"), ""), SUMMARY | WITH_AGE},
        {"a year younger", STORY("1959-03-14", "OH", CONDITION(DIABETES, "ACTIVE"), ""), 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct intake_world w;
        char before[2000], after[2000];
        unsigned changed = changed_lines(
            lines_of(&w, base, before, sizeof before), lines_of(&w, rows[i].patient, after, sizeof after));
        if (changed != rows[i].lines) {
            fail_msg("%s changed %x:\n%s%s", rows[i].name, changed, before, after);
        }
    }
}

static void the_summary_is_plain_words(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    refer(&w, 1, BORN("1958-03-14") CONDITIONS(HEART_FAILURE "," CONDITION("999", "ACTIVE")));
    assert_string_equal(w.screened,
        "heart failure (active: Heart failure); LACE not computable: no inpatient stay in the last 30 days; "
        "Charlson at least 3; 1 condition not reviewed");
    assert_int_equal(case_now(&w, "001-c1")->screening->n_unmapped, 1);
    world_done(&w);
}

/* ---- What happened before we knew ---- */

static void an_earlier_discharge_starts_its_clock_or_one_review(void **state)
{
    (void)state;
    static const struct {
        const char *end, *due;
        bool reviews;
    } rows[] = {
        {"2026-11-20T15:00:00Z", "2026-11-25T04:59:59.999Z", false},
        {"2026-11-19T15:00:00Z", "2026-11-24T04:59:59.999Z", false},
        {"2026-11-18T15:00:00Z", NULL, true}, /* Friday was the last day. */
        {"2026-10-23T15:00:00Z", NULL, true}, /* The last day of the 30. */
        {"2026-10-22T15:00:00Z", NULL, false},
        {"2020-10-22T15:00:00Z", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct intake_world w;
        char patient[1000];
        world_begin(&w);
        snprintf(patient, sizeof patient,
            PERSON CONDITIONS(HEART_FAILURE) ",\"encounters\":[" STAY("%lld", "%lld") "," STAY("%lld", "%lld") "]",
            (long long)(at(rows[i].end) - DAY_MS), (long long)at(rows[i].end),
            (long long)(at(rows[i].end) - 9 * DAY_MS), (long long)(at(rows[i].end) - 8 * DAY_MS));
        refer(&w, 1, patient);
        const Casebus__Clock *clock = clock_now(&w, "001-c1", "transition-contact");
        const Intake__Case *c = case_now(&w, "001-c1");
        if ((clock != NULL) != (rows[i].due != NULL) || c->n_work != (rows[i].reviews ? 1u : 0u)) {
            fail_msg("discharge %s: clock %d, %zu items", rows[i].end, clock != NULL, c->n_work);
        }
        if (clock != NULL) {
            assert_int_equal(clock->happened_at_ms, at(rows[i].end));
            assert_int_equal(clock->started_at_ms, w.r.now_ms);
            assert_int_equal(clock->due_at_ms, at(rows[i].due));
        }
        world_done(&w);
    }
}

/* ---- A person decides ---- */

static void accepting_opens_outreach_and_only_once(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    assert_int_equal(receive(&w, 1, PERSON CONDITIONS(HEART_FAILURE)), FAULT_NONE);
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.AcceptReferral", "{\"referralId\":\"r1\",\"caseId\":\"001-c1\"}"), FAULT_REFUSED);
    assert_non_null(strstr(rules_why(&w.r), "not screened yet"));
    settle_world(&w);
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.AcceptReferral", "{\"referralId\":\"r1\",\"caseId\":\"001-c1\"}"), FAULT_NONE);
    const Intake__ReferralAccepted *event = rules_event(&w.r, "intake.ReferralAccepted");
    assert_int_equal(event->due_at_ms, clock_now(&w, "001-c1", "first-contact")->due_at_ms);
    assert_int_equal(rules_timer_change(&w.r, "001-c1", "clock.first-contact")->due_at_ms, event->due_at_ms);
    assert_int_equal(rules_timer_change(&w.r, "001-c1", "clock.referral-decision")->due_at_ms, 0);
    assert_int_equal(clock_now(&w, "001-c1", "referral-decision")->state, CASEBUS__CLOCK_STATE__CLOCK_STATE_MET);
    assert_int_equal(case_now(&w, "001-c1")->state, CASE_STATE(OUTREACH));
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.AcceptReferral", "{\"referralId\":\"r1\",\"caseId\":\"001-c1\"}"), FAULT_REFUSED);
    assert_string_equal(rules_why(&w.r), "the referral is accepted, only a received one can be accepted");
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.RejectReferral",
            "{\"referralId\":\"r1\",\"caseId\":\"001-c1\",\"code\":\"REJECTION_CODE_OUT_OF_AREA\",\"why\":\"moved\"}"),
        FAULT_REFUSED);
    world_done(&w);
}

static void a_person_may_reject_while_who_it_is_is_still_asked(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    assert_int_equal(receive(&w, 1, PERSON CONDITIONS(HEART_FAILURE)), FAULT_NONE);
    deliver(&w); /* The name is claimed. */
    deliver(&w); /* The referral hears of it and joins the person. */
    assert_int_equal(
        send(&w, ROLE(NURSE), "intake.RejectReferral",
            "{\"referralId\":\"r1\",\"caseId\":\"001-c1\",\"code\":\"REJECTION_CODE_OUT_OF_AREA\",\"why\":\"lives abroad\"}"),
        FAULT_NONE);
    assert_string_equal(w.rejected->why, "lives abroad");
    settle_world(&w);
    const Intake__Referral *referral = referral_now(&w, "r1");
    const Intake__Person *person = rules_state(&w.r, "intake", "person", referral->person_id);
    assert_null(person->open_case_id);
    assert_int_equal(case_now(&w, "001-c1")->state, CASE_STATE(NOT_ELIGIBLE));
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receipt_opens_referral_and_case_and_starts_the_clocks_now),
        cmocka_unit_test(receipt_refuses_what_cannot_be),
        cmocka_unit_test(screening_ends_by_rule),
        cmocka_unit_test(a_rejected_person_may_be_referred_anew),
        cmocka_unit_test(one_changed_fact_changes_exactly_its_lines),
        cmocka_unit_test(the_summary_is_plain_words),
        cmocka_unit_test(an_earlier_discharge_starts_its_clock_or_one_review),
        cmocka_unit_test(accepting_opens_outreach_and_only_once),
        cmocka_unit_test(a_person_may_reject_while_who_it_is_is_still_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
