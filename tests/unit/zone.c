#include "common/core/zone.h"

#include "common/core/instant.h"
#include "common/core/zone_file.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct zone *zone(const char *name)
{
    const struct zone *found = zone_find(name);
    MUST(found != NULL);
    return found;
}

static int64_t instant(const char *text)
{
    int64_t at_ms;
    MUST(instant_parse(text, &at_ms));
    return at_ms;
}

static void wall_time_in_gaps_moves_forward_and_in_folds_is_the_first(void **state UNUSED)
{
    static const struct {
        const char *name, *zone;
        struct wall_time wall;
        const char *utc;
        enum wall_kind kind;
    } ROWS[] = {
        {"winter", "America/New_York", {{2026, 11, 22}, 9, 0}, "2026-11-22T14:00:00Z", WALL_ONCE},
        {"summer", "America/New_York", {{2026, 7, 4}, 9, 0}, "2026-07-04T13:00:00Z", WALL_ONCE},
        {"fold", "America/New_York", {{2026, 11, 1}, 1, 30}, "2026-11-01T05:30:00Z", WALL_TWICE},
        {"fold, its first minute", "America/New_York", {{2026, 11, 1}, 1, 0}, "2026-11-01T05:00:00Z", WALL_TWICE},
        {"fold, just before", "America/New_York", {{2026, 11, 1}, 0, 59, 59}, "2026-11-01T04:59:59Z", WALL_ONCE},
        {"fold, just after", "America/New_York", {{2026, 11, 1}, 2, 0}, "2026-11-01T07:00:00Z", WALL_ONCE},
        {"gap", "America/New_York", {{2027, 3, 14}, 2, 30}, "2027-03-14T07:30:00Z", WALL_SKIPPED},
        {"gap, its first minute", "America/New_York", {{2027, 3, 14}, 2, 0}, "2027-03-14T07:00:00Z", WALL_SKIPPED},
        {"gap, just before", "America/New_York", {{2027, 3, 14}, 1, 59, 59}, "2027-03-14T06:59:59Z", WALL_ONCE},
        {"gap, just after", "America/New_York", {{2027, 3, 14}, 3, 0}, "2027-03-14T07:00:00Z", WALL_ONCE},
        {"Chicago, fold", "America/Chicago", {{2026, 11, 1}, 1, 30}, "2026-11-01T06:30:00Z", WALL_TWICE},
        {"Chicago, gap", "America/Chicago", {{2027, 3, 14}, 2, 30}, "2027-03-14T08:30:00Z", WALL_SKIPPED},
        {"Phoenix never changes", "America/Phoenix", {{2027, 3, 14}, 2, 30}, "2027-03-14T09:30:00Z", WALL_ONCE},
        {"half an hour of it", "Australia/Lord_Howe", {{2026, 10, 4}, 2, 15}, "2026-10-03T15:45:00Z", WALL_SKIPPED},
        {"a whole day skipped", "Pacific/Apia", {{2011, 12, 30}, 12, 0}, "2011-12-30T22:00:00Z", WALL_SKIPPED},
        {"summer time below winter's", "Europe/Dublin", {{2026, 10, 25}, 1, 30}, "2026-10-25T00:30:00Z", WALL_TWICE},
        {"after the table of the file", "America/New_York", {{2090, 3, 12}, 2, 30}, "2090-03-12T07:30:00Z",
            WALL_SKIPPED},
        {"UTC", "UTC", {{2026, 11, 22}, 3, 14, 48, 5}, "2026-11-22T03:14:48.005Z", WALL_ONCE},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        enum wall_kind kind;
        int64_t at_ms = zone_instant(zone(ROWS[i].zone), ROWS[i].wall, &kind);
        ASSERT_ROW(ROWS[i].name, at_ms == instant(ROWS[i].utc));
        ASSERT_ROW(ROWS[i].name, kind == ROWS[i].kind);
    }
}

static void a_skipped_appointment_shows_the_later_time(void **state UNUSED)
{
    struct local_time local = zone_local(zone("America/New_York"), instant("2027-03-14T07:30:00Z"));
    assert_int_equal(local.wall.hour, 3);
    assert_int_equal(local.wall.minute, 30);
    assert_int_equal(local.offset_s, -4 * 3600);
    assert_true(local.is_dst);
    assert_string_equal(local.abbreviation, "EDT");
}

