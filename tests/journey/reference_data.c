/* The reference data of seeds/ hold together: every file crosses the contract, every code has its check digit, every
 * name that is used is there. */
#include "tests/journey/bundles.h"

#include "common/core/date.h"
#include "common/core/must.h"
#include "proto/planning.pb-c.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static struct arena arena;

#define READ(type, file)                    ((const type *)reference_read(&arena, DESCRIPTOR_##type, "seeds/reference/" file ".json"))
#define DESCRIPTOR_Casebus__CodeMap         &casebus__code_map__descriptor
#define DESCRIPTOR_Casebus__ConditionGroups &casebus__condition_groups__descriptor
#define DESCRIPTOR_Casebus__Instrument      &casebus__instrument__descriptor
#define DESCRIPTOR_Casebus__Holidays        &casebus__holidays__descriptor
#define DESCRIPTOR_Casebus__LicenceCompact  &casebus__licence_compact__descriptor

static bool has_group(const Casebus__ConditionGroups *groups, const char *name)
{
    for (size_t i = 0; i < groups->n_groups; i++) {
        if (strcmp(groups->groups[i]->name, name) == 0) {
            return true;
        }
    }
    return strcmp(name, "none") == 0;
}

static void check_map(const Casebus__CodeMap *map, const Casebus__ConditionGroups *groups)
{
    for (size_t i = 0; i < map->n_entries; i++) {
        const Casebus__CodeMapEntry *entry = map->entries[i];
        assert_true(entry->n_groups > 0);
        for (size_t k = 0; k < entry->n_groups; k++) {
            if (!has_group(groups, entry->groups[k])) {
                fail_msg("%s of %s is in no group %s", entry->code, map->id, entry->groups[k]);
            }
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(map->entries[k]->code, entry->code) == 0) {
                fail_msg("%s is in %s twice", entry->code, map->id);
            }
        }
    }
}

static void every_code_maps_to_groups_that_exist(void **state UNUSED)
{
    const Casebus__ConditionGroups *groups = READ(Casebus__ConditionGroups, "condition-groups");
    check_map(READ(Casebus__CodeMap, "snomed-conditions"), groups);
    check_map(READ(Casebus__CodeMap, "icd10-conditions"), groups);
    for (size_t i = 0; i < groups->n_groups; i++) {
        for (size_t k = 0; k < groups->groups[i]->n_replaces; k++) {
            assert_true(has_group(groups, groups->groups[i]->replaces[k]));
        }
    }
}

/* Verhoeff's check digit, by the dihedral group of the pentagon. */
static bool snomed_check_holds(const char *code)
{
    static const int SHIFT[8][10] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
        {5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7}, {9, 4, 5, 3, 1, 2, 6, 8, 7, 0},
        {4, 2, 8, 6, 5, 7, 3, 9, 0, 1}, {2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8}};
    int check = 0;
    size_t size = strlen(code);
    for (size_t i = 0; i < size; i++) {
        int digit = SHIFT[i % 8][code[size - 1 - i] - '0'];
        int turn = check % 5 + digit % 5 * (check < 5 ? 1 : -1);
        bool mirrored = (check < 5) != (digit < 5);
        check = (turn % 5 + 5) % 5 + (mirrored ? 5 : 0);
    }
    return check == 0;
}

static void every_snomed_code_has_its_check_digit(void **state UNUSED)
{
    const Casebus__CodeMap *map = READ(Casebus__CodeMap, "snomed-conditions");
    assert_false(snomed_check_holds("84114008"));
    for (size_t i = 0; i < map->n_entries; i++) {
        if (!snomed_check_holds(map->entries[i]->code)) {
            fail_msg("%s %s", map->entries[i]->code, map->entries[i]->display);
        }
    }
}

/* Luhn over the digits before the hyphen. */
static bool loinc_check_holds(const char *code)
{
    const char *hyphen = strchr(code, '-');
    int sum = 0;
    for (const char *at = hyphen - 1; at >= code; at--) {
        int digit = (*at - '0') * ((hyphen - at) % 2 == 1 ? 2 : 1);
        sum += digit > 9 ? digit - 9 : digit;
    }
    return (10 - sum % 10) % 10 == hyphen[1] - '0';
}

static void every_loinc_code_has_its_check_digit(void **state UNUSED)
{
    const Casebus__CodeMap *map = READ(Casebus__CodeMap, "loinc-measures");
    const Casebus__Instrument *phq = READ(Casebus__Instrument, "phq-9");
    assert_false(loinc_check_holds("4548-5"));
    for (size_t i = 0; i < map->n_entries; i++) {
        assert_true(loinc_check_holds(map->entries[i]->code));
    }
    for (size_t i = 0; i < phq->n_items; i++) {
        assert_true(loinc_check_holds(phq->items[i]->code));
    }
    assert_true(loinc_check_holds(phq->total_code));
}

