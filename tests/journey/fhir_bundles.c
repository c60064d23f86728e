/* Every bundle of expected.tsv says what the table says: the facts that the importer knows. */
#include "tests/journey/bundles.h"

#include "common/contract/json.h"
#include "common/core/date.h"
#include "common/core/must.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena arena;
static const struct fhir_reference *reference;

static struct fhir_import import(const char *path)
{
    struct fhir_import out;
    struct why why = {""};
    if (fhir_import_file(path, reference, BUNDLES_NOW_MS, &arena, &out, &why) != FAULT_NONE) {
        fail_msg("%s", why.text);
    }
    return out;
}

static const Intake__PatientFacts *patient_of(const char *path)
{
    return import(path).referral->patient;
}

static void expect_text(const struct table *table, size_t row, const char *column, const char *said)
{
    const char *expected = table_cell(table, row, column);
    if (strcmp(expected, said == NULL ? "-" : said) != 0) {
        fail_msg("%s: %s is %s, not %s", table_cell(table, row, "file"), column, said, expected);
    }
}

static void expect_count(const struct table *table, size_t row, const char *column, size_t said)
{
    expect_text(table, row, column, arena_printf(&arena, "%zu", said));
}

static size_t age_of(const Intake__PatientFacts *patient)
{
    struct date birth, as_of;
    assert_true(date_parse(patient->birth_date, &birth));
    assert_true(date_parse(patient->as_of_date, &as_of));
    return (size_t)date_age_years(birth, as_of);
}

static void check_patient(const struct table *table, size_t row, const struct fhir_import *import)
{
    const Intake__PatientFacts *patient = import->referral->patient;
    expect_text(table, row, "birth_date", patient->birth_date);
    expect_text(table, row, "died", patient->deceased_date);
    expect_text(table, row, "as_of", patient->as_of_date);
    expect_text(table, row, "state", patient->address->state);
    expect_text(table, row, "language", patient->language);
    expect_text(table, row, "coverage", patient->n_coverages == 0 ? NULL : patient->coverages[0]->payer_name);
    expect_count(table, row, "age", age_of(patient));
    expect_count(table, row, "conditions", patient->n_conditions);
    expect_count(table, row, "active", import->tally.active);
    expect_count(table, row, "unmapped", import->tally.unmapped);
    expect_count(table, row, "inpatient_24m", import->tally.inpatient);
    expect_count(table, row, "emergency_24m", import->tally.emergency);
    assert_int_equal(import->tally.used + import->tally.ignored, import->tally.entries);
    assert_int_equal(patient->n_encounters, import->tally.inpatient + import->tally.emergency);
}

static void check_directory(const struct table *table, size_t row, const struct fhir_import *import)
{
    const struct fhir_tally *tally = &import->tally;
    const char *why = tally->organizations > 0
                          ? arena_printf(&arena, "no Patient: %zu Organization", tally->organizations)
                          : arena_printf(&arena, "no Patient: %zu Practitioner", tally->practitioners);
    expect_text(table, row, "why", why);
    assert_null(import->referral);
}

static void every_bundle_says_what_the_table_says(void **state UNUSED)
{
    struct table table = table_read(&arena, "tests/journey/expected.tsv");
    size_t checked = 0;
    for (size_t row = 0; row < table.count; row++) {
        const char *file = table_cell(&table, row, "file"), *path = bundle_path(&arena, file);
        if (path == NULL) {
            continue;
        }
        struct fhir_import out = import(path);
        bool directory = strcmp(table_cell(&table, row, "end"), "directory") == 0;
        assert_int_equal(out.kind, directory ? FHIR_DIRECTORY : FHIR_PATIENT);
        if (directory) {
            check_directory(&table, row, &out);
        } else {
            check_patient(&table, row, &out);
        }
        checked++;
    }
    print_message("%zu of %zu bundles are here\n", checked, table.count);
    assert_true(checked >= 2);
}

static void the_same_document_has_the_same_hash(void **state UNUSED)
{
    const char *one = import("seeds/bundles/rosa-quintanar.json").referral->source_document_hash;
    const char *again = import("seeds/bundles/rosa-quintanar.json").referral->source_document_hash;
    const char *other = import("seeds/bundles/harlan-pruitt-osei.json").referral->source_document_hash;
    assert_int_equal(strlen(one), 32);
    assert_string_equal(one, again);
    assert_string_not_equal(one, other);
}

static void a_referral_says_who_asks_for_what(void **state UNUSED)
{
    const Intake__ReceiveReferral *referral = import("seeds/bundles/rosa-quintanar.json").referral;
    assert_string_equal(referral->source, "fhir");
    assert_string_equal(referral->requester, "Dr. Willa Achterberg");
    assert_int_equal(referral->priority, CASEBUS__PRIORITY__PRIORITY_URGENT);
    assert_true(referral->has_referred_at_ms);
    assert_true(strstr(referral->reason, "heart failure") != NULL);
    assert_null(referral->case_id);
}

