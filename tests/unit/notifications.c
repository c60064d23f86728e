/* Rules of notifications, on the texts of seeds/. "Now" is Sat 2026-11-21 22:00 in New York: quiet hours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/contract/contract.h"
#include "common/contract/field.h"
#include "common/contract/guard.h"
#include "common/core/instant.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "services/notifications/notifications.h"
#include "tests/support/rules.h"

#define CASE "001-case"
#define LANE "channel/demo/email"

#define STATE(word)   NOTIFICATIONS__NOTICE_STATE__NOTICE_STATE_##word
#define BECAUSE(word) NOTIFICATIONS__SUPPRESSION__SUPPRESSION_##word

static const struct actor SYSTEM = {"intake", CASEBUS__ROLE__ROLE_SYSTEM, false};
static const struct actor NURSE = {"n1", CASEBUS__ROLE__ROLE_NURSE, false};
static const struct actor PATIENT = {"p1", CASEBUS__ROLE__ROLE_PATIENT, false};
static const struct actor REPRESENTATIVE = {"r1", CASEBUS__ROLE__ROLE_REPRESENTATIVE, false};

static int64_t at(const char *instant)
{
    int64_t at_ms = 0;
    assert_true(instant_parse(instant, &at_ms));
    return at_ms;
}

static int begin(void **state)
{
    static struct rules r;
    rules_begin(&r, &NOTIFICATIONS);
    rules_load_references(&r, "seeds");
    r.root = CASE;
    r.now_ms = at("2026-11-21T15:00:00Z"); /* 10:00 in New York. */
    *state = &r;
    return 0;
}

static int done(void **state)
{
    rules_done(*state);
    return 0;
}

static enum fault react(struct rules *r, const char *subject, const char *json)
{
    r->root = CASE;
    r->actor = SYSTEM;
    return rules_react(r, rules_json(r, subject, json));
}

static enum fault command(struct rules *r, struct actor actor, const char *subject, const char *json)
{
    r->actor = actor;
    return rules_command(r, rules_json(r, subject, json));
}

/* A patient, a daughter and a clinic. `contacts` are the patient's. */
static void enrol(struct rules *r, const char *contacts, const char *consents)
{
    char json[2400];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"programme\":\"heart-failure\",\"programmeName\":\"Heart Care\",\"zone\":\"America/New_York\","
        "\"consents\":[%s],\"patient\":{\"familyName\":\"Doe\",\"givenName\":\"Jane\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\","
        "\"language\":\"es-US\",\"contacts\":[%s],\"related\":["
        "{\"name\":\"Maria Doe\",\"relationship\":\"daughter\",\"language\":\"en\",\"contacts\":[{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"maria@example.org\"}]},"
        "{\"name\":\"Lakeside Clinic\",\"role\":\"ROLE_PROVIDER\",\"contacts\":[{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"desk@example.org\"}]}]}}",
        consents, contacts);
    assert_int_equal(react(r, "intake.CaseEnrolled", json), FAULT_NONE);
}

#define BY_EMAIL   "{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"jane@example.org\",\"preferred\":true}"
#define FAMILY_MAY "{\"kind\":\"CONSENT_KIND_SHARE_FAMILY\",\"granted\":true}"
#define CLINIC_MAY "{\"kind\":\"CONSENT_KIND_SHARE_PROVIDERS\",\"granted\":true}"

static const Notifications__ContactBook *book(struct rules *r)
{
    return rules_state(r, "notifications", "contact_book", CASE);
}

static const Notifications__NoticeList *list(struct rules *r, struct actor actor, const char *recipient)
{
    char json[200];
    snprintf(json, sizeof json,
        recipient ? "{\"caseId\":\"" CASE "\",\"recipientId\":\"%s\"}" : "{\"caseId\":\"" CASE "\"}", recipient);
    r->actor = actor;
    assert_int_equal(rules_query(r, rules_json(r, "notifications.ListNotices", json)), FAULT_NONE);
    return rules_reply(r);
}

/* The latest notice of a recipient, which lives as long as the world. */
static const Notifications__Notice *latest(struct rules *r, const char *recipient)
{
    const Notifications__NoticeList *notices = list(r, NURSE, recipient);
    assert_true(notices->n_notices > 0);
    return (const Notifications__Notice *)contract_copy(&notices->notices[notices->n_notices - 1]->base, &r->world);
}

static enum fault answer(struct rules *r, const char *notice_id, const char *json)
{
    r->actor = SYSTEM;
    return rules_answer(r, "notice", notice_id, rules_json(r, "notifications.SendAnswer", json));
}

static enum fault propose_plan(struct rules *r)
{
    return react(r, "planning.PlanProposed", "{\"caseId\":\"" CASE "\",\"planId\":\"p\"}");
}

/* ---- Who ---- */

static void the_book_is_made_of_what_enrolment_knows(void **state)
{
    struct rules *r = *state;
    enrol(r, BY_EMAIL, FAMILY_MAY);
    assert_int_equal(book(r)->n_recipients, 4);
    assert_string_equal(find_recipient(book(r), "patient")->name, "Jane Doe");
    assert_int_equal(find_recipient(book(r), "patient")->preferred, CASEBUS__CHANNEL__CHANNEL_EMAIL);
    assert_true(find_recipient(book(r), "family-1")->consented);
    assert_false(find_recipient(book(r), "provider-2")->consented);
    assert_non_null(find_recipient(book(r), "supervisor"));
}

static void family_and_clinic_are_told_only_with_consent(void **state)
{
    struct rules *r = *state;
    enrol(r, "", "");
    assert_int_equal(latest(r, "family-1")->suppression, BECAUSE(NO_CONSENT));
    assert_int_equal(latest(r, "provider-2")->suppression, BECAUSE(NO_CONSENT));
    assert_string_equal(latest(r, "family-1")->why, "the patient has not allowed it");
    assert_int_equal(
        react(r, "intake.ConsentRecorded", "{\"caseId\":\"" CASE "\",\"consents\":[" FAMILY_MAY "]}"), FAULT_NONE);
    assert_int_equal(react(r, "intake.CaseClosed", "{\"caseId\":\"" CASE "\",\"code\":\"moved\"}"), FAULT_NONE);
    assert_int_equal(latest(r, "family-1")->state, STATE(QUEUED));
    assert_int_equal(latest(r, "provider-2")->suppression, BECAUSE(NO_CONSENT));
    assert_int_equal(react(r, "intake.ConsentRecorded",
                         "{\"caseId\":\"" CASE "\",\"consents\":[" FAMILY_MAY
                         ",{\"kind\":\"CONSENT_KIND_SHARE_FAMILY\",\"granted\":false}]}"),
        FAULT_NONE);
    assert_false(find_recipient(book(r), "family-1")->consented);
}

