#include "common/core/date.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/notifications/notifications.h"

#define KIND(word)    NOTIFICATIONS__RECIPIENT_KIND__RECIPIENT_KIND_##word
#define CHANNEL(word) CASEBUS__CHANNEL__CHANNEL_##word
#define BECAUSE(word) NOTIFICATIONS__SUPPRESSION__SUPPRESSION_##word

bool has_inbox(Notifications__RecipientKind kind)
{
    return kind == KIND(PATIENT) || kind == KIND(NURSE) || kind == KIND(SUPERVISOR);
}

static const char *email_of(const Notifications__Recipient *who)
{
    for (size_t i = 0; i < who->n_contacts; i++) {
        const Casebus__ContactPoint *contact = who->contacts[i];
        if (contact->channel == CHANNEL(EMAIL) && email_is_usable(contact->value)) {
            return contact->value;
        }
    }
    return NULL;
}

/* What the recipient asked for; without a word, e-mail where there is an address, else the inbox. */
static Casebus__Channel wanted(const Notifications__Recipient *who, bool inbox_only)
{
    if (inbox_only) {
        return CHANNEL(INBOX);
    }
    if (who->preferred) {
        return who->preferred;
    }
    return email_of(who) || !has_inbox(who->kind) ? CHANNEL(EMAIL) : CHANNEL(INBOX);
}

static struct route no_route(Casebus__Channel channel, Notifications__Suppression suppression, const char *why)
{
    return (struct route){.channel = channel, .suppression = suppression, .why = why};
}

/* What the channel cannot do for this recipient, or NULL when it can. */
static const char *obstacle(struct decision *d, const Notifications__Recipient *who, Casebus__Channel channel)
{
    switch (channel) {
    case CHANNEL(INBOX):
        return has_inbox(who->kind) ? NULL : "the recipient has no inbox";
    case CHANNEL(EMAIL):
        return email_of(who) ? NULL : "no usable e-mail address is known";
    case CHANNEL(UNSPECIFIED):
    case CHANNEL(SMS):
    case CHANNEL(PHONE):
    case CHANNEL(LETTER):
        break;
    case _CASEBUS__CHANNEL_IS_INT_SIZE:
        break;
    }
    return text_of(d, "nothing sends by %s", say_enum(d, &casebus__channel__descriptor, channel));
}

struct route choose_route(
    struct decision *d, const Notifications__ContactBook *book, const Notifications__Recipient *who, bool inbox_only)
{
    Casebus__Channel channel = wanted(who, inbox_only);
    bool near = who->kind == KIND(PATIENT) || who->kind == KIND(FAMILY);
    bool needs_consent = who->kind == KIND(FAMILY) || who->kind == KIND(PROVIDER);
    if (book->deceased && near) {
        return no_route(channel, BECAUSE(DECEASED), "the patient has died: a person speaks with the family");
    }
    if (needs_consent && !who->consented) {
        return no_route(channel, BECAUSE(NO_CONSENT), "the patient has not allowed it");
    }
    if (who->stopped && channel != CHANNEL(INBOX)) {
        return has_inbox(who->kind)
                   ? (struct route){.channel = CHANNEL(INBOX), .why = "asked for no more open messages"}
                   : no_route(channel, BECAUSE(STOPPED), "asked for no more messages");
    }
    const char *first = obstacle(d, who, channel);
    if (!first) {
        return (struct route){.channel = channel, .address = channel == CHANNEL(EMAIL) ? email_of(who) : NULL};
    }
    if (channel != CHANNEL(EMAIL) && !inbox_only && email_of(who) && !who->stopped) {
        return (struct route){
            .channel = CHANNEL(EMAIL), .address = email_of(who), .why = text_of(d, "%s: told by e-mail", first)};
    }
    if (has_inbox(who->kind)) {
        return (struct route){.channel = CHANNEL(INBOX), .why = text_of(d, "%s: told in the inbox", first)};
    }
    return no_route(channel, who->stopped ? BECAUSE(STOPPED) : BECAUSE(NO_ADDRESS), first);
}

/* ---- Quiet hours ---- */

static int minute_of(struct wall_time wall)
{
    return wall.hour * 60 + wall.minute;
}

int64_t end_of_quiet(const Notifications__NoticeRules *rules, const char *zone_name, int64_t at_ms)
{
    const struct zone *zone = zone_name ? zone_find(zone_name) : NULL;
    struct wall_time from = {0}, to = {0};
    if (!wall_time_parse(rules->quiet_from, &from) || !wall_time_parse(rules->quiet_to, &to)) {
        return at_ms;
    }
    zone = zone ? zone : zone_find("UTC");
    struct wall_time now = zone_local(zone, at_ms).wall;
    int minute = minute_of(now), start = minute_of(from), end = minute_of(to);
    bool over_midnight = start > end;
    bool quiet = over_midnight ? minute >= start || minute < end : minute >= start && minute < end;
    if (!quiet) {
        return at_ms;
    }
    to.date = over_midnight && minute >= start ? date_add_days(now.date, 1) : now.date;
    int64_t end_ms = zone_instant(zone, to, NULL);
    return end_ms > at_ms ? end_ms : at_ms;
}
