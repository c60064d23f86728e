/* The bombs that were measured against protobuf-c, and every other way in which bytes can be wrong. */
#include "common/contract/guard.h"
#include "tests/contract/random_message.h"
#include "tests/contract/recursive.pb-c.h"
#include "tests/contract/sample.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static struct arena arena;
static struct why why;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static enum fault cross(const ProtobufCMessageDescriptor *type, const void *data, size_t size,
    const struct crossing *crossing, ProtobufCMessage **out)
{
    memset(&why, 0, sizeof why);
    return contract_unpack(type, data, size, crossing, &arena, &why, out);
}

static void assert_refused(const ProtobufCMessageDescriptor *type, const void *data, size_t size, const char *sentence)
{
    ProtobufCMessage *out = NULL;
    enum fault fault = cross(type, data, size, &CROSSING_PAYER, &out);
    if (fault != FAULT_INVALID || strcmp(why.text, sentence) != 0) {
        fail_msg("%s: \"%s\", not \"%s\"", fault_word(fault), why.text, sentence);
    }
    assert_null(out);
}

/* ---- Bombs ---- */

static void a_single_message_repeated_over_128_kib_is_refused_at_its_second_time(void **state)
{
    (void)state;
    static uint8_t bomb[128 << 10];
    for (size_t i = 0; i + 5 <= sizeof bomb; i += 5) {
        memcpy(bomb + i, "\x8a\x01\x02\x0a\x00", 5); /* one_part { name: "" } */
    }
    assert_refused(&sample__everything__descriptor, bomb, sizeof bomb, "onePart: is given twice");
}

static void a_megabyte_of_empty_messages_is_refused_before_it_takes_memory(void **state)
{
    (void)state;
    static uint8_t bomb[1 << 20];
    for (size_t i = 0; i < sizeof bomb; i += 3) {
        memcpy(bomb + i, "\xaa\x02\x00", sizeof bomb - i < 3 ? sizeof bomb - i : 3); /* many_part {} */
    }
    size_t before = arena.used_bytes;
    assert_refused(&sample__everything__descriptor, bomb, sizeof bomb / 3 * 3,
        "manyPart[4096]: the message has more than 4096 fields");
    assert_int_equal(arena.used_bytes, before);
}

static void what_would_take_too_much_memory_is_refused_even_in_few_fields(void **state)
{
    (void)state;
    static uint8_t bomb[600 << 10];
    uint8_t *at = bomb;
    size_t count = sizeof bomb - 8;
    *at++ = 0xc2;
    *at++ = 0x01; /* many_uint64, packed: one byte on the wire, eight in memory */
    for (size_t rest = count; rest > 0 || at == bomb + 2; rest >>= 7) {
        *at++ = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    }
    enum fault fault = guard_scan(
        &sample__everything__descriptor, bomb, (size_t)(at - bomb) + count, &CROSSING_PAYER.limits, &why, NULL);
    assert_int_equal(fault, FAULT_INVALID);
    assert_non_null(strstr(why.text, "of memory for"));
}

static void nesting_ends_at_eight_messages(void **state)
{
    (void)state;
    uint8_t nested[128] = {0};
    size_t size = 0;
    for (unsigned messages = 2; messages <= 9; messages++) {
        memmove(nested + 2, nested, size);
        nested[0] = 0x0a;
        nested[1] = (uint8_t)size;
        size += 2;
        enum fault fault = guard_scan(&recursive__box__descriptor, nested, size, &CROSSING_PAYER.limits, &why, NULL);
        assert_int_equal(fault, messages <= GUARD_DEPTH_MAX ? FAULT_NONE : FAULT_INVALID);
    }
    assert_string_equal(why.text, "box.box.box.box.box.box.box.box: is nested deeper than 8 messages");
}

