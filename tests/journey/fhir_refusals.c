/* One small bundle, and what becomes of it when one thing about it changes: another way to say the same, another fact,
 * or nonsense. */
#include "tests/journey/bundles.h"

#include "common/contract/json.h"
#include "common/core/must.h"
#include "common/core/text.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENT_LINE "\"birthDate\":\"1950-02-03\""

static const char BUNDLE[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":["
    "{\"fullUrl\":\"urn:uuid:p\",\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p\",\"gender\":"
    "\"female\"," PATIENT_LINE
    ",\"identifier\":[{\"system\":\"urn:mrn\",\"value\":\"7\"}],\"name\":[{\"family\":\"Ash\",\"given\":[\"Ida\"]}],"
    "\"address\":[{\"state\":\"Ohio\",\"country\":\"US\"}],"
    "\"communication\":[{\"language\":{\"coding\":[{\"code\":\"en\"}]}}]}},"
    "{\"fullUrl\":\"urn:uuid:c\",\"resource\":{\"resourceType\":\"Condition\",\"subject\":{\"reference\":\"urn:uuid:"
    "p\"},"
    "\"clinicalStatus\":{\"coding\":[{\"code\":\"active\"}]},\"code\":{\"coding\":[{\"system\":\"http://snomed.info/"
    "sct\","
    "\"code\":\"84114007\",\"display\":\"Heart failure\"}]},\"onsetDateTime\":\"2026-05-01\"}},"
    "{\"fullUrl\":\"urn:uuid:e\",\"resource\":{\"resourceType\":\"Encounter\",\"status\":\"finished\","
    "\"class\":{\"code\":\"IMP\"},\"subject\":{\"reference\":\"urn:uuid:p\"},"
    "\"period\":{\"start\":\"2026-10-01T10:00:00Z\",\"end\":\"2026-10-05T10:00:00Z\"}}},"
    "{\"fullUrl\":\"urn:uuid:o\",\"resource\":{\"resourceType\":\"Observation\",\"status\":\"final\","
    "\"subject\":{\"reference\":\"urn:uuid:p\"},\"effectiveDateTime\":\"2026-10-02T10:00:00Z\","
    "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"4548-4\"}]},"
    "\"valueQuantity\":{\"value\":7.25,\"unit\":\"%\"}}},"
    "{\"fullUrl\":\"urn:uuid:x\",\"resource\":{\"resourceType\":\"ExplanationOfBenefit\",\"status\":\"active\","
    "\"patient\":{\"reference\":\"urn:uuid:p\"},\"created\":\"2026-10-05\",\"contained\":[{\"resourceType\":"
    "\"Coverage\","
    "\"id\":\"cover\",\"status\":\"active\",\"type\":{\"text\":\"private\"},\"payor\":[{\"display\":\"Elm Mutual\"}]}],"
    "\"insurance\":[{\"coverage\":{\"reference\":\"#cover\"}}]}}]}";

static struct arena arena;
static const struct fhir_reference *reference;

/* The bundle with each `from` replaced by `to`; `from` must be there. */
static const char *changed(const char *from, const char *to)
{
    struct text text;
    const char *at = BUNDLE, *found;
    text_init(&text, 1 << 20);
    if (strstr(BUNDLE, from) == NULL) {
        fail_msg("the bundle has no %s", from);
    }
    for (; (found = strstr(at, from)) != NULL; at = found + strlen(from)) {
        text_add_slice(&text, (struct slice){at, (size_t)(found - at)});
        text_add(&text, to);
    }
    text_add(&text, at);
    const char *out = arena_strdup(&arena, text.at);
    text_done(&text);
    return out;
}

static enum fault import(const char *text, struct fhir_import *out, struct why *why)
{
    return fhir_import(slice_of(text), reference, BUNDLES_NOW_MS, &arena, out, why);
}

static struct fhir_import imported(const char *text)
{
    struct fhir_import out;
    struct why why = {""};
    if (import(text, &out, &why) != FAULT_NONE) {
        fail_msg("refused: %s", why.text);
    }
    return out;
}

/* ---- what is refused ---- */

struct change {
    const char *name;
    const char *from, *to;
    const char *says; /* of the refusal, or the lines that differ */
};

static const struct change REFUSALS[] = {
    {"another resource", "\"Bundle\"", "\"Patient\"", "resourceType is \"Patient\", but must be \"Bundle\""},
    {"another kind of bundle", "\"transaction\"", "\"history\"",
        "type is \"history\", but must be transaction, searchset or"},
    {"no kind of bundle", "\"type\":\"transaction\",", "", "type is \"\", but must be"},
    {"one page of a search", "\"type\":\"transaction\"",
        "\"type\":\"searchset\",\"link\":[{\"relation\":\"next\",\"url\":\"http://x\"}]",
        "link[0] leads to a next page"},
    {"no patient", "\"Patient\"", "\"Flag\"", "entry has no Patient among 5 entries"},
    {"a second patient", "\"Observation\"", "\"Patient\"", "entry[3].resource is a second patient besides entry[0]"},
    {"no resourceType", "\"resourceType\":\"Condition\",", "", "entry[1].resource has no resourceType"},
    {"entries that are no list", "\"entry\":[", "\"entry\":5,\"e\":[", "entry is not a list"},
    {"an entry that is no object", "\"entry\":[", "\"entry\":[7,", "entry[0] is not an object"},
    {"a resource that is a word", "\"resource\":{\"resourceType\":\"Condition\"",
        "\"resource\":\"c\",\"r\":{\"a\":\"b\"", "entry[1].resource has no resourceType"},
    {"two resources of one name", "urn:uuid:o", "urn:uuid:c", "entry[3].fullUrl is also that of entry[1]"},
    {"no birth date", PATIENT_LINE ",", "", "entry[0].resource has no birthDate"},
    {"a birth date that is a year", PATIENT_LINE, "\"birthDate\":\"1950\"",
        "birthDate is \"1950\", but must be a whole day"},
    {"a birth date that does not exist", PATIENT_LINE, "\"birthDate\":\"1950-02-30\"",
        "entry[0].resource.birthDate is \"1950-02-30\": no such day"},
    {"a birth date that is a number", PATIENT_LINE, "\"birthDate\":19500203",
        "entry[0].resource.birthDate is not a string"},
    {"a birth in the future", PATIENT_LINE, "\"birthDate\":\"2027-02-03\"",
        "birthDate is \"2027-02-03\": in the future"},
    {"a birth long ago", PATIENT_LINE, "\"birthDate\":\"1850-02-03\"", "not within the years 1880 to 2200"},
    {"death before birth", PATIENT_LINE, PATIENT_LINE ",\"deceasedDateTime\":\"1949-12-31\"",
        "entry[0].resource.deceasedDateTime is before the birthDate"},
    {"no family name", "\"family\":\"Ash\",", "", "entry[0].resource has no family name"},
    {"no given name", ",\"given\":[\"Ida\"]", "", "entry[0].resource has no given name"},
    {"a sex nobody knows", "\"female\"", "\"F\"", "entry[0].resource.gender is \"F\", but must be"},
    {"an onset that does not exist", "\"2026-05-01\"", "\"2026-13-01\"",
        "entry[1].resource.onsetDateTime is \"2026-13-01\""},
    {"an onset in the future", "\"2026-05-01\"", "\"2027-05-01\"",
        "entry[1].resource.onsetDateTime is \"2027-05-01\": in the"},
    {"a stay that ends before it starts", "2026-10-05T10:00:00Z", "2026-09-30T10:00:00Z",
        "entry[2].resource.period ends before it starts"},
    {"a value that is a word", "7.25", "\"high\"", "entry[3].resource.valueQuantity.value is not a number"},
    {"a condition of somebody else", "\"reference\":\"urn:uuid:p\"},\"clinicalStatus\"",
        "\"reference\":\"Patient/9\"},\"clinicalStatus\"",
        "entry[1].resource.subject is \"Patient/9\", which is not the patient of this bundle"},
    {"a condition of nobody", "\"subject\":{\"reference\":\"urn:uuid:p\"},\"clinicalStatus\"", "\"clinicalStatus\"",
        "entry[1].resource does not say in subject whose it is"},
    {"a system that is no system", "\"urn:mrn\"", "\"ein Würfel\"", "identifiers[0].system"},
};

static void nonsense_is_refused_with_its_place(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LENGTH(REFUSALS); i++) {
        const struct change *row = &REFUSALS[i];
        struct fhir_import out = {.kind = FHIR_DIRECTORY};
        struct why why = {""};
        enum fault fault = import(changed(row->from, row->to), &out, &why);
        if (fault != FAULT_INVALID || strstr(why.text, row->says) == NULL) {
            fail_msg("%s: %s, \"%s\"", row->name, fault_word(fault), why.text);
        }
        assert_null(out.referral);
        assert_int_equal(out.kind, FHIR_DIRECTORY); /* untouched */
    }
}