static void suppression_is_told_with_its_reason(void **state)
{
    struct rules *r = *state;
    enrol(r, "", "");
    const Notifications__NoticeSuppressed *event = rules_event(r, "notifications.NoticeSuppressed");
    assert_int_equal(event->suppression, BECAUSE(NO_CONSENT));
    assert_string_equal(event->recipient, "family Maria Doe");
    assert_int_equal(rules_event_count(r, "notifications.NoticeSuppressed"), 2);
    assert_int_equal(rules_task_count(r, "notifications.SendQuestion"), 0);
}

static void a_new_case_manager_takes_the_place_of_the_former(void **state)
{
    struct rules *r = *state;
    enrol(r, BY_EMAIL, "");
    assert_int_equal(
        react(r, "intake.CaseManagerAssigned",
            "{\"caseId\":\"" CASE "\",\"name\":\"Ann Lee\",\"email\":\"ann@example.org\",\"why\":\"room\"}"),
        FAULT_NONE);
    assert_string_equal(find_recipient(book(r), "nurse")->contacts[0]->value, "ann@example.org");
    assert_int_equal(latest(r, "nurse")->channel, CASEBUS__CHANNEL__CHANNEL_INBOX);
    assert_int_equal(
        command(r, NURSE, "notifications.StopMessages", "{\"caseId\":\"" CASE "\",\"recipientId\":\"nurse\"}"),
        FAULT_NONE);
    assert_int_equal(react(r, "intake.CaseManagerAssigned",
                         "{\"caseId\":\"" CASE "\",\"name\":\"Bo Ek\",\"email\":\"bad address\",\"why\":\"room\"}"),
        FAULT_NONE);
    assert_string_equal(find_recipient(book(r), "nurse")->name, "Bo Ek");
    assert_int_equal(find_recipient(book(r), "nurse")->n_contacts, 0);
    assert_false(find_recipient(book(r), "nurse")->stopped);
    assert_int_equal(book(r)->n_recipients, 5);
}

static void nobody_near_a_dead_patient_is_written_to(void **state)
{
    struct rules *r = *state;
    enrol(r, BY_EMAIL, FAMILY_MAY "," CLINIC_MAY);
    assert_int_equal(react(r, "intake.CaseClosed", "{\"caseId\":\"" CASE "\",\"code\":\"died\"}"), FAULT_NONE);
    assert_int_equal(latest(r, "patient")->suppression, BECAUSE(DECEASED));
    assert_int_equal(latest(r, "family-1")->suppression, BECAUSE(DECEASED));
    assert_int_equal(latest(r, "provider-2")->state, STATE(QUEUED));
}

static void an_event_before_enrolment_reaches_the_supervisor(void **state)
{
    struct rules *r = *state;
    assert_int_equal(
        react(r, "intake.CriticalAnswerGiven", "{\"caseId\":\"" CASE "\",\"instrumentName\":\"PHQ-9\"}"), FAULT_NONE);
    assert_int_equal(latest(r, "supervisor")->state, STATE(DELIVERED));
    enrol(r, "", "");
    assert_int_equal(book(r)->n_recipients, 4);
}

static void an_event_without_a_case_is_refused(void **state)
{
    struct rules *r = *state;
    assert_int_equal(react(r, "planning.PlanProposed", "{\"planId\":\"p\"}"), FAULT_REFUSED);
}

/* ---- By which channel, in which language ---- */

static void the_way_to_a_patient_follows_preference_and_says_why_not(void **state)
{
    struct rules *r = *state;
    static const struct {
        const char *name, *contacts;
        Casebus__Channel channel;
        const char *why;
    } ROWS[] = {
        {"e-mail preferred", BY_EMAIL, CASEBUS__CHANNEL__CHANNEL_EMAIL, NULL},
        {"nothing preferred, an address", "{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"j@example.org\"}",
            CASEBUS__CHANNEL__CHANNEL_EMAIL, NULL},
        {"nothing known", "", CASEBUS__CHANNEL__CHANNEL_INBOX, NULL},
        {"inbox preferred",
            "{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"j@example.org\"},{\"channel\":\"CHANNEL_INBOX\",\"value\":\"x\",\"preferred\":true}",
            CASEBUS__CHANNEL__CHANNEL_INBOX, NULL},
        {"phone preferred, no address", "{\"channel\":\"CHANNEL_PHONE\",\"value\":\"555\",\"preferred\":true}",
            CASEBUS__CHANNEL__CHANNEL_INBOX, "nothing sends by phone: told in the inbox"},
        {"text message preferred, an address",
            "{\"channel\":\"CHANNEL_SMS\",\"value\":\"555\",\"preferred\":true},{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"j@example.org\"}",
            CASEBUS__CHANNEL__CHANNEL_EMAIL, "nothing sends by sms: told by e-mail"},
        {"an address that breaks headers",
            "{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"j@example.org,k@example.org\",\"preferred\":true}",
            CASEBUS__CHANNEL__CHANNEL_INBOX, "no usable e-mail address is known: told in the inbox"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        print_message("  %s\n", ROWS[i].name);
        done(state);
        begin(state);
        enrol(r, ROWS[i].contacts, "");
        assert_int_equal(latest(r, "patient")->channel, ROWS[i].channel);
        assert_true(str_same(latest(r, "patient")->why, ROWS[i].why));
    }
}

static void family_without_an_address_is_not_told_and_it_is_said(void **state)
{
    struct rules *r = *state;
    enrol(r, "", FAMILY_MAY);
    assert_int_equal(
        command(r, NURSE, "notifications.SetRecipient",
            "{\"caseId\":\"" CASE
            "\",\"recipient\":{\"recipientId\":\"family-1\",\"kind\":\"RECIPIENT_KIND_FAMILY\",\"consented\":true,"
            "\"contacts\":[{\"channel\":\"CHANNEL_PHONE\",\"value\":\"555\"}]}}"),
        FAULT_NONE);
    assert_int_equal(react(r, "intake.CaseClosed", "{\"caseId\":\"" CASE "\",\"code\":\"moved\"}"), FAULT_NONE);
    assert_int_equal(latest(r, "family-1")->suppression, BECAUSE(NO_ADDRESS));
}

static void texts_come_in_the_recipients_language_or_in_english(void **state)
{
    struct rules *r = *state;
    enrol(r, "", FAMILY_MAY);
    assert_string_equal(latest(r, "patient")->subject, "Bienvenido a Heart Care");
    assert_string_equal(latest(r, "family-1")->subject, "A nurse now helps your family member");
    assert_int_equal(
        command(r, PATIENT, "notifications.SetRecipient",
            "{\"caseId\":\"" CASE
            "\",\"recipient\":{\"recipientId\":\"patient\",\"kind\":\"RECIPIENT_KIND_PATIENT\",\"language\":\"vi\"}}"),
        FAULT_NONE);
    assert_int_equal(propose_plan(r), FAULT_NONE);
    assert_string_equal(latest(r, "patient")->language, "en");
}

static void times_are_said_in_the_zone_and_language_of_the_reader(void **state)
{
    struct rules *r = *state;
    enrol(r, "", FAMILY_MAY);
    char json[300];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE "\",\"title\":\"Visita\",\"with\":\"Dr. Ng\",\"startAtMs\":\"%lld\"}",
        (long long)at("2026-12-01T14:30:00Z"));
    assert_int_equal(react(r, "scheduling.AppointmentBooked", json), FAULT_NONE);
    assert_string_equal(latest(r, "patient")->body,
        "Visita: su cita es el martes 1 de diciembre de 2026, 9:30 a. m., con Dr. Ng. Si no puede venir, llame al 1-800-555-0100.");
    assert_string_equal(latest(r, "family-1")->body,
        "Visita is booked for Tuesday, December 1, 2026 at 9:30 AM with Dr. Ng. If you can not come, please call 1-800-555-0100.");
    assert_string_equal(latest(r, "family-1")->open_body,
        "Casebus Care: You have a message about an appointment on Tuesday, December 1, 2026 at 9:30 AM. Questions? Call 1-800-555-0100. To get no more e-mails, call us.");
}

