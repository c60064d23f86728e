#include "common/core/zone.h"

#include "common/core/instant.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/zone_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S         86400
#define OFFSET_S_WIDE (2 * DAY_S) /* more than any offset from UTC */

static struct zone *known_zones;

static const char *directory(void)
{
    const char *said = getenv("TZDIR");
    return str_is_empty(said) ? "/usr/share/zoneinfo" : said;
}

/* Names go into paths: parts of letters, digits, '_', '+' and '-', parted by one '/' each. */
static bool name_is_valid(const char *name)
{
    size_t size = strnlen(name, ZONE_NAME_SIZE);
    bool part_open = false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool letter = ascii_is_letter(c) || ascii_is_digit(c) || c == '_' || c == '+' || c == '-';
        if (!letter && (c != '/' || !part_open)) {
            return false;
        }
        part_open = letter;
    }
    return part_open && size < ZONE_NAME_SIZE;
}

const struct zone *zone_find(const char *name)
{
    if (name == NULL || !name_is_valid(name)) {
        return NULL;
    }
    for (struct zone *zone = known_zones; zone != NULL; zone = zone->next) {
        if (strcmp(zone->name, name) == 0) {
            return zone;
        }
    }
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/%s", directory(), name);
    struct zone *zone = size > 0 && size < (int)sizeof path ? zone_read(path, name) : NULL;
    if (zone != NULL) {
        zone->next = known_zones;
        known_zones = zone;
    }
    return zone;
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

/* A stretch of time during which the clocks are set one way. */
struct span {
    int64_t start_s;
    int64_t end_s; /* the next change */
    const struct zone_kind *kind;
};

static struct date rule_date(const struct zone_rule *rule, int year)
{
    struct date new_year = {year, 1, 1};
    switch (rule->form) {
    case ZONE_DAY_MONTH_WEEK: {
        struct date first = {year, rule->month, 1};
        int until_weekday = (rule->weekday + 7 - date_weekday(first) % 7) % 7;
        int day = 1 + until_weekday + 7 * (rule->week - 1);
        int last = date_days_in_month(year, rule->month);
        return (struct date){year, rule->month, day > last ? day - 7 : day};
    }
    case ZONE_DAY_WITHOUT_LEAP:
        return date_add_days(new_year, rule->day - 1 + (rule->day >= 60 && date_is_leap_year(year)));
    case ZONE_DAY_OF_YEAR:
        return date_add_days(new_year, rule->day);
    }
    MUST_NOT_REACH();
}

/* When the rule changes the clocks in a year; `before` is how they were set until then. */
static int64_t rule_change_s(const struct zone_rule *rule, int year, const struct zone_kind *before)
{
    return (int64_t)date_to_days(rule_date(rule, year)) * DAY_S + rule->time_s - before->offset_s;
}

/* Narrows the span around an instant by a change to `kind`. */
static void narrow(struct span *span, int64_t at_s, int64_t change_s, const struct zone_kind *kind)
{
    if (change_s <= at_s && change_s >= span->start_s) {
        span->start_s = change_s;
        span->kind = kind;
    } else if (change_s > at_s && change_s < span->end_s) {
        span->end_s = change_s;
    }
}

static struct span tail_span(const struct zone_tail *tail, int64_t at_s)
{
    struct span span = {INT64_MIN, INT64_MAX, &tail->standard};
    if (!tail->has_dst) {
        return span;
    }
    int year = instant_utc_date(at_s * SECOND_MS).year;
    for (int y = year - 1; y <= year + 1; y++) {
        if (y >= 1 && y < 9999) {
            narrow(&span, at_s, rule_change_s(&tail->to_summer, y, &tail->standard), &tail->summer);
            narrow(&span, at_s, rule_change_s(&tail->to_standard, y, &tail->summer), &tail->standard);
        }
    }
    return span;
}

/* How many changes lie at or before the instant. */
static size_t changes_until(const struct zone *zone, int64_t at_s)
{
    size_t low = 0;
    size_t high = zone->change_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (zone->changes_s[middle] <= at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct span span_at(const struct zone *zone, int64_t at_s)
{
    size_t passed = changes_until(zone, at_s);
    struct span span = {INT64_MIN, INT64_MAX, &zone->kinds[0]};
    if (passed == zone->change_count && zone->tail.is_known) {
        span = tail_span(&zone->tail, at_s);
    } else if (passed > 0) {
        span.kind = &zone->kinds[zone->change_kinds[passed - 1]];
    }
    if (passed > 0 && span.start_s < zone->changes_s[passed - 1]) {
        span.start_s = zone->changes_s[passed - 1];
    }
    if (passed < zone->change_count) {
        span.end_s = zone->changes_s[passed];
    }
    return span;
}

static int64_t seconds_of(int64_t at_ms)
{
    return at_ms / SECOND_MS - (at_ms % SECOND_MS < 0);
}

struct local_time zone_local(const struct zone *zone, int64_t at_ms)
{
    at_ms = at_ms > INSTANT_MIN_MS + DAY_MS ? at_ms : INSTANT_MIN_MS + DAY_MS;
    at_ms = at_ms < INSTANT_MAX_MS - DAY_MS ? at_ms : INSTANT_MAX_MS - DAY_MS;
    const struct zone_kind *kind = span_at(zone, seconds_of(at_ms)).kind;
    int64_t wall_ms = at_ms + kind->offset_s * SECOND_MS;
    struct date date = instant_utc_date(wall_ms);
    int time_ms = (int)(wall_ms - instant_from_utc_date(date));
    struct local_time local = {
        .wall = {date, (int)(time_ms / HOUR_MS), (int)(time_ms / MINUTE_MS % 60), (int)(time_ms / SECOND_MS % 60),
            (int)(time_ms % SECOND_MS)},
        .offset_s = kind->offset_s,
        .is_dst = kind->is_dst,
    };
    memcpy(local.abbreviation, kind->abbreviation, sizeof local.abbreviation);
    return local;
}

struct date zone_date(const struct zone *zone, int64_t at_ms)
{
    return zone_local(zone, at_ms).wall.date;
}

/* The first instant, in seconds, at which the clocks of the zone show this many seconds since 1970-01-01. The spans
 * near it are tried in turn: the wall time belongs to one (once), to two (a fold), or falls between two (a gap). */
static int64_t first_shown_s(const struct zone *zone, int64_t wall_s, enum wall_kind *kind)
{
    int64_t found_s = 0;
    int64_t moved_s = 0;
    int found = 0;
    struct span span = span_at(zone, wall_s - OFFSET_S_WIDE);
    for (;;) {
        int64_t at_s = wall_s - span.kind->offset_s;
        if (at_s >= span.start_s && at_s < span.end_s) {
            found_s = found++ == 0 ? at_s : found_s;
        }
        if (span.end_s > wall_s + OFFSET_S_WIDE) {
            break;
        }
        struct span next = span_at(zone, span.end_s);
        if (at_s >= next.start_s && wall_s - next.kind->offset_s < next.start_s) {
            moved_s = at_s;
        }
        span = next;
    }
    *kind = found == 0 ? WALL_SKIPPED : found == 1 ? WALL_ONCE : WALL_TWICE;
    return found > 0 ? found_s : moved_s;
}

static bool wall_time_is_valid(const struct wall_time *wall)
{
    return date_is_valid(wall->date) && wall->hour >= 0 && wall->hour < 24 && wall->minute >= 0 && wall->minute < 60 &&
           wall->second >= 0 && wall->second < 60 && wall->millisecond >= 0 && wall->millisecond < 1000;
}

int64_t zone_instant(const struct zone *zone, struct wall_time wall, enum wall_kind *kind)
{
    MUST(wall_time_is_valid(&wall));
    int64_t wall_s = (int64_t)date_to_days(wall.date) * DAY_S + (wall.hour * 60 + wall.minute) * 60 + wall.second;
    enum wall_kind found;
    int64_t at_s = first_shown_s(zone, wall_s, &found);
    if (kind != NULL) {
        *kind = found;
    }
    return at_s * SECOND_MS + wall.millisecond;
}

int64_t zone_start_of_day(const struct zone *zone, struct date date)
{
    return zone_instant(zone, (struct wall_time){.date = date}, NULL);
}

int64_t zone_end_of_day(const struct zone *zone, struct date date)
{
    struct date next = date_add_days(date, 1);
    bool last_of_all = date_compare(next, date) == 0;
    return zone_start_of_day(zone, next) + (last_of_all ? DAY_MS : 0) - 1;
}

bool wall_time_parse(const char *text, struct wall_time *out)
{
    struct slice rest = slice_of(text);
    struct slice field;
    uint64_t parts[3] = {0};
    static const uint64_t MAX[3] = {23, 59, 59};
    size_t count = 0;
    while (slice_take_field(&rest, ':', &field)) {
        if (count == ARRAY_LENGTH(parts) || field.size != 2 || !slice_parse_uint(field, MAX[count], &parts[count])) {
            return false;
        }
        count++;
    }
    if (count < 2) {
        return false;
    }
    out->hour = (int)parts[0];
    out->minute = (int)parts[1];
    out->second = (int)parts[2];
    out->millisecond = 0;
    return true;
}

/* tzdata.zi begins with "# version 2026f". */
const char *zone_rules_version(void)
{
    static char version[16];
    if (version[0] == '\0') {
        char path[4096];
        snprintf(path, sizeof path, "%s/tzdata.zi", directory());
        FILE *file = fopen(path, "re");
        if (file == NULL || fscanf(file, "# version %15s", version) != 1) {
            strcpy(version, "unknown");
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    return version;
}
