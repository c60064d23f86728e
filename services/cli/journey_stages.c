/* The stages of a journey, in their order. Each sends what a person would send and waits for what the services say of it. */
#include "services/cli/journey.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/contract/field.h"
#include "common/contract/json.h"
#include "common/contract/line.h"
#include "common/core/clock.h"
#include "common/core/instant.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "proto/scheduling.pb-c.h"

enum {
    SLOT_TRIES = 6,
    SEARCH_ROUNDS = 8, /* others book at the same time: a list of free times grows old */
    SEARCH_FROM_HOURS = 18,
    SEARCH_DAYS = 13,
};

#define TEAM_ID "team-adult"

/* ---- Referral and screening ---- */

static enum stage_end stage_referral(struct journey *j)
{
    if (j->import.kind == FHIR_DIRECTORY) {
        const struct fhir_tally *t = &j->import.tally;
        j->end = "directory";
        j->told =
            journey_print(j, "no patient: %zu practitioners, %zu organizations", t->practitioners, t->organizations);
        return STAGE_ENDED;
    }
    Intake__ReceiveReferral *referral = j->import.referral;
    j->hash = referral->source_document_hash;
    j->state = referral->patient->address ? referral->patient->address->state : NULL;
    struct answered answered;
    if (journey_send_message(j, NURSE, "referral", "intake.ReceiveReferral", &referral->base, &answered) !=
        FAULT_NONE) {
        return journey_broke(
            j, exit_status_of(answered.fault), "%s: %s", fault_word(answered.fault), answered.why.text);
    }
    const Intake__ReferralReceipt *receipt = (const Intake__ReferralReceipt *)answered.reply;
    j->referral_id = receipt->referral_id;
    j->case_id = receipt->case_id;
    j->history.root = j->case_id;
    const struct fhir_tally *t = &j->import.tally;
    j->told = journey_print(j, "%zu conditions (%zu active), %zu stays, %zu emergency visits, %zu measurements",
        t->conditions, t->active, t->inpatient, t->emergency, t->observations);
    return STAGE_NEXT;
}

static const char *end_word(int64_t code)
{
    switch (code) {
    case INTAKE__REJECTION_CODE__REJECTION_CODE_DECEASED:
        return "dead";
    case INTAKE__REJECTION_CODE__REJECTION_CODE_CHILD:
        return "child";
    case INTAKE__REJECTION_CODE__REJECTION_CODE_NO_NEED:
        return "no-need";
    case INTAKE__REJECTION_CODE__REJECTION_CODE_DUPLICATE:
        return "duplicate";
    default:
        return "rejected";
    }
}

static enum stage_end stage_person(struct journey *j)
{
    const struct happened *h = WAIT_FOR(j, "intake.PersonMatched", "intake.ReferralRejected");
    if (!h) {
        return STAGE_BROKE;
    }
    j->told =
        str_same(h->row->subject, "intake.PersonMatched") ? event_text(h, "how") : line_write(h->event, &j->cli->arena);
    return STAGE_NEXT;
}

static enum stage_end stage_screening(struct journey *j)
{
    const struct happened *h = WAIT_FOR(j, "intake.CaseScreened", "intake.ReferralRejected");
    if (!h) {
        return STAGE_BROKE;
    }
    j->told = event_text(h, "summary");
    const struct happened *rejected = history_find(&j->history, "intake.ReferralRejected", 0);
    const ProtobufCMessage *screening = rejected ? NULL : field_message(h->event, "screening");
    if (!rejected && screening && contract_string_field(screening, "programme")) {
        return STAGE_NEXT;
    }
    rejected = rejected ? rejected : WAIT_FOR(j, "intake.ReferralRejected");
    if (!rejected) {
        return STAGE_BROKE;
    }
    j->end = end_word(field_integer(rejected->event, "code", 0));
    j->told = event_text(rejected, "why");
    return STAGE_ENDED;
}

/* ---- Consent, enrolment, case manager ---- */

