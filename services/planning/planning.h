/* Planning: care plans from pathway templates, agreed with the patient, watched against their targets.
 *
 *   enrolled -> draft -> proposed -> active -> ended
 *                 ^          |          |
 *                 +- revised +- objected+   the patient's no stops the plan or one step of it until it is answered
 *
 * A step (intervention) is ready when every step it comes after is done. A step that is overdue is told to its owner, then to the
 * supervisor, then to the director; it stays open until a person does or cancels it. */
#ifndef CASEBUS_PLANNING_H
#define CASEBUS_PLANNING_H

#include "common/service/service.h"
#include "proto/intake.pb-c.h"
#include "proto/planning.pb-c.h"
#include "proto/scheduling.pb-c.h"

extern const struct service PLANNING;

enum {
    GOAL_READINGS_MAX = 12,    /* Kept per goal, newest last; the rest is in the log. */
    INDICATOR_EVENTS_MAX = 24, /* Told per decision; further readings are kept all the same. */
    ACHIEVED_SPAN_DAYS = 7,    /* Two readings on target count as achieved when they lie so far apart (facts 3.4). */
    OVERDUE_LEVELS = 3,        /* Owner, supervisor, director. */
    OVERDUE_NEXT_LEVEL_HOURS = 24,
    OVERDUE_AGAIN_DAYS = 7, /* The director is reminded so often. */
};

/* ---- draft.c ---- */

/* Drafts a plan from the pathway of the case's programme, with what is already known of its indicators. */
enum fault draft_plan(struct decision *d, const Intake__CaseEnrolled *event);

/* ---- agree.c ---- */

enum fault propose_plan(struct decision *d, Planning__Plan *plan, const Planning__ProposePlan *cmd);
enum fault agree_plan(struct decision *d, Planning__Plan *plan, const Planning__AgreePlan *cmd);
enum fault object_to_plan(struct decision *d, Planning__Plan *plan, const Planning__ObjectToPlan *cmd);
enum fault revise_plan(struct decision *d, Planning__Plan *plan, const Planning__RevisePlan *cmd);
enum fault end_plan(struct decision *d, const Intake__CaseClosed *event);
enum fault read_plan(struct decision *d, const Planning__Plan *plan, const Planning__ReadPlan *query);

/* ---- step.c ---- */

enum fault complete_intervention(struct decision *d, Planning__Plan *plan, const Planning__CompleteIntervention *cmd);
enum fault plan_timer(struct decision *d, Planning__Plan *plan, const char *name, int64_t due_at_ms);
enum fault step_scheduled(struct decision *d, const Scheduling__AppointmentBooked *event);
enum fault step_took_place(struct decision *d, const Scheduling__AppointmentFulfilled *event);
enum fault step_cancelled(struct decision *d, const Scheduling__AppointmentCancelled *event);
enum fault step_missed(struct decision *d, const Scheduling__AppointmentMissed *event);

Planning__Intervention *find_step(const Planning__Plan *plan, const char *id);
Planning__Goal *find_goal(const Planning__Plan *plan, const char *id);
bool step_is_open(const Planning__Intervention *step);

/* The first open step that this one comes after, or NULL: then it is ready. */
const Planning__Intervention *step_waits_for(const Planning__Plan *plan, const Planning__Intervention *step);

/* Sets states and timers of every open step by what is done. */
void arrange_steps(struct decision *d, Planning__Plan *plan);
void cancel_step_timers(struct decision *d, const Planning__Plan *plan);

/* The last moment of the day, `days` after `from_ms`, in the plan's zone. */
int64_t end_of_day_after(struct decision *d, const Planning__Plan *plan, int64_t from_ms, uint32_t days);

/* `<case>.plan`: a case has one plan, revised as often as it must be. */
const char *plan_id_of(struct decision *d, const char *case_id);

/* "proposed". */
const char *plan_word(struct decision *d, const Planning__Plan *plan);

/* ---- indicator.c ---- */

enum fault record_readings(struct decision *d, Planning__Plan *plan, const Planning__RecordReadings *cmd);

/* Takes a reading into every goal that measures it; true when one does. Emits what it means for the goal. */
bool take_reading(struct decision *d, Planning__Plan *plan, const Planning__Reading *reading);

/* What the readings of a goal say (facts 3.4): the worst of its targets; a target without a reading is in progress. */
Planning__Achievement achievement_of(const Planning__Goal *goal);

bool target_is_met(const Planning__Target *target, int64_t value_milli);

#endif
