#include "common/core/hash.h"

#include "common/core/must.h"

#include <string.h>

/* libsodium chooses its fastest code and opens its source of randomness here, before main, so that nobody can forget.
 */
__attribute__((constructor)) static void start_sodium(void)
{
    MUST(sodium_init() >= 0);
}

static void put_number(uint8_t out[8], uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(value >> 8 * i);
    }
}

void hash_bytes(uint8_t out[static HASH_SIZE], const void *bytes, size_t size)
{
    MUST(crypto_generichash(out, HASH_SIZE, bytes, size, NULL, 0) == 0);
}

void hash_short(uint8_t out[static HASH_SHORT_SIZE], const void *bytes, size_t size)
{
    uint8_t digest[HASH_SIZE];
    hash_bytes(digest, bytes, size);
    memcpy(out, digest, HASH_SHORT_SIZE);
}

void hash_keyed(uint8_t out[static HASH_SIZE], const uint8_t key[static HASH_KEY_SIZE], const void *bytes, size_t size)
{
    MUST(crypto_generichash(out, HASH_SIZE, bytes, size, key, HASH_KEY_SIZE) == 0);
}

uint64_t hash_number(const void *bytes, size_t size)
{
    uint8_t digest[HASH_SIZE];
    hash_bytes(digest, bytes, size);
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--) {
        number = number << 8 | digest[i];
    }
    return number;
}

void hash_init(struct hash *hash)
{
    MUST(crypto_generichash_init(&hash->state, NULL, 0, HASH_SIZE) == 0);
}

void hash_init_keyed(struct hash *hash, const uint8_t key[static HASH_KEY_SIZE])
{
    MUST(crypto_generichash_init(&hash->state, key, HASH_KEY_SIZE, HASH_SIZE) == 0);
}

void hash_add(struct hash *hash, const void *bytes, size_t size)
{
    MUST(crypto_generichash_update(&hash->state, bytes, size) == 0);
}

void hash_add_number(struct hash *hash, uint64_t value)
{
    uint8_t bytes[8];
    put_number(bytes, value);
    hash_add(hash, bytes, sizeof bytes);
}

void hash_add_part(struct hash *hash, const void *bytes, size_t size)
{
    hash_add_number(hash, size);
    hash_add(hash, bytes, size);
}

void hash_done(struct hash *hash, uint8_t out[static HASH_SIZE])
{
    MUST(crypto_generichash_final(&hash->state, out, HASH_SIZE) == 0);
}
