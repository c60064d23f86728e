/* Scheduling: calendars of providers, appointments of patients.
 *
 * Who decides what:
 *   calendar day   whether a resource is free: the only place that knows every booking of that day (calendar.c)
 *   agenda         whether the patient is free: one per case (agenda.c)
 *   appointment    where the booking of one visit stands (appointment.c); it asks the day and waits for its answer
 *
 * The day and the case live in different partitions, so a booking is a short conversation of tasks, each delivered at least once:
 *
 *   appointment                              calendar day
 *     hold       -- PlaceHold ----------------> free? keep until ...
 *     held       <- RecordHold ----------------
 *     confirming -- ConfirmHold --------------> still held? booked
 *     booked     <- RecordBooking -------------
 *
 * A hold that nobody confirms runs out by itself at the day, so a lost case never blocks a provider. */
#ifndef CASEBUS_SCHEDULING_H
#define CASEBUS_SCHEDULING_H

#include "common/core/date.h"
#include "common/service/service.h"
#include "proto/claims.pb-c.h"
#include "proto/intake.pb-c.h"
#include "proto/planning.pb-c.h"
#include "proto/scheduling.pb-c.h"

extern const struct service SCHEDULING;

enum {
    HOLD_MINUTES = 10,      /* A held time waits so long for its confirmation. */
    DAY_BOOKINGS_MAX = 200, /* Of one resource on one day. */
    AGENDA_APPOINTMENTS_MAX = 100,
    SLOT_STEP_MINUTES = 15, /* Free times are offered on this grid. */
    SLOT_SEARCH_DAYS_MAX = 14,
    SLOT_RESOURCES_MAX = 24,      /* Of one group of the directory. */
    SLOT_CALENDAR_DAYS_MAX = 168, /* Calendar days that one search looks at, of all resources together. */
    SLOT_LIMIT = 20,
    DIRECTORY_STATES_MAX = 12, /* Who serves more states is found as if it served any. */
};

/* ---- resource.c ---- */

/* Registers a provider, room or device, or replaces what is known of it. Refused when hours end before they begin. */
enum fault register_resource(
    struct decision *d, Scheduling__Resource *resource, const Scheduling__RegisterResource *cmd);

/* NULL when the resource works all of [start, end) on one day of its zone; else why not, in words. */
const char *resource_closed(
    struct decision *d, const Scheduling__Resource *resource, int64_t start_at_ms, int64_t end_at_ms);

bool resource_offers(const Scheduling__Resource *resource, Planning__AppointmentKind kind);
bool resource_serves(const Scheduling__Resource *resource, const char *state);

/* Group of the index "resources": of a specialty in a state, or of those who serve any where `state` is NULL. */
const char *directory_group(struct decision *d, const char *specialty, const char *state);

/* `<resource>.<YYYY-MM-DD>` of the resource's own zone. */
const char *calendar_day_id(struct decision *d, const Scheduling__Resource *resource, int64_t at_ms);

/* ---- calendar.c ---- */

enum fault place_hold(struct decision *d, Scheduling__CalendarDay *day, const Scheduling__PlaceHold *cmd);
enum fault confirm_hold(struct decision *d, Scheduling__CalendarDay *day, const Scheduling__ConfirmHold *cmd);
enum fault release_hold(struct decision *d, Scheduling__CalendarDay *day, const Scheduling__ReleaseHold *cmd);

/* The booking that stands against [start, end) with `gap_ms` kept free around it, or NULL. Holds that ran out before now do not
 * count, nor does what `appointment_id` itself has. Half-open: 9:00-9:30 and 9:30-10:00 do not meet. */
const Scheduling__Booking *booking_against(Scheduling__Booking *const *bookings, size_t count, int64_t start_at_ms,
    int64_t end_at_ms, int64_t gap_ms, int64_t now_ms, const char *appointment_id);

/* ---- agenda.c ---- */

/* The case's agenda, made when it is missing. */
Scheduling__Agenda *require_agenda(struct decision *d, const char *case_id);

void agenda_put(struct decision *d, Scheduling__Agenda *agenda, const Scheduling__Appointment *appointment,
    const Scheduling__Slot *slot);
void agenda_take(Scheduling__Agenda *agenda, const char *appointment_id, int64_t start_at_ms);

enum fault open_agenda(struct decision *d, const Intake__CaseEnrolled *event);
enum fault read_agenda(struct decision *d, const Scheduling__Agenda *agenda, const Scheduling__ReadAgenda *query);

/* ---- appointment.c: what people ask ---- */

enum fault propose_appointment(
    struct decision *d, Scheduling__Appointment *a, const Scheduling__ProposeAppointment *cmd);
enum fault propose_planned(struct decision *d, const Planning__PlanAgreed *event);
enum fault hold_appointment(struct decision *d, Scheduling__Appointment *a, const Scheduling__HoldAppointment *cmd);
enum fault confirm_appointment(
    struct decision *d, Scheduling__Appointment *a, const Scheduling__ConfirmAppointment *cmd);
enum fault reschedule_appointment(
    struct decision *d, Scheduling__Appointment *a, const Scheduling__RescheduleAppointment *cmd);
enum fault cancel_appointment(struct decision *d, Scheduling__Appointment *a, const Scheduling__CancelAppointment *cmd);
enum fault record_attendance(struct decision *d, Scheduling__Appointment *a, const Scheduling__RecordAttendance *cmd);
enum fault read_appointment(
    struct decision *d, const Scheduling__Appointment *a, const Scheduling__ReadAppointment *query);
enum fault link_authorization(struct decision *d, const Claims__AuthorizationDecided *event);

/* ---- answer.c: what calendars and timers say ---- */

enum fault record_hold(struct decision *d, Scheduling__Appointment *a, const Scheduling__RecordHold *cmd);
enum fault record_booking(struct decision *d, Scheduling__Appointment *a, const Scheduling__RecordBooking *cmd);
enum fault appointment_timer(struct decision *d, Scheduling__Appointment *a, const char *name, int64_t due_at_ms);

/* ---- slots.c ---- */

enum fault find_slots(struct decision *d, const void *none, const Scheduling__FindSlots *query);

#endif
