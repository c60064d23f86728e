#include "common/core/utf8.h"

#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static void only_well_formed_bytes_are_utf_8(void **state UNUSED)
{
    static const struct {
        const char *name, *bytes;
        bool valid;
    } ROWS[] = {
        {"nothing", "", true},
        {"ASCII", "plain", true},
        {"two, three and four bytes", "\u00ed\u674e\U0001f600", true},
        {"the last before the surrogates", "\xed\x9f\xbf", true},
        {"the first after them", "\xee\x80\x80", true},
        {"the last of all", "\xf4\x8f\xbf\xbf", true},
        {"overlong slash in two", "\xc0\xaf", false},
        {"overlong slash in three", "\xe0\x80\xaf", false},
        {"overlong slash in four", "\xf0\x80\x80\xaf", false},
        {"overlong, one below two bytes", "\xc1\xbf", false},
        {"overlong, one below three", "\xe0\x9f\xbf", false},
        {"overlong, one below four", "\xf0\x8f\xbf\xbf", false},
        {"first surrogate", "\xed\xa0\x80", false},
        {"last surrogate", "\xed\xbf\xbf", false},
        {"above the last of all", "\xf4\x90\x80\x80", false},
        {"five bytes", "\xf8\x88\x80\x80\x80", false},
        {"a lone continuation", "\x80", false},
        {"a lone lead", "\xc3", false},
        {"cut short, three", "\xe6\x9d", false},
        {"cut short, four", "\xf0\x9f\x98", false},
        {"a lead for a continuation", "\xc3\xc3", false},
        {"0xff", "\xff", false},
        {"bad after eight good", "12345678\xff", false},
        {"bad among many good", "1234567890123456789\xe6\x9d-", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        size_t size = strlen(ROWS[i].bytes);
        char *exact = malloc(size > 0 ? size : 1); /* so that a byte read too far is seen */
        memcpy(exact, ROWS[i].bytes, size);
        ASSERT_ROW(ROWS[i].name, utf8_is_valid(exact, size) == ROWS[i].valid);
        free(exact);
    }
    assert_true(utf8_is_valid(NULL, 0));
}

static void every_code_point_goes_there_and_back(void **state UNUSED)
{
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        if (point == 0xd800) {
            point = 0xe000;
        }
        char bytes[UTF8_SIZE_MAX];
        size_t size = utf8_put(bytes, point);
        const char *at = bytes;
        uint32_t back;
        if (!utf8_is_valid(bytes, size) || !utf8_next(&at, bytes + size, &back) || back != point ||
            at != bytes + size || utf8_length(bytes, size) != 1) {
            fail_msg("U+%04X is wrong", point);
        }
        at = bytes;
        assert_false(utf8_next(&at, bytes + size - 1, &back));
        assert_ptr_equal(at, bytes);
    }
}

static void reading_stops_at_the_end_and_at_bad_bytes(void **state UNUSED)
{
    const char *text = "a\xff";
    const char *at = text;
    uint32_t point;
    assert_true(utf8_next(&at, text + 2, &point));
    assert_int_equal(point, 'a');
    assert_false(utf8_next(&at, text + 2, &point));
    assert_ptr_equal(at, text + 1);
    at = text;
    assert_false(utf8_next(&at, text, &point));
}

static void a_cut_never_parts_a_code_point(void **state UNUSED)
{
    static const char TEXT[] = "a\u00ed\u674e\U0001f600z"; /* 1 + 2 + 3 + 4 + 1 bytes */
    static const size_t CUTS[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11, 11};
    for (size_t max = 0; max < ARRAY_LENGTH(CUTS); max++) {
        assert_int_equal(utf8_cut(TEXT, sizeof TEXT - 1, max), CUTS[max]);
    }
    assert_int_equal(utf8_length(TEXT, sizeof TEXT - 1), 5);
}

static void a_nul_among_the_bytes_is_found(void **state UNUSED)
{
    assert_true(utf8_has_nul("a\0b", 3));
    assert_true(utf8_has_nul("ab", 3));
    assert_false(utf8_has_nul("ab", 2));
    assert_false(utf8_has_nul(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_well_formed_bytes_are_utf_8),
        cmocka_unit_test(every_code_point_goes_there_and_back),
        cmocka_unit_test(reading_stops_at_the_end_and_at_bad_bytes),
        cmocka_unit_test(a_cut_never_parts_a_code_point),
        cmocka_unit_test(a_nul_among_the_bytes_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
