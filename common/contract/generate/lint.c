#include "common/contract/generate/lint.h"

#include "common/contract/contract.h"
#include "common/contract/generate/lint_options.h"
#include "common/contract/guard.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TYPE(name)  GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_##name
#define LABEL(name) GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_##name

void complain(struct lint *lint, const struct file_model *file, const char *place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(lint->out, "%s: %s%s", file->proto->name, place, place[0] != '\0' ? ": " : "");
    vfprintf(lint->out, format, args);
    fputc('\n', lint->out);
    va_end(args);
    lint->complaints++;
}

/* ---- Names ---- */

static bool is_lower_snake(const char *name)
{
    bool after_gap = true;
    for (const char *c = name; *c != '\0'; c++) {
        bool lower = *c >= 'a' && *c <= 'z';
        if (!lower && !(ascii_is_digit(*c) && c != name) && !(*c == '_' && !after_gap)) {
            return false;
        }
        after_gap = *c == '_';
    }
    return !after_gap;
}

static bool is_title_case(const char *name)
{
    if (!(*name >= 'A' && *name <= 'Z')) {
        return false;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!ascii_is_letter(*c) && !ascii_is_digit(*c)) {
            return false;
        }
    }
    return true;
}

/* `ReferralState` -> `REFERRAL_STATE_`. */
static void enum_prefix(const char *name, char *out, size_t size)
{
    size_t at = 0;
    for (const char *c = name; *c != '\0' && at + 3 < size; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        bool follows_upper = c == name || (c[-1] >= 'A' && c[-1] <= 'Z');
        if (upper && !follows_upper) {
            out[at++] = '_';
        }
        out[at++] = ascii_upper(*c);
    }
    out[at++] = '_';
    out[at] = '\0';
}

/* ---- Files ---- */

static void lint_file(struct lint *lint, const struct file_model *file)
{
    const Google__Protobuf__FileDescriptorProto *proto = file->proto;
    if (proto->syntax != NULL && strcmp(proto->syntax, "proto2") != 0) {
        complain(lint, file, "", "syntax is %s, the contract is written in proto2", proto->syntax);
    }
    uint32_t major = package_major(file->package);
    if (major == 0) {
        complain(lint, file, "", "package \"%s\" is not of the form casebus.<name>.v<major>", file->package);
    } else if (major != package_major(lint->model->files[0].package)) {
        complain(lint, file, "", "package %s has another major than %s", file->package, lint->model->files[0].package);
    }
    if (file->service == NULL) {
        return;
    }
    const char *name = file->service->name;
    if (name == NULL || !is_lower_snake(name)) {
        complain(lint, file, "", "the service has no name in lower case");
        return;
    }
    for (const struct file_model *other = lint->model->files; other != file; other++) {
        if (other->service != NULL && other->service->name != NULL && strcmp(other->service->name, name) == 0) {
            complain(lint, file, "", "service %s is already the service of %s", name, other->proto->name);
        }
    }
}

/* ---- Enums ---- */

static void lint_enum(struct lint *lint, const struct enum_model *enumeration)
{
    const Google__Protobuf__EnumDescriptorProto *proto = enumeration->proto;
    char prefix[128];
    char zero[160];
    enum_prefix(proto->name, prefix, sizeof prefix);
    snprintf(zero, sizeof zero, "%sUNSPECIFIED", prefix);
    bool has_zero = false;
    for (size_t i = 0; i < proto->n_value; i++) {
        const Google__Protobuf__EnumValueDescriptorProto *value = proto->value[i];
        has_zero |= value->number == 0 && strcmp(value->name, zero) == 0;
        if (!str_starts_with(value->name, prefix)) {
            complain(lint, enumeration->file, proto->name, "value %s does not begin with %s", value->name, prefix);
        }
        for (size_t j = 0; j < i; j++) {
            if (proto->value[j]->number == value->number) {
                complain(lint, enumeration->file, proto->name, "values %s and %s have the same number",
                    proto->value[j]->name, value->name);
            }
        }
    }
    if (!has_zero) {
        complain(lint, enumeration->file, proto->name, "there is no value %s = 0", zero);
    }
}

/* ---- Fields ---- */

static bool is_integer(int type)
{
    switch (type) {
    case TYPE(INT32):
    case TYPE(INT64):
    case TYPE(UINT32):
    case TYPE(UINT64):
    case TYPE(SINT32):
    case TYPE(SINT64):
    case TYPE(FIXED32):
    case TYPE(FIXED64):
    case TYPE(SFIXED32):
    case TYPE(SFIXED64):
        return true;
    default:
        return false;
    }
}

