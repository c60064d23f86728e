/* The key ring. A root file (0400, 32 random bytes) wraps one key per tenant; from a tenant's key come, by keyed
 * BLAKE2b, its store key, its bus key, its index key, and one lane key per payer. The edge gets lane keys only, each in
 * a file of its own, and no root file.
 *
 *     <dir>/root.key       the root, hexadecimal, 0400
 *     <dir>/tenants.keys   one line per tenant and epoch: tenant epoch wrapped-key
 *     <dir>/<name>.lane    one lane: tenant payer epoch key (made by keys_export_lane)
 *
 * Both files are made at the first start, whole or not at all, by whichever of several starting processes is first.
 * Keys stay in locked memory and are wiped when the ring is closed. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "common/core/fault.h"
#include "common/store/bytes.h"

enum {
    KEY_SIZE = 32,
    KEY_TENANTS_MAX = 256, /* tenants and epochs in one ring */
    KEY_LANES_MAX = 4096,  /* lanes in one ring */
    LOOKUP_HASH_SIZE = 16,
};

struct keys;

struct key {
    uint32_t epoch;
    uint8_t bytes[KEY_SIZE];
};

enum key_use {
    KEY_STORE, /* states, records, replies kept in Redis */
    KEY_BUS,   /* bodies on the bus */
    KEY_INDEX, /* keyed hashes of identifiers */
};

/* Opens the ring in `dir` (made if it is not there), and makes a key for each of `tenants` that has none yet.
 *
 * UNAVAILABLE with a sentence when a file cannot be read or made; REFUSED when the root file may be read by others than
 * its owner, or does not fit the tenants' file. The ring is the caller's: keys_close. */
enum fault keys_open(
    const char *dir, const char *const *tenants, size_t tenant_count, struct keys **out, struct why *why);

/* Opens a ring that holds the lanes of the `*.lane` files in `dir`, and nothing else. For the edge. */
enum fault keys_open_lane_only(const char *dir, struct keys **out, struct why *why);

/* Wipes and frees. Accepts NULL. */
void keys_close(struct keys **keys);

/* Writes the lane key of a tenant and payer to `path` (0400), for an edge. Does nothing when it is there already. */
enum fault keys_export_lane(
    const struct keys *keys, const char *tenant, const char *payer, const char *path, struct why *why);

/* The key of today for new seals; NULL when the ring does not know the tenant. Lent for the life of the ring. */
const struct key *keys_current(const struct keys *keys, enum key_use use, const char *tenant);
/* The key of an epoch, for opening; NULL when there is none. */
const struct key *keys_find(const struct keys *keys, enum key_use use, const char *tenant, uint32_t epoch);
/* The lane key of a tenant and payer: `epoch` 0 asks for today's. NULL when unknown (or the ring is full). */
const struct key *keys_lane(struct keys *keys, const char *tenant, const char *payer, uint32_t epoch);

/* A keyed hash of an identifier for look-ups: the same value gives the same hash within a tenant and `purpose`, for
 * ever, and tells nothing without the key. NOT_FOUND when the ring does not know the tenant. */
enum fault keys_lookup_hash(const struct keys *keys, const char *tenant, const char *purpose, struct bytes value,
    uint8_t out[LOOKUP_HASH_SIZE]);

#endif
