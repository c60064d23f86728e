/* A FHIR R4 bundle as a referral.
 *
 * Reads one transaction, searchset or collection bundle and gathers the facts of its one patient, each with its own
 * time, into the message that opens a case. It decides nothing: whether a condition matters, a stay is recent or a
 * person is a child is intake's to say. What the message has no place for is left in the bundle and counted.
 *
 * References are followed inside the bundle only: fullUrl, Type/id, Type?identifier=system|value, #contained. One that
 * leads out of it is no error, except where it says whose fact this is.
 *
 * Refused with one sentence that names the place (`entry[12].resource.onsetDateTime`): text that is not strict JSON, a
 * resource that is not a bundle, one page of a longer search, several patients, facts of another patient, a patient
 * without birth date, days that do not exist or lie in the future, values of the wrong type, more than the ceilings
 * below. */
#ifndef CLI_FHIR_H
#define CLI_FHIR_H

#include "common/core/arena.h"
#include "common/core/fault.h"
#include "common/core/slice.h"
#include "proto/intake.pb-c.h"

#include <stddef.h>
#include <stdint.h>

#define FHIR_BYTES_MAX   ((size_t)64 << 20)
#define FHIR_DEPTH_MAX   32
#define FHIR_VALUES_MAX  (3u << 20) /* values of the whole text: keeps a hostile one from filling memory */
#define FHIR_ENTRIES_MAX ((size_t)100 << 10)
#define FHIR_MONTHS_BACK 24 /* inpatient and emergency encounters are kept that far before the as-of day */
#define FHIR_ODD_MAX     16

/* What the importer must know of the trade; borrowed. */
struct fhir_reference {
    const Casebus__CodeMap *measures;          /* the observations to keep */
    const Casebus__CodeMap *const *conditions; /* the maps that tell reviewed codes from others */
    size_t n_conditions;
};

enum fhir_kind {
    FHIR_PATIENT,
    FHIR_DIRECTORY, /* no patient: practitioners, organisations and the like */
};

/* What became of the bundle, in numbers. */
struct fhir_tally {
    size_t entries;
    size_t used;                         /* entries that left something in the message */
    size_t ignored;                      /* entries of kinds, states or times that the message has no place for */
    size_t unresolved;                   /* references that lead out of the bundle */
    size_t conditions, active, unmapped; /* `unmapped` are active ones that no map knows */
    size_t inpatient, emergency;         /* kept ones */
    size_t observations;                 /* kept ones */
    size_t practitioners, organizations, places;
};

struct fhir_import {
    enum fhir_kind kind;
    Intake__ReceiveReferral *referral; /* NULL of a directory; lives in the arena; its ids are the caller's to set */
    struct fhir_tally tally;
    const char *odd[FHIR_ODD_MAX]; /* what was left out though somebody meant something by it, one sentence each */
    size_t n_odd;
    size_t n_odd_more; /* sentences that found no room */
};

/* Reads the bundle. `now_ms` is the moment of the import: no fact may be later.
 *
 * INVALID as above; `out` is then untouched. */
enum fault fhir_import(struct slice text, const struct fhir_reference *reference, int64_t now_ms, struct arena *arena,
    struct fhir_import *out, struct why *why);

/* Reads the file, then the bundle. A file above FHIR_BYTES_MAX is refused before it is read. `why` does not name it.
 *
 * NOT_FOUND when it cannot be opened, INVALID as above. */
enum fault fhir_import_file(const char *path, const struct fhir_reference *reference, int64_t now_ms,
    struct arena *arena, struct fhir_import *out, struct why *why);

#endif