static enum stage_end stage_consent(struct journey *j)
{
    const char *ids = journey_print(j, "{\"referralId\":\"%s\",\"caseId\":\"%s\"}", j->referral_id, j->case_id);
    const char *consent = journey_print(j,
        "{\"caseId\":\"%s\",\"consents\":[{\"kind\":\"CONSENT_KIND_PARTICIPATION\",\"granted\":true,\"method\":\"verbal\"},"
        "{\"kind\":\"CONSENT_KIND_SHARE_PROVIDERS\",\"granted\":true,\"method\":\"verbal\"},"
        "{\"kind\":\"CONSENT_KIND_SHARE_FAMILY\",\"granted\":false,\"method\":\"verbal\"}]}",
        j->case_id);
    if (!journey_sent(j, NURSE, "accept", "intake.AcceptReferral", ids) ||
        !journey_sent(j, PATIENT, "consent", "intake.RecordConsent", consent)) {
        return STAGE_BROKE;
    }
    const struct happened *h = WAIT_FOR(j, "intake.ConsentRecorded");
    j->told = h ? event_text(h, "summary") : j->told;
    return h ? STAGE_NEXT : STAGE_BROKE;
}

static enum stage_end stage_enrolment(struct journey *j)
{
    if (!journey_sent(j, NURSE, "enrol", "intake.EnrolCase",
            journey_print(j, "{\"caseId\":\"%s\",\"teamId\":\"" TEAM_ID "\"}", j->case_id))) {
        return STAGE_BROKE;
    }
    const struct happened *h = WAIT_FOR(j, "intake.CaseEnrolled");
    if (!h) {
        return STAGE_BROKE;
    }
    j->end = "enrolled";
    j->programme = event_text(h, "programme");
    j->told = journey_print(j, "%s: %s", event_text(h, "programme_name"), event_text(h, "why"));
    return STAGE_NEXT;
}

/* Who was not chosen, and why: the first is worth a line. */
static const char *first_refused(struct journey *j, const struct happened *h)
{
    const Intake__CaseManagerAssigned *event = (const Intake__CaseManagerAssigned *)h->event;
    for (size_t i = 0; i < event->n_considered; i++) {
        if (!event->considered[i]->chosen && event->considered[i]->why) {
            return journey_print(j, "%s not: %s", event->considered[i]->name, event->considered[i]->why);
        }
    }
    return NULL;
}

static enum stage_end stage_manager(struct journey *j)
{
    const struct happened *h = WAIT_FOR(j, "intake.CaseManagerAssigned", "intake.CaseManagerNotFound");
    if (!h) {
        return STAGE_BROKE;
    }
    if (!str_same(h->row->subject, "intake.CaseManagerAssigned")) {
        j->told = line_write(h->event, &j->cli->arena);
        return STAGE_NEXT;
    }
    const char *refused = first_refused(j, h);
    j->nurse_id = event_text(h, "staff_id");
    j->told = journey_print(j, "%s%s%s", event_text(h, "name"), refused ? "; " : "", refused ? refused : "");
    return STAGE_NEXT;
}

/* ---- Assessment and plan ---- */

/* PHQ-9 with the answers of somebody a little down: "several days" to the first four questions, "not at all" to the rest. */
static enum stage_end stage_assessment(struct journey *j)
{
    static const char *const ITEMS[] = {
        "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"};
    char *answers = journey_print(j, "%s", "");
    for (size_t i = 0; i < ARRAY_LENGTH(ITEMS); i++) {
        answers = journey_print(j, "%s%s{\"item\":\"%s\",\"answer\":\"%s\"}", answers, i ? "," : "", ITEMS[i],
            i < 4 ? "LA6569-3" : "LA6568-5");
    }
    const char *json =
        journey_print(j, "{\"caseId\":\"%s\",\"instrument\":\"phq-9\",\"answers\":[%s]}", j->case_id, answers);
    if (!journey_sent(j, PATIENT, "phq-9", "intake.AnswerQuestionnaire", json)) {
        return STAGE_BROKE;
    }
    const struct happened *h = WAIT_FOR(j, "intake.AssessmentCompleted");
    j->told = h ? journey_print(j, "%s: %s", event_text(h, "instrument_name"), event_text(h, "result")) : j->told;
    return h ? STAGE_NEXT : STAGE_BROKE;
}

