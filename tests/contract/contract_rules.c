#include "common/contract/json.h"
#include "common/contract/rules.h"
#include "proto/options.pb-c.h"
#include "tests/contract/sample.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#define FORM(name) CASEBUS__FORM__FORM_##name

static void a_form_holds_or_not(void **state)
{
    (void)state;
    static const struct {
        int form;
        const char *text;
        bool holds;
    } ROWS[] = {
        {FORM(UNSPECIFIED), "anything at all", true},
        {FORM(ID), "0a7-abc.n1-x_Y", true},
        {FORM(ID), "", false},
        {FORM(ID), "a b", false},
        {FORM(ID), "a/b", false},
        {FORM(ID), "a:b", false},
        {FORM(ID), "-a", false},
        {FORM(ID), "1234567890123456789012345678901234567890123456789012345678901234", true},
        {FORM(ID), "12345678901234567890123456789012345678901234567890123456789012345", false},
        {FORM(DATE), "2024-02-29", true},
        {FORM(DATE), "2023-02-29", false},
        {FORM(DATE), "1990-13-01", false},
        {FORM(DATE), "1990-1-1", false},
        {FORM(DATE), "1879-12-31", false},
        {FORM(DATE), "1880-01-01", true},
        {FORM(DATE), "2200-12-31", true},
        {FORM(DATE), "2201-01-01", false},
        {FORM(DATE), "1990-01-01T00:00", false},
        {FORM(DATE), "", false},
        {FORM(CODE), "I50.9", true},
        {FORM(CODE), "84114007", true},
        {FORM(CODE), "a b", false},
        {FORM(CODE), "\xc3\xa9", false},
        {FORM(STATE), "MA", true},
        {FORM(STATE), "PR", true},
        {FORM(STATE), "AE", true},
        {FORM(STATE), "WY", true},
        {FORM(STATE), "ma", false},
        {FORM(STATE), "XX", false},
        {FORM(STATE), "A", false},
        {FORM(STATE), "Massachusetts", false},
        {FORM(STATE), "L ", false},
        {FORM(LANGUAGE), "en", true},
        {FORM(LANGUAGE), "es-US", true},
        {FORM(LANGUAGE), "zh-Hans", true},
        {FORM(LANGUAGE), "zh-Hant-TW", true},
        {FORM(LANGUAGE), "es-419", true},
        {FORM(LANGUAGE), "de-CH-1996", true},
        {FORM(LANGUAGE), "english", false},
        {FORM(LANGUAGE), "e", false},
        {FORM(LANGUAGE), "en-", false},
        {FORM(LANGUAGE), "en_US", false},
        {FORM(LANGUAGE), "en-US-Latn", false},
        {FORM(ZONE), "America/New_York", true},
        {FORM(ZONE), "UTC", true},
        {FORM(ZONE), "America/Argentina/Buenos_Aires", true},
        {FORM(ZONE), "America/Nowhere", false},
        {FORM(ZONE), "../../etc/passwd", false},
        {FORM(ZONE), "", false},
        {FORM(CURRENCY), "USD", true},
        {FORM(CURRENCY), "ZWG", true},
        {FORM(CURRENCY), "usd", false},
        {FORM(CURRENCY), "XXX", false},
        {FORM(NPI), "1234567893", true},
        {FORM(NPI), "1679576722", true},
        {FORM(NPI), "1245319599", true},
        {FORM(NPI), "1000000004", true},
        {FORM(NPI), "1000000012", true},
        {FORM(NPI), "1053849752", true},
        {FORM(NPI), "1111111112", true},
        {FORM(NPI), "1212121218", true},
        {FORM(NPI), "1999999992", true},
        {FORM(NPI), "2345678900", true},
        {FORM(NPI), "1234567890", false},
        {FORM(NPI), "1234567894", false},
        {FORM(NPI), "0234567893", false},
        {FORM(NPI), "123456789", false},
        {FORM(NPI), "12345678X3", false},
        {FORM(TIME_OF_DAY), "00:00", true},
        {FORM(TIME_OF_DAY), "23:59", true},
        {FORM(TIME_OF_DAY), "24:00", false},
        {FORM(TIME_OF_DAY), "12:60", false},
        {FORM(TIME_OF_DAY), "1:00", false},
        {FORM(TIME_OF_DAY), "12-00", false},
        {FORM(TIME_OF_DAY), "12:0x", false},
        {FORM(SYSTEM), "http://snomed.info/sct", true},
        {FORM(SYSTEM), "urn:oid:2.16.840.1.113883.4.3.25", true},
        {FORM(SYSTEM), "", false},
        {FORM(SYSTEM), "has space", false},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        if (form_holds(ROWS[i].form, ROWS[i].text) != ROWS[i].holds) {
            fail_msg("\"%s\" must%s be %s", ROWS[i].text, ROWS[i].holds ? "" : " not", form_words(ROWS[i].form));
        }
    }
}

/* The rows are JSON so that they can be read; colour and needed are there unless the row is about them. */
#define WITH(fields) "{\"needed\":\"x\",\"colour\":\"COLOUR_RED\"" fields "}"

