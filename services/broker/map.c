#include "services/broker/map.h"

#include <stdlib.h>

#include "common/core/must.h"

enum { ROOM_FIRST = 64 }; /* slots */

void map_done(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}

/* The slot that holds the key, or the free one where it belongs. */
static struct map_slot *slot_for(const struct map *map, uint64_t key)
{
    uint32_t at = (uint32_t)key & (map->room - 1);
    while (map->slots[at].value && map->slots[at].key != key) {
        at = (at + 1) & (map->room - 1);
    }
    return &map->slots[at];
}

static void grow(struct map *map)
{
    struct map old = *map;
    map->room = old.room ? old.room * 2 : ROOM_FIRST;
    map->slots = calloc(map->room, sizeof *map->slots);
    MUST(map->slots);
    for (uint32_t i = 0; i < old.room; i++) {
        if (old.slots[i].value) {
            *slot_for(map, old.slots[i].key) = old.slots[i];
        }
    }
    free(old.slots);
}

void *map_find(const struct map *map, uint64_t key)
{
    return map->room ? slot_for(map, key)->value : NULL;
}

void map_put(struct map *map, uint64_t key, void *value)
{
    MUST(value);
    if (map->count * 2 >= map->room) {
        grow(map);
    }
    struct map_slot *slot = slot_for(map, key);
    map->count += slot->value == NULL;
    *slot = (struct map_slot){key, value};
}

/* Closes the gap: everything behind it that would rather sit in it moves up. */
void *map_remove(struct map *map, uint64_t key)
{
    if (!map->room) {
        return NULL;
    }
    struct map_slot *gap = slot_for(map, key);
    void *value = gap->value;
    if (!value) {
        return NULL;
    }
    uint32_t mask = map->room - 1, hole = (uint32_t)(gap - map->slots);
    for (uint32_t at = (hole + 1) & mask; map->slots[at].value; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)map->slots[at].key & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct map_slot){0};
    map->count--;
    return value;
}
