#include "common/contract/field.h"
#include "common/contract/guard.h"
#include "tests/contract/sample.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static const ProtobufCFieldDescriptor *named(const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(&sample__everything__descriptor, name);
}

static void a_field_is_absent_until_it_is_set_and_after_it_is_cleared(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"one_int32", "one_double", "one_bool", "one_string", "one_bytes", "one_colour",
        "choice_number", "choice_text", "choice_bool"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        Sample__Everything message = SAMPLE__EVERYTHING__INIT;
        const ProtobufCFieldDescriptor *field = named(NAMES[i]);
        assert_int_equal(field_count(&message.base, field), 0);
        void *value = field_set(&message.base, field);
        if (field->type == PROTOBUF_C_TYPE_STRING) {
            *(const char **)value = "x";
        }
        assert_int_equal(field_count(&message.base, field), 1);
        field_clear(&message.base, field);
        assert_int_equal(field_count(&message.base, field), 0);
        assert_int_equal(protobuf_c_message_get_packed_size(&message.base), 0);
    }
}

static void setting_one_member_of_a_oneof_takes_the_other_away(void **state)
{
    (void)state;
    Sample__Everything message = SAMPLE__EVERYTHING__INIT;
    *(int64_t *)field_set(&message.base, named("choice_number")) = 7;
    assert_int_equal(field_integer(&message.base, "choice_number", 0), 7);
    *(const char **)field_set(&message.base, named("choice_text")) = "seven";
    assert_int_equal(field_count(&message.base, named("choice_number")), 0);
    assert_int_equal(field_integer(&message.base, "choice_number", -1), -1);
    assert_string_equal(message.choice_text, "seven");
}

static void integers_of_every_width_read_as_one(void **state)
{
    (void)state;
    Sample__Everything message = SAMPLE__EVERYTHING__INIT;
    message.has_one_int32 = true;
    message.one_int32 = -3;
    message.has_one_uint32 = true;
    message.one_uint32 = UINT32_MAX;
    message.has_one_sfixed64 = true;
    message.one_sfixed64 = INT64_MIN;
    message.has_one_colour = true;
    message.one_colour = SAMPLE__COLOUR__COLOUR_NEGATIVE;
    message.one_string = (char *)"7";
    assert_int_equal(field_integer(&message.base, "one_int32", 0), -3);
    assert_int_equal(field_integer(&message.base, "one_uint32", 0), UINT32_MAX);
    assert_true(field_integer(&message.base, "one_sfixed64", 0) == INT64_MIN);
    assert_int_equal(field_integer(&message.base, "one_colour", 0), -3);
    assert_int_equal(field_integer(&message.base, "one_string", 9), 9);
    assert_int_equal(field_integer(&message.base, "one_int64", 9), 9);
    assert_int_equal(field_integer(&message.base, "nothing", 9), 9);
}

static void a_copy_keeps_what_the_contract_does_not_know(void **state)
{
    (void)state;
    static const uint8_t WIRE[] = {0x0a, 1, 'a', 0xfa, 0x3e, 2, 'h', 'i'}; /* Field 1, and field 1007. */
    struct arena arena;
    arena_init(&arena, 0);
    struct why why;
    ProtobufCMessage *leaf = NULL;
    assert_int_equal(
        contract_unpack(&sample__leaf__descriptor, WIRE, sizeof WIRE, &CROSSING_STATE, &arena, &why, &leaf), 0);
    struct packed packed = contract_pack(contract_copy(leaf, &arena), &arena);
    assert_int_equal(packed.size, sizeof WIRE);
    assert_memory_equal(packed.data, WIRE, sizeof WIRE);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_absent_until_it_is_set_and_after_it_is_cleared),
        cmocka_unit_test(setting_one_member_of_a_oneof_takes_the_other_away),
        cmocka_unit_test(integers_of_every_width_read_as_one),
        cmocka_unit_test(a_copy_keeps_what_the_contract_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
