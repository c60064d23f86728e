/* A map from a 64-bit key that is already well mixed (a hash, a random number) to a pointer. Open addressing, no tombstones. */
#ifndef BROKER_MAP_H
#define BROKER_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct map {
    struct map_slot *slots;
    uint32_t room; /* power of two, or zero */
    uint32_t count;
};

void map_done(struct map *map); /* The values are not the map's. */

void *map_find(const struct map *map, uint64_t key); /* NULL: not there. */
void map_put(struct map *map, uint64_t key, void *value);
void *map_remove(struct map *map, uint64_t key); /* What was there, or NULL. */

/* Spreads a weak key (a small number) over all 64 bits; also the step of a hash over several words. */
static inline uint64_t mix64(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Of a short name that a trusted peer or the store gave (FNV-1a, mixed). */
static inline uint64_t name_hash(const char *name, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3u;
    }
    return mix64(hash);
}

#endif
