/* A zone as its file says it (TZif of RFC 8536, version 2 and later). Only zone.c and the reader know this.
 *
 * The file lists the changes of the clocks up to some year, and then gives the rule of POSIX for all years after:
 * "EST5EDT,M3.2.0,M11.1.0". Nothing in the file is trusted. */
#ifndef CORE_ZONE_FILE_H
#define CORE_ZONE_FILE_H

#include "common/core/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ZONE_FILE_BYTES (64u << 10) /* the largest of tzdata has under 4 KiB */

/* One of the ways clocks are set in the zone. */
struct zone_kind {
    int32_t offset_s;
    bool is_dst;
    char abbreviation[ZONE_ABBREVIATION_SIZE];
};

enum zone_day { ZONE_DAY_MONTH_WEEK, ZONE_DAY_WITHOUT_LEAP, ZONE_DAY_OF_YEAR };

/* When, in each year, the clocks change: "M3.2.0" is the second Sunday of March. */
struct zone_rule {
    enum zone_day form;
    int month;   /* 1 to 12                                                           */
    int week;    /* 1 to 5, 5 is the last                                             */
    int weekday; /* 0 is Sunday                                                       */
    int day;     /* of the year: from 1 without 02-29, or from 0 counting it          */
    int time_s;  /* of the wall time before the change; may be negative or over a day */
};

struct zone_tail {
    bool is_known;
    bool has_dst;
    struct zone_kind standard;
    struct zone_kind summer;
    struct zone_rule to_summer;
    struct zone_rule to_standard;
};

struct zone {
    char name[ZONE_NAME_SIZE];
    struct zone *next;   /* in the list of zones read so far           */
    size_t change_count; /* changes_s[i] begins kinds[change_kinds[i]] */
    int64_t *changes_s;  /* ascending                                  */
    uint8_t *change_kinds;
    size_t kind_count; /* kinds[0] holds before the first change     */
    struct zone_kind *kinds;
    struct zone_tail tail; /* after the last change                      */
};

/* Reads a file of tzdata. NULL when it is not there or not as it should be. The zone is the caller's, free with
 * zone_free. */
struct zone *zone_read(const char *path, const char *name);

/* The same from bytes. */
struct zone *zone_parse(const uint8_t *bytes, size_t size, const char *name);

void zone_free(struct zone *zone);

#endif
