#include "common/core/name.h"

#include "tests/unit/test.h"

#include <string.h>

static void names_fold_to_what_a_plain_form_would_hold(void **state UNUSED)
{
    static const struct {
        const char *name, *folded;
    } ROWS[] = {
        {"Mejía", "MEJIA"},
        {"MEJIA", "MEJIA"},
        {"Meji\u0301a", "MEJIA"}, /* the accent as a code point of its own */
        {"O'Brien-Smith", "OBRIENSMITH"},
        {"O\u2019Brien Smith", "OBRIENSMITH"},
        {"Núñez", "NUNEZ"},
        {"Łukasz", "LUKASZ"},
        {"Strauß", "STRAUSS"},
        {"Ærøskøbing", "AEROSKOBING"},
        {"Þórður", "THORDUR"},
        {"Nguyễn Thị Hương", "NGUYENTHIHUONG"},
        {"Țepeș", "TEPES"},
        {"İnan Işık", "INANISIK"},
        {"Dvořák", "DVORAK"},
        {"Œuvre", "OEUVRE"},
        {"Abe604 Bechtelar572", "ABEBECHTELAR"},
        {"  van   der Berg, Jr.", "VANDERBERGJR"},
        {"Иван", "ИВАН"},
        {"иван", "ИВАН"},
        {"Γιώργος", "ΓΙώΡΓΟΣ"},
        {"李小龙", "李小龙"},
        {"佐々木", "佐々木"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        char folded[NAME_SIZE];
        ASSERT_ROW(ROWS[i].name, name_fold(folded, ROWS[i].name));
        assert_string_equal(folded, ROWS[i].folded);
    }
}

static void a_name_without_letters_is_none(void **state UNUSED)
{
    static const char *const ROWS[] = {"", " ", "123", "-.'", "\u2019", "😀", "×", NULL, "Mej\xed\x61", "\xc3"};
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        char folded[NAME_SIZE] = "before";
        assert_false(name_fold(folded, ROWS[i]));
        assert_string_equal(folded, "");
    }
}

static void folding_twice_is_folding_once(void **state UNUSED)
{
    for (uint32_t point = 1; point < 0x2100; point++) {
        char name[8] = {(char)point};
        if (point >= 0x800) {
            name[0] = (char)(0xe0 | point >> 12);
            name[1] = (char)(0x80 | (point >> 6 & 63));
            name[2] = (char)(0x80 | (point & 63));
        } else if (point >= 0x80) {
            name[0] = (char)(0xc0 | point >> 6);
            name[1] = (char)(0x80 | (point & 63));
        }
        char once[NAME_SIZE], twice[NAME_SIZE];
        if (name_fold(once, name)) {
            assert_true(name_fold(twice, once));
            assert_string_equal(twice, once);
        }
    }
}

static void a_very_long_name_is_cut_and_stays_whole_letters(void **state UNUSED)
{
    char name[8 * NAME_LETTERS_MAX] = "";
    while (strlen(name) + 8 < sizeof name) {
        strcat(name, "李");
    }
    char folded[NAME_SIZE];
    assert_true(name_fold(folded, name));
    assert_int_equal(strlen(folded), 3 * NAME_LETTERS_MAX);
    assert_int_equal(name_likeness(folded, folded), 10000);
}

/* Published figures of Winkler, and by hand. */
static void likeness_is_jaro_winkler(void **state UNUSED)
{
    static const struct {
        const char *a, *b;
        int likeness;
    } ROWS[] = {
        {"JANE", "JAYNE", 9467},
        {"MARTHA", "MARHTA", 9611},
        {"DWAYNE", "DUANE", 8400},
        {"DIXON", "DICKSONX", 8133},
        {"JONES", "JOHNSON", 8324},
        {"DOE", "DOE", 10000},
        {"ABC", "XYZ", 0},
        {"", "", 0},
        {"A", "", 0},
        {"A", "A", 10000},
        {"AB", "BA", 0},
        {"MEJIA", "MEJIAS", 9667},
        {"MASSEY", "MASSIE", 9333},
        {"李小龙", "李小龍", 8222},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        assert_int_equal(name_likeness(ROWS[i].a, ROWS[i].b), ROWS[i].likeness);
        assert_int_equal(name_likeness(ROWS[i].b, ROWS[i].a), ROWS[i].likeness);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_fold_to_what_a_plain_form_would_hold),
        cmocka_unit_test(a_name_without_letters_is_none),
        cmocka_unit_test(folding_twice_is_folding_once),
        cmocka_unit_test(a_very_long_name_is_cut_and_stays_whole_letters),
        cmocka_unit_test(likeness_is_jaro_winkler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
