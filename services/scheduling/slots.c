/* Free times of several resources, earliest first. What it says is advice: the calendar day decides when a time is held. */
#include <stdlib.h>
#include <string.h>

#include "common/core/instant.h"
#include "common/core/must.h"
#include "common/core/zone.h"
#include "services/scheduling/scheduling.h"

struct search {
    struct decision *d;
    const Scheduling__FindSlots *query;
    int64_t from_ms; /* Never before now. */
    int64_t to_ms;
    int days; /* Of each resource: the more are asked, the fewer. */
    Scheduling__SlotList *found;
};

static void offer(
    struct search *s, const Scheduling__Resource *resource, const Scheduling__CalendarDay *day, int64_t start_at_ms)
{
    int64_t end_at_ms = start_at_ms + s->query->minutes * MINUTE_MS;
    int64_t travel_ms = resource->travel_minutes * MINUTE_MS;
    if (day && booking_against(day->bookings, day->n_bookings, start_at_ms, end_at_ms, travel_ms, s->d->now_ms, "")) {
        return;
    }
    if (resource_closed(s->d, resource, start_at_ms, end_at_ms)) {
        return;
    }
    Scheduling__Slot *slot = MAKE(s->d, Scheduling__Slot, scheduling__slot__descriptor);
    slot->resource_id = resource->resource_id;
    slot->resource_name = resource->name;
    slot->zone = resource->zone;
    slot->day_id = calendar_day_id(s->d, resource, start_at_ms);
    slot->start_at_ms = start_at_ms;
    slot->end_at_ms = end_at_ms;
    APPEND(s->d, s->found, slots, slot);
}

/* Walks the grid of one row of working hours. */
static void search_hours(struct search *s, const Scheduling__Resource *resource, const struct zone *zone,
    struct date date, const Scheduling__WorkingHours *hours, const Scheduling__CalendarDay *day)
{
    struct wall_time from = {.date = date};
    struct wall_time to = {.date = date};
    if (hours->weekday != (uint32_t)date_weekday(date) || !wall_time_parse(hours->from, &from) ||
        !wall_time_parse(hours->to, &to)) {
        return;
    }
    int64_t last_ms = zone_instant(zone, to, NULL) - s->query->minutes * MINUTE_MS;
    for (int64_t at_ms = zone_instant(zone, from, NULL); at_ms <= last_ms; at_ms += SLOT_STEP_MINUTES * MINUTE_MS) {
        if (s->from_ms <= at_ms && at_ms <= s->to_ms) {
            offer(s, resource, day, at_ms);
        }
    }
}

static void search_resource(struct search *s, const Scheduling__Resource *resource)
{
    const struct zone *zone = zone_find(resource->zone);
    bool suits = (!s->query->kind || resource_offers(resource, s->query->kind)) &&
                 resource_serves(resource, s->query->patient_state);
    if (!zone || !suits) {
        return;
    }
    struct date date = zone_date(zone, s->from_ms);
    struct date last = zone_date(zone, s->to_ms);
    for (int n = 0; n < s->days && date_compare(date, last) <= 0; n++, date = date_add_days(date, 1)) {
        const char *day_id =
            calendar_day_id(s->d, resource, zone_instant(zone, (struct wall_time){.date = date, .hour = 12}, NULL));
        const Scheduling__CalendarDay *day = see(s->d, "scheduling", "calendar_day", day_id, day_id);
        for (size_t i = 0; i < resource->n_hours && !s->d->wants; i++) {
            search_hours(s, resource, zone, date, resource->hours[i], day);
        }
    }
}

static int by_start(const void *a, const void *b)
{
    const Scheduling__Slot *left = *(Scheduling__Slot *const *)a;
    const Scheduling__Slot *right = *(Scheduling__Slot *const *)b;
    if (left->start_at_ms != right->start_at_ms) {
        return left->start_at_ms < right->start_at_ms ? -1 : 1;
    }
    return strcmp(left->resource_id, right->resource_id);
}

static void search_by_id(struct search *s, const char *resource_id)
{
    const Scheduling__Resource *resource = see(s->d, "scheduling", "resource", resource_id, resource_id);
    if (resource) {
        search_resource(s, resource);
    }
}

/* ---- Whom to ask ---- */

struct asked {
    const char *ids[2 * SLOT_RESOURCES_MAX];
    size_t count;
};

static void ask_group(struct search *s, struct asked *asked, const char *group)
{
    const struct index_page *page = index_page(s->d, "resources", group, SLOT_RESOURCES_MAX);
    for (size_t i = 0; page && i < page->count; i++) {
        asked->ids[asked->count++] = page->lines[i].member;
    }
}

static void choose_asked(struct search *s, struct asked *asked)
{
    const Scheduling__FindSlots *query = s->query;
    for (size_t i = 0; i < query->n_resource_ids && i < SLOT_RESOURCES_MAX; i++) {
        asked->ids[asked->count++] = query->resource_ids[i];
    }
    if (query->n_resource_ids > 0) {
        return;
    }
    if (query->patient_state) {
        ask_group(s, asked, directory_group(s->d, query->specialty, query->patient_state));
        ask_group(s, asked, directory_group(s->d, query->specialty, NULL));
    } else {
        ask_group(s, asked, query->specialty);
    }
}

enum fault find_slots(struct decision *d, const void *none, const Scheduling__FindSlots *query)
{
    (void)none;
    if (query->n_resource_ids == 0 && !query->specialty) {
        return refuse(d, "name resources or a specialty to find times of");
    }
    if (query->from_ms >= query->to_ms) {
        return refuse(d, "the search ends before it begins");
    }
    struct search s = {d, query, query->from_ms > d->now_ms ? query->from_ms : d->now_ms + 1, query->to_ms, 0, NULL};
    s.found = MAKE(d, Scheduling__SlotList, scheduling__slot_list__descriptor);
    struct asked asked = {0};
    choose_asked(&s, &asked);
    s.days = asked.count > SLOT_CALENDAR_DAYS_MAX / SLOT_SEARCH_DAYS_MAX ? (int)(SLOT_CALENDAR_DAYS_MAX / asked.count)
                                                                         : SLOT_SEARCH_DAYS_MAX;
    for (size_t i = 0; i < asked.count; i++) {
        search_by_id(&s, asked.ids[i]);
    }
    if (d->wants) {
        return FAULT_WANT;
    }
    if (s.found->n_slots > 0) {
        qsort(s.found->slots, s.found->n_slots, sizeof(Scheduling__Slot *), by_start);
    }
    size_t limit = query->limit ? query->limit : SLOT_LIMIT;
    if (s.found->n_slots > limit) {
        s.found->n_slots = limit;
    }
    reply(d, &s.found->base);
    return FAULT_NONE;
}
