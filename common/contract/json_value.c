#include "common/contract/json_value.h"

#include "common/core/base64.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/utf8.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_WHOLE 9007199254740992.0 /* 2^53: below it a double that looks whole is the number that was written. */

static const char TOO_LARGE[] = "the message is too large";
static const char NOT_WHOLE[] = "is not a whole number";
static const char OUT_OF_RANGE[] = "is out of range";
static const char NOT_NUMBER[] = "is not a number";

/* A whole number of any width. */
struct whole {
    bool negative;
    uint64_t size; /* Without its sign. */
};

/* ---- Reading: whole numbers ---- */

static const char *whole_of_text(struct json_object *value, struct whole *out)
{
    struct slice text = {json_object_get_string(value), (size_t)json_object_get_string_len(value)};
    out->negative = slice_starts_with(text, SLICE("-"));
    struct slice digits = {text.at + out->negative, text.size - out->negative};
    return slice_parse_uint(digits, UINT64_MAX, &out->size) ? NULL : NOT_WHOLE;
}

static const char *whole_of_double(double number, struct whole *out)
{
    if (!(fabs(number) < EXACT_WHOLE)) {
        return OUT_OF_RANGE;
    }
    *out = (struct whole){number < 0, (uint64_t)fabs(number)};
    return trunc(number) == number ? NULL : NOT_WHOLE;
}

static const char *whole_of(struct json_object *value, struct whole *out)
{
    if (json_object_is_type(value, json_type_string)) {
        return whole_of_text(value, out);
    }
    if (json_object_is_type(value, json_type_double)) {
        return whole_of_double(json_object_get_double(value), out);
    }
    if (!json_object_is_type(value, json_type_int)) {
        return NOT_NUMBER;
    }
    int64_t number = json_object_get_int64(value);
    *out = number < 0 ? (struct whole){true, -(uint64_t)number} : (struct whole){false, json_object_get_uint64(value)};
    return NULL;
}

static const char *read_signed(struct json_object *value, int64_t min, int64_t max, int64_t *out)
{
    struct whole whole;
    const char *wrong = whole_of(value, &whole);
    if (wrong != NULL) {
        return wrong;
    }
    if (whole.size > (whole.negative ? -(uint64_t)min : (uint64_t)max)) {
        return OUT_OF_RANGE;
    }
    *out = whole.negative ? (int64_t)-whole.size : (int64_t)whole.size;
    return NULL;
}

static const char *read_unsigned(struct json_object *value, uint64_t max, uint64_t *out)
{
    struct whole whole;
    const char *wrong = whole_of(value, &whole);
    if (wrong != NULL) {
        return wrong;
    }
    if (whole.size > (whole.negative ? 0 : max)) {
        return OUT_OF_RANGE;
    }
    *out = whole.size;
    return NULL;
}

static const char *read_int32(struct json_object *value, int32_t *out)
{
    int64_t wide = 0;
    const char *wrong = read_signed(value, INT32_MIN, INT32_MAX, &wide);
    *out = (int32_t)wide;
    return wrong;
}

static const char *read_uint32(struct json_object *value, uint32_t *out)
{
    uint64_t wide = 0;
    const char *wrong = read_unsigned(value, UINT32_MAX, &wide);
    *out = (uint32_t)wide;
    return wrong;
}

/* ---- Reading: the others ---- */

static bool is_decimal(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!ascii_is_digit(text.at[i]) && strchr("+-.eE", text.at[i]) == NULL) {
            return false;
        }
    }
    return text.size > 0 && (ascii_is_digit(text.at[0]) || text.at[0] == '-');
}

