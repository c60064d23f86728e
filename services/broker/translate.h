/* What crosses the edge: a sealed task becomes a clear one for the insurer, its clear answer a sealed one for the network.
 *
 * No byte is relayed. Envelope and body are unpacked, checked against the contract and packed anew, in both directions. The
 * entry that names a task carries a proof under the lane's key, so that an insurer can only answer what it was asked. */
#ifndef BROKER_TRANSLATE_H
#define BROKER_TRANSLATE_H

#include "common/core/arena.h"
#include "common/core/fault.h"
#include "common/store/bytes.h"
#include "common/store/keys.h"
#include "proto/envelope.pb-c.h"

struct crossed {
    struct bytes envelope, body; /* in the arena */
};

/* The task for the insurer. INVALID or UNAVAILABLE (no lane key) with the reason; it stays in its lane then. */
enum fault translate_task(struct keys *keys, struct bytes envelope, struct bytes body, struct arena *arena,
    struct crossed *out, struct why *why);

/* The answer for the network, from an insurer that takes `lanes`. FORBIDDEN for a task that it was never given, INVALID when
 * it breaks the contract. */
enum fault translate_answer(struct keys *keys, const char *const *lanes, size_t lane_count, struct bytes envelope,
    struct bytes body, struct arena *arena, struct crossed *out, struct why *why);

/* Why the network refused an answer: the sentence that its service sealed with the key of the task's lane, or what a broker said.
 * NULL when there is none that opens. */
const char *translate_why(struct keys *keys, const Casebus__Outcome *outcome, struct arena *arena);

/* `pattern` may end in `*`. */
bool lane_matches(const char *pattern, const char *lane);

#endif
