/* A sealed body: XChaCha20-Poly1305 with what it belongs to as associated data, so that a body moved to another tenant,
 * kind, id, version or part does not open.
 *
 *     algorithm u8 (1)   key epoch u32 big endian   nonce (24)   ciphertext   tag (16)
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/fault.h"
#include "common/store/bytes.h"
#include "common/store/keys.h"

enum {
    SEAL_OVERHEAD = 1 + 4 + 24 + 16, /* bytes added to the clear body */
    SEAL_ABOUT_MAX = 1024,           /* bytes of associated data */
};

/* What a sealed body belongs to. No field may be NULL. */
struct seal_about {
    const char *tenant;
    const char *kind; /* of an aggregate `<service>:<kind>`; else `record`, `reply`, `command`, `task`, ... */
    const char *id;
    uint64_t version;
    const char *part; /* `state`, `events`, `body`, ... */
};

static inline size_t sealed_size(size_t clear_size)
{
    return clear_size + SEAL_OVERHEAD;
}

/* Writes sealed_size(clear.size) bytes to `out`, which may not overlap `clear`. */
void seal(const struct key *key, const struct seal_about *about, struct bytes clear, uint8_t *out);

/* Opens into `out`, room for sealed.size - SEAL_OVERHEAD bytes. False when it is too short, of another algorithm or
 * epoch, altered, or about something else. */
bool seal_open(const struct key *key, const struct seal_about *about, struct bytes sealed, uint8_t *out);

/* The epoch of the key that opens it; false when these bytes are no seal. */
bool seal_epoch(struct bytes sealed, uint32_t *out);

#endif
