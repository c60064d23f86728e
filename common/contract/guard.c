#include "common/contract/guard.h"

#include "common/contract/contract.h"
#include "common/contract/field.h"
#include "common/contract/path.h"
#include "common/core/must.h"
#include "common/core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What protobuf-c 1.4.1 takes beside the values: a note on each field of a message, the first 16 on its stack, the
 * others in slabs that double. */
#define NOTE_SIZE      32
#define NOTES_ON_STACK 16
#define PIECE_SIZE     16 /* Arenas round up to this. */

#define VARINT_SIZE_MAX 10
#define LENGTH_SIZE_MAX 5

struct scan {
    const struct guard_limits *limits;
    struct why *why;
    struct guard_sum sum;
};

/* One message being scanned. */
struct level {
    const struct level *above;
    const ProtobufCMessageDescriptor *descriptor;
    const uint8_t *start, *end;
    const uint8_t *field_start;            /* Of the field being looked at. */
    const ProtobufCFieldDescriptor *field; /* NULL: not found out yet, or unknown. */
    uint32_t depth;
    uint32_t fields;
    uint64_t seen[CONTRACT_FIELDS_MAX / 64];
};

/* ---- Refusing ---- */

static const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, size_t size_max, uint64_t *out);
static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end, unsigned wire_type);

/* How often the field of the level came before. Looks again at bytes that were found right. */
static size_t occurrences(const struct level *level)
{
    size_t count = 0;
    const uint8_t *at = level->start;
    while (at != NULL && at < level->field_start) {
        uint64_t tag = 0;
        at = read_varint(at, level->end, LENGTH_SIZE_MAX, &tag);
        count += at != NULL && tag >> 3 == level->field->id;
        at = at != NULL ? skip_value(at, level->end, tag & 7) : NULL;
    }
    return count;
}

static __attribute__((cold, format(printf, 3, 4))) enum fault refuse(
    struct scan *scan, const struct level *level, const char *format, ...)
{
    struct path steps[GUARD_DEPTH_MAX * 4];
    const struct path *path = NULL;
    size_t used = 0;
    const struct level *levels[ARRAY_LENGTH(steps)];
    for (const struct level *l = level; l != NULL && used < ARRAY_LENGTH(levels); l = l->above) {
        levels[used++] = l;
    }
    while (used > 0) {
        const struct level *l = levels[--used];
        if (l->field != NULL) {
            steps[used] = (struct path){path, l->field, occurrences(l)};
            path = &steps[used];
        }
    }
    char sentence[WHY_SIZE];
    char text[PATH_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (path != NULL) {
        why_set(scan->why, "%s: %s", path_text(path, text), sentence);
    } else {
        why_set(scan->why, "%s, byte %zu: %s", level->descriptor->name, (size_t)(level->field_start - level->start),
            sentence);
    }
    return FAULT_INVALID;
}

/* ---- Wire ---- */

/* Moves past a varint of at most `size_max` bytes. NULL when it does not end there or does not fit 64 bits. */
static inline const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, size_t size_max, uint64_t *out)
{
    if (at < end && *at < 0x80) {
        *out = *at;
        return at + 1;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size_max && at < end; i++) {
        uint8_t byte = *at++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *out = value;
            return i == VARINT_SIZE_MAX - 1 && byte > 1 ? NULL : at;
        }
    }
    return NULL;
}

static const uint8_t *skip_bytes(const uint8_t *at, const uint8_t *end, uint64_t size)
{
    return size <= (uint64_t)(end - at) ? at + size : NULL;
}

/* Moves past a value of that wire type; NULL when it is cut short or the type is none we know. */
static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end, unsigned wire_type)
{
    uint64_t value = 0;
    switch (wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return read_varint(at, end, VARINT_SIZE_MAX, &value);
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        return skip_bytes(at, end, 8);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        at = read_varint(at, end, LENGTH_SIZE_MAX, &value);
        return at != NULL ? skip_bytes(at, end, value) : NULL;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        return skip_bytes(at, end, 4);
    default:
        return NULL;
    }
}

static unsigned wire_type_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_BOOL:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
    MUST_NOT_REACH();
}

/* ---- Values ---- */

/* Whether a varint is a value of the field: in the range of its type, a named value of its enum. */
static bool number_fits(const ProtobufCFieldDescriptor *field, uint64_t value)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return value <= 1;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
        return value <= UINT32_MAX;
    case PROTOBUF_C_TYPE_INT32:
        return (int64_t)value == (int32_t)value;
    case PROTOBUF_C_TYPE_ENUM:
        return (int64_t)value == (int32_t)value &&
               protobuf_c_enum_descriptor_get_value(field->descriptor, (int32_t)value) != NULL;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return true;
    }
    MUST_NOT_REACH();
}

