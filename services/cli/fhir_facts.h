/* The parts of a bundle that become facts. Each reads the resources of its kind, puts what stays into the message, and says
 * whether an entry left something there. */
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
#define IDENTIFIERS_KEPT_MAX 32
#define MEASURES_MAX    128

/* The latest value of a measure. */
struct measured {
    bool known;
    int64_t at_ms;
    int64_t milli;
    const char *unit; /* of the tree */
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

    const char **medicines; /* codes of active ones, each once */
    size_t n_medicines;

    size_t n_explicit_coverages; /* from Coverage resources: they go before what claims mention */
    size_t claim_entry;          /* of the latest claim or explanation of benefit, for its insurance; SIZE_MAX: none */
    int64_t claim_at_ms;
    bool claim_is_explanation;
};

/* fhir_person.c */
void read_patient(struct facts *facts, const struct node *patient);
bool read_related_person(struct facts *facts, const struct node *resource);
bool read_care_team(struct facts *facts, const struct node *resource);
bool read_request(struct facts *facts, const struct node *resource);
void finish_people(struct facts *facts, const struct node *patient); /* contacts of the patient who are nobody else */

/* fhir_clinic.c */
bool read_condition(struct facts *facts, const struct node *resource);
bool read_encounter(struct facts *facts, const struct node *resource);
bool read_observation(struct facts *facts, const struct node *resource);
bool read_medication(struct facts *facts, const struct node *resource);
void finish_clinic(struct facts *facts);

/* fhir_cover.c */
bool read_coverage(struct facts *facts, const struct node *resource);
bool read_claim(struct facts *facts, const struct node *resource, size_t entry);
void finish_cover(struct facts *facts, const struct node *entries);

/* Moves the as-of time on, unless it is later already. */
void learn_as_of(struct facts *facts, const struct said_time *said);

/* The first coding of a CodeableConcept that holds for a map of the reference, else its first one, else its text under the code
 * "uncoded". NULL when it says nothing at all. */
Casebus__Coding *keep_code(
    struct facts *facts, const struct node *concept, const Casebus__CodeMap *const *maps, size_t n_maps, bool *mapped);

/* The map's entry for a code: by longest prefix where the map says so. NULL: the map does not know it. */
const Casebus__CodeMapEntry *map_find(const Casebus__CodeMap *map, const char *system, const char *code);

/* A word of a Coding or CodeableConcept for people: its text, else the first display. */
const char *words_of(struct facts *facts, const struct node *concept);

/* The code of the first coding. */
const char *first_code(struct facts *facts, const struct node *concept);

#endif
