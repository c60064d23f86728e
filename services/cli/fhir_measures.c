/* Measurements, the latest of each, and how many medicines are taken. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"

#include <stdlib.h>
#include <string.h>

#define LOINC    "http://loinc.org"
#define UCUM     "http://unitsofmeasure.org"
#define UNIT_MAX 32

static size_t measure_of(const struct facts *facts, const char *code)
{
    const Casebus__CodeMap *measures = facts->reference->measures;
    for (size_t i = 0; i < measures->n_entries && i < MEASURES_MAX; i++) {
        if (str_same(measures->entries[i]->code, code)) {
            return i;
        }
    }
    return MEASURES_MAX;
}

static bool read_value(struct facts *facts, const struct node *holder, struct measured *out)
{
    struct reader *r = facts->r;
    struct node quantity = node_get(r, holder, "valueQuantity"), whole = node_get(r, holder, "valueInteger");
    struct node value = node_get(r, &quantity, "value");
    if (node_text_of(r, &quantity, "comparator") != NULL) {
        return false; /* "less than" is no number to compare with a target */
    }
    if (!node_milli(r, node_is_there(&quantity) ? &value : &whole, &out->milli)) {
        return false;
    }
    bool ucum = str_same(node_text_of(r, &quantity, "system"), UCUM);
    const char *code = node_text_of(r, &quantity, "code"), *unit = node_text_of(r, &quantity, "unit");
    out->unit = ucum && code != NULL ? code : unit;
    return true;
}

/* Keeps the value of an observation or of its component, if it is a measure of ours and later than the one we have. */
static void keep_measure(struct facts *facts, const struct node *resource, const struct node *holder, int64_t at_ms)
{
    struct reader *r = facts->r;
    struct node concept = node_get(r, holder, "code"), list = node_get(r, &concept, "coding");
    size_t count = node_count(r, &list), place = MEASURES_MAX;
    for (size_t i = 0; i < count && place == MEASURES_MAX; i++) {
        struct node item = node_item(r, &list, i);
        if (str_same(node_text_of(r, &item, "system"), LOINC)) {
            place = measure_of(facts, node_text_of(r, &item, "code"));
        }
    }
    struct measured measured = {.known = true, .at_ms = at_ms, .resource = resource->json};
    bool later = place < MEASURES_MAX && (!facts->measured[place].known || facts->measured[place].at_ms < at_ms);
    if (later && read_value(facts, holder, &measured)) {
        facts->measured[place] = measured;
    }
}

bool fhir_read_observation(struct facts *facts, const struct node *resource)
{
    static const struct fhir_word SAID[] = {{"final", true}, {"amended", true}, {"corrected", true}, {NULL, 0}};
    struct reader *r = facts->r;
    struct node period = node_get(r, resource, "effectivePeriod"), parts = node_get(r, resource, "component");
    struct said_time at;
    if (!fhir_word_value(SAID, node_text_of(r, resource, "status"), false) ||
        !(node_time_of(r, resource, "effectiveDateTime", TENSE_PAST, &at) ||
            node_time_of(r, resource, "effectiveInstant", TENSE_PAST, &at) ||
            node_time_of(r, &period, "end", TENSE_PAST, &at) || node_time_of(r, &period, "start", TENSE_PAST, &at))) {
        return false;
    }
    fhir_learn_as_of(facts, &at);
    keep_measure(facts, resource, resource, at.at_ms);
    size_t count = node_count(r, &parts);
    for (size_t i = 0; i < count; i++) {
        struct node part = node_item(r, &parts, i);
        keep_measure(facts, resource, &part, at.at_ms);
    }
    return false; /* counted when all are read: a later one may take its place */
}

static bool is_first_of_its_resource(const struct facts *facts, size_t place)
{
    for (size_t i = 0; i < place; i++) {
        if (facts->measured[i].known && facts->measured[i].resource == facts->measured[place].resource) {
            return false;
        }
    }
    return true;
}

static Intake__Observation *new_observation(
    struct facts *facts, const Casebus__CodeMapEntry *measure, const struct measured *measured)
{
    struct arena *arena = facts->r->arena;
    Intake__Observation *out = ARENA_NEW(arena, Intake__Observation);
    intake__observation__init(out);
    out->code = ARENA_NEW(arena, Casebus__Coding);
    casebus__coding__init(out->code);
    out->code->system = arena_strdup(arena, LOINC);
    out->code->code = arena_strdup(arena, measure->code);
    out->code->display = arena_strdup(arena, measure->display);
    out->has_value_milli = out->has_at_ms = true;
    out->value_milli = measured->milli;
    out->at_ms = measured->at_ms;
    out->unit = keep_text(facts->r, measured->unit, UNIT_MAX);
    return out;
}

static void keep_observations(struct facts *facts)
{
    Intake__PatientFacts *patient = facts->patient;
    const Casebus__CodeMap *measures = facts->reference->measures;
    struct fhir_tally *tally = &facts->r->out->tally;
    for (size_t i = 0; i < measures->n_entries && i < MEASURES_MAX; i++) {
        if (facts->measured[i].known) {
            size_t entries = is_first_of_its_resource(facts, i);
            tally->used += entries;
            tally->ignored -= entries;
            patient->observations[patient->n_observations++] =
                new_observation(facts, measures->entries[i], &facts->measured[i]);
        }
    }
    tally->observations = patient->n_observations;
}

/* ---- medicines ---- */

bool fhir_read_medication(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    struct node concept = node_get(r, resource, "medicationCodeableConcept");
    struct node other = node_get(r, resource, "medicationReference");
    if (!str_same(node_text_of(r, resource, "status"), "active")) {
        return false;
    }
    const char *code = fhir_first_code(facts, &concept);
    code = code != NULL ? code : fhir_words_of(facts, &concept);
    code = code != NULL ? code : node_text_of(r, &other, "reference");
    if (code == NULL) {
        return false;
    }
    facts->medicines[facts->n_medicines++] = code;
    return true;
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A medicine prescribed again is still one medicine. */
static uint32_t count_medicines(struct facts *facts)
{
    uint32_t count = 0;
    qsort(facts->medicines, facts->n_medicines, sizeof *facts->medicines, compare_words);
    for (size_t i = 0; i < facts->n_medicines; i++) {
        count += i == 0 || strcmp(facts->medicines[i - 1], facts->medicines[i]) != 0;
    }
    return count;
}

void fhir_finish_measures(struct facts *facts)
{
    keep_observations(facts);
    facts->patient->has_active_medications = true;
    facts->patient->active_medications = count_medicines(facts);
}
