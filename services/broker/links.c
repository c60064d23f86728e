/* Sessions: who is linked to us, and whether it still lives.
 *
 *     (unknown) --HELLO--> READY --silence, broken connection--> SUSPECT --any frame--> READY
 *     READY, SUSPECT --BYE--> LEAVING          any --three intervals' silence, unreachable--> (gone)
 *
 * A suspect peer is given nothing new. What a lost peer had in hand is returned: deliveries go to another instance, calls come
 * back UNKNOWN to their callers, because only the service can know how far it came. */

#include <string.h>

#include "common/contract/guard.h"
#include "common/core/hash.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "proto/envelope.pb-c.h"
#include "services/broker/state.h"

enum { WIRE_MAJOR_SPOKEN = 1, CONTRACT_MAJOR_SPOKEN = 1 };

struct peer *peer_find(struct broker *b, uint32_t id)
{
    return map_find(&b->peers, mix64(id));
}

struct peer *peer_of_session(struct broker *b, uint64_t session)
{
    return session ? pool_find(&b->peer_pool, session) : NULL;
}

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

static bool pattern_matches(const char *pattern, const char *lane)
{
    size_t size = strlen(pattern);
    if (size && pattern[size - 1] == '*') {
        return strncmp(pattern, lane, size - 1) == 0;
    }
    return strcmp(pattern, lane) == 0;
}

bool peer_takes_lane(const struct peer *peer, const char *lane)
{
    for (unsigned i = 0; i < peer->lane_count; i++) {
        if (pattern_matches(peer->lanes[i], lane)) {
            return true;
        }
    }
    return false;
}

static void session_end(struct broker *b, struct peer *peer, bool blamed);

static const char *hello_refusal(const Casebus__Hello *hello)
{
    if (hello->has_wire_major && hello->wire_major != WIRE_MAJOR_SPOKEN) {
        return "this broker speaks another major version of the wire protocol";
    }
    if (hello->has_contract_major && hello->contract_major != CONTRACT_MAJOR_SPOKEN) {
        return "this broker knows another major version of the contract";
    }
    if (hello->kind == CASEBUS__PEER_KIND__PEER_KIND_PAYER) {
        return "an insurer links to an edge, not to a broker";
    }
    if (hello->n_serves > PEER_SERVES_MAX) {
        return "too many subject prefixes";
    }
    for (size_t i = 0; i < hello->n_serves; i++) {
        if (!id_is_valid(hello->serves[i]) || strcmp(hello->serves[i], "broker") == 0) {
            return "a subject prefix is no service name";
        }
    }
    return NULL;
}

static void take_lanes(struct peer *peer, const Casebus__Hello *hello)
{
    for (unsigned i = 0; i < peer->lane_count; i++) {
        free(peer->lanes[i]);
    }
    free(peer->lanes);
    peer->lane_count = (unsigned)hello->n_lanes;
    peer->lanes = hello->n_lanes ? calloc(hello->n_lanes, sizeof *peer->lanes) : NULL;
    for (size_t i = 0; i < hello->n_lanes; i++) {
        peer->lanes[i] = strdup(hello->lanes[i]);
        MUST(peer->lanes[i]);
    }
}

static void leave_crews(struct broker *b, struct peer *peer)
{
    for (unsigned i = 0; i < peer->serves_count; i++) {
        crew_leave(peer->serves[i], peer);
    }
    if (peer->group) {
        crew_leave(&peer->group->crew, peer);
    }
    for (unsigned i = 0; peer->lane_count && i < b->crew_count; i++) {
        crew_leave(b->crew_list[i], peer);
    }
}

/* Calls that wait for a crew nobody is in any more would only wait to die. */
static void abandon_crews(struct broker *b, struct peer *peer)
{
    for (unsigned i = 0; i < peer->serves_count; i++) {
        if (!crew_is_manned(peer->serves[i])) {
            route_abandon(b, peer->serves[i], "no instance of the service is left");
        }
    }
}

static void join_crews(struct broker *b, struct peer *peer, const Casebus__Hello *hello)
{
    peer->serves_count = 0;
    for (size_t i = 0; i < hello->n_serves; i++) {
        struct crew *crew = crew_require(b, hello->serves[i]);
        if (crew && crew_join(crew, peer)) {
            peer->serves[peer->serves_count++] = crew;
        }
    }
    peer->group = hello->group ? group_require(b, hello->group) : NULL;
    if (peer->group && crew_join(&peer->group->crew, peer)) {
        group_want(peer->group, hello->wants, hello->n_wants);
        deliver_joined(b, peer->group);
    }
    lanes_joined(b, peer);
}

