/* Bodies on their way: what each is bound to, and under which key. For services, the command line and the edge.
 *
 *     kind     of                                        key             id, part
 *     command  CMD, also those that a service tells      tenant's bus    id of the command, its subject
 *     reply    REP                                       tenant's bus    the same
 *     query    QRY                                       tenant's bus    id of the question, its subject
 *     answer   QRS                                       tenant's bus    the same
 *     task     TASK                                      lane            id of the task, its subject
 *     decided  ANSWER                                    lane            id of the task, the answer's subject
 *     refusal  why a REP or QRS refuses: the Outcome's    as the reply    the same; of an ANSWER: the task's id, nothing
 *
 * A lane's key is that of the payer (`payer/<tenant>/<payer>`), or of the name `channel.<channel>`
 * (`channel/<tenant>/<channel>`). */
#ifndef CASEBUS_SERVICE_SEALING_H
#define CASEBUS_SERVICE_SEALING_H

#include "common/core/arena.h"
#include "common/store/bytes.h"
#include "common/store/keys.h"
#include "proto/envelope.pb-c.h"

struct sealing {
    const char *tenant;
    const char *kind;
    const char *id;
    const char *subject;
    const char *lane; /* NULL: the tenant's bus key */
};

/* NULL bytes when the ring has no key for it. */
struct bytes sealing_seal(struct keys *keys, const struct sealing *about, struct bytes clear, struct arena *arena);
/* False when the ring has no key for it, or the body was altered or is about something else. */
bool sealing_open(
    struct keys *keys, const struct sealing *about, struct bytes sealed, struct arena *arena, struct bytes *out);

/* Proves that a service of this installation made the envelope of a command that it tells: a keyed hash under the
 * tenant's store key, which no client and no broker has. Stands in `actor_signature`. */
#define SYSTEM_PROOF_SIZE 16
bool system_prove(const struct keys *keys, const Casebus__Envelope *envelope, uint8_t out[SYSTEM_PROOF_SIZE]);
bool system_proven(const struct keys *keys, const Casebus__Envelope *envelope);

#endif
