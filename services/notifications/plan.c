#include "common/contract/contract.h"
#include "common/contract/field.h"
#include "common/contract/guard.h"
#include "common/core/hash.h"
#include "common/core/id.h"
#include "common/core/instant.h"
#include "common/core/slice.h"
#include "services/notifications/notifications.h"

#include <string.h>

/* An event to be told of, and what is needed to tell it. */
struct telling {
    const Notifications__NoticeRules *rules;
    const ProtobufCMessage *event;
    const char *subject;  /* Of the event. */
    const char *event_id; /* Of the record that it came in. */
    struct packed body;   /* Tells events of one record apart. */
    Notifications__ContactBook *book;
    Notifications__NoticeLedger *ledger;
};

const Notifications__NoticeRules *notice_rules(const struct decision *d)
{
    size_t cursor = 0;
    return reference_each(d, &notifications__notice_rules__descriptor, &cursor);
}

/* ---- Rules ---- */

static bool is_for(const Notifications__NoticeRule *rule, Notifications__RecipientKind kind)
{
    for (size_t i = 0; i < rule->n_recipients; i++) {
        if (rule->recipients[i] == kind) {
            return true;
        }
    }
    return false;
}

static bool holds(struct decision *d, const Notifications__NoticeRule *rule, const ProtobufCMessage *event)
{
    if (str_is_empty(rule->when_field)) {
        return true;
    }
    const char *value = plain_value(d, event, rule->when_field);
    for (size_t i = 0; i < rule->n_when_values; i++) {
        if (str_same(rule->when_values[i], value)) {
            return true;
        }
    }
    return rule->n_when_values == 0 && !str_is_empty(value) && !str_same(value, "false") && !str_same(value, "0");
}

const Notifications__NoticeRule *rule_for(struct decision *d, const Notifications__NoticeRules *rules,
    const ProtobufCMessage *event, Notifications__RecipientKind kind)
{
    const char *subject = contract_of(event->descriptor)->subject;
    for (size_t i = 0; i < rules->n_rules; i++) {
        const Notifications__NoticeRule *rule = rules->rules[i];
        if (str_same(rule->event, subject) && is_for(rule, kind) && holds(d, rule, event)) {
            return rule;
        }
    }
    return NULL;
}

/* ---- One notice ---- */

static void add_part(struct hash *hash, const char *text)
{
    hash_add_part(hash, text ? text : "", text ? strlen(text) : 0);
}

static const char *spell(struct decision *d, struct hash *hash)
{
    uint8_t bytes[HASH_SIZE];
    char id[ID_FRESH_SIZE];
    hash_done(hash, bytes);
    id_spell(id, bytes);
    return text_of(d, "%s", id);
}

/* The same for the same rule, event, recipient and channel: a second delivery finds the notice of the first. */
static const char *notice_id_of(struct decision *d, const struct telling *t, const Notifications__NoticeRule *rule,
    const Notifications__Recipient *who, Casebus__Channel channel)
{
    struct hash hash;
    hash_init(&hash);
    add_part(&hash, t->book->case_id);
    add_part(&hash, rule->id);
    add_part(&hash, t->event_id);
    add_part(&hash, t->subject);
    hash_add_part(&hash, t->body.data, t->body.size);
    add_part(&hash, who->recipient_id);
    hash_add_number(&hash, (uint64_t)channel);
    return text_of(d, "m%s", spell(d, &hash));
}

static bool is_urgent(const Notifications__NoticeRule *rule)
{
    return rule->priority >= CASEBUS__PRIORITY__PRIORITY_URGENT;
}

static void describe(struct decision *d, Notifications__Notice *notice, const struct telling *t,
    const Notifications__NoticeRule *rule, const Notifications__Recipient *who)
{
    notice->rule_id = rule->id;
    notice->event = t->subject;
    notice->event_id = t->event_id;
    notice->recipient_id = who->recipient_id;
    notice->recipient_kind = who->kind;
    notice->recipient_name = who->name;
    notice->planned_at_ms = d->now_ms;
    notice->urgent = is_urgent(rule);
    notice->zone = recipient_zone(d, t->book, who);
    notice->over_at_ms = field_integer(t->event, "start_at_ms", 0);
    notice->rules = text_of(d, "%s@%s", t->rules->id, t->rules->version);
}

