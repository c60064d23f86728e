#include "common/contract/contract.h"
#include "common/contract/field.h"
#include "common/contract/line.h"
#include "common/core/money.h"
#include "common/core/text.h"
#include "common/core/utf8.h"
#include "common/core/zone.h"
#include "services/notifications/notifications.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 1500, NAME_BYTES_MAX = 64 };

#define FALLBACK_LANGUAGE "en"

/* ---- Languages ---- */

/* Whether both name the same language, whatever the region: es and es-US. */
static bool same_language(const char *a, const char *b)
{
    size_t size = strcspn(a, "-_");
    return size == strcspn(b, "-_") && slice_equal((struct slice){a, size}, (struct slice){b, size});
}

static const Notifications__NoticeText *find_text(const Notifications__NoticeRule *rule, const char *language)
{
    for (size_t i = 0; i < rule->n_texts; i++) {
        if (same_language(rule->texts[i]->language, language)) {
            return rule->texts[i];
        }
    }
    return NULL;
}

const Notifications__NoticeText *text_in(const Notifications__NoticeRule *rule, const char *language)
{
    const Notifications__NoticeText *text = str_is_empty(language) ? NULL : find_text(rule, language);
    return text ? text : find_text(rule, FALLBACK_LANGUAGE);
}

/* How a language says a day and a time of day. */
struct calendar_words {
    const char *language;
    const char *weekdays[8];
    const char *months[13];
    bool day_first;
    const char *at; /* Between day and time. */
    const char *am, *pm;
};

