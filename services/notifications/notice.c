#include "common/core/instant.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/say.h"
#include "services/notifications/notifications.h"

#include <string.h>

#define STATE(word)   NOTIFICATIONS__NOTICE_STATE__NOTICE_STATE_##word
#define OUTCOME(word) NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_##word
#define KIND(word)    NOTIFICATIONS__RECIPIENT_KIND__RECIPIENT_KIND_##word

#define TIMER_SEND "send"

/* Minutes after the n-th try that came to nothing for a while. */
static const int64_t NEXT_TRY_MINUTES[TRIES_MAX - 1] = {5, 15, 60, 240};

/* ---- What is said of it ---- */

/* "nurse Ann Lee", "patient": who it is, for the time line. */
static const char *say_recipient(struct decision *d, const Notifications__Notice *notice)
{
    const char *kind = say_enum(d, &notifications__recipient_kind__descriptor, notice->recipient_kind);
    bool known = notice->recipient_kind == KIND(PATIENT) || str_is_empty(notice->recipient_name);
    return known ? kind : text_of(d, "%s %s", kind, notice->recipient_name);
}

static const char *say_channel(struct decision *d, const Notifications__Notice *notice)
{
    return notice->channel == CASEBUS__CHANNEL__CHANNEL_EMAIL
               ? "e-mail"
               : say_enum(d, &casebus__channel__descriptor, notice->channel);
}

static void say_planned(struct decision *d, const Notifications__Notice *notice)
{
    Notifications__NoticePlanned *event =
        MAKE(d, Notifications__NoticePlanned, notifications__notice_planned__descriptor);
    event->case_id = notice->case_id;
    event->notice_id = notice->notice_id;
    event->recipient = say_recipient(d, notice);
    event->channel = say_channel(d, notice);
    event->subject = notice->subject;
    event->send_at_ms = notice->send_at_ms;
    emit(d, &event->base);
}

static void say_delivered(struct decision *d, const Notifications__Notice *notice)
{
    Notifications__NoticeDelivered *event =
        MAKE(d, Notifications__NoticeDelivered, notifications__notice_delivered__descriptor);
    event->case_id = notice->case_id;
    event->notice_id = notice->notice_id;
    event->recipient = say_recipient(d, notice);
    event->channel = say_channel(d, notice);
    event->subject = notice->subject;
    emit(d, &event->base);
}

static void fail(struct decision *d, Notifications__Notice *notice, Notifications__NoticeState state, const char *why)
{
    notice->state = state;
    notice->why = why;
    Notifications__NoticeFailed *event = MAKE(d, Notifications__NoticeFailed, notifications__notice_failed__descriptor);
    event->case_id = notice->case_id;
    event->notice_id = notice->notice_id;
    event->recipient = say_recipient(d, notice);
    event->channel = say_channel(d, notice);
    event->why = why;
    event->next = "call, or write a letter";
    event->subject = notice->subject;
    emit(d, &event->base);
}

void suppress(
    struct decision *d, Notifications__Notice *notice, Notifications__Suppression suppression, const char *why)
{
    notice->state = STATE(SUPPRESSED);
    notice->suppression = suppression;
    notice->why = why;
    Notifications__NoticeSuppressed *event =
        MAKE(d, Notifications__NoticeSuppressed, notifications__notice_suppressed__descriptor);
    event->case_id = notice->case_id;
    event->notice_id = notice->notice_id;
    event->recipient = say_recipient(d, notice);
    event->why = why;
    event->subject = notice->subject;
    event->suppression = suppression;
    emit(d, &event->base);
}

/* ---- On its way ---- */

static void deliver_to_inbox(struct decision *d, Notifications__Notice *notice)
{
    notice->state = STATE(DELIVERED);
    notice->sent_at_ms = d->now_ms;
    say_delivered(d, notice);
}

/* The only place where anything leaves: with the open texts and nothing else. */
static void queue(struct decision *d, Notifications__Notice *notice)
{
    Notifications__SendQuestion *question =
        MAKE(d, Notifications__SendQuestion, notifications__send_question__descriptor);
    question->message_id = notice->notice_id;
    question->channel = notice->channel;
    question->to = notice->address;
    question->to_name = notice->recipient_name;
    question->subject = notice->open_subject;
    question->body = notice->open_body;
    question->language = notice->language;
    notice->state = STATE(QUEUED);
    notice->attempts++;
    ask(d, channel_lane(d, "email"), "notice", notice->notice_id, &question->base);
}

