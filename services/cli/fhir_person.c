/* Who the patient is, and who is around: family, care team, and who asks for us. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"
#include "services/cli/fhir_states.h"

#include <string.h>

#define NAME_MAX_POINTS   100
#define WORD_MAX_POINTS   64
#define VALUE_MAX_POINTS  128
#define TEXT_MAX_POINTS   256
#define REASON_MAX_POINTS 2000
#define SNOMED            "http://snomed.info/sct"
#define CASE_MANAGEMENT   "386230005" /* SNOMED CT: the request that is a referral to us */

/* ---- names ---- */

static bool is_old(struct facts *facts, const struct node *item)
{
    const char *use = node_text_of(facts->r, item, "use");
    return str_same(use, "old") || str_same(use, "temp");
}

/* The item of a list with this use, else the first that is not old, else none. */
static struct node choose(struct facts *facts, const struct node *list, const char *use)
{
    struct reader *r = facts->r;
    struct node chosen = {.up = list};
    size_t count = node_count(r, list);
    for (size_t i = 0; i < count; i++) {
        struct node item = node_item(r, list, i);
        if (str_same(node_text_of(r, &item, "use"), use)) {
            return item;
        }
        if (!node_is_there(&chosen) && !is_old(facts, &item)) {
            chosen = item;
        }
    }
    return chosen;
}

/* All texts of a list in one, in the scratch; NULL when there are none. */
static const char *joined(struct facts *facts, const struct node *list, const char *between)
{
    struct reader *r = facts->r;
    const char *out = NULL;
    size_t count = node_count(r, list);
    for (size_t i = 0; i < count && i < CONTACTS_MAX; i++) {
        struct node item = node_item(r, list, i);
        const char *text = node_text(r, &item);
        if (text != NULL) {
            out = out == NULL ? text : arena_printf(r->scratch, "%s%s%s", out, between, text);
        }
    }
    return out;
}

/* A HumanName as people write it; NULL when it says nothing. */
static const char *whole_name(struct facts *facts, const struct node *name)
{
    struct reader *r = facts->r;
    struct node prefixes = node_get(r, name, "prefix"), givens = node_get(r, name, "given");
    const char *text = node_text_of(r, name, "text"), *family = node_text_of(r, name, "family");
    const char *prefix = joined(facts, &prefixes, " "), *given = joined(facts, &givens, " ");
    if (text != NULL || (family == NULL && given == NULL)) {
        return text;
    }
    return arena_printf(r->scratch, "%s%s%s%s%s", prefix == NULL ? "" : prefix, prefix == NULL ? "" : " ",
        given == NULL ? "" : given, given != NULL && family != NULL ? " " : "", family == NULL ? "" : family);
}

static const char *name_of(struct facts *facts, const struct node *resource)
{
    struct node name = node_get(facts->r, resource, "name");
    if (json_object_is_type(name.json, json_type_string)) {
        return node_text(facts->r, &name); /* an Organization's */
    }
    if (json_object_is_type(name.json, json_type_object)) {
        return whole_name(facts, &name); /* a Patient.contact's */
    }
    struct node chosen = choose(facts, &name, "official");
    return whole_name(facts, &chosen);
}

/* The name under a Reference: what it displays, else what it leads to is called. */
static const char *name_under(struct facts *facts, const struct node *resource, const struct node *reference)
{
    const char *display = node_text_of(facts->r, reference, "display");
    struct json_object *found = refs_follow(&facts->refs, facts->r, resource, reference);
    if (display != NULL || found == NULL) {
        return display;
    }
    struct node node = node_root(found);
    return name_of(facts, &node);
}

/* ---- contacts ---- */

static Casebus__Channel channel_of(const char *system)
{
    if (str_same(system, "phone")) {
        return CASEBUS__CHANNEL__CHANNEL_PHONE;
    }
    if (str_same(system, "email")) {
        return CASEBUS__CHANNEL__CHANNEL_EMAIL;
    }
    return str_same(system, "sms") ? CASEBUS__CHANNEL__CHANNEL_SMS : CASEBUS__CHANNEL__CHANNEL_UNSPECIFIED;
}

