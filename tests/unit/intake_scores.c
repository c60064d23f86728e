/* Scores of intake against the worked vectors of the fact book, and every edge of their tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/core/instant.h"
#include "common/core/must.h"
#include "common/core/zone.h"
#include "services/intake/duty.h"
#include "services/intake/instrument.h"
#include "services/intake/intake.h"
#include "services/intake/screen.h"
#include "tests/support/rules.h"

#define ICD10 "http://hl7.org/fhir/sid/icd-10-cm"

static struct rules world;
static struct decision *d;

static int begin(void **state)
{
    (void)state;
    rules_begin(&world, &INTAKE);
    rules_load_references(&world, "seeds");
    d = decide_new(&world.world, &INTAKE);
    d->reference = world.reference;
    d->tenant_zone = world.zone;
    d->now_ms = world.now_ms;
    return 0;
}

static int done(void **state)
{
    (void)state;
    rules_done(&world);
    return 0;
}

/* Facts with these active conditions, separated by blanks. */
static Intake__PatientFacts *facts_of(const char *codes)
{
    Intake__PatientFacts *facts = make(d, &intake__patient_facts__descriptor);
    char text[200];
    snprintf(text, sizeof text, "%s", codes);
    for (char *code = strtok(text, " "); code != NULL; code = strtok(NULL, " ")) {
        Intake__Condition *condition = make(d, &intake__condition__descriptor);
        condition->code = make(d, &casebus__coding__descriptor);
        condition->code->system = ICD10;
        condition->code->code = text_of(d, "%s", code);
        condition->status = INTAKE__CONDITION_STATUS__CONDITION_STATUS_ACTIVE;
        APPEND(d, facts, conditions, condition);
    }
    return facts;
}

static void charlson_counts_as_quan_and_the_hierarchy_say(void **state)
{
    (void)state;
    static const struct {
        const char *codes;
        uint32_t of_1987, of_2011;
    } rows[] = {
        {"", 0, 0},
        {"I50.22 E11.22 N18.4 J44.9", 6, 5},
        {"E11.9 E11.22", 2, 1},
        {"E11.65", 1, 0},
        {"C34.90 C78.00", 6, 6},
        {"K70.30 K72.90", 3, 4},
        {"I21.4 I25.2", 1, 0},
        {"C44.91", 0, 0},
        {"B20 F03.90", 7, 6},
        {"i50.9", 1, 2},
        {"N18.30", 2, 1},
        {"N18.3 N18.5", 2, 1},
        {"I21.4 I50.9 I70.0 I63.9 G30.9 J44.9 M05.9 K25.9 K72.9 E11.2 G81.0 N18.4 C78.0 B20", 29, 24},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct findings found = findings_of(d, facts_of(rows[i].codes), (struct date){2026, 11, 22});
        if (charlson_points(&found, CHARLSON_1987) != rows[i].of_1987 ||
            charlson_points(&found, CHARLSON_2011) != rows[i].of_2011) {
            fail_msg("%s: %u and %u", rows[i].codes, charlson_points(&found, CHARLSON_1987),
                charlson_points(&found, CHARLSON_2011));
        }
    }
}

static void age_adds_its_points_at_each_decade(void **state)
{
    (void)state;
    static const struct {
        int years;
        uint32_t points;
    } rows[] = {{0, 0}, {49, 0}, {50, 1}, {59, 1}, {60, 2}, {69, 2}, {70, 3}, {79, 3}, {80, 4}, {81, 4}, {104, 4}};
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(charlson_age_points(rows[i].years), rows[i].points);
    }
    int years = 81;
    struct findings found = findings_of(d, facts_of("i50.9"), (struct date){2026, 11, 22});
    assert_int_equal(charlson_score(d, &found, CHARLSON_1987, &years)->value, 5);
    assert_int_equal(charlson_score(d, &found, CHARLSON_2011, NULL)->value, 2);
}

static void a_missing_list_is_not_an_empty_one(void **state)
{
    (void)state;
    struct findings none = findings_of(d, facts_of(""), (struct date){2026, 11, 22});
    const Intake__Score *score = charlson_score(d, &none, CHARLSON_1987, NULL);
    assert_string_equal(score->not_computable, "no conditions in the record");
    assert_false(score->has_value);
    struct findings nothing = findings_of(d, facts_of("Z00.0"), (struct date){2026, 11, 22});
    score = charlson_score(d, &nothing, CHARLSON_1987, NULL);
    assert_null(score->not_computable);
    assert_true(score->has_value && score->value == 0 && !score->at_least);
}

