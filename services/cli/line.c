/* Sentences of the time line, from the templates that the contract carries: `{field}` is the field's value, `{field?text}` gives
 * text where the field is set. Nothing here knows an event by name. */
#include <inttypes.h>
#include <string.h>

#include "common/contract/field.h"
#include "common/core/slice.h"
#include "common/core/text.h"
#include "services/cli/cli.h"

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessage *message, struct slice name)
{
    char text[64];
    if (name.size >= sizeof text) {
        return NULL;
    }
    memcpy(text, name.at, name.size);
    text[name.size] = '\0';
    return protobuf_c_message_descriptor_get_field_by_name(message->descriptor, text);
}

/* ROLE_NURSE becomes "nurse": the enum's own words are said without its name. */
static void add_enum(struct text *out, const ProtobufCEnumDescriptor *descriptor, int value)
{
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(descriptor, 0);
    const ProtobufCEnumValue *row = protobuf_c_enum_descriptor_get_value(descriptor, value);
    const char *tail = zero ? strstr(zero->name, "UNSPECIFIED") : NULL;
    size_t prefix = tail ? (size_t)(tail - zero->name) : 0;
    for (const char *c = row ? row->name + prefix : ""; *c != '\0'; c++) {
        text_add_char(out, *c == '_' ? ' ' : ascii_lower(*c));
    }
}

static void add_value(struct text *out, const ProtobufCMessage *event, const ProtobufCFieldDescriptor *field)
{
    const void *value = field_value(event, field, 0);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        text_add(out, *(const char *const *)value);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        add_enum(out, field->descriptor, *(const int *)value);
        break;
    case PROTOBUF_C_TYPE_UINT32:
        text_addf(out, "%" PRIu32, *(const uint32_t *)value);
        break;
    default:
        text_addf(out, "%" PRId64, field_integer(event, field->name, 0));
        break;
    }
}

static void add_piece(struct text *out, const ProtobufCMessage *event, struct slice piece)
{
    const char *mark = memchr(piece.at, '?', piece.size);
    struct slice name = {piece.at, mark ? (size_t)(mark - piece.at) : piece.size};
    const ProtobufCFieldDescriptor *field = find_field(event, name);
    if (!field || field_count(event, field) == 0) {
        return;
    }
    if (mark) {
        text_add_slice(out, (struct slice){mark + 1, piece.size - name.size - 1});
    } else {
        add_value(out, event, field);
    }
}

const char *line_of(struct arena *arena, const ProtobufCMessage *event)
{
    const struct contract_message *message = contract_of(event->descriptor);
    if (message->kind != CONTRACT_EVENT || message->event->line[0] == '\0') {
        return NULL;
    }
    struct text out;
    text_init(&out, TEXT_LINE_BYTES);
    for (const char *c = message->event->line; *c != '\0';) {
        const char *end = *c == '{' ? strchr(c, '}') : NULL;
        if (end) {
            add_piece(&out, event, (struct slice){c + 1, (size_t)(end - c - 1)});
            c = end + 1;
        } else {
            text_add_char(&out, *c++);
        }
    }
    const char *line = arena_strdup(arena, out.at);
    text_done(&out);
    return line;
}

int64_t line_due(const ProtobufCMessage *event)
{
    const struct contract_message *message = contract_of(event->descriptor);
    if (message->kind != CONTRACT_EVENT || message->event->due == CONTRACT_NONE) {
        return 0;
    }
    return field_integer(event, event->descriptor->fields[message->event->due].name, 0);
}