static size_t read_contacts(struct facts *facts, const struct node *holder, Casebus__ContactPoint ***out)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, holder, "telecom");
    size_t count = node_count(r, &list), kept = 0;
    *out = ARENA_ARRAY(r->arena, Casebus__ContactPoint *, CONTACTS_MAX);
    for (size_t i = 0; i < count && kept < CONTACTS_MAX; i++) {
        struct node item = node_item(r, &list, i), rank = node_get(r, &item, "rank");
        const char *value = node_text_of(r, &item, "value");
        Casebus__Channel channel = channel_of(node_text_of(r, &item, "system"));
        if (value == NULL || channel == CASEBUS__CHANNEL__CHANNEL_UNSPECIFIED || is_old(facts, &item)) {
            continue;
        }
        Casebus__ContactPoint *contact = ARENA_NEW(r->arena, Casebus__ContactPoint);
        casebus__contact_point__init(contact);
        contact->has_channel = true;
        contact->channel = channel;
        contact->value = keep_text(r, value, TEXT_MAX_POINTS);
        contact->has_preferred = node_is_there(&rank);
        contact->preferred = json_object_get_int(rank.json) == 1;
        (*out)[kept++] = contact;
    }
    return kept;
}

/* ---- language ---- */

/* BCP 47 by its outline: letters first, then parts of 1 to 8 letters or digits. */
static bool is_language_tag(const char *tag)
{
    size_t part = 0, parts = 0;
    for (;; tag++) {
        if (*tag == '-' || *tag == '\0') {
            if (part < (parts == 0 ? 2 : 1) || part > 8) {
                return false;
            }
            parts++;
            part = 0;
            if (*tag == '\0') {
                return true;
            }
        } else if (ascii_is_letter(*tag) || (parts > 0 && ascii_is_digit(*tag))) {
            part++;
        } else {
            return false;
        }
    }
}

/* The preferred language, else the first. */
static char *read_language(struct facts *facts, const struct node *holder)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, holder, "communication");
    size_t count = node_count(r, &list), chosen = 0;
    for (size_t i = 0; i < count; i++) {
        struct node item = node_item(r, &list, i), preferred = node_get(r, &item, "preferred");
        if (node_is_true(r, &preferred)) {
            chosen = i;
            break;
        }
    }
    struct node item = node_item(r, &list, chosen), language = node_get(r, &item, "language");
    const char *tag = first_code(facts, &language);
    if (tag != NULL && !is_language_tag(tag)) {
        node_odd(r, &language, "is \"%.32s\", which is no language tag", tag);
        return NULL;
    }
    return keep_text(r, tag, WORD_MAX_POINTS);
}

/* ---- the patient ---- */

static void read_name(struct facts *facts, const struct node *patient)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, patient, "name"), name = choose(facts, &list, "official");
    struct node givens = node_get(r, &name, "given");
    const char *family = node_text_of(r, &name, "family"), *given = joined(facts, &givens, " ");
    if (family == NULL || given == NULL) {
        node_refuse(r, patient, "has no %s name: nobody could be matched with the patient", family == NULL ? "family" : "given");
        return;
    }
    facts->patient->family_name = keep_text(r, family, NAME_MAX_POINTS);
    facts->patient->given_name = keep_text(r, given, NAME_MAX_POINTS);
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
    struct node list = node_get(r, patient, "address"), item = choose(facts, &list, "home");
    if (!node_is_there(&item)) {
        return;
    }
    struct node lines = node_get(r, &item, "line"), state = node_get(r, &item, "state");
    const char *country = node_text_of(r, &item, "country"), *said = node_text(r, &state);
    Casebus__Address *address = ARENA_NEW(r->arena, Casebus__Address);
    casebus__address__init(address);
    address->line = keep_text(r, joined(facts, &lines, ", "), TEXT_MAX_POINTS);
    address->city = keep_text(r, node_text_of(r, &item, "city"), TEXT_MAX_POINTS);
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