static void wait_until(struct decision *d, Notifications__Notice *notice, int64_t send_at_ms)
{
    notice->state = STATE(WAITING);
    notice->send_at_ms = send_at_ms;
    set_timer(d, "notice", notice->notice_id, TIMER_SEND, send_at_ms);
}

/* Now, or at the end of the quiet hours. */
static int64_t may_send_at(struct decision *d, const Notifications__Notice *notice, int64_t at_ms)
{
    const Notifications__NoticeRules *rules = notice_rules(d);
    return notice->urgent || !rules ? at_ms : end_of_quiet(rules, notice->zone, at_ms);
}

static bool is_over(const Notifications__Notice *notice, int64_t at_ms)
{
    return notice->over_at_ms && at_ms >= notice->over_at_ms;
}

/* Sends it or lets it wait. When it would come after what it speaks of, it stays in the inbox, or there is nothing left to tell. */
static void send_when_allowed(struct decision *d, Notifications__Notice *notice)
{
    int64_t send_at_ms = may_send_at(d, notice, d->now_ms);
    if (is_over(notice, send_at_ms)) {
        if (has_inbox(notice->recipient_kind) && !is_over(notice, d->now_ms)) {
            notice->channel = CASEBUS__CHANNEL__CHANNEL_INBOX;
            notice->why = "an open message would come too late after the quiet hours: told in the inbox";
            deliver_to_inbox(d, notice);
        } else {
            suppress(
                d, notice, NOTIFICATIONS__SUPPRESSION__SUPPRESSION_TOO_LATE, "it would come after what it speaks of");
        }
    } else if (send_at_ms > d->now_ms) {
        wait_until(d, notice, send_at_ms);
        notice->why = "quiet hours";
    } else {
        queue(d, notice);
    }
}

void hand_over(struct decision *d, Notifications__Notice *notice, const struct route *route)
{
    notice->channel = route->channel;
    notice->address = route->address;
    notice->why = route->why;
    if (route->channel == CASEBUS__CHANNEL__CHANNEL_INBOX) {
        deliver_to_inbox(d, notice);
        return;
    }
    send_when_allowed(d, notice);
    if (notice->state == STATE(WAITING) || notice->state == STATE(QUEUED)) {
        say_planned(d, notice);
    }
}

/* It waited: what holds now decides, not what held then. */
enum fault notice_timer(struct decision *d, Notifications__Notice *notice, const char *name, int64_t due_at_ms)
{
    (void)name;
    (void)due_at_ms;
    if (notice->state != STATE(WAITING)) {
        return FAULT_NONE;
    }
    const Notifications__ContactBook *book = see(d, "notifications", "contact_book", notice->case_id, notice->case_id);
    if (d->wants) {
        return FAULT_WANT;
    }
    const Notifications__Recipient *who = book ? find_recipient(book, notice->recipient_id) : NULL;
    if (!who) {
        suppress(d, notice, NOTIFICATIONS__SUPPRESSION__SUPPRESSION_NO_ADDRESS, "is not told of this case any more");
        return FAULT_NONE;
    }
    struct route route = choose_route(d, book, who, false);
    if (route.suppression) {
        suppress(d, notice, route.suppression, route.why);
        return FAULT_NONE;
    }
    notice->channel = route.channel;
    notice->address = route.address;
    notice->why = route.why;
    notice->zone = recipient_zone(d, book, who);
    if (route.channel == CASEBUS__CHANNEL__CHANNEL_INBOX) {
        deliver_to_inbox(d, notice);
    } else {
        send_when_allowed(d, notice);
    }
    return FAULT_NONE;
}

/* ---- What the channel answers ---- */

static const char *say_answer(struct decision *d, const Notifications__SendAnswer *answer)
{
    const char *detail = str_is_empty(answer->detail) ? "the channel gave no reason" : answer->detail;
    return answer->code ? text_of(d, "%s (%u)", detail, answer->code) : detail;
}

