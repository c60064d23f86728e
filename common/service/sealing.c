#include "common/service/sealing.h"

#include "common/core/hash.h"
#include "common/core/slice.h"
#include "common/store/seal.h"

#include <string.h>

static const struct key *lane_key(struct keys *keys, const struct sealing *about, uint32_t epoch, struct arena *arena)
{
    struct slice rest = slice_of(about->lane), kind = {0}, tenant = {0};
    slice_take_field(&rest, '/', &kind);
    slice_take_field(&rest, '/', &tenant);
    if (rest.at == NULL || rest.size == 0 || !slice_equal(tenant, slice_of(about->tenant))) {
        return NULL;
    }
    bool is_payer = slice_equal(kind, SLICE("payer"));
    const char *name = arena_printf(arena, "%s%.*s", is_payer ? "" : "channel.", (int)rest.size, rest.at);
    return keys_lane(keys, about->tenant, name, epoch);
}

static struct seal_about about_of(const struct sealing *about)
{
    return (struct seal_about){
        .tenant = about->tenant, .kind = about->kind, .id = about->id, .version = 0, .part = about->subject};
}

struct bytes sealing_seal(struct keys *keys, const struct sealing *about, struct bytes clear, struct arena *arena)
{
    const struct key *key =
        about->lane != NULL ? lane_key(keys, about, 0, arena) : keys_current(keys, KEY_BUS, about->tenant);
    if (key == NULL) {
        return (struct bytes){0};
    }
    struct seal_about bound = about_of(about);
    uint8_t *out = arena_alloc(arena, sealed_size(clear.size));
    seal(key, &bound, clear, out);
    return bytes_of(out, sealed_size(clear.size));
}

bool sealing_open(
    struct keys *keys, const struct sealing *about, struct bytes sealed, struct arena *arena, struct bytes *out)
{
    uint32_t epoch = 0;
    if (sealed.size < SEAL_OVERHEAD || !seal_epoch(sealed, &epoch)) {
        return false;
    }
    const struct key *key =
        about->lane != NULL ? lane_key(keys, about, epoch, arena) : keys_find(keys, KEY_BUS, about->tenant, epoch);
    if (key == NULL) {
        return false;
    }
    struct seal_about bound = about_of(about);
    uint8_t *clear = arena_alloc(arena, sealed.size - SEAL_OVERHEAD);
    if (!seal_open(key, &bound, sealed, clear)) {
        return false;
    }
    *out = bytes_of(clear, sealed.size - SEAL_OVERHEAD);
    return true;
}

static void add_text(struct hash *hash, const char *text)
{
    hash_add_part(hash, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static void prove(const struct key *key, const Casebus__Envelope *envelope, uint8_t out[static HASH_SIZE])
{
    struct hash hash;
    uint8_t simulated = envelope->actor_simulated != 0;
    hash_init_keyed(&hash, key->bytes);
    add_text(&hash, "casebus system 1");
    add_text(&hash, envelope->tenant);
    add_text(&hash, envelope->id);
    add_text(&hash, envelope->subject);
    add_text(&hash, envelope->root);
    add_text(&hash, envelope->actor_id);
    hash_add_part(&hash, &simulated, sizeof simulated);
    hash_done(&hash, out);
}

bool system_prove(const struct keys *keys, const Casebus__Envelope *envelope, uint8_t out[SYSTEM_PROOF_SIZE])
{
    const struct key *key = keys_current(keys, KEY_STORE, envelope->tenant);
    if (key != NULL) {
        prove(key, envelope, out);
    }
    return key != NULL;
}

/* Any epoch that the ring still has will do: a command may wait in its lane while keys change. */
bool system_proven(const struct keys *keys, const Casebus__Envelope *envelope)
{
    const struct key *current = keys_current(keys, KEY_STORE, envelope->tenant);
    if (current == NULL || envelope->actor_signature.len != SYSTEM_PROOF_SIZE) {
        return false;
    }
    for (uint32_t epoch = current->epoch; epoch > 0; epoch--) {
        const struct key *key = keys_find(keys, KEY_STORE, envelope->tenant, epoch);
        uint8_t proof[HASH_SIZE];
        if (key == NULL) {
            return false;
        }
        prove(key, envelope, proof);
        if (sodium_memcmp(proof, envelope->actor_signature.data, sizeof proof) == 0) {
            return true;
        }
    }
    return false;
}
