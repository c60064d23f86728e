#include "common/core/instant.h"

#include "common/core/clock.h"
#include "tests/unit/test.h"

#include <string.h>

static void instants_of_rfc_3339_and_fhir_are_read_in_utc(void **state UNUSED)
{
    static const struct {
        const char *text, *utc;
    } ROWS[] = {
        {"2026-11-22T03:14:48Z", "2026-11-22T03:14:48.000Z"},
        {"2026-11-22T03:14:48.1Z", "2026-11-22T03:14:48.100Z"},
        {"2026-11-22T03:14:48.1239999Z", "2026-11-22T03:14:48.123Z"},
        {"2026-11-01T01:30:00-04:00", "2026-11-01T05:30:00.000Z"},
        {"2010-09-13T21:03:06.117-04:00", "2010-09-14T01:03:06.117Z"},
        {"2026-01-01T00:00:00+14:00", "2025-12-31T10:00:00.000Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
        {"2016-12-31T18:59:60.5-05:00", "2017-01-01T00:00:00.500Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
        {"2026-11-22T03:14:48-00:00", "2026-11-22T03:14:48.000Z"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        int64_t at_ms;
        char text[INSTANT_SIZE];
        ASSERT_ROW(ROWS[i].text, instant_parse(ROWS[i].text, &at_ms));
        assert_string_equal(instant_format(text, at_ms), ROWS[i].utc);
    }
}

static void what_is_no_instant_is_refused(void **state UNUSED)
{
    static const char *const ROWS[] = {
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T03:14:48",
        "2026-11-22T03:14Z",
        "2026-11-22 03:14:48Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T03:60:00Z",
        "2026-11-22T03:14:61Z",
        "2026-11-22T03:14:60Z",
        "2026-11-22T23:59:60-05:00",
        "2026-02-30T03:14:48Z",
        "2026-11-22T03:14:48.Z",
        "2026-11-22T03:14:48z",
        "2026-11-22t03:14:48Z",
        "2026-11-22T03:14:48+14:01",
        "2026-11-22T03:14:48+1:00",
        "2026-11-22T03:14:48+0100",
        "2026-11-22T03:14:48Zx",
        "2026-11-22T03:14:48ZZ",
        " 2026-11-22T03:14:48Z",
        "2026-11-22T3:14:48Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-11-22T",
        "2026-11-22T03:14:48+",
        "1901-12-31T23:59:60Z",
        "2026-11-22T03:14:4",
        "-026-11-22T03:14:48Z",
        "2026-11-22T-3:14:48Z",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        int64_t at_ms = 42;
        ASSERT_ROW(ROWS[i], !instant_parse(ROWS[i], &at_ms) && at_ms == 42);
    }
    int64_t at_ms;
    assert_false(instant_parse(NULL, &at_ms));
}

static void a_fhir_date_time_keeps_how_much_was_said(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum precision precision;
        struct date date;
        const char *utc;
        int offset_minutes;
    } ROWS[] = {
        {"1958", PRECISION_YEAR, {1958, 1, 1}, "1958-01-01T00:00:00.000Z", 0},
        {"1958-03", PRECISION_MONTH, {1958, 3, 1}, "1958-03-01T00:00:00.000Z", 0},
        {"1958-03-14", PRECISION_DAY, {1958, 3, 14}, "1958-03-14T00:00:00.000Z", 0},
        {"2026-11-21T23:30:00-05:00", PRECISION_TIME, {2026, 11, 21}, "2026-11-22T04:30:00.000Z", -300},
        {"2026-11-22T05:30:00+05:30", PRECISION_TIME, {2026, 11, 22}, "2026-11-22T00:00:00.000Z", 330},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct said_time said;
        char text[INSTANT_SIZE];
        ASSERT_ROW(ROWS[i].text, instant_parse_said(ROWS[i].text, &said));
        ASSERT_ROW(ROWS[i].text, said.precision == ROWS[i].precision);
        ASSERT_ROW(ROWS[i].text, date_compare(said.date, ROWS[i].date) == 0);
        ASSERT_ROW(ROWS[i].text, said.offset_minutes == ROWS[i].offset_minutes);
        assert_string_equal(instant_format(text, said.at_ms), ROWS[i].utc);
    }
    static const char *const WRONG[] = {"", "195", "0000", "1958-13", "1958-3", "1958-02-30", "19580314",
        "1958-03-14T10", "1958-", "abcd", "1958-03-14T10:00:00"};
    for (size_t i = 0; i < ARRAY_LENGTH(WRONG); i++) {
        struct said_time said = {.at_ms = 42};
        ASSERT_ROW(WRONG[i], !instant_parse_said(WRONG[i], &said) && said.at_ms == 42);
    }
    struct said_time said;
    assert_false(instant_parse_said(NULL, &said));
}

static void no_number_of_milliseconds_does_harm(void **state UNUSED)
{
    char text[INSTANT_SIZE];
    assert_string_equal(instant_format(text, INT64_MAX), "9999-12-31T23:59:59.999Z");
    assert_string_equal(instant_format(text, INT64_MIN), "0001-01-01T00:00:00.000Z");
    assert_true(instant_is_valid(0) && instant_is_valid(INSTANT_MIN_MS) && instant_is_valid(INSTANT_MAX_MS));
    assert_false(instant_is_valid(INSTANT_MIN_MS - 1) || instant_is_valid(INSTANT_MAX_MS + 1));
}

static void the_day_in_utc_begins_at_midnight(void **state UNUSED)
{
    int64_t midnight = instant_from_utc_date((struct date){1969, 12, 31});
    assert_int_equal(midnight, -DAY_MS);
    assert_int_equal(instant_utc_date(midnight).day, 31);
    assert_int_equal(instant_utc_date(midnight - 1).day, 30);
    assert_int_equal(instant_utc_date(-1).day, 31);
    assert_int_equal(instant_utc_date(0).day, 1);
}

static void the_clocks_run_forward(void **state UNUSED)
{
    int64_t us = clock_monotonic_us();
    int64_t ms = clock_monotonic_ms();
    assert_true(ms >= us / 1000);
    assert_true(clock_monotonic_us() >= us);
    assert_true(clock_wall_ms() > instant_from_utc_date((struct date){2026, 1, 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_of_rfc_3339_and_fhir_are_read_in_utc),
        cmocka_unit_test(what_is_no_instant_is_refused),
        cmocka_unit_test(a_fhir_date_time_keeps_how_much_was_said),
        cmocka_unit_test(no_number_of_milliseconds_does_harm),
        cmocka_unit_test(the_day_in_utc_begins_at_midnight),
        cmocka_unit_test(the_clocks_run_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
