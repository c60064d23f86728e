/* Notifications: who is told what, how, when, and why not.
 *
 *   event -> rule (seeds/reference/notices.json) -> for each recipient of the case that it fits: one notice
 *
 *   planned -> suppressed                       no consent, stopped, deceased, no address, the same words again, no text, too late
 *   planned -> delivered -> read                inbox
 *   planned -> [waiting ->] queued -> sent      open channel; waiting for the end of quiet hours or for the next try
 *                           queued -> unreachable | unknown: a person must act, nothing is sent again by itself
 *
 * Health content never travels on an open channel: its text is filled in by fill_open(), which does not see the event. */
#ifndef CASEBUS_NOTIFICATIONS_H
#define CASEBUS_NOTIFICATIONS_H

#include "common/service/service.h"
#include "proto/claims.pb-c.h"
#include "proto/intake.pb-c.h"
#include "proto/notifications.pb-c.h"
#include "proto/planning.pb-c.h"
#include "proto/scheduling.pb-c.h"

extern const struct service NOTIFICATIONS;

enum {
    RECIPIENTS_MAX = 20, /* Of one case. */
    LEDGER_NOTICES_MAX = 200,
    LEDGER_TOLD_MAX = 64,
    SAME_WORDS_MINUTES = 60,
    TRIES_MAX = 5, /* Of handing one notice to its channel. */
};

/* ---- book.c ---- */

enum fault set_recipient(struct decision *d, Notifications__ContactBook *book, const Notifications__SetRecipient *cmd);
enum fault stop_messages(struct decision *d, Notifications__ContactBook *book, const Notifications__StopMessages *cmd);

/* The supervisor's inbox, which every case has from the start. */
void begin_book(struct decision *d, Notifications__ContactBook *book);

/* Takes into the book what an event says of who may be told. */
void keep_book(struct decision *d, Notifications__ContactBook *book, const ProtobufCMessage *event);

Notifications__Recipient *find_recipient(const Notifications__ContactBook *book, const char *recipient_id);
const char *recipient_zone(
    const struct decision *d, const Notifications__ContactBook *book, const Notifications__Recipient *who);

/* Whether a mail server could take it: one @, printable ASCII, nothing that has a meaning in a header. */
bool email_is_usable(const char *address);

/* ---- route.c: by which channel, and when ---- */

/* The way to a recipient, or why there is none. `why` also says why the way is another than the preferred one; may be NULL. */
struct route {
    Casebus__Channel channel;
    const char *address; /* Of an open channel. */
    Notifications__Suppression suppression;
    const char *why;
};
struct route choose_route(
    struct decision *d, const Notifications__ContactBook *book, const Notifications__Recipient *who, bool inbox_only);

/* Who works here, and the patient through the portal. */
bool has_inbox(Notifications__RecipientKind kind);

/* `at_ms`, or the end of the quiet hours that it lies in. */
int64_t end_of_quiet(const Notifications__NoticeRules *rules, const char *zone, int64_t at_ms);

/* ---- words.c ---- */

/* All that an open message may know: no text of the event, only the time of an appointment. */
struct open_facts {
    const char *sender;
    const char *call_back;
    const char *recipient;
    const char *language;
    const char *zone;
    int64_t start_at_ms; /* 0: none */
};

enum { SUBJECT_BYTES_MAX = 280, OPEN_BYTES_MAX = 900, BODY_BYTES_MAX = 3900 };

const char *fill_open(struct decision *d, const char *text, const struct open_facts *facts, size_t max_bytes);
const char *fill_inbox(struct decision *d, const char *text, const ProtobufCMessage *event,
    const struct open_facts *facts, size_t max_bytes);

/* The text in the language, or in English; NULL when there is neither. */
const Notifications__NoticeText *text_in(const Notifications__NoticeRule *rule, const char *language);

/* The value of a field as rules compare it: text, name of an enum's value, digits, true or false. Empty when it is not set. */
const char *plain_value(struct decision *d, const ProtobufCMessage *event, const char *field);

/* ---- plan.c ---- */

/* Every event that some rule tells of, or that changes the book. */
enum fault tell_of_event(struct decision *d, const void *event);
enum fault plan_notices(struct decision *d, Notifications__ContactBook *book, const Notifications__PlanNotices *cmd);

const Notifications__NoticeRules *notice_rules(const struct decision *d);

/* The first rule of the event that fits the recipient, or NULL. */
const Notifications__NoticeRule *rule_for(struct decision *d, const Notifications__NoticeRules *rules,
    const ProtobufCMessage *event, Notifications__RecipientKind kind);

/* ---- notice.c ---- */

/* Sends a planned notice on its way, or keeps it until it may go. Emits what became of it. */
void hand_over(struct decision *d, Notifications__Notice *notice, const struct route *route);
void suppress(
    struct decision *d, Notifications__Notice *notice, Notifications__Suppression suppression, const char *why);

enum fault notice_timer(struct decision *d, Notifications__Notice *notice, const char *name, int64_t due_at_ms);
enum fault take_send_answer(struct decision *d, Notifications__Notice *notice, const Notifications__SendAnswer *answer);
enum fault read_notice(struct decision *d, Notifications__Notice *notice, const Notifications__ReadNotice *cmd);
enum fault list_notices(
    struct decision *d, const Notifications__NoticeLedger *ledger, const Notifications__ListNotices *query);

#endif
