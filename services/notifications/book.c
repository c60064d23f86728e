#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/notifications/notifications.h"

#include <string.h>

#define KIND(word) NOTIFICATIONS__RECIPIENT_KIND__RECIPIENT_KIND_##word

/* Ids of the recipients that the service makes itself. */
#define PATIENT_ID    "patient"
#define NURSE_ID      "nurse"
#define SUPERVISOR_ID "supervisor"

enum { EMAIL_BYTES_MAX = 254 }; /* RFC 5321, 4.5.3.1.3, without the angle brackets. */

Notifications__Recipient *find_recipient(const Notifications__ContactBook *book, const char *recipient_id)
{
    for (size_t i = 0; i < book->n_recipients; i++) {
        if (str_same(book->recipients[i]->recipient_id, recipient_id)) {
            return book->recipients[i];
        }
    }
    return NULL;
}

const char *recipient_zone(
    const struct decision *d, const Notifications__ContactBook *book, const Notifications__Recipient *who)
{
    const char *zone = !str_is_empty(who->zone) ? who->zone : book->zone;
    return !str_is_empty(zone) ? zone : d->tenant_zone;
}

bool email_is_usable(const char *address)
{
    size_t ats = 0, size = address ? strlen(address) : 0;
    for (size_t i = 0; i < size; i++) {
        if (address[i] <= ' ' || address[i] > '~' || strchr("<>()[]\\,;:\"", address[i])) {
            return false;
        }
        ats += address[i] == '@';
    }
    return ats == 1 && size <= EMAIL_BYTES_MAX && address[0] != '@' && address[0] != '-' && address[size - 1] != '@';
}

/* ---- Upkeep ---- */

/* The recipient of that id, made where there is room; NULL when the book is full. */
static Notifications__Recipient *require_recipient(
    struct decision *d, Notifications__ContactBook *book, const char *id, Notifications__RecipientKind kind)
{
    Notifications__Recipient *who = find_recipient(book, id);
    if (!who && book->n_recipients < RECIPIENTS_MAX) {
        who = MAKE(d, Notifications__Recipient, notifications__recipient__descriptor);
        who->recipient_id = id;
        APPEND(d, book, recipients, who);
    }
    if (who) {
        who->kind = kind;
    }
    return who;
}

void begin_book(struct decision *d, Notifications__ContactBook *book)
{
    Notifications__Recipient *supervisor = require_recipient(d, book, SUPERVISOR_ID, KIND(SUPERVISOR));
    supervisor->preferred = CASEBUS__CHANNEL__CHANNEL_INBOX;
}

static void take_contacts(Notifications__Recipient *who, Casebus__ContactPoint **contacts, size_t count)
{
    enum { KEPT = 8 };
    who->contacts = contacts;
    who->n_contacts = count < KEPT ? count : KEPT;
    for (size_t i = 0; i < who->n_contacts; i++) {
        if (contacts[i]->preferred) {
            who->preferred = contacts[i]->channel;
        }
    }
}

static void take_patient(
    struct decision *d, Notifications__ContactBook *book, const Intake__PatientFacts *facts, bool simulated)
{
    Notifications__Recipient *who = require_recipient(d, book, PATIENT_ID, KIND(PATIENT));
    if (!who) {
        return;
    }
    who->name = text_of(d, "%s %s", facts->given_name, facts->family_name);
    who->language = facts->language;
    who->simulated = simulated;
    take_contacts(who, facts->contacts, facts->n_contacts);
}

static bool delivers_care(Casebus__Role role)
{
    return role == CASEBUS__ROLE__ROLE_PROVIDER || role == CASEBUS__ROLE__ROLE_PHYSICIAN;
}

static void take_related(struct decision *d, Notifications__ContactBook *book, const Intake__PatientFacts *facts)
{
    for (size_t i = 0; i < facts->n_related; i++) {
        const Intake__RelatedPerson *related = facts->related[i];
        bool provider = delivers_care(related->role);
        const char *id = text_of(d, "%s-%zu", provider ? "provider" : "family", i + 1);
        Notifications__Recipient *who = require_recipient(d, book, id, provider ? KIND(PROVIDER) : KIND(FAMILY));
        if (who) {
            who->name = related->name;
            who->language = related->language;
            take_contacts(who, related->contacts, related->n_contacts);
        }
    }
}

static void take_consent(Notifications__ContactBook *book, Notifications__RecipientKind kind, bool granted)
{
    for (size_t i = 0; i < book->n_recipients; i++) {
        if (book->recipients[i]->kind == kind) {
            SET(book->recipients[i], consented, granted);
        }
    }
}

/* In the order in which they were given: the last word counts. */
static void take_consents(Notifications__ContactBook *book, Intake__Consent **consents, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (consents[i]->kind == INTAKE__CONSENT_KIND__CONSENT_KIND_SHARE_FAMILY) {
            take_consent(book, KIND(FAMILY), consents[i]->granted);
        } else if (consents[i]->kind == INTAKE__CONSENT_KIND__CONSENT_KIND_SHARE_PROVIDERS) {
            take_consent(book, KIND(PROVIDER), consents[i]->granted);
        }
    }
}

static void keep_enrolled(struct decision *d, Notifications__ContactBook *book, const Intake__CaseEnrolled *event)
{
    book->zone = event->zone;
    if (event->patient) {
        book->deceased = event->patient->deceased || !str_is_empty(event->patient->deceased_date);
        take_patient(d, book, event->patient, event->simulated);
        take_related(d, book, event->patient);
    }
    take_consents(book, event->consents, event->n_consents);
}

