#include "common/core/fault.h"

#include "common/core/utf8.h"
#include "tests/unit/test.h"

#include <string.h>

static void a_word_on_the_wire_finds_its_fault_again(void **state UNUSED)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        enum fault fault = FAULT_COUNT;
        bool leaves_the_process = i != FAULT_WANT;
        ASSERT_ROW(fault_word(i), fault_from_word(fault_word(i), &fault) == leaves_the_process);
        ASSERT_ROW(fault_word(i), fault == (leaves_the_process ? (enum fault)i : FAULT_COUNT));
        ASSERT_ROW(fault_word(i), strlen(fault_meaning(i)) > 0);
    }
}

static void words_nobody_knows_are_told_apart_from_unknown(void **state UNUSED)
{
    static const char *const WORDS[] = {"", "ok", "OK ", "WANT", "REFUSE", "UNKNOWNS", NULL};
    for (size_t i = 0; i < ARRAY_LENGTH(WORDS); i++) {
        enum fault fault = FAULT_STALE;
        assert_false(fault_from_word(WORDS[i], &fault));
        assert_int_equal(fault, FAULT_STALE);
    }
}

static void the_bus_knows_six_statuses(void **state UNUSED)
{
    static const struct {
        enum fault fault, status;
        int http;
        bool again, refusal;
    } ROWS[] = {
        {FAULT_NONE, FAULT_NONE, 200, false, false},
        {FAULT_REFUSED, FAULT_REFUSED, 422, false, true},
        {FAULT_INVALID, FAULT_REFUSED, 400, false, true},
        {FAULT_FORBIDDEN, FAULT_REFUSED, 403, false, true},
        {FAULT_NOT_FOUND, FAULT_REFUSED, 404, false, true},
        {FAULT_CONFLICT, FAULT_REFUSED, 409, false, true},
        {FAULT_STALE, FAULT_REFUSED, 412, false, true},
        {FAULT_OVERLOADED, FAULT_OVERLOADED, 429, true, false},
        {FAULT_UNAVAILABLE, FAULT_UNAVAILABLE, 503, true, false},
        {FAULT_EXPIRED, FAULT_EXPIRED, 504, true, false},
        {FAULT_UNKNOWN, FAULT_UNKNOWN, 502, true, false},
        {FAULT_INTERNAL, FAULT_UNAVAILABLE, 500, false, false},
        {FAULT_WANT, FAULT_UNAVAILABLE, 500, false, false},
    };
    assert_int_equal(ARRAY_LENGTH(ROWS), FAULT_COUNT);
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const char *word = fault_word(ROWS[i].fault);
        ASSERT_ROW(word, fault_status(ROWS[i].fault) == ROWS[i].status);
        ASSERT_ROW(word, fault_http(ROWS[i].fault) == ROWS[i].http);
        ASSERT_ROW(word, fault_may_retry(ROWS[i].fault) == ROWS[i].again);
        ASSERT_ROW(word, fault_is_refusal(ROWS[i].fault) == ROWS[i].refusal);
    }
}

static void a_why_is_cut_between_code_points_only(void **state UNUSED)
{
    static const char *const LETTERS[] = {"a", "í", "李", "😀"};
    for (size_t letter = 0; letter < ARRAY_LENGTH(LETTERS); letter++) {
        for (int shift = 0; shift < 4; shift++) {
            char long_text[2 * WHY_SIZE] = "";
            memset(long_text, '-', (size_t)shift);
            while (strlen(long_text) < WHY_SIZE + 20) {
                strcat(long_text, LETTERS[letter]);
            }
            struct why why;
            why_set(&why, "%s", long_text);
            size_t size = strlen(why.text);
            assert_true(utf8_is_valid(why.text, size));
            assert_true(size < WHY_SIZE && size + strlen(LETTERS[letter]) >= WHY_SIZE);
            assert_memory_equal(why.text, long_text, size);
        }
    }
}

static void a_why_is_one_line_whatever_a_stranger_sent(void **state UNUSED)
{
    static const struct {
        const char *sent, *said;
    } ROWS[] = {
        {"plain", "plain"},
        {"línea 李", "línea 李"},
        {"two\nlines\r\n", "two?lines??"},
        {"\x1b[2Jgone", "?[2Jgone"},
        {"del\x7f", "del?"},
        {"c1 \xc2\x9b"
         "2J",
            "c1 ??2J"},
        {"cut \xe6\x9d", "cut ??"},
        {"\xff\xfe", "??"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct why why;
        why_set(&why, "%s", ROWS[i].sent);
        assert_string_equal(why.text, ROWS[i].said);
    }
}

static void a_why_says_its_sentence(void **state UNUSED)
{
    struct why why;
    why_set(&why, "team %s has no room until %d", "t-7", 2027);
    assert_string_equal(why.text, "team t-7 has no room until 2027");
    why_set(NULL, "nobody asks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_on_the_wire_finds_its_fault_again),
        cmocka_unit_test(words_nobody_knows_are_told_apart_from_unknown),
        cmocka_unit_test(the_bus_knows_six_statuses),
        cmocka_unit_test(a_why_is_cut_between_code_points_only),
        cmocka_unit_test(a_why_is_one_line_whatever_a_stranger_sent),
        cmocka_unit_test(a_why_says_its_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