static void a_code_outside_the_map_makes_the_score_a_lower_bound(void **state)
{
    (void)state;
    Intake__PatientFacts *facts = facts_of("I50.9 123456 123456");
    facts->conditions[1]->code->system = "http://snomed.info/sct";
    facts->conditions[2]->code->system = "http://snomed.info/sct";
    struct findings found = findings_of(d, facts, (struct date){2026, 11, 22});
    assert_int_equal(found.unmapped_count, 1);
    const Intake__Score *score = charlson_score(d, &found, CHARLSON_2011, NULL);
    assert_true(score->at_least);
    assert_int_equal(score->value, 2);
    facts->conditions[1]->status = facts->conditions[2]->status = INTAKE__CONDITION_STATUS__CONDITION_STATUS_RESOLVED;
    found = findings_of(d, facts, (struct date){2026, 11, 22});
    assert_int_equal(found.unmapped_count, 0);
}

static void only_active_conditions_count(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *abated;
        bool active;
    } rows[] = {
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_ACTIVE, NULL, true},
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_RECURRENCE, NULL, true},
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_RELAPSE, NULL, true},
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_INACTIVE, NULL, false},
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_REMISSION, NULL, false},
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_RESOLVED, NULL, false},
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_UNSPECIFIED, NULL, false},
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_ACTIVE, "2026-11-22", false},
        {INTAKE__CONDITION_STATUS__CONDITION_STATUS_ACTIVE, "2026-11-23", true},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        Intake__PatientFacts *facts = facts_of("I50.9");
        facts->conditions[0]->status = (Intake__ConditionStatus)rows[i].status;
        facts->conditions[0]->abated_date = rows[i].abated;
        struct findings found = findings_of(d, facts, (struct date){2026, 11, 22});
        if (findings_have(&found, "heart-failure") != rows[i].active) {
            fail_msg("row %zu", i);
        }
    }
}

static void lace_adds_up_as_the_fact_book_says(void **state)
{
    (void)state;
    static const struct {
        struct lace lace;
        uint32_t points;
        const char *band;
    } rows[] = {
        {{0, false, 0, 0}, 0, "low"},
        {{1, true, 0, 0}, 4, "low"},
        {{2, true, 0, 0}, 5, "moderate"},
        {{3, true, 2, 1}, 9, "moderate"},
        {{5, true, 2, 1}, 10, "high"},
        {{6, true, 4, 0}, 12, "high"},
        {{7, true, 6, 2}, 15, "high"},
        {{13, false, 3, 0}, 8, "moderate"},
        {{14, true, 5, 6}, 19, "high"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        assert_int_equal(lace_points(rows[i].lace), rows[i].points);
        assert_string_equal(lace_band(rows[i].points), rows[i].band);
    }
    static const struct {
        int days;
        uint32_t points;
    } stays[] = {{-1, 0}, {0, 0}, {1, 1}, {3, 3}, {4, 4}, {6, 4}, {7, 5}, {13, 5}, {14, 7}, {60, 7}};
    for (size_t i = 0; i < ARRAY_LENGTH(stays); i++) {
        assert_int_equal(lace_stay_points(stays[i].days), stays[i].points);
    }
    assert_string_equal(lace_band(9), "moderate");
    assert_string_equal(lace_band(10), "high");
}

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(instant_parse(text, &ms));
    return ms;
}

static Intake__Encounter *add_encounter(Intake__PatientFacts *facts, int class, const char *start, const char *end)
{
    Intake__Encounter *encounter = make(d, &intake__encounter__descriptor);
    encounter->class_ = (Intake__EncounterClass) class;
    SET(encounter, start_at_ms, at(start));
    SET(encounter, end_at_ms, at(end));
    APPEND(d, facts, encounters, encounter);
    return encounter;
}

#define INPATIENT INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT
#define EMERGENCY INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_EMERGENCY

static const Intake__Score *lace_of(Intake__PatientFacts *facts)
{
    struct date as_of = {2026, 11, 22};
    struct findings found = findings_of(d, facts, as_of);
    return lace_score(d, facts, &found, as_of, zone_find("America/New_York"));
}