/* clang-format off */
static const struct calendar_words CALENDARS[] = {
    {"en", {"", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"},
        {"", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
        false, " at ", "AM", "PM"},
    {"es", {"", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"},
        {"", "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
        true, ", ", "a. m.", "p. m."},
};
/* clang-format on */

static const struct calendar_words *calendar_in(const char *language)
{
    for (size_t i = 0; i < sizeof CALENDARS / sizeof CALENDARS[0]; i++) {
        if (same_language(CALENDARS[i].language, language)) {
            return &CALENDARS[i];
        }
    }
    return &CALENDARS[0];
}

/* "Tuesday, December 1, 2026"; "martes 1 de diciembre de 2026". */
static const char *say_date(struct decision *d, const struct calendar_words *words, struct date date)
{
    const char *weekday = words->weekdays[date_weekday(date)], *month = words->months[date.month];
    return words->day_first ? text_of(d, "%s %d de %s de %d", weekday, date.day, month, date.year)
                            : text_of(d, "%s, %s %d, %d", weekday, month, date.day, date.year);
}

static const char *say_instant(struct decision *d, const struct open_facts *facts, int64_t at_ms, bool with_time)
{
    const struct zone *zone = facts->zone ? zone_find(facts->zone) : NULL;
    const struct calendar_words *words = calendar_in(facts->language);
    struct wall_time wall = zone_local(zone ? zone : zone_find("UTC"), at_ms).wall;
    const char *day = say_date(d, words, wall.date);
    int hour = wall.hour % 12 == 0 ? 12 : wall.hour % 12;
    return !with_time ? day
                      : text_of(d, "%s%s%d:%02d %s", day, words->at, hour, wall.minute,
                            wall.hour < 12 ? words->am : words->pm);
}

/* ---- Values ---- */

const char *plain_value(struct decision *d, const ProtobufCMessage *event, const char *name)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(event->descriptor, name);
    if (!field || field->label == PROTOBUF_C_LABEL_REPEATED || field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return "";
    }
    bool set = field_count(event, field) > 0;
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        return set && *(const protobuf_c_boolean *)field_value(event, field, 0) ? "true" : "false";
    }
    if (!set) {
        return "";
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return *(const char *const *)field_value(event, field, 0);
    }
    int64_t number = field_integer(event, name, 0);
    const ProtobufCEnumValue *value = field->type == PROTOBUF_C_TYPE_ENUM
                                          ? protobuf_c_enum_descriptor_get_value(field->descriptor, (int)number)
                                          : NULL;
    return value ? value->name : text_of(d, "%lld", (long long)number);
}

/* Texts of any origin: control characters become spaces, and what is too long is cut between two characters. */
static const char *tame(struct decision *d, const char *value)
{
    size_t size = strlen(value);
    bool cut = size > VALUE_BYTES_MAX;
    char *tamed =
        text_of(d, "%.*s%s", (int)(cut ? utf8_cut(value, size, VALUE_BYTES_MAX) : size), value, cut ? " ..." : "");
    for (char *c = tamed; *c != '\0'; c++) {
        *c = ((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f ? ' ' : *c;
    }
    return tamed;
}

/* What an open message may say, by name. NULL for everything else. */
static const char *open_value(struct decision *d, const struct open_facts *facts, const char *name)
{
    if (str_same(name, "sender")) {
        return facts->sender;
    }
    if (str_same(name, "call_back")) {
        return facts->call_back;
    }
    if (str_same(name, "start_at_ms")) {
        return facts->start_at_ms ? say_instant(d, facts, facts->start_at_ms, true) : NULL;
    }
    return NULL;
}

static const char *event_value(
    struct decision *d, const ProtobufCMessage *event, const struct open_facts *facts, const char *name)
{
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(event->descriptor, name);
    char words[WORDS_SIZE], amount[MONEY_SIZE];
    int64_t number = field_integer(event, name, 0);
    if (!field || str_is_empty(plain_value(d, event, name))) {
        return NULL;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return tame(d, plain_value(d, event, name));
    }
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        return text_of(d, "%s", enum_words(field->descriptor, (int)number, words));
    }
    if (str_ends_with(name, "_ms")) {
        return number ? say_instant(d, facts, number, str_same(name, "start_at_ms")) : NULL;
    }
    if (str_ends_with(name, "_cents")) {
        return text_of(d, "%s", money_format(amount, USD(number)));
    }
    return plain_value(d, event, name);
}

/* ---- Filling in ---- */

/* `event` is NULL for an open text. */
struct filling {
    const struct open_facts *facts;
    const ProtobufCMessage *event;
};

static const char *value_of(struct decision *d, const struct filling *filling, const char *name)
{
    const char *value = open_value(d, filling->facts, name);
    if (!value && filling->event) {
        value = str_same(name, "recipient") ? filling->facts->recipient
                                            : event_value(d, filling->event, filling->facts, name);
    }
    return value;
}

/* What stands between two braces: `field` or `field?text`. */
static void add_part(struct decision *d, struct text *out, const struct filling *filling, struct slice part)
{
    struct slice rest = part, word = {0};
    char name[NAME_BYTES_MAX];
    slice_take_field(&rest, '?', &word);
    snprintf(name, sizeof name, "%.*s", (int)word.size, word.at ? word.at : "");
    const char *value = value_of(d, filling, name);
    if (value && rest.at) {
        text_add_slice(out, rest);
    } else if (value) {
        text_add(out, value);
    }
}

static const char *fill(struct decision *d, const char *template, const struct filling *filling, size_t max_bytes)
{
    struct text out;
    text_init(&out, max_bytes);
    for (const char *at = template; *at != '\0';) {
        size_t plain = strcspn(at, "{");
        text_add_bytes(&out, at, plain);
        at += plain;
        const char *close = *at == '{' ? strchr(at, '}') : NULL;
        if (close) {
            add_part(d, &out, filling, (struct slice){at + 1, (size_t)(close - at) - 1});
            at = close + 1;
        } else if (*at == '{') {
            text_add_char(&out, *at++);
        }
    }
    const char *filled = text_of(d, "%s%s", out.at, out.overflowed ? " ..." : "");
    text_done(&out);
    return filled;
}

const char *fill_open(struct decision *d, const char *text, const struct open_facts *facts, size_t max_bytes)
{
    return fill(d, text, &(struct filling){.facts = facts}, max_bytes);
}

const char *fill_inbox(struct decision *d, const char *text, const ProtobufCMessage *event,
    const struct open_facts *facts, size_t max_bytes)
{
    return fill(d, text, &(struct filling){.facts = facts, .event = event}, max_bytes);
}
