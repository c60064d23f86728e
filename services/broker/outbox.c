/* What leaves: records for one peer go into one frame, until the shell has sent it. */

#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "proto/envelope.pb-c.h"
#include "services/broker/state.h"

static struct parcel *parcel_new(struct broker *b, struct peer *peer)
{
    struct list *idle = list_first(&b->idle_parcels);
    struct parcel *parcel;
    if (idle) {
        list_remove(idle);
        parcel = list_entry(idle, struct parcel, node);
    } else {
        parcel = calloc(1, sizeof *parcel);
        MUST(parcel);
        list_init(&parcel->node);
    }
    list_append(&peer->parcels, &parcel->node);
    if (list_is_empty(&peer->dirty)) {
        list_append(&b->dirty, &peer->dirty);
    }
    return parcel;
}

static struct parcel *parcel_require(struct broker *b, struct peer *peer)
{
    struct list *last = peer->parcels.prev;
    return last == &peer->parcels ? parcel_new(b, peer) : list_entry(last, struct parcel, node);
}

void outbox_add(struct broker *b, struct peer *peer, const struct record *record)
{
    MUST(record_fits(record));
    struct parcel *parcel = parcel_require(b, peer);
    if (!frame_append(&parcel->frame, record)) {
        parcel = parcel_new(b, peer);
        MUST(frame_append(&parcel->frame, record));
    }
    peer->out_bytes += record_size(record);
    peer->said_ms = b->now_ms;
}

static void parcel_put_away(struct broker *b, struct parcel *parcel)
{
    enum { KEPT_BYTES = 256 << 10 };
    list_remove(&parcel->node);
    if (parcel->frame.room > KEPT_BYTES) {
        frame_done(&parcel->frame);
        parcel->frame = (struct frame){0};
    }
    frame_clear(&parcel->frame);
    list_append(&b->idle_parcels, &parcel->node);
}

void outbox_drop(struct broker *b, struct peer *peer)
{
    for (struct list *node; (node = list_first(&peer->parcels));) {
        parcel_put_away(b, list_entry(node, struct parcel, node));
    }
    list_remove(&peer->dirty);
    peer->out_bytes = 0;
}

void outbox_done(struct broker *b)
{
    for (struct list *node; (node = list_first(&b->idle_parcels));) {
        struct parcel *parcel = list_entry(node, struct parcel, node);
        list_remove(node);
        frame_done(&parcel->frame);
        free(parcel);
    }
    for (unsigned i = 0; i < STRAYS_MAX; i++) {
        frame_done(&b->strays[i].frame);
    }
}

static size_t pack_outcome(
    uint8_t *out, uint32_t retry_after_ms, const char *fault, const char *why, const char *body_type)
{
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.fault = fault;
    outcome.why = why;
    outcome.body_type = body_type;
    outcome.has_retry_after_ms = retry_after_ms > 0;
    outcome.retry_after_ms = retry_after_ms;
    MUST(casebus__outcome__get_packed_size(&outcome) <= ENVELOPE_MAX);
    return casebus__outcome__pack(&outcome, out);
}

/* A peer without a session gets one RESET a turn; beyond a few of them the rest will be told when they speak again. */
void outbox_reset(struct broker *b, uint32_t peer_id, uint64_t tag, enum status status, const char *why)
{
    if (b->stray_count == STRAYS_MAX) {
        return;
    }
    uint8_t envelope[ENVELOPE_MAX];
    struct stray *stray = &b->strays[b->stray_count++];
    stray->peer = peer_id;
    frame_clear(&stray->frame);
    struct record record = {.verb = VERB_RESET, .status = (uint8_t)status, .tag = tag, .envelope = envelope};
    record.envelope_size = (uint32_t)pack_outcome(envelope, 0, status == STATUS_REFUSED ? "REFUSED" : NULL, why, NULL);
    MUST(frame_append(&stray->frame, &record));
}

void answer_caller(struct broker *b, uint64_t session, uint64_t tag, uint8_t verb, enum status status,
    uint32_t retry_after_ms, const char *fault, const char *why)
{
    struct peer *caller = peer_of_session(b, session);
    if (!caller) {
        b->counters.replies_late++;
        return;
    }
    uint8_t envelope[ENVELOPE_MAX];
    struct record record = {.status = (uint8_t)status, .tag = tag, .ttl_ms = retry_after_ms, .envelope = envelope};
    record.verb = verb == VERB_QRY ? VERB_QRS : VERB_REP;
    record.envelope_size = (uint32_t)pack_outcome(envelope, retry_after_ms, fault, why, NULL);
    outbox_add(b, caller, &record);
}

void broker_answer(struct broker *b, uint64_t ticket, enum status status, const char *fault, const char *why,
    const char *body_type, const uint8_t *body, uint32_t body_size)
{
    for (struct list *node = b->questions.next; node != &b->questions; node = node->next) {
        struct question *question = list_entry(node, struct question, node);
        if (question->ticket != ticket) {
            continue;
        }
        struct peer *caller = peer_of_session(b, question->caller);
        if (caller) {
            uint8_t envelope[ENVELOPE_MAX];
            struct record record = {.verb = VERB_QRS,
                .status = (uint8_t)status,
                .tag = question->caller_tag,
                .envelope = envelope,
                .body = body,
                .body_size = body_size};
            record.envelope_size = (uint32_t)pack_outcome(envelope, 0, fault, why, body_type);
            outbox_add(b, caller, &record);
        }
        list_remove(node);
        free(question->copy);
        free(question);
        return;
    }
}

bool broker_frame(struct broker *b, uint32_t *out_peer, const struct frame **out)
{
    if (b->stray_next < b->stray_count) {
        *out_peer = b->strays[b->stray_next].peer;
        *out = &b->strays[b->stray_next].frame;
        return true;
    }
    struct list *first = list_first(&b->dirty);
    if (!first) {
        return false;
    }
    struct peer *peer = list_entry(first, struct peer, dirty);
    *out_peer = peer->id;
    *out = &list_entry(peer->parcels.next, struct parcel, node)->frame;
    return true;
}

void broker_frame_sent(struct broker *b)
{
    if (b->stray_next < b->stray_count) {
        if (++b->stray_next == b->stray_count) {
            b->stray_next = b->stray_count = 0;
        }
        return;
    }
    struct list *first = list_first(&b->dirty);
    MUST(first);
    struct peer *peer = list_entry(first, struct peer, dirty);
    struct parcel *parcel = list_entry(peer->parcels.next, struct parcel, node);
    peer->out_bytes -= parcel->frame.size;
    parcel_put_away(b, parcel);
    if (list_is_empty(&peer->parcels)) {
        list_remove(&peer->dirty);
    }
}

/* The peer waits behind the others, until broker_frames_again(). */
void broker_frame_later(struct broker *b)
{
    if (b->stray_next < b->stray_count) {
        broker_frame_sent(b);
        return;
    }
    struct list *first = list_first(&b->dirty);
    MUST(first);
    list_remove(first);
    list_append(&b->stuck, first);
}

void broker_frames_again(struct broker *b)
{
    for (struct list *node; (node = list_first(&b->stuck));) {
        list_remove(node);
        list_append(&b->dirty, node);
    }
}
