#include <string.h>

#include "common/core/instant.h"
#include "common/service/say.h"
#include "services/scheduling/scheduling.h"

static bool ran_out(const Scheduling__Booking *booking, int64_t now_ms)
{
    return booking->hold_until_ms != 0 && booking->hold_until_ms <= now_ms;
}

const Scheduling__Booking *booking_against(Scheduling__Booking *const *bookings, size_t count, int64_t start_at_ms,
    int64_t end_at_ms, int64_t gap_ms, int64_t now_ms, const char *appointment_id)
{
    for (size_t i = 0; i < count; i++) {
        const Scheduling__Booking *other = bookings[i];
        bool own = strcmp(other->appointment_id, appointment_id) == 0;
        bool meets = start_at_ms < other->end_at_ms + gap_ms && other->start_at_ms < end_at_ms + gap_ms;
        if (!own && meets && !ran_out(other, now_ms)) {
            return other;
        }
    }
    return NULL;
}

static Scheduling__Booking *find_booking(
    const Scheduling__CalendarDay *day, const char *appointment_id, int64_t start_at_ms)
{
    for (size_t i = 0; i < day->n_bookings; i++) {
        Scheduling__Booking *booking = day->bookings[i];
        if (strcmp(booking->appointment_id, appointment_id) == 0 && booking->start_at_ms == start_at_ms) {
            return booking;
        }
    }
    return NULL;
}

static void drop_run_out(Scheduling__CalendarDay *day, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < day->n_bookings; i++) {
        if (!ran_out(day->bookings[i], now_ms)) {
            day->bookings[kept++] = day->bookings[i];
        }
    }
    day->n_bookings = kept;
}

static Scheduling__Slot *slot_of(
    struct decision *d, const Scheduling__PlaceHold *cmd, const Scheduling__Resource *resource)
{
    Scheduling__Slot *slot = MAKE(d, Scheduling__Slot, scheduling__slot__descriptor);
    slot->resource_id = cmd->resource_id;
    slot->day_id = cmd->day_id;
    slot->start_at_ms = cmd->start_at_ms;
    slot->end_at_ms = cmd->end_at_ms;
    slot->resource_name = resource ? resource->name : NULL;
    slot->zone = resource ? resource->zone : NULL;
    return slot;
}

/* NULL when the time may be held; else why not. In the order in which a person would ask. */
static const char *cannot_hold(struct decision *d, const Scheduling__CalendarDay *day,
    const Scheduling__Resource *resource, const Scheduling__PlaceHold *cmd)
{
    if (!resource) {
        return text_of(d, "there is no resource %s", cmd->resource_id);
    }
    if (strcmp(calendar_day_id(d, resource, cmd->start_at_ms), cmd->day_id) != 0) {
        return text_of(d, "%s is not a time of %s", say_when(d, resource->zone, cmd->start_at_ms), cmd->day_id);
    }
    if (cmd->kind && !resource_offers(resource, cmd->kind)) {
        return text_of(d, "%s does not offer a %s", resource->name,
            say_enum(d, &planning__appointment_kind__descriptor, cmd->kind));
    }
    const char *closed = resource_closed(d, resource, cmd->start_at_ms, cmd->end_at_ms);
    if (closed) {
        return closed;
    }
    int64_t travel_ms = resource->travel_minutes * MINUTE_MS;
    if (booking_against(day->bookings, day->n_bookings, cmd->start_at_ms, cmd->end_at_ms, travel_ms, d->now_ms,
            cmd->appointment_id)) {
        return text_of(d, "%s is taken at %s", resource->name, say_when(d, resource->zone, cmd->start_at_ms));
    }
    if (day->n_bookings >= DAY_BOOKINGS_MAX) {
        return text_of(d, "%s has no room for more than %d bookings a day", resource->name, DAY_BOOKINGS_MAX);
    }
    return NULL;
}

/* Always answers the appointment, with yes or why not: a refusal of a task would reach nobody. */
enum fault place_hold(struct decision *d, Scheduling__CalendarDay *day, const Scheduling__PlaceHold *cmd)
{
    const Scheduling__Resource *resource = see(d, "scheduling", "resource", cmd->resource_id, cmd->resource_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    day->resource_id = cmd->resource_id;
    day->date = cmd->date;
    drop_run_out(day, d->now_ms);

    Scheduling__RecordHold *answer = MAKE(d, Scheduling__RecordHold, scheduling__record_hold__descriptor);
    answer->appointment_id = cmd->appointment_id;
    answer->case_id = cmd->case_id;
    answer->attempt = cmd->attempt;
    answer->slot = slot_of(d, cmd, resource);
    answer->refused_why = cannot_hold(d, day, resource, cmd);
    if (!answer->refused_why) {
        Scheduling__Booking *booking = find_booking(day, cmd->appointment_id, cmd->start_at_ms);
        if (!booking) {
            booking = MAKE(d, Scheduling__Booking, scheduling__booking__descriptor);
            booking->appointment_id = cmd->appointment_id;
            booking->case_id = cmd->case_id;
            booking->start_at_ms = cmd->start_at_ms;
            booking->end_at_ms = cmd->end_at_ms;
            booking->hold_until_ms = cmd->hold_until_ms;
            APPEND(d, day, bookings, booking);
        } else if (booking->hold_until_ms != 0) {
            booking->hold_until_ms = cmd->hold_until_ms;
        }
        answer->hold_until_ms = cmd->hold_until_ms;
    }
    tell(d, &answer->base);
    return FAULT_NONE;
}

enum fault confirm_hold(struct decision *d, Scheduling__CalendarDay *day, const Scheduling__ConfirmHold *cmd)
{
    drop_run_out(day, d->now_ms);
    Scheduling__Booking *booking = find_booking(day, cmd->appointment_id, cmd->start_at_ms);

    Scheduling__RecordBooking *answer = MAKE(d, Scheduling__RecordBooking, scheduling__record_booking__descriptor);
    answer->appointment_id = cmd->appointment_id;
    answer->case_id = cmd->case_id;
    answer->attempt = cmd->attempt;
    answer->slot = MAKE(d, Scheduling__Slot, scheduling__slot__descriptor);
    answer->slot->resource_id = day->resource_id ? day->resource_id : cmd->day_id;
    answer->slot->day_id = cmd->day_id;
    answer->slot->start_at_ms = cmd->start_at_ms;
    if (booking) {
        booking->hold_until_ms = 0;
        booking->has_hold_until_ms = 0;
        answer->slot->end_at_ms = booking->end_at_ms;
    } else {
        answer->refused_why = text_of(d, "the held time ran out before it was confirmed");
    }
    tell(d, &answer->base);
    return FAULT_NONE;
}

enum fault release_hold(struct decision *d, Scheduling__CalendarDay *day, const Scheduling__ReleaseHold *cmd)
{
    size_t kept = 0;
    for (size_t i = 0; i < day->n_bookings; i++) {
        Scheduling__Booking *booking = day->bookings[i];
        bool released =
            strcmp(booking->appointment_id, cmd->appointment_id) == 0 && booking->start_at_ms == cmd->start_at_ms;
        if (!released && !ran_out(booking, d->now_ms)) {
            day->bookings[kept++] = booking;
        }
    }
    day->n_bookings = kept;
    return FAULT_NONE;
}
