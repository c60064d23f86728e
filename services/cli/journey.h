/* A journey: a patient carried through every service, from a bundle to a told patient, by the same commands that people send.
 *
 * What a person would answer (consent, agreement, preference, questionnaire) is answered by a simulated person and marked so in
 * every record; so a journey is refused outside tenants marked synthetic. Every command id is made of the bundle's hash and the
 * stage, so that the same bundle again is the same journey, with no second effect. */
#ifndef CLI_JOURNEY_H
#define CLI_JOURNEY_H

#include "services/cli/cli.h"
#include "services/cli/fhir.h"

enum stage_end {
    STAGE_NEXT,
    STAGE_ENDED, /* The end that is right for this patient: `end` says it. */
    STAGE_BROKE, /* Something did not work: `told` says what. */
};

struct journey {
    struct cli *cli;
    const char *path;
    struct fhir_import import;
    uint32_t patience_ms;    /* for one answer or event */
    const char *hash;        /* of the bundle */
    const char *referral_id;
    const char *case_id;
    struct history history;
    const char *told;        /* the stage's sentence */
    const char *end;         /* enrolled, dead, child, no-need, directory, duplicate, ... */
    const char *programme;
    const char *nurse_id;    /* the case manager, once there is one */
    const char *state;       /* where the patient is */
    int exit_status;         /* of what broke */
};

/* A stage of the table. */
struct stage {
    const char *name;
    enum stage_end (*run)(struct journey *j);
};
extern const struct stage STAGES[];
extern const size_t STAGE_COUNT;

#endif
