#include <string.h>

#include "common/core/instant.h"
#include "common/core/zone.h"
#include "services/claims/claims.h"

#define RINGS_MAX 4

/* Shares of a clock's time at which somebody is told, and the names of their timers. */
static const struct ring {
    const char *timer;
    unsigned percent;
} RINGS[RINGS_MAX] = {{"decision.80", 80}, {"decision.95", 95}, {"decision.100", 100}, {"decision.late", 0}};

static const struct zone *zone_of(struct decision *d, const char *name)
{
    const struct zone *zone = name ? zone_find(name) : NULL;
    return zone ? zone : zone_find(d->tenant_zone);
}

int64_t end_of_day_after(struct decision *d, const char *zone, int64_t from_ms, int days)
{
    const struct zone *there = zone_of(d, zone);
    return zone_end_of_day(there, date_add_days(zone_date(there, from_ms), days));
}

struct date today(struct decision *d, const char *zone)
{
    return zone_date(zone_of(d, zone), d->now_ms);
}

const char *date_text(struct decision *d, struct date date)
{
    char text[DATE_SIZE];
    return text_of(d, "%s", date_format(text, date));
}

/* ---- Rules ---- */

static bool rule_binds(const Casebus__ClockRule *rule, Casebus__LineOfBusiness line)
{
    for (size_t i = 0; i < rule->n_lines; i++) {
        if (rule->lines[i] == line) {
            return true;
        }
    }
    return rule->n_lines == 0;
}

const Casebus__ClockRule *clock_rule(struct decision *d, const char *name, Casebus__LineOfBusiness line)
{
    const Casebus__ClockRules *rules;
    for (size_t cursor = 0; (rules = reference_each(d, &casebus__clock_rules__descriptor, &cursor));) {
        for (size_t i = 0; i < rules->n_rules; i++) {
            if (strcmp(rules->rules[i]->name, name) == 0 && rule_binds(rules->rules[i], line)) {
                return rules->rules[i];
            }
        }
    }
    return NULL;
}

/* The version of the file that a rule stands in. */
static const char *version_of(struct decision *d, const Casebus__ClockRule *rule)
{
    const Casebus__ClockRules *rules;
    for (size_t cursor = 0; (rules = reference_each(d, &casebus__clock_rules__descriptor, &cursor));) {
        for (size_t i = 0; i < rules->n_rules; i++) {
            if (rules->rules[i] == rule) {
                return rules->version;
            }
        }
    }
    return NULL;
}

const Claims__AppealRight *appeal_right(struct decision *d, Casebus__LineOfBusiness line)
{
    const Claims__AppealRight *fallback = NULL;
    const Claims__AppealRights *rights;
    for (size_t cursor = 0; (rights = reference_each(d, &claims__appeal_rights__descriptor, &cursor));) {
        for (size_t i = 0; i < rights->n_rights; i++) {
            if (rights->rights[i]->line == line) {
                return rights->rights[i];
            }
            fallback = rights->rights[i]->line == BUSINESS(COMMERCIAL) ? rights->rights[i] : fallback;
        }
    }
    static const Claims__AppealRight NONE = {.file_days = 180,
        .name = "internal appeal",
        .next_level = "external review",
        .when_silent = "ask for an external review"};
    return fallback ? fallback : &NONE;
}

int64_t clock_due(struct decision *d, const Casebus__ClockRule *rule, bool urgent, const char *zone, int64_t from_ms)
{
    bool shorter = urgent && rule->length_urgent > 0;
    uint32_t length = shorter ? rule->length_urgent : rule->length;
    switch (shorter ? rule->unit_urgent : rule->unit) {
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_MINUTES:
        return from_ms + (int64_t)length * MINUTE_MS;
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_HOURS:
        return from_ms + (int64_t)length * HOUR_MS;
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_BUSINESS_DAYS:
        return zone_end_of_day(zone_of(d, zone),
            date_business_days_after(zone_date(zone_of(d, zone), from_ms), (int)length, (struct holidays){0}));
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_CALENDAR_DAYS:
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_UNSPECIFIED:
    case _CASEBUS__CLOCK_UNIT_IS_INT_SIZE:
        break;
    }
    return end_of_day_after(d, zone, from_ms, (int)length);
}

/* ---- Clocks ---- */

Casebus__Clock *start_clock(
    struct decision *d, const Casebus__ClockRule *rule, bool urgent, const char *zone, int64_t from_ms)
{
    Casebus__Clock *clock = MAKE(d, Casebus__Clock, casebus__clock__descriptor);
    clock->name = rule->name;
    clock->state = CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING;
    clock->happened_at_ms = from_ms;
    clock->started_at_ms = d->now_ms;
    clock->due_at_ms = clock_due(d, rule, urgent, zone, from_ms);
    clock->started_by = d->command_id;
    clock->rule_version = version_of(d, rule);
    clock->source = rule->source;
    return clock;
}

Casebus__Clock *open_clock(Casebus__Clock *const *clocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (clocks[i]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING ||
            clocks[i]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_OVERDUE) {
            return clocks[i];
        }
    }
    return NULL;
}

void stop_clock(struct decision *d, Casebus__Clock *clock, const char *kind, const char *key, int64_t at_ms)
{
    if (!clock) {
        return;
    }
    bool late = at_ms > clock->due_at_ms;
    clock->state = late ? CASEBUS__CLOCK_STATE__CLOCK_STATE_MET_LATE : CASEBUS__CLOCK_STATE__CLOCK_STATE_MET;
    clock->stopped_at_ms = at_ms;
    clock->stopped_by = d->command_id;
    for (size_t i = 0; i < RINGS_MAX; i++) {
        cancel_timer(d, kind, key, RINGS[i].timer);
    }
}

void watch_clock(struct decision *d, const Casebus__Clock *clock, const char *kind, const char *key)
{
    int64_t span_ms = clock->due_at_ms - clock->happened_at_ms;
    for (size_t i = clock->level; i < RINGS_MAX && RINGS[i].percent; i++) {
        set_timer(d, kind, key, RINGS[i].timer,
            clock->happened_at_ms + span_ms / 100 * RINGS[i].percent + span_ms % 100 * RINGS[i].percent / 100);
    }
}

unsigned clock_level(const char *timer_name)
{
    for (unsigned i = 0; i < RINGS_MAX; i++) {
        if (strcmp(RINGS[i].timer, timer_name) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static void say_reminded(struct decision *d, const Casebus__Clock *clock, unsigned percent, const char *key,
    const char *title, const char *payer_name)
{
    Claims__PayerReminded *event = MAKE(d, Claims__PayerReminded, claims__payer_reminded__descriptor);
    event->case_id = d->root;
    event->subject_id = key;
    event->title = title;
    event->payer_name = payer_name;
    event->percent = percent;
    event->due_at_ms = clock->due_at_ms;
    emit(d, &event->base);
}

void clock_rings(struct decision *d, Casebus__Clock *clock, unsigned level, const char *kind, const char *key,
    const char *title, const char *payer_name)
{
    clock->level = level > clock->level ? level : clock->level;
    if (level <= 2) {
        say_reminded(d, clock, RINGS[level - 1].percent, key, title, payer_name);
        return;
    }
    clock->state = CASEBUS__CLOCK_STATE__CLOCK_STATE_OVERDUE;
    set_timer(d, kind, key, RINGS[RINGS_MAX - 1].timer, d->now_ms + OVERDUE_AGAIN_DAYS * DAY_MS);
}
