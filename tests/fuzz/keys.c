/* Fuzzes the files of keys. A ring that opens gives the same keys each time it is opened, also after a tenant was added;
 * a lane, an actor's key or a signer that is taken from a file is written again as the same line. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/bus/actor.h"
#include "common/core/must.h"
#include "common/store/keys.h"
#include "tests/fuzz/crossing.h"

/* The file of the root key that wraps the tenants of the seeds. */
static const char ROOT_LINE[] = FUZZ_ROOT_LINE;

static void must_be_same_key(const struct key *a, const struct key *b)
{
    MUST((a == NULL) == (b == NULL));
    MUST(a == NULL || (a->epoch == b->epoch && memcmp(a->bytes, b->bytes, KEY_SIZE) == 0));
}

static void open_ring(const char *root, size_t root_size, struct input tenants)
{
    static const char *const MORE[] = {"demo", "second"};
    struct keys *first = NULL, *second = NULL;
    struct why why = {""};
    fuzz_file("root.key", 0400, root, root_size);
    fuzz_file("tenants.keys", 0600, tenants.at, tenants.size);
    if (keys_open(fuzz_folder(), NULL, 0, &first, &why) != FAULT_NONE) {
        must_say_why(&why);
        return;
    }
    if (keys_open(fuzz_folder(), MORE, 2, &second, &why) == FAULT_NONE) {
        struct keys *third = NULL;
        MUST(keys_open(fuzz_folder(), NULL, 0, &third, &why) == FAULT_NONE);
        for (size_t i = 0; i < ARRAY_LENGTH(MORE); i++) {
            const struct key *key = keys_current(second, KEY_STORE, MORE[i]);
            MUST(key != NULL);
            must_be_same_key(key, keys_current(third, KEY_STORE, MORE[i]));
            if (keys_current(first, KEY_STORE, MORE[i]) != NULL) {
                must_be_same_key(key, keys_current(first, KEY_STORE, MORE[i]));
            }
        }
        keys_close(&third);
        keys_close(&second);
    }
    keys_close(&first);
}

/* A lane that opens is named by its line: tenant, payer, epoch, key. */
static void open_lane(struct input input, struct arena *arena)
{
    struct keys *keys = NULL;
    struct why why = {""};
    char tenant[97] = "", payer[97] = "", rest[97] = "";
    fuzz_file("one.lane", 0400, input.at, input.size);
    if (keys_open_lane_only(fuzz_folder(), &keys, &why) != FAULT_NONE) {
        must_say_why(&why);
        return;
    }
    const char *text = arena_strndup(arena, (const char *)input.at, input.size);
    MUST(sscanf(text, "%96s %96s %*s %*s %96s", tenant, payer, rest) == 2);
    MUST(keys_lane(keys, tenant, payer, 0) != NULL);
    keys_close(&keys);
}

static void must_be_line(struct input input, const char *prefix, const uint8_t *key, size_t size)
{
    char text[128], line[192];
    sodium_bin2base64(text, sizeof text, key, size, sodium_base64_VARIANT_ORIGINAL);
    int written = snprintf(line, sizeof line, "%s%s\n", prefix, text);
    MUST(input.size == (size_t)written || input.size == (size_t)written - 1);
    MUST(memcmp(line, input.at, input.size) == 0);
}

static void load_actor(struct input input)
{
    const char *path = fuzz_file("actor.key", 0400, input.at, input.size);
    struct actor_key key;
    struct actor_trust trust = {0};
    struct why why = {""};
    if (actor_key_load(path, &why, &key) == FAULT_NONE) {
        must_be_line(input, "casebus-actor-secret-1 ", key.secret, sizeof key.secret);
    } else {
        must_say_why(&why);
    }
    if (actor_trust_load(&trust, path, &why) == FAULT_NONE) {
        MUST(trust.count == 1);
        must_be_line(input, "casebus-actor-public-1 ", trust.keys[0], sizeof trust.keys[0]);
    } else {
        MUST(trust.count == 0);
        must_say_why(&why);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct arena *arena = fuzz_arena();
    switch (input_byte(&input) % 4) {
    case 0:
        open_ring(ROOT_LINE, sizeof ROOT_LINE - 1, input);
        break;
    case 1:
        open_ring((const char *)input.at, input.size, (struct input){NULL, 0});
        break;
    case 2:
        open_lane(input, arena);
        break;
    default:
        load_actor(input);
        break;
    }
    return 0;
}
