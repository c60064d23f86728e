#include "services/scheduling/scheduling.h"

/* clang-format off */
static const struct command COMMANDS[] = {
    COMMAND(Scheduling__RegisterResource, scheduling__register_resource__descriptor, Scheduling__Resource, register_resource),
    COMMAND(Scheduling__PlaceHold, scheduling__place_hold__descriptor, Scheduling__CalendarDay, place_hold),
    COMMAND(Scheduling__ConfirmHold, scheduling__confirm_hold__descriptor, Scheduling__CalendarDay, confirm_hold),
    COMMAND(Scheduling__ReleaseHold, scheduling__release_hold__descriptor, Scheduling__CalendarDay, release_hold),
    COMMAND(Scheduling__ProposeAppointment, scheduling__propose_appointment__descriptor, Scheduling__Appointment, propose_appointment),
    COMMAND(Scheduling__HoldAppointment, scheduling__hold_appointment__descriptor, Scheduling__Appointment, hold_appointment),
    COMMAND(Scheduling__ConfirmAppointment, scheduling__confirm_appointment__descriptor, Scheduling__Appointment, confirm_appointment),
    COMMAND(Scheduling__RescheduleAppointment, scheduling__reschedule_appointment__descriptor, Scheduling__Appointment, reschedule_appointment),
    COMMAND(Scheduling__CancelAppointment, scheduling__cancel_appointment__descriptor, Scheduling__Appointment, cancel_appointment),
    COMMAND(Scheduling__RecordAttendance, scheduling__record_attendance__descriptor, Scheduling__Appointment, record_attendance),
    COMMAND(Scheduling__RecordHold, scheduling__record_hold__descriptor, Scheduling__Appointment, record_hold),
    COMMAND(Scheduling__RecordBooking, scheduling__record_booking__descriptor, Scheduling__Appointment, record_booking),
    {0},
};
static const struct reaction REACTIONS[] = {
    REACTION(Intake__CaseEnrolled, intake__case_enrolled__descriptor, open_agenda),
    REACTION(Planning__PlanAgreed, planning__plan_agreed__descriptor, propose_planned),
    REACTION(Claims__AuthorizationDecided, claims__authorization_decided__descriptor, link_authorization),
    {0},
};
static const struct timer TIMERS[] = {
    TIMER("appointment", Scheduling__Appointment, appointment_timer),
    {0},
};
static const struct query QUERIES[] = {
    QUERY(Scheduling__ReadAppointment, scheduling__read_appointment__descriptor, Scheduling__Appointment, read_appointment),
    QUERY(Scheduling__ReadAgenda, scheduling__read_agenda__descriptor, Scheduling__Agenda, read_agenda),
    QUERY(Scheduling__FindSlots, scheduling__find_slots__descriptor, void, find_slots),
    {0},
};
/* clang-format on */

const struct service SCHEDULING = {
    .name = "scheduling",
    .commands = COMMANDS,
    .reactions = REACTIONS,
    .timers = TIMERS,
    .queries = QUERIES,
};