static enum stage_end stage_plan(struct journey *j)
{
    const struct happened *drafted = WAIT_FOR(j, "planning.PlanDrafted");
    if (!drafted) {
        return STAGE_BROKE;
    }
    const char *ids =
        journey_print(j, "{\"planId\":\"%s\",\"caseId\":\"%s\"}", event_text(drafted, "plan_id"), j->case_id);
    if (!journey_sent(j, NURSE, "propose", "planning.ProposePlan", ids) ||
        !journey_sent(j, PATIENT, "agree", "planning.AgreePlan", ids)) {
        return STAGE_BROKE;
    }
    const struct happened *agreed = WAIT_FOR(j, "planning.PlanAgreed");
    if (!agreed) {
        return STAGE_BROKE;
    }
    j->told = journey_print(j, "%s: %s, agreed by the %s", event_text(drafted, "name"), event_text(agreed, "summary"),
        event_text(agreed, "by"));
    return STAGE_NEXT;
}

/* ---- Appointment ---- */

static const Scheduling__SlotList *find_slots(struct journey *j, const Scheduling__Appointment *a)
{
    int64_t now_ms = clock_wall_ms();
    Scheduling__FindSlots question = SCHEDULING__FIND_SLOTS__INIT;
    question.specialty = a->specialty;
    question.has_kind = 1;
    question.kind = a->kind;
    question.patient_state = j->state;
    question.has_from_ms = question.has_to_ms = question.has_minutes = question.has_limit = 1;
    question.from_ms = now_ms + SEARCH_FROM_HOURS * HOUR_MS;
    question.to_ms = now_ms + SEARCH_DAYS * DAY_MS;
    question.minutes = a->minutes;
    question.limit = SLOT_TRIES;
    struct answered answered;
    if (journey_send_message(j, SCHEDULER, NULL, "scheduling.FindSlots", &question.base, &answered) != FAULT_NONE) {
        journey_broke(j, exit_status_of(answered.fault), "scheduling.FindSlots: %s", answered.why.text);
        return NULL;
    }
    return (const Scheduling__SlotList *)answered.reply;
}

static const Scheduling__Appointment *read_appointment(struct journey *j, const char *appointment_id)
{
    struct answered answered;
    const char *json = journey_print(j, "{\"appointmentId\":\"%s\",\"caseId\":\"%s\"}", appointment_id, j->case_id);
    if (journey_send(j, SCHEDULER, NULL, "scheduling.ReadAppointment", json, &answered) != FAULT_NONE) {
        journey_broke(j, exit_status_of(answered.fault), "scheduling.ReadAppointment: %s", answered.why.text);
        return NULL;
    }
    return (const Scheduling__Appointment *)answered.reply;
}

/* The appointment's state once the calendar has answered; NULL when it did not in time. */
static const Scheduling__Appointment *wait_for_calendar(struct journey *j, const char *appointment_id)
{
    int64_t until_ms = clock_monotonic_ms() + j->patience_ms;
    while (clock_monotonic_ms() < until_ms) {
        const Scheduling__Appointment *a = read_appointment(j, appointment_id);
        if (!a) {
            return NULL;
        }
        bool asking = a->state == SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_PENDING ||
                      a->state == SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_HELD ||
                      a->state == SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_CONFIRMING;
        if (!asking) {
            return a;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_MS * 1000000L}, NULL);
    }
    journey_broke(j, EXIT_UNAVAILABLE, "the calendar did not answer within %u s", j->patience_ms / 1000);
    return NULL;
}

