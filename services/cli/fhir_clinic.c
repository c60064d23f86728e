/* Conditions, encounters, observations, medicines. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"

#include <stdlib.h>
#include <string.h>

#define LOINC        "http://loinc.org"
#define UCUM         "http://unitsofmeasure.org"
#define UNIT_MAX     32
#define FROM_ED_MS   DAY_MS /* an emergency visit that ended so shortly before a stay led to it */

struct word {
    const char *word;
    int value;
};

static int word_value(const struct word *words, const char *word, int otherwise)
{
    for (; word != NULL && words->word != NULL; words++) {
        if (strcmp(words->word, word) == 0) {
            return words->value;
        }
    }
    return otherwise;
}

void learn_as_of(struct facts *facts, const struct said_time *said)
{
    if (said->precision >= PRECISION_DAY && (facts->as_of.precision == 0 || said->at_ms > facts->as_of.at_ms)) {
        facts->as_of = *said;
    }
}

/* ---- conditions ---- */

static const struct word CONDITION_WORDS[] = {
    {"active", INTAKE__CONDITION_STATUS__CONDITION_STATUS_ACTIVE},
    {"recurrence", INTAKE__CONDITION_STATUS__CONDITION_STATUS_RECURRENCE},
    {"relapse", INTAKE__CONDITION_STATUS__CONDITION_STATUS_RELAPSE},
    {"inactive", INTAKE__CONDITION_STATUS__CONDITION_STATUS_INACTIVE},
    {"remission", INTAKE__CONDITION_STATUS__CONDITION_STATUS_REMISSION},
    {"resolved", INTAKE__CONDITION_STATUS__CONDITION_STATUS_RESOLVED},
    {NULL, 0},
};

enum certainty { CERTAIN, DOUBTED, WRONG };

static const struct word CERTAINTY_WORDS[] = {
    {"confirmed", CERTAIN},
    {"unconfirmed", DOUBTED},
    {"provisional", DOUBTED},
    {"differential", DOUBTED},
    {"refuted", WRONG},
    {"entered-in-error", WRONG},
    {NULL, 0},
};

static bool is_active(const Intake__Condition *condition)
{
    return condition->abated_date == NULL && condition->has_status &&
        (condition->status == INTAKE__CONDITION_STATUS__CONDITION_STATUS_ACTIVE ||
            condition->status == INTAKE__CONDITION_STATUS__CONDITION_STATUS_RECURRENCE ||
            condition->status == INTAKE__CONDITION_STATUS__CONDITION_STATUS_RELAPSE);
}

/* The end of a condition, in the ways FHIR can say it. True when it has one, perhaps without a day. */
static bool read_abatement(struct facts *facts, const struct node *resource, struct said_time *out)
{
    static const char *const DAYLESS[] = {"abatementAge", "abatementRange", "abatementString"};
    struct reader *r = facts->r;
    struct node period = node_get(r, resource, "abatementPeriod");
    if (node_time_of(r, resource, "abatementDateTime", TENSE_ANY, out) || node_time_of(r, &period, "end", TENSE_ANY, out)) {
        return true;
    }
    for (size_t i = 0; i < sizeof DAYLESS / sizeof *DAYLESS; i++) {
        struct node node = node_get(r, resource, DAYLESS[i]);
        if (node_is_there(&node)) {
            return true;
        }
    }
    return false;
}

static void read_condition_times(struct facts *facts, const struct node *resource, Intake__Condition *condition)
{
    struct reader *r = facts->r;
    struct said_time onset, recorded, abated = {0};
    struct node period = node_get(r, resource, "onsetPeriod");
    if (node_time_of(r, resource, "onsetDateTime", TENSE_PAST, &onset) || node_time_of(r, &period, "start", TENSE_PAST, &onset)) {
        condition->onset_date = keep_day(r, &onset);
        learn_as_of(facts, &onset);
    }
    if (node_time_of(r, resource, "recordedDate", TENSE_PAST, &recorded)) {
        learn_as_of(facts, &recorded);
    }
    if (!read_abatement(facts, resource, &abated)) {
        return;
    }
    condition->abated_date = keep_day(r, &abated);
    if (condition->abated_date == NULL && is_active(condition)) {
        condition->status = INTAKE__CONDITION_STATUS__CONDITION_STATUS_RESOLVED;
    }
}