static void a_denial_tells_of_the_right_to_appeal_and_its_last_day(void **state)
{
    struct rules *r = *state;
    char json[400];
    enrol(r, "", "");
    assert_int_equal(
        command(r, PATIENT, "notifications.SetRecipient",
            "{\"caseId\":\"" CASE
            "\",\"recipient\":{\"recipientId\":\"patient\",\"kind\":\"RECIPIENT_KIND_PATIENT\",\"language\":\"en\"}}"),
        FAULT_NONE);
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"title\":\"home visits\",\"payerName\":\"Acme\",\"result\":\"denied\",\"state\":\"AUTHORIZATION_STATE_DENIED\","
        "\"reason\":\"no need was shown.\",\"appealUntilMs\":\"%lld\"}",
        (long long)at("2027-01-21T04:59:59Z"));
    assert_int_equal(react(r, "claims.AuthorizationDecided", json), FAULT_NONE);
    const char *body = latest(r, "patient")->body;
    assert_non_null(strstr(body, "You have the right to appeal."));
    assert_non_null(strstr(body, "You must ask by Wednesday, January 20, 2027."));
    assert_non_null(strstr(body, "Why: no need was shown."));
}

static void a_rule_holds_only_when_its_field_has_the_value(void **state)
{
    struct rules *r = *state;
    enrol(r, "", "");
    const char *overdue = "{\"caseId\":\"" CASE "\",\"title\":\"call\",\"level\":%u,\"told\":\"x\"}";
    static const size_t NOTICES[] = {0, 1, 2};
    for (unsigned level = 1; level <= 3; level++) {
        char json[200];
        snprintf(json, sizeof json, overdue, level);
        r->now_ms += 2 * HOUR_MS;
        assert_int_equal(react(r, "planning.InterventionOverdue", json), FAULT_NONE);
        assert_int_equal(list(r, NURSE, "supervisor")->n_notices, NOTICES[level - 1]);
    }
}

/* ---- When ---- */

static void quiet_hours_end_at_the_clock_on_the_wall(void **state)
{
    (void)state;
    Notifications__NoticeRules rules = NOTIFICATIONS__NOTICE_RULES__INIT;
    static const struct {
        const char *name, *zone, *from, *to, *now, *then;
    } ROWS[] = {
        {"day", "America/New_York", "21:00", "08:00", "2026-11-21T15:00:00Z", "2026-11-21T15:00:00Z"},
        {"one minute before", "America/New_York", "21:00", "08:00", "2026-11-22T01:59:59Z", "2026-11-22T01:59:59Z"},
        {"the first minute", "America/New_York", "21:00", "08:00", "2026-11-22T02:00:00Z", "2026-11-22T13:00:00Z"},
        {"after midnight", "America/New_York", "21:00", "08:00", "2026-11-22T06:00:00Z", "2026-11-22T13:00:00Z"},
        {"the last minute", "America/New_York", "21:00", "08:00", "2026-11-22T12:59:59Z", "2026-11-22T13:00:00Z"},
        {"the end", "America/New_York", "21:00", "08:00", "2026-11-22T13:00:00Z", "2026-11-22T13:00:00Z"},
        {"night in which clocks go back", "America/New_York", "21:00", "08:00", "2026-11-01T02:00:00Z",
            "2026-11-01T13:00:00Z"},
        {"night in which clocks go forward", "America/New_York", "21:00", "08:00", "2026-03-08T03:00:00Z",
            "2026-03-08T12:00:00Z"},
        {"an end that the clocks skip", "America/New_York", "21:00", "02:30", "2026-03-08T03:00:00Z",
            "2026-03-08T07:30:00Z"},
        {"another zone", "America/Los_Angeles", "21:00", "08:00", "2026-11-22T03:00:00Z", "2026-11-22T03:00:00Z"},
        {"within one day", "UTC", "12:00", "14:00", "2026-11-22T13:00:00Z", "2026-11-22T14:00:00Z"},
        {"none", "UTC", "12:00", "12:00", "2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z"},
        {"unknown zone", "Mars/Olympus", "21:00", "08:00", "2026-11-22T22:00:00Z", "2026-11-23T08:00:00Z"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        print_message("  %s\n", ROWS[i].name);
        rules.quiet_from = ROWS[i].from;
        rules.quiet_to = ROWS[i].to;
        assert_int_equal(end_of_quiet(&rules, ROWS[i].zone, at(ROWS[i].now)), at(ROWS[i].then));
    }
}

static void an_email_waits_for_the_morning_and_the_inbox_does_not(void **state)
{
    struct rules *r = *state;
    r->now_ms = at("2026-11-22T03:00:00Z");
    enrol(r, BY_EMAIL, "");
    const char *id = latest(r, "patient")->notice_id;
    assert_int_equal(latest(r, "patient")->state, STATE(WAITING));
    assert_int_equal(latest(r, "patient")->send_at_ms, at("2026-11-22T13:00:00Z"));
    assert_int_equal(
        react(r, "intake.CaseManagerAssigned", "{\"caseId\":\"" CASE "\",\"name\":\"Ann Lee\"}"), FAULT_NONE);
    assert_int_equal(latest(r, "nurse")->state, STATE(DELIVERED));
    r->now_ms = at("2026-11-22T13:00:00Z");
    assert_int_equal(rules_timer(r, "notice", id, "send", r->now_ms), FAULT_NONE);
    assert_int_equal(rules_task_count(r, "notifications.SendQuestion"), 1);
    assert_string_equal(rules_task(r, "notifications.SendQuestion")->lane, LANE);
    assert_int_equal(rules_timer(r, "notice", id, "send", r->now_ms), FAULT_NONE);
    assert_int_equal(rules_task_count(r, "notifications.SendQuestion"), 0);
}

static void a_critical_answer_passes_quiet_hours_and_is_never_a_duplicate(void **state)
{
    struct rules *r = *state;
    r->now_ms = at("2026-11-22T03:10:00Z");
    enrol(r, "", "");
    assert_int_equal(react(r, "intake.CaseManagerAssigned",
                         "{\"caseId\":\"" CASE "\",\"name\":\"Ann Lee\",\"email\":\"ann@example.org\"}"),
        FAULT_NONE);
    assert_int_equal(
        command(r, NURSE, "notifications.SetRecipient",
            "{\"caseId\":\"" CASE
            "\",\"recipient\":{\"recipientId\":\"nurse\",\"kind\":\"RECIPIENT_KIND_NURSE\",\"preferred\":\"CHANNEL_EMAIL\","
            "\"contacts\":[{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"ann@example.org\"}]}}"),
        FAULT_NONE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            react(r, "intake.CriticalAnswerGiven", "{\"caseId\":\"" CASE "\",\"instrumentName\":\"PHQ-9\"}"),
            FAULT_NONE);
        assert_int_equal(rules_task_count(r, "notifications.SendQuestion"), 1);
        assert_int_equal(latest(r, "supervisor")->state, STATE(DELIVERED));
    }
}

