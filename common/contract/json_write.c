#include "common/contract/json.h"

#include "common/contract/field.h"
#include "common/contract/json_value.h"
#include "common/core/must.h"

static struct json_object *write_value(const ProtobufCFieldDescriptor *field, const void *value)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return json_write_tree(*(ProtobufCMessage *const *)value);
    }
    struct json_object *written = json_value_write(field, value);
    MUST(written != NULL);
    return written;
}

static struct json_object *write_field(
    const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t count)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        return write_value(field, field_value(message, field, 0));
    }
    struct json_object *list = json_object_new_array_ext((int)count);
    MUST(list != NULL);
    for (size_t i = 0; i < count; i++) {
        MUST(json_object_array_add(list, write_value(field, field_value(message, field, i))) == 0);
    }
    return list;
}

struct json_object *json_write_tree(const ProtobufCMessage *message)
{
    const struct contract_message *type = contract_of(message->descriptor);
    struct json_object *tree = json_object_new_object();
    MUST(tree != NULL);
    for (unsigned i = 0; i < type->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->descriptor->fields[i];
        size_t count = field_count(message, field);
        if (count > 0) {
            MUST(json_object_object_add_ex(tree, type->fields[i].json, write_field(message, field, count),
                     JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT) == 0);
        }
    }
    return tree;
}

const char *json_write(const ProtobufCMessage *message, enum json_style style, struct arena *arena)
{
    int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
    flags |= style == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
    struct json_object *tree = json_write_tree(message);
    const char *text = arena_strdup(arena, json_object_to_json_string_ext(tree, flags));
    json_object_put(tree);
    return text;
}
