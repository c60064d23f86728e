#include "common/service/decide.h"

#include <string.h>

/* A word of memory, read and written at the offset that protobuf-c names. */
static void *at(ProtobufCMessage *message, unsigned offset)
{
    return (uint8_t *)message + offset;
}

static size_t scalar_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(size_t); /* Its length stands first. */
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return 4;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return 0; /* Present when the pointer is. */
}

static void settle_scalar(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    static const uint8_t zero[8];
    size_t size = scalar_size(field->type);
    if (size > 0 && memcmp(at(message, field->offset), zero, size) != 0) {
        *(protobuf_c_boolean *)at(message, field->quantifier_offset) = 1;
    }
}

static void settle_list(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    size_t count = *(size_t *)at(message, field->quantifier_offset);
    ProtobufCMessage **elements = *(ProtobufCMessage ***)at(message, field->offset);
    for (size_t i = 0; i < count; i++) {
        settle(elements[i]);
    }
}

/* A oneof needs nothing: who sets a member of it sets its case. Messages are not recursive, so this ends. */
void settle(ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *descriptor = message->descriptor;
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            if (field->label == PROTOBUF_C_LABEL_REPEATED) {
                settle_list(message, field);
            } else if (!is_oneof || *(uint32_t *)at(message, field->quantifier_offset) == field->id) {
                ProtobufCMessage *inner = *(ProtobufCMessage **)at(message, field->offset);
                if (inner != NULL) {
                    settle(inner);
                }
            }
        } else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_oneof) {
            settle_scalar(message, field);
        }
    }
}
