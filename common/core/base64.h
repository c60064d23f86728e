/* Base64 (RFC 4648), read strictly: digits of the alphabet only, no white space, no stray bits, padding as the variant
 * says. libsodium's own reader takes some bytes above 0x7f for digits, so whoever reads base64 reads it here. */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Reads all of the text into `out`, which has `room` bytes, and says how many came. `variant` is one of libsodium's
 * (sodium_base64_VARIANT_...). False when it is no base64 or does not fit; `out` may then hold a part. */
bool base64_read(void *out, size_t room, const char *text, size_t size, int variant, size_t *out_size);

#endif
