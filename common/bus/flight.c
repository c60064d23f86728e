#include "common/bus/flight.h"

#include <sodium.h>
#include <string.h>

#include "common/contract/guard.h"
#include "common/core/clock.h"
#include "common/core/entropy.h"
#include "common/core/must.h"
#include "common/core/slice.h"

static bool text_fits(const char *text, size_t size_max)
{
    return text == NULL || strlen(text) <= size_max;
}

static enum fault check_call(const struct client_call *call, const char *tenant, struct why *why)
{
    if (str_is_empty(call->subject) || !text_fits(call->subject, 128)) {
        why_set(why, "a call needs a subject of at most 128 characters");
        return FAULT_INVALID;
    }
    if (!id_is_valid(tenant)) {
        why_set(why, "the tenant \"%.100s\" is not an id", tenant);
        return FAULT_INVALID;
    }
    const char *const ids[] = {call->id, call->root, call->key, call->cause};
    for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
        if (ids[i] != NULL && !id_is_valid(ids[i])) {
            why_set(why, "\"%.100s\" is not an id", ids[i]);
            return FAULT_INVALID;
        }
    }
    return FAULT_NONE;
}

static void fill_envelope(Casebus__Envelope *envelope, const struct flight *flight, const struct client_call *call,
    const struct client_actor *actor, uint32_t timeout_ms)
{
    int64_t life_ms = (int64_t)timeout_ms + FLIGHT_ACTOR_MORE_MS;
    envelope->id = flight->result.id;
    envelope->subject = flight->subject;
    envelope->tenant = flight->tenant;
    envelope->root = call->root;
    envelope->key = call->key;
    envelope->cause = call->cause;
    envelope->has_expect_version = call->expect_version != 0;
    envelope->expect_version = call->expect_version;
    envelope->has_issued_at_ms = envelope->has_expires_at_ms = true;
    envelope->issued_at_ms = clock_wall_ms();
    envelope->expires_at_ms = envelope->issued_at_ms + (life_ms < ACTOR_LIFE_MAX_MS ? life_ms : ACTOR_LIFE_MAX_MS);
    if (call->trace_id != NULL) {
        envelope->has_trace_id = true;
        envelope->trace_id = (ProtobufCBinaryData){.data = (uint8_t *)call->trace_id, .len = 16};
    }
    if (actor->id != NULL) {
        envelope->actor_id = actor->id;
        envelope->has_actor_role = true;
        envelope->actor_role = actor->role;
        envelope->has_actor_simulated = true;
        envelope->actor_simulated = actor->simulated;
    }
}

/* Packed without its signature, with room for that behind it: fields of a protobuf may be appended. */
static enum fault pack_envelope(struct flight *flight, const struct client_call *call, const struct client_actor *actor,
    uint32_t timeout_ms, struct why *why)
{
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    fill_envelope(&envelope, flight, call, actor, timeout_ms);
    if (actor->key != NULL && !actor_leaf(&envelope, &flight->leaf)) {
        why_set(why, "the actor cannot be signed: id, role and subject are needed");
        return FAULT_INVALID;
    }
    flight->unsigned_by = actor->key;
    size_t size = casebus__envelope__get_packed_size(&envelope);
    uint8_t *bytes = arena_alloc(&flight->result.arena, size + FLIGHT_PROOF_MAX);
    casebus__envelope__pack(&envelope, bytes);
    flight->record.envelope = bytes;
    flight->record.envelope_size = (uint32_t)size;
    return FAULT_NONE;
}

static void append_proof(struct flight *flight, const struct actor_proof *proof)
{
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    actor_prove(&envelope, proof);
    MUST(casebus__envelope__get_packed_size(&envelope) <= FLIGHT_PROOF_MAX);
    uint8_t *end = (uint8_t *)flight->record.envelope + flight->record.envelope_size;
    flight->record.envelope_size += (uint32_t)casebus__envelope__pack(&envelope, end);
    flight->unsigned_by = NULL;
}

