/* Rules of scheduling: one story per promise. Times are in America/New_York (EST, UTC-5); "now" is Sun 2026-11-22 03:00 UTC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/contract/guard.h"
#include "common/core/instant.h"
#include "services/scheduling/appointment.h"
#include "tests/support/rules.h"

#define CASE "001-case"

static int64_t at(const char *text)
{
    int64_t ms = 0;
    assert_true(instant_parse(text, &ms));
    return ms;
}

#define DEC1_0900 at("2026-12-01T14:00:00Z")
#define DEC1_0930 at("2026-12-01T14:30:00Z")
#define DEC2_0900 at("2026-12-02T14:00:00Z")

static void register_clinic(struct rules *r)
{
    r->actor = (struct actor){"a1", CASEBUS__ROLE__ROLE_ADMINISTRATOR, false};
    assert_int_equal(
        rules_command(r,
            rules_json(r, "scheduling.RegisterResource",
                "{\"resourceId\":\"clinic\",\"name\":\"Clinic\",\"specialty\":\"cardiology\",\"kinds\":[\"APPOINTMENT_KIND_OFFICE\"],"
                "\"zone\":\"America/New_York\",\"closedDates\":[\"2026-12-03\"],"
                "\"hours\":[{\"weekday\":2,\"from\":\"09:00\",\"to\":\"12:00\"},{\"weekday\":3,\"from\":\"09:00\",\"to\":\"12:00\"},"
                "{\"weekday\":4,\"from\":\"09:00\",\"to\":\"12:00\"}]}")),
        FAULT_NONE);
}

static void propose(struct rules *r, const char *id)
{
    char json[400];
    snprintf(json, sizeof json,
        "{\"appointmentId\":\"%s\",\"caseId\":\"" CASE "\",\"kind\":\"APPOINTMENT_KIND_OFFICE\","
        "\"title\":\"visit %s\",\"specialty\":\"cardiology\",\"minutes\":30}",
        id, id);
    r->actor = (struct actor){"n1", CASEBUS__ROLE__ROLE_NURSE, false};
    assert_int_equal(rules_command(r, rules_json(r, "scheduling.ProposeAppointment", json)), FAULT_NONE);
}

static enum fault hold(struct rules *r, const char *id, int64_t start_at_ms)
{
    char json[300];
    snprintf(json, sizeof json,
        "{\"appointmentId\":\"%s\",\"caseId\":\"" CASE
        "\",\"slot\":{\"resourceId\":\"clinic\",\"startAtMs\":\"%lld\"}}",
        id, (long long)start_at_ms);
    r->actor = (struct actor){"n1", CASEBUS__ROLE__ROLE_NURSE, false};
    return rules_command(r, rules_json(r, "scheduling.HoldAppointment", json));
}

static enum fault verb(struct rules *r, const char *subject, const char *id, const char *more)
{
    char json[300];
    snprintf(json, sizeof json, "{\"appointmentId\":\"%s\",\"caseId\":\"" CASE "\"%s}", id, more);
    r->actor = (struct actor){"n1", CASEBUS__ROLE__ROLE_NURSE, false};
    return rules_command(r, rules_json(r, subject, json));
}

/* What was told lives as long as the call that told it; a copy lives as long as the world. */
static ProtobufCMessage *take_told(struct rules *r, const char *subject)
{
    const ProtobufCMessage *told = rules_told(r, subject);
    return told ? contract_copy(told, &r->world) : NULL;
}

/* Plays the bus: hands the told command to its own rule. False when nothing of that subject was told. */
static bool deliver(struct rules *r, const char *subject)
{
    const ProtobufCMessage *told = take_told(r, subject);
    if (!told) {
        return false;
    }
    r->actor = (struct actor){"scheduling", CASEBUS__ROLE__ROLE_SYSTEM, false};
    assert_int_equal(rules_command(r, told), FAULT_NONE);
    return true;
}

static const Scheduling__Appointment *appointment(struct rules *r, const char *id)
{
    return rules_state(r, "scheduling", "appointment", id);
}

static void book(struct rules *r, const char *id, int64_t start_at_ms)
{
    propose(r, id);
    assert_int_equal(hold(r, id, start_at_ms), FAULT_NONE);
    assert_true(deliver(r, "scheduling.PlaceHold"));
    assert_true(deliver(r, "scheduling.RecordHold"));
    assert_int_equal(verb(r, "scheduling.ConfirmAppointment", id, ""), FAULT_NONE);
    assert_true(deliver(r, "scheduling.ConfirmHold"));
    assert_true(deliver(r, "scheduling.RecordBooking"));
}

