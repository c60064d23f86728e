#include "services/broker/peek.h"

#include <string.h>

#include "common/core/must.h"

/* Places of the fields of casebus.v1.Envelope. */
static const struct {
    uint32_t field;
    size_t place;
} PEEKED[] = {
    {1, offsetof(struct peek, id)},
    {2, offsetof(struct peek, subject)},
    {3, offsetof(struct peek, tenant)},
    {4, offsetof(struct peek, root)},
    {16, offsetof(struct peek, lane)},
    {17, offsetof(struct peek, entry)},
    {25, offsetof(struct peek, asker)},
};

static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool skip(const uint8_t **at, const uint8_t *end, size_t size)
{
    if ((size_t)(end - *at) < size) {
        return false;
    }
    *at += size;
    return true;
}

static void keep(struct peek *peek, uint64_t field, const uint8_t *at, size_t size)
{
    for (size_t i = 0; i < ARRAY_LENGTH(PEEKED); i++) {
        if (PEEKED[i].field == field) {
            *(struct peeked *)((char *)peek + PEEKED[i].place) = (struct peeked){(const char *)at, size};
        }
    }
}

bool peek_envelope(const uint8_t *bytes, size_t size, struct peek *out)
{
    *out = (struct peek){0};
    const uint8_t *at = bytes, *end = bytes + size;
    while (at < end) {
        uint64_t key, value;
        if (!take_varint(&at, end, &key)) {
            return false;
        }
        switch (key & 7) {
        case 0:
            if (!take_varint(&at, end, &value)) {
                return false;
            }
            break;
        case 1:
            if (!skip(&at, end, 8)) {
                return false;
            }
            break;
        case 2: {
            const uint8_t *part;
            if (!take_varint(&at, end, &value) || value > (uint64_t)(end - at)) {
                return false;
            }
            part = at;
            at += value;
            keep(out, key >> 3, part, value);
            break;
        }
        case 5:
            if (!skip(&at, end, 4)) {
                return false;
            }
            break;
        default:
            return false;
        }
    }
    return true;
}

struct peeked peek_prefix(struct peeked subject)
{
    for (size_t i = subject.size; i > 0; i--) {
        if (subject.at[i - 1] == '.') {
            return (struct peeked){subject.at, i - 1};
        }
    }
    return (struct peeked){0};
}
