#include "common/contract/rules.h"

#include "common/contract/field.h"
#include "common/contract/path.h"
#include "common/core/must.h"
#include "common/core/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_SIZE 48 /* Of a value in a refusal, with the NUL. */

/* A field in hand. */
struct place {
    const struct contract_field *rule;
    const struct path *path;
    struct why *why;
};

/* ---- Refusing ---- */

/* The value as one can show it on a line: control characters and quotes as '?', cut short with "...". */
static const char *show(const char *text, char out[static SHOWN_SIZE])
{
    size_t size = strlen(text);
    size_t kept = utf8_cut(text, size, SHOWN_SIZE - 4);
    for (size_t i = 0; i < kept; i++) {
        unsigned char c = (unsigned char)text[i];
        out[i] = c < 0x20 || c == 0x7f || c == '"' ? '?' : text[i];
    }
    strcpy(out + kept, kept < size ? "..." : "");
    return out;
}

/* "path is VALUE: what", or without the value where it is not for every eye. */
static enum fault refuse(const struct place *place, const char *value, const char *what)
{
    char path[PATH_SIZE];
    if (place->rule->sensitive || value == NULL) {
        why_set(place->why, "%s: %s", path_text(place->path, path), what);
    } else {
        why_set(place->why, "%s is %s: %s", path_text(place->path, path), value, what);
    }
    return FAULT_INVALID;
}

static enum fault refuse_text(const struct place *place, const char *text, const char *what)
{
    char shown[SHOWN_SIZE];
    char quoted[SHOWN_SIZE + 2];
    snprintf(quoted, sizeof quoted, "\"%s\"", show(text, shown));
    return refuse(place, quoted, what);
}

/* ---- Values by type ---- */

static enum fault check_text(const struct place *place, const char *text)
{
    const struct contract_field *rule = place->rule;
    char what[96];
    if (text[0] == '\0' && rule->required) {
        return refuse(place, NULL, "is empty");
    }
    size_t octets = strlen(text);
    size_t length =
        octets <= rule->max_length && octets >= 4 * (size_t)rule->min_length ? octets : utf8_length(text, octets);
    if (length > rule->max_length) {
        snprintf(what, sizeof what, "has %zu characters, at most %" PRIu32 " are allowed", length, rule->max_length);
        return refuse(place, NULL, what);
    }
    if (length < rule->min_length) {
        snprintf(what, sizeof what, "has %zu characters, at least %" PRIu32 " are needed", length, rule->min_length);
        return refuse(place, NULL, what);
    }
    if (!form_holds(rule->form, text)) {
        snprintf(what, sizeof what, "not %s", form_words(rule->form));
        return refuse_text(place, text, what);
    }
    return FAULT_NONE;
}

static enum fault check_bytes(const struct place *place, const ProtobufCBinaryData *bytes)
{
    char what[96];
    if (bytes->len == 0 && place->rule->required) {
        return refuse(place, NULL, "is empty");
    }
    if (bytes->len > place->rule->max_length || bytes->len < place->rule->min_length) {
        snprintf(what, sizeof what, "has %zu bytes, %" PRIu32 " to %" PRIu32 " are allowed", bytes->len,
            place->rule->min_length, place->rule->max_length);
        return refuse(place, NULL, what);
    }
    return FAULT_NONE;
}

static enum fault refuse_number(const struct place *place, const char *value, const char *word, int64_t limit)
{
    char what[64];
    snprintf(what, sizeof what, "%s %" PRId64, word, limit);
    return refuse(place, value, what);
}

static enum fault refuse_signed(const struct place *place, int64_t number, const char *word, int64_t limit)
{
    char value[32];
    snprintf(value, sizeof value, "%" PRId64, number);
    return refuse_number(place, value, word, limit);
}

static enum fault check_signed(const struct place *place, int64_t number)
{
    const struct contract_field *rule = place->rule;
    if (rule->has_min && number < rule->min) {
        return refuse_signed(place, number, "at least", rule->min);
    }
    if (rule->has_max && number > rule->max) {
        return refuse_signed(place, number, "at most", rule->max);
    }
    return FAULT_NONE;
}

