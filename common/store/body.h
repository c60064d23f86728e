/* What the store seals under a tenant's store key, and opens again: states of aggregates, and the first reply to a
 * command. Internal to the store. */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include "common/core/arena.h"
#include "common/core/fault.h"
#include "common/store/load.h"
#include "common/store/seal.h"

#include <stdbool.h>
#include <stdint.h>

struct seal_about about_state(
    struct arena *arena, const char *service, const char *kind, const char *tenant, const char *id, uint64_t version);
struct seal_about about_reply(const char *tenant, const char *command_id);

/* Seals into the arena. */
struct bytes body_seal(const struct key *key, const struct seal_about *about, struct bytes clear, struct arena *arena);

/* Opens into the arena. INTERNAL when it is no seal or was altered, UNAVAILABLE when there is no key of its epoch here.
 */
enum fault body_open(const struct keys *keys, const struct seal_about *about, struct bytes sealed, struct arena *arena,
    struct bytes *out, struct why *why);

/* The idempotency record of a command: fingerprint (16), sequence u64, sealed reply. */
enum {
    REMEMBERED_HEAD_SIZE = FINGERPRINT_SIZE + 8,
};

struct remembered {
    uint8_t fingerprint[FINGERPRINT_SIZE];
    uint64_t sequence;
    struct bytes reply; /* clear */
};

enum fault remembered_open(const struct keys *keys, const char *tenant, const char *command_id, struct bytes stored,
    struct arena *arena, struct remembered *out, struct why *why);

#endif