static void a_field_meets_its_rule_or_is_refused_by_path(void **state)
{
    (void)state;
    static const struct {
        const char *json, *sentence; /* NULL: accepted. */
    } ROWS[] = {
        {WITH(""), NULL},
        {"{\"colour\":1}", "needed is missing"},
        {"{\"colour\":1,\"needed\":\"\"}", "needed: is empty"},
        {"{\"needed\":\"x\"}", "colour is missing"},
        {"{\"needed\":\"x\",\"colour\":0}", "colour: is unspecified"},
        {WITH(",\"sized\":\"a\""), "sized: has 1 characters, at least 2 are needed"},
        {WITH(",\"sized\":\"ab\""), NULL},
        {WITH(",\"sized\":\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\""), NULL},
        {WITH(",\"sized\":\"\xc3\xa9\""), "sized: has 1 characters, at least 2 are needed"},
        {WITH(",\"sized\":\"abcde\""), "sized: has 5 characters, at most 4 are allowed"},
        {WITH(",\"birthDate\":\"1990-13-01\""), "birthDate is \"1990-13-01\": not a date (YYYY-MM-DD)"},
        {WITH(",\"birthDate\":\"\""), "birthDate is \"\": not a date (YYYY-MM-DD)"},
        {WITH(",\"birthDate\":\"a\\nb\\\"c\""), "birthDate is \"a?b?c\": not a date (YYYY-MM-DD)"},
        {WITH(",\"secret\":\"1990-13-01\""), "secret: not a date (YYYY-MM-DD)"},
        {WITH(",\"ranged\":-5"), NULL},
        {WITH(",\"ranged\":-6"), "ranged is -6: at least -5"},
        {WITH(",\"ranged\":\"11\""), "ranged is 11: at most 10"},
        {WITH(",\"below\":\"18446744073709551615\""), "below is 18446744073709551615: at most 7"},
        {WITH(",\"below\":8"), "below is 8: at most 7"},
        {WITH(",\"fraction\":0.5"), NULL},
        {WITH(",\"fraction\":1.5"), "fraction is 1.5: at most 1"},
        {WITH(",\"fraction\":\"NaN\""), "fraction is nan: not a number"},
        {WITH(",\"fraction\":\"Infinity\""), "fraction is inf: not a number"},
        {WITH(",\"few\":[\"a\",\"b\"]"), NULL},
        {WITH(",\"few\":[\"a\",\"b\",\"c\"]"), "few has 3 entries, at most 2 are allowed"},
        {WITH(",\"few\":[\"a\",\"b c\"]"),
            "few[1] is \"b c\": not a code (1 to 64 printable characters without space)"},
        {WITH(",\"inner\":[{},{\"zones\":[\"UTC\",\"Mars\"]}]"),
            "inner[1].zones[1] is \"Mars\": not a time zone (such as America/New_York)"},
        {WITH(",\"inner\":[{\"npi\":\"1234567890\"}]"),
            "inner[0].npi is \"1234567890\": not an NPI (10 digits with their check digit)"},
        {WITH(",\"key\":\"AA==\""), "key: has 1 bytes, 2 to 3 are allowed"},
        {WITH(",\"key\":\"AAA=\""), NULL},
        {WITH(",\"key\":\"AAAAAA==\""), "key: has 4 bytes, 2 to 3 are allowed"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct arena arena;
        arena_init(&arena, 0);
        struct why why = {{0}};
        ProtobufCMessage *message = NULL;
        const struct contract_message *type = contract_find_message("sample.Ruled");
        enum fault fault = json_cross(type, ROWS[i].json, strlen(ROWS[i].json), &arena, &why, &message);
        const char *expected = ROWS[i].sentence != NULL ? ROWS[i].sentence : "";
        if (fault != (ROWS[i].sentence != NULL ? FAULT_INVALID : FAULT_NONE) || strcmp(why.text, expected) != 0) {
            fail_msg("%s: %s \"%s\", not \"%s\"", ROWS[i].json, fault_word(fault), why.text, expected);
        }
        arena_done(&arena);
    }
}

static void a_string_has_256_characters_and_a_list_256_entries_where_nothing_is_said(void **state)
{
    (void)state;
    char text[4 * 257 + 1] = "";
    for (int i = 0; i < 256; i++) {
        strcat(text, "\xf0\x9f\x98\x80");
    }
    uint32_t numbers[257] = {0};
    struct why why;
    Sample__Ruled ruled = SAMPLE__RULED__INIT;
    ruled.needed = (char *)"x";
    ruled.has_colour = true;
    ruled.colour = SAMPLE__COLOUR__COLOUR_RED;
    ruled.plain = text;
    ruled.many = numbers;
    ruled.n_many = 256;
    assert_int_equal(rules_check(&ruled.base, &why), FAULT_NONE);
    strcat(text, "x");
    assert_int_equal(rules_check(&ruled.base, &why), FAULT_INVALID);
    assert_string_equal(why.text, "plain: has 257 characters, at most 256 are allowed");
    text[0] = '\0';
    ruled.n_many = 257;
    assert_int_equal(rules_check(&ruled.base, &why), FAULT_INVALID);
    assert_string_equal(why.text, "many has 257 entries, at most 256 are allowed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_holds_or_not),
        cmocka_unit_test(a_field_meets_its_rule_or_is_refused_by_path),
        cmocka_unit_test(a_string_has_256_characters_and_a_list_256_entries_where_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