bool read_condition(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    struct node clinical = node_get(r, resource, "clinicalStatus"), doubt = node_get(r, resource, "verificationStatus");
    enum certainty certainty = (enum certainty)word_value(CERTAINTY_WORDS, first_code(facts, &doubt), CERTAIN);
    if (certainty == WRONG) {
        return false;
    }
    if (facts->patient->n_conditions == CONDITIONS_MAX) {
        node_refuse(r, resource, "is one condition more than the %d that a referral can carry", CONDITIONS_MAX);
        return false;
    }
    bool mapped;
    struct node code = node_get(r, resource, "code");
    Intake__Condition *condition = ARENA_NEW(r->arena, Intake__Condition);
    intake__condition__init(condition);
    condition->code = keep_code(facts, &code, facts->reference->conditions, facts->reference->n_conditions, &mapped);
    if (condition->code == NULL) {
        node_odd(r, resource, "does not say which condition");
        return false;
    }
    int status = word_value(CONDITION_WORDS, first_code(facts, &clinical), 0);
    condition->has_status = true;
    condition->status = certainty == DOUBTED ? 0 : (Intake__ConditionStatus)status;
    read_condition_times(facts, resource, condition);
    facts->patient->conditions[facts->patient->n_conditions++] = condition;
    r->out->tally.conditions++;
    r->out->tally.active += is_active(condition);
    r->out->tally.unmapped += is_active(condition) && !mapped;
    return true;
}

/* ---- encounters ---- */

static const struct word CLASS_WORDS[] = {
    {"IMP", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT},
    {"ACUTE", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT},
    {"NONAC", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT},
    {"SS", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT},
    {"EMER", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_EMERGENCY},
    {NULL, 0},
};

static const struct word TOOK_PLACE_WORDS[] = {
    {"finished", true}, {"in-progress", true}, {"onleave", true}, {"arrived", true}, {"triaged", true}, {NULL, 0}};

enum urgency { URGENCY_UNTOLD, URGENT, PLANNED };

/* v3 ActPriority: emergency, urgent, as soon as possible, stat; elective, routine. */
static const struct word URGENCY_WORDS[] = {
    {"EM", URGENT}, {"UR", URGENT}, {"A", URGENT}, {"S", URGENT}, {"EL", PLANNED}, {"R", PLANNED}, {NULL, 0}};

static enum urgency told_urgency(struct facts *facts, const struct node *resource, const char *class)
{
    struct reader *r = facts->r;
    struct node priority = node_get(r, resource, "priority"), stay = node_get(r, resource, "hospitalization");
    struct node source = node_get(r, &stay, "admitSource");
    if (str_same(class, "ACUTE") || str_same(first_code(facts, &source), "emd")) {
        return URGENT;
    }
    enum urgency urgency = (enum urgency)word_value(URGENCY_WORDS, first_code(facts, &priority), URGENCY_UNTOLD);
    return urgency == URGENCY_UNTOLD && str_same(class, "NONAC") ? PLANNED : urgency;
}

/* The period of an encounter that took place. False when it has no start. */
static bool read_period(struct facts *facts, const struct node *resource, Intake__Encounter *encounter)
{
    struct reader *r = facts->r;
    struct node period = node_get(r, resource, "period");
    struct said_time start, end;
    if (!node_time_of(r, &period, "start", TENSE_PAST, &start)) {
        return false;
    }
    bool ended = node_time_of(r, &period, "end", TENSE_PAST, &end);
    if (ended && end.at_ms < start.at_ms) {
        node_refuse(r, &period, "ends before it starts");
        return false;
    }
    learn_as_of(facts, ended ? &end : &start);
    encounter->has_start_at_ms = true;
    encounter->start_at_ms = start.at_ms;
    encounter->has_end_at_ms = ended;
    encounter->end_at_ms = ended ? end.at_ms : 0;
    return true;
}

bool read_encounter(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    struct node kind = node_get(r, resource, "class"), reasons = node_get(r, resource, "reasonCode");
    struct node reason = node_item(r, &reasons, 0);
    const char *class = node_text_of(r, &kind, "code");
    Intake__Encounter *encounter = ARENA_NEW(r->arena, Intake__Encounter);
    intake__encounter__init(encounter);
    if (!word_value(TOOK_PLACE_WORDS, node_text_of(r, resource, "status"), false) || !read_period(facts, resource, encounter)) {
        return false;
    }
    int value = word_value(CLASS_WORDS, class, 0);
    if (value == 0) {
        return false; /* Counted in the as-of day; nothing else asks for it. */
    }
    if (facts->n_encounters == ENCOUNTERS_MAX) {
        node_refuse(r, resource, "is one stay or emergency visit more than the %d that a referral can carry", ENCOUNTERS_MAX);
        return false;
    }
    bool mapped;
    encounter->has_class_ = true;
    encounter->class_ = (Intake__EncounterClass)value;
    encounter->reason = keep_code(facts, &reason, facts->reference->conditions, facts->reference->n_conditions, &mapped);
    if (value == INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT) {
        enum urgency urgency = told_urgency(facts, resource, class);
        encounter->has_emergent = urgency != URGENCY_UNTOLD;
        encounter->emergent = urgency == URGENT;
    }
    facts->encounters[facts->n_encounters++] = encounter;
    return true;
}