static void lint_units(
    struct lint *lint, const struct file_model *file, const char *place, const struct field_model *field)
{
    const char *name = field->proto->name;
    int type = field->proto->type;
    bool wide = type == TYPE(INT64) || type == TYPE(SINT64);
    if ((str_ends_with(name, "_at_ms") || str_ends_with(name, "_cents")) && !wide) {
        complain(lint, file, place, "points in time (_at_ms) and money (_cents) are int64 or sint64");
    } else if (str_ends_with(name, "_ms") && !is_integer(type)) {
        complain(lint, file, place, "milliseconds are a whole number");
    } else if (str_ends_with(name, "_at") && wide) {
        complain(lint, file, place, "a point in time ends in _at_ms");
    }
}

static void lint_field(struct lint *lint, const struct message_model *message, const struct field_model *field)
{
    const Google__Protobuf__FieldDescriptorProto *proto = field->proto;
    char place[256];
    snprintf(place, sizeof place, "%s.%s", message->name, proto->name);
    if (!is_lower_snake(proto->name)) {
        complain(lint, message->file, place, "field names are written in lower_snake");
    }
    if (proto->label == LABEL(REQUIRED)) {
        complain(lint, message->file, place, "`required` can never be taken back; write the rule {required: true}");
    }
    if (proto->type == TYPE(GROUP)) {
        complain(lint, message->file, place, "groups are not used");
    }
    if (proto->default_value != NULL) {
        complain(lint, message->file, place, "absent is absent: a field has no default");
    }
    if (proto->type == TYPE(MESSAGE) && field->message == NULL) {
        complain(lint, message->file, place, "%s is not a message of the contract", proto->type_name);
    }
    for (const struct field_model *other = message->fields; other != field; other++) {
        if (strcmp(other->json, field->json) == 0) {
            complain(lint, message->file, place, "%s would have the same name in JSON", other->proto->name);
        }
    }
    lint_units(lint, message->file, place, field);
    lint_rule(lint, message, field, place);
}

/* ---- Messages ---- */

/* Messages inside one another from here on down; more than the guard's ceiling when there is no end to it. */
static unsigned nesting(const struct message_model *message, unsigned above)
{
    unsigned deepest = above + 1;
    for (size_t i = 0; i < message->n_fields && deepest <= GUARD_DEPTH_MAX; i++) {
        if (message->fields[i].message != NULL) {
            unsigned depth = nesting(message->fields[i].message, above + 1);
            deepest = depth > deepest ? depth : deepest;
        }
    }
    return deepest;
}

static bool reaches(const struct message_model *from, const struct message_model *target, bool *seen)
{
    for (size_t i = 0; i < from->n_fields; i++) {
        const struct message_model *next = from->fields[i].message;
        if (next == target) {
            return true;
        }
        if (next != NULL && !seen[next->place]) {
            seen[next->place] = true;
            if (reaches(next, target, seen)) {
                return true;
            }
        }
    }
    return false;
}

static void lint_message(struct lint *lint, const struct message_model *message)
{
    if (!is_title_case(message->proto->name)) {
        complain(lint, message->file, message->name, "message names are written in TitleCase");
    }
    if (message->n_fields > CONTRACT_FIELDS_MAX) {
        complain(lint, message->file, message->name, "has %zu fields, at most %d are allowed", message->n_fields,
            CONTRACT_FIELDS_MAX);
    }
    if (message->proto->n_extension_range > 0 || message->proto->n_extension > 0) {
        complain(lint, message->file, message->name, "extensions are not used");
    }
    if (message->proto->options != NULL && message->proto->options->map_entry) {
        complain(lint, message->file, message->name, "maps are not used; write a list of messages with a key");
    }
    bool *seen = calloc(lint->model->n_messages, sizeof *seen);
    MUST(seen != NULL);
    if (reaches(message, message, seen)) {
        complain(lint, message->file, message->name, "contains itself; the guard could not bound it");
    } else if (nesting(message, 0) > GUARD_DEPTH_MAX) {
        complain(lint, message->file, message->name, "nests deeper than the %d messages that the guard lets through",
            GUARD_DEPTH_MAX);
    }
    free(seen);
    for (size_t i = 0; i < message->n_fields; i++) {
        lint_field(lint, message, &message->fields[i]);
    }
    lint_message_options(lint, message);
}

size_t lint_contract(const struct model *model, FILE *out)
{
    struct lint lint = {.model = model, .out = out};
    for (size_t i = 0; i < model->n_files; i++) {
        lint_file(&lint, &model->files[i]);
    }
    for (size_t i = 0; i < model->n_enums; i++) {
        lint_enum(&lint, &model->enums[i]);
    }
    for (size_t i = 0; i < model->n_messages; i++) {
        lint_message(&lint, &model->messages[i]);
    }
    return lint.complaints;
}
