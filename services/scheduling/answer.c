#include <string.h>

#include "common/core/instant.h"
#include "common/service/say.h"
#include "services/scheduling/appointment.h"

/* Reminders, as time before the start. */
static const struct {
    const char *name;
    int64_t before_ms;
} REMINDERS[] = {
    {"reminder-day", 24 * HOUR_MS},
    {"reminder-hours", 2 * HOUR_MS},
};
enum { REMINDER_COUNT = sizeof REMINDERS / sizeof REMINDERS[0] };

void set_reminders(struct decision *d, Scheduling__Appointment *a)
{
    a->n_reminders_at_ms = 0;
    for (int i = 0; i < REMINDER_COUNT; i++) {
        int64_t due_at_ms = a->slot->start_at_ms - REMINDERS[i].before_ms;
        if (due_at_ms > d->now_ms) {
            set_timer(d, "appointment", a->appointment_id, REMINDERS[i].name, due_at_ms);
            APPEND(d, a, reminders_at_ms, due_at_ms);
        }
    }
}

void cancel_reminders(struct decision *d, Scheduling__Appointment *a)
{
    for (int i = 0; a->n_reminders_at_ms > 0 && i < REMINDER_COUNT; i++) {
        cancel_timer(d, "appointment", a->appointment_id, REMINDERS[i].name);
    }
    a->n_reminders_at_ms = 0;
}

/* ---- The day's answer to PlaceHold ---- */

