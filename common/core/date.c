#include "common/core/date.h"

#include "common/core/must.h"
#include "common/core/slice.h"

#include <stdio.h>
#include <string.h>

#define YEAR_MAX       9999
#define DAYS_OF_ERA    146097 /* 400 years */
#define DAYS_TO_1970   719468 /* from 0000-03-01 */
#define MONTHS_OF_YEAR 12
#define DAYS_OF_WEEK   7
#define FIRST_DAY      (-719162) /* 0001-01-01 */
#define LAST_DAY       2932896   /* 9999-12-31 */

static const struct date FIRST_DATE = {1, 1, 1};
static const struct date LAST_DATE = {YEAR_MAX, 12, 31};

bool date_is_leap_year(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int date_days_in_month(int year, int month)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    MUST(month >= 1 && month <= MONTHS_OF_YEAR);
    return DAYS[month - 1] + (month == 2 && date_is_leap_year(year));
}

bool date_is_valid(struct date date)
{
    return date.year >= 1 && date.year <= YEAR_MAX && date.month >= 1 && date.month <= MONTHS_OF_YEAR &&
           date.day >= 1 && date.day <= date_days_in_month(date.year, date.month);
}

bool date_parse(const char *text, struct date *out)
{
    struct slice whole = slice_of(text);
    if (whole.size != DATE_SIZE - 1 || whole.at[4] != '-' || whole.at[7] != '-') {
        return false;
    }
    uint64_t year, month, day;
    if (!slice_parse_uint((struct slice){whole.at, 4}, YEAR_MAX, &year) ||
        !slice_parse_uint((struct slice){whole.at + 5, 2}, 99, &month) ||
        !slice_parse_uint((struct slice){whole.at + 8, 2}, 99, &day)) {
        return false;
    }
    struct date date = {(int)year, (int)month, (int)day};
    if (!date_is_valid(date)) {
        return false;
    }
    *out = date;
    return true;
}

char *date_format(char out[static DATE_SIZE], struct date date)
{
    MUST(date_is_valid(date));
    char text[3 * 12];
    snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
    return memcpy(out, text, DATE_SIZE);
}

/* Years are counted from March, so that the leap day is the last of its year, and the months before it have a pattern:
 * five of them last 153 days. */
int32_t date_to_days(struct date date)
{
    MUST(date_is_valid(date));
    int year = date.month > 2 ? date.year : date.year - 1;
    int month = date.month > 2 ? date.month - 3 : date.month + 9;
    int day_of_year = (153 * month + 2) / 5 + date.day - 1;
    return 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - DAYS_TO_1970;
}

struct date date_from_days(int32_t days)
{
    days = days > FIRST_DAY ? days : FIRST_DAY;
    days = days < LAST_DAY ? days : LAST_DAY;
    int since = days + DAYS_TO_1970;
    int era = since / DAYS_OF_ERA;
    int day_of_era = since % DAYS_OF_ERA;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_OF_ERA - 1)) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (5 * day_of_year + 2) / 153;
    return (struct date){
        .year = 400 * era + year_of_era + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
    };
}

struct date date_add_days(struct date date, int days)
{
    int64_t sum = (int64_t)date_to_days(date) + days;
    return sum < FIRST_DAY ? FIRST_DATE : sum > LAST_DAY ? LAST_DATE : date_from_days((int32_t)sum);
}

/* The first day of the month `months` later. False when that is outside the years. */
static bool month_later(struct date date, int months, struct date *out)
{
    MUST(date_is_valid(date));
    int64_t month = (int64_t)date.year * MONTHS_OF_YEAR + date.month - 1 + months;
    *out = (struct date){(int)(month / MONTHS_OF_YEAR), (int)(month % MONTHS_OF_YEAR) + 1, 1};
    return month >= MONTHS_OF_YEAR && month < (int64_t)(YEAR_MAX + 1) * MONTHS_OF_YEAR;
}

struct date date_add_months(struct date date, int months)
{
    struct date later;
    if (!month_later(date, months, &later)) {
        return months < 0 ? FIRST_DATE : LAST_DATE;
    }
    int last = date_days_in_month(later.year, later.month);
    later.day = date.day < last ? date.day : last;
    return later;
}

struct date date_add_months_rolling(struct date date, int months)
{
    struct date later = date_add_months(date, months);
    return later.day < date.day ? date_add_days(later, 1) : later;
}

struct date date_add_years(struct date date, int years)
{
    int64_t months = (int64_t)years * MONTHS_OF_YEAR;
    int64_t all = YEAR_MAX * MONTHS_OF_YEAR;
    return date_add_months(date, (int)(months < -all ? -all : months > all ? all : months));
}

enum weekday date_weekday(struct date date)
{
    int since_monday = (date_to_days(date) - FIRST_DAY) % DAYS_OF_WEEK; /* 0001-01-01 was a Monday. */
    return (enum weekday)(MONDAY + since_monday);
}

int date_compare(struct date a, struct date b)
{
    if (a.year != b.year) {
        return a.year < b.year ? -1 : 1;
    }
    if (a.month != b.month) {
        return a.month < b.month ? -1 : 1;
    }
    return (a.day > b.day) - (a.day < b.day);
}

int date_days_between(struct date from, struct date to)
{
    return date_to_days(to) - date_to_days(from);
}

int date_age_years(struct date birth, struct date at)
{
    bool birthday_to_come = at.month < birth.month || (at.month == birth.month && at.day < birth.day);
    return at.year - birth.year - birthday_to_come;
}

bool date_is_business_day(struct date date, struct holidays holidays)
{
    if (date_weekday(date) >= SATURDAY) {
        return false;
    }
    for (size_t i = 0; i < holidays.count; i++) {
        if (date_compare(holidays.days[i], date) == 0) {
            return false;
        }
    }
    return true;
}

static struct date business_day_from(struct date date, struct holidays holidays)
{
    while (!date_is_business_day(date, holidays)) {
        date = date_add_days(date, 1);
    }
    return date;
}

struct date date_business_days_after(struct date date, int count, struct holidays holidays)
{
    MUST(count >= 0);
    if (count == 0) {
        return business_day_from(date, holidays);
    }
    for (int i = 0; i < count; i++) {
        date = business_day_from(date_add_days(date, 1), holidays);
    }
    return date;
}
