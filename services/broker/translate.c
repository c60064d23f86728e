#include "services/broker/translate.h"

#include <string.h>

#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "common/core/hash.h"
#include "common/core/hex.h"
#include "common/core/slice.h"
#include "common/service/sealing.h"
#include "proto/envelope.pb-c.h"

enum { PROOF_SIZE = 8 }; /* bytes; it only has to stop guessing through a rate-limited link */

bool lane_matches(const char *pattern, const char *lane)
{
    size_t size = strlen(pattern);
    bool open = size > 0 && pattern[size - 1] == '*';
    return open ? strncmp(pattern, lane, size - 1) == 0 : strcmp(pattern, lane) == 0;
}

/* `payer/<tenant>/<payer>` */
static const struct key *key_of(struct keys *keys, const char *tenant, const char *lane)
{
    const char *payer = lane ? strrchr(lane, '/') : NULL;
    return payer && tenant && str_starts_with(lane, "payer/") ? keys_lane(keys, tenant, payer + 1, 0) : NULL;
}

static const char *prove(const struct key *key, const Casebus__Envelope *task, const char *entry, struct arena *arena)
{
    const char *parts[] = {
        "casebus task 1", task->id, task->tenant, task->root, task->key, task->kind, task->asker, task->lane, entry};
    struct hash hash;
    uint8_t digest[HASH_SIZE];
    char *text = arena_alloc(arena, HEX_SIZE(PROOF_SIZE));
    hash_init_keyed(&hash, key->bytes);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        hash_add_part(&hash, parts[i] ? parts[i] : "", parts[i] ? strlen(parts[i]) : 0);
    }
    hash_done(&hash, digest);
    hex_encode(text, digest, PROOF_SIZE);
    return text;
}

static enum fault read_envelope(
    struct bytes bytes, const struct crossing *crossing, struct arena *arena, Casebus__Envelope **out, struct why *why)
{
    ProtobufCMessage *message;
    enum fault fault =
        contract_unpack(&casebus__envelope__descriptor, bytes.at, bytes.size, crossing, arena, why, &message);
    if (fault == FAULT_NONE) {
        *out = (Casebus__Envelope *)message;
    }
    return fault;
}

/* Checks the body as the message that the subject names, and packs it anew. */
static enum fault recast(const char *subject, struct bytes body, const struct crossing *crossing, struct arena *arena,
    struct bytes *out, struct why *why)
{
    const struct contract_message *message =
        subject && str_starts_with(subject, "payer.") ? contract_find_message(subject) : NULL;
    ProtobufCMessage *unpacked;
    if (!message) {
        why_set(why, "the subject is no message of the insurers' contract");
        return FAULT_INVALID;
    }
    enum fault fault = contract_unpack(message->descriptor, body.at, body.size, crossing, arena, why, &unpacked);
    if (fault == FAULT_NONE) {
        struct packed packed = contract_pack(unpacked, arena);
        *out = bytes_of(packed.data, packed.size);
    }
    return fault;
}

/* What a task and its answer have in common, and nothing else of the network's. */
static struct bytes pack_envelope(const Casebus__Envelope *from, const char *entry, struct arena *arena)
{
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.id = from->id;
    envelope.subject = from->subject;
    envelope.tenant = from->tenant;
    envelope.root = from->root;
    envelope.key = from->key;
    envelope.kind = from->kind;
    envelope.asker = from->asker;
    envelope.lane = from->lane;
    envelope.entry = entry;
    struct packed packed = contract_pack(&envelope.base, arena);
    return bytes_of(packed.data, packed.size);
}

static struct sealing about(const Casebus__Envelope *envelope, const char *kind)
{
    return (struct sealing){.tenant = envelope->tenant,
        .kind = kind,
        .id = envelope->id,
        .subject = envelope->subject,
        .lane = envelope->lane};
}

