/* How a call ends: one answer to who asked, one report for the log. */
#include "common/service/call.h"

#include "common/contract/guard.h"
#include "common/core/must.h"
#include "common/service/sealing.h"

#define AGAIN_BUSY_MS  100  /* a delivery comes again after so long when there was no room */
#define AGAIN_LATER_MS 1000 /* and after so long when something is down or broken */

static enum status status_of(enum fault fault)
{
    switch (fault_status(fault)) {
    case FAULT_NONE:
        return STATUS_OK;
    case FAULT_REFUSED:
        return STATUS_REFUSED;
    case FAULT_UNKNOWN:
        return STATUS_UNKNOWN;
    case FAULT_OVERLOADED:
        return STATUS_OVERLOADED;
    case FAULT_EXPIRED:
        return STATUS_EXPIRED;
    case FAULT_UNAVAILABLE:
    case FAULT_INVALID:
    case FAULT_FORBIDDEN:
    case FAULT_NOT_FOUND:
    case FAULT_CONFLICT:
    case FAULT_STALE:
    case FAULT_INTERNAL:
    case FAULT_WANT:
    case FAULT_COUNT:
        break;
    }
    return STATUS_UNAVAILABLE;
}

static struct bytes pack(struct call *call, const ProtobufCMessage *message)
{
    struct packed packed = contract_pack(message, &call->arena);
    return bytes_of(packed.data, packed.size);
}

static struct outgoing outgoing_of(const struct call *call)
{
    return (struct outgoing){.link = call->link, .session = call->session, .tag = call->tag, .epoch = call->epoch};
}

static void send(struct call *call, const struct outgoing *out)
{
    const struct runtime_port *port = call->runtime->options.port;
    port->answer(port->context, out);
}

/* ---- Refusals ---- */

/* Why, for who asked and for nobody on the way: a sentence may speak of a patient. Before the tenant is known it can only
 * speak of the envelope, which is clear; to a broker, about an event, it is not said at all. */
static void say_why(struct call *call, Casebus__Outcome *outcome)
{
    const char *why = call->d->why.text;
    bool is_answer = call->verb == VERB_ANSWER;
    if (call->tenant == NULL && call->kind != CALL_EVENT) {
        outcome->why = why;
    }
    if (call->tenant == NULL || call->kind == CALL_EVENT || why[0] == '\0' ||
        (is_answer && call->envelope->lane == NULL)) {
        return;
    }
    struct sealing about = {.tenant = call->tenant->name,
        .kind = "refusal",
        .id = call->envelope->id,
        .subject = is_answer ? "" : call->subject,
        .lane = is_answer ? call->envelope->lane : NULL};
    struct bytes sealed = sealing_seal(call->runtime->options.keys, &about, bytes_of_text(why), &call->arena);
    outcome->has_sealed_why = sealed.size > 0;
    outcome->sealed_why = (ProtobufCBinaryData){sealed.size, (uint8_t *)sealed.at};
    outcome->lane = (char *)about.lane;
    outcome->task = is_answer ? call->envelope->id : NULL;
}

static struct bytes refusal(struct call *call, enum fault fault, uint32_t again_ms)
{
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.fault = (char *)fault_word(fault);
    outcome.root = (char *)call->d->root;
    say_why(call, &outcome);
    if (again_ms > 0) {
        outcome.has_retry_after_ms = 1;
        outcome.retry_after_ms = again_ms;
    }
    return pack(call, &outcome.base);
}

static uint32_t again_ms(enum fault fault)
{
    return fault == FAULT_OVERLOADED ? AGAIN_BUSY_MS : AGAIN_LATER_MS;
}

static void answer_refusal(struct call *call, enum fault fault)
{
    struct outgoing out = outgoing_of(call);
    out.verb = call->verb == VERB_QRY ? VERB_QRS : VERB_REP;
    out.status = status_of(fault);
    out.ttl_ms = fault_may_retry(fault) ? again_ms(fault) : 0;
    out.envelope = refusal(call, fault, out.ttl_ms);
    send(call, &out);
}

/* ---- Bells ---- */

/* Tells the broker what there is to fetch, and nothing more: every look costs the store as much as a write. A commit that moved no
 * root wrote no record (common/store/commit.h), and without a record there is no task. */
static void ring(const struct call *call, struct outgoing *out)
{
    out->bell = !call->repeated && call->commit.root_after.sequence > call->root_state.sequence;
    out->bell_lanes = out->bell && call->commit.task_count > 0;
}

/* ---- Events ---- */

static void answer_event(struct call *call, enum fault fault)
{
    struct outgoing out = outgoing_of(call);
    out.partition = call->delivered_from;
    out.verb = fault == FAULT_NONE ? VERB_ACK : VERB_NAK;
    if (fault == FAULT_NONE && call->root_loaded) {
        ring(call, &out);
    }
    if (fault != FAULT_NONE) {
        /* The status tells the broker whether this was an attempt, or only bad times. */
        out.status = fault_may_retry(fault) ? status_of(fault) : STATUS_REFUSED;
        out.ttl_ms = again_ms(fault);
        out.envelope = refusal(call, fault, out.ttl_ms);
    }
    send(call, &out);
}

/* ---- Replies ---- */