/* A passport or driving licence says nothing to care: only what health organisations gave, the SSN, and what has no type. */
static bool is_for_care(const char *type)
{
    return type == NULL || (!str_same(type, "DL") && !str_same(type, "PPN"));
}

static void read_identifiers(struct facts *facts, const struct node *patient)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, patient, "identifier");
    size_t count = node_count(r, &list);
    facts->patient->identifiers = ARENA_ARRAY(r->arena, Casebus__Identifier *, IDENTIFIERS_KEPT_MAX);
    for (size_t i = 0; i < count && facts->patient->n_identifiers < IDENTIFIERS_KEPT_MAX; i++) {
        struct node item = node_item(r, &list, i), type = node_get(r, &item, "type");
        const char *system = node_text_of(r, &item, "system"), *value = node_text_of(r, &item, "value");
        if (system == NULL || value == NULL || !is_for_care(first_code(facts, &type)) || is_old(facts, &item)) {
            continue;
        }
        Casebus__Identifier *identifier = ARENA_NEW(r->arena, Casebus__Identifier);
        casebus__identifier__init(identifier);
        identifier->system = keep_text(r, system, TEXT_MAX_POINTS);
        identifier->value = keep_text(r, value, VALUE_MAX_POINTS);
        facts->patient->identifiers[facts->patient->n_identifiers++] = identifier;
    }
}

/* ---- people around ---- */

static void add_related(struct facts *facts, const struct node *holder, const char *name, const char *relationship, Casebus__Role role)
{
    struct reader *r = facts->r;
    Intake__PatientFacts *patient = facts->patient;
    if (name == NULL) {
        return;
    }
    char *kept = keep_text(r, name, TEXT_MAX_POINTS);
    for (size_t i = 0; i < patient->n_related; i++) {
        if (strcmp(patient->related[i]->name, kept) == 0) {
            return;
        }
    }
    if (patient->n_related == RELATED_MAX) {
        node_odd(r, holder, "is one more person than the %d that a referral can carry", RELATED_MAX);
        return;
    }
    Intake__RelatedPerson *person = ARENA_NEW(r->arena, Intake__RelatedPerson);
    intake__related_person__init(person);
    person->name = kept;
    person->relationship = keep_text(r, relationship, WORD_MAX_POINTS);
    person->has_role = true;
    person->role = role;
    if (holder != NULL) {
        person->n_contacts = read_contacts(facts, holder, &person->contacts);
        person->language = role == CASEBUS__ROLE__ROLE_REPRESENTATIVE ? read_language(facts, holder) : NULL;
    }
    patient->related[patient->n_related++] = person;
}

static const char *relationship_of(struct facts *facts, const struct node *holder)
{
    struct node list = node_get(facts->r, holder, "relationship"), first = node_item(facts->r, &list, 0);
    return words_of(facts, &first);
}

bool read_related_person(struct facts *facts, const struct node *resource)
{
    size_t before = facts->patient->n_related;
    struct node active = node_get(facts->r, resource, "active");
    if (!node_is_there(&active) || node_is_true(facts->r, &active)) {
        add_related(facts, resource, name_of(facts, resource), relationship_of(facts, resource),
            CASEBUS__ROLE__ROLE_REPRESENTATIVE);
    }
    return facts->patient->n_related > before;
}

static void read_patient_contacts(struct facts *facts, const struct node *patient)
{
    struct node list = node_get(facts->r, patient, "contact");
    size_t count = node_count(facts->r, &list);
    for (size_t i = 0; i < count; i++) {
        struct node item = node_item(facts->r, &list, i);
        add_related(facts, &item, name_of(facts, &item), relationship_of(facts, &item), CASEBUS__ROLE__ROLE_REPRESENTATIVE);
    }
}

