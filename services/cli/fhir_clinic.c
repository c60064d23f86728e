/* Conditions and encounters: what is wrong, and which stays there were. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"

#include <string.h>

#define FROM_ED_MS DAY_MS /* an emergency visit that ended so shortly before a stay led to it */

void fhir_learn_as_of(struct facts *facts, const struct said_time *said)
{
    if (said->precision >= PRECISION_DAY && (facts->as_of.precision == 0 || said->at_ms > facts->as_of.at_ms)) {
        facts->as_of = *said;
    }
}

/* ---- conditions ---- */

static const struct fhir_word CONDITION_WORDS[] = {
    {"active", INTAKE__CONDITION_STATUS__CONDITION_STATUS_ACTIVE},
    {"recurrence", INTAKE__CONDITION_STATUS__CONDITION_STATUS_RECURRENCE},
    {"relapse", INTAKE__CONDITION_STATUS__CONDITION_STATUS_RELAPSE},
    {"inactive", INTAKE__CONDITION_STATUS__CONDITION_STATUS_INACTIVE},
    {"remission", INTAKE__CONDITION_STATUS__CONDITION_STATUS_REMISSION},
    {"resolved", INTAKE__CONDITION_STATUS__CONDITION_STATUS_RESOLVED},
    {NULL, 0},
};

enum certainty { CERTAIN, DOUBTED, WRONG };

static const struct fhir_word CERTAINTY_WORDS[] = {
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
    if (node_time_of(r, resource, "abatementDateTime", TENSE_ANY, out) ||
        node_time_of(r, &period, "end", TENSE_ANY, out)) {
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
    if (node_time_of(r, resource, "onsetDateTime", TENSE_PAST, &onset) ||
        node_time_of(r, &period, "start", TENSE_PAST, &onset)) {
        condition->onset_date = keep_day(r, &onset);
        fhir_learn_as_of(facts, &onset);
    }
    if (node_time_of(r, resource, "recordedDate", TENSE_PAST, &recorded)) {
        fhir_learn_as_of(facts, &recorded);
    }
    if (!read_abatement(facts, resource, &abated)) {
        return;
    }
    condition->abated_date = keep_day(r, &abated);
    if (condition->abated_date == NULL && is_active(condition)) {
        condition->status = INTAKE__CONDITION_STATUS__CONDITION_STATUS_RESOLVED;
    }
}

bool fhir_read_condition(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    struct node clinical = node_get(r, resource, "clinicalStatus"), doubt = node_get(r, resource, "verificationStatus");
    enum certainty certainty =
        (enum certainty)fhir_word_value(CERTAINTY_WORDS, fhir_first_code(facts, &doubt), CERTAIN);
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
    condition->code =
        fhir_keep_code(facts, &code, facts->reference->conditions, facts->reference->n_conditions, &mapped);
    if (condition->code == NULL) {
        node_odd(r, resource, "does not say which condition");
        return false;
    }
    int status = fhir_word_value(CONDITION_WORDS, fhir_first_code(facts, &clinical), 0);
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

static const struct fhir_word CLASS_WORDS[] = {
    {"IMP", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT},
    {"ACUTE", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT},
    {"NONAC", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT},
    {"SS", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT},
    {"EMER", INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_EMERGENCY},
    {NULL, 0},
};

static const struct fhir_word TOOK_PLACE_WORDS[] = {
    {"finished", true}, {"in-progress", true}, {"onleave", true}, {"arrived", true}, {"triaged", true}, {NULL, 0}};

enum urgency { URGENCY_UNTOLD, URGENT, PLANNED };

/* v3 ActPriority: emergency, urgent, as soon as possible, stat; elective, routine. */
static const struct fhir_word URGENCY_WORDS[] = {
    {"EM", URGENT}, {"UR", URGENT}, {"A", URGENT}, {"S", URGENT}, {"EL", PLANNED}, {"R", PLANNED}, {NULL, 0}};

static enum urgency told_urgency(struct facts *facts, const struct node *resource, const char *class)
{
    struct reader *r = facts->r;
    struct node priority = node_get(r, resource, "priority"), stay = node_get(r, resource, "hospitalization");
    struct node source = node_get(r, &stay, "admitSource");
    if (str_same(class, "ACUTE") || str_same(fhir_first_code(facts, &source), "emd")) {
        return URGENT;
    }
    enum urgency urgency =
        (enum urgency)fhir_word_value(URGENCY_WORDS, fhir_first_code(facts, &priority), URGENCY_UNTOLD);
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
    fhir_learn_as_of(facts, ended ? &end : &start);
    encounter->has_start_at_ms = true;
    encounter->start_at_ms = start.at_ms;
    encounter->has_end_at_ms = ended;
    encounter->end_at_ms = ended ? end.at_ms : 0;
    return true;
}

bool fhir_read_encounter(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    struct node kind = node_get(r, resource, "class"), reasons = node_get(r, resource, "reasonCode");
    struct node reason = node_item(r, &reasons, 0);
    const char *class = node_text_of(r, &kind, "code");
    Intake__Encounter *encounter = ARENA_NEW(r->arena, Intake__Encounter);
    intake__encounter__init(encounter);
    if (!fhir_word_value(TOOK_PLACE_WORDS, node_text_of(r, resource, "status"), false) ||
        !read_period(facts, resource, encounter)) {
        return false;
    }
    int value = fhir_word_value(CLASS_WORDS, class, 0);
    if (value == 0) {
        return false; /* Counted in the as-of day; nothing else asks for it. */
    }
    if (facts->n_encounters == STAYS_READ_MAX) {
        node_refuse(r, resource, "is one stay or emergency visit more than %d", STAYS_READ_MAX);
        return false;
    }
    bool mapped;
    encounter->has_class_ = true;
    encounter->class_ = (Intake__EncounterClass)value;
    encounter->reason =
        fhir_keep_code(facts, &reason, facts->reference->conditions, facts->reference->n_conditions, &mapped);
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
        if (!is_inpatient(visit) && visit->start_at_ms <= stay->start_at_ms &&
            end_of(visit) >= stay->start_at_ms - FROM_ED_MS) {
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

static void refuse_too_many_encounters(struct facts *facts)
{
    struct node bundle = node_root(NULL);
    node_refuse(facts->r, &bundle,
        "has more than %d stays and emergency visits in %d months, which a referral cannot carry", ENCOUNTERS_MAX,
        FHIR_MONTHS_BACK);
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
        if (patient->n_encounters == ENCOUNTERS_MAX) {
            refuse_too_many_encounters(facts);
            return;
        }
        patient->encounters[patient->n_encounters++] = encounter;
        tally->inpatient += is_inpatient(encounter);
        tally->emergency += !is_inpatient(encounter);
    }
    learn_urgency(patient);
}

void fhir_finish_clinic(struct facts *facts)
{
    if (facts->as_of.precision != 0) {
        facts->patient->as_of_date = keep_day(facts->r, &facts->as_of);
        keep_encounters(facts);
    }
}
