/* BLAKE2b, the only hash of Casebus (libsodium's crypto_generichash): chains, fingerprints, fresh ids, partitions,
 * look-ups by identifier. 16-byte digests; where 8 bytes are enough they are the first 8 of those. Not for passwords.
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE       16
#define HASH_SHORT_SIZE 8
#define HASH_KEY_SIZE   32

void hash_bytes(uint8_t out[static HASH_SIZE], const void *bytes, size_t size);
void hash_short(uint8_t out[static HASH_SHORT_SIZE], const void *bytes, size_t size);

/* With a secret key, so that who has the digests cannot try values. */
void hash_keyed(uint8_t out[static HASH_SIZE], const uint8_t key[static HASH_KEY_SIZE], const void *bytes, size_t size);

/* The first 8 bytes as a number (little endian), for hash tables and rendezvous weights. */
uint64_t hash_number(const void *bytes, size_t size);

/* In pieces. `part` writes the size of the piece before it, so that ("ab", "c") and ("a", "bc") differ; `add` does not.
 */
struct hash {
    crypto_generichash_state state;
};

void hash_init(struct hash *hash);
void hash_init_keyed(struct hash *hash, const uint8_t key[static HASH_KEY_SIZE]);
void hash_add(struct hash *hash, const void *bytes, size_t size);
void hash_add_number(struct hash *hash, uint64_t value); /* 8 bytes, little endian */
void hash_add_part(struct hash *hash, const void *bytes, size_t size);
void hash_done(struct hash *hash, uint8_t out[static HASH_SIZE]);

#endif