static void welcome(struct broker *b, struct peer *peer, uint64_t tag)
{
    Casebus__Welcome welcome = CASEBUS__WELCOME__INIT;
    welcome.has_session = true;
    welcome.session = peer->session;
    welcome.broker = b->name;
    welcome.has_heartbeat_ms = true;
    welcome.heartbeat_ms = b->limits.heartbeat_ms;
    welcome.has_credit_messages = true;
    welcome.credit_messages = b->limits.credits;
    welcome.has_now_ms = true;
    welcome.now_ms = b->wall_ms;
    welcome.has_contract_major = true;
    welcome.contract_major = CONTRACT_MAJOR_SPOKEN;
    uint8_t envelope[ENVELOPE_MAX];
    struct record record = {.verb = VERB_WELCOME, .tag = tag, .envelope = envelope};
    record.envelope_size = (uint32_t)casebus__welcome__pack(&welcome, envelope);
    outbox_add(b, peer, &record);
}

static struct peer *peer_new(struct broker *b, uint32_t id)
{
    uint64_t session;
    struct peer *peer = pool_take(&b->peer_pool, &session);
    if (!peer) {
        return NULL;
    }
    peer->id = id;
    peer->session = session;
    peer->linked_wall_ms = b->wall_ms;
    list_init(&peer->dirty);
    list_init(&peer->errands);
    list_init(&peer->parcels);
    deadline_init(&peer->quiet);
    peer->quiet.owner = DUE_PEER;
    list_append(&b->peer_list, &peer->all);
    map_put(&b->peers, mix64(id), peer);
    b->counters.links_made++;
    return peer;
}

/* A HELLO begins a session, also where one is open: whoever greets has forgotten what it had in hand. Nobody died of it, though. */
static void hello_take(struct broker *b, uint32_t id, const struct record *record, const Casebus__Hello *hello)
{
    struct peer *peer = peer_find(b, id);
    if (peer) {
        session_end(b, peer, false);
    }
    if (!(peer = peer_new(b, id))) {
        outbox_reset(b, id, record->tag, STATUS_OVERLOADED, "this broker has no room for another link");
        return;
    }
    peer->state = PEER_READY;
    peer->kind = (int)hello->kind;
    copy_text(peer->instance, sizeof peer->instance, hello->instance);
    copy_text(peer->service, sizeof peer->service, hello->service);
    copy_text(peer->version, sizeof peer->version, hello->version);
    if (hello->contract_hash.len >= sizeof peer->contract) {
        memcpy(peer->contract, hello->contract_hash.data, sizeof peer->contract);
    }
    peer->weight = name_hash(peer->instance, strlen(peer->instance));
    peer->window = hello->has_credit_messages && hello->credit_messages ? hello->credit_messages : b->limits.credits;
    peer->heard_ms = b->now_ms;
    take_lanes(peer, hello);
    welcome(b, peer, record->tag);
    join_crews(b, peer, hello);
    wheel_set(&b->wheel, &peer->quiet, b->now_ms + b->limits.heartbeat_ms);
    peer_has_credit(b, peer);
}

static void links_hello(struct broker *b, uint32_t id, const struct record *record)
{
    struct arena arena;
    struct why why;
    ProtobufCMessage *message = NULL;
    const uint8_t *bytes = record->body_size ? record->body : record->envelope;
    size_t size = record->body_size ? record->body_size : record->envelope_size;
    arena_init(&arena, 1 << 20);
    if (contract_unpack(&casebus__hello__descriptor, bytes, size, &CROSSING_EVENT, &arena, &why, &message) !=
        FAULT_NONE) {
        outbox_reset(b, id, record->tag, STATUS_REFUSED, why.text);
    } else {
        const Casebus__Hello *hello = (const Casebus__Hello *)message;
        const char *refusal = b->draining ? "this broker is leaving" : hello_refusal(hello);
        if (refusal) {
            outbox_reset(b, id, record->tag, b->draining ? STATUS_UNAVAILABLE : STATUS_REFUSED, refusal);
        } else {
            hello_take(b, id, record, hello);
        }
    }
    arena_done(&arena);
}

static void links_answer(struct broker *b, struct peer *peer, const struct record *record)
{
    struct errand *errand = errand_find(b, record->tag);
    if (!errand || errand->peer != peer) {
        b->counters.stale_tag++;
        return;
    }
    peer->handled++;
    if (errand->kind == ERRAND_DELIVERY) {
        delivery_answer(b, (struct delivery *)errand, record);
    } else {
        route_reply(b, peer, (struct call *)errand, record);
    }
    if (record->flags & RECORD_BELL) {
        partition_ring(b, record->partition, (record->flags & RECORD_BELL_LANES) != 0);
    }
    peer_has_credit(b, peer);
}

static void links_bye(struct broker *b, struct peer *peer)
{
    leave_crews(b, peer);
    abandon_crews(b, peer);
    peer->serves_count = 0;
    peer->group = NULL;
    peer->state = PEER_LEAVING;
    lanes_left(b, peer);
}