static const char *double_of_text(const char *text, double *out)
{
    static const struct {
        const char *word;
        double means;
    } WORDS[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    for (size_t i = 0; i < ARRAY_LENGTH(WORDS); i++) {
        if (strcmp(text, WORDS[i].word) == 0) {
            *out = WORDS[i].means;
            return NULL;
        }
    }
    char *end = NULL;
    *out = strtod(text, &end);
    if (!is_decimal(slice_of(text)) || *end != '\0') {
        return NOT_NUMBER;
    }
    return isinf(*out) ? OUT_OF_RANGE : NULL;
}

static const char *read_double(struct json_object *value, double *out)
{
    switch (json_object_get_type(value)) {
    case json_type_string:
        return double_of_text(json_object_get_string(value), out);
    case json_type_int:
        *out = json_object_get_int64(value) < 0 ? (double)json_object_get_int64(value)
                                                : (double)json_object_get_uint64(value);
        return NULL;
    case json_type_double:
        *out = json_object_get_double(value);
        return isfinite(*out) ? NULL : OUT_OF_RANGE;
    case json_type_null:
    case json_type_boolean:
    case json_type_object:
    case json_type_array:
        return NOT_NUMBER;
    }
    MUST_NOT_REACH();
}

static const char *read_float(struct json_object *value, float *out)
{
    double wide = 0;
    const char *wrong = read_double(value, &wide);
    if (wrong == NULL && isfinite(wide) && fabs(wide) > (double)FLT_MAX) {
        wrong = OUT_OF_RANGE;
    }
    *out = wrong == NULL ? (float)wide : 0;
    return wrong;
}

static const char *read_bool(struct json_object *value, protobuf_c_boolean *out)
{
    *out = json_object_get_boolean(value);
    return json_object_is_type(value, json_type_boolean) ? NULL : "is neither true nor false";
}

static const char *read_enum(const ProtobufCEnumDescriptor *type, struct json_object *value, int32_t *out)
{
    if (json_object_is_type(value, json_type_string)) {
        const ProtobufCEnumValue *named =
            protobuf_c_enum_descriptor_get_value_by_name(type, json_object_get_string(value));
        *out = named != NULL ? named->value : 0;
        return named != NULL ? NULL : "is no value that the contract names";
    }
    const char *wrong = read_int32(value, out);
    if (wrong != NULL) {
        return wrong;
    }
    return protobuf_c_enum_descriptor_get_value(type, *out) != NULL ? NULL : "is no value that the contract names";
}

static const char *read_text(struct json_object *value, struct budget *budget, char **out)
{
    if (!json_object_is_type(value, json_type_string)) {
        return "is not a text";
    }
    const char *text = json_object_get_string(value);
    size_t size = (size_t)json_object_get_string_len(value);
    if (utf8_has_nul(text, size)) {
        return "has a NUL character in it";
    }
    if (!utf8_is_valid(text, size)) {
        return "is not UTF-8";
    }
    char *copy = budget_alloc(budget, size + 1);
    if (copy == NULL) {
        return TOO_LARGE;
    }
    *out = memcpy(copy, text, size + 1);
    return NULL;
}

/* Either alphabet, padded or not. */
static const char *read_bytes(struct json_object *value, struct budget *budget, ProtobufCBinaryData *out)
{
    if (!json_object_is_type(value, json_type_string)) {
        return "is not base64 text";
    }
    const char *text = json_object_get_string(value);
    size_t size = (size_t)json_object_get_string_len(value);
    size_t padding = 0;
    while (padding < 2 && padding < size && text[size - padding - 1] == '=') {
        padding++;
    }
    if (padding > 0 && size % 4 != 0) {
        return "is not base64";
    }
    bool url = strpbrk(text, "-_") != NULL;
    int alphabet = url ? sodium_base64_VARIANT_URLSAFE_NO_PADDING : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    size_t room = size / 4 * 3 + 3;
    *out = (ProtobufCBinaryData){0, budget_alloc(budget, room)};
    if (out->data == NULL) {
        return TOO_LARGE;
    }
    return base64_read(out->data, room, text, size - padding, alphabet, &out->len) ? NULL : "is not base64";
}

const char *json_value_read(
    const ProtobufCFieldDescriptor *field, struct json_object *value, struct budget *budget, void *out)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return read_int32(value, out);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return read_signed(value, INT64_MIN, INT64_MAX, out);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return read_uint32(value, out);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return read_unsigned(value, UINT64_MAX, out);
    case PROTOBUF_C_TYPE_FLOAT:
        return read_float(value, out);
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_double(value, out);
    case PROTOBUF_C_TYPE_BOOL:
        return read_bool(value, out);
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(field->descriptor, value, out);
    case PROTOBUF_C_TYPE_STRING:
        return read_text(value, budget, out);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(value, budget, out);
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    MUST_NOT_REACH();
}

/* ---- Writing ---- */

static struct json_object *write_whole_text(bool negative, uint64_t size)
{
    char text[24];
    snprintf(text, sizeof text, "%s%" PRIu64, negative ? "-" : "", size);
    return json_object_new_string(text);
}

static struct json_object *write_signed(int64_t number)
{
    return write_whole_text(number < 0, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

/* The shortest text that reads as the same number. */
static struct json_object *write_float(double number, int digits, int most_digits)
{
    char text[40];
    if (!isfinite(number)) {
        return json_object_new_string(isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
    }
    for (; digits <= most_digits; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        double back = strtod(text, NULL);
        if (most_digits > FLT_DECIMAL_DIG ? back == number : (float)back == (float)number) {
            break;
        }
    }
    return json_object_new_double_s(
        number, strcmp(text, "-0") == 0 ? "-0.0" : text); /* "-0" would read as a whole 0. */
}

static struct json_object *write_enum(const ProtobufCEnumDescriptor *type, int32_t value)
{
    const ProtobufCEnumValue *named = protobuf_c_enum_descriptor_get_value(type, value);
    return named != NULL ? json_object_new_string(named->name) : json_object_new_int(value);
}

static struct json_object *write_bytes(const ProtobufCBinaryData *bytes)
{
    size_t room = sodium_base64_ENCODED_LEN(bytes->len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    MUST(text != NULL);
    sodium_bin2base64(text, room, bytes->data, bytes->len, sodium_base64_VARIANT_ORIGINAL);
    struct json_object *value = json_object_new_string(text);
    free(text);
    return value;
}

struct json_object *json_value_write(const ProtobufCFieldDescriptor *field, const void *value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_object_new_int(*(const int32_t *)value);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_object_new_int64(*(const uint32_t *)value);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return write_signed(*(const int64_t *)value);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return write_whole_text(false, *(const uint64_t *)value);
    case PROTOBUF_C_TYPE_FLOAT:
        return write_float(*(const float *)value, FLT_DIG, FLT_DECIMAL_DIG);
    case PROTOBUF_C_TYPE_DOUBLE:
        return write_float(*(const double *)value, DBL_DIG, DBL_DECIMAL_DIG);
    case PROTOBUF_C_TYPE_BOOL:
        return json_object_new_boolean(*(const protobuf_c_boolean *)value);
    case PROTOBUF_C_TYPE_ENUM:
        return write_enum(field->descriptor, *(const int32_t *)value);
    case PROTOBUF_C_TYPE_STRING:
        return json_object_new_string(*(const char *const *)value);
    case PROTOBUF_C_TYPE_BYTES:
        return write_bytes(value);
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    MUST_NOT_REACH();
}
