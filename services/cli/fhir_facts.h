/* The parts of a bundle that become facts. Each reads the resources of its kind, puts what stays into the message, and
 * says whether an entry left something there. */
#ifndef CLI_FHIR_FACTS_H
#define CLI_FHIR_FACTS_H

#include "services/cli/fhir.h"
#include "services/cli/fhir_read.h"
#include "services/cli/fhir_refs.h"

/* Ceilings of the message's lists. */
#define CONDITIONS_MAX  512
#define ENCOUNTERS_MAX  256
#define COVERAGES_MAX   16
#define RELATED_MAX     16
#define CONTACTS_MAX    16
#define IDENTIFIERS_MAX 32
#define MEASURES_MAX    128

/* Ceilings of texts, in code points. */
#define NAME_POINTS   100
#define WORD_POINTS   64
#define VALUE_POINTS  128
#define TEXT_POINTS   256
#define REASON_POINTS 2000

#define STAYS_READ_MAX 4096 /* stays and emergency visits of a whole life, before those too old go */

/* The latest value of a measure. */
struct measured {
    bool known;
    int64_t at_ms;
    int64_t milli;
    const char *unit;             /* of the tree */
    struct json_object *resource; /* that said it */
};

struct facts {
    struct reader *r;
    const struct fhir_reference *reference;
    struct refs refs;
    struct json_object *subject; /* the one patient */
    Intake__ReceiveReferral *referral;
    Intake__PatientFacts *patient;

    struct said_time as_of; /* the latest clinical fact so far; precision 0: none yet */

    Intake__Encounter **encounters; /* of all times; those too old go when the as-of day is known */
    size_t n_encounters;
    struct measured *measured; /* one a measure */

    const char **medicines; /* codes of active ones, one a prescription */
    size_t n_medicines;

    size_t claim_entry; /* of the latest claim or explanation of benefit, for its insurance; SIZE_MAX: none */
    int64_t claim_at_ms;
    bool claim_is_explanation;
};

/* fhir_person.c */
void fhir_read_patient(struct facts *facts, const struct node *patient);

/* fhir_people.c */
bool fhir_read_related_person(struct facts *facts, const struct node *resource);
bool fhir_read_care_team(struct facts *facts, const struct node *resource);
bool fhir_read_request(struct facts *facts, const struct node *resource);
void fhir_finish_people(
    struct facts *facts, const struct node *patient); /* contacts of the patient who are nobody else */

/* fhir_names.c */

/* The item of a list with this use, else the first that is not old, else an absent one. */
struct node fhir_choose(struct facts *facts, const struct node *list, const char *use);
bool fhir_is_old(struct facts *facts, const struct node *item);

/* All texts of a list in one, in the scratch; NULL when there are none. */
const char *fhir_joined(struct facts *facts, const struct node *list, const char *between);

/* What a person or organisation is called, and what is under a Reference of `resource`: its display, else the name of
 * what it leads to. NULL: nothing is said. */
const char *fhir_name_of(struct facts *facts, const struct node *resource);
const char *fhir_name_under(struct facts *facts, const struct node *resource, const struct node *reference);

size_t fhir_read_contacts(struct facts *facts, const struct node *holder, Casebus__ContactPoint ***out);

/* The preferred language, else the first. */
char *fhir_read_language(struct facts *facts, const struct node *holder);

/* fhir_clinic.c */
bool fhir_read_condition(struct facts *facts, const struct node *resource);
bool fhir_read_encounter(struct facts *facts, const struct node *resource);
void fhir_finish_clinic(struct facts *facts);

/* fhir_measures.c */
bool fhir_read_observation(struct facts *facts, const struct node *resource);
bool fhir_read_medication(struct facts *facts, const struct node *resource);
void fhir_finish_measures(struct facts *facts);

/* fhir_cover.c */
bool fhir_read_coverage(struct facts *facts, const struct node *resource);
bool fhir_read_claim(struct facts *facts, const struct node *resource, size_t entry);
void fhir_finish_cover(struct facts *facts, const struct node *entries);

/* Moves the as-of time on, unless it is later already. */
void fhir_learn_as_of(struct facts *facts, const struct said_time *said);

/* The first coding of a CodeableConcept that holds for a map of the reference, else its first one, else its text under
 * the code "uncoded". NULL when it says nothing at all. */
Casebus__Coding *fhir_keep_code(
    struct facts *facts, const struct node *concept, const Casebus__CodeMap *const *maps, size_t n_maps, bool *mapped);

/* The map's entry for a code: by longest prefix where the map says so. NULL: the map does not know it. */
const Casebus__CodeMapEntry *code_map_find(const Casebus__CodeMap *map, const char *system, const char *code);

/* A word of a Coding or CodeableConcept for people: its text, else the first display. */
const char *fhir_words_of(struct facts *facts, const struct node *concept);

/* A word of a code system and what it means to us; tables end with a NULL word. */
struct fhir_word {
    const char *word;
    int value;
};
int fhir_word_value(const struct fhir_word *words, const char *word, int otherwise);

/* The code of the first coding. */
const char *fhir_first_code(struct facts *facts, const struct node *concept);

#endif
