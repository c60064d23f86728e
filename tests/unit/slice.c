#include "common/core/slice.h"

#include "tests/unit/test.h"

#include <string.h>

static void slices_compare_by_bytes(void **state UNUSED)
{
    static const char *const SORTED[] = {"", "a", "aa", "ab", "b", "\xc3\xad"};
    for (size_t i = 0; i < ARRAY_LENGTH(SORTED); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(SORTED); j++) {
            int order = slice_compare(slice_of(SORTED[i]), slice_of(SORTED[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(slice_equal(slice_of(SORTED[i]), slice_of(SORTED[j])), i == j);
        }
    }
}

static void null_counts_as_the_empty_string(void **state UNUSED)
{
    assert_true(str_is_empty(NULL) && str_is_empty("") && !str_is_empty("a"));
    assert_true(str_same(NULL, NULL) && str_same(NULL, "") && !str_same(NULL, "a"));
    assert_true(str_same("case", "case") && !str_same("case", "cases") && !str_same("case", "Case"));
    assert_true(str_same_ignoring_case("CaSe", "cAsE") && !str_same_ignoring_case("case", "cast"));
    assert_false(str_same_ignoring_case("case", "cases"));
    assert_true(str_compare(NULL, "a") < 0 && str_compare("b", "a") > 0 && str_compare("", NULL) == 0);
    assert_true(str_starts_with("intake.Accept", "intake.") && !str_starts_with("in", "intake"));
    assert_true(str_ends_with("a.proto", ".proto") && !str_ends_with("proto", ".proto"));
    assert_true(str_starts_with(NULL, NULL) && str_ends_with("a", NULL) && !str_starts_with(NULL, "a"));
}

static void white_space_goes_from_both_ends_only(void **state UNUSED)
{
    static const struct {
        const char *text, *trimmed;
    } ROWS[] = {{"", ""}, {" \t\r\n\v\f", ""}, {" a b ", "a b"}, {"a", "a"}, {"\u00a0a", "\u00a0a"}};
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        ASSERT_ROW(ROWS[i].text, slice_equal(slice_trim(slice_of(ROWS[i].text)), slice_of(ROWS[i].trimmed)));
    }
}

static void every_field_is_taken_even_an_empty_last_one(void **state UNUSED)
{
    static const struct {
        const char *text;
        int count;
        const char *joined;
    } ROWS[] = {{"", 1, "[]"}, {"a", 1, "[a]"}, {"a,b", 2, "[a][b]"}, {"a,", 2, "[a][]"}, {",,", 3, "[][][]"}};
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct slice rest = slice_of(ROWS[i].text);
        struct slice field;
        char joined[64] = "";
        int count = 0;
        while (slice_take_field(&rest, ',', &field)) {
            strcat(strncat(strcat(joined, "["), field.at, field.size), "]");
            count++;
        }
        ASSERT_ROW(ROWS[i].text, count == ROWS[i].count);
        assert_string_equal(joined, ROWS[i].joined);
    }
}

static void numbers_are_digits_within_their_bound(void **state UNUSED)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool right;
        uint64_t value;
    } ROWS[] = {
        {"0", 9, true, 0},
        {"007", 9, true, 7},
        {"9", 9, true, 9},
        {"10", 9, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"28446744073709551616", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"0x1", 99, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        uint64_t value = 42;
        ASSERT_ROW(ROWS[i].text, slice_parse_uint(slice_of(ROWS[i].text), ROWS[i].max, &value) == ROWS[i].right);
        ASSERT_ROW(ROWS[i].text, value == (ROWS[i].right ? ROWS[i].value : 42));
    }
}

static void only_ascii_letters_change_case(void **state UNUSED)
{
    char text[] = "Mej\u00cda-42 zZ";
    ascii_lower_all(text);
    assert_string_equal(text, "mej\u00cda-42 zz");
    ascii_upper_all(text);
    assert_string_equal(text, "MEJ\u00cdA-42 ZZ");
    for (int c = 0; c < 256; c++) {
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        assert_int_equal(ascii_is_letter((char)c), letter);
        assert_int_equal(ascii_is_digit((char)c), c >= '0' && c <= '9');
        assert_int_equal(ascii_is_space((char)c), c == ' ' || (c >= 9 && c <= 13));
        assert_int_equal(ascii_lower((char)c) != (char)c, c >= 'A' && c <= 'Z');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_by_bytes),
        cmocka_unit_test(null_counts_as_the_empty_string),
        cmocka_unit_test(white_space_goes_from_both_ends_only),
        cmocka_unit_test(every_field_is_taken_even_an_empty_last_one),
        cmocka_unit_test(numbers_are_digits_within_their_bound),
        cmocka_unit_test(only_ascii_letters_change_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
