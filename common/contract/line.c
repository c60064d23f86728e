#include "common/contract/line.h"

#include "common/contract/field.h"
#include "common/core/money.h"
#include "common/core/slice.h"
#include "common/core/text.h"
#include "common/core/utf8.h"

#include <stdio.h>
#include <string.h>

static const char ZERO[] = "UNSPECIFIED";

const char *enum_words(const ProtobufCEnumDescriptor *type, int value, char out[static WORDS_SIZE])
{
    const ProtobufCEnumValue *named = protobuf_c_enum_descriptor_get_value(type, value);
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(type, 0);
    if (named == NULL || zero == NULL || !str_ends_with(zero->name, ZERO)) {
        snprintf(out, WORDS_SIZE, "%d", value);
        return out;
    }
    size_t prefix = strlen(zero->name) - strlen(ZERO); /* The generator saw to it that every value has it. */
    snprintf(out, WORDS_SIZE, "%s", named->name + prefix);
    for (char *c = out; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : ascii_lower(*c);
    }
    return out;
}

/* Letter by letter, so that none is parted where the line ends. */
static void add_on_one_line(struct text *line, const char *value)
{
    const char *end = value + strlen(value), *next = value;
    for (uint32_t point = 0; utf8_next(&next, end, &point); value = next) {
        bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
        text_add_slice(line, control ? SLICE(" ") : (struct slice){value, (size_t)(next - value)});
    }
}

static void add_number(struct text *line, const ProtobufCMessage *event, const ProtobufCFieldDescriptor *field)
{
    int64_t number = field_integer(event, field->name, 0);
    char amount[MONEY_SIZE];
    if (str_ends_with(field->name, "_cents")) {
        text_add(line, money_format(amount, USD(number)));
    } else {
        text_add_int(line, number);
    }
}

static void add_value(
    struct text *line, const ProtobufCMessage *event, const ProtobufCFieldDescriptor *field, const void *value)
{
    char words[WORDS_SIZE];
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        add_on_one_line(line, *(const char *const *)value);
    } else if (field->type == PROTOBUF_C_TYPE_ENUM) {
        text_add(line, enum_words(field->descriptor, *(const int32_t *)value, words));
    } else if (field->type == PROTOBUF_C_TYPE_BOOL) {
        text_add(line, *(const protobuf_c_boolean *)value ? "yes" : "no");
    } else {
        add_number(line, event, field);
    }
}

static void add_field(struct text *line, const ProtobufCMessage *event, const ProtobufCFieldDescriptor *field)
{
    size_t count = field_count(event, field);
    for (size_t i = 0; i < count; i++) {
        text_add(line, i > 0 ? ", " : "");
        add_value(line, event, field, field_value(event, field, i));
    }
}

static bool says_something(const ProtobufCMessage *event, const ProtobufCFieldDescriptor *field)
{
    size_t count = field_count(event, field);
    bool text = field->type == PROTOBUF_C_TYPE_STRING && field->label != PROTOBUF_C_LABEL_REPEATED;
    return count > 0 && !(text && str_is_empty(*(const char *const *)field_value(event, field, 0)));
}

/* What stands between two braces. */
static void add_part(struct text *line, const ProtobufCMessage *event, struct slice part)
{
    char name[64];
    struct slice rest = part;
    struct slice word;
    slice_take_field(&rest, '?', &word);
    snprintf(name, sizeof name, "%.*s", (int)word.size, word.at);
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(event->descriptor, name);
    if (field == NULL) {
        return;
    }
    if (rest.at == NULL) {
        add_field(line, event, field);
    } else if (says_something(event, field)) {
        text_add_slice(line, rest);
    }
}

const char *line_write(const ProtobufCMessage *event, struct arena *arena)
{
    const struct contract_message *message = contract_of(event->descriptor);
    if (message->kind != CONTRACT_EVENT) {
        return "";
    }
    struct text line;
    text_init(&line, LINE_SIZE_MAX);
    const char *at = message->event->line;
    while (*at != '\0') {
        size_t plain = strcspn(at, "{");
        text_add_bytes(&line, at, plain);
        at += plain;
        const char *close = strchr(at, '}');
        if (*at == '{' && close != NULL) {
            add_part(&line, event, (struct slice){at + 1, (size_t)(close - at) - 1});
            at = close + 1;
        }
    }
    const char *written = arena_strdup(arena, line.at);
    text_done(&line);
    return written;
}