static void links_record(struct broker *b, struct peer *peer, const struct record *record)
{
    switch (record->verb) {
    case VERB_CMD:
    case VERB_QRY:
        route_call(b, peer, record);
        break;
    case VERB_ANSWER:
        /* An edge gives its own tag: an answer may come without any task of ours under way. */
        route_call(b, peer, record);
        break;
    case VERB_REP:
    case VERB_QRS:
    case VERB_ACK:
    case VERB_NAK:
    case VERB_TERM:
        links_answer(b, peer, record);
        break;
    case VERB_CANCEL:
        route_cancel(b, peer, record);
        break;
    case VERB_PING: {
        struct record pong = {.verb = VERB_PONG, .tag = record->tag};
        outbox_add(b, peer, &pong);
        break;
    }
    case VERB_CREDIT:
        peer->window = record->tag > b->limits.deliveries ? b->limits.deliveries : (uint32_t)record->tag;
        peer_has_credit(b, peer);
        break;
    case VERB_BYE:
        links_bye(b, peer);
        break;
    case VERB_BELL:
        partition_ring(b, record->partition, true);
        break;
    default: /* PONG is a sign of life and nothing else; what only a broker says is ignored. */
        break;
    }
}

static void sign_of_life(struct broker *b, struct peer *peer)
{
    peer->heard_ms = b->now_ms;
    if (peer->state == PEER_SUSPECT) {
        peer->state = PEER_READY;
        peer_has_credit(b, peer);
    }
}

void links_frame(struct broker *b, const struct broker_input *in)
{
    struct frame_reader reader;
    struct record record;
    b->counters.frames++;
    if (frame_begin(&reader, in->bytes, in->size) != FRAME_NONE) {
        b->counters.frames_dropped++;
        return;
    }
    struct peer *peer = peer_find(b, in->peer);
    if (peer) {
        sign_of_life(b, peer);
    }
    while (frame_next(&reader, &record)) {
        if (record.verb == VERB_HELLO) {
            links_hello(b, in->peer, &record);
            peer = peer_find(b, in->peer);
        } else if (peer) {
            links_record(b, peer, &record);
        } else {
            b->counters.records_stray++;
            outbox_reset(b, in->peer, record.tag, STATUS_UNAVAILABLE, "no session: say HELLO");
            return;
        }
    }
    if (peer && peer->out_bytes > b->limits.out_bytes * 2u) {
        outbox_drop(b, peer);
        outbox_reset(b, in->peer, 0, STATUS_OVERLOADED, "answers are not taken");
        link_lose(b, peer);
    }
}

static void ping(struct broker *b, struct peer *peer)
{
    struct record record = {.verb = VERB_PING};
    outbox_add(b, peer, &record);
}

void links_suspect(struct broker *b, struct peer *peer)
{
    if (peer->state == PEER_READY) {
        peer->state = PEER_SUSPECT;
        b->counters.link_suspect++;
    }
    ping(b, peer);
}

void links_due(struct broker *b, struct peer *peer)
{
    int64_t silent_ms = b->now_ms - peer->heard_ms, interval = b->limits.heartbeat_ms;
    if (silent_ms >= 3 * interval) {
        link_lose(b, peer);
        return;
    }
    if (silent_ms >= 2 * interval && peer->state == PEER_READY) {
        links_suspect(b, peer);
    } else if (silent_ms >= interval || b->now_ms - peer->said_ms >= interval) {
        ping(b, peer);
    }
    wheel_set(&b->wheel, &peer->quiet, b->now_ms + interval);
}

void link_lose(struct broker *b, struct peer *peer)
{
    session_end(b, peer, true);
}

/* What it had in hand goes back; `blamed` says that it may be to blame for the loss. */
static void session_end(struct broker *b, struct peer *peer, bool blamed)
{
    bool had_work = !list_is_empty(&peer->errands);
    leave_crews(b, peer);
    map_remove(&b->peers, mix64(peer->id));
    list_remove(&peer->all);
    deadline_clear(&peer->quiet);
    outbox_drop(b, peer);
    peer->state = PEER_LEAVING;
    for (struct list *node; (node = list_first(&peer->errands));) {
        struct errand *errand = list_entry(node, struct errand, node);
        if (errand->kind == ERRAND_DELIVERY) {
            delivery_lost(b, (struct delivery *)errand, blamed);
        } else {
            route_lost(b, (struct call *)errand);
        }
    }
    abandon_crews(b, peer);
    lanes_left(b, peer);
    Casebus__Hello nothing = CASEBUS__HELLO__INIT;
    take_lanes(peer, &nothing);
    b->counters.links_lost += had_work;
    pool_give(&b->peer_pool, peer->session);
}

void links_drain(struct broker *b)
{
    for (struct list *node = b->peer_list.next; node != &b->peer_list; node = node->next) {
        struct record record = {.verb = VERB_BYE};
        outbox_add(b, list_entry(node, struct peer, all), &record);
    }
}
