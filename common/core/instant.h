/* A point in time: milliseconds of UTC since 1970-01-01, as int64_t in names that end in _ms. Nothing here reads a
 * clock (clock.h does) or knows a zone (zone.h does). Years 1 to 9999. */
#ifndef CORE_INSTANT_H
#define CORE_INSTANT_H

#include "common/core/date.h"

#include <stdbool.h>
#include <stdint.h>

#define SECOND_MS      INT64_C(1000)
#define MINUTE_MS      (60 * SECOND_MS)
#define HOUR_MS        (60 * MINUTE_MS)
#define DAY_MS         (24 * HOUR_MS)           /* exact hours; a calendar day can be longer or shorter, see zone.h */
#define INSTANT_MIN_MS INT64_C(-62135596800000) /* 0001-01-01T00:00:00.000Z */
#define INSTANT_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define INSTANT_SIZE   25                       /* "2026-11-22T03:14:48.123Z" with the NUL */

/* Reads an instant of RFC 3339 and FHIR: date, T, time with seconds and any fraction (cut to ms), Z or an offset up to
 * 14:00. A leap second (23:59:60 UTC) reads as the second after it. False, `out` untouched, otherwise. */
bool instant_parse(const char *text, int64_t *out_ms);

/* Whether it lies within the years; what comes from outside is asked this once, by its rule. */
bool instant_is_valid(int64_t at_ms);

/* Writes UTC with milliseconds and Z, and returns `out`. Here and below an instant outside the years counts as the
 * nearest within, so that no number can end the process. */
char *instant_format(char out[static INSTANT_SIZE], int64_t at_ms);

/* The day in UTC, and the first millisecond of a day in UTC. */
struct date instant_utc_date(int64_t at_ms);
int64_t instant_from_utc_date(struct date date);

enum precision { PRECISION_YEAR = 1, PRECISION_MONTH, PRECISION_DAY, PRECISION_TIME };

/* A FHIR dateTime as it was said: perhaps only a year, a month or a day. */
struct said_time {
    enum precision precision;
    struct date date; /* as written, in the writer's zone; the first day of a bare year or month */
    int64_t at_ms;    /* the instant; without a time, the first ms of `date` in UTC: ask zone_start_of_day for better */
    int offset_minutes; /* from UTC, as written; 0 without a time */
};

/* Reads YYYY, YYYY-MM, YYYY-MM-DD or what instant_parse reads. False, `out` untouched, otherwise. */
bool instant_parse_said(const char *text, struct said_time *out);

#endif
