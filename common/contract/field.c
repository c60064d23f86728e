#include "common/contract/field.h"

#include "common/core/must.h"

#include <string.h>

/* protobuf-c describes where a field lies by two offsets: of its value, and of what says how often it is there. */
static const void *quantifier(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->quantifier_offset;
}

static void *quantifier_to_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (char *)message + field->quantifier_offset;
}

static bool is_pointer(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static bool is_in_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return *(const size_t *)quantifier(message, field);
    }
    if (is_in_oneof(field) && *(const uint32_t *)quantifier(message, field) != field->id) {
        return 0;
    }
    if (is_pointer(field)) {
        return *(const void *const *)((const char *)message + field->offset) != NULL;
    }
    return is_in_oneof(field) || *(const protobuf_c_boolean *)quantifier(message, field) != 0;
}

const void *field_value(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index)
{
    const char *value = (const char *)message + field->offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return *(const char *const *)(const void *)value + index * field_value_size(field);
    }
    return value;
}

size_t field_value_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    }
    MUST_NOT_REACH();
}

static void set_present(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, bool present)
{
    if (is_in_oneof(field)) {
        *(uint32_t *)quantifier_to_set(message, field) = present ? field->id : 0;
    } else if (!is_pointer(field)) {
        *(protobuf_c_boolean *)quantifier_to_set(message, field) = present;
    }
}

void *field_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    MUST(field->label != PROTOBUF_C_LABEL_REPEATED);
    set_present(message, field, true);
    return (char *)message + field->offset;
}

void field_set_list(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, void *values, size_t count)
{
    MUST(field->label == PROTOBUF_C_LABEL_REPEATED);
    *(size_t *)quantifier_to_set(message, field) = count;
    *(void **)((void *)((char *)message + field->offset)) = values;
}

void field_clear(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        field_set_list(message, field, NULL, 0);
    } else if (field_count(message, field) > 0) {
        memset((char *)message + field->offset, 0, field_value_size(field));
        set_present(message, field, false);
    }
}

/* The single value of a field by name, or NULL. */
static const void *single(const ProtobufCMessage *message, const char *name, const ProtobufCFieldDescriptor **field)
{
    *field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    if (*field == NULL || (*field)->label == PROTOBUF_C_LABEL_REPEATED || field_count(message, *field) == 0) {
        return NULL;
    }
    return field_value(message, *field, 0);
}

int64_t field_integer(const ProtobufCMessage *message, const char *name, int64_t otherwise)
{
    const ProtobufCFieldDescriptor *field = NULL;
    const void *value = single(message, name, &field);
    if (value == NULL) {
        return otherwise;
    }
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        return *(const int32_t *)value;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return *(const uint32_t *)value;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return *(const int64_t *)value;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return otherwise;
    }
    return otherwise;
}

const ProtobufCMessage *field_message(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *field = NULL;
    const void *value = single(message, name, &field);
    return value != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE ? *(ProtobufCMessage *const *)value : NULL;
}
