#include "common/bus/actor_tree.h"

#include <sodium.h>
#include <string.h>

#include "common/core/must.h"

_Static_assert(1 << ACTOR_PATH_MAX == ACTOR_LEAVES_MAX, "a path leads to every leaf");

#define NODE_WORDS "casebus actor node"

struct node_text {
    uint8_t words[sizeof NODE_WORDS - 1];
    struct actor_hash left, right;
};

void actor_hash_make(struct actor_hash *out, const void *bytes, size_t size)
{
    crypto_generichash(out->bytes, sizeof out->bytes, bytes, size, NULL, 0);
}

static void join(const struct actor_hash *left, const struct actor_hash *right, struct actor_hash *out)
{
    struct node_text text = {.left = *left, .right = *right};
    memcpy(text.words, NODE_WORDS, sizeof text.words);
    actor_hash_make(out, &text, sizeof text);
}

void actor_tree_make(struct actor_tree *tree, const struct actor_hash *leaves, unsigned count)
{
    MUST(count > 0 && count <= ACTOR_LEAVES_MAX);
    tree->height = 0;
    while (1u << tree->height < count) {
        tree->height++;
    }
    unsigned width = 1u << tree->height;
    memset(&tree->nodes[width], 0, width * sizeof tree->nodes[0]);
    memcpy(&tree->nodes[width], leaves, count * sizeof tree->nodes[0]);
    for (unsigned n = width - 1; n > 0; n--) {
        join(&tree->nodes[2 * n], &tree->nodes[2 * n + 1], &tree->nodes[n]);
    }
}

void actor_tree_path(const struct actor_tree *tree, unsigned place, struct actor_hash out[static ACTOR_PATH_MAX])
{
    unsigned node = (1u << tree->height) + place;
    for (unsigned i = 0; i < tree->height; i++, node /= 2) {
        out[i] = tree->nodes[node ^ 1];
    }
}

bool actor_tree_climb(
    const struct actor_hash *leaf, uint32_t place, const uint8_t *path, size_t path_size, struct actor_hash *out)
{
    size_t height = path_size / ACTOR_HASH_SIZE;
    if (path_size % ACTOR_HASH_SIZE != 0 || height > ACTOR_PATH_MAX || place >> height != 0) {
        return false;
    }
    struct actor_hash at = *leaf;
    for (size_t i = 0; i < height; i++) {
        struct actor_hash beside;
        memcpy(beside.bytes, path + i * ACTOR_HASH_SIZE, ACTOR_HASH_SIZE);
        join(place >> i & 1 ? &beside : &at, place >> i & 1 ? &at : &beside, &at);
    }
    *out = at;
    return true;
}
