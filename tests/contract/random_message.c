#include "tests/contract/random_message.h"

#include "common/contract/field.h"
#include "common/core/clock.h"
#include "common/core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dice dice_from_environment(void)
{
    const char *said = getenv("SUITE_SEED");
    struct dice dice = {said != NULL ? strtoull(said, NULL, 10) : (uint64_t)clock_wall_ms()};
    printf("SUITE_SEED=%llu\n", (unsigned long long)dice.state);
    return dice;
}

/* SplitMix64. */
uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t dice_below(struct dice *dice, uint64_t limit)
{
    return dice_next(dice) % limit;
}

/* Numbers near the ends and near zero more often than others. */
static uint64_t random_number(struct dice *dice)
{
    static const uint64_t EDGES[] = {0, 1, 127, 128, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_C(1) << 63};
    switch (dice_below(dice, 3)) {
    case 0:
        return EDGES[dice_below(dice, sizeof EDGES / sizeof *EDGES)];
    case 1:
        return dice_below(dice, 1000);
    default:
        return dice_next(dice);
    }
}

static char *random_text(struct dice *dice, struct arena *arena)
{
    static const uint32_t LETTERS[] = {
        'a', 'Z', '"', '\\', '\n', '/', 1, 0x7f, 0xe9, 0x20ac, 0x2028, 0xffff, 0x1f600, 0x10ffff};
    size_t length = dice_below(dice, 12);
    char *text = arena_alloc(arena, length * UTF8_SIZE_MAX + 1);
    size_t size = 0;
    for (size_t i = 0; i < length; i++) {
        size += utf8_put(text + size, LETTERS[dice_below(dice, sizeof LETTERS / sizeof *LETTERS)]);
    }
    text[size] = '\0';
    return text;
}

static ProtobufCBinaryData random_bytes(struct dice *dice, struct arena *arena)
{
    ProtobufCBinaryData bytes = {dice_below(dice, 20), NULL};
    bytes.data = arena_alloc(arena, bytes.len);
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.data[i] = (uint8_t)dice_next(dice);
    }
    return bytes;
}

static void random_value(
    struct dice *dice, const ProtobufCFieldDescriptor *field, unsigned depth, struct arena *arena, void *out)
{
    const ProtobufCEnumDescriptor *values = field->descriptor;
    uint64_t number = random_number(dice);
    double fraction = (double)(int64_t)number / 1024.0;
    float small = (float)fraction;
    ProtobufCBinaryData bytes;
    char *text = NULL;
    ProtobufCMessage *inner = NULL;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        text = random_text(dice, arena);
        memcpy(out, &text, sizeof text);
        return;
    case PROTOBUF_C_TYPE_BYTES:
        bytes = random_bytes(dice, arena);
        memcpy(out, &bytes, sizeof bytes);
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        inner = random_message(dice, field->descriptor, depth - 1, arena);
        memcpy(out, &inner, sizeof inner);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        number = (uint64_t)values->values[number % values->n_values].value;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        number &= 1;
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        memcpy(out, &fraction, sizeof fraction);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        memcpy(out, &small, sizeof small);
        return;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        break;
    }
    memcpy(out, &number, field_value_size(field)); /* Little endian, as all machines that Casebus runs on. */
}

static void random_field(struct dice *dice, ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    unsigned depth, struct arena *arena)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        random_value(dice, field, depth, arena, field_set(message, field));
        return;
    }
    size_t count = 1 + dice_below(dice, 4);
    size_t size = field_value_size(field);
    char *values = arena_array(arena, count, size);
    for (size_t i = 0; i < count; i++) {
        random_value(dice, field, depth, arena, values + i * size);
    }
    field_set_list(message, field, values, count);
}

ProtobufCMessage *random_message(
    struct dice *dice, const ProtobufCMessageDescriptor *descriptor, unsigned depth, struct arena *arena)
{
    ProtobufCMessage *message = arena_alloc(arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool too_deep = field->type == PROTOBUF_C_TYPE_MESSAGE && depth <= 1;
        bool taken = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
                     *(const uint32_t *)(const void *)((const char *)message + field->quantifier_offset) != 0;
        if (!too_deep && !taken && dice_below(dice, 3) == 0) {
            random_field(dice, message, field, depth, arena);
        }
    }
    return message;
}
