/* What appointment.c (people) and answer.c (calendars and timers) share. */
#ifndef CASEBUS_SCHEDULING_APPOINTMENT_H
#define CASEBUS_SCHEDULING_APPOINTMENT_H

#include "services/scheduling/scheduling.h"

/* States by their short names; the moves are drawn in proto/scheduling.proto. */
static const Scheduling__AppointmentState PROPOSED = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_PROPOSED;
static const Scheduling__AppointmentState PENDING = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_PENDING;
static const Scheduling__AppointmentState HELD = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_HELD;
static const Scheduling__AppointmentState CONFIRMING = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_CONFIRMING;
static const Scheduling__AppointmentState BOOKED = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_BOOKED;
static const Scheduling__AppointmentState MOVING = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_MOVING;
static const Scheduling__AppointmentState CHECKED_IN = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_CHECKED_IN;
static const Scheduling__AppointmentState ARRIVED = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_ARRIVED;
static const Scheduling__AppointmentState FULFILLED = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_FULFILLED;
static const Scheduling__AppointmentState NOSHOW = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_NOSHOW;
static const Scheduling__AppointmentState CANCELLED = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_CANCELLED;
static const Scheduling__AppointmentState EXPIRED = SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_EXPIRED;

/* "checked-in". */
const char *state_word(struct decision *d, const Scheduling__Appointment *a);

/* Asks the calendar day to keep the slot for the appointment's next attempt. */
void ask_day_to_hold(struct decision *d, Scheduling__Appointment *a, const Scheduling__Slot *slot);
void ask_day_to_confirm(struct decision *d, const Scheduling__Appointment *a, const Scheduling__Slot *slot);
void ask_day_to_release(struct decision *d, const Scheduling__Appointment *a, const Scheduling__Slot *slot);

/* "Tue Dec 1, 2026 9:30 AM EST" in the zone of the slot's resource. */
const char *slot_when(struct decision *d, const Scheduling__Slot *slot);

void set_reminders(struct decision *d, Scheduling__Appointment *a);
void cancel_reminders(struct decision *d, Scheduling__Appointment *a);

#endif
