#include "common/core/text.h"

#include "common/core/hex.h"
#include "common/core/must.h"
#include "common/core/utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 64

void text_init(struct text *text, size_t ceiling_bytes)
{
    *text = (struct text){.at = malloc(FIRST_BYTES), .capacity = FIRST_BYTES, .ceiling_bytes = ceiling_bytes};
    MUST(text->at != NULL);
    text->at[0] = '\0';
}

void text_done(struct text *text)
{
    free(text->at);
    *text = (struct text){0};
}

static void cut_to(struct text *text, size_t size)
{
    text->size = size;
    text->at[size] = '\0';
}

void text_reset(struct text *text)
{
    cut_to(text, 0);
    text->overflowed = false;
}

char *text_take(struct text *text)
{
    char *bytes = text->at;
    text_init(text, text->ceiling_bytes);
    return bytes;
}

struct slice text_slice(const struct text *text)
{
    return (struct slice){text->at, text->size};
}

/* Makes room for `size` bytes and the NUL. False, and the text overflowed, at the ceiling. */
static bool make_room(struct text *text, size_t size)
{
    if (text->overflowed || size > text->ceiling_bytes - text->size) {
        text->overflowed = true;
        return false;
    }
    size_t wanted = text->size + size + 1;
    if (wanted > text->capacity) {
        size_t doubled = 2 * text->capacity;
        text->capacity = wanted > doubled ? wanted : doubled;
        text->at = realloc(text->at, text->capacity);
        MUST(text->at != NULL);
    }
    return true;
}

void text_add_bytes(struct text *text, const void *bytes, size_t size)
{
    if (size > 0 && make_room(text, size)) {
        memcpy(text->at + text->size, bytes, size);
        cut_to(text, text->size + size);
    }
}

void text_add_slice(struct text *text, struct slice piece)
{
    text_add_bytes(text, piece.at, piece.size);
}

void text_add(struct text *text, const char *piece)
{
    text_add_slice(text, slice_of(piece));
}

void text_add_char(struct text *text, char c)
{
    text_add_bytes(text, &c, 1);
}

void text_add_int(struct text *text, int64_t value)
{
    text_addf(text, "%" PRId64, value);
}

void text_add_hex(struct text *text, const void *bytes, size_t size)
{
    if (make_room(text, 2 * size)) {
        hex_encode(text->at + text->size, bytes, size);
        text->size += 2 * size;
    }
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    MUST(size >= 0);
    if (make_room(text, (size_t)size)) {
        va_start(args, format);
        vsnprintf(text->at + text->size, (size_t)size + 1, format, args);
        va_end(args);
        text->size += (size_t)size;
    }
}

/* Printable ASCII that cannot be taken for the syntax of the line. */
static bool is_plain(const char *value)
{
    for (const char *at = value; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~' || *at == '"' || *at == '=' || *at == '\\') {
            return false;
        }
    }
    return *value != '\0';
}

static void add_escaped(struct text *text, const char *at, size_t size, uint32_t point)
{
    if (point == '"' || point == '\\') {
        text_addf(text, "\\%c", (char)point);
    } else if (point == '\n') {
        text_add(text, "\\n");
    } else if (point < ' ' || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029) {
        text_addf(text, "\\u%04x", point);
    } else {
        text_add_bytes(text, at, size);
    }
}

static void add_quoted(struct text *text, const char *value)
{
    const char *end = value + strlen(value);
    text_add_char(text, '"');
    while (value < end) {
        const char *at = value;
        uint32_t point;
        if (utf8_next(&value, end, &point)) {
            add_escaped(text, at, (size_t)(value - at), point);
        } else {
            text_addf(text, "\\x%02x", (uint8_t)*value++);
        }
    }
    text_add_char(text, '"');
}

void text_add_field(struct text *text, const char *key, const char *value)
{
    size_t before = text->size;
    text_addf(text, "%s%s=", before > 0 ? " " : "", key);
    if (value != NULL && is_plain(value)) {
        text_add(text, value);
    } else {
        add_quoted(text, value == NULL ? "" : value);
    }
    if (text->overflowed) {
        cut_to(text, before);
    }
}

void text_add_field_int(struct text *text, const char *key, int64_t value)
{
    text_addf(text, "%s%s=%" PRId64, text->size > 0 ? " " : "", key, value);
}