static void a_hundred_thousand_levels_end_at_the_eighth(void **state)
{
    (void)state;
    static uint8_t bomb[400000];
    size_t at = sizeof bomb;
    for (size_t size = 0; at > 8; size = sizeof bomb - at) {
        uint8_t head[6] = {0x0a};
        size_t length = 1;
        for (size_t rest = size; rest > 0 || length == 1; rest >>= 7) {
            head[length++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
        }
        at -= length;
        memcpy(bomb + at, head, length);
    }
    enum fault fault =
        guard_scan(&recursive__box__descriptor, bomb + at, sizeof bomb - at, &CROSSING_PAYER.limits, &why, NULL);
    assert_int_equal(fault, FAULT_INVALID);
    assert_non_null(strstr(why.text, "nested deeper than 8 messages"));
}

/* ---- Rows ---- */

#define BYTES(literal) literal, sizeof(literal) - 1

static void malformed_bytes_are_refused_in_one_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
        const char *sentence;
    } ROWS[] = {
        {"NUL in a string",
            BYTES("\x72\x07"
                  "admin\0x"),
            "oneString: has a NUL character in it"},
        {"bad UTF-8", BYTES("\x72\x02\xc3\x28"), "oneString: is not UTF-8"},
        {"overlong UTF-8", BYTES("\x72\x02\xc0\x80"), "oneString: is not UTF-8"},
        {"surrogate in UTF-8", BYTES("\x72\x03\xed\xa0\x80"), "oneString: is not UTF-8"},
        {"unknown enum", BYTES("\x80\x01\x07"), "oneColour: 7 is no value of casebus.sample.v1.Colour"},
        {"unknown enum in a packed list", BYTES("\xa2\x02\x02\x01\x02"),
            "manyColour[0]: 2 is no value of casebus.sample.v1.Colour"},
        {"number twice", BYTES("\x08\x01\x08\x02"), "oneInt32: is given twice"},
        {"string twice",
            BYTES("\x72\x01"
                  "a\x72\x01"
                  "b"),
            "oneString: is given twice"},
        {"two members of a oneof",
            BYTES("\xc8\x02\x01\xd2\x02\x01"
                  "a"),
            "choiceText: is given twice"},
        {"varint as a string", BYTES("\x70\x01"), "oneString: is sent as wire type 0, not 2"},
        {"string as a number",
            BYTES("\x0a\x01"
                  "a"),
            "oneInt32: is sent as wire type 2, not 0"},
        {"fixed32 as fixed64",
            BYTES("\x3a\x01"
                  "a"),
            "oneFixed32: is sent as wire type 2, not 5"},
        {"int32 too large", BYTES("\x08\x80\x80\x80\x80\x08"), "oneInt32: number 2147483648 is out of range"},
        {"uint32 too large", BYTES("\x18\x80\x80\x80\x80\x10"), "oneUint32: number 4294967296 is out of range"},
        {"bool of two", BYTES("\x68\x02"), "oneBool: number 2 is out of range"},
        {"varint without end", BYTES("\x10\x80"), "oneInt64: field number 2 is cut short or of an unknown wire type"},
        {"varint of 11 bytes", BYTES("\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
            "oneInt64: field number 2 is cut short or of an unknown wire type"},
        {"varint of 65 bits", BYTES("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
            "oneInt64: field number 2 is cut short or of an unknown wire type"},
        {"length beyond the end",
            BYTES("\x72\x05"
                  "abcd"),
            "oneString: field number 14 is cut short or of an unknown wire type"},
        {"length of 2^63", BYTES("\x72\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
            "oneString: field number 14 is cut short or of an unknown wire type"},
        {"length of 4 GiB",
            BYTES("\x72\xff\xff\xff\xff\x0f"
                  "ab"),
            "oneString: field number 14 is cut short or of an unknown wire type"},
        {"group", BYTES("\x0b\x0c"), "oneInt32: field number 1 is cut short or of an unknown wire type"},
        {"wire type 7", BYTES("\x0f\x01"), "oneInt32: field number 1 is cut short or of an unknown wire type"},
        {"unknown group", BYTES("\xfb\x3e\xfc\x3e"),
            "casebus.sample.v1.Everything, byte 0: field number 1007 is cut short or of an unknown wire type"},
        {"field number 0", BYTES("\x08\x01\x00\x01"), "casebus.sample.v1.Everything, byte 2: is no field"},
        {"tag of 6 bytes", BYTES("\x88\x80\x80\x80\x80\x00\x01"), "casebus.sample.v1.Everything, byte 0: is no field"},
        {"tag of 33 bits", BYTES("\x88\x80\x80\x80\x10\x01"), "casebus.sample.v1.Everything, byte 0: is no field"},
        {"packed list cut short", BYTES("\xaa\x01\x02\x01\x80"), "manyInt32[0]: the packed list is cut short"},
        {"packed doubles of 7 bytes",
            BYTES("\x82\x02\x07"
                  "1234567"),
            "manyDouble[0]: the packed list is cut short"},
        {"deep inside a list", BYTES("\xaa\x02\x00\xaa\x02\x08\x1a\x00\x1a\x04\x0a\x02\xc3\x28"),
            "manyPart[1].leaves[1].name: is not UTF-8"},
        {"string inside a oneof", BYTES("\xd2\x02\x01\xff"), "choiceText: is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        print_message("%s\n", ROWS[i].name);
        assert_refused(&sample__everything__descriptor, ROWS[i].bytes, ROWS[i].size, ROWS[i].sentence);
    }
}

static void odd_but_legal_bytes_are_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        size_t size;
    } ROWS[] = {
        {"nothing", "", 0},
        {"empty string", BYTES("\x72\x00")},
        {"fields out of order", BYTES("\x72\x01"
                                      "a\x08\x01")},
        {"varint longer than needed", BYTES("\x08\x81\x80\x00")},
        {"negative int32 in ten bytes", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
        {"negative enum", BYTES("\x80\x01\xfd\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
        {"packed list sent unpacked", BYTES("\xa8\x01\x01\xa8\x01\x02")},
        {"unpacked list sent packed", BYTES("\xb2\x01\x02\x01\x02")},
        {"list in pieces", BYTES("\xaa\x01\x01\x01\x72\x00\xaa\x01\x01\x02")},
        {"empty packed list", BYTES("\xaa\x01\x00")},
        {"emoji", BYTES("\x72\x04\xf0\x9f\x98\x80")},
        {"unknown field", BYTES("\xfa\x3e\x02hi")},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        print_message("%s\n", ROWS[i].name);
        ProtobufCMessage *out = NULL;
        assert_int_equal(
            cross(&sample__everything__descriptor, ROWS[i].bytes, ROWS[i].size, &CROSSING_PAYER, &out), FAULT_NONE);
        assert_non_null(out);
    }
}

/* ---- Unknown fields ---- */

static void unknown_fields_are_kept_dropped_or_refused_by_where_they_come_from(void **state)
{
    (void)state;
    static const char WIRE[] = "\x0a\x01"
                               "a\xfa\x3e\x02hi";
    ProtobufCMessage *out = NULL;
    assert_int_equal(cross(&sample__leaf__descriptor, BYTES(WIRE), &CROSSING_STATE, &out), FAULT_NONE);
    assert_int_equal(out->n_unknown_fields, 1);
    assert_int_equal(cross(&sample__leaf__descriptor, BYTES(WIRE), &CROSSING_PAYER, &out), FAULT_NONE);
    assert_int_equal(out->n_unknown_fields, 0);
    assert_int_equal(cross(&sample__leaf__descriptor, BYTES(WIRE), &CROSSING_CALL, &out), FAULT_INVALID);
    assert_string_equal(why.text, "casebus.sample.v1.Leaf, byte 3: field number 1007 is not in the contract");
}

static void unknown_fields_deep_inside_are_dropped_too(void **state)
{
    (void)state;
    static const char WIRE[] = "\x1a\x05\xfa\x3e\x02hi"; /* leaves { 1007: "hi" } */
    ProtobufCMessage *out = NULL;
    assert_int_equal(cross(&sample__part__descriptor, BYTES(WIRE), &CROSSING_PAYER, &out), FAULT_NONE);
    assert_int_equal(((Sample__Part *)out)->leaves[0]->base.n_unknown_fields, 0);
}

static void unknown_fields_are_counted_in_the_whole_message(void **state)
{
    (void)state;
    uint8_t wire[(GUARD_UNKNOWN_MAX + 1) * 3];
    for (size_t i = 0; i < sizeof wire; i += 3) {
        memcpy(wire + i, "\xf8\x3e\x01", 3);
    }
    ProtobufCMessage *out = NULL;
    assert_int_equal(cross(&sample__leaf__descriptor, wire, sizeof wire - 3, &CROSSING_EVENT, &out), FAULT_NONE);
    assert_refused(&sample__leaf__descriptor, wire, sizeof wire,
        "casebus.sample.v1.Leaf, byte 192: has more than 64 fields that are not in the contract");
}

static void a_message_beyond_its_size_is_refused_unread(void **state)
{
    (void)state;
    struct crossing small = CROSSING_CALL;
    small.limits.size = 3;
    ProtobufCMessage *out = NULL;
    assert_int_equal(cross(&sample__leaf__descriptor, "\x0a\x02zz", 4, &small, &out), FAULT_INVALID);
    assert_string_equal(why.text, "casebus.sample.v1.Leaf, byte 0: has 4 bytes, at most 3 are allowed");
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(a_single_message_repeated_over_128_kib_is_refused_at_its_second_time),
        ROW(a_megabyte_of_empty_messages_is_refused_before_it_takes_memory),
        ROW(what_would_take_too_much_memory_is_refused_even_in_few_fields),
        ROW(nesting_ends_at_eight_messages),
        ROW(a_hundred_thousand_levels_end_at_the_eighth),
        ROW(malformed_bytes_are_refused_in_one_sentence),
        ROW(odd_but_legal_bytes_are_accepted),
        ROW(unknown_fields_are_kept_dropped_or_refused_by_where_they_come_from),
        ROW(unknown_fields_deep_inside_are_dropped_too),
        ROW(unknown_fields_are_counted_in_the_whole_message),
        ROW(a_message_beyond_its_size_is_refused_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