static enum fault refuse_number(struct scan *scan, const struct level *level, uint64_t value)
{
    if (level->field->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumDescriptor *type = level->field->descriptor;
        return refuse(scan, level, "%lld is no value of %s", (long long)value, type->name);
    }
    return refuse(scan, level, "number %llu is out of range", (unsigned long long)value);
}

static void predict(struct scan *scan, size_t size)
{
    scan->sum.predicted_size += (size + PIECE_SIZE - 1) / PIECE_SIZE * PIECE_SIZE;
}

static enum fault scan_text(struct scan *scan, const struct level *level, const uint8_t *text, size_t size)
{
    if (utf8_has_nul(text, size)) {
        return refuse(scan, level, "has a NUL character in it");
    }
    if (!utf8_is_valid(text, size)) {
        return refuse(scan, level, "is not UTF-8");
    }
    predict(scan, size + 1);
    return FAULT_NONE;
}

/* Numbers one after the other, without tags. */
static enum fault scan_packed(struct scan *scan, const struct level *level, const uint8_t *at, const uint8_t *end)
{
    unsigned wire_type = wire_type_of(level->field);
    size_t count = 0;
    for (; at < end; count++) {
        uint64_t value = 0;
        const uint8_t *next = wire_type == PROTOBUF_C_WIRE_TYPE_VARINT ? read_varint(at, end, VARINT_SIZE_MAX, &value)
                                                                       : skip_value(at, end, wire_type);
        if (next == NULL) {
            return refuse(scan, level, "the packed list is cut short");
        }
        if (!number_fits(level->field, value)) {
            return refuse_number(scan, level, value);
        }
        at = next;
    }
    scan->sum.predicted_size += count * field_value_size(level->field);
    return FAULT_NONE;
}

static enum fault scan_message(struct scan *scan, struct level *level);

static enum fault scan_inner(struct scan *scan, const struct level *level, const uint8_t *start, const uint8_t *end)
{
    if (level->depth == scan->limits->depth) {
        return refuse(scan, level, "is nested deeper than %u messages", scan->limits->depth);
    }
    struct level inner = {
        .above = level,
        .descriptor = level->field->descriptor,
        .start = start,
        .end = end,
        .field_start = start,
        .depth = level->depth + 1,
    };
    return scan_message(scan, &inner);
}

/* The octets of a field with a length before it. */
static enum fault scan_prefixed(struct scan *scan, const struct level *level, const uint8_t *start, const uint8_t *end)
{
    ProtobufCType type = level->field->type;
    if (type == PROTOBUF_C_TYPE_STRING) {
        return scan_text(scan, level, start, (size_t)(end - start));
    }
    if (type == PROTOBUF_C_TYPE_BYTES) {
        predict(scan, (size_t)(end - start));
        return FAULT_NONE;
    }
    return type == PROTOBUF_C_TYPE_MESSAGE ? scan_inner(scan, level, start, end) : scan_packed(scan, level, start, end);
}

/* ---- Fields ---- */

/* Fields mostly come in the order of their numbers, so the one after the last is tried first. */
static const ProtobufCFieldDescriptor *find_field(const struct level *level, uint32_t number)
{
    const ProtobufCMessageDescriptor *descriptor = level->descriptor;
    if (descriptor->n_fields == 0) {
        return NULL;
    }
    const ProtobufCFieldDescriptor *end = descriptor->fields + descriptor->n_fields;
    const ProtobufCFieldDescriptor *next = level->field != NULL ? level->field : descriptor->fields;
    for (int tries = 0; tries < 2 && next < end; tries++, next++) {
        if (next->id == number) {
            return next;
        }
    }
    return protobuf_c_message_descriptor_get_field(descriptor, number);
}

/* Notes that the field is there. False when a single one was there already, or another member of its oneof. */
static bool note_field(struct scan *scan, struct level *level)
{
    const ProtobufCFieldDescriptor *field = level->field;
    size_t place = (size_t)(field - level->descriptor->fields);
    uint64_t bit = UINT64_C(1) << (place % 64);
    bool again = (level->seen[place / 64] & bit) != 0;
    level->seen[place / 64] |= bit;
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        scan->sum.predicted_size += again ? 0 : PIECE_SIZE;
        return true;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        for (size_t i = 0; i < level->descriptor->n_fields; i++) {
            const ProtobufCFieldDescriptor *other = &level->descriptor->fields[i];
            bool sibling = other != field && (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
                           other->quantifier_offset == field->quantifier_offset;
            again |= sibling && (level->seen[i / 64] >> (i % 64) & 1) != 0;
        }
    }
    return !again;
}

