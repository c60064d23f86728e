#include "common/store/record.h"

#include <string.h>

#include "common/core/hash.h"
#include "common/core/must.h"
#include "common/store/big_endian.h"
#include "common/store/body.h"

enum {
    RECORD_FORMAT = 1,
    PREFIX_SIZE = 16,
    FIXED_SIZE = 8 + RECORD_ID_SIZE + 8 + 8 + 8 + 4 + 4 + 4 + 1 + TRACE_ID_SIZE + 2 + 2, /* numbers of a header */
    AGGREGATE_SIZE = 8 + 4 + 4,                                                          /* numbers of an aggregate */
    STRING_SIZE_MAX = 0xffff,
};

_Static_assert(RECORD_ID_SIZE == HASH_SIZE, "a record's id is a whole digest");

void record_id(const uint8_t previous_id[static RECORD_ID_SIZE], struct bytes bytes, uint8_t out[static RECORD_ID_SIZE])
{
    struct hash hash;
    hash_init(&hash);
    hash_add(&hash, previous_id, RECORD_ID_SIZE);
    hash_add(&hash, bytes.at, bytes.size);
    hash_done(&hash, out);
}

bool record_follows(const struct record *record, const uint8_t id[static RECORD_ID_SIZE])
{
    uint8_t made[RECORD_ID_SIZE];
    record_id(record->header.previous_id, record->bytes, made);
    return memcmp(made, id, RECORD_ID_SIZE) == 0;
}

/* ---- encoding ---- */

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t size)
{
    if (size > 0) {
        memcpy(at, bytes, size);
    }
    return at + size;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t size = strlen(text);
    return put_bytes(put_u16(at, (uint16_t)size), text, size);
}

/* The strings of a header in their order; NULL ends them. */
static void header_strings(const struct record_header *header, const char *out[static 7])
{
    const char *strings[7] = {
        header->root, header->tenant, header->service, header->command_id, header->cause, header->actor_id, NULL};
    memcpy(out, strings, sizeof strings);
}

/* Adds the size of an encoded string; a string above the limit spoils the sum for good. */
static size_t text_size(size_t sum, const char *text)
{
    size_t size = strlen(text);
    return size > STRING_SIZE_MAX ? RECORD_SIZE_MAX + 1 : sum + 2 + size;
}

static size_t header_size(const struct record_header *header)
{
    const char *strings[7];
    size_t size = FIXED_SIZE;
    header_strings(header, strings);
    for (size_t i = 0; strings[i] != NULL; i++) {
        size = text_size(size, strings[i]);
    }
    for (size_t i = 0; i < header->aggregate_count; i++) {
        size = text_size(text_size(size + AGGREGATE_SIZE, header->aggregates[i].kind), header->aggregates[i].id);
    }
    for (size_t i = 0; i < header->event_count; i++) {
        size = text_size(size, header->subjects[i]);
    }
    return size;
}

static size_t change_size(const struct record_header *header)
{
    size_t size = 0;
    for (size_t i = 0; i < header->aggregate_count; i++) {
        size += header->aggregates[i].sealed.size;
    }
    return size;
}

static uint8_t *put_header(uint8_t *at, const struct record_header *header)
{
    const char *strings[7];
    at = put_u64(at, header->sequence);
    at = put_bytes(at, header->previous_id, RECORD_ID_SIZE);
    at = put_u64(at, header->previous.ms);
    at = put_u64(at, header->previous.n);
    at = put_u64(at, (uint64_t)header->at_ms);
    at = put_u32(at, header->schema);
    at = put_u32(at, header->key_epoch);
    at = put_u32(at, header->actor_role);
    *at++ = header->simulated;
    at = put_bytes(at, header->trace_id, TRACE_ID_SIZE);
    header_strings(header, strings);
    for (size_t i = 0; strings[i] != NULL; i++) {
        at = put_text(at, strings[i]);
    }
    at = put_u16(at, (uint16_t)header->aggregate_count);
    for (size_t i = 0; i < header->aggregate_count; i++) {
        const struct record_aggregate *aggregate = &header->aggregates[i];
        at = put_text(put_text(at, aggregate->kind), aggregate->id);
        at = put_u64(at, aggregate->version);
        at = put_u32(at, aggregate->schema);
        at = put_u32(at, (uint32_t)aggregate->sealed.size);
    }
    at = put_u16(at, (uint16_t)header->event_count);
    for (size_t i = 0; i < header->event_count; i++) {
        at = put_text(at, header->subjects[i]);
    }
    return at;
}

