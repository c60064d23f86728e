#include "services/intake/duty.h"

#include <string.h>

#include "common/core/instant.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "services/intake/intake.h"

#define CLOCK_TIMER "clock."
#define WORK_TIMER  "work."

/* ---- How long ---- */

int64_t duty_due_ms(
    const Casebus__ClockRule *rule, bool urgent, const struct zone *zone, struct holidays holidays, int64_t from_ms)
{
    bool shorter = urgent && rule->has_length_urgent;
    int length = (int)(shorter ? rule->length_urgent : rule->length);
    struct date day = zone_date(zone, from_ms);
    switch (shorter ? rule->unit_urgent : rule->unit) {
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_MINUTES:
        return from_ms + length * MINUTE_MS;
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_HOURS:
        return from_ms + length * HOUR_MS;
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_BUSINESS_DAYS:
        return zone_end_of_day(zone, date_business_days_after(day, length, holidays));
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_UNSPECIFIED:
    case CASEBUS__CLOCK_UNIT__CLOCK_UNIT_CALENDAR_DAYS:
    case _CASEBUS__CLOCK_UNIT_IS_INT_SIZE:
        break;
    }
    return zone_end_of_day(zone, date_add_days(day, length));
}

static const Casebus__ClockRule *rule_find(const struct decision *d, const char *name, const char **version)
{
    const Casebus__ClockRules *clocks = reference_find(d, &casebus__clock_rules__descriptor, "clocks");
    for (size_t i = 0; clocks != NULL && i < clocks->n_rules; i++) {
        if (str_same(clocks->rules[i]->name, name)) {
            *version = clocks->version;
            return clocks->rules[i];
        }
    }
    return NULL;
}

/* A rule that a decision starts something by ships with the service: one that is missing is a bug of ours, not
 * somebody's input. */
static const Casebus__ClockRule *rule_named(const struct decision *d, const char *name, const char **version)
{
    const Casebus__ClockRule *rule = rule_find(d, name, version);
    MUST(rule != NULL);
    return rule;
}

/* What must be done. A stored clock may be older than the rules: its name then has to do. */
static const char *clock_title(const struct decision *d, const Casebus__Clock *clock)
{
    const char *version;
    const Casebus__ClockRule *rule = rule_find(d, clock->name, &version);
    return rule != NULL && rule->title != NULL ? rule->title : clock->name;
}

static struct holidays holidays_known(struct decision *d)
{
    const Casebus__Holidays *list = NULL;
    size_t cursor = 0, count = 0;
    struct date *days = NULL;
    while ((list = reference_each(d, &casebus__holidays__descriptor, &cursor)) != NULL) {
        struct date *more = ARENA_ARRAY(d->arena, struct date, count + list->n_dates);
        if (count > 0) {
            memcpy(more, days, count * sizeof *days);
        }
        days = more;
        for (size_t i = 0; i < list->n_dates; i++) {
            count += date_parse(list->dates[i], &days[count]);
        }
    }
    return (struct holidays){days, count};
}

const struct zone *case_zone(const struct decision *d, const Intake__Case *c)
{
    const struct zone *zone = c->zone != NULL ? zone_find(c->zone) : NULL;
    if (zone == NULL) {
        zone = zone_find(d->tenant_zone);
    }
    MUST(zone != NULL);
    return zone;
}

static bool is_urgent(const Intake__Case *c)
{
    return c->priority >= CASEBUS__PRIORITY__PRIORITY_URGENT;
}

int64_t duty_due(struct decision *d, const Intake__Case *c, const char *name, int64_t from_ms)
{
    const char *version;
    return duty_due_ms(rule_named(d, name, &version), is_urgent(c), case_zone(d, c), holidays_known(d), from_ms);
}

/* ---- Clocks ---- */

static Casebus__Clock *clock_find(const Intake__Case *c, const char *name)
{
    for (size_t i = 0; i < c->n_clocks; i++) {
        if (str_same(c->clocks[i]->name, name)) {
            return c->clocks[i];
        }
    }
    return NULL;
}