static enum fault check_unsigned(const struct place *place, uint64_t number)
{
    if (number <= INT64_MAX || !place->rule->has_max) {
        return check_signed(place, number <= INT64_MAX ? (int64_t)number : INT64_MAX);
    }
    char value[32];
    snprintf(value, sizeof value, "%" PRIu64, number);
    return refuse_number(place, value, "at most", place->rule->max);
}

static enum fault check_float(const struct place *place, double number)
{
    const struct contract_field *rule = place->rule;
    bool too_small = rule->has_min && number < (double)rule->min;
    bool too_large = rule->has_max && number > (double)rule->max;
    if (isfinite(number) && !too_small && !too_large) {
        return FAULT_NONE;
    }
    char value[32];
    snprintf(value, sizeof value, "%g", number);
    if (!isfinite(number)) {
        return refuse(place, value, "not a number");
    }
    return refuse_number(place, value, too_small ? "at least" : "at most", too_small ? rule->min : rule->max);
}

static enum fault check_enum(const struct place *place, int32_t value)
{
    return value == 0 && place->rule->required ? refuse(place, NULL, "is unspecified") : FAULT_NONE;
}

static enum fault check_message(
    const struct contract_message *type, const ProtobufCMessage *message, const struct path *above, struct why *why);

static enum fault check_value(const struct place *place, const void *value)
{
    const ProtobufCFieldDescriptor *field = place->path->field;
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return check_text(place, *(const char *const *)value);
    case PROTOBUF_C_TYPE_BYTES:
        return check_bytes(place, value);
    case PROTOBUF_C_TYPE_MESSAGE:
        return check_message(place->rule->message, *(ProtobufCMessage *const *)value, place->path, place->why);
    case PROTOBUF_C_TYPE_ENUM:
        return check_enum(place, *(const int32_t *)value);
    case PROTOBUF_C_TYPE_BOOL:
        return FAULT_NONE;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return check_signed(place, *(const int32_t *)value);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return check_signed(place, *(const int64_t *)value);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return check_unsigned(place, *(const uint32_t *)value);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return check_unsigned(place, *(const uint64_t *)value);
    case PROTOBUF_C_TYPE_FLOAT:
        return check_float(place, *(const float *)value);
    case PROTOBUF_C_TYPE_DOUBLE:
        return check_float(place, *(const double *)value);
    }
    MUST_NOT_REACH();
}

/* ---- Fields and messages ---- */

static bool is_list(const ProtobufCFieldDescriptor *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

static enum fault refuse_count(const struct place *place, size_t count)
{
    char path[PATH_SIZE];
    path_text_of_list(place->path, path);
    if (count == 0) {
        why_set(place->why, "%s is missing", path_text_of_list(place->path, path));
    } else {
        why_set(place->why, "%s has %zu entries, at most %" PRIu32 " are allowed", path_text_of_list(place->path, path),
            count, place->rule->max_items);
    }
    return FAULT_INVALID;
}

static enum fault check_field(const struct place *place, struct path *path, const ProtobufCMessage *message)
{
    size_t count = field_count(message, path->field);
    if (count == 0) {
        return place->rule->required ? refuse_count(place, 0) : FAULT_NONE;
    }
    if (is_list(path->field) && count > place->rule->max_items) {
        return refuse_count(place, count);
    }
    for (path->index = 0; path->index < count; path->index++) {
        enum fault fault = check_value(place, field_value(message, path->field, path->index));
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    return FAULT_NONE;
}

static enum fault check_message(
    const struct contract_message *type, const ProtobufCMessage *message, const struct path *above, struct why *why)
{
    for (unsigned i = 0; i < type->descriptor->n_fields; i++) {
        struct path path = {above, &type->descriptor->fields[i], 0};
        struct place place = {&type->fields[i], &path, why};
        enum fault fault = check_field(&place, &path, message);
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    return FAULT_NONE;
}

enum fault rules_check(const ProtobufCMessage *message, struct why *why)
{
    return check_message(contract_of(message->descriptor), message, NULL, why);
}
