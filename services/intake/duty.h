/* Duties of a case: clocks that facts start and stop, and work that a person must do.
 *
 * How long each runs is data (seeds/reference/clocks.json), found by name; the case's priority tells routine from
 * urgent. Days end at midnight of the patient's zone; business days skip weekends and the holidays of the reference
 * data.
 *
 *   clock  running -> met | overdue | cancelled;  overdue -> met-late | cancelled
 *   work   open -> done | cancelled
 *
 * Overdue is told to one person after the other and is never an end. A clock that was stopped may be started anew. */
#ifndef INTAKE_DUTY_H
#define INTAKE_DUTY_H

#include "common/core/date.h"
#include "common/service/decision.h"
#include "proto/intake.pb-c.h"
#include "proto/types.pb-c.h"

struct zone;

enum {
    DUTY_LEVEL_MAX = 3, /* Case manager, supervisor, director; then it stays on top of the worklist. */
    CASE_WORK_MAX = 64, /* Items kept in the case; the oldest finished ones make room. */
};

/* When a duty that begins at `from_ms` falls due. */
int64_t duty_due_ms(
    const Casebus__ClockRule *rule, bool urgent, const struct zone *zone, struct holidays holidays, int64_t from_ms);

/* The same, by name, for a case. */
int64_t duty_due(struct decision *d, const Intake__Case *c, const char *name, int64_t from_ms);

/* Starts a clock now for something that happened at `happened_at_ms`. No effect while it runs. */
void clock_start(struct decision *d, Intake__Case *c, const char *name, int64_t happened_at_ms);

/* The same for a clock whose length counts from what happened. False, and nothing starts, when it would be past
 * already. */
bool clock_start_from(struct decision *d, Intake__Case *c, const char *name, int64_t happened_at_ms);

/* Stops it: met, or met late. No effect unless it runs. */
void clock_stop(struct decision *d, Intake__Case *c, const char *name);

/* Opens work of a kind; its rule gives title and due time. `title` NULL: the rule's. */
Casebus__WorkItem *work_open(
    struct decision *d, Intake__Case *c, const char *kind, Casebus__Role owner, const char *title, const char *because);
Casebus__WorkItem *work_find(const Intake__Case *c, const char *work_id);
const Casebus__WorkItem *work_open_of_kind(const Intake__Case *c, const char *kind);
void work_done(struct decision *d, Intake__Case *c, Casebus__WorkItem *item, const char *evidence);
void work_cancel(struct decision *d, Intake__Case *c, const char *kind, const char *because);
bool work_is_critical(const Casebus__WorkItem *item);

/* The first open critical item, or NULL. */
const Casebus__WorkItem *case_critical_work(const Intake__Case *c);

/* What still binds us, for a sentence: title of the first running clock or open item; NULL when nothing does. */
const char *case_open_duty(const struct decision *d, const Intake__Case *c);

/* Lets everything fall away that is open. */
void duties_cancel(struct decision *d, Intake__Case *c, const char *because);

/* Rings for `clock.<name>` or `work.<id>`: marks it overdue, tells the next person, and sets the next ring. */
void duty_ring(struct decision *d, Intake__Case *c, const char *timer);

/* Where the case stands in the worklists: by its next due time; nowhere once it has ended. At the end of every change.
 */
void case_sort(struct decision *d, const Intake__Case *c);

const struct zone *case_zone(const struct decision *d, const Intake__Case *c);

#endif
