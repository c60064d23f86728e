#include "common/contract/json.h"

#include "common/contract/field.h"
#include "common/contract/json_value.h"
#include "common/contract/path.h"
#include "common/contract/rules.h"
#include "common/core/must.h"
#include "common/core/utf8.h"

#include <string.h>

#define KEY_SHOWN 48

struct reading {
    struct budget budget;
    struct why *why;
};

/* A message being read, and which of its fields came already, under either name. */
struct target {
    const struct contract_message *type;
    ProtobufCMessage *message;
    const struct path *above;
    uint64_t seen[CONTRACT_FIELDS_MAX / 64];
};

static enum fault read_object(struct reading *r, const struct contract_message *type, struct json_object *tree,
    const struct path *above, ProtobufCMessage **out);

/* ---- Refusing ---- */

static enum fault refuse(struct reading *r, const struct path *path, const char *what)
{
    char text[PATH_SIZE];
    why_set(r->why, path != NULL ? "%s: %s" : "%s%s", path_text(path, text), what);
    return FAULT_INVALID;
}

static enum fault refuse_unknown(struct reading *r, const struct target *target, const char *key)
{
    char text[PATH_SIZE];
    size_t shown = utf8_cut(key, strlen(key), KEY_SHOWN);
    why_set(r->why, "%s%s%.*s: no such field in %s", path_text(target->above, text), target->above != NULL ? "." : "",
        (int)shown, key, target->type->name);
    return FAULT_INVALID;
}

/* ---- Fields ---- */

/* Place of the field with that JSON name, or that name of the .proto. */
static int find_place(const struct contract_message *type, const char *key)
{
    size_t low = 0;
    size_t high = type->descriptor->n_fields;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(key, type->fields[type->by_json[middle]].json);
        if (order == 0) {
            return type->by_json[middle];
        }
        if (order > 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(type->descriptor, key);
    return field != NULL ? (int)(field - type->descriptor->fields) : -1;
}

/* Notes that the field came. False when it did before, or another member of its oneof. */
static bool note(struct target *target, size_t place)
{
    const ProtobufCFieldDescriptor *fields = target->type->descriptor->fields;
    bool again = (target->seen[place / 64] >> (place % 64) & 1) != 0;
    for (size_t i = 0;
         i < target->type->descriptor->n_fields && (fields[place].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0; i++) {
        bool sibling = (fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
                       fields[i].quantifier_offset == fields[place].quantifier_offset;
        again |= sibling && (target->seen[i / 64] >> (i % 64) & 1) != 0;
    }
    target->seen[place / 64] |= UINT64_C(1) << (place % 64);
    return !again;
}

static enum fault read_value(struct reading *r, const struct contract_message *inner, struct json_object *value,
    const struct path *path, void *out)
{
    if (path->field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return read_object(r, inner, value, path, out);
    }
    const char *wrong = json_value_read(path->field, value, &r->budget, out);
    return wrong == NULL ? FAULT_NONE : refuse(r, path, wrong);
}

static enum fault read_list(struct reading *r, struct target *target, const struct contract_message *inner,
    struct json_object *list, struct path *path)
{
    if (!json_object_is_type(list, json_type_array)) {
        char text[PATH_SIZE];
        why_set(r->why, "%s: is not a list", path_text_of_list(path, text));
        return FAULT_INVALID;
    }
    size_t count = json_object_array_length(list);
    size_t size = field_value_size(path->field);
    char *values = budget_alloc(&r->budget, count * size);
    if (values == NULL) {
        return refuse(r, path, "the message is too large");
    }
    for (path->index = 0; path->index < count; path->index++) {
        struct json_object *value = json_object_array_get_idx(list, path->index);
        enum fault fault = value == NULL ? refuse(r, path, "a list has no null in it")
                                         : read_value(r, inner, value, path, values + path->index * size);
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    if (count > 0) {
        field_set_list(target->message, path->field, values, count);
    }
    return FAULT_NONE;
}

static enum fault read_field(struct reading *r, struct target *target, const char *key, struct json_object *value)
{
    int place = find_place(target->type, key);
    if (place < 0) {
        return refuse_unknown(r, target, key);
    }
    struct path path = {target->above, &target->type->descriptor->fields[place], 0};
    if (value == NULL) {
        return FAULT_NONE;
    }
    if (!note(target, (size_t)place)) {
        return refuse(r, &path, "is given twice");
    }
    const struct contract_message *inner = target->type->fields[place].message;
    if (path.field->label == PROTOBUF_C_LABEL_REPEATED) {
        return read_list(r, target, inner, value, &path);
    }
    union {
        uint64_t number;
        void *pointer;
        ProtobufCBinaryData bytes;
    } read = {0};
    enum fault fault = read_value(r, inner, value, &path, &read);
    if (fault == FAULT_NONE) {
        memcpy(field_set(target->message, path.field), &read, field_value_size(path.field));
    }
    return fault;
}

/* ---- Messages ---- */

static enum fault read_object(struct reading *r, const struct contract_message *type, struct json_object *tree,
    const struct path *above, ProtobufCMessage **out)
{
    if (!json_object_is_type(tree, json_type_object)) {
        return refuse(r, above, "is not an object");
    }
    struct target target = {
        .type = type, .message = budget_alloc(&r->budget, type->descriptor->sizeof_message), .above = above};
    if (target.message == NULL) {
        return refuse(r, above, "the message is too large");
    }
    protobuf_c_message_init(type->descriptor, target.message);
    struct json_object_iterator at = json_object_iter_begin(tree);
    struct json_object_iterator end = json_object_iter_end(tree);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        enum fault fault = read_field(r, &target, json_object_iter_peek_name(&at), json_object_iter_peek_value(&at));
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    *out = target.message;
    return FAULT_NONE;
}

enum fault json_read_tree(const struct contract_message *type, struct json_object *tree, struct arena *arena,
    struct why *why, ProtobufCMessage **out)
{
    struct reading r = {.budget = {arena, JSON_MESSAGE_MAX}, .why = why};
    ProtobufCMessage *message = NULL;
    enum fault fault = read_object(&r, type, tree, NULL, &message);
    if (fault == FAULT_NONE) {
        *out = message;
    }
    return fault;
}

enum fault json_read(const struct contract_message *type, const char *text, size_t size, struct arena *arena,
    struct why *why, ProtobufCMessage **out)
{
    struct json_object *tree = NULL;
    enum fault fault = json_parse(text, size, &JSON_LIMITS, arena, why, &tree);
    if (fault == FAULT_NONE) {
        fault = json_read_tree(type, tree, arena, why, out);
        json_object_put(tree);
    }
    return fault;
}

enum fault json_cross(const struct contract_message *type, const char *text, size_t size, struct arena *arena,
    struct why *why, ProtobufCMessage **out)
{
    ProtobufCMessage *message = NULL;
    enum fault fault = json_read(type, text, size, arena, why, &message);
    if (fault == FAULT_NONE) {
        fault = rules_check(message, why);
    }
    if (fault == FAULT_NONE) {
        *out = message;
    }
    return fault;
}