void flights_sign(struct flight *const *flights, unsigned count)
{
    struct actor_hash leaves[ACTOR_LEAVES_MAX];
    struct actor_proof proofs[ACTOR_LEAVES_MAX];
    MUST(count > 0 && count <= ACTOR_LEAVES_MAX);
    for (unsigned i = 0; i < count; i++) {
        leaves[i] = flights[i]->leaf;
    }
    actor_sign_leaves(flights[0]->unsigned_by, leaves, count, proofs);
    for (unsigned i = 0; i < count; i++) {
        append_proof(flights[i], &proofs[i]);
    }
}

/* As it will be once it is signed. */
static bool will_fit(const struct flight *flight)
{
    struct record record = flight->record;
    record.envelope_size += flight->unsigned_by != NULL ? FLIGHT_PROOF_MAX : 0;
    return record_fits(&record);
}

/* Questions of operators are answered by brokers too, which have no key: they travel clear and hold no body of the
 * trade. */
static bool travels_clear(const struct flight *flight, const struct body_seal *seal)
{
    return seal->seal == NULL || (flight->query && str_starts_with(flight->subject, "broker."));
}

static struct body_about about_of(const struct flight *flight, const char *command_kind, const char *query_kind)
{
    return (struct body_about){
        .tenant = flight->tenant,
        .kind = flight->query ? query_kind : command_kind,
        .id = flight->result.id,
        .subject = flight->subject,
    };
}

static enum fault seal_body(
    struct flight *flight, const struct body_seal *seal, const struct client_call *call, struct why *why)
{
    struct arena *arena = &flight->result.arena;
    struct body body = {arena_memdup(arena, call->body.bytes, call->body.size), call->body.size};
    if (!travels_clear(flight, seal)) {
        struct body_about about = about_of(flight, "command", "query");
        enum fault fault = seal->seal(seal->context, &about, body, arena, why, &body);
        if (fault != FAULT_NONE) {
            return fault;
        }
        flight->record.flags |= RECORD_SEALED;
    }
    flight->record.body = body.bytes;
    flight->record.body_size = (uint32_t)body.size;
    return FAULT_NONE;
}

