#include "common/service/say.h"

#include <inttypes.h>

#include "common/contract/line.h"
#include "common/core/zone.h"

static const char *const WEEKDAYS[] = {"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const MONTHS[] = {
    "", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static const struct zone *zone_or_tenants(const struct decision *d, const char *name)
{
    const struct zone *zone = name ? zone_find(name) : NULL;
    if (!zone && d->tenant_zone) {
        zone = zone_find(d->tenant_zone);
    }
    return zone ? zone : zone_find("UTC");
}

const char *say_when(struct decision *d, const char *zone, int64_t at_ms)
{
    struct local_time local = zone_local(zone_or_tenants(d, zone), at_ms);
    struct wall_time wall = local.wall;
    int hour = wall.hour % 12 == 0 ? 12 : wall.hour % 12;
    return text_of(d, "%s %s %d, %d %d:%02d %s %s", WEEKDAYS[date_weekday(wall.date)], MONTHS[wall.date.month],
        wall.date.day, wall.date.year, hour, wall.minute, wall.hour < 12 ? "AM" : "PM", local.abbreviation);
}

const char *say_day(struct decision *d, const char *zone, int64_t at_ms)
{
    struct date date = zone_date(zone_or_tenants(d, zone), at_ms);
    return text_of(d, "%s %s %d, %d", WEEKDAYS[date_weekday(date)], MONTHS[date.month], date.day, date.year);
}

const char *say_enum(struct decision *d, const ProtobufCEnumDescriptor *descriptor, int value)
{
    char words[WORDS_SIZE];
    if (!protobuf_c_enum_descriptor_get_value(descriptor, value)) {
        return "unknown";
    }
    char *word = arena_strdup(d->arena, enum_words(descriptor, value, words));
    for (char *c = word; *c != '\0'; c++) {
        *c = *c == ' ' ? '-' : *c;
    }
    return word;
}

const char *say_count(struct decision *d, uint64_t count, const char *noun)
{
    return text_of(d, "%" PRIu64 " %s%s", count, noun, count == 1 ? "" : "s");
}
