#include <string.h>

#include "services/scheduling/scheduling.h"

Scheduling__Agenda *require_agenda(struct decision *d, const char *case_id)
{
    bool made = false;
    Scheduling__Agenda *agenda = require(d, "agenda", case_id, &made);
    if (agenda && made) {
        agenda->case_id = arena_strdup(d->arena, case_id);
    }
    return agenda;
}

void agenda_put(struct decision *d, Scheduling__Agenda *agenda, const Scheduling__Appointment *appointment,
    const Scheduling__Slot *slot)
{
    agenda_take(agenda, appointment->appointment_id, slot->start_at_ms);
    Scheduling__Booking *booking = MAKE(d, Scheduling__Booking, scheduling__booking__descriptor);
    booking->appointment_id = appointment->appointment_id;
    booking->start_at_ms = slot->start_at_ms;
    booking->end_at_ms = slot->end_at_ms;
    APPEND(d, agenda, bookings, booking);
}

void agenda_take(Scheduling__Agenda *agenda, const char *appointment_id, int64_t start_at_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < agenda->n_bookings; i++) {
        Scheduling__Booking *booking = agenda->bookings[i];
        if (strcmp(booking->appointment_id, appointment_id) != 0 || booking->start_at_ms != start_at_ms) {
            agenda->bookings[kept++] = booking;
        }
    }
    agenda->n_bookings = kept;
}

/* The agenda knows where the patient is and in which zone they live. */
enum fault open_agenda(struct decision *d, const Intake__CaseEnrolled *event)
{
    Scheduling__Agenda *agenda = require_agenda(d, event->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    agenda->zone = event->zone;
    const Intake__PatientFacts *patient = event->patient;
    if (patient && patient->address && patient->address->state) {
        agenda->patient_state = patient->address->state;
    }
    return FAULT_NONE;
}

enum fault read_agenda(struct decision *d, const Scheduling__Agenda *agenda, const Scheduling__ReadAgenda *query)
{
    if (!agenda) {
        return refuse_missing(d, "case %s has no agenda: it is not enrolled", query->case_id);
    }
    Scheduling__AgendaView *view = MAKE(d, Scheduling__AgendaView, scheduling__agenda_view__descriptor);
    for (size_t i = 0; i < agenda->n_appointment_ids; i++) {
        const Scheduling__Appointment *a =
            see(d, "scheduling", "appointment", query->case_id, agenda->appointment_ids[i]);
        if (a) {
            APPEND(d, view, appointments, (Scheduling__Appointment *)a);
        }
    }
    if (d->wants) {
        return FAULT_WANT;
    }
    reply(d, &view->base);
    return FAULT_NONE;
}
