/* From a record to a call: whatever of it is foreign is looked at here, once, and nowhere else. */
#include "common/service/call.h"

#include "common/contract/guard.h"
#include "common/core/hash.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/names.h"
#include "common/service/sealing.h"

#include <string.h>

static enum fault read_envelope(struct call *call, const struct incoming *record)
{
    ProtobufCMessage *message = NULL;
    struct why why = {0};
    enum fault fault = contract_unpack(&casebus__envelope__descriptor, record->envelope.at, record->envelope.size,
        &CROSSING_EVENT, &call->arena, &why, &message);
    if (fault != FAULT_NONE) {
        return call_fail(call, FAULT_INVALID, "the envelope cannot be read: %s", why.text);
    }
    const Casebus__Envelope *envelope = (const Casebus__Envelope *)message;
    call->envelope = envelope;
    call->subject = envelope->subject;
    if (!id_is_valid(envelope->id) || str_is_empty(envelope->subject)) {
        return call_fail(call, FAULT_INVALID, "the envelope names no id or no subject");
    }
    if (envelope->trace_id.len == TRACE_ID_SIZE) {
        call->trace_id = envelope->trace_id.data;
    }
    call->tenant = tenants_find(call->runtime->options.tenants, envelope->tenant);
    if (call->tenant == NULL) {
        return call_fail(
            call, FAULT_NOT_FOUND, "there is no tenant %s here", envelope->tenant != NULL ? envelope->tenant : "");
    }
    return FAULT_NONE;
}

static void identity_hash(void *context, const char *text, size_t length, uint8_t out[16])
{
    const struct call *call = context;
    enum fault fault =
        keys_lookup_hash(call->runtime->options.keys, call->tenant->name, "identity", bytes_of(text, length), out);
    MUST(fault == FAULT_NONE); /* The ring was opened with the tenants. */
}

void call_fill_tenant(struct call *call)
{
    struct decision *d = call->d;
    d->tenant = call->tenant->name;
    d->tenant_zone = call->tenant->zone;
    d->identity_hash = identity_hash;
    d->identity_hash_context = call;
}

static void fill_facts(struct call *call)
{
    struct decision *d = call->d;
    call_fill_tenant(call);
    d->command_id = call->envelope->id;
    d->subject = call->subject;
    d->actor.id = call->envelope->actor_id;
    d->actor.role = call->envelope->actor_role;
    d->actor.simulated = call->envelope->actor_simulated != 0;
}

/* ---- Who ---- */

/* A person is who a trusted signer says; the system is who has the store's key. */
static enum fault authenticate(struct call *call)
{
    const struct runtime_options *options = &call->runtime->options;
    const Casebus__Envelope *envelope = call->envelope;
    if (!id_is_valid(envelope->actor_id)) {
        return call_fail(call, FAULT_FORBIDDEN, "the envelope names no actor");
    }
    if (envelope->actor_simulated && !call->tenant->synthetic) {
        return call_fail(call, FAULT_FORBIDDEN, "tenant %s has real patients: a simulated person cannot act there",
            call->tenant->name);
    }
    if (envelope->actor_role == CASEBUS__ROLE__ROLE_SYSTEM) {
        return system_proven(options->keys, envelope)
                   ? FAULT_NONE
                   : call_fail(
                         call, FAULT_FORBIDDEN, "the actor %s is no service of this installation", envelope->actor_id);
    }
    enum actor_verdict verdict =
        actor_verify(options->trust, &call->runtime->signers, envelope, call->runtime->now.wall_ms);
    if (verdict != ACTOR_GENUINE) {
        /* Final, also where the signature is too old: the same call carries the same signature however often it comes. */
        return call_fail(call, FAULT_FORBIDDEN, "the actor %s %s", envelope->actor_id, actor_verdict_text(verdict));
    }
    return FAULT_NONE;
}

static enum fault authorise(struct call *call, uint32_t roles)
{
    if (!contract_role_in(roles, call->envelope->actor_role)) {
        return call_fail(
            call, FAULT_FORBIDDEN, "the role of %s does not allow %s", call->envelope->actor_id, call->subject);
    }
    return FAULT_NONE;
}

/* ---- What ---- */

