#include "common/store/keys.h"

#include "common/store/keys_ring.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/hash.h"
#include "common/core/must.h"

/* A key made of a secret, a word that says what for, and a name. The NUL between them is part of what is hashed. */
static void derive(
    const uint8_t secret[static KEY_SIZE], const char *what_for, const char *name, uint8_t out[static KEY_SIZE])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, secret, KEY_SIZE, KEY_SIZE);
    crypto_generichash_update(&state, (const uint8_t *)what_for, strlen(what_for) + 1);
    crypto_generichash_update(&state, (const uint8_t *)name, strlen(name) + 1);
    crypto_generichash_final(&state, out, KEY_SIZE);
    sodium_memzero(&state, sizeof state);
}

struct keys *ring_new(size_t tenant_capacity)
{
    MUST(sodium_init() >= 0);
    struct keys *keys = calloc(1, sizeof *keys);
    MUST(keys != NULL);
    if (tenant_capacity > 0) {
        keys->tenants = sodium_allocarray(tenant_capacity, sizeof *keys->tenants);
        MUST(keys->tenants != NULL);
        keys->tenant_capacity = tenant_capacity;
    }
    return keys;
}

void keys_close(struct keys **keys)
{
    if (*keys == NULL) {
        return;
    }
    for (struct lane_chunk *chunk = (*keys)->lanes, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        sodium_free(chunk);
    }
    sodium_free((*keys)->tenants);
    free(*keys);
    *keys = NULL;
}

bool ring_add_tenant(struct keys *keys, const char *tenant, uint32_t epoch, const uint8_t secret[static KEY_SIZE])
{
    static const char *const WHAT_FOR[] = {
        [KEY_STORE] = "casebus store 1",
        [KEY_BUS] = "casebus bus 1",
        [KEY_INDEX] = "casebus index 1",
    };
    if (keys->tenant_count == keys->tenant_capacity || strlen(tenant) >= ID_SIZE) {
        return false;
    }
    struct tenant_key *key = &keys->tenants[keys->tenant_count++];
    memset(key, 0, sizeof *key);
    strcpy(key->tenant, tenant);
    key->epoch = epoch;
    memcpy(key->secret, secret, KEY_SIZE);
    for (size_t use = 0; use < ARRAY_LENGTH(WHAT_FOR); use++) {
        key->derived[use].epoch = epoch;
        derive(secret, WHAT_FOR[use], tenant, key->derived[use].bytes);
    }
    return true;
}

const struct tenant_key *ring_find_tenant(const struct keys *keys, const char *tenant, uint32_t epoch)
{
    const struct tenant_key *latest = NULL;
    for (size_t i = 0; i < keys->tenant_count; i++) {
        const struct tenant_key *key = &keys->tenants[i];
        if (strcmp(key->tenant, tenant) != 0 || (epoch != 0 && key->epoch != epoch)) {
            continue;
        }
        if (latest == NULL || key->epoch > latest->epoch) {
            latest = key;
        }
    }
    return latest;
}

const struct key *keys_current(const struct keys *keys, enum key_use use, const char *tenant)
{
    return keys_find(keys, use, tenant, 0);
}

const struct key *keys_find(const struct keys *keys, enum key_use use, const char *tenant, uint32_t epoch)
{
    const struct tenant_key *key = ring_find_tenant(keys, tenant, epoch);
    return key == NULL ? NULL : &key->derived[use];
}

const struct key *ring_add_lane(struct keys *keys, const char *tenant, const char *payer, const struct key *key)
{
    if (keys->lane_count == KEY_LANES_MAX || strlen(tenant) >= ID_SIZE || strlen(payer) >= ID_SIZE) {
        return NULL;
    }
    if (keys->lanes == NULL || keys->lanes->count == LANES_PER_CHUNK) {
        struct lane_chunk *chunk = sodium_malloc(sizeof *chunk);
        MUST(chunk != NULL);
        chunk->next = keys->lanes;
        chunk->count = 0;
        keys->lanes = chunk;
    }
    struct lane_key *lane = &keys->lanes->lanes[keys->lanes->count++];
    strcpy(lane->tenant, tenant);
    strcpy(lane->payer, payer);
    lane->key = *key;
    keys->lane_count++;
    return &lane->key;
}

/* The latest when `epoch` is 0. */
static const struct key *find_lane(const struct keys *keys, const char *tenant, const char *payer, uint32_t epoch)
{
    const struct key *latest = NULL;
    for (const struct lane_chunk *chunk = keys->lanes; chunk != NULL; chunk = chunk->next) {
        for (size_t i = 0; i < chunk->count; i++) {
            const struct lane_key *lane = &chunk->lanes[i];
            bool same = strcmp(lane->tenant, tenant) == 0 && strcmp(lane->payer, payer) == 0;
            if (same && (epoch == 0 || lane->key.epoch == epoch) &&
                (latest == NULL || lane->key.epoch > latest->epoch)) {
                latest = &lane->key;
            }
        }
    }
    return latest;
}

void ring_derive_lane(const struct tenant_key *tenant, const char *payer, struct key *out)
{
    out->epoch = tenant->epoch;
    derive(tenant->secret, "casebus lane 1", payer, out->bytes);
}

const struct key *keys_lane(struct keys *keys, const char *tenant, const char *payer, uint32_t epoch)
{
    const struct tenant_key *owner = ring_find_tenant(keys, tenant, epoch);
    const struct key *found = find_lane(keys, tenant, payer, owner == NULL ? epoch : owner->epoch);
    if (found != NULL || owner == NULL) {
        return found;
    }
    struct key key;
    ring_derive_lane(owner, payer, &key);
    found = ring_add_lane(keys, tenant, payer, &key);
    sodium_memzero(&key, sizeof key);
    return found;
}

/* Under the key of the first epoch always: what was written into look-ups must be found after a rotation too. */
enum fault keys_lookup_hash(
    const struct keys *keys, const char *tenant, const char *purpose, struct bytes value, uint8_t out[LOOKUP_HASH_SIZE])
{
    _Static_assert(LOOKUP_HASH_SIZE == HASH_SIZE, "the digest is the look-up");
    const struct key *key = keys_find(keys, KEY_INDEX, tenant, KEY_FIRST_EPOCH);
    if (key == NULL) {
        return FAULT_NOT_FOUND;
    }
    struct hash hash;
    hash_init_keyed(&hash, key->bytes);
    hash_add_part(&hash, purpose, strlen(purpose));
    hash_add_part(&hash, value.at, value.size);
    hash_done(&hash, out);
    return FAULT_NONE;
}