static const struct change TEXTS[] = {
    {"nothing", NULL, "", "line 1"},
    {"not JSON", NULL, "MSH|^~\\&|ADT", "line 1, column 1"},
    {"cut short", NULL, "{\"resourceType\":\"Bundle\",\"entry\":[{", "line 1"},
    {"a list", NULL, "[]", "the bundle is not an object"},
    {"null", NULL, "null", "resourceType"},
    {"a key twice", NULL, "{\"resourceType\":\"Bundle\",\"resourceType\":\"Bundle\"}", "line 1"},
    {"no UTF-8", NULL, "{\"resourceType\":\"B\xff\"}", "line 1"},
    {"no entries", NULL, "{\"resourceType\":\"Bundle\",\"type\":\"collection\"}", "no Patient among 0 entries"},
};

static void text_that_is_no_bundle_is_refused(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_LENGTH(TEXTS); i++) {
        struct fhir_import out;
        struct why why = {""};
        enum fault fault = import(TEXTS[i].to, &out, &why);
        if (fault != FAULT_INVALID || strstr(why.text, TEXTS[i].says) == NULL) {
            fail_msg("%s: %s, \"%s\"", TEXTS[i].name, fault_word(fault), why.text);
        }
    }
}

static void deep_and_wide_texts_are_refused_before_they_take_memory(void **state UNUSED)
{
    struct why why = {""};
    struct fhir_import out;
    size_t size = (FHIR_VALUES_MAX + 16) * 2;
    char *wide = malloc(size + 1);
    for (size_t i = 0; i < size; i += 2) {
        memcpy(wide + i, "1,", 2);
    }
    wide[0] = '[';
    wide[size] = '\0';
    assert_int_equal(fhir_import((struct slice){wide, size}, reference, 0, &arena, &out, &why), FAULT_INVALID);
    memset(wide, '[', size);
    assert_int_equal(fhir_import((struct slice){wide, size}, reference, 0, &arena, &out, &why), FAULT_INVALID);
    free(wide);
}