/* A new case manager takes the place of the former one, whose preferences do not pass on. */
static void keep_manager(struct decision *d, Notifications__ContactBook *book, const Intake__CaseManagerAssigned *event)
{
    Notifications__Recipient *who = require_recipient(d, book, NURSE_ID, KIND(NURSE));
    if (!who) {
        return;
    }
    *who = *MAKE(d, Notifications__Recipient, notifications__recipient__descriptor);
    who->recipient_id = NURSE_ID;
    who->kind = KIND(NURSE);
    who->name = event->name;
    who->zone = d->tenant_zone;
    who->preferred = CASEBUS__CHANNEL__CHANNEL_INBOX;
    if (email_is_usable(event->email)) {
        Casebus__ContactPoint *email = MAKE(d, Casebus__ContactPoint, casebus__contact_point__descriptor);
        email->channel = CASEBUS__CHANNEL__CHANNEL_EMAIL;
        email->value = event->email;
        APPEND(d, who, contacts, email);
    }
}

void keep_book(struct decision *d, Notifications__ContactBook *book, const ProtobufCMessage *event)
{
    if (event->descriptor == &intake__case_enrolled__descriptor) {
        keep_enrolled(d, book, (const Intake__CaseEnrolled *)event);
    } else if (event->descriptor == &intake__case_manager_assigned__descriptor) {
        keep_manager(d, book, (const Intake__CaseManagerAssigned *)event);
    } else if (event->descriptor == &intake__consent_recorded__descriptor) {
        const Intake__ConsentRecorded *recorded = (const Intake__ConsentRecorded *)event;
        take_consents(book, recorded->consents, recorded->n_consents);
    } else if (event->descriptor == &intake__case_closed__descriptor) {
        book->deceased |= str_same(((const Intake__CaseClosed *)event)->code, "died");
    }
}

/* ---- By command ---- */

static bool speaks_for_patient(const struct decision *d)
{
    return d->actor.role == CASEBUS__ROLE__ROLE_PATIENT || d->actor.role == CASEBUS__ROLE__ROLE_REPRESENTATIVE;
}

static bool is_staff(Notifications__RecipientKind kind)
{
    return kind == KIND(NURSE) || kind == KIND(SUPERVISOR);
}

static enum fault check_contacts(struct decision *d, const Notifications__Recipient *who)
{
    for (size_t i = 0; i < who->n_contacts; i++) {
        const Casebus__ContactPoint *contact = who->contacts[i];
        if (contact->channel == CASEBUS__CHANNEL__CHANNEL_EMAIL && !email_is_usable(contact->value)) {
            return refuse(d, "contact %zu of %s is no e-mail address that can be written to", i + 1, who->recipient_id);
        }
    }
    return FAULT_NONE;
}

enum fault set_recipient(struct decision *d, Notifications__ContactBook *book, const Notifications__SetRecipient *cmd)
{
    const Notifications__Recipient *asked = cmd->recipient;
    const Notifications__Recipient *known = find_recipient(book, asked->recipient_id);
    bool told = known && known->consented;
    if (is_new(d, book)) {
        begin_book(d, book);
    }
    if (known && known->kind != asked->kind) {
        return refuse(d, "%s is a %s of this case", asked->recipient_id,
            say_enum(d, &notifications__recipient_kind__descriptor, known->kind));
    }
    if (speaks_for_patient(d) && is_staff(asked->kind)) {
        return refuse(d, "only staff can say how %s is told", asked->recipient_id);
    }
    if (d->actor.role == CASEBUS__ROLE__ROLE_REPRESENTATIVE && asked->consented && !told) {
        return refuse(d, "only the patient can allow that %s is told", asked->recipient_id);
    }
    if (!known && book->n_recipients >= RECIPIENTS_MAX) {
        return refuse(d, "the case has %d recipients, which is the most", RECIPIENTS_MAX);
    }
    enum fault fault = check_contacts(d, asked);
    if (fault != FAULT_NONE) {
        return fault;
    }
    Notifications__Recipient *who = require_recipient(d, book, asked->recipient_id, asked->kind);
    int64_t stopped_at_ms = who->stopped ? who->stopped_at_ms : 0;
    bool lifted = speaks_for_patient(d) && !asked->stopped;
    bool stopped = asked->stopped || (who->stopped && !lifted);
    *who = *(const Notifications__Recipient *)copy_of(d, &asked->base);
    SET(who, stopped, stopped);
    SET(who, stopped_at_ms, !stopped ? 0 : stopped_at_ms ? stopped_at_ms : d->now_ms);
    SET(who, simulated, d->actor.simulated);
    return FAULT_NONE;
}

enum fault stop_messages(struct decision *d, Notifications__ContactBook *book, const Notifications__StopMessages *cmd)
{
    Notifications__Recipient *who = find_recipient(book, cmd->recipient_id);
    if (!who) {
        return refuse_missing(d, "nobody called %s is told of this case", cmd->recipient_id);
    }
    if (speaks_for_patient(d) && is_staff(who->kind)) {
        return refuse(d, "only staff can stop messages to %s", cmd->recipient_id);
    }
    if (who->stopped) {
        return FAULT_NONE;
    }
    SET(who, stopped, true);
    who->stopped_at_ms = d->now_ms;
    Notifications__MessagesStopped *event =
        MAKE(d, Notifications__MessagesStopped, notifications__messages_stopped__descriptor);
    event->case_id = book->case_id;
    event->recipient_id = who->recipient_id;
    event->recipient = say_enum(d, &notifications__recipient_kind__descriptor, who->kind);
    emit(d, &event->base);
    return FAULT_NONE;
}