static int begin(void **state)
{
    static struct rules r;
    rules_begin(&r, &SCHEDULING);
    register_clinic(&r);
    *state = &r;
    return 0;
}

static int done(void **state)
{
    rules_done(*state);
    return 0;
}

static void a_held_and_confirmed_time_is_booked_with_reminders(void **state)
{
    struct rules *r = *state;
    book(r, "x", DEC1_0900);
    assert_int_equal(appointment(r, "x")->state, BOOKED);
    const Scheduling__AppointmentBooked *event = rules_event(r, "scheduling.AppointmentBooked");
    assert_string_equal(event->when, "Tue Dec 1, 2026 9:00 AM EST");
    assert_string_equal(event->with, "Clinic");
    assert_int_equal(rules_timer_change(r, "x", "reminder-day")->due_at_ms, DEC1_0900 - 24 * HOUR_MS);
    assert_int_equal(rules_timer_change(r, "x", "reminder-hours")->due_at_ms, DEC1_0900 - 2 * HOUR_MS);
}

static void a_taken_time_is_not_held_again_and_back_to_back_times_are(void **state)
{
    struct rules *r = *state;
    book(r, "x", DEC1_0900);
    const struct {
        const char *name, *id;
        int64_t start_at_ms;
        bool free;
    } ROWS[] = {
        {"the same time", "a", DEC1_0900, false},
        {"fifteen minutes into it", "b", DEC1_0900 + 15 * MINUTE_MS, false},
        {"right after it", "c", DEC1_0930, true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        print_message("  %s\n", ROWS[i].name);
        Scheduling__PlaceHold ask = SCHEDULING__PLACE_HOLD__INIT;
        ask.day_id = "clinic.2026-12-01";
        ask.resource_id = "clinic";
        ask.date = "2026-12-01";
        ask.appointment_id = ROWS[i].id;
        ask.case_id = "002-other";
        ask.has_start_at_ms = ask.has_end_at_ms = ask.has_hold_until_ms = 1;
        ask.start_at_ms = ROWS[i].start_at_ms;
        ask.end_at_ms = ROWS[i].start_at_ms + 30 * MINUTE_MS;
        ask.hold_until_ms = r->now_ms + HOUR_MS;
        r->actor = (struct actor){"scheduling", CASEBUS__ROLE__ROLE_SYSTEM, false};
        assert_int_equal(rules_command(r, &ask.base), FAULT_NONE);
        const Scheduling__RecordHold *answer = rules_told(r, "scheduling.RecordHold");
        assert_int_equal(answer->refused_why == NULL, ROWS[i].free);
    }
}

static void the_patient_is_not_in_two_places_at_once(void **state)
{
    struct rules *r = *state;
    book(r, "x", DEC1_0900);
    propose(r, "y");
    assert_int_equal(hold(r, "y", DEC1_0900 + 15 * MINUTE_MS), FAULT_REFUSED);
    assert_string_equal(rules_why(r), "the patient has another appointment at Tue Dec 1, 2026 9:15 AM EST");
    assert_int_equal(hold(r, "y", DEC1_0930), FAULT_NONE);
}

static void a_time_outside_the_working_hours_is_refused_with_its_reason(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *id;
        const char *time;
        const char *why;
    } ROWS[] = {
        {"early", "2026-12-01T13:45:00Z", "Clinic does not work at Tue Dec 1, 2026 8:45 AM EST"},
        {"end", "2026-12-01T16:45:00Z", "Clinic does not work at Tue Dec 1, 2026 11:45 AM EST"},
        {"weekday", "2026-12-07T14:00:00Z", "Clinic does not work at Mon Dec 7, 2026 9:00 AM EST"},
        {"closed", "2026-12-03T14:00:00Z", "Clinic is closed on Thu Dec 3, 2026"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        propose(r, ROWS[i].id);
        assert_int_equal(hold(r, ROWS[i].id, at(ROWS[i].time)), FAULT_NONE);
        assert_true(deliver(r, "scheduling.PlaceHold"));
        assert_true(deliver(r, "scheduling.RecordHold"));
        assert_int_equal(appointment(r, ROWS[i].id)->state, PROPOSED);
        assert_string_equal(appointment(r, ROWS[i].id)->refused_why, ROWS[i].why);
    }
}

static void the_last_time_of_the_day_ends_when_work_ends(void **state)
{
    struct rules *r = *state;
    book(r, "x", at("2026-12-01T16:30:00Z"));
    assert_int_equal(appointment(r, "x")->state, BOOKED);
}

static void a_time_that_has_passed_is_not_held(void **state)
{
    struct rules *r = *state;
    propose(r, "x");
    r->now_ms = DEC1_0900;
    assert_int_equal(hold(r, "x", DEC1_0900), FAULT_REFUSED);
    assert_string_equal(rules_why(r), "Tue Dec 1, 2026 9:00 AM EST has passed");
}

static void a_reminder_that_would_lie_in_the_past_is_not_set(void **state)
{
    struct rules *r = *state;
    r->now_ms = DEC1_0900 - 12 * HOUR_MS;
    book(r, "x", DEC1_0900);
    assert_null(rules_timer_change(r, "x", "reminder-day"));
    assert_int_equal(rules_timer_change(r, "x", "reminder-hours")->due_at_ms, DEC1_0900 - 2 * HOUR_MS);
}

static void an_answer_to_an_older_attempt_is_given_back_to_the_day(void **state)
{
    struct rules *r = *state;
    propose(r, "x");
    assert_int_equal(hold(r, "x", DEC1_0900), FAULT_NONE);
    assert_true(deliver(r, "scheduling.PlaceHold"));
    ProtobufCMessage *first = take_told(r, "scheduling.RecordHold");
    Scheduling__RecordHold *refused = (Scheduling__RecordHold *)contract_copy(first, &r->world);
    refused->refused_why = "taken";
    r->actor = (struct actor){"scheduling", CASEBUS__ROLE__ROLE_SYSTEM, false};
    assert_int_equal(rules_command(r, &refused->base), FAULT_NONE);
    assert_int_equal(hold(r, "x", DEC2_0900), FAULT_NONE);
    assert_int_equal(rules_command(r, first), FAULT_NONE);
    assert_int_equal(appointment(r, "x")->state, PENDING);
    const Scheduling__ReleaseHold *release = rules_told(r, "scheduling.ReleaseHold");
    assert_int_equal(release->start_at_ms, DEC1_0900);
}

static void a_hold_that_nobody_confirms_expires_and_frees_the_time(void **state)
{
    struct rules *r = *state;
    propose(r, "x");
    assert_int_equal(hold(r, "x", DEC1_0900), FAULT_NONE);
    assert_true(deliver(r, "scheduling.PlaceHold"));
    assert_true(deliver(r, "scheduling.RecordHold"));
    assert_int_equal(appointment(r, "x")->state, HELD);
    int64_t due_at_ms = rules_timer_change(r, "x", "hold")->due_at_ms;
    assert_int_equal(due_at_ms, r->now_ms + HOLD_MINUTES * MINUTE_MS);

    r->now_ms = due_at_ms;
    assert_int_equal(verb(r, "scheduling.ConfirmAppointment", "x", ""), FAULT_REFUSED);
    r->root = CASE;
    assert_int_equal(rules_timer(r, "appointment", "x", "hold", due_at_ms), FAULT_NONE);
    r->root = NULL;
    assert_int_equal(appointment(r, "x")->state, EXPIRED);
    book(r, "y", DEC1_0900);
    assert_int_equal(appointment(r, "y")->state, BOOKED);
}

static void a_confirmation_that_comes_after_the_hold_ran_out_books_nothing(void **state)
{
    struct rules *r = *state;
    propose(r, "x");
    assert_int_equal(hold(r, "x", DEC1_0900), FAULT_NONE);
    assert_true(deliver(r, "scheduling.PlaceHold"));
    assert_true(deliver(r, "scheduling.RecordHold"));
    assert_int_equal(verb(r, "scheduling.ConfirmAppointment", "x", ""), FAULT_NONE);
    r->now_ms += HOLD_MINUTES * MINUTE_MS; /* The task was late. */
    assert_true(deliver(r, "scheduling.ConfirmHold"));
    assert_true(deliver(r, "scheduling.RecordBooking"));
    assert_int_equal(appointment(r, "x")->state, EXPIRED);
    assert_non_null(rules_event(r, "scheduling.HoldExpired"));
}

static void the_old_time_stands_until_the_new_one_is_booked(void **state)
{
    struct rules *r = *state;
    book(r, "x", DEC1_0900);
    char slot[120];
    snprintf(slot, sizeof slot, ",\"slot\":{\"resourceId\":\"clinic\",\"startAtMs\":\"%lld\"}", (long long)DEC2_0900);
    assert_int_equal(verb(r, "scheduling.RescheduleAppointment", "x", slot), FAULT_NONE);
    assert_int_equal(appointment(r, "x")->state, MOVING);
    assert_int_equal(appointment(r, "x")->slot->start_at_ms, DEC1_0900);
    assert_true(deliver(r, "scheduling.PlaceHold"));
    assert_true(deliver(r, "scheduling.RecordHold"));
    assert_true(deliver(r, "scheduling.ConfirmHold"));
    assert_true(deliver(r, "scheduling.RecordBooking"));
    assert_int_equal(appointment(r, "x")->state, BOOKED);
    assert_int_equal(appointment(r, "x")->slot->start_at_ms, DEC2_0900);
    const Scheduling__AppointmentMoved *event = rules_event(r, "scheduling.AppointmentMoved");
    assert_string_equal(event->was, "Tue Dec 1, 2026 9:00 AM EST");
    assert_true(deliver(r, "scheduling.ReleaseHold"));
    const Scheduling__CalendarDay *old = rules_state(r, "scheduling", "calendar_day", "clinic.2026-12-01");
    assert_int_equal(old->n_bookings, 0);
}

static void a_refused_move_leaves_the_booking_as_it_was(void **state)
{
    struct rules *r = *state;
    book(r, "x", DEC1_0900);
    char slot[120];
    snprintf(slot, sizeof slot, ",\"slot\":{\"resourceId\":\"clinic\",\"startAtMs\":\"%lld\"}",
        (long long)at("2026-12-03T14:00:00Z"));
    assert_int_equal(verb(r, "scheduling.RescheduleAppointment", "x", slot), FAULT_NONE);
    assert_true(deliver(r, "scheduling.PlaceHold"));
    assert_true(deliver(r, "scheduling.RecordHold"));
    assert_int_equal(appointment(r, "x")->state, BOOKED);
    assert_int_equal(appointment(r, "x")->slot->start_at_ms, DEC1_0900);
    assert_null(appointment(r, "x")->next_slot);
}

static void a_cancelled_appointment_frees_calendar_and_agenda(void **state)
{
    struct rules *r = *state;
    book(r, "x", DEC1_0900);
    assert_int_equal(verb(r, "scheduling.CancelAppointment", "x", ",\"why\":\"feeling better\""), FAULT_NONE);
    assert_int_equal(appointment(r, "x")->state, CANCELLED);
    const Scheduling__AppointmentCancelled *event = rules_event(r, "scheduling.AppointmentCancelled");
    assert_string_equal(event->by, "nurse");
    assert_int_equal(rules_timer_change(r, "x", "reminder-day")->due_at_ms, 0);
    assert_true(deliver(r, "scheduling.ReleaseHold"));
    const Scheduling__CalendarDay *day = rules_state(r, "scheduling", "calendar_day", "clinic.2026-12-01");
    assert_int_equal(day->n_bookings, 0);
    const Scheduling__Agenda *agenda = rules_state(r, "scheduling", "agenda", CASE);
    assert_int_equal(agenda->n_bookings, 0);
}

static void an_answer_to_a_cancelled_appointment_leaves_nothing_at_the_day(void **state)
{
    struct rules *r = *state;
    propose(r, "x");
    assert_int_equal(hold(r, "x", DEC1_0900), FAULT_NONE);
    const ProtobufCMessage *late = take_told(r, "scheduling.PlaceHold");
    assert_int_equal(verb(r, "scheduling.CancelAppointment", "x", ",\"why\":\"moved away\""), FAULT_NONE);
    assert_true(deliver(r, "scheduling.ReleaseHold")); /* Overtakes the hold. */
    r->actor = (struct actor){"scheduling", CASEBUS__ROLE__ROLE_SYSTEM, false};
    assert_int_equal(rules_command(r, late), FAULT_NONE);
    assert_true(deliver(r, "scheduling.RecordHold"));
    assert_true(deliver(r, "scheduling.ReleaseHold"));
    const Scheduling__CalendarDay *day = rules_state(r, "scheduling", "calendar_day", "clinic.2026-12-01");
    assert_int_equal(day->n_bookings, 0);
}

static void every_move_that_is_not_drawn_is_refused(void **state)
{
    struct rules *r = *state;
    const struct {
        const char *name, *subject, *more;
        Scheduling__AppointmentState from;
    } ROWS[] = {
        {"confirm while proposed", "scheduling.ConfirmAppointment", "", PROPOSED},
        {"confirm while booked", "scheduling.ConfirmAppointment", "", BOOKED},
        {"cancel what is cancelled", "scheduling.CancelAppointment", ",\"why\":\"x\"", CANCELLED},
        {"cancel what took place", "scheduling.CancelAppointment", ",\"why\":\"x\"", FULFILLED},
        {"move what is held", "scheduling.RescheduleAppointment",
            ",\"slot\":{\"resourceId\":\"clinic\",\"startAtMs\":\"1796133600000\"}", HELD},
        {"fulfil what is proposed", "scheduling.RecordAttendance", ",\"state\":\"APPOINTMENT_STATE_FULFILLED\"",
            PROPOSED},
        {"fulfil before it begins", "scheduling.RecordAttendance", ",\"state\":\"APPOINTMENT_STATE_FULFILLED\"",
            BOOKED},
        {"miss before it begins", "scheduling.RecordAttendance", ",\"state\":\"APPOINTMENT_STATE_NOSHOW\"", BOOKED},
        {"check in who has arrived", "scheduling.RecordAttendance", ",\"state\":\"APPOINTMENT_STATE_CHECKED_IN\"",
            ARRIVED},
        {"become booked by attendance", "scheduling.RecordAttendance", ",\"state\":\"APPOINTMENT_STATE_BOOKED\"",
            BOOKED},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        print_message("  %s\n", ROWS[i].name);
        Scheduling__Slot slot = SCHEDULING__SLOT__INIT;
        slot.resource_id = "clinic";
        slot.day_id = "clinic.2026-12-01";
        slot.has_start_at_ms = 1;
        slot.start_at_ms = DEC1_0900;
        Scheduling__Appointment a = SCHEDULING__APPOINTMENT__INIT;
        a.appointment_id = "row";
        a.case_id = CASE;
        a.title = "visit";
        a.has_state = 1;
        a.state = ROWS[i].from;
        a.slot = &slot;
        rules_know(r, &a.base);
        assert_int_equal(verb(r, ROWS[i].subject, "row", ROWS[i].more), FAULT_REFUSED);
        assert_int_equal(appointment(r, "row")->state, ROWS[i].from);
    }
}

static void an_agreed_plan_proposes_each_visit_once(void **state)
{
    struct rules *r = *state;
    const char *json =
        "{\"caseId\":\"" CASE "\",\"planId\":\"p1\",\"services\":["
        "{\"interventionId\":\"i1\",\"title\":\"cardiology visit\",\"appointmentKind\":\"APPOINTMENT_KIND_OFFICE\",\"minutes\":30},"
        "{\"interventionId\":\"i2\",\"title\":\"no visit\"}]}";
    r->root = CASE;
    r->actor = (struct actor){"p1", CASEBUS__ROLE__ROLE_SYSTEM, false};
    assert_int_equal(rules_react(r, rules_json(r, "planning.PlanAgreed", json)), FAULT_NONE);
    assert_int_equal(rules_event_count(r, "scheduling.AppointmentProposed"), 1);
    assert_int_equal(rules_react(r, rules_json(r, "planning.PlanAgreed", json)), FAULT_NONE);
    assert_int_equal(rules_event_count(r, "scheduling.AppointmentProposed"), 0);
    const Scheduling__Agenda *agenda = rules_state(r, "scheduling", "agenda", CASE);
    assert_int_equal(agenda->n_appointment_ids, 1);
}

static void free_times_are_offered_earliest_first_and_never_a_taken_one(void **state)
{
    struct rules *r = *state;
    book(r, "x", DEC1_0900);
    char json[300];
    snprintf(json, sizeof json,
        "{\"specialty\":\"cardiology\",\"fromMs\":\"%lld\",\"toMs\":\"%lld\",\"minutes\":30,\"limit\":3}",
        (long long)at("2026-12-01T00:00:00Z"), (long long)at("2026-12-03T00:00:00Z"));
    assert_int_equal(rules_query(r, rules_json(r, "scheduling.FindSlots", json)), FAULT_NONE);
    const Scheduling__SlotList *list = rules_reply(r);
    assert_int_equal(list->n_slots, 3);
    assert_int_equal(list->slots[0]->start_at_ms, DEC1_0930);
    assert_int_equal(list->slots[1]->start_at_ms, DEC1_0930 + 15 * MINUTE_MS);
}

static void a_search_finds_those_who_serve_the_patients_state_among_many(void **state)
{
    struct rules *r = *state;
    char json[500];
    for (int i = 0; i < 2 * SLOT_RESOURCES_MAX; i++) {
        snprintf(json, sizeof json,
            "{\"resourceId\":\"%s-%02d\",\"name\":\"Nurse\",\"specialty\":\"home-health\",\"kinds\":[\"APPOINTMENT_KIND_HOME_VISIT\"],"
            "\"zone\":\"America/New_York\",\"states\":[\"%s\"],\"hours\":[{\"weekday\":2,\"from\":\"09:00\",\"to\":\"12:00\"}]}",
            i == 20 ? "oh" : "ca", i, i == 20 ? "OH" : "CA");
        r->actor = (struct actor){"a1", CASEBUS__ROLE__ROLE_ADMINISTRATOR, false};
        assert_int_equal(rules_command(r, rules_json(r, "scheduling.RegisterResource", json)), FAULT_NONE);
    }
    snprintf(json, sizeof json,
        "{\"specialty\":\"home-health\",\"patientState\":\"OH\",\"fromMs\":\"%lld\",\"toMs\":\"%lld\",\"minutes\":30}",
        (long long)at("2026-12-01T00:00:00Z"), (long long)at("2026-12-03T00:00:00Z"));
    assert_int_equal(rules_query(r, rules_json(r, "scheduling.FindSlots", json)), FAULT_NONE);
    const Scheduling__SlotList *list = rules_reply(r);
    assert_int_equal(list->n_slots, 11);
    assert_string_equal(list->slots[0]->resource_id, "oh-20");
}

static void hours_that_end_before_they_begin_are_refused(void **state)
{
    struct rules *r = *state;
    r->actor = (struct actor){"a1", CASEBUS__ROLE__ROLE_ADMINISTRATOR, false};
    assert_int_equal(
        rules_command(r,
            rules_json(r, "scheduling.RegisterResource",
                "{\"resourceId\":\"bad\",\"name\":\"Bad\",\"specialty\":\"x\",\"kinds\":[\"APPOINTMENT_KIND_OFFICE\"],\"zone\":\"America/New_York\","
                "\"hours\":[{\"weekday\":2,\"from\":\"12:00\",\"to\":\"09:00\"}]}")),
        FAULT_REFUSED);
    assert_string_equal(rules_why(r), "working hours 12:00-09:00 of weekday 2 end before they begin");
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_held_and_confirmed_time_is_booked_with_reminders),
        STORY(a_taken_time_is_not_held_again_and_back_to_back_times_are),
        STORY(the_patient_is_not_in_two_places_at_once),
        STORY(a_time_outside_the_working_hours_is_refused_with_its_reason),
        STORY(the_last_time_of_the_day_ends_when_work_ends),
        STORY(a_time_that_has_passed_is_not_held),
        STORY(a_reminder_that_would_lie_in_the_past_is_not_set),
        STORY(an_answer_to_an_older_attempt_is_given_back_to_the_day),
        STORY(a_hold_that_nobody_confirms_expires_and_frees_the_time),
        STORY(a_confirmation_that_comes_after_the_hold_ran_out_books_nothing),
        STORY(the_old_time_stands_until_the_new_one_is_booked),
        STORY(a_refused_move_leaves_the_booking_as_it_was),
        STORY(a_cancelled_appointment_frees_calendar_and_agenda),
        STORY(an_answer_to_a_cancelled_appointment_leaves_nothing_at_the_day),
        STORY(every_move_that_is_not_drawn_is_refused),
        STORY(an_agreed_plan_proposes_each_visit_once),
        STORY(free_times_are_offered_earliest_first_and_never_a_taken_one),
        STORY(a_search_finds_those_who_serve_the_patients_state_among_many),
        STORY(hours_that_end_before_they_begin_are_refused),
    };
    return cmocka_run_group_tests_name("scheduling", tests, NULL, NULL);
}
