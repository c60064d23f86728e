/* UTF-8, strictly (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF, nothing cut short. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_SIZE_MAX 4 /* bytes of one code point */

bool utf8_is_valid(const void *bytes, size_t size);

bool utf8_has_nul(const void *bytes, size_t size);

/* The number of code points of valid UTF-8: what a person would count, nearly, and what "max_len" of the contract
 * means. */
size_t utf8_length(const void *bytes, size_t size);

/* The longest size <= max at which the bytes can be cut without parting a code point. */
size_t utf8_cut(const void *bytes, size_t size, size_t max);

/* Reads the code point at `*at` and moves past it. False, `*at` unmoved, at the end and on invalid bytes. */
bool utf8_next(const char **at, const char *end, uint32_t *out);

/* Writes one valid code point, and returns its size. */
size_t utf8_put(char out[static UTF8_SIZE_MAX], uint32_t code_point);

#endif