/* Tries one free time after the other: somebody else may have taken it meanwhile. STAGE_ENDED: all are gone, search again. */
static enum stage_end book(
    struct journey *j, const Scheduling__Appointment *a, const Scheduling__SlotList *slots, int round)
{
    const char *why = "the calendars are full";
    for (size_t i = 0; slots && i < slots->n_slots; i++) {
        const char *json = journey_print(j,
            "{\"appointmentId\":\"%s\",\"caseId\":\"%s\",\"confirm\":true,\"slot\":{\"resourceId\":\"%s\",\"startAtMs\":\"%" PRId64
            "\"}}",
            a->appointment_id, j->case_id, slots->slots[i]->resource_id, slots->slots[i]->start_at_ms);
        struct answered answered;
        if (journey_send(j, SCHEDULER, journey_print(j, "hold %d %zu", round, i), "scheduling.HoldAppointment", json,
                &answered) != FAULT_NONE &&
            i + 1 == slots->n_slots) {
            return journey_broke(
                j, exit_status_of(answered.fault), "scheduling.HoldAppointment: %s", answered.why.text);
        }
        const Scheduling__Appointment *now = wait_for_calendar(j, a->appointment_id);
        if (!now) {
            return STAGE_BROKE;
        }
        if (now->state == SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_BOOKED) {
            return STAGE_NEXT;
        }
        why = now->refused_why ? now->refused_why : answered.why.text;
    }
    journey_broke(j, EXIT_REFUSED, "no free time was found for %s: %s", a->title, why);
    return STAGE_ENDED;
}

static enum stage_end search_and_book(struct journey *j, const Scheduling__Appointment *a)
{
    enum stage_end end = STAGE_ENDED;
    for (int round = 0; round < SEARCH_ROUNDS && end == STAGE_ENDED; round++) {
        const Scheduling__SlotList *slots = find_slots(j, a);
        end = slots ? book(j, a, slots, round) : STAGE_BROKE;
    }
    return end;
}

static enum stage_end stage_appointment(struct journey *j)
{
    const struct happened *proposed = WAIT_FOR(j, "scheduling.AppointmentProposed");
    const Scheduling__Appointment *a = proposed ? read_appointment(j, event_text(proposed, "appointment_id")) : NULL;
    if (!a) {
        return STAGE_BROKE;
    }
    if (a->state != SCHEDULING__APPOINTMENT_STATE__APPOINTMENT_STATE_BOOKED) {
        if (search_and_book(j, a) != STAGE_NEXT) {
            return STAGE_BROKE;
        }
    }
    const struct happened *h = WAIT_FOR(j, "scheduling.AppointmentBooked");
    j->told = h ? journey_print(j, "%s, %s", event_text(h, "title"), event_text(h, "when")) : j->told;
    return h ? STAGE_NEXT : STAGE_BROKE;
}

/* ---- Notices ---- */

static enum stage_end stage_notices(struct journey *j)
{
    if (!WAIT_FOR(j, "notifications.NoticeDelivered")) {
        return STAGE_BROKE;
    }
    size_t delivered = 0;
    size_t suppressed = 0;
    const char *why = NULL;
    for (size_t i = 0; i < j->history.count; i++) {
        const struct happened *h = &j->history.events[i];
        delivered += str_same(h->row->subject, "notifications.NoticeDelivered");
        if (str_same(h->row->subject, "notifications.NoticeSuppressed")) {
            suppressed++;
            why = why ? why : line_write(h->event, &j->cli->arena);
        }
    }
    j->told = journey_print(j, "%zu told, %zu not%s%s", delivered, suppressed, why ? ": " : "", why ? why : "");
    return STAGE_NEXT;
}

const struct stage STAGES[] = {
    {"referral", stage_referral},
    {"person", stage_person},
    {"screening", stage_screening},
    {"consent", stage_consent},
    {"enrolment", stage_enrolment},
    {"case manager", stage_manager},
    {"assessment", stage_assessment},
    {"plan", stage_plan},
    {"appointment", stage_appointment},
    {"coverage", stage_coverage},
    {"authorisation", stage_authorization},
    {"claim", stage_claim},
    {"notices", stage_notices},
};
const size_t STAGE_COUNT = ARRAY_LENGTH(STAGES);
