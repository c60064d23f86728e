/* Frames against everything that a stranger may send, and the ceilings that we keep ourselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/bus/frame.h"
#include "common/core/must.h"

static const uint8_t STAMP[] = "svc:intake";
static const uint8_t ENVELOPE[] = "an envelope";
static const uint8_t BODY[] = "a body of a few words";

static struct record whole_record(uint64_t tag)
{
    return (struct record){
        .verb = VERB_CMD,
        .tag = tag,
        .stamp = STAMP,
        .stamp_size = sizeof(STAMP),
        .envelope = ENVELOPE,
        .envelope_size = sizeof(ENVELOPE),
        .body = BODY,
        .body_size = sizeof(BODY),
    };
}

static unsigned count_records(const uint8_t *bytes, size_t size)
{
    struct frame_reader reader;
    struct record record;
    unsigned count = 0;
    if (frame_begin(&reader, bytes, size) == FRAME_NONE) {
        while (frame_next(&reader, &record)) {
            count++;
        }
    }
    return count;
}

static void a_frame_gives_back_the_records_put_into_it_in_their_order(void **state)
{
    (void)state;
    struct frame frame = {0};
    struct frame_reader reader;
    struct record out;
    for (uint64_t tag = 1; tag <= 3; tag++) {
        struct record record = whole_record(tag);
        assert_true(frame_append(&frame, &record));
    }
    assert_int_equal(frame_begin(&reader, frame.bytes, frame.size), FRAME_NONE);
    for (uint64_t tag = 1; tag <= 3; tag++) {
        assert_true(frame_next(&reader, &out));
        assert_int_equal(out.tag, tag);
        assert_memory_equal(out.body, BODY, sizeof(BODY));
        assert_true(out.body > frame.bytes && out.body < frame.bytes + frame.size); /* lent, not copied */
    }
    assert_false(frame_next(&reader, &out));
    assert_false(frame_next(&reader, &out));
    frame_done(&frame);
}

/* One byte of a good record set to another value, and what the reader says to it. */
static void each_wrong_byte_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t at;
        uint8_t value;
        enum frame_fault want;
    } ROWS[] = {
        {"first letter of the magic", 0, 'X', FRAME_MAGIC},
        {"second letter of the magic", 1, 'X', FRAME_MAGIC},
        {"version 0", 2, 0, FRAME_VERSION},
        {"version 2", 2, 2, FRAME_VERSION},
        {"verb 0", 3, 0, FRAME_VERB},
        {"verb 7", 3, 7, FRAME_VERB},
        {"verb 255", 3, 255, FRAME_VERB},
        {"class 4", 6, 4, FRAME_CLASS},
        {"status 7", 8, 7, FRAME_STATUS},
        {"reserved byte", 9, 1, FRAME_RESERVED},
        {"stamp of 257", 37, 1, FRAME_STAMP},
        {"stamp of 4 GiB", 39, 255, FRAME_STAMP},
        {"envelope of 4107", 41, 16, FRAME_ENVELOPE},
        {"envelope of 4 GiB", 43, 255, FRAME_ENVELOPE},
        {"body one byte longer than the frame", 44, sizeof(BODY) + 1, FRAME_SHORT},
        {"body of 4 GiB", 47, 255, FRAME_SHORT},
        {"stamp longer, so that the body is short", 36, sizeof(STAMP) + 1, FRAME_SHORT},
        {"an unknown flag is kept", 5, 0x80, FRAME_NONE},
        {"a class that is one", 6, 3, FRAME_NONE},
    };
    struct record record = whole_record(7);
    uint8_t bytes[512];
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct frame_reader reader;
        struct record out;
        record_write(&record, bytes);
        bytes[ROWS[i].at] = ROWS[i].value;
        enum frame_fault got = frame_begin(&reader, bytes, record_size(&record));
        if (got != ROWS[i].want) {
            fail_msg("%s: %s, not %s", ROWS[i].name, frame_fault_text(got), frame_fault_text(ROWS[i].want));
        }
        assert_int_equal(frame_next(&reader, &out), got == FRAME_NONE);
    }
}

static void a_frame_cut_anywhere_is_refused_whole(void **state)
{
    (void)state;
    struct frame frame = {0};
    struct frame_reader reader;
    for (uint64_t tag = 1; tag <= 2; tag++) {
        struct record record = whole_record(tag);
        frame_append(&frame, &record);
    }
    for (size_t size = 0; size < frame.size; size++) {
        uint8_t *cut = malloc(size + 1); /* of its own, so that a read beyond is seen by the sanitizer */
        cut = realloc(cut, size == 0 ? 1 : size);
        memcpy(cut, frame.bytes, size);
        enum frame_fault want = size == 0 ? FRAME_EMPTY : size == frame.size / 2 ? FRAME_NONE : FRAME_SHORT;
        assert_int_equal(frame_begin(&reader, cut, size), want);
        assert_int_equal(count_records(cut, size), want == FRAME_NONE ? 1 : 0);
        free(cut);
    }
    frame_done(&frame);
}

static void a_bad_record_at_the_end_takes_the_good_ones_before_it_along(void **state)
{
    (void)state;
    struct frame frame = {0};
    struct frame_reader reader;
    struct record record = whole_record(1), out;
    frame_append(&frame, &record);
    frame_append(&frame, &record);
    frame.bytes[frame.size / 2 + 3] = 0; /* the verb of the second */
    assert_int_equal(frame_begin(&reader, frame.bytes, frame.size), FRAME_VERB);
    assert_false(frame_next(&reader, &out));
    frame_done(&frame);
}