static enum fault fill(struct flight *flight, const struct client_options *options, const struct client_call *call,
    uint32_t timeout_ms, struct why *why)
{
    struct arena *arena = &flight->result.arena;
    const char *tenant = call->tenant != NULL ? call->tenant : options->tenant;
    enum fault fault = check_call(call, tenant, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    if (call->body.size > CLIENT_BODY_MAX) {
        why_set(why, "the body has %zu bytes, at most %d can be sent", call->body.size, CLIENT_BODY_MAX);
        return FAULT_INVALID;
    }
    flight->tenant = arena_strdup(arena, tenant);
    flight->subject = arena_strdup(arena, call->subject);
    if (call->id != NULL) {
        memcpy(flight->result.id, call->id, strlen(call->id) + 1);
    } else {
        id_random(flight->result.id);
    }
    flight->record = (struct record){
        .verb = flight->query ? VERB_QRY : VERB_CMD,
        .class = (uint8_t)call->class,
        .root = record_root(tenant, call->root != NULL ? call->root : call->key),
    };
    fault = pack_envelope(flight, call, call->actor != NULL ? call->actor : &options->actor, timeout_ms, why);
    if (fault == FAULT_NONE) {
        fault = seal_body(flight, &options->seal, call, why);
    }
    if (fault == FAULT_NONE && !will_fit(flight)) {
        why_set(why, "envelope or sealed body is larger than a frame can hold");
        fault = FAULT_INVALID;
    }
    return fault;
}

enum fault flight_begin(struct flight *flight, const struct client_options *options, const struct client_call *call,
    bool query, int64_t now_ms, struct why *why)
{
    uint32_t timeout_ms = call->timeout_ms != 0 ? call->timeout_ms : CLIENT_TIMEOUT_MS;
    *flight = (struct flight){
        .state = FLIGHT_WAITING,
        .query = query,
        .once = call->once,
        .prompt = call->prompt,
        .link = -1,
        .deadline_ms = now_ms + timeout_ms,
        .began_us = clock_monotonic_us(),
    };
    flight->result.context = call->context;
    arena_init(&flight->result.arena, 0);
    enum fault fault = fill(flight, options, call, timeout_ms, why);
    if (fault != FAULT_NONE) {
        arena_done(&flight->result.arena);
        flight->state = FLIGHT_FREE;
    }
    return fault;
}

uint32_t flight_ttl_ms(const struct flight *flight, int64_t now_ms)
{
    int64_t left_ms = flight->deadline_ms - now_ms;
    if (left_ms <= 0) {
        return 0;
    }
    int64_t less_ms = left_ms / 8 < FLIGHT_ANSWER_MS ? left_ms / 8 : FLIGHT_ANSWER_MS;
    return (uint32_t)(left_ms - less_ms);
}

void flight_sent(struct flight *flight, int link)
{
    flight->state = FLIGHT_SENT;
    flight->link = link;
    flight->result.sent++;
    flight->record.flags |= RECORD_REPEAT; /* From the second time on. */
}

/* Ends the call. A refusal that promises no effect speaks for its own attempt only: after an attempt without such a
 * promise the outcome of a command stays unknown. */
static void finish(struct flight *flight, enum fault fault)
{
    bool speaks_for_all = fault == FAULT_NONE || fault_is_refusal(fault);
    if (!speaks_for_all && flight->may_be_done && !flight->query) {
        fault = FAULT_UNKNOWN;
    }
    flight->result.fault = fault;
    flight->result.took_us = clock_monotonic_us() - flight->began_us;
    flight->state = FLIGHT_DONE;
}

/* Rests with full jitter, at least for what the answer asked for; or ends when no time would be left afterwards. */
static void rest(struct flight *flight, enum fault fault, uint32_t at_least_ms, int64_t now_ms)
{
    unsigned doublings = flight->rests < 7 ? flight->rests : 7;
    uint32_t most_ms = FLIGHT_REST_MIN_MS << doublings;
    most_ms = most_ms < FLIGHT_REST_MAX_MS ? most_ms : FLIGHT_REST_MAX_MS;
    uint32_t rest_ms = 1 + randombytes_uniform(most_ms);
    flight->result.fault = fault;
    flight->due_ms = now_ms + (rest_ms > at_least_ms ? rest_ms : at_least_ms);
    flight->rests++;
    flight->state = FLIGHT_RESTING;
    bool nobody_there = flight->prompt && fault == FAULT_UNAVAILABLE;
    if (flight->once || nobody_there || flight->due_ms >= flight->deadline_ms) {
        finish(flight, fault);
    }
}

static const Casebus__Outcome *read_outcome(struct flight *flight, const struct record *answer)
{
    ProtobufCMessage *message = NULL;
    if (contract_unpack(&casebus__outcome__descriptor, answer->envelope, answer->envelope_size, &CROSSING_EVENT,
            &flight->result.arena, NULL, &message) != FAULT_NONE) {
        return NULL;
    }
    return (const Casebus__Outcome *)message;
}

static enum fault fault_of_status(uint8_t status)
{
    switch ((enum status)status) {
    case STATUS_OK:
        return FAULT_NONE;
    case STATUS_REFUSED:
        return FAULT_REFUSED;
    case STATUS_OVERLOADED:
        return FAULT_OVERLOADED;
    case STATUS_UNAVAILABLE:
        return FAULT_UNAVAILABLE;
    case STATUS_EXPIRED:
        return FAULT_EXPIRED;
    case STATUS_UNKNOWN:
    case STATUS_NONE:
        return FAULT_UNKNOWN;
    }
    return FAULT_UNKNOWN;
}

/* The fault that an answer names, if it is one of the answer's status; the header decides when they differ. */
static enum fault fault_of(const struct record *answer, const Casebus__Outcome *outcome)
{
    enum fault by_status = fault_of_status(answer->status), named;
    if (outcome == NULL) {
        return FAULT_UNKNOWN; /* Whoever wrote this does not speak the contract. */
    }
    bool is_named = outcome->fault != NULL && fault_from_word(outcome->fault, &named);
    return is_named && fault_status(named) == by_status ? named : by_status;
}

/* Copies the reply out of the frame and opens it. A program that seals its commands takes no clear reply for them. */
static enum fault open_reply(struct flight *flight, const struct body_seal *seal, const struct record *answer)
{
    struct arena *arena = &flight->result.arena;
    struct body reply = {arena_memdup(arena, answer->body, answer->body_size), answer->body_size};
    bool is_sealed = (answer->flags & RECORD_SEALED) != 0;
    if (is_sealed && seal->open != NULL) {
        struct body_about about = about_of(flight, "reply", "answer");
        return seal->open(seal->context, &about, reply, arena, &flight->result.why, &flight->result.reply);
    }
    if (reply.size > 0 && (is_sealed || !travels_clear(flight, seal))) {
        why_set(&flight->result.why, is_sealed ? "the reply is sealed and there is no key" : "the reply is not sealed");
        return FAULT_INTERNAL;
    }
    flight->result.reply = reply;
    return FAULT_NONE;
}

/* A service's sentence comes sealed, a broker's clear. One that does not open is not shown. */
static void read_why(
    struct flight *flight, const struct body_seal *seal, const Casebus__Outcome *outcome, enum fault fault)
{
    struct body_about about = about_of(flight, "refusal", "refusal");
    struct body why = {0};
    const char *said = outcome != NULL ? outcome->why : "the answer breaks the contract";
    why_set(&flight->result.why, "%s", said == NULL ? fault_meaning(fault) : said);
    if (outcome != NULL && outcome->has_sealed_why && seal->open != NULL &&
        seal->open(seal->context, &about, (struct body){outcome->sealed_why.data, outcome->sealed_why.len},
            &flight->result.arena, NULL, &why) == FAULT_NONE) {
        why_set(&flight->result.why, "%.*s", (int)why.size, (const char *)why.bytes);
    }
}

void flight_answered(struct flight *flight, const struct body_seal *seal, const struct record *answer, int64_t now_ms)
{
    const Casebus__Outcome *outcome = read_outcome(flight, answer);
    enum fault fault = fault_of(answer, outcome);
    flight->result.outcome = outcome;
    read_why(flight, seal, outcome, fault);
    if (fault == FAULT_NONE) {
        flight->may_be_done = false;
        finish(flight, open_reply(flight, seal, answer));
        return;
    }
    flight->may_be_done |= fault == FAULT_UNKNOWN;
    if (fault_may_retry(fault)) {
        uint32_t named_ms = outcome != NULL ? outcome->retry_after_ms : 0;
        rest(flight, fault, answer->ttl_ms > named_ms ? answer->ttl_ms : named_ms, now_ms);
    } else {
        finish(flight, fault);
    }
}

void flight_lost(struct flight *flight, int64_t now_ms)
{
    flight->may_be_done = true;
    why_set(&flight->result.why, "the link to the broker was lost before it answered");
    rest(flight, flight->query ? FAULT_UNAVAILABLE : FAULT_UNKNOWN, 0, now_ms);
}

void flight_expired(struct flight *flight)
{
    if (flight->state == FLIGHT_SENT) {
        flight->may_be_done = true;
        why_set(&flight->result.why, "no answer came in time");
        finish(flight, FAULT_EXPIRED);
    } else if (flight->result.sent == 0) {
        why_set(&flight->result.why, "could not reach a broker in time");
        finish(flight, FAULT_UNAVAILABLE);
    } else {
        finish(flight, flight->result.fault);
    }
}
