#include "tests/fuzz/crossing.h"

#include <string.h>

#include "common/contract/json.h"
#include "common/core/must.h"
#include "common/core/utf8.h"

const struct crossing *input_crossing(struct input *input)
{
    static const struct crossing *const CROSSINGS[] = {
        &CROSSING_CALL, &CROSSING_EVENT, &CROSSING_STATE, &CROSSING_PAYER};
    return CROSSINGS[input_byte(input) % ARRAY_LENGTH(CROSSINGS)];
}

void must_say_why(const struct why *why)
{
    size_t size = strnlen(why->text, sizeof why->text);
    MUST(size > 0 && size < sizeof why->text);
    MUST(utf8_is_valid(why->text, size));
    for (size_t i = 0; i < size; i++) {
        MUST((unsigned char)why->text[i] >= ' ');
    }
}

void must_be_same(const ProtobufCMessage *a, const ProtobufCMessage *b, struct arena *arena)
{
    struct packed one = contract_pack(a, arena);
    struct packed two = contract_pack(b, arena);
    MUST(one.size == two.size && memcmp(one.data, two.data, one.size) == 0);
}

void must_survive_json(const ProtobufCMessage *message, struct arena *arena)
{
    const struct contract_message *type = contract_of(message->descriptor);
    for (enum json_style style = JSON_LINE; style <= JSON_PRETTY; style++) {
        struct why why = {""};
        const char *text = json_write(message, style, arena);
        ProtobufCMessage *again = NULL;
        MUST(json_cross(type, text, strlen(text), arena, &why, &again) == FAULT_NONE);
        must_be_same(message, again, arena);
    }
}

static void *take(void *budget, size_t size)
{
    return budget_alloc(budget, size);
}

static void leave(void *budget UNUSED, void *piece UNUSED) {}

static void must_fit_prediction(const ProtobufCMessageDescriptor *type, struct input bytes, const struct guard_sum *sum)
{
    struct arena arena;
    arena_init(&arena, (size_t)512 << 20);
    struct budget budget = {&arena, sum->predicted_size};
    ProtobufCAllocator allocator = {take, leave, &budget};
    MUST(protobuf_c_message_unpack(type, &allocator, bytes.size, bytes.at) != NULL);
    arena_done(&arena);
}

ProtobufCMessage *must_cross(
    const ProtobufCMessageDescriptor *type, const struct crossing *crossing, struct input bytes, struct arena *arena)
{
    static const uint8_t NOTHING[1];
    struct why why = {""};
    struct guard_sum sum;
    bytes.at = bytes.size > 0 ? bytes.at : NOTHING;
    if (guard_scan(type, bytes.at, bytes.size, &crossing->limits, &why, &sum) != FAULT_NONE) {
        must_say_why(&why);
        return NULL;
    }
    must_fit_prediction(type, bytes, &sum);
    ProtobufCMessage *message = NULL;
    if (contract_unpack(type, bytes.at, bytes.size, crossing, arena, &why, &message) != FAULT_NONE) {
        must_say_why(&why);
        return NULL;
    }
    struct packed packed = contract_pack(message, arena);
    ProtobufCMessage *again = NULL;
    MUST(contract_unpack(type, packed.data, packed.size, crossing, arena, &why, &again) == FAULT_NONE);
    must_be_same(message, again, arena);
    must_be_same(message, contract_copy(message, arena), arena);
    if (crossing->rules) {
        must_survive_json(message, arena);
    }
    return message;
}
