#include "services/scheduling/appointment.h"

#include <string.h>

#include "common/core/instant.h"
#include "common/service/say.h"

const char *state_word(struct decision *d, const Scheduling__Appointment *a)
{
    return say_enum(d, &scheduling__appointment_state__descriptor, a->state);
}

const char *slot_when(struct decision *d, const Scheduling__Slot *slot)
{
    return say_when(d, slot->zone, slot->start_at_ms);
}

/* ---- Talking to the calendar day ---- */

void ask_day_to_hold(struct decision *d, Scheduling__Appointment *a, const Scheduling__Slot *slot)
{
    a->attempt++;
    Scheduling__PlaceHold *hold = MAKE(d, Scheduling__PlaceHold, scheduling__place_hold__descriptor);
    hold->day_id = slot->day_id;
    hold->resource_id = slot->resource_id;
    hold->date = slot->day_id + strlen(slot->resource_id) + 1;
    hold->appointment_id = a->appointment_id;
    hold->case_id = a->case_id;
    hold->start_at_ms = slot->start_at_ms;
    hold->end_at_ms = slot->end_at_ms;
    hold->hold_until_ms = d->now_ms + HOLD_MINUTES * MINUTE_MS;
    hold->attempt = a->attempt;
    hold->kind = a->kind;
    tell(d, &hold->base);
}

void ask_day_to_confirm(struct decision *d, const Scheduling__Appointment *a, const Scheduling__Slot *slot)
{
    Scheduling__ConfirmHold *confirm = MAKE(d, Scheduling__ConfirmHold, scheduling__confirm_hold__descriptor);
    confirm->day_id = slot->day_id;
    confirm->appointment_id = a->appointment_id;
    confirm->case_id = a->case_id;
    confirm->start_at_ms = slot->start_at_ms;
    confirm->attempt = a->attempt;
    tell(d, &confirm->base);
}

void ask_day_to_release(struct decision *d, const Scheduling__Appointment *a, const Scheduling__Slot *slot)
{
    Scheduling__ReleaseHold *release = MAKE(d, Scheduling__ReleaseHold, scheduling__release_hold__descriptor);
    release->day_id = slot->day_id;
    release->appointment_id = a->appointment_id;
    release->start_at_ms = slot->start_at_ms;
    tell(d, &release->base);
}

/* ---- Proposing ---- */