static void a_reminder_after_the_visit_stays_in_the_inbox_or_is_not_sent(void **state)
{
    struct rules *r = *state;
    char json[300];
    r->now_ms = at("2026-11-22T03:00:00Z");
    enrol(r, BY_EMAIL, FAMILY_MAY);
    snprintf(json, sizeof json, "{\"caseId\":\"" CASE "\",\"title\":\"Visita\",\"startAtMs\":\"%lld\"}",
        (long long)at("2026-11-22T12:00:00Z"));
    assert_int_equal(react(r, "scheduling.ReminderDue", json), FAULT_NONE);
    assert_int_equal(latest(r, "patient")->state, STATE(DELIVERED));
    assert_int_equal(latest(r, "patient")->channel, CASEBUS__CHANNEL__CHANNEL_INBOX);
    assert_int_equal(latest(r, "family-1")->suppression, BECAUSE(TOO_LATE));
}

static void the_same_words_are_told_once_an_hour(void **state)
{
    struct rules *r = *state;
    enrol(r, "", "");
    assert_int_equal(propose_plan(r), FAULT_NONE);
    assert_int_equal(latest(r, "patient")->state, STATE(DELIVERED));
    r->now_ms += 59 * MINUTE_MS;
    assert_int_equal(propose_plan(r), FAULT_NONE);
    assert_int_equal(latest(r, "patient")->suppression, BECAUSE(DUPLICATE));
    r->now_ms += 1 * MINUTE_MS;
    assert_int_equal(propose_plan(r), FAULT_NONE);
    assert_int_equal(latest(r, "patient")->state, STATE(DELIVERED));
}

/* ---- Once ---- */

static void the_same_event_again_finds_its_notices(void **state)
{
    struct rules *r = *state;
    r->command_id = "record-7";
    enrol(r, BY_EMAIL, "");
    size_t count = list(r, NURSE, NULL)->n_notices;
    r->command_id = "record-7";
    enrol(r, BY_EMAIL, "");
    assert_int_equal(r->d->event_count, 0);
    assert_int_equal(r->d->task_count, 0);
    assert_int_equal(list(r, NURSE, NULL)->n_notices, count);
    r->command_id = NULL;
}

/* A record with as many events as there can be, for as many people as there can be. */
static void a_record_full_of_events_never_asks_for_more_than_a_decision_holds(void **state)
{
    struct rules *r = *state;
    struct reacted events[DECISION_EVENTS_MAX];
    enrol(r, BY_EMAIL, "");
    for (int i = 0; i < RECIPIENTS_MAX - 4; i++) {
        char json[400];
        snprintf(json, sizeof json,
            "{\"caseId\":\"" CASE
            "\",\"recipient\":{\"recipientId\":\"more-%d\",\"kind\":\"RECIPIENT_KIND_FAMILY\",\"consented\":true,"
            "\"contacts\":[{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"f%d@example.org\"}]}}",
            i, i);
        assert_int_equal(command(r, NURSE, "notifications.SetRecipient", json), FAULT_NONE);
    }
    assert_int_equal(command(r, NURSE, "notifications.SetRecipient",
                         "{\"caseId\":\"" CASE
                         "\",\"recipient\":{\"recipientId\":\"one-more\",\"kind\":\"RECIPIENT_KIND_FAMILY\"}}"),
        FAULT_REFUSED);
    for (size_t i = 0; i < DECISION_EVENTS_MAX; i++) {
        char json[200];
        snprintf(json, sizeof json, "{\"caseId\":\"" CASE "\",\"title\":\"visit %zu\",\"by\":\"clinic\"}", i);
        events[i] = (struct reacted){.event = rules_json(r, "scheduling.AppointmentCancelled", json)};
        events[i].row = service_reaction(&NOTIFICATIONS, events[i].event->descriptor);
    }
    struct arena arena;
    arena_init(&arena, 0);
    struct decision *d = decide_new(&arena, &NOTIFICATIONS);
    d->tenant = "demo";
    d->tenant_zone = "America/New_York";
    d->root = CASE;
    d->command_id = "record-8";
    d->now_ms = r->now_ms;
    d->reference = r->reference;
    struct packed packed_book = contract_pack(&book(r)->base, &arena);
    while (decide_record(d, events, DECISION_EVENTS_MAX) == FAULT_WANT) {
        for (size_t i = 0; i < d->known_count; i++) {
            bool is_book = str_same(d->known[i].kind, "contact_book");
            if (!d->known[i].loaded) {
                assert_int_equal(decide_give(d, &d->known[i], is_book ? packed_book.data : NULL,
                                     is_book ? packed_book.size : 0, is_book, is_book),
                    FAULT_NONE);
            }
        }
    }
    size_t sent = 0, later = 0;
    for (size_t i = 0; i < d->task_count; i++) {
        sent += str_same(d->tasks[i].subject, "notifications.SendQuestion");
        later += str_same(d->tasks[i].subject, "notifications.PlanNotices");
    }
    assert_int_equal(sent, RECIPIENTS_MAX - 3); /* The patient and the family that may be told. */
    assert_int_equal(later, DECISION_EVENTS_MAX - 1);
    r->actor = SYSTEM;
    assert_int_equal(rules_command(r, d->tasks[d->task_count - 1].body), FAULT_NONE);
    assert_int_equal(rules_task_count(r, "notifications.SendQuestion"), RECIPIENTS_MAX - 3);
    assert_string_equal(latest(r, "more-0")->subject, "Your visit is cancelled: visit 31");
    arena_done(&arena);
}

