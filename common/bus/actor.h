/* Who really asks: the originating actor of a command, signed by the program where that person stands (command line,
 * gateway) with Ed25519. A broker or a service in between can neither change nor invent it.
 *
 * Signed are, each with its length before it, little endian, after the words "casebus actor 1": tenant, actor id, role,
 * simulated, command or query id, subject, issued_at_ms, expires_at_ms. The body is bound through the command id, which
 * its seal names. Keys are files of one line: "casebus-actor-secret-1 <base64>" (mode 0400), "casebus-actor-public-1
 * <base64>". */
#ifndef BUS_ACTOR_H
#define BUS_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/fault.h"
#include "proto/envelope.pb-c.h"

#define ACTOR_SIGNATURE   64
#define ACTOR_LIFE_MAX_MS (15 * 60 * 1000) /* between issued and expires */
#define ACTOR_SKEW_MS     (30 * 1000)      /* by which the signer's clock may be ahead */
#define ACTOR_TRUST_MAX   16               /* signers that a service trusts at a time */

struct actor_key {
    uint8_t secret[64];
};

/* Public keys of the signers one trusts. Zeroed memory trusts nobody. */
struct actor_trust {
    unsigned count;
    uint8_t keys[ACTOR_TRUST_MAX][32];
};

enum actor_verdict {
    ACTOR_GENUINE,
    ACTOR_UNSIGNED, /* no signature, or a signed field is missing */
    ACTOR_FORGED,   /* no trusted signer made this signature over these fields */
    ACTOR_EXPIRED,
    ACTOR_EARLY,   /* issued in the future, by more than ACTOR_SKEW_MS */
    ACTOR_LASTING, /* would be valid for longer than ACTOR_LIFE_MAX_MS */
};

/* Makes a pair of key files. REFUSED when one of them is there; UNAVAILABLE when it could not be written. */
enum fault actor_key_make(const char *secret_path, const char *public_path, struct why *why);

/* Loads a secret key. REFUSED when others than its owner may read the file, or when it is not a key. */
enum fault actor_key_load(const char *secret_path, struct why *why, struct actor_key *out);
void actor_key_wipe(struct actor_key *key);

/* Adds the public key in the file to those trusted. REFUSED when it is not a public key, or one too many. */
enum fault actor_trust_load(struct actor_trust *trust, const char *public_path, struct why *why);

/* Signs the actor fields of an envelope that is otherwise complete. The envelope lends `signature` from now on.
 * False when a signed field is missing, or would be valid for too long. */
bool actor_sign(const struct actor_key *key, Casebus__Envelope *envelope, uint8_t signature[ACTOR_SIGNATURE]);

enum actor_verdict actor_verify(const struct actor_trust *trust, const Casebus__Envelope *envelope, int64_t now_ms);

/* "is genuine", "is not signed", ...: completes the sentence "the actor ...". */
const char *actor_verdict_text(enum actor_verdict verdict);

#endif
