#include "common/bus/frame.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/hash.h"
#include "common/core/must.h"

#define FRAME_FIRST_ROOM 4096 /* bytes of a frame's first memory */

/* Where the fields of the header stand; all little endian. Byte 9 must be zero. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 2,
    AT_VERB = 3,
    AT_FLAGS = 4,
    AT_CLASS = 6,
    AT_ATTEMPT = 7,
    AT_STATUS = 8,
    AT_RESERVED = 9,
    AT_PARTITION = 10,
    AT_TTL = 12,
    AT_TAG = 16,
    AT_ROOT = 24,
    AT_EPOCH = 32,
    AT_STAMP_SIZE = 36,
    AT_ENVELOPE_SIZE = 40,
    AT_BODY_SIZE = 44,
};

#define MAGIC_0      'C'
#define MAGIC_1      'B'
#define WIRE_VERSION 1

static uint16_t load16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t load32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t load64(const uint8_t *at)
{
    return (uint64_t)load32(at) | (uint64_t)load32(at + 4) << 32;
}

static void store16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void store32(uint8_t *at, uint32_t value)
{
    store16(at, (uint16_t)value);
    store16(at + 2, (uint16_t)(value >> 16));
}

static void store64(uint8_t *at, uint64_t value)
{
    store32(at, (uint32_t)value);
    store32(at + 4, (uint32_t)(value >> 32));
}

/* What is wrong with the record that begins at `head`, of which `left` bytes are there; its whole size when nothing is.
 */
static enum frame_fault check_record(const uint8_t *head, size_t left, size_t *out_size)
{
    if (left < RECORD_HEAD) {
        return FRAME_SHORT;
    }
    if (head[AT_MAGIC] != MAGIC_0 || head[AT_MAGIC + 1] != MAGIC_1) {
        return FRAME_MAGIC;
    }
    if (head[AT_VERSION] != WIRE_VERSION) {
        return FRAME_VERSION;
    }
    if (!verb_is_known(head[AT_VERB])) {
        return FRAME_VERB;
    }
    if (!status_is_known(head[AT_STATUS])) {
        return FRAME_STATUS;
    }
    if (!class_is_known(head[AT_CLASS])) {
        return FRAME_CLASS;
    }
    if (head[AT_RESERVED] != 0) {
        return FRAME_RESERVED;
    }
    uint32_t stamp = load32(head + AT_STAMP_SIZE);
    uint32_t envelope = load32(head + AT_ENVELOPE_SIZE);
    uint32_t body = load32(head + AT_BODY_SIZE);
    if (stamp > STAMP_MAX) {
        return FRAME_STAMP;
    }
    if (envelope > ENVELOPE_MAX) {
        return FRAME_ENVELOPE;
    }
    /* The first two are small by now, so this sum cannot wrap even where size_t has 32 bits. */
    size_t before_body = (size_t)RECORD_HEAD + stamp + envelope;
    if (left < before_body || left - before_body < body) {
        return FRAME_SHORT;
    }
    *out_size = before_body + body;
    return FRAME_NONE;
}

static enum frame_fault check_records(const uint8_t *bytes, size_t size)
{
    unsigned records = 0;
    for (size_t at = 0, record = 0; at < size; at += record) {
        enum frame_fault fault = check_record(bytes + at, size - at, &record);
        if (fault != FRAME_NONE) {
            return fault;
        }
        if (++records > FRAME_RECORDS_MAX) {
            return FRAME_RECORDS;
        }
    }
    return FRAME_NONE;
}

enum frame_fault frame_begin(struct frame_reader *reader, const void *bytes, size_t size)
{
    *reader = (struct frame_reader){0};
    if (size == 0) {
        return FRAME_EMPTY;
    }
    if (size > FRAME_MAX) {
        return FRAME_SIZE;
    }
    enum frame_fault fault = check_records(bytes, size);
    if (fault == FRAME_NONE) {
        reader->at = bytes;
        reader->end = reader->at + size;
    }
    return fault;
}

/* Lends a part of the frame, NULL when it is empty, and moves on behind it. */
static const uint8_t *take_part(const uint8_t **at, uint32_t size)
{
    const uint8_t *part = size > 0 ? *at : NULL;
    *at += size;
    return part;
}

