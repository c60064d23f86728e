/* Who is around the patient, and who asks for us. */
#include "services/cli/fhir_facts.h"

#include "common/core/slice.h"

#include <string.h>

#define SNOMED          "http://snomed.info/sct"
#define CASE_MANAGEMENT "386230005" /* SNOMED CT: the request that is a referral to us */

static void add_related(
    struct facts *facts, const struct node *holder, const char *name, const char *relationship, Casebus__Role role)
{
    struct reader *r = facts->r;
    Intake__PatientFacts *patient = facts->patient;
    if (name == NULL) {
        return;
    }
    char *kept = keep_text(r, name, TEXT_POINTS);
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
    person->relationship = keep_text(r, relationship, WORD_POINTS);
    person->has_role = true;
    person->role = role;
    if (holder != NULL) {
        person->n_contacts = fhir_read_contacts(facts, holder, &person->contacts);
        person->language = role == CASEBUS__ROLE__ROLE_REPRESENTATIVE ? fhir_read_language(facts, holder) : NULL;
    }
    patient->related[patient->n_related++] = person;
}

static const char *relationship_of(struct facts *facts, const struct node *holder)
{
    struct node list = node_get(facts->r, holder, "relationship"), first = node_item(facts->r, &list, 0);
    return fhir_words_of(facts, &first);
}

bool fhir_read_related_person(struct facts *facts, const struct node *resource)
{
    size_t before = facts->patient->n_related;
    struct node active = node_get(facts->r, resource, "active");
    if (!node_is_there(&active) || node_is_true(facts->r, &active)) {
        add_related(facts, resource, fhir_name_of(facts, resource), relationship_of(facts, resource),
            CASEBUS__ROLE__ROLE_REPRESENTATIVE);
    }
    return facts->patient->n_related > before;
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
    add_related(facts, &resource, fhir_name_under(facts, team, &member), fhir_words_of(facts, &role),
        CASEBUS__ROLE__ROLE_PROVIDER);
}

bool fhir_read_care_team(struct facts *facts, const struct node *resource)
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

void fhir_finish_people(struct facts *facts, const struct node *patient)
{
    struct node list = node_get(facts->r, patient, "contact");
    size_t count = node_count(facts->r, &list);
    for (size_t i = 0; i < count; i++) {
        struct node item = node_item(facts->r, &list, i);
        add_related(facts, &item, fhir_name_of(facts, &item), relationship_of(facts, &item),
            CASEBUS__ROLE__ROLE_REPRESENTATIVE);
    }
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

bool fhir_read_request(struct facts *facts, const struct node *resource)
{
    struct reader *r = facts->r;
    if (facts->referral->reason != NULL || !asks_for_case_management(facts, resource)) {
        return false;
    }
    struct node reasons = node_get(r, resource, "reasonCode"), reason = node_item(r, &reasons, 0);
    struct node requester = node_get(r, resource, "requester");
    Casebus__Priority priority = priority_of(node_text_of(r, resource, "priority"));
    struct said_time authored;
    facts->referral->reason = keep_text(r, fhir_words_of(facts, &reason), REASON_POINTS);
    facts->referral->requester = keep_text(r, fhir_name_under(facts, resource, &requester), TEXT_POINTS);
    facts->referral->has_priority = priority != CASEBUS__PRIORITY__PRIORITY_UNSPECIFIED;
    facts->referral->priority = priority;
    if (node_time_of(r, resource, "authoredOn", TENSE_PAST, &authored)) {
        facts->referral->has_referred_at_ms = true;
        facts->referral->referred_at_ms = authored.at_ms;
    }
    return true;
}