static void each_zone_of_the_country_has_its_offsets(void **state UNUSED)
{
    static const struct {
        const char *name;
        int winter, summer;
    } ROWS[] = {
        {"America/New_York", -5, -4},
        {"America/Detroit", -5, -4},
        {"America/Indiana/Indianapolis", -5, -4},
        {"America/Kentucky/Louisville", -5, -4},
        {"America/Chicago", -6, -5},
        {"America/North_Dakota/Center", -6, -5},
        {"America/Denver", -7, -6},
        {"America/Boise", -7, -6},
        {"America/Phoenix", -7, -7},
        {"America/Los_Angeles", -8, -7},
        {"America/Anchorage", -9, -8},
        {"America/Adak", -10, -9},
        {"Pacific/Honolulu", -10, -10},
        {"America/Puerto_Rico", -4, -4},
        {"America/St_Thomas", -4, -4},
        {"Pacific/Guam", 10, 10},
        {"Pacific/Saipan", 10, 10},
        {"Pacific/Pago_Pago", -11, -11},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct local_time winter = zone_local(zone(ROWS[i].name), instant("2026-01-15T12:00:00Z"));
        struct local_time summer = zone_local(zone(ROWS[i].name), instant("2026-07-15T12:00:00Z"));
        ASSERT_ROW(ROWS[i].name, winter.offset_s == ROWS[i].winter * 3600 && summer.offset_s == ROWS[i].summer * 3600);
        assert_string_equal(zone_name(zone(ROWS[i].name)), ROWS[i].name);
    }
}

