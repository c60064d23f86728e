#include "common/contract/generate/model.h"

#include "common/core/must.h"
#include "common/core/slice.h"

#include <stdlib.h>
#include <string.h>

/* Numbers in descriptor.proto and options.proto. */
enum {
    PATH_FILE_MESSAGE = 4,
    PATH_FILE_SYNTAX = 12,
    PATH_MESSAGE_FIELD = 2,
    PATH_MESSAGE_NESTED = 3,
    OPTION_PB_C_FILE = 1019,
    OPTION_PB_C_PACKAGE = 6,
    OPTION_CASEBUS = 50001, /* Service of a file, aggregate of a message, rule of a field. */
    OPTION_COMMAND = 50002,
    OPTION_EVENT = 50003,
    OPTION_QUERY = 50004,
};

#define PATH_MAX_LENGTH 32

struct path {
    int32_t steps[PATH_MAX_LENGTH];
    size_t length;
};

struct reading {
    struct arena *arena;
    struct model *model;
    bool broken;
};

static void *arena_of_protobuf(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void forget(void *arena UNUSED, void *piece UNUSED) {}

static ProtobufCMessage *unpack(
    struct reading *r, const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size)
{
    ProtobufCAllocator allocator = {arena_of_protobuf, forget, r->arena};
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, size, data);
    r->broken |= message == NULL;
    return message;
}

