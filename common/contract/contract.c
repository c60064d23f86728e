#include "common/contract/contract.h"

#include "common/contract/field.h"
#include "common/core/must.h"

#include <string.h>

/* Place of the row of that name in a list sorted by it, or -1. Each row begins with its name. */
static ptrdiff_t find(const void *rows, size_t count, size_t row_size, const char *name)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        const char *const *row = (const void *)((const char *)rows + middle * row_size);
        int order = strcmp(name, *row);
        if (order == 0) {
            return (ptrdiff_t)middle;
        }
        if (order > 0) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return -1;
}

_Static_assert(offsetof(struct contract_name, name) == 0, "rows begin with their name");
_Static_assert(offsetof(struct contract_message, name) == 0, "rows begin with their name");
_Static_assert(offsetof(struct contract_service, name) == 0, "rows begin with their name");

const struct contract_message *contract_find_message(const char *name)
{
    ptrdiff_t place = find(CONTRACT.names, CONTRACT.n_names, sizeof *CONTRACT.names, name);
    return place >= 0 ? CONTRACT.names[place].message : NULL;
}

const struct contract_command *contract_find_command(const char *subject)
{
    const struct contract_message *message = contract_find_message(subject);
    return message != NULL && message->kind == CONTRACT_COMMAND ? message->command : NULL;
}

const struct contract_event *contract_find_event(const char *subject)
{
    const struct contract_message *message = contract_find_message(subject);
    return message != NULL && message->kind == CONTRACT_EVENT ? message->event : NULL;
}

const struct contract_query *contract_find_query(const char *subject)
{
    const struct contract_message *message = contract_find_message(subject);
    return message != NULL && message->kind == CONTRACT_QUERY ? message->query : NULL;
}

const struct contract_service *contract_find_service(const char *name)
{
    ptrdiff_t place = find(CONTRACT.services, CONTRACT.n_services, sizeof *CONTRACT.services, name);
    return place >= 0 ? &CONTRACT.services[place] : NULL;
}

const struct contract_aggregate *contract_aggregate(const char *service, const char *kind)
{
    const struct contract_service *owner = contract_find_service(service);
    for (size_t i = 0; owner != NULL && i < owner->n_aggregates; i++) {
        if (strcmp(owner->aggregates[i].kind, kind) == 0) {
            return &owner->aggregates[i];
        }
    }
    return NULL;
}

const struct contract_message *contract_of(const ProtobufCMessageDescriptor *descriptor)
{
    ptrdiff_t place = find(CONTRACT.messages, CONTRACT.n_messages, sizeof *CONTRACT.messages, descriptor->name);
    MUST(place >= 0 && CONTRACT.messages[place].descriptor == descriptor);
    return &CONTRACT.messages[place];
}

/* ---- Strings by name and by place ---- */

static bool is_text(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_STRING && field->label != PROTOBUF_C_LABEL_REPEATED;
}

static const char *text_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field == NULL || !is_text(field) || field_count(message, field) == 0) {
        return NULL;
    }
    return *(char *const *)field_value(message, field, 0);
}

static void set_text(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, const char *text)
{
    MUST(field != NULL && is_text(field) && text != NULL);
    *(const char **)field_set(message, field) = text;
}

const char *contract_string_field(const ProtobufCMessage *message, const char *field)
{
    return text_of(message, protobuf_c_message_descriptor_get_field_by_name(message->descriptor, field));
}

const char *contract_string_at(const ProtobufCMessage *message, uint16_t place)
{
    return place < message->descriptor->n_fields ? text_of(message, &message->descriptor->fields[place]) : NULL;
}

void contract_set_string_field(ProtobufCMessage *message, const char *field, const char *text)
{
    set_text(message, protobuf_c_message_descriptor_get_field_by_name(message->descriptor, field), text);
}

void contract_set_string_at(ProtobufCMessage *message, uint16_t place, const char *text)
{
    MUST(place < message->descriptor->n_fields);
    set_text(message, &message->descriptor->fields[place], text);
}