static void a_file_above_the_ceiling_is_refused_unread(void **state UNUSED)
{
    char path[] = "/tmp/casebus-bundle-XXXXXX";
    struct why why = {""};
    struct fhir_import out;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)FHIR_BYTES_MAX + 1), 0);
    close(fd);
    assert_int_equal(fhir_import_file(path, reference, BUNDLES_NOW_MS, &arena, &out, &why), FAULT_INVALID);
    assert_non_null(strstr(why.text, "has 64 MiB, 64 MiB is the most for a bundle"));
    unlink(path);
    assert_int_equal(fhir_import_file(path, reference, BUNDLES_NOW_MS, &arena, &out, &why), FAULT_NOT_FOUND);
    assert_int_equal(fhir_import_file("/tmp", reference, BUNDLES_NOW_MS, &arena, &out, &why), FAULT_INVALID);
    assert_non_null(strstr(why.text, "is not a file"));
}

/* ---- what changes with one fact ---- */

static const struct change SAME[] = {
    {"a searchset", "\"transaction\"", "\"searchset\"", ""},
    {"a collection", "\"transaction\"", "\"collection\"", ""},
    {"relative references", "\"reference\":\"urn:uuid:p\"", "\"reference\":\"Patient/p\"", ""},
    {"absolute references", "\"reference\":\"urn:uuid:p\"", "\"reference\":\"https://a.example/fhir/Patient/p\"", ""},
    {"references to a version", "\"reference\":\"urn:uuid:p\"", "\"reference\":\"Patient/p/_history/3\"", ""},
    {"conditional references", "\"reference\":\"urn:uuid:p\"", "\"reference\":\"Patient?identifier=urn:mrn|7\"", ""},
    {"the state by its code", "\"Ohio\"", "\"OH\"", ""},
    {"more ways to say no", "\"onsetDateTime\"",
        "\"verificationStatus\":{\"coding\":[{\"code\":\"confirmed\"}]},\"onsetDateTime\"", ""},
    {"an entry that deletes", "\"entry\":[", "\"entry\":[{\"request\":{\"method\":\"DELETE\",\"url\":\"Patient/4\"}},",
        ""},
    {"an outcome of the search", "\"entry\":[",
        "\"entry\":[{\"search\":{\"mode\":\"outcome\"},\"resource\":{\"resourceType\":\"OperationOutcome\"}},", ""},
    {"a state", "\"Ohio\"", "\"California\"", "\"state\": \"CA\"|\"zone\": \"America/Los_Angeles\""},
    {"a state that lies in two zones", "\"Ohio\"", "\"Texas\"", "\"state\": \"TX\""},
    {"a birth date", PATIENT_LINE, "\"birthDate\":\"2010-02-03\"", "\"birthDate\": \"2010-02-03\""},
    {"a resolved condition", "\"active\"}]", "\"resolved\"}]", "\"status\": \"CONDITION_STATUS_RESOLVED\""},
    {"a condition that ended", "\"onsetDateTime\"", "\"abatementDateTime\":\"2026-06-01\",\"onsetDateTime\"",
        "\"abatedDate\": \"2026-06-01\""},
    {"a condition that somebody doubts", "\"onsetDateTime\"",
        "\"verificationStatus\":{\"coding\":[{\"code\":\"provisional\"}]},\"onsetDateTime\"",
        "\"status\": \"CONDITION_STATUS_UNSPECIFIED\""},
    {"another payer", "Elm Mutual", "Oak Mutual", "\"payerName\": \"Oak Mutual\""},
    {"no insurance", "\"private\"},\"payor\":[{\"display\":\"Elm Mutual\"}]", "\"NO_INSURANCE\"},\"payor\":[]",
        "\"line\": \"LINE_OF_BUSINESS_SELF_PAY\""},
    {"another value, exactly", "7.25", "7.0005", "\"valueMilli\": \"7001\""},
    {"a value below zero", "7.25", "-12.5e-1", "\"valueMilli\": \"-1250\""},
    {"an urgent stay", "\"class\":{\"code\":\"IMP\"}", "\"class\":{\"code\":\"ACUTE\"}", "\"emergent\": true"},
    {"an elective stay", "\"class\":{\"code\":\"IMP\"}",
        "\"class\":{\"code\":\"IMP\"},\"priority\":{\"coding\":[{\"code\":\"EL\"}]}", "\"emergent\": false"},
    {"death", PATIENT_LINE, PATIENT_LINE ",\"deceasedDateTime\":\"2026-10-06T08:00:00Z\"",
        "\"deceased\": true|\"deceasedDate\": \"2026-10-06\""},
    {"a language", "\"code\":\"en\"", "\"code\":\"zh-Hant\"", "\"language\": \"zh-Hant\""},
};