/* Octets of the varint at the start; 0 when it does not end. */
static size_t varint_size(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && i < 10; i++) {
        if ((data[i] & 0x80) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* The content of a custom option, which protobuf-c keeps as unknown fields. An option written in parts occurs several
 * times, and its parts put one after the other are the whole. NULL when it was not given. */
static const uint8_t *option_bytes(struct reading *r, const ProtobufCMessage *options, uint32_t tag, size_t *size)
{
    if (options == NULL) {
        return NULL;
    }
    uint8_t *whole = NULL;
    size_t filled = 0;
    for (unsigned i = 0; i < options->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
        if (field->tag != tag || field->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            continue;
        }
        size_t prefix = varint_size(field->data, field->len);
        uint8_t *longer = arena_alloc(r->arena, filled + field->len - prefix + 1);
        if (filled > 0) {
            memcpy(longer, whole, filled);
        }
        memcpy(longer + filled, field->data + prefix, field->len - prefix);
        filled += field->len - prefix;
        whole = longer;
    }
    *size = filled;
    return whole;
}

static const void *option(
    struct reading *r, const ProtobufCMessage *options, uint32_t tag, const ProtobufCMessageDescriptor *type)
{
    size_t size = 0;
    const uint8_t *data = option_bytes(r, options, tag, &size);
    return data != NULL ? unpack(r, type, data, size) : NULL;
}

/* `c_package` out of protobuf-c's own file option, which has no generated code: the one string field of that number. */
static const char *c_package_option(struct reading *r, const ProtobufCMessage *options)
{
    size_t size = 0;
    const uint8_t *data = option_bytes(r, options, OPTION_PB_C_FILE, &size);
    for (size_t at = 0; data != NULL && at < size;) {
        uint8_t tag = data[at++];
        if (tag == (OPTION_PB_C_PACKAGE << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) && at < size) {
            size_t length = data[at++];
            return length <= size - at ? arena_strndup(r->arena, (const char *)data + at, length) : NULL;
        }
        size_t skip = varint_size(data + at, size - at); /* The others of that option are booleans. */
        if (skip == 0) {
            break;
        }
        at += skip;
    }
    return NULL;
}

/* White space of any kind and length becomes one space; none at the ends. */
static const char *one_line(struct arena *arena, const char *leading, const char *trailing)
{
    const char *parts[] = {leading, trailing};
    size_t size = (leading != NULL ? strlen(leading) : 0) + (trailing != NULL ? strlen(trailing) : 0) + 2;
    char *line = arena_alloc(arena, size);
    size_t at = 0;
    bool gap = false;
    for (size_t p = 0; p < ARRAY_LENGTH(parts); p++) {
        for (const char *c = parts[p]; c != NULL && *c != '\0'; c++) {
            if (ascii_is_space(*c)) {
                gap = true;
                continue;
            }
            if (gap && at > 0) {
                line[at++] = ' ';
            }
            gap = false;
            line[at++] = *c;
        }
        gap = true;
    }
    line[at] = '\0';
    return line;
}

static const char *comment_at(
    struct reading *r, const Google__Protobuf__FileDescriptorProto *file, const struct path *path)
{
    const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;
    for (size_t i = 0; info != NULL && i < info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *at = info->location[i];
        if (at->n_path == path->length && memcmp(at->path, path->steps, path->length * sizeof *at->path) == 0) {
            return one_line(r->arena, at->leading_comments, at->trailing_comments);
        }
    }
    return "";
}

static struct path below(const struct path *path, int32_t list, size_t index)
{
    struct path longer = *path;
    MUST(longer.length + 2 <= PATH_MAX_LENGTH);
    longer.steps[longer.length++] = list;
    longer.steps[longer.length++] = (int32_t)index;
    return longer;
}

/* As protoc-c spells it: an underscore before a capital that does not follow one. */
static const char *lower_snake(struct arena *arena, const char *camel)
{
    char *out = arena_alloc(arena, 2 * strlen(camel) + 1);
    size_t at = 0;
    bool was_upper = true;
    for (const char *c = camel; *c != '\0'; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        if (upper && !was_upper) {
            out[at++] = '_';
        }
        out[at++] = ascii_lower(*c);
        was_upper = upper;
    }
    out[at] = '\0';
    return out;
}

static const char *lower_camel(struct arena *arena, const char *snake)
{
    char *out = arena_alloc(arena, strlen(snake) + 1);
    size_t at = 0;
    bool raise = false;
    for (const char *c = snake; *c != '\0'; c++) {
        if (*c == '_') {
            raise = true;
            continue;
        }
        out[at++] = raise ? ascii_upper(*c) : *c;
        raise = false;
    }
    out[at] = '\0';
    return out;
}

/* The two spellings of protoc-c: parts of the dotted name joined by two underscores. */
static void spell_c_names(struct arena *arena, struct message_model *message)
{
    const char *c_name = "";
    const char *c_lower = "";
    struct slice rest = slice_of(arena_printf(arena, "%s.%s", message->file->c_package, message->name));
    struct slice part;
    while (slice_take_field(&rest, '.', &part)) {
        char *camel = (char *)lower_camel(arena, arena_strndup(arena, part.at, part.size));
        camel[0] = ascii_upper(camel[0]);
        const char *joint = c_name[0] != '\0' ? "__" : "";
        c_name = arena_printf(arena, "%s%s%s", c_name, joint, camel);
        c_lower = arena_printf(arena, "%s%s%s", c_lower, joint, lower_snake(arena, camel));
    }
    message->c_name = c_name;
    message->c_lower = c_lower;
}

static int by_number(const void *a, const void *b)
{
    const struct field_model *left = a;
    const struct field_model *right = b;
    return (left->proto->number > right->proto->number) - (left->proto->number < right->proto->number);
}

static void read_fields(struct reading *r, struct message_model *message, const struct path *path)
{
    message->n_fields = message->proto->n_field;
    message->fields = ARENA_ARRAY(r->arena, struct field_model, message->n_fields);
    for (size_t i = 0; i < message->n_fields; i++) {
        const Google__Protobuf__FieldDescriptorProto *proto = message->proto->field[i];
        struct path at = below(path, PATH_MESSAGE_FIELD, i);
        message->fields[i] = (struct field_model){
            .proto = proto,
            .json = lower_camel(r->arena, proto->name),
            .comment = comment_at(r, message->file->proto, &at),
            .rule = option(r, (const ProtobufCMessage *)proto->options, OPTION_CASEBUS, &casebus__rule__descriptor),
        };
    }
    if (message->n_fields > 0) {
        qsort(message->fields, message->n_fields, sizeof *message->fields, by_number);
    }
}

static void read_enums(struct reading *r, const struct file_model *file, Google__Protobuf__EnumDescriptorProto **enums,
    size_t count, const char *scope)
{
    for (size_t i = 0; i < count; i++) {
        r->model->enums[r->model->n_enums++] = (struct enum_model){
            .file = file,
            .proto = enums[i],
            .full_name = arena_printf(r->arena, "%s.%s", scope, enums[i]->name),
        };
    }
}

/* A message and those written inside it. */
static void read_message(struct reading *r, const struct file_model *file,
    const Google__Protobuf__DescriptorProto *proto, const char *scope, const struct path *path)
{
    struct message_model *message = &r->model->messages[r->model->n_messages++];
    const ProtobufCMessage *options = (const ProtobufCMessage *)proto->options;
    *message = (struct message_model){
        .file = file,
        .proto = proto,
        .full_name = arena_printf(r->arena, "%s.%s", scope, proto->name),
        .comment = comment_at(r, file->proto, path),
        .nested = path->length > 2,
        .kind = lower_snake(r->arena, proto->name),
        .aggregate = option(r, options, OPTION_CASEBUS, &casebus__aggregate__descriptor),
        .command = option(r, options, OPTION_COMMAND, &casebus__command__descriptor),
        .event = option(r, options, OPTION_EVENT, &casebus__event__descriptor),
        .query = option(r, options, OPTION_QUERY, &casebus__query__descriptor),
    };
    message->name = message->full_name + strlen(file->package) + 1;
    const char *prefix = file->service != NULL && file->service->name != NULL ? file->service->name : file->c_package;
    message->subject = arena_printf(r->arena, "%s.%s", prefix, message->name);
    spell_c_names(r->arena, message);
    read_fields(r, message, path);
    read_enums(r, file, proto->enum_type, proto->n_enum_type, message->full_name);
    for (size_t i = 0; i < proto->n_nested_type; i++) {
        struct path at = below(path, PATH_MESSAGE_NESTED, i);
        read_message(r, file, proto->nested_type[i], message->full_name, &at);
    }
}

static void read_file(struct reading *r, const Google__Protobuf__FileDescriptorProto *proto)
{
    struct file_model *file = &r->model->files[r->model->n_files++];
    const ProtobufCMessage *options = (const ProtobufCMessage *)proto->options;
    const char *c_package = c_package_option(r, options);
    const char *package = proto->package != NULL ? proto->package : "";
    struct path syntax = {{PATH_FILE_SYNTAX}, 1};
    *file = (struct file_model){
        .proto = proto,
        .package = package,
        .c_package = c_package != NULL ? c_package : package,
        .comment = comment_at(r, proto, &syntax),
        .service = option(r, options, OPTION_CASEBUS, &casebus__service__descriptor),
    };
    read_enums(r, file, proto->enum_type, proto->n_enum_type, package);
    for (size_t i = 0; i < proto->n_message_type; i++) {
        struct path at = {{PATH_FILE_MESSAGE, (int32_t)i}, 2};
        read_message(r, file, proto->message_type[i], package, &at);
    }
}

static bool is_ours(const Google__Protobuf__FileDescriptorProto *file)
{
    return !str_starts_with(file->name, "google/") && !str_starts_with(file->name, "protobuf-c/");
}

static size_t count_nested(const Google__Protobuf__DescriptorProto *proto, size_t *enums)
{
    size_t count = 1;
    *enums += proto->n_enum_type;
    for (size_t i = 0; i < proto->n_nested_type; i++) {
        count += count_nested(proto->nested_type[i], enums);
    }
    return count;
}

static void make_room(struct reading *r)
{
    size_t messages = 0;
    size_t enums = 0;
    for (size_t f = 0; f < r->model->set->n_file; f++) {
        const Google__Protobuf__FileDescriptorProto *file = r->model->set->file[f];
        enums += file->n_enum_type;
        for (size_t i = 0; i < file->n_message_type; i++) {
            messages += count_nested(file->message_type[i], &enums);
        }
    }
    r->model->files = ARENA_ARRAY(r->arena, struct file_model, r->model->set->n_file);
    r->model->messages = ARENA_ARRAY(r->arena, struct message_model, messages);
    r->model->enums = ARENA_ARRAY(r->arena, struct enum_model, enums);
}

static int by_full_name(const void *a, const void *b)
{
    return strcmp(((const struct message_model *)a)->full_name, ((const struct message_model *)b)->full_name);
}

static void link_messages(struct model *model)
{
    for (size_t m = 0; m < model->n_messages; m++) {
        struct message_model *message = &model->messages[m];
        message->place = m;
        for (size_t i = 0; i < message->n_fields; i++) {
            const Google__Protobuf__FieldDescriptorProto *proto = message->fields[i].proto;
            if (proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE) {
                message->fields[i].message = model_find(model, message->file, proto->type_name + 1);
            }
        }
    }
}

const struct model *model_read(const void *data, size_t size, struct arena *arena)
{
    struct reading r = {.arena = arena, .model = ARENA_NEW(arena, struct model)};
    r.model->set = (const void *)unpack(&r, &google__protobuf__file_descriptor_set__descriptor, data, size);
    if (r.broken) {
        return NULL;
    }
    make_room(&r);
    for (size_t i = 0; i < r.model->set->n_file; i++) {
        if (is_ours(r.model->set->file[i])) {
            read_file(&r, r.model->set->file[i]);
        }
    }
    if (r.model->n_messages > 0) {
        qsort(r.model->messages, r.model->n_messages, sizeof *r.model->messages, by_full_name);
    }
    link_messages(r.model);
    return r.broken ? NULL : r.model;
}

const struct message_model *model_find(const struct model *model, const struct file_model *from, const char *name)
{
    if (name == NULL) {
        return NULL;
    }
    size_t package = strlen(from->package);
    for (size_t i = 0; i < model->n_messages; i++) {
        const struct message_model *message = &model->messages[i];
        bool local = strncmp(message->full_name, from->package, package) == 0 && message->full_name[package] == '.' &&
                     strcmp(message->name, name) == 0;
        if (local || strcmp(message->full_name, name) == 0) {
            return message;
        }
    }
    for (size_t i = 0; i < model->n_messages; i++) {
        if (strcmp(model->messages[i].subject, name) == 0) {
            return &model->messages[i];
        }
    }
    return NULL;
}

int model_field(const struct message_model *message, const char *name)
{
    for (size_t i = 0; name != NULL && i < message->n_fields; i++) {
        if (strcmp(message->fields[i].proto->name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

uint32_t package_major(const char *package)
{
    const char *last = strrchr(package, '.');
    uint64_t major = 0;
    if (!str_starts_with(package, "casebus.") || last == NULL || last[1] != 'v' ||
        !slice_parse_uint(slice_of(last + 2), UINT16_MAX, &major)) {
        return 0;
    }
    return (uint32_t)major;
}
