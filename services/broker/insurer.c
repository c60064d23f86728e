#include "services/broker/insurer.h"

#include <stdlib.h>
#include <string.h>

#include "common/contract/guard.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "services/broker/translate.h"

enum { ARENA_MAX = 8 << 20, LATER_MS = 30000 };

/* `payer/<tenant>/<payer>` with a key of ours, or `payer/<tenant>/` and an asterisk. */
static bool lane_is_served(const char *lane, struct keys *keys)
{
    struct slice rest = slice_of(lane), kind = {0}, tenant = {0};
    char name[128];
    if (!slice_take_field(&rest, '/', &kind) || !slice_equal(kind, SLICE("payer")) ||
        !slice_take_field(&rest, '/', &tenant) || tenant.size == 0 || tenant.size >= sizeof name || rest.at == NULL ||
        rest.size == 0) {
        return false;
    }
    memcpy(name, tenant.at, tenant.size);
    name[tenant.size] = '\0';
    return slice_equal(rest, SLICE("*")) || (strchr(lane, '*') == NULL && keys_lane(keys, name, rest.at, 0) != NULL);
}

static bool open_link(
    struct insurer *insurer, const Casebus__Hello *hello, const char *broker, int64_t now_ms, struct why *why)
{
    Casebus__Hello ours = CASEBUS__HELLO__INIT;
    ours.has_kind = true;
    ours.kind = CASEBUS__PEER_KIND__PEER_KIND_EDGE;
    ours.instance = hello->instance;
    ours.service = "edge";
    ours.version = hello->version;
    ours.lanes = insurer->lanes;
    ours.n_lanes = insurer->lane_count;
    ours.has_credit_messages = hello->has_credit_messages;
    ours.credit_messages = hello->credit_messages;
    struct link_options options = {.endpoint = broker, .hello = &ours};
    return link_new(&options, now_ms, why, &insurer->link) == FAULT_NONE;
}

struct insurer *insurer_new(uint32_t peer, uint64_t session, const Casebus__Hello *hello, const char *broker,
    struct keys *keys, int64_t now_ms, struct why *why)
{
    if (hello->n_lanes == 0 || hello->n_lanes > INSURER_LANES_MAX) {
        why_set(why, "an insurer registers 1 to %d payer ids", INSURER_LANES_MAX);
        return NULL;
    }
    for (size_t i = 0; i < hello->n_lanes; i++) {
        if (!lane_is_served(hello->lanes[i], keys)) {
            why_set(why, "this edge does not serve %s", hello->lanes[i]);
            return NULL;
        }
    }
    struct insurer *insurer = calloc(1, sizeof *insurer);
    MUST(insurer);
    *insurer = (struct insurer){.peer = peer, .session = session, .heard_ms = now_ms, .said_ms = now_ms};
    list_init(&insurer->node);
    insurer->lanes = calloc(hello->n_lanes, sizeof *insurer->lanes);
    MUST(insurer->lanes);
    for (size_t i = 0; i < hello->n_lanes; i++) {
        insurer->lanes[insurer->lane_count++] = strdup(hello->lanes[i]);
    }
    if (!open_link(insurer, hello, broker, now_ms, why)) {
        insurer_free(&insurer);
    }
    return insurer;
}

void insurer_free(struct insurer **insurer)
{
    struct insurer *old = *insurer;
    if (!old) {
        return;
    }
    list_remove(&old->node);
    for (size_t i = 0; i < old->lane_count; i++) {
        free((char *)old->lanes[i]);
    }
    free(old->lanes);
    link_free(&old->link);
    frame_done(&old->out);
    free(old);
    *insurer = NULL;
}

/* An insurer that lets a whole frame gather is not there any more in any useful sense. */
void insurer_say(struct insurer *insurer, int64_t now_ms, const struct record *record)
{
    insurer->lost |= !frame_append(&insurer->out, record);
    insurer->said_ms = now_ms;
}

static void say_outcome(
    struct insurer *insurer, int64_t now_ms, uint64_t tag, enum status status, const char *fault, const char *why)
{
    uint8_t envelope[ENVELOPE_MAX];
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.fault = fault;
    outcome.why = why;
    struct record record = {.verb = VERB_REP, .status = (uint8_t)status, .tag = tag, .envelope = envelope};
    MUST(casebus__outcome__get_packed_size(&outcome) <= sizeof envelope);
    record.envelope_size = (uint32_t)casebus__outcome__pack(&outcome, envelope);
    insurer_say(insurer, now_ms, &record);
}