enum fault record_encode(const struct record_header *header, struct bytes sealed_events, struct arena *arena,
    struct bytes *out, struct why *why)
{
    size_t head = header_size(header);
    size_t change = change_size(header);
    size_t size = PREFIX_SIZE + head + sealed_events.size + change;
    if (size > RECORD_SIZE_MAX || header->aggregate_count > RECORD_AGGREGATES_MAX ||
        header->event_count > RECORD_EVENTS_MAX) {
        why_set(why, "cannot write a record of %zu bytes, %zu aggregates and %zu events: the most are %d, %d and %d",
            size, header->aggregate_count, header->event_count, RECORD_SIZE_MAX, RECORD_AGGREGATES_MAX,
            RECORD_EVENTS_MAX);
        return FAULT_INVALID;
    }
    uint8_t *start = arena_alloc(arena, size);
    uint8_t *at = put_bytes(start, (const uint8_t[]){'C', 'R', RECORD_FORMAT, 0}, 4);
    at = put_u32(at, (uint32_t)head);
    at = put_u32(at, (uint32_t)sealed_events.size);
    at = put_u32(at, (uint32_t)change);
    at = put_header(at, header);
    at = put_bytes(at, sealed_events.at, sealed_events.size);
    for (size_t i = 0; i < header->aggregate_count; i++) {
        at = put_bytes(at, header->aggregates[i].sealed.at, header->aggregates[i].sealed.size);
    }
    MUST((size_t)(at - start) == size);
    *out = bytes_of(start, size);
    return FAULT_NONE;
}

/* ---- decoding ---- */

/* Reads a header front to back; once something does not fit it is bad for good and gives zeros. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    struct arena *arena;
    bool bad;
};

static const uint8_t *take(struct reader *reader, size_t size)
{
    static const uint8_t ZEROS[RECORD_ID_SIZE];
    if (reader->bad || (size_t)(reader->end - reader->at) < size) {
        reader->bad = true;
        return ZEROS;
    }
    const uint8_t *at = reader->at;
    reader->at += size;
    return at;
}

static const char *take_text(struct reader *reader)
{
    size_t size = get_u16(take(reader, 2));
    const uint8_t *at = take(reader, size);
    if (reader->bad || memchr(at, '\0', size) != NULL) {
        reader->bad = true;
        return "";
    }
    return arena_strndup(reader->arena, (const char *)at, size);
}

static size_t take_count(struct reader *reader, size_t max)
{
    size_t count = get_u16(take(reader, 2));
    if (count > max) {
        reader->bad = true;
        return 0;
    }
    return count;
}

static void take_aggregates(struct reader *reader, struct record_header *out, struct bytes change)
{
    out->aggregate_count = take_count(reader, RECORD_AGGREGATES_MAX);
    out->aggregates = ARENA_ARRAY(reader->arena, struct record_aggregate, out->aggregate_count);
    for (size_t i = 0; i < out->aggregate_count && !reader->bad; i++) {
        struct record_aggregate *aggregate = &out->aggregates[i];
        aggregate->kind = take_text(reader);
        aggregate->id = take_text(reader);
        aggregate->version = get_u64(take(reader, 8));
        aggregate->schema = get_u32(take(reader, 4));
        size_t size = get_u32(take(reader, 4));
        if (size > change.size) {
            reader->bad = true;
            return;
        }
        aggregate->sealed = bytes_of(change.at, size);
        change = bytes_of(change.at + size, change.size - size);
    }
    reader->bad |= change.size != 0;
}

static void take_header(struct reader *reader, struct record_header *out, struct bytes change)
{
    out->sequence = get_u64(take(reader, 8));
    memcpy(out->previous_id, take(reader, RECORD_ID_SIZE), RECORD_ID_SIZE);
    out->previous.ms = get_u64(take(reader, 8));
    out->previous.n = get_u64(take(reader, 8));
    out->at_ms = (int64_t)get_u64(take(reader, 8));
    out->schema = get_u32(take(reader, 4));
    out->key_epoch = get_u32(take(reader, 4));
    out->actor_role = get_u32(take(reader, 4));
    uint8_t simulated = *take(reader, 1);
    out->simulated = simulated == 1;
    reader->bad |= simulated > 1;
    memcpy(out->trace_id, take(reader, TRACE_ID_SIZE), TRACE_ID_SIZE);
    out->root = take_text(reader);
    out->tenant = take_text(reader);
    out->service = take_text(reader);
    out->command_id = take_text(reader);
    out->cause = take_text(reader);
    out->actor_id = take_text(reader);
    take_aggregates(reader, out, change);
    out->event_count = take_count(reader, RECORD_EVENTS_MAX);
    out->subjects = ARENA_ARRAY(reader->arena, const char *, out->event_count);
    for (size_t i = 0; i < out->event_count && !reader->bad; i++) {
        out->subjects[i] = take_text(reader);
    }
    reader->bad |= reader->at != reader->end;
}

enum fault record_decode(struct bytes bytes, struct arena *arena, struct record *out, struct why *why)
{
    bool known = bytes.size >= PREFIX_SIZE && bytes.size <= RECORD_SIZE_MAX && memcmp(bytes.at, "CR", 2) == 0 &&
                 bytes.at[2] == RECORD_FORMAT && bytes.at[3] == 0;
    if (known) {
        size_t head = get_u32(bytes.at + 4);
        size_t events = get_u32(bytes.at + 8);
        size_t change = get_u32(bytes.at + 12);
        if (PREFIX_SIZE + head + events + change == bytes.size) {
            const uint8_t *start = bytes.at + PREFIX_SIZE;
            struct record record = {.bytes = bytes, .sealed_events = bytes_of(start + head, events)};
            struct reader reader = {start, start + head, arena, false};
            take_header(&reader, &record.header, bytes_of(start + head + events, change));
            if (!reader.bad) {
                *out = record;
                return FAULT_NONE;
            }
        }
    }
    why_set(why, "cannot read a log record of %zu bytes: it is damaged or of a later format", bytes.size);
    return FAULT_INTERNAL;
}

/* ---- the sealed parts ---- */