static bool clock_runs(const Casebus__Clock *clock)
{
    return clock->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING ||
           clock->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_OVERDUE;
}

static const char *clock_timer(struct decision *d, const Casebus__Clock *clock)
{
    return text_of(d, CLOCK_TIMER "%s", clock->name);
}

static void start(struct decision *d, Intake__Case *c, const char *name, int64_t happened_at_ms, int64_t due_at_ms)
{
    Casebus__Clock *clock = clock_find(c, name);
    if (clock != NULL && clock_runs(clock)) {
        return;
    }
    if (clock == NULL) {
        clock = MAKE(d, Casebus__Clock, casebus__clock__descriptor);
        APPEND(d, c, clocks, clock);
    }
    *clock = (Casebus__Clock)CASEBUS__CLOCK__INIT;
    clock->source = rule_named(d, name, &clock->rule_version)->source;
    clock->name = name;
    clock->state = CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING;
    clock->happened_at_ms = happened_at_ms;
    clock->started_at_ms = d->now_ms;
    clock->due_at_ms = due_at_ms;
    clock->started_by = d->command_id;
    set_timer(d, "case", c->case_id, clock_timer(d, clock), due_at_ms);
}

void clock_start(struct decision *d, Intake__Case *c, const char *name, int64_t happened_at_ms)
{
    start(d, c, name, happened_at_ms, duty_due(d, c, name, d->now_ms));
}

bool clock_start_from(struct decision *d, Intake__Case *c, const char *name, int64_t happened_at_ms)
{
    int64_t due_at_ms = duty_due(d, c, name, happened_at_ms);
    if (due_at_ms <= d->now_ms) {
        return false;
    }
    start(d, c, name, happened_at_ms, due_at_ms);
    return true;
}

static void end_clock(
    struct decision *d, const Intake__Case *c, Casebus__Clock *clock, Casebus__ClockState state, const char *by)
{
    clock->state = state;
    clock->stopped_at_ms = d->now_ms;
    clock->stopped_by = by;
    cancel_timer(d, "case", c->case_id, clock_timer(d, clock));
}

/* What counts is the deadline, not whether its timer has already rung. */
void clock_stop(struct decision *d, Intake__Case *c, const char *name)
{
    Casebus__Clock *clock = clock_find(c, name);
    if (clock != NULL && clock_runs(clock)) {
        bool late = d->now_ms > clock->due_at_ms;
        end_clock(d, c, clock,
            late ? CASEBUS__CLOCK_STATE__CLOCK_STATE_MET_LATE : CASEBUS__CLOCK_STATE__CLOCK_STATE_MET, d->command_id);
    }
}

/* ---- Work ---- */

bool work_is_critical(const Casebus__WorkItem *item)
{
    return str_same(item->kind, "critical-answer");
}

static bool work_is_open(const Casebus__WorkItem *item)
{
    return item->state == CASEBUS__WORK_STATE__WORK_STATE_OPEN;
}

static const char *work_timer(struct decision *d, const Casebus__WorkItem *item)
{
    return text_of(d, WORK_TIMER "%s", item->work_id);
}

/* A critical answer rings before it is due: first for the supervisor, then for the director. */
static int64_t next_ring(struct decision *d, const Intake__Case *c, const Casebus__WorkItem *item)
{
    if (work_is_critical(item)) {
        if (item->level == 0) {
            return duty_due(d, c, "critical-answer-supervisor", item->opened_at_ms);
        }
        if (item->level == 1) {
            return duty_due(d, c, "critical-answer-director", item->opened_at_ms);
        }
        return item->due_at_ms > d->now_ms ? item->due_at_ms : d->now_ms;
    }
    return item->level == 0 ? item->due_at_ms : duty_due(d, c, "escalation-step", d->now_ms);
}

/* Drops the oldest finished item when there is no room; the log keeps it. Open ones always stay. */
static void make_room(Intake__Case *c)
{
    for (size_t i = 0; c->n_work >= CASE_WORK_MAX && i < c->n_work; i++) {
        if (!work_is_open(c->work[i])) {
            memmove(&c->work[i], &c->work[i + 1], (c->n_work - i - 1) * sizeof c->work[0]);
            c->n_work--;
            return;
        }
    }
}