static void try_again(struct decision *d, Notifications__Notice *notice, const char *why)
{
    if (notice->attempts >= TRIES_MAX) {
        fail(d, notice, STATE(UNREACHABLE), text_of(d, "%d tries: %s", TRIES_MAX, why));
        return;
    }
    MUST(notice->attempts > 0);
    int64_t next_ms = d->now_ms + NEXT_TRY_MINUTES[notice->attempts - 1] * MINUTE_MS;
    wait_until(d, notice, may_send_at(d, notice, next_ms));
    notice->why = text_of(d, "try %u: %s", notice->attempts, why);
}

enum fault take_send_answer(struct decision *d, Notifications__Notice *notice, const Notifications__SendAnswer *answer)
{
    if (notice->state != STATE(QUEUED)) {
        return FAULT_NONE; /* Answered already, or read in the inbox meanwhile. */
    }
    switch (answer->outcome) {
    case OUTCOME(ACCEPTED):
        notice->state = STATE(SENT);
        notice->sent_at_ms = d->now_ms;
        say_delivered(d, notice);
        return FAULT_NONE;
    case OUTCOME(TEMPORARY):
        try_again(d, notice, say_answer(d, answer));
        return FAULT_NONE;
    case OUTCOME(UNKNOWN):
        fail(d, notice, STATE(UNKNOWN), "it was handed over and the answer was lost, so nobody knows");
        return FAULT_NONE;
    case OUTCOME(PERMANENT):
    case OUTCOME(UNSPECIFIED):
    case _NOTIFICATIONS__SEND_OUTCOME_IS_INT_SIZE:
        break;
    }
    fail(d, notice, STATE(UNREACHABLE), say_answer(d, answer));
    return FAULT_NONE;
}

/* ---- Reading ---- */

/* Whose inbox the actor may look into. */
static bool may_see(const struct decision *d, Notifications__RecipientKind kind)
{
    if (d->actor.role == CASEBUS__ROLE__ROLE_PATIENT) {
        return kind == KIND(PATIENT);
    }
    if (d->actor.role == CASEBUS__ROLE__ROLE_REPRESENTATIVE) {
        return kind == KIND(FAMILY);
    }
    return d->actor.role != CASEBUS__ROLE__ROLE_PROVIDER || kind == KIND(PROVIDER);
}

/* A nurse who looks at the patient's notice has not read it for the patient. */
static bool is_own(const struct decision *d, Notifications__RecipientKind kind)
{
    return may_see(d, kind) &&
           (d->actor.role != CASEBUS__ROLE__ROLE_NURSE || kind == KIND(NURSE) || kind == KIND(SUPERVISOR));
}

enum fault read_notice(struct decision *d, Notifications__Notice *notice, const Notifications__ReadNotice *cmd)
{
    if (!is_own(d, notice->recipient_kind)) {
        return refuse(d, "notice %s is for the %s", cmd->notice_id,
            say_enum(d, &notifications__recipient_kind__descriptor, notice->recipient_kind));
    }
    if (notice->state == STATE(SUPPRESSED)) {
        return refuse(d, "notice %s was not told: %s", cmd->notice_id, notice->why);
    }
    if (notice->state == STATE(READ)) {
        return FAULT_NONE;
    }
    if (notice->state == STATE(WAITING)) {
        cancel_timer(d, "notice", notice->notice_id, TIMER_SEND);
    }
    notice->state = STATE(READ);
    notice->read_at_ms = d->now_ms;
    return FAULT_NONE;
}

enum fault list_notices(
    struct decision *d, const Notifications__NoticeLedger *ledger, const Notifications__ListNotices *query)
{
    Notifications__NoticeList *list = MAKE(d, Notifications__NoticeList, notifications__notice_list__descriptor);
    for (size_t i = 0; ledger && i < ledger->n_notice_ids; i++) {
        const Notifications__Notice *notice = see(d, "notifications", "notice", query->case_id, ledger->notice_ids[i]);
        bool asked = notice && (!query->recipient_id || str_same(query->recipient_id, notice->recipient_id));
        if (asked && may_see(d, notice->recipient_kind)) {
            APPEND(d, list, notices, (Notifications__Notice *)notice);
        }
    }
    if (d->wants) {
        return FAULT_WANT;
    }
    list->older = ledger ? ledger->older : 0;
    reply(d, &list->base);
    return FAULT_NONE;
}
