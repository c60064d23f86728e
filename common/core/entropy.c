#include "common/core/entropy.h"

#include "common/core/hash.h"

#include <sodium.h>

void entropy_fill(void *out, size_t size)
{
    randombytes_buf(out, size);
}

void id_random(char out[static ID_FRESH_SIZE])
{
    uint8_t bytes[HASH_SIZE];
    entropy_fill(bytes, sizeof bytes);
    id_spell(out, bytes);
}
