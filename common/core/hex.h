/* Bytes as lower-case hexadecimal digits, two each. */
#ifndef CORE_HEX_H
#define CORE_HEX_H

#include <stdbool.h>
#include <stddef.h>

#define HEX_SIZE(bytes) (2 * (bytes) + 1) /* with the NUL */

/* Writes HEX_SIZE(size) characters. */
void hex_encode(char *out, const void *bytes, size_t size);

/* Reads exactly `size` bytes from exactly 2 * size digits of either case. False, `out` untouched, otherwise. */
bool hex_decode(void *out, size_t size, const char *digits);

#endif