static void lace_counts_midnights_and_the_visits_before_the_stay(void **state)
{
    (void)state;
    Intake__PatientFacts *facts = facts_of("I50.9 E11.9");
    Intake__Encounter *stay = add_encounter(facts, INPATIENT, "2026-11-14T15:00:00Z", "2026-11-19T16:00:00Z");
    SET(stay, emergent, true);
    add_encounter(facts, EMERGENCY, "2026-11-14T10:00:00Z", "2026-11-14T14:00:00Z"); /* Led to the stay. */
    add_encounter(facts, EMERGENCY, "2026-08-01T10:00:00Z", "2026-08-01T14:00:00Z");
    add_encounter(facts, EMERGENCY, "2026-05-13T15:00:00Z", "2026-05-13T18:00:00Z"); /* A day too old. */
    add_encounter(facts, EMERGENCY, "2026-11-20T10:00:00Z", "2026-11-20T14:00:00Z"); /* After it. */
    const Intake__Score *score = lace_of(facts);
    assert_null(score->not_computable);
    assert_int_equal(score->value, 4 + 3 + 3 + 1);
    assert_string_equal(score->band, "high");
    assert_int_equal(score->n_parts, 4);
    stay->emergent = false;
    assert_int_equal(lace_of(facts)->value, 4 + 0 + 3 + 1);
}

static void lace_says_which_input_is_missing(void **state)
{
    (void)state;
    Intake__PatientFacts *facts = facts_of("I50.9");
    assert_string_equal(lace_of(facts)->not_computable, "no inpatient stay in the last 30 days");
    Intake__Encounter *stay =
        add_encounter(facts, INPATIENT, "2026-10-01T15:00:00Z", "2026-10-22T16:00:00Z"); /* 31 days ago. */
    assert_string_equal(lace_of(facts)->not_computable, "no inpatient stay in the last 30 days");
    stay->end_at_ms = at("2026-10-23T16:00:00Z");
    assert_string_equal(lace_of(facts)->not_computable, "whether the admission was acute");
    SET(stay, emergent, false);
    assert_null(lace_of(facts)->not_computable);
    stay->has_start_at_ms = false;
    assert_string_equal(lace_of(facts)->not_computable, "when the stay began");
    SET(stay, start_at_ms, at("2026-10-01T15:00:00Z"));
    facts->n_conditions = 0;
    assert_string_equal(lace_of(facts)->not_computable, "no conditions in the record");
}

/* ---- PHQ-9 ---- */

static struct answers answers_of(const char *text)
{
    struct answers answers = {.item_count = PHQ9_ITEMS};
    for (size_t i = 0; i < PHQ9_ITEMS; i++) {
        answers.score[i] = text[i] == '-' ? NOT_ANSWERED : text[i] - '0';
        answers.answered += text[i] != '-';
    }
    return answers;
}

static void phq9_scores_as_the_fact_book_says(void **state)
{
    (void)state;
    static const struct {
        const char *answers;
        int total; /* -1: not computable. */
        const char *band;
        enum phq9_pattern pattern;
        bool critical;
    } rows[] = {
        {"000000000", 0, "minimal", PHQ9_NO_PATTERN, false},
        {"111100000", 4, "minimal", PHQ9_NO_PATTERN, false},
        {"212000000", 5, "mild", PHQ9_OTHER_DEPRESSION, false},
        {"222220000", 10, "moderate", PHQ9_MAJOR_DEPRESSION, false},
        {"222210001", 10, "moderate", PHQ9_MAJOR_DEPRESSION, true},
        {"003333300", 15, "moderately severe", PHQ9_NO_PATTERN, false},
        {"333333110", 20, "severe", PHQ9_MAJOR_DEPRESSION, false},
        {"333333333", 27, "severe", PHQ9_MAJOR_DEPRESSION, true},
        {"000000001", 1, "minimal", PHQ9_NO_PATTERN, true},
        {"22-222220", 16, "moderately severe", PHQ9_MAJOR_DEPRESSION, false},
        {"22---2220", -1, NULL, PHQ9_MAJOR_DEPRESSION, false},
        {"33333--00", 19, "moderately severe", PHQ9_MAJOR_DEPRESSION, false},
        {"333320000", 14, "moderate", PHQ9_MAJOR_DEPRESSION, false},
        {"---------", -1, NULL, PHQ9_NO_PATTERN, false},
        {"------003", -1, NULL, PHQ9_NO_PATTERN, true},
    };
    static const char *const instruments[] = {"phq-9", "phq-9-es"};
    for (size_t n = 0; n < ARRAY_LENGTH(instruments); n++) {
        const Casebus__Instrument *phq9 = reference_find(d, &casebus__instrument__descriptor, instruments[n]);
        assert_true(is_phq9(phq9));
        for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
            struct answers answers = answers_of(rows[i].answers);
            const Intake__Score *score = instrument_score(d, phq9, &answers);
            bool same = rows[i].total < 0 ? score->not_computable != NULL && !score->has_value
                                          : score->not_computable == NULL && (int)score->value == rows[i].total;
            if (!same || phq9_pattern(answers.score) != rows[i].pattern ||
                item_is_critical(phq9->items[8], answers.score[8]) != rows[i].critical) {
                fail_msg("%s %s: %d", instruments[n], rows[i].answers, score->has_value ? (int)score->value : -1);
            }
            if (n == 0 && rows[i].band != NULL) {
                assert_string_equal(score->band, rows[i].band);
            }
        }
    }
}