static enum fault open_body(
    struct call *call, const struct incoming *record, const struct sealing *about, struct bytes *out)
{
    if (record->body.size == 0) {
        *out = (struct bytes){0};
        return FAULT_NONE;
    }
    if (!record->sealed || !sealing_open(call->runtime->options.keys, about, record->body, &call->arena, out)) {
        return call_fail(
            call, FAULT_INVALID, "the body of %s cannot be opened: it is not sealed for this call", about->subject);
    }
    return FAULT_NONE;
}

/* The body, opened and unpacked. */
static enum fault read_body(struct call *call, const struct incoming *record, const struct sealing *about,
    const ProtobufCMessageDescriptor *descriptor, const struct crossing *crossing)
{
    struct bytes clear;
    enum fault fault = open_body(call, record, about, &clear);
    if (fault != FAULT_NONE) {
        return fault;
    }
    ProtobufCMessage *message = NULL;
    fault = contract_unpack(descriptor, clear.at, clear.size, crossing, &call->arena, &call->d->why, &message);
    if (fault != FAULT_NONE) {
        return fault;
    }
    call->message = message;
    struct hash hash;
    hash_init(&hash);
    hash_add_part(&hash, call->subject, strlen(call->subject));
    hash_add_part(&hash, clear.at, clear.size);
    hash_done(&hash, call->fingerprint);
    return FAULT_NONE;
}

static struct sealing about(const struct call *call, const char *kind)
{
    return (struct sealing){
        .tenant = call->tenant->name, .kind = kind, .id = call->envelope->id, .subject = call->subject};
}

static enum fault locate(struct call *call, const char *root)
{
    if (!id_is_valid(root)) {
        return call_fail(call, FAULT_INVALID, "%s names no root that could exist", call->subject);
    }
    call->d->root = root;
    call->partition = partition_of(call->tenant->name, root);
    call->root_number = root_number(call->tenant->name, root);
    return FAULT_NONE;
}

/* ---- Kinds ---- */

static enum fault accept_command(struct call *call, const struct incoming *record)
{
    const struct service *service = call->runtime->options.service;
    call->kind = CALL_COMMAND;
    call->contract = contract_find_command(call->subject);
    call->command = call->contract != NULL ? service_command(service, call->contract->message->descriptor) : NULL;
    if (call->command == NULL) {
        return call_fail(call, FAULT_INVALID, "%s is no command of %s", call->subject, service->name);
    }
    enum fault fault = authorise(call, call->contract->roles);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct sealing sealed = about(call, "command");
    fault = read_body(call, record, &sealed, call->command->message, &CROSSING_CALL);
    if (fault == FAULT_NONE) {
        fault = decide_ids(call->d, call->contract, (ProtobufCMessage *)call->message);
    }
    if (fault == FAULT_NONE && !str_is_empty(call->envelope->root) && !str_same(call->envelope->root, call->d->root)) {
        fault = call_fail(
            call, FAULT_INVALID, "the envelope names root %s, the body %s", call->envelope->root, call->d->root);
    }
    return fault != FAULT_NONE ? fault : locate(call, call->d->root);
}

/* Ids for what a timer or an answer makes: a second delivery makes the same. */
static const char *derived_id(struct call *call, const char *kind, const char *a, const char *b, int64_t n)
{
    char id[ID_FRESH_SIZE];
    id_fresh(id, arena_printf(&call->arena, "%s/%s/%s/%s", kind, call->tenant->name, a, b), (uint64_t)n);
    return arena_strdup(&call->arena, id);
}

/* Nobody signs for a timer: it is true because the store has it, and the commit that handles it looks. */
static enum fault accept_timer(struct call *call)
{
    const Casebus__Envelope *envelope = call->envelope;
    const struct service *service = call->runtime->options.service;
    call->kind = CALL_TIMER;
    call->timer = service_timer(service, envelope->kind);
    if (call->timer == NULL || !id_is_valid(envelope->key) || !id_is_valid(envelope->timer)) {
        return call_fail(call, FAULT_INVALID, "%s has no such timer", service->name);
    }
    if (envelope->due_at_ms > call->runtime->now.wall_ms + RUNTIME_EARLY_MS) {
        return call_fail(call, FAULT_UNAVAILABLE, "timer %s is not due yet", envelope->timer);
    }
    enum fault fault = locate(call, envelope->root);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct decision *d = call->d;
    const char *name = timer_name(&call->arena, service->name, envelope->kind, call->tenant->name, envelope->root,
        envelope->key, envelope->timer);
    d->command_id = derived_id(call, "timer", name, "", envelope->due_at_ms);
    d->actor = (struct actor){.id = "system", .role = CASEBUS__ROLE__ROLE_SYSTEM};
    d->now_ms = d->now_ms < envelope->due_at_ms ? envelope->due_at_ms : d->now_ms;
    call->commit.handled_timer = name;
    call->commit.handled_due_ms = envelope->due_at_ms;
    return FAULT_NONE;
}