static void check_bands(const Casebus__Instrument *instrument)
{
    uint32_t next = 0, most = 0;
    for (size_t i = 0; i < instrument->n_answers; i++) {
        most = instrument->answers[i]->score > most ? instrument->answers[i]->score : most;
    }
    for (size_t i = 0; i < instrument->n_bands; i++) {
        assert_int_equal(instrument->bands[i]->low, next);
        next = instrument->bands[i]->high + 1;
    }
    assert_int_equal(next, most * instrument->n_items + 1);
}

static void the_questionnaire_scores_alike_in_both_languages(void **state UNUSED)
{
    const Casebus__Instrument *english = READ(Casebus__Instrument, "phq-9"),
                              *spanish = READ(Casebus__Instrument, "phq-9-es");
    check_bands(english);
    check_bands(spanish);
    assert_int_equal(english->n_items, 9);
    assert_int_equal(spanish->n_items, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_string_equal(english->items[i]->code, spanish->items[i]->code);
        assert_int_equal(english->items[i]->has_critical_at, i == 8);
        assert_int_equal(spanish->items[i]->has_critical_at, i == 8);
    }
}

static void holidays_are_working_days_of_the_week_in_order(void **state UNUSED)
{
    const Casebus__Holidays *holidays = READ(Casebus__Holidays, "us-federal-holidays");
    struct date before = {1, 1, 1}, day;
    for (size_t i = 0; i < holidays->n_dates; i++) {
        assert_true(date_parse(holidays->dates[i], &day));
        assert_true(date_weekday(day) <= FRIDAY);
        assert_true(date_compare(before, day) < 0);
        before = day;
    }
    assert_int_equal(holidays->n_dates, 34); /* eleven a year, and New Year of 2028, kept on 2027-12-31 */
}

static void massachusetts_is_not_in_the_compact(void **state UNUSED)
{
    const Casebus__LicenceCompact *compact = READ(Casebus__LicenceCompact, "nurse-licensure-compact");
    assert_int_equal(compact->n_states, 40);
    for (size_t i = 0; i < compact->n_states; i++) {
        assert_string_not_equal(compact->states[i], "MA");
        assert_string_not_equal(compact->states[i], "CA");
    }
}

static bool has_step(const Planning__Pathway *pathway, const char *id)
{
    for (size_t p = 0; p < pathway->n_problems; p++) {
        for (size_t i = 0; i < pathway->problems[p]->n_interventions; i++) {
            if (strcmp(pathway->problems[p]->interventions[i]->id, id) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void check_problem(const Planning__Pathway *pathway, const Planning__ProblemTemplate *problem)
{
    assert_true(problem->n_goals > 0 && problem->n_interventions > 0 && problem->text_es != NULL);
    for (size_t i = 0; i < problem->n_goals; i++) {
        assert_non_null(problem->goals[i]->text_es);
        assert_true(problem->goals[i]->due_days > 0);
    }
    for (size_t i = 0; i < problem->n_interventions; i++) {
        const Planning__InterventionTemplate *step = problem->interventions[i];
        bool booked = step->kind == PLANNING__INTERVENTION_KIND__INTERVENTION_KIND_APPOINTMENT;
        assert_non_null(step->text_es);
        assert_int_equal(booked, step->has_appointment_kind && step->specialty != NULL && step->service_code != NULL);
        for (size_t k = 0; k < step->n_after; k++) {
            if (!has_step(pathway, step->after[k]) || strcmp(step->after[k], step->id) == 0) {
                fail_msg("%s: %s waits for %s", pathway->id, step->id, step->after[k]);
            }
        }
    }
}

static void every_programme_has_a_pathway_in_both_languages(void **state UNUSED)
{
    static const char *const PROGRAMMES[] = {"heart-failure", "copd", "diabetes", "depression", "post-discharge"};
    for (size_t i = 0; i < sizeof PROGRAMMES / sizeof *PROGRAMMES; i++) {
        const char *path = arena_printf(&arena, "seeds/reference/pathways/%s.json", PROGRAMMES[i]);
        const Planning__Pathway *pathway =
            (const Planning__Pathway *)reference_read(&arena, &planning__pathway__descriptor, path);
        assert_string_equal(pathway->programme, PROGRAMMES[i]);
        for (size_t p = 0; p < pathway->n_problems; p++) {
            check_problem(pathway, pathway->problems[p]);
        }
    }
}

static int set_up(void **state UNUSED)
{
    arena_init(&arena, 0);
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
        cmocka_unit_test(every_code_maps_to_groups_that_exist),
        cmocka_unit_test(every_snomed_code_has_its_check_digit),
        cmocka_unit_test(every_loinc_code_has_its_check_digit),
        cmocka_unit_test(the_questionnaire_scores_alike_in_both_languages),
        cmocka_unit_test(holidays_are_working_days_of_the_week_in_order),
        cmocka_unit_test(massachusetts_is_not_in_the_compact),
        cmocka_unit_test(every_programme_has_a_pathway_in_both_languages),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
