/* Bytes of text somewhere else: a pointer and a size, owning nothing, not ended by a NUL.
 *
 * Comparisons are by byte and know no locale. The str_ functions do the same for strings of C, where NULL counts as "".
 */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const char *at;
    size_t size;
};

/* A slice of a literal, and of a string (NULL gives the empty slice). */
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
struct slice slice_of(const char *text);

bool slice_equal(struct slice a, struct slice b);
int slice_compare(struct slice a, struct slice b); /* below, equal to or above 0, a shorter prefix first */
bool slice_starts_with(struct slice text, struct slice prefix);
bool slice_ends_with(struct slice text, struct slice suffix);

/* Without ASCII white space at both ends. */
struct slice slice_trim(struct slice text);

/* Takes the next field off `rest`, up to the separator, which goes too. False when nothing is left; an empty field at
 * the end, as in "a,", is a field: start with `rest->at` set, and it is NULL once the last was taken. */
bool slice_take_field(struct slice *rest, char separator, struct slice *out);

/* Decimal digits only, no sign, no space, not above `max`. False, and `out` untouched, otherwise. */
bool slice_parse_uint(struct slice text, uint64_t max, uint64_t *out);

bool str_is_empty(const char *text); /* NULL or "" */
bool str_same(const char *a, const char *b);
bool str_same_ignoring_case(const char *a, const char *b); /* ASCII letters only */
int str_compare(const char *a, const char *b);
bool str_starts_with(const char *text, const char *prefix);
bool str_ends_with(const char *text, const char *suffix);

/* ASCII, whatever the locale; other bytes stay as they are. */
bool ascii_is_digit(char c);
bool ascii_is_letter(char c);
bool ascii_is_space(char c);
char ascii_lower(char c);
char ascii_upper(char c);
void ascii_lower_all(char *text);
void ascii_upper_all(char *text);

#endif
