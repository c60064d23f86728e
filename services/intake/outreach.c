#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/intake/duty.h"
#include "services/intake/intake.h"

enum { TRIES_NEEDED = 3, NOON = 12, EVENING = 17 };

/* ---- Trying to reach the patient ---- */

static void keep_attempt(struct decision *d, Intake__Case *c, const Intake__ContactAttempt *told)
{
    Intake__ContactAttempt *attempt = copy_of(d, &told->base);
    attempt->at_ms = told->at_ms != 0 ? told->at_ms : d->now_ms;
    attempt->by = attempt->by != NULL ? attempt->by : d->actor.id;
    SET(attempt, simulated, d->actor.simulated);
    if (c->n_attempts == CASE_ATTEMPTS_MAX) {
        c->attempts++;
        c->n_attempts--;
    }
    APPEND(d, c, attempts, attempt);
}

enum fault record_contact_attempt(struct decision *d, Intake__Case *c, const Intake__RecordContactAttempt *cmd)
{
    const Intake__ContactAttempt *attempt = cmd->attempt;
    if (case_has_ended(c) || c->state == CASE_STATE(IDENTIFIED)) {
        return refuse(d, "the case is %s, the patient is not to be contacted", case_word(d, c));
    }
    if (attempt->at_ms > d->now_ms) {
        return refuse(d, "the attempt on %s is in the future", say_when(d, c->zone, attempt->at_ms));
    }
    if (attempt->at_ms != 0 && attempt->at_ms < c->identified_at_ms) {
        return refuse(d, "the attempt on %s was before the patient was referred", say_when(d, c->zone, attempt->at_ms));
    }
    if (attempt->reached && attempt->channel == CASEBUS__CHANNEL__CHANNEL_LETTER) {
        return refuse(d, "a letter that was sent has not reached anybody yet");
    }
    keep_attempt(d, c, attempt);
    c->simulated |= d->actor.simulated;
    if (attempt->reached) {
        clock_stop(d, c, "first-contact");
        clock_stop(d, c, "transition-contact");
    }
    case_sort(d, c);

    Intake__ContactAttempted *event = MAKE(d, Intake__ContactAttempted, intake__contact_attempted__descriptor);
    event->case_id = c->case_id;
    event->reached = attempt->reached;
    event->channel = attempt->channel;
    event->result = text_of(d, "%s by %s", attempt->reached ? "patient reached" : "tried to reach the patient",
        say_enum(d, &casebus__channel__descriptor, (int)attempt->channel));
    emit(d, &event->base);
    return FAULT_NONE;
}

static int part_of_day(int hour)
{
    return hour < NOON ? 0 : hour < EVENING ? 1 : 2;
}

/* What is still to be done before outreach may end; NULL when it may. One try a day counts, at no fewer than two times
 * of the day. */
static const char *outreach_lacks(struct decision *d, const Intake__Case *c)
{
    unsigned days = 0, parts = 0;
    struct date last = {0};
    bool letter = false;
    for (size_t i = 0; i < c->n_attempts; i++) {
        const Intake__ContactAttempt *attempt = c->attempts[i];
        struct wall_time wall = zone_local(case_zone(d, c), attempt->at_ms).wall;
        if (attempt->reached) {
            return "the patient was reached: record consent or that the patient declined";
        }
        if (attempt->channel == CASEBUS__CHANNEL__CHANNEL_LETTER) {
            letter = letter || days >= TRIES_NEEDED;
        } else {
            days += days == 0 || date_compare(wall.date, last) != 0;
            parts |= 1u << part_of_day(wall.hour);
            last = wall.date;
        }
    }
    if (days < TRIES_NEEDED) {
        return text_of(d, "tries on %d days are needed, there were %u", TRIES_NEEDED, days);
    }
    if ((parts & (parts - 1)) == 0) {
        return "all tries were at one time of the day: try in the morning, afternoon or evening";
    }
    return letter ? NULL : "a letter is to be sent after the tries";
}

/* The referral of a case that ends here. */
static Intake__Referral *referral_of(struct decision *d, const Intake__Case *c)
{
    return touch(d, "referral", c->referral_id);
}

enum fault end_outreach(struct decision *d, Intake__Case *c, const Intake__EndOutreach *cmd)
{
    (void)cmd;
    Intake__Referral *referral = referral_of(d, c);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (c->state != CASE_STATE(OUTREACH)) {
        return refuse(d, "the case is %s, not in outreach", case_word(d, c));
    }
    if (case_critical_work(c) != NULL) {
        return refuse(d, "a critical answer is still open: a clinician must speak with the patient");
    }
    const char *lacks = outreach_lacks(d, c);
    if (lacks != NULL) {
        return refuse(d, "outreach cannot end yet: %s", lacks);
    }
    referral->state = REFERRAL_STATE(FAILED);
    case_end(d, c, CASE_STATE(UNABLE_TO_CONTACT), "unable-to-contact");