/* The payer is who has the lane's key. The same answer again is the same command; another one is for the rule to judge.
 */
static enum fault accept_answer(struct call *call, const struct incoming *record)
{
    const Casebus__Envelope *envelope = call->envelope;
    const struct service *service = call->runtime->options.service;
    const struct contract_message *message = contract_find_message(call->subject);
    call->kind = CALL_ANSWER;
    call->answer = message != NULL ? service_answer(service, envelope->kind, message->descriptor) : NULL;
    if (call->answer == NULL || !id_is_valid(envelope->key) || str_is_empty(envelope->lane)) {
        return call_fail(call, FAULT_INVALID, "%s takes no answer %s", service->name, call->subject);
    }
    if (!stream_id_parse(
            envelope->entry, envelope->entry != NULL ? strlen(envelope->entry) : 0, &call->commit.handled_task)) {
        return call_fail(call, FAULT_INVALID, "the answer %s names no task", call->subject);
    }
    struct sealing sealed = about(call, "decided");
    sealed.lane = envelope->lane;
    enum fault fault = read_body(call, record, &sealed, call->answer->message, &CROSSING_PAYER);
    if (fault == FAULT_NONE) {
        fault = locate(call, envelope->root);
    }
    if (fault != FAULT_NONE) {
        return fault;
    }
    call->commit.handled_lane = envelope->lane;
    call->d->command_id = derived_id(call, "answer", envelope->lane, envelope->id,
        (int64_t)hash_number(call->fingerprint, sizeof call->fingerprint));
    const char *last = strrchr(envelope->lane, '/');
    call->d->actor = (struct actor){.id = last != NULL ? last + 1 : envelope->lane,
        .role = CASEBUS__ROLE__ROLE_SYSTEM,
        .simulated = call->tenant->synthetic && envelope->actor_simulated};
    return FAULT_NONE;
}

static enum fault accept_query(struct call *call, const struct incoming *record)
{
    const struct service *service = call->runtime->options.service;
    call->kind = CALL_QUERY;
    call->question = contract_find_query(call->subject);
    bool is_root = str_same(call->subject, "ops.ReadRoot"), is_events = str_same(call->subject, "ops.ReadEvents");
    call->query = call->question != NULL ? service_query(service, call->question->message->descriptor) : NULL;
    if (call->question == NULL || (call->query == NULL && !is_root && !is_events)) {
        return call_fail(call, FAULT_INVALID, "%s is no question that %s answers", call->subject, service->name);
    }
    enum fault fault = authorise(call, call->question->roles);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct sealing sealed = about(call, "query");
    fault = read_body(call, record, &sealed, call->question->message->descriptor, &CROSSING_CALL);
    if (fault == FAULT_NONE && (is_root || is_events)) {
        call->kind = is_root ? CALL_READ_ROOT : CALL_READ_EVENTS;
    }
    return fault;
}

enum fault call_accept(struct call *call, const struct incoming *record)
{
    call->kind = record->verb == VERB_QRY ? CALL_QUERY : CALL_COMMAND;
    enum fault fault = read_envelope(call, record);
    if (fault != FAULT_NONE) {
        return fault;
    }
    fill_facts(call);
    if (record->verb == VERB_ANSWER) {
        return accept_answer(call, record);
    }
    if (record->verb == VERB_CMD && !str_is_empty(call->envelope->timer)) {
        return accept_timer(call);
    }
    fault = authenticate(call);
    if (fault != FAULT_NONE) {
        return fault;
    }
    return record->verb == VERB_QRY ? accept_query(call, record) : accept_command(call, record);
}
