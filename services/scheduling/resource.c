#include <stdio.h>
#include <string.h>

#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/scheduling/scheduling.h"

/* Minutes since midnight of "HH:MM", which the contract has checked. */
static int minute_of_day(const char *text)
{
    struct wall_time wall = {0};
    return wall_time_parse(text, &wall) ? wall.hour * 60 + wall.minute : 0;
}

static enum fault refuse_bad_hours(struct decision *d, const Scheduling__RegisterResource *cmd)
{
    for (size_t i = 0; i < cmd->n_hours; i++) {
        const Scheduling__WorkingHours *hours = cmd->hours[i];
        if (minute_of_day(hours->from) >= minute_of_day(hours->to)) {
            return refuse(
                d, "working hours %s-%s of weekday %u end before they begin", hours->from, hours->to, hours->weekday);
        }
    }
    return FAULT_NONE;
}

/* ---- The directory: resources by specialty, and by specialty and state, so that a search looks only at whom it may find ---- */

const char *directory_group(struct decision *d, const char *specialty, const char *state)
{
    return text_of(d, "%s.%s", specialty, state ? state : "any");
}

/* Who serves very many states stands in the directory as if it served any; resource_serves() has the last word. */
static bool serves_any(const Scheduling__Resource *resource)
{
    return resource->n_states == 0 || resource->n_states > DIRECTORY_STATES_MAX;
}

static void leave_directory(struct decision *d, const Scheduling__Resource *resource)
{
    if (!resource->specialty) {
        return;
    }
    index_remove(d, "resources", resource->specialty, resource->resource_id);
    if (serves_any(resource)) {
        index_remove(d, "resources", directory_group(d, resource->specialty, NULL), resource->resource_id);
    }
    for (size_t i = 0; !serves_any(resource) && i < resource->n_states; i++) {
        index_remove(
            d, "resources", directory_group(d, resource->specialty, resource->states[i]), resource->resource_id);
    }
}

static void enter_directory(struct decision *d, const Scheduling__Resource *resource)
{
    index_put(d, "resources", resource->specialty, resource->resource_id, 0);
    if (serves_any(resource)) {
        index_put(d, "resources", directory_group(d, resource->specialty, NULL), resource->resource_id, 0);
    }
    for (size_t i = 0; !serves_any(resource) && i < resource->n_states; i++) {
        index_put(
            d, "resources", directory_group(d, resource->specialty, resource->states[i]), resource->resource_id, 0);
    }
}

enum fault register_resource(
    struct decision *d, Scheduling__Resource *resource, const Scheduling__RegisterResource *cmd)
{
    enum fault fault = refuse_bad_hours(d, cmd);
    if (fault) {
        return fault;
    }
    leave_directory(d, resource);
    resource->resource_id = cmd->resource_id;
    resource->name = cmd->name;
    resource->specialty = cmd->specialty;
    resource->n_kinds = cmd->n_kinds;
    resource->kinds = cmd->kinds;
    resource->zone = cmd->zone;
    resource->n_hours = cmd->n_hours;
    resource->hours = cmd->hours;
    resource->n_closed_dates = cmd->n_closed_dates;
    resource->closed_dates = cmd->closed_dates;
    resource->npi = cmd->npi;
    resource->address = cmd->address;
    resource->n_states = cmd->n_states;
    resource->states = cmd->states;
    resource->n_languages = cmd->n_languages;
    resource->languages = cmd->languages;
    SET(resource, travel_minutes, cmd->travel_minutes);
    enter_directory(d, resource);
    return FAULT_NONE;
}

static bool closed_on(const Scheduling__Resource *resource, struct date date)
{
    char text[DATE_SIZE];
    date_format(text, date);
    for (size_t i = 0; i < resource->n_closed_dates; i++) {
        if (strcmp(resource->closed_dates[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether some row of the hours covers [start, end), compared as instants: a day of 23 or 25 hours needs no care. */
static bool works(const Scheduling__Resource *resource, const struct zone *zone, struct date date, int64_t start_at_ms,
    int64_t end_at_ms)
{
    for (size_t i = 0; i < resource->n_hours; i++) {
        const Scheduling__WorkingHours *hours = resource->hours[i];
        struct wall_time from = {.date = date};
        struct wall_time to = {.date = date};
        if (hours->weekday != (uint32_t)date_weekday(date) || !wall_time_parse(hours->from, &from) ||
            !wall_time_parse(hours->to, &to)) {
            continue;
        }
        if (zone_instant(zone, from, NULL) <= start_at_ms && end_at_ms <= zone_instant(zone, to, NULL)) {
            return true;
        }
    }
    return false;
}

const char *resource_closed(
    struct decision *d, const Scheduling__Resource *resource, int64_t start_at_ms, int64_t end_at_ms)
{
    const struct zone *zone = zone_find(resource->zone);
    if (!zone) {
        return text_of(d, "%s has the time zone %s, which this system does not know", resource->name, resource->zone);
    }
    struct date date = zone_date(zone, start_at_ms);
    if (closed_on(resource, date)) {
        return text_of(d, "%s is closed on %s", resource->name, say_day(d, resource->zone, start_at_ms));
    }
    if (!works(resource, zone, date, start_at_ms, end_at_ms)) {
        return text_of(d, "%s does not work at %s", resource->name, say_when(d, resource->zone, start_at_ms));
    }
    return NULL;
}

bool resource_offers(const Scheduling__Resource *resource, Planning__AppointmentKind kind)
{
    for (size_t i = 0; i < resource->n_kinds; i++) {
        if (resource->kinds[i] == kind) {
            return true;
        }
    }
    return false;
}

bool resource_serves(const Scheduling__Resource *resource, const char *state)
{
    if (resource->n_states == 0 || !state) {
        return true;
    }
    for (size_t i = 0; i < resource->n_states; i++) {
        if (strcmp(resource->states[i], state) == 0) {
            return true;
        }
    }
    return false;
}

const char *calendar_day_id(struct decision *d, const Scheduling__Resource *resource, int64_t at_ms)
{
    const struct zone *zone = zone_find(resource->zone);
    char date[DATE_SIZE];
    date_format(date, zone ? zone_date(zone, at_ms) : (struct date){1970, 1, 1});
    return text_of(d, "%s.%s", resource->resource_id, date);
}
