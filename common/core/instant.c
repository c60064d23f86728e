#include "common/core/instant.h"

#include "common/core/must.h"
#include "common/core/slice.h"

#include <stdio.h>
#include <string.h>

#define OFFSET_MINUTES_MAX (14 * 60)

/* Takes the given number of digits off the text. */
static bool take_digits(const char **at, size_t count, int max, int *out)
{
    uint64_t value;
    size_t size = strnlen(*at, count);
    if (size < count || !slice_parse_uint((struct slice){*at, count}, (uint64_t)max, &value)) {
        return false;
    }
    *at += count;
    *out = (int)value;
    return true;
}

static bool take_char(const char **at, char c)
{
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

/* Takes hours, minutes and seconds with any fraction off the text, as milliseconds of the day; a second 60 is allowed.
 */
static bool take_time(const char **at, int *out_ms)
{
    int hour, minute, second;
    if (!take_digits(at, 2, 23, &hour) || !take_char(at, ':') || !take_digits(at, 2, 59, &minute) ||
        !take_char(at, ':') || !take_digits(at, 2, 60, &second)) {
        return false;
    }
    int fraction_ms = 0;
    if (take_char(at, '.')) {
        if (!ascii_is_digit(**at)) {
            return false;
        }
        for (int weight = 100; ascii_is_digit(**at); (*at)++, weight /= 10) {
            fraction_ms += weight * (**at - '0');
        }
    }
    *out_ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction_ms;
    return true;
}

static bool take_offset(const char **at, int *out_minutes)
{
    if (take_char(at, 'Z')) {
        *out_minutes = 0;
        return true;
    }
    int sign = **at == '-' ? -1 : 1;
    int hour, minute;
    if (!(take_char(at, '+') || take_char(at, '-')) || !take_digits(at, 2, 14, &hour) || !take_char(at, ':') ||
        !take_digits(at, 2, 59, &minute) || hour * 60 + minute > OFFSET_MINUTES_MAX) {
        return false;
    }
    *out_minutes = sign * (hour * 60 + minute);
    return true;
}

/* A second 60 exists only as the last of a day in UTC, so what follows it is the first second of a day. */
static bool follows_leap_second(int64_t at_ms)
{
    return at_ms > 0 && at_ms % DAY_MS < SECOND_MS;
}

static bool parse_full(const char *text, struct said_time *out)
{
    char day[DATE_SIZE];
    size_t size = strnlen(text, DATE_SIZE - 1);
    memcpy(day, text, size);
    day[size] = '\0';

    struct said_time said = {.precision = PRECISION_TIME};
    const char *at = text + size;
    int time_ms;
    bool is_leap_second = strlen(at) > strlen("T23:59:60") && at[strlen("T23:59:")] == '6';
    if (!date_parse(day, &said.date) || !take_char(&at, 'T') || !take_time(&at, &time_ms) ||
        !take_offset(&at, &said.offset_minutes) || *at != '\0') {
        return false;
    }
    said.at_ms = instant_from_utc_date(said.date) + time_ms - said.offset_minutes * MINUTE_MS;
    if (!instant_is_valid(said.at_ms) || (is_leap_second && !follows_leap_second(said.at_ms))) {
        return false;
    }
    *out = said;
    return true;
}

bool instant_is_valid(int64_t at_ms)
{
    return at_ms >= INSTANT_MIN_MS && at_ms <= INSTANT_MAX_MS;
}

bool instant_parse(const char *text, int64_t *out_ms)
{
    struct said_time said;
    if (text == NULL || !parse_full(text, &said)) {
        return false;
    }
    *out_ms = said.at_ms;
    return true;
}

bool instant_parse_said(const char *text, struct said_time *out)
{
    static const char *const REST[] = {[4] = "-01-01", [7] = "-01", [10] = ""};
    static const enum precision PRECISIONS[] = {[4] = PRECISION_YEAR, [7] = PRECISION_MONTH, [10] = PRECISION_DAY};

    struct slice said = slice_of(text);
    if (said.size >= ARRAY_LENGTH(REST)) {
        return parse_full(text, out);
    }
    if (REST[said.size] == NULL) {
        return false;
    }
    char day[2 * DATE_SIZE];
    struct date date;
    snprintf(day, sizeof day, "%s%s", text, REST[said.size]);
    if (!date_parse(day, &date)) {
        return false;
    }
    *out = (struct said_time){PRECISIONS[said.size], date, instant_from_utc_date(date), 0};
    return true;
}

static int64_t within_years(int64_t at_ms)
{
    at_ms = at_ms > INSTANT_MIN_MS ? at_ms : INSTANT_MIN_MS;
    return at_ms < INSTANT_MAX_MS ? at_ms : INSTANT_MAX_MS;
}

struct date instant_utc_date(int64_t at_ms)
{
    return date_from_days((int32_t)((within_years(at_ms) - INSTANT_MIN_MS) / DAY_MS + INSTANT_MIN_MS / DAY_MS));
}

int64_t instant_from_utc_date(struct date date)
{
    return date_to_days(date) * DAY_MS;
}

char *instant_format(char out[static INSTANT_SIZE], int64_t at_ms)
{
    at_ms = within_years(at_ms);
    struct date date = instant_utc_date(at_ms);
    int time_ms = (int)(at_ms - instant_from_utc_date(date));
    int minutes = time_ms / 60000;
    char day[DATE_SIZE];
    char text[64];
    snprintf(text, sizeof text, "%sT%02d:%02d:%02d.%03dZ", date_format(day, date), minutes / 60, minutes % 60,
        time_ms / 1000 % 60, time_ms % 1000);
    return memcpy(out, text, INSTANT_SIZE);
}