static uint64_t xorshift(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Whatever comes out of a changed frame lies within it, and adds up to it. */
static void assert_sane(const uint8_t *bytes, size_t size)
{
    struct frame_reader reader;
    struct record record;
    size_t total = 0;
    if (frame_begin(&reader, bytes, size) != FRAME_NONE) {
        return;
    }
    while (frame_next(&reader, &record)) {
        assert_true(record_fits(&record));
        total += record_size(&record);
        const uint8_t *parts[] = {record.stamp, record.envelope, record.body};
        const uint32_t sizes[] = {record.stamp_size, record.envelope_size, record.body_size};
        for (int i = 0; i < 3; i++) {
            assert_true(sizes[i] == 0 ? parts[i] == NULL : parts[i] >= bytes && parts[i] + sizes[i] <= bytes + size);
        }
    }
    assert_int_equal(total, size);
}

static void no_mutation_makes_the_reader_leave_the_frame(void **state)
{
    (void)state;
    const char *given = getenv("SUITE_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : 0x20261122;
    print_message("seed %#llx\n", (unsigned long long)seed);
    struct frame frame = {0};
    for (uint64_t tag = 1; tag <= 4; tag++) {
        struct record record = whole_record(tag);
        frame_append(&frame, &record);
    }
    for (int round = 0; round < 200000; round++) {
        size_t size = 1 + xorshift(&seed) % frame.size;
        uint8_t *bytes = malloc(size);
        memcpy(bytes, frame.bytes, size);
        for (uint64_t changes = xorshift(&seed) % 4; changes > 0; changes--) {
            bytes[xorshift(&seed) % size] = (uint8_t)xorshift(&seed);
        }
        assert_sane(bytes, size);
        free(bytes);
    }
    frame_done(&frame);
}

static void a_frame_takes_no_more_than_its_ceiling(void **state)
{
    (void)state;
    static uint8_t large[FRAME_MAX];
    struct frame frame = {0};
    struct record fits = {.verb = VERB_CMD, .body = large, .body_size = FRAME_MAX - RECORD_HEAD};
    struct record too_large = {.verb = VERB_CMD, .body = large, .body_size = FRAME_MAX - RECORD_HEAD + 1};
    struct record ping = {.verb = VERB_PING};
    assert_false(frame_append(&frame, &too_large));
    assert_true(frame_append(&frame, &fits));
    assert_int_equal(frame.size, FRAME_MAX);
    assert_false(frame_append(&frame, &ping));
    assert_int_equal(count_records(frame.bytes, frame.size), 1);
    assert_int_equal(frame_begin(&(struct frame_reader){0}, large, FRAME_MAX + (size_t)1), FRAME_SIZE);
    frame_done(&frame);
}

static void a_frame_takes_no_more_records_than_its_ceiling(void **state)
{
    (void)state;
    struct frame frame = {0};
    struct record ping = {.verb = VERB_PING};
    for (int i = 0; i < FRAME_RECORDS_MAX; i++) {
        assert_true(frame_append(&frame, &ping));
    }
    assert_false(frame_append(&frame, &ping));
    assert_int_equal(count_records(frame.bytes, frame.size), FRAME_RECORDS_MAX);
    uint8_t *more = calloc(FRAME_RECORDS_MAX + 1, RECORD_HEAD);
    memcpy(more, frame.bytes, frame.size);
    memcpy(more + frame.size, frame.bytes, RECORD_HEAD);
    assert_int_equal(frame_begin(&(struct frame_reader){0}, more, frame.size + RECORD_HEAD), FRAME_RECORDS);
    free(more);
    frame_clear(&frame);
    assert_true(frame_is_empty(&frame));
    assert_true(frame_append(&frame, &ping));
    frame_done(&frame);
}

static void parts_above_their_ceiling_are_never_sent(void **state)
{
    (void)state;
    static uint8_t large[ENVELOPE_MAX + 1];
    struct frame frame = {0};
    struct record stamp = {.verb = VERB_CMD, .stamp = large, .stamp_size = STAMP_MAX + 1};
    struct record envelope = {.verb = VERB_CMD, .envelope = large, .envelope_size = ENVELOPE_MAX + 1};
    struct record both = {
        .verb = VERB_CMD, .stamp = large, .stamp_size = STAMP_MAX, .envelope = large, .envelope_size = ENVELOPE_MAX};
    assert_false(frame_append(&frame, &stamp));
    assert_false(frame_append(&frame, &envelope));
    assert_true(frame_is_empty(&frame));
    assert_true(frame_append(&frame, &both));
    frame_done(&frame);
}

static void the_root_of_a_record_depends_on_tenant_and_root_and_is_never_zero(void **state)
{
    (void)state;
    assert_int_equal(record_root("demo", NULL), 0);
    assert_int_equal(record_root("demo", ""), 0);
    assert_int_not_equal(record_root("demo", "a"), 0);
    assert_int_equal(record_root("demo", "a"), record_root("demo", "a"));
    assert_int_not_equal(record_root("demo", "a"), record_root("demo", "b"));
    assert_int_not_equal(record_root("demo", "a"), record_root("dem", "oa"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_gives_back_the_records_put_into_it_in_their_order),
        cmocka_unit_test(each_wrong_byte_is_refused_with_its_reason),
        cmocka_unit_test(a_frame_cut_anywhere_is_refused_whole),
        cmocka_unit_test(a_bad_record_at_the_end_takes_the_good_ones_before_it_along),
        cmocka_unit_test(no_mutation_makes_the_reader_leave_the_frame),
        cmocka_unit_test(a_frame_takes_no_more_than_its_ceiling),
        cmocka_unit_test(a_frame_takes_no_more_records_than_its_ceiling),
        cmocka_unit_test(parts_above_their_ceiling_are_never_sent),
        cmocka_unit_test(the_root_of_a_record_depends_on_tenant_and_root_and_is_never_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
