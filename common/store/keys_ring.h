/* The inside of the key ring, shared by what derives keys (keys.c) and what reads and writes their files (keys_file.c).
 */
#ifndef STORE_KEYS_RING_H
#define STORE_KEYS_RING_H

#include <stdbool.h>

#include "common/core/id.h"
#include "common/store/keys.h"

/* One epoch of one tenant. */
struct tenant_key {
    char tenant[ID_SIZE];
    uint32_t epoch;
    uint8_t secret[KEY_SIZE];
    struct key derived[KEY_INDEX + 1]; /* by enum key_use */
};

struct lane_key {
    char tenant[ID_SIZE];
    char payer[ID_SIZE];
    struct key key;
};

enum {
    KEY_FIRST_EPOCH = 1,
    LANES_PER_CHUNK = 16,
};

struct lane_chunk {
    struct lane_chunk *next;
    size_t count;
    struct lane_key lanes[LANES_PER_CHUNK];
};

/* Tenants and lanes lie in locked memory (sodium_malloc) and never move. */
struct keys {
    size_t tenant_count;
    size_t tenant_capacity;
    struct tenant_key *tenants;
    size_t lane_count;
    struct lane_chunk *lanes;
};

/* An empty ring with room for so many tenant keys. */
struct keys *ring_new(size_t tenant_capacity);

/* Adds a tenant's key and derives from it. False when the ring is full. */
bool ring_add_tenant(struct keys *keys, const char *tenant, uint32_t epoch, const uint8_t secret[static KEY_SIZE]);

/* Adds a lane's key; NULL when the ring is full. */
const struct key *ring_add_lane(struct keys *keys, const char *tenant, const char *payer, const struct key *key);

/* The tenant's key of an epoch, or of the latest when `epoch` is 0; NULL when there is none. */
const struct tenant_key *ring_find_tenant(const struct keys *keys, const char *tenant, uint32_t epoch);

/* Makes the lane key that belongs to a tenant's key. */
void ring_derive_lane(const struct tenant_key *tenant, const char *payer, struct key *out);

#endif
