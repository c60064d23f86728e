#include "common/contract/guard.h"

#include "common/contract/contract.h"
#include "common/contract/field.h"
#include "common/contract/rules.h"
#include "common/core/must.h"

#include <string.h>

/* What the guard did not foresee is a bug in it; this much more than predicted is still handed out, so that it shows as
 * a refusal in the log and not as a dead process. */
#define BUDGET_SLACK_SIZE 4096

const struct crossing CROSSING_CALL = {
    .name = "call",
    .limits = {GUARD_DEPTH_MAX, GUARD_FIELDS_CALL_MAX, 0, GUARD_SIZE_MAX},
    .unknown = UNKNOWN_REFUSED,
    .rules = true,
};
const struct crossing CROSSING_EVENT = {
    .name = "event",
    .limits = {GUARD_DEPTH_MAX, GUARD_FIELDS_CALL_MAX, GUARD_UNKNOWN_MAX, GUARD_SIZE_MAX},
    .unknown = UNKNOWN_DROPPED,
    .rules = true,
};
const struct crossing CROSSING_STATE = {
    .name = "state",
    .limits = {GUARD_DEPTH_MAX, GUARD_FIELDS_STATE_MAX, GUARD_FIELDS_STATE_MAX, GUARD_SIZE_MAX},
    .unknown = UNKNOWN_KEPT,
    .rules = false,
};
const struct crossing CROSSING_PAYER = {
    .name = "payer",
    .limits = {GUARD_DEPTH_MAX, GUARD_FIELDS_MAX, GUARD_UNKNOWN_MAX, GUARD_SIZE_MAX},
    .unknown = UNKNOWN_DROPPED,
    .rules = true,
};
const struct crossing CROSSING_REFERENCE = {
    .name = "reference",
    .limits = {GUARD_DEPTH_MAX, GUARD_FIELDS_REFERENCE_MAX, 0, GUARD_SIZE_REFERENCE_MAX},
    .unknown = UNKNOWN_REFUSED,
    .rules = true,
};

static void *take_from_budget(void *budget, size_t size)
{
    return budget_alloc(budget, size);
}

static void leave_to_arena(void *budget UNUSED, void *piece UNUSED) {}

/* Forgets the unknown fields of the whole tree. */
static void drop_unknown(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    message->unknown_fields = NULL;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        size_t count = field->type == PROTOBUF_C_TYPE_MESSAGE ? field_count(message, field) : 0;
        for (size_t n = 0; n < count; n++) {
            drop_unknown(*(ProtobufCMessage *const *)field_value(message, field, n));
        }
    }
}

static ProtobufCMessage *unpack_within(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t size,
    size_t budget_bytes, struct arena *arena)
{
    struct budget budget = {arena, budget_bytes};
    ProtobufCAllocator allocator = {take_from_budget, leave_to_arena, &budget};
    return protobuf_c_message_unpack(descriptor, &allocator, size, data);
}

enum fault contract_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t size,
    const struct crossing *crossing, struct arena *arena, struct why *why, ProtobufCMessage **out)
{
    struct guard_sum sum;
    static const uint8_t NOTHING[1];
    const void *bytes = size > 0 ? data : NOTHING;
    enum fault fault = guard_scan(descriptor, bytes, size, &crossing->limits, why, &sum);
    if (fault != FAULT_NONE) {
        return fault;
    }
    ProtobufCMessage *message = unpack_within(descriptor, bytes, size, sum.predicted_size + BUDGET_SLACK_SIZE, arena);
    if (message == NULL) {
        why_set(why, "%s cannot be read within %zu bytes of memory", descriptor->name, sum.predicted_size);
        return FAULT_INVALID;
    }
    if (sum.unknown > 0 && crossing->unknown != UNKNOWN_KEPT) {
        drop_unknown(message);
    }
    if (crossing->rules && (fault = rules_check(message, why)) != FAULT_NONE) {
        return fault;
    }
    *out = message;
    return FAULT_NONE;
}

struct packed contract_pack(const ProtobufCMessage *message, struct arena *arena)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    struct packed packed = {arena_alloc(arena, size), size};
    MUST(protobuf_c_message_pack(message, packed.data) == size);
    return packed;
}

ProtobufCMessage *contract_copy(const ProtobufCMessage *message, struct arena *arena)
{
    struct packed packed = contract_pack(message, arena);
    ProtobufCMessage *copy = unpack_within(message->descriptor, packed.data, packed.size, SIZE_MAX, arena);
    MUST(copy != NULL);
    return copy;
}
