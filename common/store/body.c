#include "common/store/body.h"

#include <string.h>

#include "common/store/big_endian.h"

struct seal_about about_state(
    struct arena *arena, const char *service, const char *kind, const char *tenant, const char *id, uint64_t version)
{
    return (struct seal_about){tenant, arena_printf(arena, "%s:%s", service, kind), id, version, "state"};
}

struct seal_about about_reply(const char *tenant, const char *command_id)
{
    return (struct seal_about){tenant, "command", command_id, 0, "reply"};
}

struct bytes body_seal(const struct key *key, const struct seal_about *about, struct bytes clear, struct arena *arena)
{
    uint8_t *sealed = arena_alloc(arena, sealed_size(clear.size));
    seal(key, about, clear, sealed);
    return bytes_of(sealed, sealed_size(clear.size));
}

enum fault body_open(const struct keys *keys, const struct seal_about *about, struct bytes sealed, struct arena *arena,
    struct bytes *out, struct why *why)
{
    uint32_t epoch;
    if (seal_epoch(sealed, &epoch)) {
        const struct key *key = keys_find(keys, KEY_STORE, about->tenant, epoch);
        if (key == NULL) {
            why_set(why, "could not open the %s of %s %s: no key of epoch %u for tenant %s", about->part, about->kind,
                about->id, epoch, about->tenant);
            return FAULT_UNAVAILABLE;
        }
        uint8_t *clear = arena_alloc(arena, sealed.size - SEAL_OVERHEAD);
        if (seal_open(key, about, sealed, clear)) {
            *out = bytes_of(clear, sealed.size - SEAL_OVERHEAD);
            return FAULT_NONE;
        }
    }
    why_set(why, "cannot open the %s of %s %s, version %llu: it was altered", about->part, about->kind, about->id,
        (unsigned long long)about->version);
    return FAULT_INTERNAL;
}

enum fault remembered_open(const struct keys *keys, const char *tenant, const char *command_id, struct bytes stored,
    struct arena *arena, struct remembered *out, struct why *why)
{
    if (stored.size < REMEMBERED_HEAD_SIZE) {
        why_set(why, "cannot read what was kept of command %s: it was altered", command_id);
        return FAULT_INTERNAL;
    }
    struct seal_about about = about_reply(tenant, command_id);
    struct bytes sealed = bytes_of(stored.at + REMEMBERED_HEAD_SIZE, stored.size - REMEMBERED_HEAD_SIZE);
    enum fault fault = body_open(keys, &about, sealed, arena, &out->reply, why);
    if (fault == FAULT_NONE) {
        memcpy(out->fingerprint, stored.at, FINGERPRINT_SIZE);
        out->sequence = get_u64(stored.at + FINGERPRINT_SIZE);
    }
    return fault;
}