    Intake__OutreachEnded *event = MAKE(d, Intake__OutreachEnded, intake__outreach_ended__descriptor);
    event->case_id = c->case_id;
    event->why = "tries on three days and a letter without an answer";
    emit(d, &event->base);
    return FAULT_NONE;
}

/* ---- What the patient says ---- */

static const char *say_consent(struct decision *d, const Intake__Consent *consent)
{
    const char *what = "take part";
    switch (consent->kind) {
    case INTAKE__CONSENT_KIND__CONSENT_KIND_SHARE_FAMILY:
        what = "share with family";
        break;
    case INTAKE__CONSENT_KIND__CONSENT_KIND_SHARE_PROVIDERS:
        what = "share with providers";
        break;
    case INTAKE__CONSENT_KIND__CONSENT_KIND_PARTICIPATION:
    case INTAKE__CONSENT_KIND__CONSENT_KIND_UNSPECIFIED:
    case _INTAKE__CONSENT_KIND_IS_INT_SIZE:
        break;
    }
    return text_of(d, "%s %s", what, consent->granted ? "yes" : "no");
}

/* The latest of a kind holds, so the one before it is replaced; the log keeps both. */
static void keep_consent(struct decision *d, Intake__Case *c, Intake__Consent *consent)
{
    for (size_t i = 0; i < c->n_consents; i++) {
        if (c->consents[i]->kind == consent->kind) {
            c->consents[i] = consent;
            return;
        }
    }
    APPEND(d, c, consents, consent);
}

static Intake__Consent *consent_as_told(struct decision *d, const Intake__Consent *told)
{
    Intake__Consent *consent = copy_of(d, &told->base);
    consent->at_ms = told->at_ms != 0 ? told->at_ms : d->now_ms;
    consent->by = consent->by != NULL ? consent->by : d->actor.id;
    SET(consent, granted, told->granted);
    SET(consent, simulated, d->actor.simulated);
    return consent;
}

enum fault record_consent(struct decision *d, Intake__Case *c, const Intake__RecordConsent *cmd)
{
    if (case_has_ended(c)) {
        return refuse(d, "the case is %s, consent is no longer recorded", case_word(d, c));
    }
    if (c->state == CASE_STATE(IDENTIFIED)) {
        return refuse(d, "the referral is not accepted yet, so nobody has asked the patient");
    }
    for (size_t i = 0; i < cmd->n_consents; i++) {
        if (cmd->consents[i]->at_ms > d->now_ms) {
            return refuse(d, "the consent of %s is in the future", say_when(d, c->zone, cmd->consents[i]->at_ms));
        }
    }
    bool took_part = case_takes_part(c);
    Intake__ConsentRecorded *event = MAKE(d, Intake__ConsentRecorded, intake__consent_recorded__descriptor);
    event->case_id = c->case_id;
    for (size_t i = 0; i < cmd->n_consents; i++) {
        Intake__Consent *consent = consent_as_told(d, cmd->consents[i]);
        keep_consent(d, c, consent);
        APPEND(d, event, consents, consent);
        event->summary = text_of(d, "%s%s%s", i > 0 ? event->summary : "", i > 0 ? ", " : "", say_consent(d, consent));
    }
    emit(d, &event->base);
    c->simulated |= d->actor.simulated;
    clock_stop(d, c, "first-contact"); /* Who answers has been reached. */
    clock_stop(d, c, "transition-contact");
    if (took_part && !case_takes_part(c) && c->state != CASE_STATE(OUTREACH)) {
        work_open(d, c, "consent-withdrawn", ROLE(NURSE), NULL, "the patient withdrew consent to take part");
    }
    case_sort(d, c);
    return FAULT_NONE;
}

enum fault decline_case(struct decision *d, Intake__Case *c, const Intake__DeclineCase *cmd)
{
    Intake__Referral *referral = referral_of(d, c);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (c->state != CASE_STATE(IDENTIFIED) && c->state != CASE_STATE(OUTREACH)) {
        return refuse(
            d, "the case is %s, only one before enrolment is declined; an enrolled one is closed", case_word(d, c));
    }
    if (case_critical_work(c) != NULL) {
        return refuse(d, "a critical answer is still open: a clinician must speak with the patient");
    }
    referral->state = c->state == CASE_STATE(OUTREACH) ? REFERRAL_STATE(FAILED) : REFERRAL_STATE(CANCELLED);
    c->simulated |= d->actor.simulated;
    case_end(d, c, CASE_STATE(DECLINED), "declined");

    Intake__CaseDeclined *event = MAKE(d, Intake__CaseDeclined, intake__case_declined__descriptor);
    event->case_id = c->case_id;
    event->reason = cmd->reason;
    emit(d, &event->base);
    return FAULT_NONE;
}
