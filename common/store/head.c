#include "common/store/head.h"

#include <string.h>

#include "common/core/slice.h"
#include "common/store/big_endian.h"

enum {
    HEAD_FORMAT = 1,
};

void stamp_encode(const struct stamp *stamp, uint8_t out[STAMP_SIZE])
{
    uint8_t *at = put_u64(out, stamp->version);
    memcpy(at, stamp->record_id, RECORD_ID_SIZE);
}

void head_encode(const struct head *head, uint8_t out[HEAD_SIZE])
{
    memset(out, 0, HEAD_SIZE);
    memcpy(out, "CB", 2);
    out[2] = HEAD_FORMAT;
    put_u32(out + 4, head->schema);
    stamp_encode(&head->stamp, out + STAMP_OFFSET);
    put_u32(out + STAMP_OFFSET + STAMP_SIZE, head->key_epoch);
}

bool head_decode(struct bytes blob, struct head *out)
{
    if (blob.size < HEAD_SIZE || memcmp(blob.at, "CB", 2) != 0 || blob.at[2] != HEAD_FORMAT || blob.at[3] != 0 ||
        get_u32(blob.at + STAMP_OFFSET + STAMP_SIZE + 4) != 0) {
        return false;
    }
    out->schema = get_u32(blob.at + 4);
    out->stamp.version = get_u64(blob.at + STAMP_OFFSET);
    memcpy(out->stamp.record_id, blob.at + STAMP_OFFSET + 8, RECORD_ID_SIZE);
    out->key_epoch = get_u32(blob.at + STAMP_OFFSET + STAMP_SIZE);
    return true;
}

static char *put_digits(char *at, uint64_t number)
{
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(at, digits + n, sizeof digits - n);
    return at + sizeof digits - n;
}

size_t stream_id_format(struct stream_id id, char out[STREAM_ID_TEXT_SIZE])
{
    char *at = put_digits(out, id.ms);
    *at++ = '-';
    at = put_digits(at, id.n);
    *at = '\0';
    return (size_t)(at - out);
}

bool stream_id_parse(const char *text, size_t size, struct stream_id *out)
{
    const char *dash = size == 0 ? NULL : memchr(text, '-', size);
    if (dash == NULL) {
        return false;
    }
    struct stream_id id;
    struct slice ms = {text, (size_t)(dash - text)};
    struct slice n = {dash + 1, size - ms.size - 1};
    if (!slice_parse_uint(ms, UINT64_MAX, &id.ms) || !slice_parse_uint(n, UINT64_MAX, &id.n)) {
        return false;
    }
    *out = id;
    return true;
}

int stream_id_compare(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms) {
        return a.ms < b.ms ? -1 : 1;
    }
    return a.n < b.n ? -1 : a.n > b.n;
}