static enum fault hold_was_refused(struct decision *d, Scheduling__Appointment *a, const Scheduling__RecordHold *cmd)
{
    Scheduling__Agenda *agenda = require_agenda(d, a->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    agenda_take(agenda, a->appointment_id, cmd->slot->start_at_ms);
    a->refused_why = cmd->refused_why;
    if (a->state == MOVING) {
        a->state = BOOKED;
        a->next_slot = NULL;
    } else {
        a->state = PROPOSED;
        a->slot = NULL;
    }
    Scheduling__HoldRefused *event = MAKE(d, Scheduling__HoldRefused, scheduling__hold_refused__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->why = cmd->refused_why;
    emit(d, &event->base);
    return FAULT_NONE;
}

static void hold_was_placed(struct decision *d, Scheduling__Appointment *a, const Scheduling__RecordHold *cmd)
{
    a->state = HELD;
    a->hold_until_ms = cmd->hold_until_ms;
    set_timer(d, "appointment", a->appointment_id, "hold", cmd->hold_until_ms);
    Scheduling__AppointmentHeld *event = MAKE(d, Scheduling__AppointmentHeld, scheduling__appointment_held__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->when = slot_when(d, a->slot);
    event->with = a->slot->resource_name;
    event->hold_until_ms = cmd->hold_until_ms;
    emit(d, &event->base);
    if (a->confirm_when_held) {
        a->state = CONFIRMING;
        ask_day_to_confirm(d, a, a->slot);
    }
}

/* An answer to an older attempt, or to an appointment that was cancelled meanwhile, leaves nothing behind at the day. */
enum fault record_hold(struct decision *d, Scheduling__Appointment *a, const Scheduling__RecordHold *cmd)
{
    bool awaited = cmd->attempt == a->attempt && (a->state == PENDING || a->state == MOVING);
    if (!awaited) {
        if (!cmd->refused_why) {
            ask_day_to_release(d, a, cmd->slot);
        }
        return FAULT_NONE;
    }
    if (cmd->refused_why) {
        return hold_was_refused(d, a, cmd);
    }
    if (a->state == MOVING) {
        ask_day_to_confirm(d, a, a->next_slot);
    } else {
        hold_was_placed(d, a, cmd);
    }
    return FAULT_NONE;
}

/* ---- The day's answer to ConfirmHold ---- */

static void say_booked(struct decision *d, const Scheduling__Appointment *a)
{
    Scheduling__AppointmentBooked *event =
        MAKE(d, Scheduling__AppointmentBooked, scheduling__appointment_booked__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->when = slot_when(d, a->slot);
    event->with = a->slot->resource_name;
    event->start_at_ms = a->slot->start_at_ms;
    event->end_at_ms = a->slot->end_at_ms;
    event->kind = a->kind;
    event->plan_id = a->plan_id;
    event->intervention_id = a->intervention_id;
    event->resource_id = a->slot->resource_id;
    event->zone = a->slot->zone;
    emit(d, &event->base);
}

static void say_moved(struct decision *d, const Scheduling__Appointment *a, const Scheduling__Slot *was)
{
    Scheduling__AppointmentMoved *event =
        MAKE(d, Scheduling__AppointmentMoved, scheduling__appointment_moved__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->when = slot_when(d, a->slot);
    event->was = slot_when(d, was);
    event->start_at_ms = a->slot->start_at_ms;
    event->with = a->slot->resource_name;
    emit(d, &event->base);
}

static void was_booked(struct decision *d, Scheduling__Appointment *a, Scheduling__Agenda *agenda)
{
    cancel_timer(d, "appointment", a->appointment_id, "hold");
    Scheduling__Slot *was = a->state == MOVING ? a->slot : NULL;
    a->state = BOOKED;
    a->booked_at_ms = d->now_ms;
    if (was) {
        a->slot = a->next_slot;
        a->next_slot = NULL;
        cancel_reminders(d, a);
        ask_day_to_release(d, a, was);
        agenda_take(agenda, a->appointment_id, was->start_at_ms);
        say_moved(d, a, was);
    } else {
        say_booked(d, a);
    }
    set_reminders(d, a);
}

static void say_expired(struct decision *d, const Scheduling__Appointment *a)
{
    Scheduling__HoldExpired *event = MAKE(d, Scheduling__HoldExpired, scheduling__hold_expired__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    emit(d, &event->base);
}

static void was_not_booked(
    struct decision *d, Scheduling__Appointment *a, Scheduling__Agenda *agenda, const Scheduling__RecordBooking *cmd)
{
    a->refused_why = cmd->refused_why;
    agenda_take(agenda, a->appointment_id, cmd->slot->start_at_ms);
    if (a->state == MOVING) {
        a->state = BOOKED;
        a->next_slot = NULL;
    } else {
        a->state = EXPIRED;
        a->slot = NULL;
        cancel_timer(d, "appointment", a->appointment_id, "hold");
    }
    say_expired(d, a);
}

enum fault record_booking(struct decision *d, Scheduling__Appointment *a, const Scheduling__RecordBooking *cmd)
{
    bool awaited = cmd->attempt == a->attempt && (a->state == CONFIRMING || a->state == MOVING);
    if (!awaited) {
        bool has_it = a->state == BOOKED && a->slot && a->slot->start_at_ms == cmd->slot->start_at_ms;
        if (!cmd->refused_why && !has_it) {
            ask_day_to_release(d, a, cmd->slot);
        }
        return FAULT_NONE;
    }
    Scheduling__Agenda *agenda = require_agenda(d, a->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (cmd->refused_why) {
        was_not_booked(d, a, agenda, cmd);
    } else {
        was_booked(d, a, agenda);
    }
    return FAULT_NONE;
}

/* ---- Timers ---- */

/* Nobody confirmed in time. A confirmation that is on its way is for the day to decide. */
static enum fault hold_ran_out(struct decision *d, Scheduling__Appointment *a)
{
    if (a->state != HELD) {
        return FAULT_NONE;
    }
    Scheduling__Agenda *agenda = require_agenda(d, a->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    agenda_take(agenda, a->appointment_id, a->slot->start_at_ms);
    ask_day_to_release(d, a, a->slot);
    a->state = EXPIRED;
    a->slot = NULL;
    say_expired(d, a);
    return FAULT_NONE;
}

static void remind(struct decision *d, const Scheduling__Appointment *a)
{
    Scheduling__ReminderDue *event = MAKE(d, Scheduling__ReminderDue, scheduling__reminder_due__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->when = slot_when(d, a->slot);
    event->start_at_ms = a->slot->start_at_ms;
    event->with = a->slot->resource_name;
    emit(d, &event->base);
}

/* A reminder that comes after the start, say after a long outage, would only confuse. */
enum fault appointment_timer(struct decision *d, Scheduling__Appointment *a, const char *name, int64_t due_at_ms)
{
    (void)due_at_ms;
    if (strcmp(name, "hold") == 0) {
        return hold_ran_out(d, a);
    }
    bool stands = a->state == BOOKED || a->state == MOVING;
    if (stands && d->now_ms < a->slot->start_at_ms) {
        remind(d, a);
    }
    return FAULT_NONE;
}