enum fault translate_task(struct keys *keys, struct bytes envelope, struct bytes body, struct arena *arena,
    struct crossed *out, struct why *why)
{
    Casebus__Envelope *task;
    struct bytes clear;
    enum fault fault = read_envelope(envelope, &CROSSING_EVENT, arena, &task, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    const struct key *key = key_of(keys, task->tenant, task->lane);
    if (!key || !task->id || !task->subject || !task->entry) {
        why_set(why, "no lane key for %s, or no task", task->lane ? task->lane : "?");
        return FAULT_UNAVAILABLE;
    }
    struct sealing sealing = about(task, "task");
    if (!sealing_open(keys, &sealing, body, arena, &clear)) {
        why_set(why, "the task does not open with the key of its lane");
        return FAULT_UNAVAILABLE;
    }
    fault = recast(task->subject, clear, &CROSSING_EVENT, arena, &out->body, why);
    if (fault == FAULT_NONE) {
        const char *entry = arena_printf(arena, "%s.%s", task->entry, prove(key, task, task->entry, arena));
        out->envelope = pack_envelope(task, entry, arena);
    }
    return fault;
}

static bool takes(const char *const *lanes, size_t lane_count, const char *lane)
{
    for (size_t i = 0; i < lane_count; i++) {
        if (lane && lane_matches(lanes[i], lane)) {
            return true;
        }
    }
    return false;
}

/* Splits `<stream id>.<proof>` and checks the proof. */
static const char *proven_entry(const struct key *key, const Casebus__Envelope *answer, struct arena *arena)
{
    const char *dot = answer->entry ? strrchr(answer->entry, '.') : NULL;
    if (!dot || strlen(dot + 1) != HEX_SIZE(PROOF_SIZE) - 1) {
        return NULL;
    }
    const char *entry = arena_strndup(arena, answer->entry, (size_t)(dot - answer->entry));
    return sodium_memcmp(prove(key, answer, entry, arena), dot + 1, HEX_SIZE(PROOF_SIZE) - 1) == 0 ? entry : NULL;
}

enum fault translate_answer(struct keys *keys, const char *const *lanes, size_t lane_count, struct bytes envelope,
    struct bytes body, struct arena *arena, struct crossed *out, struct why *why)
{
    Casebus__Envelope *answer;
    struct bytes clear;
    enum fault fault = read_envelope(envelope, &CROSSING_PAYER, arena, &answer, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    const struct key *key = takes(lanes, lane_count, answer->lane) ? key_of(keys, answer->tenant, answer->lane) : NULL;
    const char *entry = key ? proven_entry(key, answer, arena) : NULL;
    if (!entry) {
        why_set(why, "the token names no task that this insurer was given");
        return FAULT_FORBIDDEN;
    }
    fault = recast(answer->subject, body, &CROSSING_PAYER, arena, &clear, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct sealing sealing = about(answer, "decided");
    out->body = sealing_seal(keys, &sealing, clear, arena);
    out->envelope = pack_envelope(answer, entry, arena);
    return out->body.size ? FAULT_NONE : FAULT_UNAVAILABLE;
}

const char *translate_why(struct keys *keys, const Casebus__Outcome *outcome, struct arena *arena)
{
    struct slice rest = slice_of(outcome->lane ? outcome->lane : ""), kind, tenant;
    struct bytes clear;
    if (!outcome->has_sealed_why || !outcome->task || !slice_take_field(&rest, '/', &kind) ||
        !slice_take_field(&rest, '/', &tenant)) {
        return outcome->why;
    }
    struct sealing about = {.tenant = arena_strndup(arena, tenant.at, tenant.size),
        .kind = "refusal",
        .id = outcome->task,
        .subject = "",
        .lane = outcome->lane};
    struct bytes sealed = bytes_of(outcome->sealed_why.data, outcome->sealed_why.len);
    return sealing_open(keys, &about, sealed, arena, &clear) ? arena_strndup(arena, (const char *)clear.at, clear.size)
                                                             : NULL;
}
