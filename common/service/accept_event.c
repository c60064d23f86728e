/* An EVT: a record of the log, as it was stored. All that reacts to it is one decision and one commit. */
#include "common/service/call.h"

#include "common/contract/guard.h"
#include "common/core/id.h"
#include "common/core/slice.h"
#include "common/service/names.h"
#include "common/store/record.h"

/* A row and its event for each event of the record that this service reacts to. */
static enum fault read_events(struct call *call, const struct record_header *header, const struct bytes *bodies)
{
    const struct service *service = call->runtime->options.service;
    call->reacted = ARENA_ARRAY(&call->arena, struct reacted, header->event_count);
    for (size_t i = 0; i < header->event_count; i++) {
        const struct contract_event *event = contract_find_event(header->subjects[i]);
        const struct reaction *row = event != NULL ? service_reaction(service, event->message->descriptor) : NULL;
        if (row == NULL) {
            continue;
        }
        ProtobufCMessage *message = NULL;
        struct why why = {0};
        if (contract_unpack(row->event, bodies[i].at, bodies[i].size, &CROSSING_EVENT, &call->arena, &why, &message) !=
            FAULT_NONE) {
            return call_fail(call, FAULT_INTERNAL, "the event %s cannot be read: %s", header->subjects[i], why.text);
        }
        call->reacted[call->reacted_count++] = (struct reacted){.row = row, .event = message};
        call->subject = event->subject;
    }
    return FAULT_NONE;
}

static bool reacts(const struct service *service, const struct record_header *header)
{
    for (size_t i = 0; i < header->event_count; i++) {
        const struct contract_event *event = contract_find_event(header->subjects[i]);
        if (event != NULL && service_reaction(service, event->message->descriptor) != NULL) {
            return true;
        }
    }
    return false;
}

/* The originating person stays named; who acts now is the service. */
static void fill_facts(struct call *call, const struct record_header *header)
{
    struct decision *d = call->d;
    const struct service *service = call->runtime->options.service;
    char id[ID_FRESH_SIZE];
    id_fresh(id, arena_printf(&call->arena, "event/%s/%s/%s", service->name, header->tenant, header->root),
        header->sequence);
    call_fill_tenant(call);
    d->root = header->root;
    d->command_id = arena_strdup(&call->arena, id);
    d->subject = call->subject;
    d->actor =
        (struct actor){.id = header->actor_id, .role = CASEBUS__ROLE__ROLE_SYSTEM, .simulated = header->simulated};
    call->record_sequence = header->sequence;
    call->partition = partition_of(header->tenant, header->root);
    call->root_number = root_number(header->tenant, header->root);
    call->trace_id = header->trace_id;
}

enum fault call_accept_event(struct call *call, const struct incoming *received, bool *nothing)
{
    const struct runtime_options *options = &call->runtime->options;
    struct record *record = ARENA_NEW(&call->arena, struct record);
    struct why why = {0};
    call->kind = CALL_EVENT;
    call->deadline_ms = INT64_MAX; /* It happened: it does not run out while it waits for its root. */
    call->held_until_ms = call->runtime->now.monotonic_ms + RUNTIME_HOLD_MS;
    if (record_decode(received->body, &call->arena, record, &why) != FAULT_NONE) {
        return call_fail(call, FAULT_INTERNAL, "the record cannot be read: %s", why.text);
    }
    const struct record_header *header = &record->header;
    call->tenant = tenants_find(options->tenants, header->tenant);
    *nothing = !reacts(options->service, header);
    if (*nothing) {
        return FAULT_NONE;
    }
    if (call->tenant == NULL || !id_is_valid(header->root)) {
        return call_fail(call, FAULT_UNAVAILABLE, "there is no tenant %s here", header->tenant);
    }
    struct bytes *bodies = ARENA_ARRAY(&call->arena, struct bytes, header->event_count);
    enum fault fault = record_open_events(record, options->keys, &call->arena, bodies, &why);
    if (fault != FAULT_NONE) {
        return call_fail(call, fault, "%s", why.text);
    }
    fault = read_events(call, header, bodies);
    if (fault == FAULT_NONE) {
        fill_facts(call, header);
    }
    return fault;
}