/* ---- Clocks ---- */

static void duties_fall_due_when_the_calendar_says(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        bool urgent;
        const char *from, *due; /* Last second of the due day in New York, where it is a day. */
    } rows[] = {
        {"assessment-start", false, "2026-11-22T15:00:00Z", "2026-12-23T04:59:59.999Z"},
        {"assessment-complete", false, "2026-11-22T15:00:00Z", "2027-01-22T04:59:59.999Z"},
        {"transition-contact", false, "2026-11-20T15:00:00Z", "2026-11-25T04:59:59.999Z"}, /* Fri -> Tue */
        {"transition-contact", false, "2026-11-23T15:00:00Z", "2026-11-26T04:59:59.999Z"}, /* Mon -> Wed */
        {"transition-contact", false, "2026-11-25T15:00:00Z",
            "2026-12-01T04:59:59.999Z"}, /* Wed, Thanksgiving -> Mon */
        {"transition-contact", false, "2026-11-28T15:00:00Z", "2026-12-02T04:59:59.999Z"}, /* Sat -> Tue */
        {"transition-contact", false, "2026-12-24T15:00:00Z", "2026-12-30T04:59:59.999Z"},
        {"transition-contact", false, "2026-12-31T15:00:00Z", "2027-01-06T04:59:59.999Z"},
        {"transition-period", false, "2026-11-20T15:00:00Z", "2026-12-20T04:59:59.999Z"},
        {"first-contact", false, "2026-11-20T15:00:00Z", "2026-11-25T04:59:59.999Z"},
        {"first-contact", true, "2026-11-21T04:59:00Z", "2026-11-21T04:59:59.999Z"}, /* A minute to midnight. */
        {"first-contact", true, "2026-11-21T05:00:00Z", "2026-11-22T04:59:59.999Z"},
        {"referral-decision", true, "2026-11-20T15:00:00Z", "2026-11-20T19:00:00Z"},
        {"critical-answer-supervisor", true, "2026-11-20T15:00:00Z", "2026-11-20T15:15:00Z"},
        {"critical-answer-director", false, "2026-11-20T15:00:00Z", "2026-11-20T15:30:00Z"},
        {"critical-answer", false, "2026-07-20T15:00:00Z", "2026-07-21T03:59:59.999Z"}, /* Summer time. */
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        Intake__Case *c = make(d, &intake__case__descriptor);
        c->zone = "America/New_York";
        c->priority = rows[i].urgent ? CASEBUS__PRIORITY__PRIORITY_URGENT : CASEBUS__PRIORITY__PRIORITY_ROUTINE;
        if (duty_due(d, c, rows[i].rule, at(rows[i].from)) != at(rows[i].due)) {
            char text[INSTANT_SIZE];
            fail_msg("%s from %s: %s", rows[i].rule, rows[i].from,
                instant_format(text, duty_due(d, c, rows[i].rule, at(rows[i].from))));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(charlson_counts_as_quan_and_the_hierarchy_say),
        cmocka_unit_test(age_adds_its_points_at_each_decade),
        cmocka_unit_test(a_missing_list_is_not_an_empty_one),
        cmocka_unit_test(a_code_outside_the_map_makes_the_score_a_lower_bound),
        cmocka_unit_test(only_active_conditions_count),
        cmocka_unit_test(lace_adds_up_as_the_fact_book_says),
        cmocka_unit_test(lace_counts_midnights_and_the_visits_before_the_stay),
        cmocka_unit_test(lace_says_which_input_is_missing),
        cmocka_unit_test(phq9_scores_as_the_fact_book_says),
        cmocka_unit_test(duties_fall_due_when_the_calendar_says),
    };
    return cmocka_run_group_tests(tests, begin, done);
}