static enum fault scan_unknown(struct scan *scan, const struct level *level, uint32_t number, size_t size)
{
    if (++scan->sum.unknown > scan->limits->unknown) {
        return scan->limits->unknown == 0
                   ? refuse(scan, level, "field number %u is not in the contract", number)
                   : refuse(scan, level, "has more than %u fields that are not in the contract", scan->limits->unknown);
    }
    predict(scan, size);
    predict(scan, sizeof(ProtobufCMessageUnknownField));
    return FAULT_NONE;
}

static enum fault scan_known(
    struct scan *scan, struct level *level, unsigned wire_type, const uint8_t *start, const uint8_t *end)
{
    const ProtobufCFieldDescriptor *field = level->field;
    bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
    unsigned own = wire_type_of(field);
    bool packed = list && wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && own != wire_type;
    if (wire_type != own && !packed) {
        return refuse(scan, level, "is sent as wire type %u, not %u", wire_type, own);
    }
    if (!note_field(scan, level)) {
        return refuse(scan, level, "is given twice");
    }
    if (list && !packed) {
        scan->sum.predicted_size += field_value_size(field);
    }
    if (wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        uint64_t size = 0;
        return scan_prefixed(scan, level, read_varint(start, end, LENGTH_SIZE_MAX, &size), end);
    }
    uint64_t value = 0;
    if (wire_type == PROTOBUF_C_WIRE_TYPE_VARINT) {
        read_varint(start, end, VARINT_SIZE_MAX, &value);
    }
    return number_fits(field, value) ? FAULT_NONE : refuse_number(scan, level, value);
}

/* One field, from its tag on. Sets `*at` behind it. */
static enum fault scan_field(struct scan *scan, struct level *level, const uint8_t **at)
{
    uint64_t tag = 0;
    const ProtobufCFieldDescriptor *last = level->field;
    const uint8_t *value = read_varint(*at, level->end, LENGTH_SIZE_MAX, &tag);
    level->field_start = *at;
    if (value == NULL || tag > UINT32_MAX || tag >> 3 == 0) {
        level->field = NULL;
        return refuse(scan, level, "is no field");
    }
    const uint8_t *end = skip_value(value, level->end, tag & 7);
    level->field = find_field(level, (uint32_t)(tag >> 3));
    if (end == NULL) {
        return refuse(scan, level, "field number %u is cut short or of an unknown wire type", (unsigned)(tag >> 3));
    }
    level->fields++;
    if (++scan->sum.fields > scan->limits->fields) {
        return refuse(scan, level, "the message has more than %u fields", scan->limits->fields);
    }
    *at = end;
    if (level->field == NULL) {
        enum fault fault = scan_unknown(scan, level, (uint32_t)(tag >> 3), (size_t)(end - value));
        level->field = last;
        return fault;
    }
    return scan_known(scan, level, tag & 7, value, end);
}

static enum fault scan_message(struct scan *scan, struct level *level)
{
    MUST(level->descriptor->n_fields <= CONTRACT_FIELDS_MAX);
    predict(scan, level->descriptor->sizeof_message);
    const uint8_t *at = level->start;
    while (at < level->end) {
        enum fault fault = scan_field(scan, level, &at);
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    for (size_t noted = NOTES_ON_STACK, slab = 2 * NOTES_ON_STACK; noted < level->fields; noted += slab, slab *= 2) {
        scan->sum.predicted_size += slab * NOTE_SIZE;
    }
    return FAULT_NONE;
}

enum fault guard_scan(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t size,
    const struct guard_limits *limits, struct why *why, struct guard_sum *sum)
{
    MUST(limits->depth <= GUARD_DEPTH_MAX * 4);
    struct scan scan = {.limits = limits, .why = why};
    struct level outermost = {
        .descriptor = descriptor, .start = data, .end = (const uint8_t *)data + size, .field_start = data, .depth = 1};
    if (size > limits->size) {
        return refuse(&scan, &outermost, "has %zu bytes, at most %zu are allowed", size, limits->size);
    }
    enum fault fault = scan_message(&scan, &outermost);
    if (fault != FAULT_NONE) {
        return fault;
    }
    outermost.field = NULL;
    outermost.field_start = data;
    if (scan.sum.predicted_size > GUARD_SPARE_SIZE + GUARD_GROWTH * size) {
        return refuse(
            &scan, &outermost, "would take %zu bytes of memory for %zu bytes sent", scan.sum.predicted_size, size);
    }
    if (sum != NULL) {
        *sum = scan.sum;
    }
    return FAULT_NONE;
}