static void hear_answer(struct insurer *insurer, struct keys *keys, int64_t now_ms, const struct record *record)
{
    struct arena arena;
    struct crossed crossed;
    struct why why;
    arena_init(&arena, ARENA_MAX);
    enum fault fault =
        translate_answer(keys, insurer->lanes, insurer->lane_count, bytes_of(record->envelope, record->envelope_size),
            bytes_of(record->body, record->body_size), &arena, &crossed, &why);
    if (fault != FAULT_NONE) {
        enum status status = fault_status(fault) == FAULT_REFUSED ? STATUS_REFUSED : STATUS_UNAVAILABLE;
        say_outcome(insurer, now_ms, record->tag, status, fault_word(fault), why.text);
    } else {
        struct record answer = {.verb = VERB_ANSWER,
            .flags = RECORD_SEALED,
            .tag = record->tag,
            .root = record->root,
            .envelope = crossed.envelope.at,
            .envelope_size = (uint32_t)crossed.envelope.size,
            .body = crossed.body.at,
            .body_size = (uint32_t)crossed.body.size};
        if (!record_fits(&answer) || !link_send(insurer->link, now_ms, &answer)) {
            say_outcome(insurer, now_ms, record->tag, STATUS_UNAVAILABLE, "UNAVAILABLE",
                "the network does not take answers now");
        }
    }
    arena_done(&arena);
}

void insurer_hear(struct insurer *insurer, struct keys *keys, int64_t now_ms, const struct record *record)
{
    struct record pong = {.verb = VERB_PONG, .tag = record->tag};
    struct record passed = {.verb = record->verb,
        .flags = record->flags & RECORD_FINAL,
        .tag = record->tag,
        .epoch = record->epoch,
        .ttl_ms = record->ttl_ms};
    insurer->heard_ms = now_ms;
    switch (record->verb) {
    case VERB_ANSWER:
        hear_answer(insurer, keys, now_ms, record);
        break;
    case VERB_ACK:
    case VERB_NAK:
        link_send(insurer->link, now_ms, &passed);
        break;
    case VERB_PING:
        insurer_say(insurer, now_ms, &pong);
        break;
    case VERB_BYE:
        insurer->lost = true;
        break;
    default: /* PONG is a sign of life; nothing else is an insurer's to say. */
        break;
    }
}

static void serve_task(struct insurer *insurer, struct keys *keys, int64_t now_ms, const struct record *record)
{
    struct arena arena;
    struct crossed crossed;
    struct why why;
    arena_init(&arena, ARENA_MAX);
    enum fault fault = translate_task(keys, bytes_of(record->envelope, record->envelope_size),
        bytes_of(record->body, record->body_size), &arena, &crossed, &why);
    if (fault == FAULT_NONE) {
        struct record task = {.verb = VERB_TASK,
            .tag = record->tag,
            .epoch = record->epoch,
            .attempt = record->attempt,
            .root = record->root,
            .envelope = crossed.envelope.at,
            .envelope_size = (uint32_t)crossed.envelope.size,
            .body = crossed.body.at,
            .body_size = (uint32_t)crossed.body.size};
        insurer_say(insurer, now_ms, &task);
    } else {
        struct record nak = {.verb = VERB_NAK, .tag = record->tag, .epoch = record->epoch, .ttl_ms = LATER_MS};
        link_send(insurer->link, now_ms, &nak);
    }
    arena_done(&arena);
}

static void serve_outcome(struct insurer *insurer, struct keys *keys, int64_t now_ms, const struct record *record)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, ARENA_MAX);
    contract_unpack(&casebus__outcome__descriptor, record->envelope, record->envelope_size, &CROSSING_EVENT, &arena,
        NULL, &message);
    const Casebus__Outcome *outcome = (const Casebus__Outcome *)message;
    say_outcome(insurer, now_ms, record->tag, record->status, outcome ? outcome->fault : NULL,
        outcome ? translate_why(keys, outcome, &arena) : NULL);
    arena_done(&arena);
}

void insurer_serve(struct insurer *insurer, struct keys *keys, int64_t now_ms)
{
    struct record record;
    enum link_event event;
    while ((event = link_next(insurer->link, now_ms, &record)) != LINK_NOTHING) {
        if (event == LINK_LOST || event == LINK_REFUSED) {
            insurer->lost = true;
        } else if (event == LINK_RECORD && record.verb == VERB_TASK) {
            serve_task(insurer, keys, now_ms, &record);
        } else if (event == LINK_RECORD && record.verb == VERB_REP) {
            serve_outcome(insurer, keys, now_ms, &record);
        }
    }
}