static void the_ledger_keeps_the_newest(void **state)
{
    struct rules *r = *state;
    enrol(r, "", "");
    for (int i = 0; i < LEDGER_NOTICES_MAX + 5; i++) {
        char json[200];
        snprintf(json, sizeof json, "{\"caseId\":\"" CASE "\",\"title\":\"visit %d\"}", i);
        assert_int_equal(react(r, "scheduling.AppointmentMissed", json), FAULT_NONE);
    }
    const Notifications__NoticeList *notices = list(r, NURSE, NULL);
    assert_int_equal(notices->n_notices, LEDGER_NOTICES_MAX);
    assert_int_equal(notices->older, 5 + 3); /* Those of enrolment too. */
}

/* ---- What the channel answers ---- */

static void an_accepted_email_is_sent(void **state)
{
    struct rules *r = *state;
    enrol(r, BY_EMAIL, "");
    const char *id = latest(r, "patient")->notice_id;
    assert_int_equal(answer(r, id, "{\"outcome\":\"SEND_OUTCOME_ACCEPTED\"}"), FAULT_NONE);
    assert_non_null(rules_event(r, "notifications.NoticeDelivered"));
    assert_int_equal(latest(r, "patient")->state, STATE(SENT));
    assert_int_equal(answer(r, id, "{\"outcome\":\"SEND_OUTCOME_PERMANENT\"}"), FAULT_NONE);
    assert_int_equal(latest(r, "patient")->state, STATE(SENT));
}

static void a_temporary_failure_is_tried_five_times_ever_later(void **state)
{
    struct rules *r = *state;
    static const int64_t MINUTES[] = {5, 15, 60, 240};
    enrol(r, BY_EMAIL, "");
    const char *id = latest(r, "patient")->notice_id;
    for (size_t i = 0; i < TRIES_MAX - 1; i++) {
        assert_int_equal(
            answer(r, id, "{\"outcome\":\"SEND_OUTCOME_TEMPORARY\",\"code\":451,\"detail\":\"try later\"}"),
            FAULT_NONE);
        assert_int_equal(latest(r, "patient")->state, STATE(WAITING));
        assert_int_equal(latest(r, "patient")->send_at_ms, r->now_ms + MINUTES[i] * MINUTE_MS);
        r->now_ms = latest(r, "patient")->send_at_ms;
        assert_int_equal(rules_timer(r, "notice", id, "send", r->now_ms), FAULT_NONE);
        const Notifications__SendQuestion *question = rules_told(r, "notifications.SendQuestion");
        assert_string_equal(question->message_id, id);
    }
    assert_int_equal(
        answer(r, id, "{\"outcome\":\"SEND_OUTCOME_TEMPORARY\",\"code\":451,\"detail\":\"try later\"}"), FAULT_NONE);
    const Notifications__NoticeFailed *failed = rules_event(r, "notifications.NoticeFailed");
    assert_string_equal(failed->why, "5 tries: try later (451)");
    assert_string_equal(failed->next, "call, or write a letter");
    assert_int_equal(latest(r, "patient")->state, STATE(UNREACHABLE));
}

static void the_next_try_keeps_quiet_hours(void **state)
{
    struct rules *r = *state;
    r->now_ms = at("2026-11-22T01:58:00Z");
    enrol(r, BY_EMAIL, "");
    assert_int_equal(
        answer(r, latest(r, "patient")->notice_id, "{\"outcome\":\"SEND_OUTCOME_TEMPORARY\"}"), FAULT_NONE);
    assert_int_equal(latest(r, "patient")->send_at_ms, at("2026-11-22T13:00:00Z"));
}

static void what_failed_or_is_unknown_is_never_sent_again_and_becomes_work(void **state)
{
    struct rules *r = *state;
    static const struct {
        const char *outcome;
        Notifications__NoticeState state;
    } ROWS[] = {{"SEND_OUTCOME_PERMANENT", STATE(UNREACHABLE)}, {"SEND_OUTCOME_UNKNOWN", STATE(UNKNOWN)}};
    for (size_t i = 0; i < 2; i++) {
        char json[100];
        done(state);
        begin(state);
        enrol(r, BY_EMAIL, "");
        snprintf(json, sizeof json, "{\"outcome\":\"%s\"}", ROWS[i].outcome);
        const char *id = latest(r, "patient")->notice_id;
        assert_int_equal(answer(r, id, json), FAULT_NONE);
        assert_int_equal(r->d->task_count, 0);
        assert_int_equal(r->d->timer_count, 0);
        const Notifications__NoticeFailed *failed = rules_event(r, "notifications.NoticeFailed");
        assert_non_null(failed);
        assert_int_equal(
            react(r, "notifications.NoticeFailed",
                "{\"caseId\":\"" CASE
                "\",\"recipient\":\"patient\",\"channel\":\"e-mail\",\"why\":\"x\",\"next\":\"call\",\"subject\":\"s\"}"),
            FAULT_NONE);
        assert_int_equal(latest(r, "supervisor")->state, STATE(DELIVERED));
        assert_int_equal(latest(r, "patient")->state, ROWS[i].state);
        assert_int_equal(rules_timer(r, "notice", id, "send", r->now_ms), FAULT_NONE);
        assert_int_equal(r->d->task_count, 0);
    }
}

/* ---- STOP ---- */

