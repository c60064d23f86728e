/* Fuzzes the files of tzdata: of a zone that is understood every instant has a wall time, and every wall time an instant
 * that shows it again, unless the clocks skip it. */
#include <string.h>

#include "common/core/must.h"
#include "common/core/zone_file.h"
#include "tests/fuzz/fuzz.h"

#define YEARS_MS (INT64_C(400) * 365 * 86400 * 1000) /* around 1970 */

static bool same_wall(struct wall_time a, struct wall_time b)
{
    return date_compare(a.date, b.date) == 0 && a.hour == b.hour && a.minute == b.minute && a.second == b.second &&
           a.millisecond == b.millisecond;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint64_t number = 0;
    for (int i = 0; i < 4; i++) {
        number = number << 16 | input_pair(&input);
    }
    struct zone *zone = zone_parse(input.at, input.size, "Fuzz/Zone");
    if (zone == NULL) {
        return 0;
    }
    int64_t at_ms = (int64_t)(number % (2 * YEARS_MS)) - YEARS_MS;
    struct local_time local = zone_local(zone, at_ms);
    enum wall_kind kind = WALL_SKIPPED;
    int64_t back_ms = zone_instant(zone, local.wall, &kind);
    MUST(kind != WALL_SKIPPED && back_ms <= at_ms);
    MUST(same_wall(zone_local(zone, back_ms).wall, local.wall));
    MUST(date_compare(zone_date(zone, at_ms), local.wall.date) == 0);
    MUST(zone_start_of_day(zone, local.wall.date) <= zone_end_of_day(zone, local.wall.date));
    MUST(strnlen(local.abbreviation, sizeof local.abbreviation) < sizeof local.abbreviation);
    zone_free(zone);
    return 0;
}
