/* Who the patient is. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"
#include "services/cli/fhir_states.h"

#include <string.h>

static void read_name(struct facts *facts, const struct node *patient)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, patient, "name"), name = fhir_choose(facts, &list, "official");
    struct node givens = node_get(r, &name, "given");
    const char *family = node_text_of(r, &name, "family"), *given = fhir_joined(facts, &givens, " ");
    if (family == NULL || given == NULL) {
        node_refuse(r, patient, "has no %s name: nobody could be matched with the patient",
            family == NULL ? "family" : "given");
        return;
    }
    facts->patient->family_name = keep_text(r, family, NAME_POINTS);
    facts->patient->given_name = keep_text(r, given, NAME_POINTS);
}

static void read_birth(struct facts *facts, const struct node *patient)
{
    struct reader *r = facts->r;
    struct node node = node_get(r, patient, "birthDate");
    struct said_time birth;
    if (!node_time(r, &node, TENSE_PAST, &birth)) {
        node_refuse(r, patient, "has no birthDate: nobody could be matched with the patient, and no age be known");
        return;
    }
    if (birth.precision != PRECISION_DAY) {
        node_refuse(r, &node, "is \"%.40s\", but must be a whole day", node_text(r, &node));
        return;
    }
    facts->patient->birth_date = keep_day(r, &birth);
}

static void read_death(struct facts *facts, const struct node *patient)
{
    struct reader *r = facts->r;
    struct node day = node_get(r, patient, "deceasedDateTime"), said = node_get(r, patient, "deceasedBoolean");
    struct said_time death;
    bool dated = node_time(r, &day, TENSE_PAST, &death);
    facts->patient->has_deceased = dated || node_is_there(&said);
    facts->patient->deceased = dated || node_is_true(r, &said);
    if (!dated) {
        return;
    }
    facts->patient->deceased_date = keep_day(r, &death);
    struct date birth;
    if (death.precision >= PRECISION_DAY && date_parse(facts->patient->birth_date, &birth) &&
        date_compare(death.date, birth) < 0) {
        node_refuse(r, &day, "is before the birthDate");
    }
}

static void read_sex(struct facts *facts, const struct node *patient)
{
    struct node node = node_get(facts->r, patient, "gender");
    const char *gender = node_text(facts->r, &node);
    facts->patient->has_sex = true;
    if (str_same(gender, "female")) {
        facts->patient->sex = CASEBUS__SEX__SEX_FEMALE;
    } else if (str_same(gender, "male")) {
        facts->patient->sex = CASEBUS__SEX__SEX_MALE;
    } else if (str_same(gender, "other")) {
        facts->patient->sex = CASEBUS__SEX__SEX_OTHER;
    } else {
        facts->patient->sex = CASEBUS__SEX__SEX_UNKNOWN;
        if (gender != NULL && !str_same(gender, "unknown")) {
            node_refuse(facts->r, &node, "is \"%.32s\", but must be female, male, other or unknown", gender);
        }
    }
}

static void read_address(struct facts *facts, const struct node *patient)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, patient, "address"), item = fhir_choose(facts, &list, "home");
    if (!node_is_there(&item)) {
        return;
    }
    struct node lines = node_get(r, &item, "line"), state = node_get(r, &item, "state");
    const char *country = node_text_of(r, &item, "country"), *said = node_text(r, &state);
    Casebus__Address *address = ARENA_NEW(r->arena, Casebus__Address);
    casebus__address__init(address);
    address->line = keep_text(r, fhir_joined(facts, &lines, ", "), TEXT_POINTS);
    address->city = keep_text(r, node_text_of(r, &item, "city"), TEXT_POINTS);
    address->postal_code = keep_text(r, node_text_of(r, &item, "postalCode"), 16);
    address->country = country != NULL && strlen(country) == 2 ? keep_text(r, country, 2) : NULL;
    facts->patient->address = address;
    const struct us_state *known = said == NULL ? NULL : us_state_find(said);
    if (known == NULL) {
        if (said != NULL) {
            node_odd(r, &state, "is \"%.40s\", which is no state of the US", said);
        }
        return;
    }
    address->state = arena_strdup(r->arena, known->code);
    if (known->zone != NULL) {
        facts->patient->zone = arena_strdup(r->arena, known->zone);
        facts->patient->zone_source = arena_strdup(r->arena, "state");
    }
}

/* A passport or driving licence says nothing to care: only what health organisations gave, the SSN, and what has no
 * type. */
static bool is_for_care(const char *type)
{
    return type == NULL || (!str_same(type, "DL") && !str_same(type, "PPN"));
}

static void read_identifiers(struct facts *facts, const struct node *patient)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, patient, "identifier");
    size_t count = node_count(r, &list);
    facts->patient->identifiers = ARENA_ARRAY(r->arena, Casebus__Identifier *, IDENTIFIERS_MAX);
    for (size_t i = 0; i < count && facts->patient->n_identifiers < IDENTIFIERS_MAX; i++) {
        struct node item = node_item(r, &list, i), type = node_get(r, &item, "type");
        const char *system = node_text_of(r, &item, "system"), *value = node_text_of(r, &item, "value");
        if (system == NULL || value == NULL || !is_for_care(fhir_first_code(facts, &type)) ||
            fhir_is_old(facts, &item)) {
            continue;
        }
        Casebus__Identifier *identifier = ARENA_NEW(r->arena, Casebus__Identifier);
        casebus__identifier__init(identifier);
        identifier->system = keep_text(r, system, TEXT_POINTS);
        identifier->value = keep_text(r, value, VALUE_POINTS);
        facts->patient->identifiers[facts->patient->n_identifiers++] = identifier;
    }
}

void fhir_read_patient(struct facts *facts, const struct node *patient)
{
    facts->patient->related = ARENA_ARRAY(facts->r->arena, Intake__RelatedPerson *, RELATED_MAX);
    read_name(facts, patient);
    read_birth(facts, patient);
    read_death(facts, patient);
    read_sex(facts, patient);
    read_address(facts, patient);
    read_identifiers(facts, patient);
    facts->patient->language = fhir_read_language(facts, patient);
    facts->patient->n_contacts = fhir_read_contacts(facts, patient, &facts->patient->contacts);
}
