/* Time zones by their IANA names, such as America/New_York, read from the system's tzdata (TZDIR or
 * /usr/share/zoneinfo).
 *
 * Wall time that is skipped by a change of the clocks (a gap) moves forward by the length of the gap; wall time that
 * comes twice (a fold) means the first. Appointments are kept as wall time and zone, what has happened as an instant.
 *
 * A zone is read at its first use and stays for the life of the process; everything after that is a pure function of
 * it. */
#ifndef CORE_ZONE_H
#define CORE_ZONE_H

#include "common/core/date.h"

#include <stdbool.h>
#include <stdint.h>

#define ZONE_NAME_SIZE         64 /* with the NUL; the longest of tzdata has 32 characters */
#define ZONE_ABBREVIATION_SIZE 8

struct zone;

/* NULL when there is no zone of that name, or its file cannot be understood. */
const struct zone *zone_find(const char *name);

const char *zone_name(const struct zone *zone);

/* What a clock on the wall shows. */
struct wall_time {
    struct date date;
    int hour;
    int minute;
    int second;
    int millisecond;
};

/* Wall time and what the zone says about it at that instant. */
struct local_time {
    struct wall_time wall;
    int offset_s; /* east of UTC is positive */
    bool is_dst;
    char abbreviation[ZONE_ABBREVIATION_SIZE]; /* EST, EDT, +03 */
};

/* What the clocks of the zone show at an instant (within INSTANT_MIN_MS and INSTANT_MAX_MS, less a day at both ends).
 */
struct local_time zone_local(const struct zone *zone, int64_t at_ms);

/* The day that it is there. */
struct date zone_date(const struct zone *zone, int64_t at_ms);

enum wall_kind { WALL_ONCE, WALL_SKIPPED, WALL_TWICE };

/* The instant at which the zone's clocks show this; see above for gaps and folds. `kind` tells which it was and may be
 * NULL. */
int64_t zone_instant(const struct zone *zone, struct wall_time wall, enum wall_kind *kind);

/* The first and the last millisecond of a day there. A deadline "by that day" falls due at the last. A day has 23 to 25
 * hours. */
int64_t zone_start_of_day(const struct zone *zone, struct date date);
int64_t zone_end_of_day(const struct zone *zone, struct date date);

/* Reads HH:MM or HH:MM:SS, 00:00 to 23:59:59, into the time parts of `out`. False, `out` untouched, otherwise. */
bool wall_time_parse(const char *text, struct wall_time *out);

/* The version of the rules, such as "2026f", or "unknown"; recorded with deadlines that were computed by them. */
const char *zone_rules_version(void);

#endif