static void say_proposed(struct decision *d, const Scheduling__Appointment *a)
{
    Scheduling__AppointmentProposed *event =
        MAKE(d, Scheduling__AppointmentProposed, scheduling__appointment_proposed__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->due_at_ms = a->due_at_ms;
    event->intervention_id = a->intervention_id;
    emit(d, &event->base);
}

enum fault propose_appointment(
    struct decision *d, Scheduling__Appointment *a, const Scheduling__ProposeAppointment *cmd)
{
    if (a->state) {
        return refuse(d, "appointment %s exists already and is %s", a->appointment_id, state_word(d, a));
    }
    Scheduling__Agenda *agenda = require_agenda(d, cmd->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (agenda->n_appointment_ids >= AGENDA_APPOINTMENTS_MAX) {
        return refuse(d, "case %s cannot have more than %d appointments", cmd->case_id, AGENDA_APPOINTMENTS_MAX);
    }
    a->state = PROPOSED;
    a->kind = cmd->kind;
    a->title = cmd->title;
    a->specialty = cmd->specialty;
    a->minutes = cmd->minutes;
    a->due_at_ms = cmd->due_at_ms;
    a->service_code = cmd->service_code;
    a->units = cmd->units;
    APPEND(d, agenda, appointment_ids, a->appointment_id);
    say_proposed(d, a);
    reply(d, &a->base);
    return FAULT_NONE;
}

/* Whether the agenda has a live appointment for that step of the plan. Sets d->wants until every one is loaded. */
static bool planned_already(struct decision *d, const Scheduling__Agenda *agenda, const char *intervention_id)
{
    bool found = false;
    for (size_t i = 0; i < agenda->n_appointment_ids; i++) {
        const Scheduling__Appointment *a =
            see(d, "scheduling", "appointment", agenda->case_id, agenda->appointment_ids[i]);
        found |= a && a->intervention_id && strcmp(a->intervention_id, intervention_id) == 0 && a->state != CANCELLED;
    }
    return found;
}

static Scheduling__Appointment *require_planned(
    struct decision *d, const Planning__PlanAgreed *event, const Planning__PlannedService *service)
{
    const char *id = fresh_id(d);
    bool made = false;
    Scheduling__Appointment *a = require(d, "appointment", id, &made);
    if (!a || !made) {
        return NULL;
    }
    a->state = PROPOSED;
    a->kind = service->appointment_kind;
    a->title = service->title;
    a->specialty = service->specialty;
    a->minutes = service->minutes ? service->minutes : 30;
    a->due_at_ms = service->due_at_ms;
    a->service_code = service->service_code;
    a->units = service->units;
    a->plan_id = event->plan_id;
    a->intervention_id = service->intervention_id;
    return a;
}

/* Every visit and test that the agreed plan calls for is proposed, once; a later revision adds only what is new. */
enum fault propose_planned(struct decision *d, const Planning__PlanAgreed *event)
{
    Scheduling__Agenda *agenda = require_agenda(d, event->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    for (size_t i = 0; i < event->n_services; i++) {
        const Planning__PlannedService *service = event->services[i];
        if (!service->appointment_kind || planned_already(d, agenda, service->intervention_id)) {
            continue;
        }
        Scheduling__Appointment *a = require_planned(d, event, service);
        if (a && !d->wants) {
            APPEND(d, agenda, appointment_ids, a->appointment_id);
            say_proposed(d, a);
        }
    }
    return d->wants ? FAULT_WANT : FAULT_NONE;
}

/* ---- Holding and moving ---- */

/* Completes the slot a person named: its end, its day, who and where. NULL with d->why set, or d->wants. */
static Scheduling__Slot *complete_slot(
    struct decision *d, const Scheduling__Appointment *a, const Scheduling__Slot *asked)
{
    const Scheduling__Resource *resource = see(d, "scheduling", "resource", asked->resource_id, asked->resource_id);
    if (d->wants) {
        return NULL;
    }
    if (!resource) {
        refuse_missing(d, "there is no resource %s", asked->resource_id);
        return NULL;
    }
    if (asked->start_at_ms <= d->now_ms) {
        refuse(d, "%s has passed", say_when(d, resource->zone, asked->start_at_ms));
        return NULL;
    }
    Scheduling__Slot *slot = MAKE(d, Scheduling__Slot, scheduling__slot__descriptor);
    slot->resource_id = resource->resource_id;
    slot->resource_name = resource->name;
    slot->zone = resource->zone;
    slot->start_at_ms = asked->start_at_ms;
    slot->end_at_ms = asked->start_at_ms + a->minutes * MINUTE_MS;
    slot->day_id = calendar_day_id(d, resource, asked->start_at_ms);
    return slot;
}

/* Puts the slot on the patient's agenda, refused while the patient is elsewhere at that time. */
static enum fault reserve_patient(struct decision *d, const Scheduling__Appointment *a, const Scheduling__Slot *slot)
{
    Scheduling__Agenda *agenda = require_agenda(d, a->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (booking_against(agenda->bookings, agenda->n_bookings, slot->start_at_ms, slot->end_at_ms, 0, d->now_ms,
            a->appointment_id)) {
        return refuse(d, "the patient has another appointment at %s", slot_when(d, slot));
    }
    agenda_put(d, agenda, a, slot);
    return FAULT_NONE;
}

enum fault hold_appointment(struct decision *d, Scheduling__Appointment *a, const Scheduling__HoldAppointment *cmd)
{
    if (a->state != PROPOSED && a->state != EXPIRED) {
        return refuse(d, "appointment %s is %s, a time can be held only while it is proposed or its hold expired",
            a->appointment_id, state_word(d, a));
    }
    Scheduling__Slot *slot = complete_slot(d, a, cmd->slot);
    if (!slot) {
        return d->wants ? FAULT_WANT : FAULT_REFUSED;
    }
    enum fault fault = reserve_patient(d, a, slot);
    if (fault) {
        return fault;
    }
    a->state = PENDING;
    a->slot = slot;
    a->refused_why = NULL;
    SET(a, confirm_when_held, cmd->confirm);
    ask_day_to_hold(d, a, slot);
    reply(d, &a->base);
    return FAULT_NONE;
}

enum fault reschedule_appointment(
    struct decision *d, Scheduling__Appointment *a, const Scheduling__RescheduleAppointment *cmd)
{
    if (a->state != BOOKED) {
        return refuse(d, "appointment %s is %s, only a booked one can be moved", a->appointment_id, state_word(d, a));
    }
    if (a->slot->start_at_ms == cmd->slot->start_at_ms && strcmp(a->slot->resource_id, cmd->slot->resource_id) == 0) {
        return refuse(d, "appointment %s is booked for that time already", a->appointment_id);
    }
    Scheduling__Slot *slot = complete_slot(d, a, cmd->slot);
    if (!slot) {
        return d->wants ? FAULT_WANT : FAULT_REFUSED;
    }
    enum fault fault = reserve_patient(d, a, slot);
    if (fault) {
        return fault;
    }
    a->state = MOVING;
    a->next_slot = slot;
    a->refused_why = NULL;
    ask_day_to_hold(d, a, slot);
    return FAULT_NONE;
}

enum fault confirm_appointment(
    struct decision *d, Scheduling__Appointment *a, const Scheduling__ConfirmAppointment *cmd)
{
    if (a->state != HELD) {
        return refuse(
            d, "appointment %s is %s, only a held one can be confirmed", cmd->appointment_id, state_word(d, a));
    }
    if (a->hold_until_ms <= d->now_ms) {
        return refuse(d, "the hold of %s ran out at %s", a->title, say_when(d, a->slot->zone, a->hold_until_ms));
    }
    a->state = CONFIRMING;
    ask_day_to_confirm(d, a, a->slot);
    return FAULT_NONE;
}

/* ---- Ending ---- */

static bool can_cancel(const Scheduling__Appointment *a)
{
    return a->state == PROPOSED || a->state == PENDING || a->state == HELD || a->state == CONFIRMING ||
           a->state == BOOKED || a->state == MOVING || a->state == EXPIRED;
}

static void release_slot(
    struct decision *d, const Scheduling__Appointment *a, Scheduling__Agenda *agenda, const Scheduling__Slot *slot)
{
    if (slot) {
        ask_day_to_release(d, a, slot);
        agenda_take(agenda, a->appointment_id, slot->start_at_ms);
    }
}

enum fault cancel_appointment(struct decision *d, Scheduling__Appointment *a, const Scheduling__CancelAppointment *cmd)
{
    if (!can_cancel(a)) {
        return refuse(d, "appointment %s is %s and cannot be cancelled", a->appointment_id, state_word(d, a));
    }
    Scheduling__Agenda *agenda = require_agenda(d, a->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    release_slot(d, a, agenda, a->slot);
    release_slot(d, a, agenda, a->next_slot);
    cancel_timer(d, "appointment", a->appointment_id, "hold");
    cancel_reminders(d, a);
    a->state = CANCELLED;
    a->cancelled_by = say_enum(d, &casebus__role__descriptor, d->actor.role);
    a->cancelled_why = cmd->why;

    Scheduling__AppointmentCancelled *event =
        MAKE(d, Scheduling__AppointmentCancelled, scheduling__appointment_cancelled__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->by = a->cancelled_by;
    event->why = a->cancelled_why;
    event->plan_id = a->plan_id;
    event->intervention_id = a->intervention_id;
    emit(d, &event->base);
    return FAULT_NONE;
}

/* booked -> checked-in -> arrived -> fulfilled; a step may be skipped, never taken back. booked -> noshow. */
static bool may_attend(const Scheduling__Appointment *a, Scheduling__AppointmentState next)
{
    if (next == NOSHOW) {
        return a->state == BOOKED;
    }
    bool present = a->state == BOOKED || a->state == CHECKED_IN || a->state == ARRIVED;
    bool forward =
        (next == CHECKED_IN && a->state == BOOKED) || (next == ARRIVED && a->state != ARRIVED) || next == FULFILLED;
    return present && forward;
}

static void say_fulfilled(struct decision *d, const Scheduling__Appointment *a)
{
    Scheduling__AppointmentFulfilled *event =
        MAKE(d, Scheduling__AppointmentFulfilled, scheduling__appointment_fulfilled__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->plan_id = a->plan_id;
    event->intervention_id = a->intervention_id;
    event->service_code = a->service_code;
    event->units = a->units;
    event->start_at_ms = a->slot->start_at_ms;
    event->resource_id = a->slot->resource_id;
    emit(d, &event->base);
}

static void say_missed(struct decision *d, const Scheduling__Appointment *a)
{
    Scheduling__AppointmentMissed *event =
        MAKE(d, Scheduling__AppointmentMissed, scheduling__appointment_missed__descriptor);
    event->case_id = a->case_id;
    event->appointment_id = a->appointment_id;
    event->title = a->title;
    event->plan_id = a->plan_id;
    event->intervention_id = a->intervention_id;
    emit(d, &event->base);
}

enum fault record_attendance(struct decision *d, Scheduling__Appointment *a, const Scheduling__RecordAttendance *cmd)
{
    Scheduling__AppointmentState next = cmd->state;
    if (!may_attend(a, next)) {
        return refuse(d, "appointment %s is %s and cannot become %s", a->appointment_id, state_word(d, a),
            say_enum(d, &scheduling__appointment_state__descriptor, next));
    }
    if ((next == FULFILLED || next == NOSHOW) && d->now_ms < a->slot->start_at_ms) {
        return refuse(
            d, "%s begins at %s: it cannot have taken place or been missed yet", a->title, slot_when(d, a->slot));
    }
    a->state = next;
    cancel_reminders(d, a);
    if (next == FULFILLED) {
        say_fulfilled(d, a);
    } else if (next == NOSHOW) {
        say_missed(d, a);
    }
    return FAULT_NONE;
}

/* ---- Reading, and what claims says ---- */

enum fault read_appointment(
    struct decision *d, const Scheduling__Appointment *a, const Scheduling__ReadAppointment *query)
{
    if (!a) {
        return refuse_missing(d, "there is no appointment %s", query->appointment_id);
    }
    reply(d, &a->base);
    return FAULT_NONE;
}

/* Notes the authorisation at the appointments of the same step of the plan. */
enum fault link_authorization(struct decision *d, const Claims__AuthorizationDecided *event)
{
    if (!event->intervention_id) {
        return FAULT_NONE;
    }
    const Scheduling__Agenda *agenda = see(d, "scheduling", "agenda", event->case_id, event->case_id);
    for (size_t i = 0; agenda && i < agenda->n_appointment_ids; i++) {
        const Scheduling__Appointment *a =
            see(d, "scheduling", "appointment", event->case_id, agenda->appointment_ids[i]);
        if (a && a->intervention_id && strcmp(a->intervention_id, event->intervention_id) == 0) {
            Scheduling__Appointment *mine = touch(d, "appointment", a->appointment_id);
            if (mine) {
                mine->authorization_id = event->authorization_id;
            }
        }
    }
    return d->wants ? FAULT_WANT : FAULT_NONE;
}
