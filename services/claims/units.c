#include <string.h>

#include "common/core/slice.h"
#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/claims/claims.h"

static const char KIND[] = "authorization";

uint32_t units_approved(const Claims__Authorization *a)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < a->n_lines; i++) {
        sum += a->lines[i]->units_approved;
    }
    return sum;
}

uint32_t units_used(const Claims__Authorization *a)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < a->n_lines; i++) {
        sum += a->lines[i]->units_used;
    }
    return sum;
}

static bool is_open(const Claims__Authorization *a)
{
    return a->state == AUTHORIZATION(APPROVED) || a->state == AUTHORIZATION(PARTIAL);
}

static void say_used(struct decision *d, const Claims__Authorization *a, const char *what, bool renewal_due)
{
    Claims__AuthorizationUsed *event = MAKE(d, Claims__AuthorizationUsed, claims__authorization_used__descriptor);
    event->case_id = a->case_id;
    event->authorization_id = a->authorization_id;
    event->title = a->title;
    event->what = what;
    event->state = a->state;
    SET(event, renewal_due, renewal_due);
    emit(d, &event->base);
}

static bool renewal_reached(uint32_t used, uint32_t approved)
{
    return (uint64_t)used * 100 >= (uint64_t)approved * RENEWAL_USED_PERCENT;
}

void renewal_is_due(struct decision *d, Claims__Authorization *a, const char *what)
{
    if (is_open(a)) {
        say_used(d, a, text_of(d, "%s: ask for more now", what), true);
    }
}

void end_of_dates(struct decision *d, Claims__Authorization *a)
{
    if (is_open(a)) {
        a->state = AUTHORIZATION(EXPIRED);
        say_used(d, a,
            text_of(d, "expired with %u of %s left", units_approved(a) - units_used(a),
                say_count(d, units_approved(a), "unit")),
            false);
    }
}

/* ---- What took place ---- */

static Claims__AuthorizedLine *line_for(const Claims__Authorization *a, const Scheduling__AppointmentFulfilled *event)
{
    for (size_t i = 0; event->service_code && i < a->n_lines; i++) {
        if (str_same(a->lines[i]->asked->code->code, event->service_code->code)) {
            return a->lines[i];
        }
    }
    return NULL;
}

static bool is_within_dates(const Claims__Authorization *a, struct date day)
{
    struct date from, to;
    return date_parse(a->from_date, &from) && date_parse(a->to_date, &to) && date_compare(day, from) >= 0 &&
           date_compare(day, to) <= 0;
}

static struct date day_of(struct decision *d, const Claims__Authorization *a, int64_t at_ms)
{
    const struct zone *zone = a->zone ? zone_find(a->zone) : NULL;
    return zone_date(zone ? zone : zone_find(d->tenant_zone), at_ms ? at_ms : d->now_ms);
}

static int fitness(struct decision *d, const Claims__Authorization *a, const Scheduling__AppointmentFulfilled *event)
{
    if (!line_for(a, event) || !authorization_is_decided(a) || a->state == AUTHORIZATION(DENIED)) {
        return 0;
    }
    bool planned = a->intervention_id && str_same(a->intervention_id, event->intervention_id);
    return 1 + 2 * planned + 4 * (is_open(a) && is_within_dates(a, day_of(d, a, event->start_at_ms)));
}

/* The authorisation that the visit counts against: an open one for the same step first, then any for the same code. */
static const Claims__Authorization *find_authorization(
    struct decision *d, const Claims__BenefitFile *file, const Scheduling__AppointmentFulfilled *event)
{
    const Claims__Authorization *best = NULL;
    for (size_t i = 0; i < file->n_authorization_ids; i++) {
        const Claims__Authorization *a = see(d, "claims", KIND, d->root, file->authorization_ids[i]);
        if (a && fitness(d, a, event) > (best ? fitness(d, best, event) : 0)) {
            best = a;
        }
    }
    return best;
}

static void count(struct decision *d, Claims__BenefitFile *file, Claims__Authorization *a,
    const Scheduling__AppointmentFulfilled *event)
{
    Claims__AuthorizedLine *line = line_for(a, event);
    uint32_t units = event->units ? event->units : 1;
    uint32_t left = line->units_approved - line->units_used;
    bool in_dates = is_within_dates(a, day_of(d, a, event->start_at_ms));
    if (!is_open(a) || !in_dates || units > left) {
        const char *why = in_dates ? text_of(d, "%s used, %u left", say_count(d, units, "unit"), is_open(a) ? left : 0)
                                   : text_of(d, "used outside of %s to %s", a->from_date, a->to_date);
        open_work(d, file, "authorization-exceeded", a->authorization_id, a->title, why);
        say_used(d, a, text_of(d, "exceeded, %s", why), true);
    }
    if (!is_open(a) || !in_dates) {
        return;
    }
    uint32_t before = units_used(a), approved = units_approved(a);
    line->units_used += units < left ? units : left;
    uint32_t used = units_used(a);
    if (used == approved) {
        a->state = AUTHORIZATION(EXHAUSTED);
        cancel_timer(d, KIND, a->authorization_id, "expires");
        cancel_timer(d, KIND, a->authorization_id, "renewal");
        say_used(d, a, text_of(d, "used up, %s", say_count(d, approved, "unit")), true);
    } else {
        bool renewal = !renewal_reached(before, approved) && renewal_reached(used, approved);
        say_used(d, a,
            text_of(d, "%u of %s left%s", approved - used, say_count(d, approved, "unit"),
                renewal ? ": ask for more now" : ""),
            renewal);
    }
}

enum fault use_units(struct decision *d, const Scheduling__AppointmentFulfilled *event)
{
    Claims__BenefitFile *file = touch_file(d);
    if (d->wants) {
        return FAULT_WANT;
    }
    const Claims__Authorization *found = file ? find_authorization(d, file, event) : NULL;
    if (d->wants) {
        return FAULT_WANT;
    }
    if (found) {
        count(d, file, touch(d, KIND, found->authorization_id), event);
    }
    return FAULT_NONE;
}