static bool is_inpatient(const Intake__Encounter *encounter)
{
    return encounter->class_ == INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT;
}

static int64_t end_of(const Intake__Encounter *encounter)
{
    return encounter->has_end_at_ms ? encounter->end_at_ms : encounter->start_at_ms;
}

static bool came_from_emergency(const Intake__PatientFacts *patient, const Intake__Encounter *stay)
{
    for (size_t i = 0; i < patient->n_encounters; i++) {
        const Intake__Encounter *visit = patient->encounters[i];
        if (!is_inpatient(visit) && visit->start_at_ms <= stay->start_at_ms && end_of(visit) >= stay->start_at_ms - FROM_ED_MS) {
            return true;
        }
    }
    return false;
}

static void learn_urgency(Intake__PatientFacts *patient)
{
    for (size_t i = 0; i < patient->n_encounters; i++) {
        Intake__Encounter *stay = patient->encounters[i];
        if (is_inpatient(stay) && !stay->has_emergent && came_from_emergency(patient, stay)) {
            stay->has_emergent = stay->emergent = true;
        }
    }
}

static void keep_encounters(struct facts *facts)
{
    struct date since = date_add_months(facts->as_of.date, -FHIR_MONTHS_BACK);
    int64_t since_ms = instant_from_utc_date(since);
    Intake__PatientFacts *patient = facts->patient;
    struct fhir_tally *tally = &facts->r->out->tally;
    for (size_t i = 0; i < facts->n_encounters; i++) {
        Intake__Encounter *encounter = facts->encounters[i];
        if (end_of(encounter) < since_ms) {
            tally->ignored++;
            tally->used--;
            continue;
        }
        patient->encounters[patient->n_encounters++] = encounter;
        tally->inpatient += is_inpatient(encounter);
        tally->emergency += !is_inpatient(encounter);
    }
    learn_urgency(patient);
}

/* ---- observations ---- */

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

/* Keeps the value of an observation or of a component, if it is a measure of ours and later than the one we have. */
static bool keep_measure(struct facts *facts, const struct node *holder, int64_t at_ms)
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
    struct measured measured = {.known = true, .at_ms = at_ms};
    if (place == MEASURES_MAX || (facts->measured[place].known && facts->measured[place].at_ms >= at_ms) ||
        !read_value(facts, holder, &measured)) {
        return false;
    }
    facts->measured[place] = measured;
    return true;
}

bool read_observation(struct facts *facts, const struct node *resource)
{
    static const struct word SAID[] = {{"final", true}, {"amended", true}, {"corrected", true}, {NULL, 0}};
    struct reader *r = facts->r;
    struct node period = node_get(r, resource, "effectivePeriod"), parts = node_get(r, resource, "component");
    struct said_time at;
    if (!word_value(SAID, node_text_of(r, resource, "status"), false) ||
        !(node_time_of(r, resource, "effectiveDateTime", TENSE_PAST, &at) ||
            node_time_of(r, resource, "effectiveInstant", TENSE_PAST, &at) || node_time_of(r, &period, "end", TENSE_PAST, &at) ||
            node_time_of(r, &period, "start", TENSE_PAST, &at))) {
        return false;
    }
    learn_as_of(facts, &at);
    bool kept = keep_measure(facts, resource, at.at_ms);
    size_t count = node_count(r, &parts);
    for (size_t i = 0; i < count; i++) {
        struct node part = node_item(r, &parts, i);
        kept |= keep_measure(facts, &part, at.at_ms);
    }
    return kept;
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
    for (size_t i = 0; i < measures->n_entries && i < MEASURES_MAX; i++) {
        if (facts->measured[i].known) {
            patient->observations[patient->n_observations++] =
                new_observation(facts, measures->entries[i], &facts->measured[i]);
        }
    }
    facts->r->out->tally.observations = patient->n_observations;
}

/* ---- medicines ---- */

bool read_medication(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    struct node concept = node_get(r, resource, "medicationCodeableConcept");
    struct node other = node_get(r, resource, "medicationReference");
    if (!str_same(node_text_of(r, resource, "status"), "active")) {
        return false;
    }
    const char *code = first_code(facts, &concept);
    code = code != NULL ? code : words_of(facts, &concept);
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

void finish_clinic(struct facts *facts)
{
    if (facts->as_of.precision != 0) {
        facts->patient->as_of_date = keep_day(facts->r, &facts->as_of);
        keep_encounters(facts);
    }
    keep_observations(facts);
    facts->patient->has_active_medications = true;
    facts->patient->active_medications = count_medicines(facts);
}