static void a_day_has_as_many_hours_as_its_clocks_show(void **state UNUSED)
{
    static const struct {
        const char *zone;
        struct date date;
        const char *start, *end;
    } ROWS[] = {
        {"America/New_York", {2026, 11, 1}, "2026-11-01T04:00:00Z", "2026-11-02T04:59:59.999Z"},
        {"America/New_York", {2027, 3, 14}, "2027-03-14T05:00:00Z", "2027-03-15T03:59:59.999Z"},
        {"America/New_York", {2026, 11, 22}, "2026-11-22T05:00:00Z", "2026-11-23T04:59:59.999Z"},
        {"America/Sao_Paulo", {2018, 11, 4}, "2018-11-04T03:00:00Z", "2018-11-05T01:59:59.999Z"},
        {"America/Havana", {2024, 11, 3}, "2024-11-03T04:00:00Z", "2024-11-04T04:59:59.999Z"},
        {"UTC", {9999, 12, 31}, "9999-12-31T00:00:00Z", "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        const struct zone *there = zone(ROWS[i].zone);
        ASSERT_ROW(ROWS[i].zone, zone_start_of_day(there, ROWS[i].date) == instant(ROWS[i].start));
        ASSERT_ROW(ROWS[i].zone, zone_end_of_day(there, ROWS[i].date) == instant(ROWS[i].end));
    }
    assert_int_equal(zone_date(zone("America/New_York"), instant("2026-11-22T04:59:59.999Z")).day, 21);
    assert_int_equal(zone_date(zone("America/New_York"), instant("2026-11-22T05:00:00Z")).day, 22);
}

static void no_number_of_milliseconds_does_harm(void **state UNUSED)
{
    assert_int_equal(zone_local(zone("America/New_York"), INT64_MAX).wall.date.year, 9999);
    assert_int_equal(zone_local(zone("America/New_York"), INT64_MIN).wall.date.year, 1);
    struct local_time before_1970 = zone_local(zone("UTC"), -1);
    assert_int_equal(before_1970.wall.second, 59);
    assert_int_equal(before_1970.wall.millisecond, 999);
}

/* The zones of tzdata, each once: other names of a zone are links to the same file. */
static size_t list_zones(char names[][ZONE_NAME_SIZE], size_t max)
{
    FILE *list = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    MUST(list != NULL);
    char line[512];
    size_t count = 0;
    while (count < max && fgets(line, sizeof line, list) != NULL) {
        count += sscanf(line, "Z %63s", names[count]) == 1;
    }
    fclose(list);
    return count;
}

static void assert_as_glibc(const struct zone *there, int64_t at_s)
{
    time_t at = (time_t)at_s;
    struct tm tm;
    localtime_r(&at, &tm);
    struct local_time local = zone_local(there, at_s * SECOND_MS);
    struct wall_time wall = local.wall;
    bool same_clock = wall.date.year == tm.tm_year + 1900 && wall.date.month == tm.tm_mon + 1 &&
                      wall.date.day == tm.tm_mday && wall.hour == tm.tm_hour && wall.minute == tm.tm_min &&
                      wall.second == tm.tm_sec;
    if (!same_clock || local.offset_s != tm.tm_gmtoff || local.is_dst != (tm.tm_isdst > 0) ||
        strcmp(local.abbreviation, tm.tm_zone) != 0) {
        fail_msg("%s at %lld: %+d %s, glibc says %+ld %s", zone_name(there), (long long)at_s, local.offset_s,
            local.abbreviation, tm.tm_gmtoff, tm.tm_zone);
    }
}

/* The instants near this one that show its wall time by glibc alone; the first of them is the answer. */
static void assert_first_of_its_wall_time(const struct zone *there, int64_t at_s)
{
    struct local_time local = zone_local(there, at_s * SECOND_MS);
    int64_t wall_s = at_s + local.offset_s;
    int64_t first_s = INT64_MAX;
    for (int64_t probe_s = at_s - 2 * 86400; probe_s <= at_s + 2 * 86400; probe_s += 3600) {
        time_t probe = (time_t)probe_s;
        struct tm tm;
        localtime_r(&probe, &tm);
        int64_t candidate_s = wall_s - tm.tm_gmtoff;
        time_t candidate = (time_t)candidate_s;
        localtime_r(&candidate, &tm);
        if (candidate_s + tm.tm_gmtoff == wall_s && candidate_s < first_s) {
            first_s = candidate_s;
        }
    }
    if (zone_instant(there, local.wall, NULL) != first_s * SECOND_MS) {
        fail_msg(
            "%s: the wall time of %lld comes first at %lld", zone_name(there), (long long)at_s, (long long)first_s);
    }
}

/* glibc reads the same files with code of its own: every zone, around every change until 2105 and at other instants. */
static void every_zone_agrees_with_glibc(void **state UNUSED)
{
    static char names[700][ZONE_NAME_SIZE];
    size_t count = list_zones(names, ARRAY_LENGTH(names));
    assert_in_range(count, 300, ARRAY_LENGTH(names) - 1);
    const int64_t first_s = -2208988800, last_s = 4260211200; /* 1900 to 2105 */
    const int64_t from_2000_s = 946684800, until_2040_s = 2208988800;
    const int64_t step_s = 31 * 86400 + 4321;
    for (size_t i = 0; i < count; i++) {
        const struct zone *there = zone_find(names[i]);
        ASSERT_ROW(names[i], there != NULL);
        setenv("TZ", names[i], 1);
        tzset();
        int offset_s = zone_local(there, first_s * SECOND_MS).offset_s;
        for (int64_t at_s = first_s; at_s < last_s; at_s += step_s) {
            assert_as_glibc(there, at_s);
            int next_s = zone_local(there, (at_s + step_s) * SECOND_MS).offset_s;
            if (next_s == offset_s) {
                continue;
            }
            /* A change lies between: find its second, and look at both sides of it. */
            int64_t low = at_s, high = at_s + step_s;
            while (high - low > 1) {
                int64_t middle = (low + high) / 2;
                *(zone_local(there, middle * SECOND_MS).offset_s == offset_s ? &low : &high) = middle;
            }
            for (int64_t near_s = -7200; near_s <= 7200; near_s += 1800) {
                assert_as_glibc(there, high + near_s);
                assert_as_glibc(there, high + near_s - 1);
            }
            if (high > from_2000_s && high < until_2040_s) {
                assert_first_of_its_wall_time(there, high - 1800);
                assert_first_of_its_wall_time(there, high + 1800);
            }
            offset_s = next_s;
        }
    }
    unsetenv("TZ");
    tzset();
}

/* A file that has one kind of clock, no changes, and this rule. */
static struct zone *zone_of_rule(const char *rule)
{
    uint8_t bytes[256] = {0};
    for (size_t block = 0; block < 2; block++) {
        uint8_t *header = bytes + block * (44 + 6 + 4);
        memcpy(header, "TZif2", 5);
        header[39] = 1; /* kinds */
        header[43] = 4; /* characters */
        memcpy(header + 44 + 6, "LMT", 4);
    }
    size_t size = 2 * (44 + 6 + 4);
    size += (size_t)snprintf((char *)bytes + size, sizeof bytes - size, "\n%s\n", rule);
    return zone_parse(bytes, size, "Rule");
}

static void every_form_of_rule_agrees_with_glibc(void **state UNUSED)
{
    static const char *const RULES[] = {
        "UTC0",
        "<+0330>-3:30",
        "EST5EDT,M3.2.0,M11.1.0",
        "EST5EDT4:30,M3.2.0/0:30:15,M11.1.0/25",
        "AAA3BBB,J60/0,J300",
        "AAA3BBB,J59,J365/22",
        "AAA3BBB,59,300/1",
        "AAA3BBB,58/-3,364",
        "IST-1GMT0,M10.5.0,M3.5.0/1",
        "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "NZST-12NZDT,M9.5.0,M4.1.0/3",
        "AAA-3BBB,M2.4.4/50,M10.4.4/50",
    };
    for (size_t i = 0; i < ARRAY_LENGTH(RULES); i++) {
        struct zone *there = zone_of_rule(RULES[i]);
        ASSERT_ROW(RULES[i], there != NULL);
        setenv("TZ", RULES[i], 1);
        tzset();
        for (int64_t at_s = 0; at_s < INT64_C(8) * 366 * 86400; at_s += 900) {
            assert_as_glibc(there, at_s);
        }
        zone_free(there);
    }
    static const char *const WRONG[] = {"5", "EST", "EST5EDT", "EST5EDT,M3.2.0", "EST5EDT,M13.2.0,M11.1.0", "EST5,",
        "<EST5", "EST5EDT,M3.6.0,M11.1.0", "EST5EDT,M3.2.7,M11.1.0", "EST5EDT,J0,J365", "EST5EDT,J366,J1",
        "EST5EDT,366,1", "EST168", "EST5EDT,M3.2.0,M11.1.0x", "EST5EDT,M3.2.0/168,M11.1.0", "ABCDEFGHI5"};
    for (size_t i = 0; i < ARRAY_LENGTH(WRONG); i++) {
        ASSERT_ROW(WRONG[i], zone_of_rule(WRONG[i]) == NULL);
    }
    unsetenv("TZ");
    tzset();
}

static void names_that_are_no_zones_are_refused(void **state UNUSED)
{
    static const char *const NAMES[] = {"", "America", "America/", "/America/New_York", "America//New_York",
        "../zoneinfo/UTC", "America/../UTC", "./UTC", "tzdata.zi", "zone.tab", "America/Atlantis", "UTC ", "right/UTC/",
        "leapseconds", "America/New York", "America/New_York\n"};
    for (size_t i = 0; i < ARRAY_LENGTH(NAMES); i++) {
        ASSERT_ROW(NAMES[i], zone_find(NAMES[i]) == NULL);
    }
    assert_null(zone_find(NULL));
    char long_name[5000];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_null(zone_find(long_name));
}

static void a_zone_is_read_once(void **state UNUSED)
{
    assert_ptr_equal(zone_find("America/Denver"), zone_find("America/Denver"));
    assert_true(strlen(zone_rules_version()) == 5 && zone_rules_version()[0] == '2');
}

/* Every cut of a real file, and every byte of it changed, is refused or understood, never read past its end. */
static void a_damaged_file_does_no_harm(void **state UNUSED)
{
    static uint8_t bytes[ZONE_FILE_BYTES];
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Dublin", "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    int refused = 0;
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, bytes, cut);
        struct zone *zone = zone_parse(exact, cut, "Cut");
        assert_null(zone);
        free(exact);
    }
    for (size_t i = 0; i < size; i++) {
        uint8_t *changed = malloc(size);
        memcpy(changed, bytes, size);
        changed[i] ^= 0xff;
        struct zone *zone = zone_parse(changed, size, "Changed");
        refused += zone == NULL;
        if (zone != NULL) {
            zone_local(zone, 0);
            zone_local(zone, INT64_MAX);
            zone_start_of_day(zone, (struct date){2026, 11, 1});
        }
        zone_free(zone);
        free(changed);
    }
    assert_true(refused > 0);
}