static void the_address_says_state_and_zone(void **state UNUSED)
{
    const Intake__PatientFacts *patient = patient_of("seeds/bundles/rosa-quintanar.json");
    assert_string_equal(patient->address->state, "OH");
    assert_string_equal(patient->zone, "America/New_York");
    assert_string_equal(patient->address->line, "2218 Alder Bend Road, Apartment 4");
    assert_string_equal(patient->given_name, "Rosa Marisol");
    assert_string_equal(patient_of("seeds/bundles/harlan-pruitt-osei.json")->zone, "America/Los_Angeles");
}

static const Intake__Observation *observation(const Intake__PatientFacts *patient, const char *code)
{
    for (size_t i = 0; i < patient->n_observations; i++) {
        if (strcmp(patient->observations[i]->code->code, code) == 0) {
            return patient->observations[i];
        }
    }
    return NULL;
}

static const Intake__Observation *required(const Intake__PatientFacts *patient, const char *code)
{
    const Intake__Observation *found = observation(patient, code);
    MUST(found != NULL);
    return found;
}

static void of_each_measure_the_latest_is_kept(void **state UNUSED)
{
    const Intake__PatientFacts *patient = patient_of("seeds/bundles/rosa-quintanar.json");
    assert_int_equal(required(patient, "29463-7")->value_milli, 81900);
    assert_int_equal(required(patient, "4548-4")->value_milli, 8900);
    assert_int_equal(required(patient, "2160-0")->value_milli, 1320);
    assert_int_equal(required(patient, "8480-6")->value_milli, 148000);
    assert_int_equal(required(patient, "8462-4")->value_milli, 86000);
    assert_string_equal(required(patient, "8480-6")->unit, "mm[Hg]");
    assert_null(observation(patient, "72166-2"));
    assert_int_equal(patient->active_medications, 5);
}

static void a_stay_through_the_emergency_room_is_emergent(void **state UNUSED)
{
    const Intake__PatientFacts *patient = patient_of("seeds/bundles/harlan-pruitt-osei.json");
    size_t stays = 0;
    for (size_t i = 0; i < patient->n_encounters; i++) {
        const Intake__Encounter *encounter = patient->encounters[i];
        bool inpatient = encounter->class_ == INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT;
        assert_int_equal(encounter->has_emergent, inpatient);
        assert_int_equal(encounter->emergent, inpatient);
        stays += inpatient;
    }
    assert_int_equal(stays, 1);
}

static void coverage_in_force_is_kept_with_its_line(void **state UNUSED)
{
    const Intake__PatientFacts *patient = patient_of("seeds/bundles/harlan-pruitt-osei.json");
    assert_int_equal(patient->n_coverages, 1);
    assert_string_equal(patient->coverages[0]->payer_name, "Golden Poppy Health Plan");
    assert_string_equal(patient->coverages[0]->member_id, "GPH5520917");
    assert_string_equal(patient->coverages[0]->start_date, "2025-07-01");
    assert_null(patient->coverages[0]->end_date);
    assert_int_equal(patient->coverages[0]->line, CASEBUS__LINE_OF_BUSINESS__LINE_OF_BUSINESS_MEDICAID);
    assert_int_equal(patient_of("seeds/bundles/rosa-quintanar.json")->coverages[0]->line,
        CASEBUS__LINE_OF_BUSINESS__LINE_OF_BUSINESS_MEDICARE_ADVANTAGE);
}

static void family_and_care_team_are_each_named_once(void **state UNUSED)
{
    const Intake__PatientFacts *patient = patient_of("seeds/bundles/rosa-quintanar.json");
    const char *const names[] = {
        "Elena Quintanar Reed", "Dr. Willa Achterberg", "Dr. Ishaan Nandakumar", "Olentangy Home Health"};
    assert_int_equal(patient->n_related, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(patient->related[i]->name, names[i]);
    }
    assert_int_equal(patient->related[0]->role, CASEBUS__ROLE__ROLE_REPRESENTATIVE);
    assert_string_equal(patient->related[0]->language, "en");
    assert_int_equal(patient->related[0]->n_contacts, 2);
    assert_int_equal(patient->related[1]->role, CASEBUS__ROLE__ROLE_PROVIDER);
}

static int set_up(void **state UNUSED)
{
    arena_init(&arena, 0);
    reference = reference_for_import(&arena);
    return 0;
}

static int tear_down(void **state UNUSED)
{
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bundle_says_what_the_table_says),
        cmocka_unit_test(the_same_document_has_the_same_hash),
        cmocka_unit_test(a_referral_says_who_asks_for_what),
        cmocka_unit_test(the_address_says_state_and_zone),
        cmocka_unit_test(of_each_measure_the_latest_is_kept),
        cmocka_unit_test(a_stay_through_the_emergency_room_is_emergent),
        cmocka_unit_test(coverage_in_force_is_kept_with_its_line),
        cmocka_unit_test(family_and_care_team_are_each_named_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