static void stop_is_honoured_at_once_also_by_what_waits(void **state)
{
    struct rules *r = *state;
    r->now_ms = at("2026-11-22T03:00:00Z");
    enrol(r, BY_EMAIL, FAMILY_MAY);
    const char *patients = latest(r, "patient")->notice_id, *familys = latest(r, "family-1")->notice_id;
    assert_int_equal(latest(r, "family-1")->state, STATE(WAITING));
    assert_int_equal(command(r, REPRESENTATIVE, "notifications.StopMessages",
                         "{\"caseId\":\"" CASE "\",\"recipientId\":\"family-1\",\"words\":\"STOP\"}"),
        FAULT_NONE);
    assert_non_null(rules_event(r, "notifications.MessagesStopped"));
    assert_int_equal(
        command(r, PATIENT, "notifications.StopMessages", "{\"caseId\":\"" CASE "\",\"recipientId\":\"patient\"}"),
        FAULT_NONE);
    assert_int_equal(
        command(r, PATIENT, "notifications.StopMessages", "{\"caseId\":\"" CASE "\",\"recipientId\":\"patient\"}"),
        FAULT_NONE);
    assert_int_equal(r->d->event_count, 0);
    r->now_ms = at("2026-11-22T13:00:00Z");
    assert_int_equal(rules_timer(r, "notice", familys, "send", r->now_ms), FAULT_NONE);
    assert_int_equal(r->d->task_count, 0);
    assert_int_equal(latest(r, "family-1")->suppression, BECAUSE(STOPPED));
    assert_int_equal(rules_timer(r, "notice", patients, "send", r->now_ms), FAULT_NONE);
    assert_int_equal(r->d->task_count, 0);
    assert_int_equal(latest(r, "patient")->state, STATE(DELIVERED));
    assert_int_equal(latest(r, "patient")->channel, CASEBUS__CHANNEL__CHANNEL_INBOX);
}

static void a_stop_is_lifted_only_by_who_gave_it(void **state)
{
    struct rules *r = *state;
    const char *set =
        "{\"caseId\":\"" CASE
        "\",\"recipient\":{\"recipientId\":\"patient\",\"kind\":\"RECIPIENT_KIND_PATIENT\",\"contacts\":[" BY_EMAIL
        "]}}";
    enrol(r, BY_EMAIL, "");
    assert_int_equal(
        command(r, NURSE, "notifications.StopMessages", "{\"caseId\":\"" CASE "\",\"recipientId\":\"patient\"}"),
        FAULT_NONE);
    assert_int_equal(command(r, NURSE, "notifications.SetRecipient", set), FAULT_NONE);
    assert_true(find_recipient(book(r), "patient")->stopped);
    assert_true(find_recipient(book(r), "patient")->stopped_at_ms > 0);
    assert_int_equal(command(r, PATIENT, "notifications.SetRecipient", set), FAULT_NONE);
    assert_false(find_recipient(book(r), "patient")->stopped);
}

static void consent_withdrawn_while_it_waits_holds(void **state)
{
    struct rules *r = *state;
    r->now_ms = at("2026-11-22T03:00:00Z");
    enrol(r, "", FAMILY_MAY);
    const char *id = latest(r, "family-1")->notice_id;
    assert_int_equal(
        react(r, "intake.ConsentRecorded",
            "{\"caseId\":\"" CASE "\",\"consents\":[{\"kind\":\"CONSENT_KIND_SHARE_FAMILY\",\"granted\":false}]}"),
        FAULT_NONE);
    r->now_ms = at("2026-11-22T13:00:00Z");
    assert_int_equal(rules_timer(r, "notice", id, "send", r->now_ms), FAULT_NONE);
    assert_int_equal(latest(r, "family-1")->suppression, BECAUSE(NO_CONSENT));
    assert_int_equal(r->d->task_count, 0);
}

static void who_may_change_the_book(void **state)
{
    struct rules *r = *state;
    static const struct {
        const char *name;
        const struct actor *actor;
        const char *recipient;
        enum fault fault;
    } ROWS[] = {
        {"patient names a daughter", &PATIENT,
            "\"recipientId\":\"d\",\"kind\":\"RECIPIENT_KIND_FAMILY\",\"consented\":true", FAULT_NONE},
        {"patient changes a nurse", &PATIENT, "\"recipientId\":\"n\",\"kind\":\"RECIPIENT_KIND_NURSE\"", FAULT_REFUSED},
        {"representative allows itself", &REPRESENTATIVE,
            "\"recipientId\":\"family-1\",\"kind\":\"RECIPIENT_KIND_FAMILY\",\"consented\":true", FAULT_REFUSED},
        {"representative gives a preference", &REPRESENTATIVE,
            "\"recipientId\":\"family-1\",\"kind\":\"RECIPIENT_KIND_FAMILY\",\"preferred\":\"CHANNEL_PHONE\"",
            FAULT_NONE},
        {"the clinic becomes family", &NURSE, "\"recipientId\":\"provider-2\",\"kind\":\"RECIPIENT_KIND_FAMILY\"",
            FAULT_REFUSED},
        {"an address with a line break", &NURSE,
            "\"recipientId\":\"d\",\"kind\":\"RECIPIENT_KIND_FAMILY\",\"contacts\":[{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"a@b.c\\r\\nBcc: x@y.z\"}]",
            FAULT_REFUSED},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char json[500];
        print_message("  %s\n", ROWS[i].name);
        done(state);
        begin(state);
        enrol(r, "", "");
        snprintf(json, sizeof json, "{\"caseId\":\"" CASE "\",\"recipient\":{%s}}", ROWS[i].recipient);
        assert_int_equal(command(r, *ROWS[i].actor, "notifications.SetRecipient", json), ROWS[i].fault);
    }
    assert_int_equal(
        command(r, NURSE, "notifications.StopMessages", "{\"caseId\":\"" CASE "\",\"recipientId\":\"nobody\"}"),
        FAULT_NOT_FOUND);
    assert_int_equal(
        command(r, PATIENT, "notifications.StopMessages", "{\"caseId\":\"" CASE "\",\"recipientId\":\"supervisor\"}"),
        FAULT_REFUSED);
}

/* ---- Reading ---- */

static enum fault read_as(struct rules *r, struct actor actor, const char *id)
{
    char json[200];
    snprintf(json, sizeof json, "{\"caseId\":\"" CASE "\",\"noticeId\":\"%s\"}", id);
    return command(r, actor, "notifications.ReadNotice", json);
}

static void everybody_reads_their_own_inbox_only(void **state)
{
    struct rules *r = *state;
    enrol(r, BY_EMAIL, "");
    const char *id = latest(r, "patient")->notice_id;
    assert_int_equal(read_as(r, NURSE, id), FAULT_REFUSED);
    assert_int_equal(read_as(r, REPRESENTATIVE, id), FAULT_REFUSED);
    assert_int_equal(read_as(r, PATIENT, latest(r, "family-1")->notice_id), FAULT_REFUSED);
    assert_int_equal(read_as(r, PATIENT, id), FAULT_NONE);
    int64_t read_at_ms = latest(r, "patient")->read_at_ms;
    assert_int_equal(read_at_ms, r->now_ms);
    r->now_ms += HOUR_MS;
    assert_int_equal(read_as(r, PATIENT, id), FAULT_NONE);
    assert_int_equal(latest(r, "patient")->read_at_ms, read_at_ms);
    assert_int_equal(answer(r, id, "{\"outcome\":\"SEND_OUTCOME_TEMPORARY\"}"), FAULT_NONE); /* Too late to matter. */
    assert_int_equal(latest(r, "patient")->state, STATE(READ));
    assert_int_equal(list(r, PATIENT, NULL)->n_notices, 1);
    assert_int_equal(list(r, NURSE, NULL)->n_notices, 3);
}

