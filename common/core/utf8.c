#include "common/core/utf8.h"

#include "common/core/must.h"

#include <string.h>

/* The size a first byte announces, the smallest code point that needs it, and the bits the first byte carries. */
struct lead {
    uint8_t mask;
    uint8_t pattern;
    uint8_t size;
    uint32_t smallest;
};

static const struct lead LEADS[] = {
    {0x80, 0x00, 1, 0x0},
    {0xe0, 0xc0, 2, 0x80},
    {0xf0, 0xe0, 3, 0x800},
    {0xf8, 0xf0, 4, 0x10000},
};

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* The size of the code point that begins here; 0 when it is cut short, overlong, a surrogate or none at all. */
static size_t decode(const uint8_t *at, size_t left, uint32_t *out)
{
    for (size_t i = 0; left > 0 && i < ARRAY_LENGTH(LEADS); i++) {
        const struct lead *lead = &LEADS[i];
        if ((at[0] & lead->mask) != lead->pattern) {
            continue;
        }
        if (left < lead->size) {
            return 0;
        }
        uint32_t point = at[0] & (uint8_t)~lead->mask;
        for (size_t j = 1; j < lead->size; j++) {
            if (!is_continuation(at[j])) {
                return 0;
            }
            point = point << 6 | (at[j] & 0x3f);
        }
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        if (point < lead->smallest || point > 0x10ffff || surrogate) {
            return 0;
        }
        *out = point;
        return lead->size;
    }
    return 0;
}

/* How many of the bytes are ASCII from the start on, eight at a time: nearly all text is. */
static size_t ascii_run(const uint8_t *at, size_t size)
{
    size_t run = 0;
    uint64_t word;
    while (size - run >= sizeof word) {
        memcpy(&word, at + run, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) {
            break;
        }
        run += sizeof word;
    }
    while (run < size && at[run] < 0x80) {
        run++;
    }
    return run;
}

bool utf8_is_valid(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    size_t done = size > 0 ? ascii_run(at, size) : 0;
    while (done < size) {
        uint32_t point;
        size_t step = decode(at + done, size - done, &point);
        if (step == 0) {
            return false;
        }
        done += step;
        done += ascii_run(at + done, size - done);
    }
    return true;
}

bool utf8_has_nul(const void *bytes, size_t size)
{
    return size > 0 && memchr(bytes, '\0', size) != NULL;
}

size_t utf8_length(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        length += !is_continuation(at[i]);
    }
    return length;
}

size_t utf8_cut(const void *bytes, size_t size, size_t max)
{
    if (size <= max) {
        return size;
    }
    const uint8_t *at = bytes;
    size_t cut = max;
    while (cut > 0 && is_continuation(at[cut])) {
        cut--;
    }
    return cut;
}

bool utf8_next(const char **at, const char *end, uint32_t *out)
{
    size_t step = decode((const uint8_t *)*at, (size_t)(end - *at), out);
    *at += step;
    return step > 0;
}

size_t utf8_put(char out[static UTF8_SIZE_MAX], uint32_t code_point)
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        out[0] = (char)(0xc0 | code_point >> 6);
        out[1] = (char)(0x80 | (code_point & 0x3f));
        return 2;
    }
    if (code_point < 0x10000) {
        out[0] = (char)(0xe0 | code_point >> 12);
        out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code_point & 0x3f));
        return 3;
    }
    MUST(code_point <= 0x10ffff);
    out[0] = (char)(0xf0 | code_point >> 18);
    out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code_point & 0x3f));
    return 4;
}