Casebus__WorkItem *work_open(
    struct decision *d, Intake__Case *c, const char *kind, Casebus__Role owner, const char *title, const char *because)
{
    const char *version;
    const Casebus__ClockRule *rule = rule_named(d, kind, &version);
    Casebus__WorkItem *item = MAKE(d, Casebus__WorkItem, casebus__work_item__descriptor);
    item->work_id = text_of(d, "w%u", ++c->work_opened);
    item->kind = kind;
    item->title = title != NULL ? title : rule->title;
    item->state = CASEBUS__WORK_STATE__WORK_STATE_OPEN;
    item->owner_role = owner;
    item->owner_id = owner == ROLE(NURSE) ? c->manager_id : NULL;
    item->opened_at_ms = d->now_ms;
    item->due_at_ms = duty_due(d, c, kind, d->now_ms);
    item->because = because;
    make_room(c);
    APPEND(d, c, work, item);
    set_timer(d, "case", c->case_id, work_timer(d, item), next_ring(d, c, item));

    Intake__WorkOpened *event = MAKE(d, Intake__WorkOpened, intake__work_opened__descriptor);
    event->case_id = c->case_id;
    event->work_id = item->work_id;
    event->kind = item->kind;
    event->title = item->title;
    event->due_at_ms = item->due_at_ms;
    event->owner_role = item->owner_role;
    emit(d, &event->base);
    return item;
}

Casebus__WorkItem *work_find(const Intake__Case *c, const char *work_id)
{
    for (size_t i = 0; i < c->n_work; i++) {
        if (str_same(c->work[i]->work_id, work_id)) {
            return c->work[i];
        }
    }
    return NULL;
}

const Casebus__WorkItem *work_open_of_kind(const Intake__Case *c, const char *kind)
{
    for (size_t i = 0; i < c->n_work; i++) {
        if (work_is_open(c->work[i]) && str_same(c->work[i]->kind, kind)) {
            return c->work[i];
        }
    }
    return NULL;
}

void work_done(struct decision *d, Intake__Case *c, Casebus__WorkItem *item, const char *evidence)
{
    item->state = CASEBUS__WORK_STATE__WORK_STATE_DONE;
    item->done_at_ms = d->now_ms;
    item->evidence = evidence;
    item->done_by = d->actor.id;
    cancel_timer(d, "case", c->case_id, work_timer(d, item));

    Intake__WorkCompleted *event = MAKE(d, Intake__WorkCompleted, intake__work_completed__descriptor);
    event->case_id = c->case_id;
    event->work_id = item->work_id;
    event->title = item->title;
    emit(d, &event->base);
}

static void cancel(struct decision *d, const Intake__Case *c, Casebus__WorkItem *item, const char *because)
{
    item->state = CASEBUS__WORK_STATE__WORK_STATE_CANCELLED;
    item->done_at_ms = d->now_ms;
    item->evidence = because;
    cancel_timer(d, "case", c->case_id, work_timer(d, item));
}

void work_cancel(struct decision *d, Intake__Case *c, const char *kind, const char *because)
{
    for (size_t i = 0; i < c->n_work; i++) {
        if (work_is_open(c->work[i]) && str_same(c->work[i]->kind, kind)) {
            cancel(d, c, c->work[i], because);
        }
    }
}

const Casebus__WorkItem *case_critical_work(const Intake__Case *c)
{
    return work_open_of_kind(c, "critical-answer");
}

/* ---- All of a case ---- */

const char *case_open_duty(const struct decision *d, const Intake__Case *c)
{
    for (size_t i = 0; i < c->n_work; i++) {
        if (work_is_open(c->work[i])) {
            return c->work[i]->title;
        }
    }
    for (size_t i = 0; i < c->n_clocks; i++) {
        if (clock_runs(c->clocks[i])) {
            return clock_title(d, c->clocks[i]);
        }
    }
    return NULL;
}

