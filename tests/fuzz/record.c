/* Fuzzes what the store reads back: log records, heads, seals, stream ids, timers. What is decoded is encoded to the same
 * bytes; what was sealed opens to the same, and not at all once a bit of it has turned. */
#include <string.h>

#include "common/core/must.h"
#include "common/store/body.h"
#include "common/store/record.h"
#include "common/store/timers.h"
#include "tests/fuzz/crossing.h"

static struct keys *ring(void)
{
    static struct keys *keys;
    static const char *const TENANTS[] = {"demo"};
    if (keys == NULL) {
        MUST(keys_open(fuzz_folder(), TENANTS, 1, &keys, NULL) == FAULT_NONE);
    }
    return keys;
}

static const char *input_text(struct input *input, struct arena *arena)
{
    struct input part = input_part(input, 0);
    return part.size == 0 ? "" : arena_strndup(arena, (const char *)part.at, part.size < 64 ? part.size : 64);
}

static struct bytes rest(const struct input *input)
{
    return bytes_of(input->at, input->size);
}

static void must_be_equal(struct bytes a, struct bytes b)
{
    MUST(a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0));
}

static void decode_record(struct input input, struct arena *arena)
{
    struct record record;
    struct why why = {""};
    if (record_decode(rest(&input), arena, &record, &why) != FAULT_NONE) {
        must_say_why(&why);
        return;
    }
    struct bytes again, bodies[RECORD_EVENTS_MAX], state;
    MUST(record_encode(&record.header, record.sealed_events, arena, &again, &why) == FAULT_NONE);
    must_be_equal(again, rest(&input));
    MUST(record.header.event_count == 0 || record_open_events(&record, ring(), arena, bodies, &why) != FAULT_NONE);
    for (size_t i = 0; i < record.header.aggregate_count; i++) {
        MUST(record_open_state(&record, i, ring(), arena, &state, &why) != FAULT_NONE);
    }
}

/* The events of a record, parted by zeroes, through seal, record and back. */
static void keep_events(struct input input, struct arena *arena)
{
    struct bytes bodies[RECORD_EVENTS_MAX], opened[RECORD_EVENTS_MAX], bytes;
    const char *subjects[RECORD_EVENTS_MAX];
    struct record_header header = {.tenant = "demo", .service = "intake", .cause = "", .actor_id = "n1", .sequence = 1};
    header.root = input_text(&input, arena);
    header.command_id = input_text(&input, arena);
    header.subjects = subjects;
    while (input.size > 0 && header.event_count < RECORD_EVENTS_MAX) {
        struct input part = input_part(&input, 0);
        subjects[header.event_count] = "intake.CaseClosed";
        bodies[header.event_count++] = rest(&part);
    }
    struct record record;
    struct bytes sealed = record_seal_events(
        keys_current(ring(), KEY_STORE, "demo"), "demo", header.root, 1, header.event_count, bodies, arena);
    MUST(record_encode(&header, sealed, arena, &bytes, NULL) == FAULT_NONE);
    MUST(record_decode(bytes, arena, &record, NULL) == FAULT_NONE);
    MUST(record_open_events(&record, ring(), arena, opened, NULL) == FAULT_NONE);
    for (size_t i = 0; i < header.event_count; i++) {
        must_be_equal(bodies[i], opened[i]);
    }
}

static void keep_seal(struct input input, struct arena *arena)
{
    const struct key *key = keys_current(ring(), KEY_BUS, "demo");
    unsigned place = input_pair(&input);
    struct seal_about about = {input_text(&input, arena), input_text(&input, arena), input_text(&input, arena),
        input_pair(&input), input_text(&input, arena)};
    size_t size = sealed_size(input.size);
    uint8_t *sealed = arena_alloc(arena, size), *clear = arena_alloc(arena, input.size);
    uint32_t epoch = 0;
    seal(key, &about, rest(&input), sealed);
    MUST(seal_epoch(bytes_of(sealed, size), &epoch) && epoch == key->epoch);
    MUST(seal_open(key, &about, bytes_of(sealed, size), clear));
    must_be_equal(rest(&input), bytes_of(clear, input.size));
    sealed[place / 8 % size] ^= (uint8_t)(1 << place % 8);
    MUST(!seal_open(key, &about, bytes_of(sealed, size), clear));
}

/* Bytes that nobody sealed never open. */
static void open_foreign(struct input input, struct arena *arena)
{
    struct seal_about about = {"demo", "reply", "command-1", 0, "body"};
    struct bytes clear;
    struct remembered remembered;
    struct why why = {""};
    MUST(body_open(ring(), &about, rest(&input), arena, &clear, &why) != FAULT_NONE);
    must_say_why(&why);
    MUST(remembered_open(ring(), "demo", "command-1", rest(&input), arena, &remembered, &why) != FAULT_NONE);
}

static void decode_head(struct input input)
{
    struct head head;
    uint8_t again[HEAD_SIZE];
    if (head_decode(rest(&input), &head)) {
        head_encode(&head, again);
        must_be_equal(bytes_of(again, HEAD_SIZE), bytes_of(input.at, HEAD_SIZE));
    }
}

static void parse_names(struct input input, struct arena *arena)
{
    struct stream_id id, same;
    struct due_timer timer;
    char text[STREAM_ID_TEXT_SIZE];
    if (stream_id_parse((const char *)input.at, input.size, &id)) {
        MUST(stream_id_parse(text, stream_id_format(id, text), &same) && stream_id_compare(id, same) == 0);
    }
    if (timer_parse(arena, (const char *)input.at, input.size, &timer)) {
        const char *member =
            timer_member(arena, timer.service, timer.kind, timer.tenant, timer.root, timer.id, timer.name);
        must_be_equal(bytes_of_text(member), rest(&input));
        must_be_equal(bytes_of_text(timer.member), rest(&input));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    ring();
    struct arena *arena = fuzz_arena();
    switch (input_byte(&input) % 6) {
    case 0:
        decode_record(input, arena);
        break;
    case 1:
        keep_events(input, arena);
        break;
    case 2:
        keep_seal(input, arena);
        break;
    case 3:
        open_foreign(input, arena);
        break;
    case 4:
        decode_head(input);
        break;
    default:
        parse_names(input, arena);
        break;
    }
    return 0;
}