/* Lines of `after` that `before` has not, without indentation and commas, joined by bars. The hash of the document
 * always differs, and is left out. */
static const char *new_lines(const char *before, const char *after)
{
    struct text out;
    text_init(&out, TEXT_LINE_BYTES);
    char *copy = arena_strdup(&arena, after);
    for (char *line; (line = strsep(&copy, "\n")) != NULL;) {
        struct slice trimmed = slice_trim(slice_of(line));
        trimmed.size -= slice_ends_with(trimmed, SLICE(",")) ? 1 : 0;
        const char *text = arena_strndup(&arena, trimmed.at, trimmed.size);
        if (strstr(before, text) == NULL && strstr(text, "sourceDocumentHash") == NULL) {
            text_addf(&out, "%s%s", out.size == 0 ? "" : "|", text);
        }
    }
    const char *joined = arena_strdup(&arena, out.at);
    text_done(&out);
    return joined;
}

static const char *written(const char *text)
{
    return json_write(&imported(text).referral->base, JSON_PRETTY, &arena);
}

static void one_changed_fact_changes_its_lines_alone(void **state UNUSED)
{
    const char *before = written(BUNDLE);
    for (size_t i = 0; i < ARRAY_LENGTH(SAME); i++) {
        const struct change *row = &SAME[i];
        const char *lines = new_lines(before, written(changed(row->from, row->to)));
        if (strcmp(lines, row->says) != 0) {
            fail_msg("%s changes %s", row->name, lines);
        }
    }
}

static void a_refuted_condition_is_no_fact(void **state UNUSED)
{
    const char *to = "\"verificationStatus\":{\"coding\":[{\"code\":\"refuted\"}]},\"onsetDateTime\"";
    struct fhir_import out = imported(changed("\"onsetDateTime\"", to));
    assert_int_equal(out.referral->patient->n_conditions, 0);
    assert_int_equal(out.tally.conditions, 0);
}

static void a_code_that_no_map_knows_is_counted_and_kept(void **state UNUSED)
{
    struct fhir_import out = imported(changed("84114007", "112141AAAA"));
    assert_int_equal(out.tally.unmapped, 1);
    assert_string_equal(out.referral->patient->conditions[0]->code->code, "112141AAAA");
    struct fhir_import text =
        imported(changed("\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"84114007\","
                         "\"display\":\"Heart failure\"}]",
            "\"text\":\"weak heart\""));
    assert_int_equal(text.tally.unmapped, 1);
    assert_string_equal(text.referral->patient->conditions[0]->code->code, "uncoded");
    assert_string_equal(text.referral->patient->conditions[0]->code->display, "weak heart");
}

