#include "common/core/date.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/intake/duty.h"
#include "services/intake/intake.h"
#include "services/intake/screen.h"

const char *referral_word(struct decision *d, const Intake__Referral *referral)
{
    return say_enum(d, &intake__referral_state__descriptor, (int)referral->state);
}

/* ---- Receipt ---- */

/* Dates that no patient can have. What is only unlikely is for a person to judge. */
static enum fault check_dates(struct decision *d, const Intake__ReceiveReferral *cmd)
{
    const Intake__PatientFacts *patient = cmd->patient;
    struct date today = zone_date(zone_find(d->tenant_zone), d->now_ms), birth = today, death = today;
    (void)date_parse(patient->birth_date, &birth);
    (void)date_parse(patient->deceased_date != NULL ? patient->deceased_date : "", &death);
    if (date_compare(birth, today) > 0) {
        return refuse(d, "the birth date %s is in the future", patient->birth_date);
    }
    if (date_compare(death, birth) < 0) {
        return refuse(
            d, "the patient died on %s, before being born on %s", patient->deceased_date, patient->birth_date);
    }
    if (date_compare(death, date_add_days(today, 1)) > 0) {
        return refuse(d, "the date of death %s is in the future", patient->deceased_date);
    }
    if (cmd->referred_at_ms > d->now_ms) {
        return refuse(d, "the referral was made on %s, which is in the future", say_when(d, NULL, cmd->referred_at_ms));
    }
    return FAULT_NONE;
}

static void fill_referral(struct decision *d, Intake__Referral *referral, const Intake__ReceiveReferral *cmd)
{
    referral->state = REFERRAL_STATE(RECEIVED);
    referral->source = cmd->source;
    referral->reason = cmd->reason;
    referral->priority = cmd->priority != 0 ? cmd->priority : CASEBUS__PRIORITY__PRIORITY_ROUTINE;
    referral->requester = cmd->requester;
    referral->referred_at_ms = cmd->referred_at_ms != 0 ? cmd->referred_at_ms : d->now_ms;
    referral->received_at_ms = d->now_ms;
    referral->patient = cmd->patient;
    referral->source_document_hash = cmd->source_document_hash;
}

static void open_case(struct decision *d, Intake__Case *c, const Intake__Referral *referral)
{
    const Intake__PatientFacts *patient = referral->patient;
    c->state = CASE_STATE(IDENTIFIED);
    c->referral_id = referral->referral_id;
    c->patient_name = text_of(d, "%s %s", patient->given_name, patient->family_name);
    c->birth_date = patient->birth_date;
    c->sex = patient->sex;
    c->patient_state = patient->address != NULL ? patient->address->state : NULL;
    c->zone = patient->zone != NULL ? patient->zone : d->tenant_zone;
    c->language = patient->language != NULL ? patient->language : "en";
    c->identified_at_ms = d->now_ms;
    c->priority = referral->priority;
    c->simulated = d->actor.simulated;
    clock_start(d, c, "referral-decision", referral->referred_at_ms);
    clock_start(d, c, "assessment-start", referral->referred_at_ms);
    clock_start(d, c, "assessment-complete", referral->referred_at_ms);
    case_sort(d, c);
}

enum fault receive_referral(struct decision *d, Intake__Referral *referral, const Intake__ReceiveReferral *cmd)
{
    bool case_made = false;
    Intake__Case *c = require(d, "case", referral->case_id, &case_made);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!is_new(d, referral)) {
        return refuse(d, "this referral was received before");
    }
    if (!case_made) {
        return refuse(d, "the case %s exists already", c->case_id);
    }
    enum fault fault = check_dates(d, cmd);
    if (fault != FAULT_NONE) {
        return fault;
    }
    fill_referral(d, referral, cmd);
    open_case(d, c, referral);
    identity_begin(d, referral);

    Intake__ReferralReceived *event = MAKE(d, Intake__ReferralReceived, intake__referral_received__descriptor);
    event->referral_id = referral->referral_id;
    event->case_id = referral->case_id;
    event->source = referral->source;
    event->reason = referral->reason;
    emit(d, &event->base);

    Intake__ReferralReceipt *receipt = MAKE(d, Intake__ReferralReceipt, intake__referral_receipt__descriptor);
    receipt->referral_id = referral->referral_id;
    receipt->case_id = referral->case_id;
    receipt->state = referral->state;
    reply(d, &receipt->base);
    return FAULT_NONE;
}

/* ---- Decision ---- */

static void reject(
    struct decision *d, Intake__Referral *referral, Intake__Case *c, Intake__RejectionCode code, const char *why)
{
    referral->state = REFERRAL_STATE(REJECTED);
    referral->rejected_code = code;
    referral->rejected_why = why;

    Intake__ReferralRejected *event = MAKE(d, Intake__ReferralRejected, intake__referral_rejected__descriptor);
    event->referral_id = referral->referral_id;
    event->case_id = referral->case_id;
    event->code = code;
    event->why = why;
    event->requester = referral->requester;
    event->duplicate_of_case_id = referral->duplicate_of_case_id;
    emit(d, &event->base);

    clock_stop(d, c, "referral-decision");
    case_end(d, c, CASE_STATE(NOT_ELIGIBLE), say_enum(d, &intake__rejection_code__descriptor, (int)code));
}

