#include "common/core/text.h"

#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static void pieces_join_in_order(void **state UNUSED)
{
    struct text text;
    text_init(&text, TEXT_LINE_BYTES);
    assert_string_equal(text.at, "");
    text_add(&text, "case");
    text_add(&text, NULL);
    text_add_char(&text, ' ');
    text_add_slice(&text, (struct slice){"12345", 2});
    text_add_hex(&text, "\x0a\xff", 2);
    text_addf(&text, " %s=%d", "n", 7);
    text_add_int(&text, INT64_MIN);
    text_add_bytes(&text, "\0", 1);
    assert_int_equal(text.size, strlen("case 120aff n=7-9223372036854775808") + 1);
    assert_string_equal(text.at, "case 120aff n=7-9223372036854775808");
    text_reset(&text);
    assert_string_equal(text.at, "");
    text_done(&text);
}

static void a_text_takes_whole_pieces_up_to_its_ceiling(void **state UNUSED)
{
    struct text text;
    text_init(&text, 10);
    text_add(&text, "12345678");
    text_add(&text, "abc");
    assert_true(text.overflowed);
    text_add(&text, "x");
    assert_string_equal(text.at, "12345678");
    text_reset(&text);
    assert_false(text.overflowed);
    text_addf(&text, "%s", "0123456789");
    assert_false(text.overflowed);
    text_add_hex(&text, "", 0);
    assert_string_equal(text.at, "0123456789");
    text_add_char(&text, 'x');
    assert_true(text.overflowed);
    text_done(&text);
}

static void a_text_grows_to_a_page_and_no_further(void **state UNUSED)
{
    struct text text;
    text_init(&text, TEXT_PAGE_BYTES);
    while (!text.overflowed) {
        text_add(&text, "0123456789abcdef");
    }
    assert_int_equal(text.size, TEXT_PAGE_BYTES);
    assert_int_equal(strlen(text.at), TEXT_PAGE_BYTES);
    text_done(&text);
}

static void taken_bytes_live_on_and_the_text_starts_anew(void **state UNUSED)
{
    struct text text;
    text_init(&text, 100);
    text_add(&text, "first");
    char *taken = text_take(&text);
    text_add(&text, "second");
    assert_string_equal(taken, "first");
    assert_true(slice_equal(text_slice(&text), SLICE("second")));
    free(taken);
    text_done(&text);
}

static void no_value_can_break_a_line_or_pretend_to_be_a_field(void **state UNUSED)
{
    static const struct {
        const char *value, *written;
    } ROWS[] = {
        {"intake", "k=intake"},
        {"0a7-64cvyz:x/y", "k=0a7-64cvyz:x/y"},
        {"", "k=\"\""},
        {NULL, "k=\"\""},
        {"two words", "k=\"two words\""},
        {"a outcome=ok", "k=\"a outcome=ok\""},
        {"a=b", "k=\"a=b\""},
        {"say \"no\"", "k=\"say \\\"no\\\"\""},
        {"back\\slash", "k=\"back\\\\slash\""},
        {"line\nfeed", "k=\"line\\nfeed\""},
        {"tab\tcr\r", "k=\"tab\\u0009cr\\u000d\""},
        {"\x1b[31m", "k=\"\\u001b[31m\""},
        {"\x7f", "k=\"\\u007f\""},
        {"\xc2\x85\xc2\x9b\u2028", "k=\"\\u0085\\u009b\\u2028\""},
        {"Mej\u00eda", "k=\"Mej\u00eda\""},
        {"bad\xff\xc3", "k=\"bad\\xff\\xc3\""},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct text text;
        text_init(&text, TEXT_LINE_BYTES);
        text_add_field(&text, "k", ROWS[i].value);
        assert_string_equal(text.at, ROWS[i].written);
        text_done(&text);
    }
}

static void fields_stand_apart_and_are_whole_or_absent(void **state UNUSED)
{
    struct text text;
    text_init(&text, 24);
    text_add_field(&text, "service", "intake");
    text_add_field_int(&text, "ms", -3);
    assert_string_equal(text.at, "service=intake ms=-3");
    text_add_field(&text, "a", "\"\"\"");
    assert_true(text.overflowed);
    assert_string_equal(text.at, "service=intake ms=-3");
    text_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_join_in_order),
        cmocka_unit_test(a_text_takes_whole_pieces_up_to_its_ceiling),
        cmocka_unit_test(a_text_grows_to_a_page_and_no_further),
        cmocka_unit_test(taken_bytes_live_on_and_the_text_starts_anew),
        cmocka_unit_test(no_value_can_break_a_line_or_pretend_to_be_a_field),
        cmocka_unit_test(fields_stand_apart_and_are_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