void duties_cancel(struct decision *d, Intake__Case *c, const char *because)
{
    for (size_t i = 0; i < c->n_clocks; i++) {
        if (clock_runs(c->clocks[i])) {
            end_clock(d, c, c->clocks[i], CASEBUS__CLOCK_STATE__CLOCK_STATE_CANCELLED, because);
        }
    }
    for (size_t i = 0; i < c->n_work; i++) {
        if (work_is_open(c->work[i])) {
            cancel(d, c, c->work[i], because);
        }
    }
}

static const char *told(const Intake__Case *c, uint32_t level, bool critical)
{
    if (level >= DUTY_LEVEL_MAX || (critical && level == 2)) {
        return "director";
    }
    return level == 1 && !critical && c->manager_id != NULL ? "case manager" : "supervisor";
}

static void emit_overdue(
    struct decision *d, const Intake__Case *c, const char *name, const char *title, uint32_t level, bool critical)
{
    Intake__ClockOverdue *event = MAKE(d, Intake__ClockOverdue, intake__clock_overdue__descriptor);
    event->case_id = c->case_id;
    event->name = name;
    event->title = title;
    event->level = level;
    event->told = told(c, level, critical);
    emit(d, &event->base);
}

static void ring_clock(struct decision *d, Intake__Case *c, Casebus__Clock *clock)
{
    clock->state = CASEBUS__CLOCK_STATE__CLOCK_STATE_OVERDUE;
    clock->level++;
    emit_overdue(d, c, clock->name, clock_title(d, clock), clock->level, false);
    if (clock->level < DUTY_LEVEL_MAX) {
        set_timer(d, "case", c->case_id, clock_timer(d, clock), duty_due(d, c, "escalation-step", d->now_ms));
    }
}

static void ring_work(struct decision *d, Intake__Case *c, Casebus__WorkItem *item)
{
    item->level++;
    emit_overdue(d, c, work_timer(d, item), item->title, item->level, work_is_critical(item));
    if (item->level < DUTY_LEVEL_MAX) {
        set_timer(d, "case", c->case_id, work_timer(d, item), next_ring(d, c, item));
    }
}

void duty_ring(struct decision *d, Intake__Case *c, const char *timer)
{
    if (str_starts_with(timer, CLOCK_TIMER)) {
        Casebus__Clock *clock = clock_find(c, timer + strlen(CLOCK_TIMER));
        if (clock != NULL && clock_runs(clock) && clock->level < DUTY_LEVEL_MAX) {
            ring_clock(d, c, clock);
        }
    } else if (str_starts_with(timer, WORK_TIMER)) {
        Casebus__WorkItem *item = work_find(c, timer + strlen(WORK_TIMER));
        if (item != NULL && work_is_open(item) && item->level < DUTY_LEVEL_MAX) {
            ring_work(d, c, item);
        }
    }
}

static int64_t next_due(const Intake__Case *c)
{
    int64_t due_at_ms = INSTANT_MAX_MS;
    for (size_t i = 0; i < c->n_clocks; i++) {
        if (clock_runs(c->clocks[i]) && c->clocks[i]->due_at_ms < due_at_ms) {
            due_at_ms = c->clocks[i]->due_at_ms;
        }
    }
    for (size_t i = 0; i < c->n_work; i++) {
        if (work_is_open(c->work[i]) && c->work[i]->due_at_ms < due_at_ms) {
            due_at_ms = c->work[i]->due_at_ms;
        }
    }
    return due_at_ms;
}

void case_sort(struct decision *d, const Intake__Case *c)
{
    if (case_has_ended(c)) {
        index_remove(d, "cases", "all", c->case_id);
        if (c->manager_id != NULL) {
            index_remove(d, "caseload", c->manager_id, c->case_id);
        }
        return;
    }
    index_put(d, "cases", "all", c->case_id, next_due(c));
    if (c->manager_id != NULL) {
        index_put(d, "caseload", c->manager_id, c->case_id, next_due(c));
    }
}