static struct bytes seal_body(struct call *call, const char *kind, struct bytes clear)
{
    struct sealing about = {
        .tenant = call->tenant->name, .kind = kind, .id = call->envelope->id, .subject = call->subject};
    return clear.size > 0 ? sealing_seal(call->runtime->options.keys, &about, clear, &call->arena) : clear;
}

/* The stored one, or what was just committed; both came through the same bytes. */
static void answer_command(struct call *call)
{
    struct outgoing out = outgoing_of(call);
    struct bytes kept = call->repeated ? call->kept : call->commit.reply;
    Casebus__Outcome empty = CASEBUS__OUTCOME__INIT, *outcome = &empty;
    struct bytes body = {0};
    if (kept.size > 0 && !reply_split(kept, &call->arena, &outcome, &body)) {
        answer_refusal(
            call, call_fail(call, FAULT_INTERNAL, "the stored reply of %s cannot be read", call->d->command_id));
        return;
    }
    outcome->has_sequence = 1;
    outcome->sequence = call->repeated ? call->kept_sequence : call->commit.root_after.sequence;
    outcome->has_repeated_command = call->repeated;
    outcome->repeated_command = call->repeated;
    out.verb = VERB_REP;
    out.status = STATUS_OK;
    out.partition = (uint16_t)call->partition;
    ring(call, &out);
    out.repeat = call->repeated;
    out.envelope = pack(call, &outcome->base);
    out.body = seal_body(call, "reply", body);
    out.sealed = out.body.size > 0;
    send(call, &out);
}

static void answer_query(struct call *call)
{
    struct outgoing out = outgoing_of(call);
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    struct bytes clear = {0};
    if (call->d->reply != NULL) {
        outcome.body_type = (char *)call->d->reply->descriptor->name;
        clear = pack(call, call->d->reply);
    }
    if (clear.size > REPLY_MAX) {
        answer_refusal(call,
            call_fail(call, FAULT_INVALID, "the answer to %s is too large: ask for less at a time", call->subject));
        return;
    }
    out.verb = VERB_QRS;
    out.status = STATUS_OK;
    out.envelope = pack(call, &outcome.base);
    out.body = seal_body(call, "answer", clear);
    out.sealed = out.body.size > 0;
    send(call, &out);
}

/* ---- Reports ---- */

static const char *kind_word(enum call_kind kind)
{
    switch (kind) {
    case CALL_COMMAND:
        return "command";
    case CALL_TIMER:
        return "timer";
    case CALL_ANSWER:
        return "answer";
    case CALL_EVENT:
        return "event";
    case CALL_QUERY:
    case CALL_READ_ROOT:
    case CALL_READ_EVENTS:
        return "query";
    }
    MUST_NOT_REACH();
}

static void report(struct call *call, const char *kind, const char *method, enum fault fault, const char *why)
{
    const struct runtime_port *port = call->runtime->options.port;
    struct report line = {
        .kind = kind,
        .method = method,
        .tenant = call->tenant != NULL ? call->tenant->name : NULL,
        .actor = call->d->actor.id,
        .root = call->d->root,
        .id = call->kind == CALL_EVENT || call->envelope == NULL ? call->d->command_id : call->envelope->id,
        .fault = fault,
        .repeated = call->repeated,
        .took_us = port->now_us(port->context) - call->started_us,
        .why = why,
    };
    port->report(port->context, &line);
}

/* A reaction that was refused is a fact about its event: told once, here, and never tried again. */
static void report_reactions(struct call *call, enum fault fault)
{
    for (size_t i = 0; i < call->reacted_count; i++) {
        const struct reacted *reacted = &call->reacted[i];
        bool refused = fault == FAULT_NONE && !call->repeated && reacted->fault != FAULT_NONE;
        report(call, "reaction", contract_of(reacted->event->descriptor)->subject, refused ? reacted->fault : fault,
            refused ? reacted->why.text : call->d->why.text);
    }
}

static void report_call(struct call *call, enum fault fault)
{
    if (call->reacted_count > 0) {
        report_reactions(call, fault);
    } else if (call->kind != CALL_EVENT || fault != FAULT_NONE) {
        const char *method = call->kind == CALL_TIMER && call->envelope != NULL
                                 ? arena_printf(&call->arena, "%s.%s", call->envelope->kind, call->envelope->timer)
                                 : call->subject;
        report(call, kind_word(call->kind), method, fault, call->d->why.text);
    }
}

/* A timer that its rule refused is gone: the broker need not know more than that. */
void call_answer(struct call *call, enum fault fault)
{
    if (call->kind == CALL_EVENT && fault_may_retry(fault) && call_hold(call, again_ms(fault))) {
        return;
    }
    bool is_final_timer = call->kind == CALL_TIMER && call->refused && fault_is_refusal(fault);
    if (call->kind == CALL_EVENT) {
        answer_event(call, fault);
    } else if (fault != FAULT_NONE && !is_final_timer) {
        answer_refusal(call, fault);
    } else if (call->verb == VERB_QRY) {
        answer_query(call);
    } else {
        answer_command(call);
    }
    fault = fault == FAULT_NONE ? call->fault : fault; /* It may have turned out that there is no answer. */
    report_call(call, fault);
    call_end(call);
}
