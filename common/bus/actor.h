/* Who really asks: the originating actor of a command, signed by the program where that person stands (command line,
 * gateway) with Ed25519. A broker or a service in between can neither change nor invent it.
 *
 * Of each envelope a leaf is made: BLAKE2b-256 over the words "casebus actor 1" and, each with its length before it,
 * little endian, tenant, actor id, role, simulated, command or query id, subject, issued_at_ms, expires_at_ms. The body
 * is bound through the command id, which its seal names. Commands that leave together are signed together: their leaves
 * make a tree (actor_tree.h), the signature is over its root, and each envelope carries the path from its leaf. A tree
 * of one leaf has no path. So a signature and its check, 50 us of CPU together, are spent once for a bundle of
 * commands, and still nobody but the signer can have made any one of them.
 *
 * Keys are files of one line: "casebus-actor-secret-1 <base64>" (mode 0400), "casebus-actor-public-1 <base64>". */
#ifndef BUS_ACTOR_H
#define BUS_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/actor_tree.h"
#include "common/core/fault.h"
#include "proto/envelope.pb-c.h"

#define ACTOR_SIGNATURE   64
#define ACTOR_LIFE_MAX_MS (15 * 60 * 1000) /* between issued and expires */
#define ACTOR_SKEW_MS     (30 * 1000)      /* by which the signer's clock may be ahead */
#define ACTOR_TRUST_MAX   16               /* signers that a service trusts at a time */
#define ACTOR_ROOTS_KEPT  256              /* roots whose signature a service has checked and remembers */

struct actor_key {
    uint8_t secret[64];
};

/* Roots that were found to be signed by somebody trusted, so that the rest of a bundle need not be checked again.
 * Zeroed memory remembers nothing. */
struct actor_memory {
    struct actor_hash roots[ACTOR_ROOTS_KEPT];
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

/* The leaf of an envelope that is otherwise complete. False when a signed field is missing, or would be valid for too
 * long. */
bool actor_leaf(const Casebus__Envelope *envelope, struct actor_hash *out);

/* What an envelope says of its signature. */
struct actor_proof {
    uint8_t signature[ACTOR_SIGNATURE];
    struct actor_hash path[ACTOR_PATH_MAX];
    unsigned path_count;
    uint32_t place;
};

/* Signs 1..ACTOR_LEAVES_MAX leaves with one signature; fills in a proof for each. */
void actor_sign_leaves(
    const struct actor_key *key, const struct actor_hash *leaves, unsigned count, struct actor_proof *proofs);

/* Puts the proof into the envelope, which lends it from now on. */
void actor_prove(Casebus__Envelope *envelope, const struct actor_proof *proof);

/* The three in one, for an envelope that is signed alone. False as actor_leaf(). */
bool actor_sign(const struct actor_key *key, Casebus__Envelope *envelope, struct actor_proof *proof);

/* `memory` may be NULL: then every signature is checked. */
enum actor_verdict actor_verify(
    const struct actor_trust *trust, struct actor_memory *memory, const Casebus__Envelope *envelope, int64_t now_ms);

/* "is genuine", "is not signed", ...: completes the sentence "the actor ...". */
const char *actor_verdict_text(enum actor_verdict verdict);

#endif