/* The inbox text may hold all that the event says; the open text is filled without it. */
static void write_texts(
    struct decision *d, Notifications__Notice *notice, const struct telling *t, const Notifications__NoticeText *text)
{
    const struct open_facts facts = {
        .sender = t->rules->sender_name,
        .call_back = t->rules->call_back,
        .recipient = notice->recipient_name,
        .language = text->language,
        .zone = notice->zone,
        .start_at_ms = notice->over_at_ms,
    };
    notice->language = text->language;
    notice->subject = fill_inbox(d, text->subject, t->event, &facts, SUBJECT_BYTES_MAX);
    notice->body = fill_inbox(d, text->body, t->event, &facts, BODY_BYTES_MAX);
    notice->open_subject = fill_open(d, text->open_subject, &facts, SUBJECT_BYTES_MAX);
    notice->open_body = fill_open(d, text->open_body, &facts, OPEN_BYTES_MAX);
}

/* ---- The ledger ---- */

static void list_notice(struct decision *d, Notifications__NoticeLedger *ledger, const char *notice_id)
{
    if (ledger->n_notice_ids == LEDGER_NOTICES_MAX) {
        ledger->notice_ids++;
        ledger->n_notice_ids--;
        ledger->older++;
    }
    APPEND(d, ledger, notice_ids, notice_id);
}

static void forget_told(struct decision *d, Notifications__NoticeLedger *ledger)
{
    while (ledger->n_told > 0 && (ledger->n_told >= LEDGER_TOLD_MAX ||
                                     ledger->told[0]->at_ms + SAME_WORDS_MINUTES * MINUTE_MS <= d->now_ms)) {
        ledger->told++;
        ledger->n_told--;
    }
}

/* Whether the rule told the recipient these words lately; if not, it is noted that it does now. */
static bool told_lately(struct decision *d, Notifications__NoticeLedger *ledger, const Notifications__Notice *notice)
{
    struct hash hash;
    hash_init(&hash);
    add_part(&hash, notice->rule_id);
    add_part(&hash, notice->recipient_id);
    add_part(&hash, notice->subject);
    add_part(&hash, notice->body);
    const char *words = spell(d, &hash);
    forget_told(d, ledger);
    for (size_t i = 0; i < ledger->n_told; i++) {
        if (str_same(ledger->told[i]->words, words)) {
            return true;
        }
    }
    Notifications__Told *told = MAKE(d, Notifications__Told, notifications__told__descriptor);
    told->words = words;
    told->at_ms = d->now_ms;
    APPEND(d, ledger, told, told);
    return false;
}

/* ---- One event ---- */

static void plan_notice(struct decision *d, const struct telling *t, const Notifications__NoticeRule *rule,
    const Notifications__Recipient *who)
{
    struct route route = choose_route(d, t->book, who, rule->inbox_only);
    const Notifications__NoticeText *text = text_in(rule, who->language);
    bool made = false;
    Notifications__Notice *notice = require(d, "notice", notice_id_of(d, t, rule, who, route.channel), &made);
    if (!notice || !made) {
        return;
    }
    list_notice(d, t->ledger, notice->notice_id);
    describe(d, notice, t, rule, who);
    notice->channel = route.channel;
    if (!text) {
        notice->subject = t->subject;
        suppress(d, notice, NOTIFICATIONS__SUPPRESSION__SUPPRESSION_NO_TEXT,
            text_of(d, "rule %s has no text that could be read", rule->id));
        return;
    }
    write_texts(d, notice, t, text);
    if (route.suppression) {
        suppress(d, notice, route.suppression, route.why);
    } else if (told_lately(d, t->ledger, notice) && !notice->urgent) {
        suppress(
            d, notice, NOTIFICATIONS__SUPPRESSION__SUPPRESSION_DUPLICATE, "the same was told less than an hour ago");
    } else {
        hand_over(d, notice, &route);
    }
}

