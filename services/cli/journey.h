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
    uint32_t patience_ms; /* for one answer or event */
    const char *hash;     /* of the bundle */
    const char *referral_id;
    const char *case_id;
    struct history history;
    const char *told; /* the stage's sentence */
    const char *end;  /* enrolled, dead, child, no-need, directory, duplicate, ... */
    const char *programme;
    const char *nurse_id; /* the case manager, once there is one */
    const char *state;    /* where the patient is */
    int exit_status;      /* of what broke */
};

/* A stage of the table. */
struct stage {
    const char *name;
    enum stage_end (*run)(struct journey *j);
};
extern const struct stage STAGES[];
extern const size_t STAGE_COUNT;

/* ---- journey_steps.c: what every stage does ---- */

enum { LOOK_EVERY_MS = 15 };

/* Who plays whom. */
struct player {
    Casebus__Role role;
    const char *id;
};
extern const struct player NURSE, PATIENT, SCHEDULER, BILLER;

/* Text in the arena of the process. */
char *journey_print(struct journey *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says what broke. Always STAGE_BROKE. */
enum stage_end journey_broke(struct journey *j, int exit_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Sends as that player, marked as simulated. A step names a command id of its own, the same whenever the same bundle comes; NULL for
 * questions. journey_send() takes the message as JSON. */
enum fault journey_send_message(struct journey *j, struct player player, const char *step, const char *subject,
    const ProtobufCMessage *body, struct answered *out);
enum fault journey_send(struct journey *j, struct player player, const char *step, const char *subject,
    const char *json, struct answered *out);

/* Sends a step that must succeed. False after saying what broke. */
bool journey_sent(struct journey *j, struct player player, const char *step, const char *subject, const char *json);

/* Reads what happens to the case until the test holds; false after saying that `what` did not come. */
typedef bool journey_test(const struct journey *j, void *context);
bool journey_wait(struct journey *j, const char *what, journey_test *is_there, void *context);

/* The first event of any of the subjects (a NULL-ended list); NULL after saying what broke. */
const struct happened *journey_wait_for(struct journey *j, const char *const *subjects);
#define WAIT_FOR(j, ...) journey_wait_for((j), (const char *const[]){__VA_ARGS__, NULL})

/* A text field of the event, empty when it is not set. */
const char *event_text(const struct happened *h, const char *field);

/* ---- journey_claims.c ---- */

enum stage_end stage_coverage(struct journey *j);
enum stage_end stage_authorization(struct journey *j);
enum stage_end stage_claim(struct journey *j);

#endif
