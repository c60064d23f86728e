/* A tree of hashes over up to ACTOR_LEAVES_MAX leaves (Merkle): its root stands for all of them, and a path of at most
 * ACTOR_PATH_MAX hashes proves that a leaf is one of them. Missing leaves up to the next power of two are zeros.
 *
 *     node = BLAKE2b-256("casebus actor node" | left | right)
 *
 * A leaf is a hash over other words (actor.h), so no node can be passed off as a leaf. The hash has 256 bits, where
 * core/hash.h has 128, because whoever is signed for may choose what is hashed. */
#ifndef BUS_ACTOR_TREE_H
#define BUS_ACTOR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTOR_HASH_SIZE  32
#define ACTOR_LEAVES_MAX 64
#define ACTOR_PATH_MAX   6

struct actor_hash {
    uint8_t bytes[ACTOR_HASH_SIZE];
};

void actor_hash_make(struct actor_hash *out, const void *bytes, size_t size);

struct actor_tree {
    unsigned height;                               /* hashes of a path */
    struct actor_hash nodes[2 * ACTOR_LEAVES_MAX]; /* node n over 2n and 2n + 1; 1 is the root */
};

/* Over 1..ACTOR_LEAVES_MAX leaves. */
void actor_tree_make(struct actor_tree *tree, const struct actor_hash *leaves, unsigned count);

/* The path of a leaf, from beside it upwards: `height` hashes. */
void actor_tree_path(const struct actor_tree *tree, unsigned place, struct actor_hash out[static ACTOR_PATH_MAX]);

/* The root that the leaf, its place and its path lead to. False when the path is too long or the place is beyond it. */
bool actor_tree_climb(
    const struct actor_hash *leaf, uint32_t place, const uint8_t *path, size_t path_size, struct actor_hash *out);

#endif