static void reading_in_the_inbox_calls_the_waiting_email_off(void **state)
{
    struct rules *r = *state;
    r->now_ms = at("2026-11-22T03:00:00Z");
    enrol(r, BY_EMAIL, "");
    const char *id = latest(r, "patient")->notice_id;
    assert_int_equal(read_as(r, PATIENT, id), FAULT_NONE);
    assert_int_equal(rules_timer_change(r, id, "send")->due_at_ms, 0);
}

static void a_case_without_notices_has_an_empty_list(void **state)
{
    assert_int_equal(list(*state, NURSE, NULL)->n_notices, 0);
}

/* ---- Every rule of the reference data ---- */

#define CANARY "CANARY"

/* Puts a canary into every text of the message, however deep, and numbers that would be seen into the rest. */
static void fill_canaries(struct rules *r, ProtobufCMessage *message)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        bool has_form = contract_of(message->descriptor)->fields[i].form != 0; /* Dates and codes cannot hold one. */
        if (field->label == PROTOBUF_C_LABEL_REPEATED || str_same(field->name, "case_id") || has_form) {
            continue;
        }
        switch ((int)field->type) {
        case PROTOBUF_C_TYPE_STRING:
            *(const char **)field_set(message, field) = arena_printf(&r->world, CANARY "-%s", field->name);
            break;
        case PROTOBUF_C_TYPE_MESSAGE: {
            ProtobufCMessage *inner =
                arena_alloc_zeroed(&r->world, ((const ProtobufCMessageDescriptor *)field->descriptor)->sizeof_message);
            protobuf_c_message_init(field->descriptor, inner);
            *(ProtobufCMessage **)field_set(message, field) = inner;
            fill_canaries(r, inner);
            break;
        }
        case PROTOBUF_C_TYPE_INT64:
        case PROTOBUF_C_TYPE_SINT64:
            *(int64_t *)field_set(message, field) = at("2031-07-04T12:00:00Z");
            break;
        case PROTOBUF_C_TYPE_UINT32:
        case PROTOBUF_C_TYPE_INT32:
            *(uint32_t *)field_set(message, field) = 987654;
            break;
        default:
            break;
        }
    }
}

static void set_condition(struct rules *r, ProtobufCMessage *event, const Notifications__NoticeRule *rule)
{
    if (str_is_empty(rule->when_field)) {
        return;
    }
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(event->descriptor, rule->when_field);
    assert_non_null(field);
    const char *value = rule->n_when_values ? rule->when_values[0] : "true";
    switch ((int)field->type) {
    case PROTOBUF_C_TYPE_ENUM:
        *(int *)field_set(event, field) = protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, value)->value;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)field_set(event, field) = str_same(value, "true");
        break;
    case PROTOBUF_C_TYPE_UINT32:
        *(uint32_t *)field_set(event, field) = (uint32_t)value[0] - '0';
        break;
    default:
        *(const char **)field_set(event, field) = arena_strdup(&r->world, value);
        break;
    }
}

static ProtobufCMessage *canary_event(struct rules *r, const Notifications__NoticeRule *rule)
{
    const struct contract_event *row = contract_find_event(rule->event);
    assert_non_null(row);
    assert_non_null(service_reaction(&NOTIFICATIONS, row->message->descriptor));
    ProtobufCMessage *event = arena_alloc_zeroed(&r->world, row->message->descriptor->sizeof_message);
    protobuf_c_message_init(row->message->descriptor, event);
    fill_canaries(r, event);
    contract_set_string_field(event, "case_id", CASE);
    set_condition(r, event, rule);
    return event;
}

/* Everybody can be written to, and wants it. */
static void set_everybody(struct rules *r)
{
    static const char *const KINDS[] = {"PATIENT", "FAMILY", "NURSE", "PROVIDER", "SUPERVISOR"};
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        for (int language = 0; language < 2; language++) {
            char json[500];
            bool own = str_same(KINDS[i], "SUPERVISOR") && language == 0;
            snprintf(json, sizeof json,
                "{\"caseId\":\"" CASE
                "\",\"recipient\":{\"recipientId\":\"%s%d\",\"kind\":\"RECIPIENT_KIND_%s\",\"consented\":true,\"name\":\"Reader\","
                "\"language\":\"%s\",\"preferred\":\"CHANNEL_EMAIL\",\"contacts\":[{\"channel\":\"CHANNEL_EMAIL\",\"value\":\"x%zu@example.org\"}]}}",
                own ? "supervisor-" : KINDS[i], language, KINDS[i], language ? "es" : "en", i);
            assert_int_equal(command(r, NURSE, "notifications.SetRecipient", json), FAULT_NONE);
        }
    }
}

static void no_word_of_any_event_leaves_on_an_open_channel(void **state)
{
    struct rules *r = *state;
    size_t sent = 0, seen_inside = 0;
    size_t count = notice_rules(&(struct decision){.reference = r->reference})->n_rules;
    for (size_t i = 0; i < count; i++) {
        done(state);
        begin(state);
        set_everybody(r);
        const Notifications__NoticeRules *rules = notice_rules(&(struct decision){.reference = r->reference});
        const ProtobufCMessage *event = canary_event(r, rules->rules[i]);
        r->actor = SYSTEM;
        assert_int_equal(rules_react(r, event), FAULT_NONE);
        for (size_t t = 0; t < r->d->task_count; t++) {
            const Notifications__SendQuestion *question = (const Notifications__SendQuestion *)r->d->tasks[t].body;
            assert_string_equal(r->d->tasks[t].lane, LANE);
            assert_null(strstr(question->subject, CANARY));
            assert_null(strstr(question->body, CANARY));
            assert_null(strstr(question->to_name, CANARY));
            assert_null(strstr(question->body, "987654"));
            assert_null(strchr(question->body, '{'));
            sent++;
        }
        const Notifications__NoticeList *notices = list(r, NURSE, NULL);
        bool used = false;
        for (size_t n = 0; n < notices->n_notices; n++) {
            used |= str_same(notices->notices[n]->rule_id, rules->rules[i]->id);
            seen_inside += notices->notices[n]->body && strstr(notices->notices[n]->body, CANARY);
        }
        if (!used) {
            fail_msg("no recipient meets the rule %s", rules->rules[i]->id);
        }
    }
    assert_true(sent > count);
    assert_true(seen_inside > count); /* The canaries do sing where they may. */
}

