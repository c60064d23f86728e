#include "common/core/date.h"

#include "tests/unit/test.h"

#include <string.h>
#include <time.h>

static struct date day(const char *text)
{
    struct date date;
    MUST(date_parse(text, &date));
    return date;
}

static void assert_day(const char *name, struct date got, const char *expected)
{
    char text[DATE_SIZE];
    ASSERT_ROW(name, strcmp(date_format(text, got), expected) == 0);
}

static void only_days_that_exist_are_read(void **state UNUSED)
{
    static const struct {
        const char *text;
        bool right;
    } ROWS[] = {
        {"2026-11-22", true},
        {"2028-02-29", true},
        {"2000-02-29", true},
        {"0001-01-01", true},
        {"9999-12-31", true},
        {"2026-02-29", false},
        {"1900-02-29", false},
        {"2026-00-10", false},
        {"2026-13-10", false},
        {"2026-11-00", false},
        {"2026-11-31", false},
        {"0000-01-01", false},
        {"2026-1-2", false},
        {"2026-11-2", false},
        {"2026-11-222", false},
        {"2026/11/22", false},
        {" 2026-11-22", false},
        {"2026-11-22 ", false},
        {"+026-11-22", false},
        {"20261122", false},
        {"2026-11-22T", false},
        {"", false},
        {"2026-1a-22", false},
        {"-001-01-01", false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct date untouched = {1, 2, 3};
        struct date date = untouched;
        ASSERT_ROW(ROWS[i].text, date_parse(ROWS[i].text, &date) == ROWS[i].right);
        ASSERT_ROW(ROWS[i].text, ROWS[i].right || date_compare(date, untouched) == 0);
        if (ROWS[i].right) {
            assert_day(ROWS[i].text, date, ROWS[i].text);
        }
    }
    struct date date;
    assert_false(date_parse(NULL, &date));
}

/* The C library counts the days independently. */
static void every_day_has_its_number_and_weekday(void **state UNUSED)
{
    int32_t first = date_to_days((struct date){1, 1, 1});
    int32_t last = date_to_days((struct date){9999, 12, 31});
    assert_int_equal(last - first + 1, 3652059);
    for (int32_t days = first; days <= last; days++) {
        time_t at = (time_t)days * 86400;
        struct tm tm;
        gmtime_r(&at, &tm);
        struct date date = date_from_days(days);
        if (date.year != tm.tm_year + 1900 || date.month != tm.tm_mon + 1 || date.day != tm.tm_mday ||
            date_to_days(date) != days || date_weekday(date) % 7 != (unsigned)tm.tm_wday) {
            fail_msg("day %d is wrong", days);
        }
    }
}

static void deadlines_in_days_fall_on_the_right_day(void **state UNUSED)
{
    static const struct {
        const char *name, *from;
        int days;
        const char *due;
    } ROWS[] = {
        {"assessment starts 30 days after identification", "2026-11-22", 30, "2026-12-22"},
        {"assessment complete 60 days after identification", "2026-11-22", 60, "2027-01-21"},
        {"timely filing, 90 days", "2026-08-24", 90, "2026-11-22"},
        {"appeal, 180 days", "2026-11-22", 180, "2027-05-21"},
        {"appeal, 65 days", "2026-11-22", 65, "2027-01-26"},
        {"appeal, 60 days", "2026-11-22", 60, "2027-01-21"},
        {"appeal, 120 days and 5 of mail", "2026-11-22", 125, "2027-03-27"},
        {"transition period ends on day 30", "2026-11-20", 29, "2026-12-19"},
        {"leap day crossed", "2028-02-28", 2, "2028-03-01"},
        {"backwards over a year's end", "2027-01-01", -1, "2026-12-31"},
        {"for ever stays for ever", "9999-12-31", 30, "9999-12-31"},
        {"and the largest number does no harm", "2026-11-22", INT32_MAX, "9999-12-31"},
        {"nor the smallest", "2026-11-22", INT32_MIN, "0001-01-01"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        assert_day(ROWS[i].name, date_add_days(day(ROWS[i].from), ROWS[i].days), ROWS[i].due);
    }
    assert_int_equal(date_days_between(day("2026-08-24"), day("2026-11-23")), 91);
}

static void months_end_where_the_month_ends(void **state UNUSED)
{
    static const struct {
        const char *name, *from;
        int months;
        const char *clamped, *rolling;
    } ROWS[] = {
        {"external review, 4 months", "2026-11-22", 4, "2027-03-22", "2027-03-22"},
        {"no such day in February", "2026-10-31", 4, "2027-02-28", "2027-03-01"},
        {"leap February", "2027-10-31", 4, "2028-02-29", "2028-03-01"},
        {"Medicare, one calendar year", "2026-02-28", 12, "2027-02-28", "2027-02-28"},
        {"from a leap day, one year", "2028-02-29", 12, "2029-02-28", "2029-03-01"},
        {"annual with its grace, 14 months", "2026-12-31", 14, "2028-02-29", "2028-03-01"},
        {"backwards", "2026-03-31", -1, "2026-02-28", "2026-03-01"},
        {"backwards over a year's end", "2026-01-15", -2, "2025-11-15", "2025-11-15"},
        {"December", "2026-11-30", 1, "2026-12-30", "2026-12-30"},
        {"past the last year", "9999-06-30", 12, "9999-12-31", "9999-12-31"},
        {"before the first", "0001-06-30", -12, "0001-01-01", "0001-01-02"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        assert_day(ROWS[i].name, date_add_months(day(ROWS[i].from), ROWS[i].months), ROWS[i].clamped);
        assert_day(ROWS[i].name, date_add_months_rolling(day(ROWS[i].from), ROWS[i].months), ROWS[i].rolling);
    }
    assert_day("filing year from a leap day", date_add_years(day("2028-02-29"), 1), "2029-02-28");
    assert_day("any number of years", date_add_years(day("2026-01-01"), INT32_MAX), "9999-12-31");
}

static void a_year_is_lived_on_the_birthday(void **state UNUSED)
{
    static const struct {
        const char *name, *birth, *at;
        int years;
    } ROWS[] = {
        {"on the day of birth", "1958-03-14", "1958-03-14", 0},
        {"day before the birthday", "1958-03-14", "2026-03-13", 67},
        {"on the birthday", "1958-03-14", "2026-03-14", 68},
        {"born on a leap day, 28 February", "2008-02-29", "2026-02-28", 17},
        {"born on a leap day, 1 March", "2008-02-29", "2026-03-01", 18},
        {"born on a leap day, in a leap year", "2008-02-29", "2028-02-29", 20},
        {"not born yet", "2026-11-23", "2026-11-22", -1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        ASSERT_ROW(ROWS[i].name, date_age_years(day(ROWS[i].birth), day(ROWS[i].at)) == ROWS[i].years);
    }
}

static const struct date FEDERAL[] = {{2027, 1, 1}, {2026, 11, 26}, {2026, 12, 25}};

static void business_days_skip_weekends_and_holidays(void **state UNUSED)
{
    static const struct {
        const char *name, *from;
        int count;
        const char *due;
    } ROWS[] = {
        {"discharged on a Friday", "2026-11-20", 2, "2026-11-24"},
        {"discharged on a Monday", "2026-11-23", 2, "2026-11-25"},
        {"over Thanksgiving", "2026-11-25", 2, "2026-11-30"},
        {"discharged on a Saturday", "2026-11-28", 2, "2026-12-01"},
        {"over Christmas", "2026-12-24", 2, "2026-12-29"},
        {"over New Year", "2026-12-31", 2, "2027-01-05"},
        {"none, on a business day", "2026-11-20", 0, "2026-11-20"},
        {"none, on a Sunday", "2026-11-22", 0, "2026-11-23"},
        {"none, on a holiday", "2026-11-26", 0, "2026-11-27"},
        {"routine triage from a Sunday", "2026-11-22", 1, "2026-11-23"},
    };
    struct holidays holidays = {FEDERAL, ARRAY_LENGTH(FEDERAL)};
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        assert_day(ROWS[i].name, date_business_days_after(day(ROWS[i].from), ROWS[i].count, holidays), ROWS[i].due);
    }
    assert_day("no holidays known", date_business_days_after(day("2026-11-25"), 2, (struct holidays){0}), "2026-11-27");
    assert_true(date_is_business_day(day("2026-11-27"), holidays));
    assert_false(date_is_business_day(day("2026-12-25"), holidays));
}

static void days_sort_by_year_then_month_then_day(void **state UNUSED)
{
    static const char *const SORTED[] = {"2025-12-31", "2026-01-01", "2026-01-02", "2026-02-01", "2027-01-01"};
    for (size_t i = 0; i < ARRAY_LENGTH(SORTED); i++) {
        for (size_t j = 0; j < ARRAY_LENGTH(SORTED); j++) {
            assert_int_equal(date_compare(day(SORTED[i]), day(SORTED[j])), (i > j) - (i < j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_days_that_exist_are_read),
        cmocka_unit_test(every_day_has_its_number_and_weekday),
        cmocka_unit_test(deadlines_in_days_fall_on_the_right_day),
        cmocka_unit_test(months_end_where_the_month_ends),
        cmocka_unit_test(a_year_is_lived_on_the_birthday),
        cmocka_unit_test(business_days_skip_weekends_and_holidays),
        cmocka_unit_test(days_sort_by_year_then_month_then_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