/* At most one notice a recipient, so never more than RECIPIENTS_MAX events, tasks and aggregates. */
static enum fault plan_all(struct decision *d, const struct telling *t)
{
    for (size_t i = 0; i < t->book->n_recipients; i++) {
        const Notifications__Recipient *who = t->book->recipients[i];
        const Notifications__NoticeRule *rule = rule_for(d, t->rules, t->event, who->kind);
        if (rule) {
            plan_notice(d, t, rule, who);
        }
    }
    return d->wants ? FAULT_WANT : FAULT_NONE;
}

static bool is_told_of(const Notifications__NoticeRules *rules, const char *subject)
{
    for (size_t i = 0; i < rules->n_rules; i++) {
        if (str_same(rules->rules[i]->event, subject)) {
            return true;
        }
    }
    return false;
}

/* ---- Reactions ---- */

/* Whether an event of the same record has been planned for already. A record holds up to DECISION_EVENTS_MAX events, each for up to
 * RECIPIENTS_MAX people: more than one decision can do. */
static bool ledger_is_taken(const struct decision *d)
{
    for (size_t i = 0; i < d->known_count; i++) {
        if (d->known[i].touched && str_same(d->known[i].kind, "notice_ledger")) {
            return true;
        }
    }
    return false;
}

static void plan_later(struct decision *d, const char *case_id, const ProtobufCMessage *event)
{
    struct packed body = contract_pack(event, d->arena);
    Notifications__PlanNotices *command = MAKE(d, Notifications__PlanNotices, notifications__plan_notices__descriptor);
    command->case_id = case_id;
    command->event_id = d->command_id;
    command->event = contract_of(event->descriptor)->subject;
    command->body = (ProtobufCBinaryData){.data = body.data, .len = body.size};
    command->has_body = true;
    tell(d, &command->base);
}

enum fault tell_of_event(struct decision *d, const void *event)
{
    const ProtobufCMessage *message = event;
    const char *subject = contract_of(message->descriptor)->subject;
    const char *case_id = contract_string_field(message, "case_id");
    const Notifications__NoticeRules *rules = notice_rules(d);
    if (!rules || str_is_empty(case_id)) {
        return refuse(d, "%s names no case, or there are no notice rules", subject);
    }
    bool elsewhere = !str_same(case_id, d->root);
    bool made = false;
    Notifications__ContactBook *book = elsewhere ? NULL : require(d, "contact_book", case_id, &made);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (book && made) {
        begin_book(d, book);
    }
    if (book) {
        keep_book(d, book, message);
    }
    if (!is_told_of(rules, subject)) {
        return FAULT_NONE;
    }
    if (elsewhere || ledger_is_taken(d)) {
        plan_later(d, case_id, message);
        return FAULT_NONE;
    }
    struct telling t = {rules, message, subject, d->command_id, contract_pack(message, d->arena), book, NULL};
    t.ledger = require(d, "notice_ledger", case_id, NULL);
    return t.ledger ? plan_all(d, &t) : FAULT_WANT;
}

enum fault plan_notices(struct decision *d, Notifications__ContactBook *book, const Notifications__PlanNotices *cmd)
{
    const struct contract_event *row = contract_find_event(cmd->event);
    const Notifications__NoticeRules *rules = notice_rules(d);
    ProtobufCMessage *event = NULL;
    if (!row || !rules) {
        return refuse(d, "%s is no event that anybody is told of", cmd->event);
    }
    if (contract_unpack(row->message->descriptor, cmd->body.data, cmd->body.len, &CROSSING_EVENT, d->arena, &d->why,
            &event) != FAULT_NONE) {
        return refuse(d, "the event %s cannot be read", cmd->event);
    }
    if (is_new(d, book)) {
        begin_book(d, book);
    }
    struct telling t = {rules, event, row->subject, cmd->event_id, {cmd->body.data, cmd->body.len}, book, NULL};
    t.ledger = require(d, "notice_ledger", cmd->case_id, NULL);
    return t.ledger ? plan_all(d, &t) : FAULT_WANT;
}
