/* A day of the civil (Gregorian) calendar, years 1 to 9999, without time or zone.
 *
 * Day numbers count from 1970-01-01 = 0. A date given to these functions MUST be valid, as date_parse makes it; one
 * that would be moved out of the years becomes the first or the last day, so that "9999-12-31", which means for ever,
 * stays so. */
#ifndef CORE_DATE_H
#define CORE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATE_SIZE 11 /* "2026-11-22" with the NUL */

struct date {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

enum weekday { MONDAY = 1, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY }; /* as ISO 8601 numbers them */

bool date_is_valid(struct date date);
bool date_is_leap_year(int year);
int date_days_in_month(int year, int month);

/* Reads YYYY-MM-DD, exactly, and a day that exists. False, `out` untouched, otherwise. */
bool date_parse(const char *text, struct date *out);

/* Writes YYYY-MM-DD and returns `out`. */
char *date_format(char out[static DATE_SIZE], struct date date);

int32_t date_to_days(struct date date);
struct date date_from_days(int32_t days);

struct date date_add_days(struct date date, int days);

/* The same day of the month, `months` later; the last of the month where that day does not exist:
 * 2026-10-31 and 4 months give 2027-02-28. */
struct date date_add_months(struct date date, int months);
struct date date_add_years(struct date date, int years); /* 02-29 gives 02-28 in a common year */

/* The day that follows the rule "no same-numbered day: first of the following month": 2026-10-31 and 4 months give
 * 2027-03-01. */
struct date date_add_months_rolling(struct date date, int months);

enum weekday date_weekday(struct date date);
int date_compare(struct date a, struct date b);          /* below, equal to or above 0 */
int date_days_between(struct date from, struct date to); /* to - from */

/* Whole years lived at `at`, by birthdays; who was born on 02-29 has birthdays on 03-01 in common years. Negative
 * before birth. */
int date_age_years(struct date birth, struct date at);

/* Whether the day is neither a Saturday nor a Sunday nor in the list. Holidays are data: a list of days, in any order.
 */
struct holidays {
    const struct date *days;
    size_t count;
};

bool date_is_business_day(struct date date, struct holidays holidays);

/* The `count`-th business day after `date`, which itself never counts; 0 gives the day itself, or the next business day
 * if it is none. */
struct date date_business_days_after(struct date date, int count, struct holidays holidays);

#endif