static void read_member(struct facts *facts, const struct node *team, const struct node *participant)
{
    struct reader *r = facts->r;
    struct node member = node_get(r, participant, "member"), roles = node_get(r, participant, "role");
    struct node role = node_item(r, &roles, 0);
    struct json_object *found = refs_follow(&facts->refs, r, team, &member);
    const char *type = resource_type(found);
    if (found == facts->subject || str_same(type, "RelatedPerson")) {
        return; /* The patient is no one around, and family speaks for itself in its own entry. */
    }
    struct node resource = node_root(found);
    add_related(
        facts, &resource, name_under(facts, team, &member), words_of(facts, &role), CASEBUS__ROLE__ROLE_PROVIDER);
}

bool read_care_team(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    struct node list = node_get(r, resource, "participant");
    size_t before = facts->patient->n_related, count = node_count(r, &list);
    if (!str_same(node_text_of(r, resource, "status"), "active")) {
        return false;
    }
    for (size_t i = 0; i < count && !r->refused; i++) {
        struct node item = node_item(r, &list, i);
        read_member(facts, resource, &item);
    }
    return facts->patient->n_related > before;
}

/* ---- who asks ---- */

static Casebus__Priority priority_of(const char *word)
{
    static const char *const WORDS[] = {"routine", "urgent", "asap", "stat"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (str_same(word, WORDS[i])) {
            return (Casebus__Priority)(CASEBUS__PRIORITY__PRIORITY_ROUTINE + (int)i);
        }
    }
    return CASEBUS__PRIORITY__PRIORITY_UNSPECIFIED;
}

static bool asks_for_case_management(struct facts *facts, const struct node *resource)
{
    struct node code = node_get(facts->r, resource, "code"), list = node_get(facts->r, &code, "coding");
    size_t count = node_count(facts->r, &list);
    for (size_t i = 0; i < count; i++) {
        struct node item = node_item(facts->r, &list, i);
        if (str_same(node_text_of(facts->r, &item, "system"), SNOMED) &&
            str_same(node_text_of(facts->r, &item, "code"), CASE_MANAGEMENT)) {
            return str_same(node_text_of(facts->r, resource, "status"), "active");
        }
    }
    return false;
}

bool read_request(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    if (facts->referral->reason != NULL || !asks_for_case_management(facts, resource)) {
        return false;
    }
    struct node reasons = node_get(r, resource, "reasonCode"), reason = node_item(r, &reasons, 0);
    struct node requester = node_get(r, resource, "requester");
    Casebus__Priority priority = priority_of(node_text_of(r, resource, "priority"));
    struct said_time authored;
    facts->referral->reason = keep_text(r, words_of(facts, &reason), REASON_MAX_POINTS);
    facts->referral->requester = keep_text(r, name_under(facts, resource, &requester), TEXT_MAX_POINTS);
    facts->referral->has_priority = priority != CASEBUS__PRIORITY__PRIORITY_UNSPECIFIED;
    facts->referral->priority = priority;
    if (node_time_of(r, resource, "authoredOn", TENSE_PAST, &authored)) {
        facts->referral->has_referred_at_ms = true;
        facts->referral->referred_at_ms = authored.at_ms;
    }
    return true;
}

void read_patient(struct facts *facts, const struct node *patient)
{
    facts->patient->related = ARENA_ARRAY(facts->r->arena, Intake__RelatedPerson *, RELATED_MAX);
    read_name(facts, patient);
    read_birth(facts, patient);
    read_death(facts, patient);
    read_sex(facts, patient);
    read_address(facts, patient);
    read_identifiers(facts, patient);
    facts->patient->language = read_language(facts, patient);
    facts->patient->n_contacts = read_contacts(facts, patient, &facts->patient->contacts);
}

void finish_people(struct facts *facts, const struct node *patient)
{
    read_patient_contacts(facts, patient);
}
