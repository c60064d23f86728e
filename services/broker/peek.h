/* The few fields of a packed envelope that a broker routes by, lent from its bytes. Nothing is unpacked or copied.
 *
 * The envelope is flat (proto/envelope.proto), so one pass over its fields is enough; the last of a field counts, as in
 * protobuf. */
#ifndef BROKER_PEEK_H
#define BROKER_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peeked {
    const char *at; /* not ended by a NUL; NULL: absent */
    size_t size;
};

struct peek {
    struct peeked id, subject, tenant, root, lane, entry, asker;
};

/* False when the bytes are no well-formed message; `out` is then not to be used. */
bool peek_envelope(const uint8_t *bytes, size_t size, struct peek *out);

/* The service that a subject names: everything before its last dot. Empty when there is none. */
struct peeked peek_prefix(struct peeked subject);

#endif