bool frame_next(struct frame_reader *reader, struct record *out)
{
    if (reader->at == reader->end) {
        return false;
    }
    const uint8_t *head = reader->at;
    const uint8_t *at = head + RECORD_HEAD;
    *out = (struct record){
        .verb = head[AT_VERB],
        .status = head[AT_STATUS],
        .class = head[AT_CLASS],
        .attempt = head[AT_ATTEMPT],
        .flags = load16(head + AT_FLAGS),
        .partition = load16(head + AT_PARTITION),
        .ttl_ms = load32(head + AT_TTL),
        .epoch = load32(head + AT_EPOCH),
        .tag = load64(head + AT_TAG),
        .root = load64(head + AT_ROOT),
        .stamp_size = load32(head + AT_STAMP_SIZE),
        .envelope_size = load32(head + AT_ENVELOPE_SIZE),
        .body_size = load32(head + AT_BODY_SIZE),
    };
    out->stamp = take_part(&at, out->stamp_size);
    out->envelope = take_part(&at, out->envelope_size);
    out->body = take_part(&at, out->body_size);
    reader->at = at;
    return true;
}

bool record_fits(const struct record *record)
{
    return record->stamp_size <= STAMP_MAX && record->envelope_size <= ENVELOPE_MAX && record->body_size <= FRAME_MAX &&
           record_size(record) <= FRAME_MAX;
}

size_t record_size(const struct record *record)
{
    return (size_t)RECORD_HEAD + record->stamp_size + record->envelope_size + record->body_size;
}

static uint8_t *put_part(uint8_t *at, const uint8_t *part, uint32_t size)
{
    if (size > 0) {
        memcpy(at, part, size);
    }
    return at + size;
}

void record_write(const struct record *record, uint8_t *bytes)
{
    MUST(verb_is_known(record->verb) && status_is_known(record->status) && class_is_known(record->class));
    bytes[AT_MAGIC] = MAGIC_0;
    bytes[AT_MAGIC + 1] = MAGIC_1;
    bytes[AT_VERSION] = WIRE_VERSION;
    bytes[AT_VERB] = record->verb;
    store16(bytes + AT_FLAGS, record->flags);
    bytes[AT_CLASS] = record->class;
    bytes[AT_ATTEMPT] = record->attempt;
    bytes[AT_STATUS] = record->status;
    bytes[AT_RESERVED] = 0;
    store16(bytes + AT_PARTITION, record->partition);
    store32(bytes + AT_TTL, record->ttl_ms);
    store64(bytes + AT_TAG, record->tag);
    store64(bytes + AT_ROOT, record->root);
    store32(bytes + AT_EPOCH, record->epoch);
    store32(bytes + AT_STAMP_SIZE, record->stamp_size);
    store32(bytes + AT_ENVELOPE_SIZE, record->envelope_size);
    store32(bytes + AT_BODY_SIZE, record->body_size);
    uint8_t *at = bytes + RECORD_HEAD;
    at = put_part(at, record->stamp, record->stamp_size);
    at = put_part(at, record->envelope, record->envelope_size);
    put_part(at, record->body, record->body_size);
}

uint64_t record_root(const char *tenant, const char *root)
{
    if (root == NULL || *root == '\0') {
        return 0;
    }
    struct hash hash;
    uint8_t digest[HASH_SIZE];
    hash_init(&hash);
    hash_add_part(&hash, tenant, tenant == NULL ? 0 : strlen(tenant));
    hash_add_part(&hash, root, strlen(root));
    hash_done(&hash, digest);
    uint64_t value = load64(digest);
    return value == 0 ? 1 : value;
}

static void grow(struct frame *frame, size_t size)
{
    size_t room = frame->room == 0 ? FRAME_FIRST_ROOM : frame->room;
    while (room < size) {
        room *= 2;
    }
    if (room != frame->room) {
        frame->bytes = realloc(frame->bytes, room);
        MUST(frame->bytes != NULL);
        frame->room = room;
    }
}

bool frame_append(struct frame *frame, const struct record *record)
{
    if (!record_fits(record) || frame->records == FRAME_RECORDS_MAX || frame->size + record_size(record) > FRAME_MAX) {
        return false;
    }
    size_t size = frame->size + record_size(record);
    grow(frame, size);
    record_write(record, frame->bytes + frame->size);
    frame->size = size;
    frame->records++;
    return true;
}

bool frame_is_empty(const struct frame *frame)
{
    return frame->records == 0;
}

void frame_clear(struct frame *frame)
{
    frame->size = 0;
    frame->records = 0;
}

void frame_done(struct frame *frame)
{
    free(frame->bytes);
    *frame = (struct frame){0};
}

const char *frame_fault_text(enum frame_fault fault)
{
    static const char *const TEXTS[] = {
#define FRAME_FAULT_TEXT(name, text) [FRAME_##name] = text,
        FRAME_FAULTS(FRAME_FAULT_TEXT)
#undef FRAME_FAULT_TEXT
    };
    return fault < FRAME_FAULT_COUNT ? TEXTS[fault] : "?";
}