static void an_open_text_that_names_a_field_of_the_event_gets_nothing(void **state)
{
    struct rules *r = *state;
    assert_int_equal(propose_plan(r), FAULT_NONE);
    struct arena arena;
    arena_init(&arena, 0);
    struct decision *d = decide_new(&arena, &NOTIFICATIONS);
    const struct open_facts facts = {
        .sender = "S", .call_back = "1", .recipient = "Jane", .language = "en", .zone = "UTC"};
    assert_string_equal(
        fill_open(d, "{sender} {title}{reason?because }{recipient}{start_at_ms}{call_back} {", &facts, 100), "S 1 {");
    arena_done(&arena);
}

/* Every `{field}` of a text is a field of the event or known to every text. */
static void check_fields(const Notifications__NoticeRule *rule, const char *text, bool open)
{
    const struct contract_event *row = contract_find_event(rule->event);
    for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(p + 1, "?}"), p + 1);
        bool general =
            str_same(name, "sender") || str_same(name, "call_back") || (!open && str_same(name, "recipient"));
        bool allowed = general || (open && str_same(name, "start_at_ms"));
        bool field = protobuf_c_message_descriptor_get_field_by_name(row->message->descriptor, name) != NULL;
        if (!(open ? allowed : general || field)) {
            fail_msg("rule %s: no field %s", rule->id, name);
        }
    }
}

static void every_field_that_a_text_names_exists(void **state)
{
    struct rules *r = *state;
    const Notifications__NoticeRules *rules = notice_rules(&(struct decision){.reference = r->reference});
    for (size_t i = 0; i < rules->n_rules; i++) {
        for (size_t t = 0; t < rules->rules[i]->n_texts; t++) {
            const Notifications__NoticeText *text = rules->rules[i]->texts[t];
            check_fields(rules->rules[i], text->subject, false);
            check_fields(rules->rules[i], text->body, false);
            check_fields(rules->rules[i], text->open_subject, true);
            check_fields(rules->rules[i], text->open_body, true);
        }
    }
}

/* Whoever lives with it reads it in their language. */
static void patients_and_families_have_english_and_spanish(void **state)
{
    struct rules *r = *state;
    const Notifications__NoticeRules *rules = notice_rules(&(struct decision){.reference = r->reference});
    for (size_t i = 0; i < rules->n_rules; i++) {
        const Notifications__NoticeRule *rule = rules->rules[i];
        bool lives_with_it = rule->recipients[0] == NOTIFICATIONS__RECIPIENT_KIND__RECIPIENT_KIND_PATIENT ||
                             rule->recipients[0] == NOTIFICATIONS__RECIPIENT_KIND__RECIPIENT_KIND_FAMILY;
        assert_string_equal(text_in(rule, "en")->language, "en");
        assert_string_equal(text_in(rule, "es-MX")->language, lives_with_it ? "es" : "en");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_book_is_made_of_what_enrolment_knows, begin, done),
        cmocka_unit_test_setup_teardown(family_and_clinic_are_told_only_with_consent, begin, done),
        cmocka_unit_test_setup_teardown(suppression_is_told_with_its_reason, begin, done),
        cmocka_unit_test_setup_teardown(a_new_case_manager_takes_the_place_of_the_former, begin, done),
        cmocka_unit_test_setup_teardown(nobody_near_a_dead_patient_is_written_to, begin, done),
        cmocka_unit_test_setup_teardown(an_event_before_enrolment_reaches_the_supervisor, begin, done),
        cmocka_unit_test_setup_teardown(an_event_without_a_case_is_refused, begin, done),
        cmocka_unit_test_setup_teardown(the_way_to_a_patient_follows_preference_and_says_why_not, begin, done),
        cmocka_unit_test_setup_teardown(family_without_an_address_is_not_told_and_it_is_said, begin, done),
        cmocka_unit_test_setup_teardown(texts_come_in_the_recipients_language_or_in_english, begin, done),
        cmocka_unit_test_setup_teardown(times_are_said_in_the_zone_and_language_of_the_reader, begin, done),
        cmocka_unit_test_setup_teardown(a_denial_tells_of_the_right_to_appeal_and_its_last_day, begin, done),
        cmocka_unit_test_setup_teardown(a_rule_holds_only_when_its_field_has_the_value, begin, done),
        cmocka_unit_test_setup_teardown(quiet_hours_end_at_the_clock_on_the_wall, begin, done),
        cmocka_unit_test_setup_teardown(an_email_waits_for_the_morning_and_the_inbox_does_not, begin, done),
        cmocka_unit_test_setup_teardown(a_critical_answer_passes_quiet_hours_and_is_never_a_duplicate, begin, done),
        cmocka_unit_test_setup_teardown(a_reminder_after_the_visit_stays_in_the_inbox_or_is_not_sent, begin, done),
        cmocka_unit_test_setup_teardown(the_same_words_are_told_once_an_hour, begin, done),
        cmocka_unit_test_setup_teardown(the_same_event_again_finds_its_notices, begin, done),
        cmocka_unit_test_setup_teardown(a_record_full_of_events_never_asks_for_more_than_a_decision_holds, begin, done),
        cmocka_unit_test_setup_teardown(the_ledger_keeps_the_newest, begin, done),
        cmocka_unit_test_setup_teardown(an_accepted_email_is_sent, begin, done),
        cmocka_unit_test_setup_teardown(a_temporary_failure_is_tried_five_times_ever_later, begin, done),
        cmocka_unit_test_setup_teardown(the_next_try_keeps_quiet_hours, begin, done),
        cmocka_unit_test_setup_teardown(what_failed_or_is_unknown_is_never_sent_again_and_becomes_work, begin, done),
        cmocka_unit_test_setup_teardown(stop_is_honoured_at_once_also_by_what_waits, begin, done),
        cmocka_unit_test_setup_teardown(a_stop_is_lifted_only_by_who_gave_it, begin, done),
        cmocka_unit_test_setup_teardown(consent_withdrawn_while_it_waits_holds, begin, done),
        cmocka_unit_test_setup_teardown(who_may_change_the_book, begin, done),
        cmocka_unit_test_setup_teardown(everybody_reads_their_own_inbox_only, begin, done),
        cmocka_unit_test_setup_teardown(reading_in_the_inbox_calls_the_waiting_email_off, begin, done),
        cmocka_unit_test_setup_teardown(a_case_without_notices_has_an_empty_list, begin, done),
        cmocka_unit_test_setup_teardown(no_word_of_any_event_leaves_on_an_open_channel, begin, done),
        cmocka_unit_test_setup_teardown(an_open_text_that_names_a_field_of_the_event_gets_nothing, begin, done),
        cmocka_unit_test_setup_teardown(every_field_that_a_text_names_exists, begin, done),
        cmocka_unit_test_setup_teardown(patients_and_families_have_english_and_spanish, begin, done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