enum fault reject_referral(struct decision *d, Intake__Referral *referral, const Intake__RejectReferral *cmd)
{
    Intake__Case *c = touch(d, "case", referral->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (referral->state != REFERRAL_STATE(RECEIVED)) {
        return refuse(d, "the referral is %s, only a received one can be rejected", referral_word(d, referral));
    }
    reject(d, referral, c, cmd->code, cmd->why);
    return FAULT_NONE;
}

enum fault accept_referral(struct decision *d, Intake__Referral *referral, const Intake__AcceptReferral *cmd)
{
    (void)cmd;
    Intake__Case *c = touch(d, "case", referral->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (referral->state != REFERRAL_STATE(RECEIVED)) {
        return refuse(d, "the referral is %s, only a received one can be accepted", referral_word(d, referral));
    }
    if (!referral->screened) {
        return refuse(d, "the referral is not screened yet: who the patient is, is still being found out");
    }
    referral->state = REFERRAL_STATE(ACCEPTED);
    c->state = CASE_STATE(OUTREACH);
    c->simulated |= d->actor.simulated;
    clock_stop(d, c, "referral-decision");
    clock_start(d, c, "first-contact", d->now_ms);
    case_sort(d, c);

    Intake__ReferralAccepted *event = MAKE(d, Intake__ReferralAccepted, intake__referral_accepted__descriptor);
    event->referral_id = referral->referral_id;
    event->case_id = referral->case_id;
    event->due_at_ms = duty_due(d, c, "first-contact", d->now_ms);
    emit(d, &event->base);
    return FAULT_NONE;
}

/* ---- The person is known: screening ---- */

static void emit_matched(struct decision *d, const Intake__Referral *referral)
{
    Intake__PersonMatched *event = MAKE(d, Intake__PersonMatched, intake__person_matched__descriptor);
    event->case_id = referral->case_id;
    event->person_id = referral->person_id;
    event->how = str_same(referral->matched_by, "identifier") ? "recognised by identifier"
                 : str_same(referral->matched_by, "new")      ? "registered as new"
                                                              : "recognised by name, birth date and sex";
    emit(d, &event->base);
}

/* A stay that ended before we knew binds us only while there is time; what is past is for a person to look at, once. */
static void look_back(struct decision *d, const Intake__Referral *referral, Intake__Case *c)
{
    const struct zone *zone = case_zone(d, c);
    const Intake__Encounter *stay = latest_stay(referral->patient, zone_date(zone, d->now_ms), RECENT_STAY_DAYS, zone);
    if (stay == NULL || clock_start_from(d, c, "transition-contact", stay->end_at_ms) ||
        duty_due(d, c, "transition-period", stay->end_at_ms) <= d->now_ms) {
        return;
    }
    const char *when = say_day(d, c->zone, stay->end_at_ms);
    work_open(d, c, "review-older-events", ROLE(NURSE),
        text_of(d, "look at what happened since the discharge on %s", when),
        text_of(d, "left hospital on %s; the contact within 2 business days was past when we were told", when));
}

static void screen_case(struct decision *d, Intake__Referral *referral, Intake__Case *c)
{
    Intake__Screening *screening = MAKE(d, Intake__Screening, intake__screening__descriptor);
    struct screening_end end = screen(d, referral->patient, case_zone(d, c), screening);
    c->screening = screening;
    c->programme = screening->programme;

    Intake__CaseScreened *event = MAKE(d, Intake__CaseScreened, intake__case_screened__descriptor);
    event->case_id = c->case_id;
    event->screening = screening;
    event->summary = end.summary;
    emit(d, &event->base);

    if (end.code != REJECTION(UNSPECIFIED)) {
        reject(d, referral, c, end.code, end.why);
        return;
    }
    referral->screened = true;
    look_back(d, referral, c);
    if (referral->n_conflicting_person_ids > 0) {
        work_open(d, c, "identity-conflict", ROLE(SUPERVISOR), NULL,
            text_of(d, "identifiers or the name also belong to %s",
                say_count(d, referral->n_conflicting_person_ids, "other person record")));
    }
    case_sort(d, c);
}

static void tell_leave(struct decision *d, const Intake__ResolvePerson *cmd)
{
    Intake__LeavePerson *leave = MAKE(d, Intake__LeavePerson, intake__leave_person__descriptor);
    leave->person_id = cmd->person_id;
    leave->case_id = cmd->case_id;
    tell(d, &leave->base);
}

enum fault resolve_person(struct decision *d, Intake__Referral *referral, const Intake__ResolvePerson *cmd)
{
    Intake__Case *c = touch(d, "case", referral->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    bool ours = str_same(cmd->open_case_id, referral->case_id);
    if (c->person_id != NULL) {
        return FAULT_NONE;
    }
    if (referral->state != REFERRAL_STATE(RECEIVED)) {
        if (ours) {
            tell_leave(d, cmd); /* Rejected while the person was being asked. */
        }
        return FAULT_NONE;
    }
    emit_matched(d, referral);
    if (!ours) {
        referral->duplicate_of_case_id = cmd->open_case_id;
        reject(d, referral, c, REJECTION(DUPLICATE), "the patient has an open case here");
        return FAULT_NONE;
    }
    c->person_id = cmd->person_id;
    screen_case(d, referral, c);
    return FAULT_NONE;
}
