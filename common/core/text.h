/* A string that grows, up to a ceiling it was given.
 *
 * A piece that does not fit whole is left out and the text is marked `overflowed`, from then on it takes nothing more:
 * a page, line or document is complete or known not to be, never silently short. Always ended by a NUL. The text owns
 * its bytes. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "common/core/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_LINE_BYTES (4u << 10) /* ceiling of a line of a log       */
#define TEXT_PAGE_BYTES (4u << 20) /* ceiling of a page or a document  */

struct text {
    char *at; /* never NULL once initialised */
    size_t size;
    size_t capacity;
    size_t ceiling_bytes;
    bool overflowed;
};

void text_init(struct text *text, size_t ceiling_bytes);
void text_done(struct text *text);

/* Empties it and clears `overflowed`; keeps the memory. */
void text_reset(struct text *text);

/* Gives the bytes away, to be freed by the caller with free(); the text is empty afterwards and may be used on. */
char *text_take(struct text *text);

struct slice text_slice(const struct text *text);

void text_add(struct text *text, const char *piece); /* NULL adds nothing */
void text_add_slice(struct text *text, struct slice piece);
void text_add_bytes(struct text *text, const void *bytes, size_t size);
void text_add_char(struct text *text, char c);
void text_add_int(struct text *text, int64_t value);
void text_add_hex(struct text *text, const void *bytes, size_t size);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds ` key=value` (without the space at the start of a line). The value is quoted when it holds anything but plain
 * printable ASCII; quotes, backslashes, control characters and bytes that are not UTF-8 are escaped, so that one line
 * stays one line and no value can pretend to be a field. NULL and "" are written as `key=""`. */
void text_add_field(struct text *text, const char *key, const char *value);
void text_add_field_int(struct text *text, const char *key, int64_t value);

#endif