static void times_of_day_are_read_strictly(void **state UNUSED)
{
    static const struct {
        const char *text;
        bool right;
        int second_of_day;
    } ROWS[] = {
        {"00:00", true, 0},
        {"09:30", true, 34200},
        {"23:59:59", true, 86399},
        {"24:00", false, 0},
        {"9:30", false, 0},
        {"09:60", false, 0},
        {"09:30:60", false, 0},
        {"09", false, 0},
        {"09:30:00:00", false, 0},
        {"", false, 0},
        {"09:3a", false, 0},
        {" 09:30", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct wall_time wall = {.date = {2026, 11, 22}, .hour = 1, .second = 42};
        ASSERT_ROW(ROWS[i].text, wall_time_parse(ROWS[i].text, &wall) == ROWS[i].right);
        int second_of_day = (wall.hour * 60 + wall.minute) * 60 + wall.second;
        ASSERT_ROW(ROWS[i].text, second_of_day == (ROWS[i].right ? ROWS[i].second_of_day : 3642));
        ASSERT_ROW(ROWS[i].text, wall.date.year == 2026);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wall_time_in_gaps_moves_forward_and_in_folds_is_the_first),
        cmocka_unit_test(a_skipped_appointment_shows_the_later_time),
        cmocka_unit_test(each_zone_of_the_country_has_its_offsets),
        cmocka_unit_test(a_day_has_as_many_hours_as_its_clocks_show),
        cmocka_unit_test(no_number_of_milliseconds_does_harm),
        cmocka_unit_test(every_zone_agrees_with_glibc),
        cmocka_unit_test(every_form_of_rule_agrees_with_glibc),
        cmocka_unit_test(names_that_are_no_zones_are_refused),
        cmocka_unit_test(a_zone_is_read_once),
        cmocka_unit_test(a_damaged_file_does_no_harm),
        cmocka_unit_test(times_of_day_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