static void of_several_codings_the_reviewed_one_is_kept(void **state UNUSED)
{
    struct fhir_import out = imported(changed("\"code\":\"84114007\",\"display\":\"Heart failure\"}",
        "\"code\":\"112141AAAA\"},{\"system\":\"http://hl7.org/fhir/sid/icd-10-cm\",\"code\":\"i50.9\"}"));
    assert_int_equal(out.tally.unmapped, 0);
    assert_string_equal(out.referral->patient->conditions[0]->code->code, "i50.9");
}

static void a_state_that_is_none_is_left_out_and_said(void **state UNUSED)
{
    struct fhir_import out = imported(changed("\"Ohio\"", "\"Ohayo\""));
    assert_null(out.referral->patient->address->state);
    assert_null(out.referral->patient->zone);
    assert_int_equal(out.n_odd, 1);
    assert_string_equal(out.odd[0], "entry[0].resource.address[0].state is \"Ohayo\", which is no state of the US");
}

static void a_stay_of_the_third_last_year_is_left_out(void **state UNUSED)
{
    struct fhir_import out = imported(changed("\"2026-10-0", "\"2023-10-0"));
    assert_string_equal(out.referral->patient->as_of_date, "2026-05-01");
    assert_int_equal(out.referral->patient->n_encounters, 0);
    assert_int_equal(out.tally.used + out.tally.ignored, out.tally.entries);
}

static void nobody_says_whether_the_stay_was_urgent(void **state UNUSED)
{
    assert_false(imported(BUNDLE).referral->patient->encounters[0]->has_emergent);
}

/* The bundle with `count` copies of its entry `name` ("urn:uuid:c"), which stands before the entry `next`. */
static const char *with_copies(const char *name, const char *next, size_t count)
{
    struct text text;
    const char *entry = strstr(BUNDLE, arena_printf(&arena, "{\"fullUrl\":\"%s\"", name));
    const char *end = strstr(BUNDLE, arena_printf(&arena, "{\"fullUrl\":\"%s\"", next)), *tail = strchr(entry, ',');
    text_init(&text, 1 << 23);
    text_add_slice(&text, (struct slice){BUNDLE, (size_t)(entry - BUNDLE)});
    for (size_t i = 0; i < count; i++) {
        text_addf(&text, "{\"fullUrl\":\"%s%zu\"", name, i);
        text_add_slice(&text, (struct slice){tail, (size_t)(end - tail)});
    }
    text_add(&text, end);
    assert_false(text.overflowed);
    const char *out = arena_strdup(&arena, text.at);
    text_done(&text);
    return out;
}

static void more_than_a_referral_carries_is_refused(void **state UNUSED)
{
    struct fhir_import out;
    struct why why = {""};
    assert_int_equal(imported(with_copies("urn:uuid:c", "urn:uuid:e", 512)).tally.conditions, 512);
    assert_int_equal(import(with_copies("urn:uuid:c", "urn:uuid:e", 513), &out, &why), FAULT_INVALID);
    assert_string_equal(why.text, "entry[513].resource is one condition more than the 512 that a referral can carry");
    assert_int_equal(imported(with_copies("urn:uuid:e", "urn:uuid:o", 256)).tally.inpatient, 256);
    assert_int_equal(import(with_copies("urn:uuid:e", "urn:uuid:o", 257), &out, &why), FAULT_INVALID);
    assert_non_null(strstr(why.text, "the bundle has more than 256 stays and emergency visits in 24 months"));
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
        cmocka_unit_test(nonsense_is_refused_with_its_place),
        cmocka_unit_test(text_that_is_no_bundle_is_refused),
        cmocka_unit_test(deep_and_wide_texts_are_refused_before_they_take_memory),
        cmocka_unit_test(a_file_above_the_ceiling_is_refused_unread),
        cmocka_unit_test(one_changed_fact_changes_its_lines_alone),
        cmocka_unit_test(a_refuted_condition_is_no_fact),
        cmocka_unit_test(a_code_that_no_map_knows_is_counted_and_kept),
        cmocka_unit_test(of_several_codings_the_reviewed_one_is_kept),
        cmocka_unit_test(a_state_that_is_none_is_left_out_and_said),
        cmocka_unit_test(a_stay_of_the_third_last_year_is_left_out),
        cmocka_unit_test(nobody_says_whether_the_stay_was_urgent),
        cmocka_unit_test(more_than_a_referral_carries_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