static struct seal_about about_events(const char *tenant, const char *root, uint64_t sequence)
{
    return (struct seal_about){tenant, "record", root, sequence, "events"};
}

struct bytes record_seal_events(const struct key *key, const char *tenant, const char *root, uint64_t sequence,
    size_t count, const struct bytes *bodies, struct arena *arena)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += 4 + bodies[i].size;
    }
    uint8_t *clear = arena_alloc(arena, size);
    uint8_t *at = clear;
    for (size_t i = 0; i < count; i++) {
        at = put_bytes(put_u32(at, (uint32_t)bodies[i].size), bodies[i].at, bodies[i].size);
    }
    uint8_t *sealed = arena_alloc(arena, sealed_size(size));
    struct seal_about about = about_events(tenant, root, sequence);
    seal(key, &about, bytes_of(clear, size), sealed);
    return bytes_of(sealed, sealed_size(size));
}

/* Cuts the clear events part into its bodies. */
static bool split_events(struct bytes clear, size_t count, struct bytes *out)
{
    for (size_t i = 0; i < count; i++) {
        if (clear.size < 4 || get_u32(clear.at) > clear.size - 4) {
            return false;
        }
        out[i] = bytes_of(clear.at + 4, get_u32(clear.at));
        clear = bytes_of(clear.at + 4 + out[i].size, clear.size - 4 - out[i].size);
    }
    return clear.size == 0;
}

enum fault record_open_events(
    const struct record *record, const struct keys *keys, struct arena *arena, struct bytes *out, struct why *why)
{
    const struct record_header *header = &record->header;
    if (header->event_count == 0) {
        return FAULT_NONE;
    }
    struct seal_about about = about_events(header->tenant, header->root, header->sequence);
    struct bytes clear;
    enum fault fault = body_open(keys, &about, record->sealed_events, arena, &clear, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    if (!split_events(clear, header->event_count, out)) {
        why_set(why, "cannot read the events of record %llu of %s", (unsigned long long)header->sequence, header->root);
        return FAULT_INTERNAL;
    }
    return FAULT_NONE;
}

enum fault record_open_state(const struct record *record, size_t i, const struct keys *keys, struct arena *arena,
    struct bytes *out, struct why *why)
{
    const struct record_header *header = &record->header;
    MUST(i < header->aggregate_count);
    const struct record_aggregate *aggregate = &header->aggregates[i];
    struct seal_about about =
        about_state(arena, header->service, aggregate->kind, header->tenant, aggregate->id, aggregate->version);
    return body_open(keys, &about, aggregate->sealed, arena, out, why);
}
