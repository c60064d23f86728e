#include <stdio.h>
#include <string.h>

#include "common/core/instant.h"
#include "common/service/say.h"
#include "services/planning/planning.h"

#define TIMER_PREFIX "due."

static const Planning__StepState READY = PLANNING__STEP_STATE__STEP_STATE_READY;
static const Planning__StepState WAITING = PLANNING__STEP_STATE__STEP_STATE_WAITING;
static const Planning__StepState SCHEDULED = PLANNING__STEP_STATE__STEP_STATE_SCHEDULED;
static const Planning__StepState COMPLETED = PLANNING__STEP_STATE__STEP_STATE_COMPLETED;
static const Planning__StepState ON_HOLD = PLANNING__STEP_STATE__STEP_STATE_ON_HOLD;

Planning__Intervention *find_step(const Planning__Plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->n_interventions; i++) {
        if (strcmp(plan->interventions[i]->intervention_id, id) == 0) {
            return plan->interventions[i];
        }
    }
    return NULL;
}

Planning__Goal *find_goal(const Planning__Plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->n_goals; i++) {
        if (strcmp(plan->goals[i]->goal_id, id) == 0) {
            return plan->goals[i];
        }
    }
    return NULL;
}

bool step_is_open(const Planning__Intervention *step)
{
    return step->state != COMPLETED && step->state != PLANNING__STEP_STATE__STEP_STATE_STOPPED &&
           step->state != PLANNING__STEP_STATE__STEP_STATE_CANCELLED;
}

const Planning__Intervention *step_waits_for(const Planning__Plan *plan, const Planning__Intervention *step)
{
    for (size_t i = 0; i < step->n_after; i++) {
        const Planning__Intervention *before = find_step(plan, step->after[i]);
        if (before && step_is_open(before) && before->done_count == 0) {
            return before;
        }
    }
    return NULL;
}

static const char *timer_name(struct decision *d, const Planning__Intervention *step)
{
    return text_of(d, TIMER_PREFIX "%s", step->intervention_id);
}

void arrange_steps(struct decision *d, Planning__Plan *plan)
{
    for (size_t i = 0; i < plan->n_interventions; i++) {
        Planning__Intervention *step = plan->interventions[i];
        if (!step_is_open(step) || step->state == ON_HOLD) {
            continue;
        }
        bool untouched = step->state == PLANNING__STEP_STATE__STEP_STATE_NOT_STARTED || step->state == WAITING;
        if (untouched) {
            step->state = step_waits_for(plan, step) ? WAITING : READY;
        }
        if (step->level == 0) {
            set_timer(d, "plan", plan->plan_id, timer_name(d, step), step->due_at_ms);
        }
    }
}

void cancel_step_timers(struct decision *d, const Planning__Plan *plan)
{
    for (size_t i = 0; i < plan->n_interventions; i++) {
        if (step_is_open(plan->interventions[i])) {
            cancel_timer(d, "plan", plan->plan_id, timer_name(d, plan->interventions[i]));
        }
    }
}

/* ---- Doing ---- */

static void say_completed(struct decision *d, const Planning__Plan *plan, const Planning__Intervention *step)
{
    Planning__InterventionCompleted *event =
        MAKE(d, Planning__InterventionCompleted, planning__intervention_completed__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    event->intervention_id = step->intervention_id;
    event->title = step->title;
    emit(d, &event->base);
}

/* A step that repeats is done this time, and due again. */
static void finish_step(struct decision *d, Planning__Plan *plan, Planning__Intervention *step, const char *evidence)
{
    cancel_timer(d, "plan", plan->plan_id, timer_name(d, step));
    step->done_at_ms = d->now_ms;
    step->evidence = evidence;
    step->done_count++;
    SET(step, level, 0);
    if (step->repeat_days) {
        step->state = READY;
        step->due_at_ms = end_of_day_after(d, plan, d->now_ms, step->repeat_days);
    } else {
        step->state = COMPLETED;
    }
    say_completed(d, plan, step);
    arrange_steps(d, plan);
}

enum fault complete_intervention(struct decision *d, Planning__Plan *plan, const Planning__CompleteIntervention *cmd)
{
    if (plan->state != PLANNING__PLAN_STATE__PLAN_STATE_ACTIVE) {
        return refuse(d, "plan %s is %s, steps are done while it is active", cmd->plan_id, plan_word(d, plan));
    }
    Planning__Intervention *step = find_step(plan, cmd->intervention_id);
    if (!step) {
        return refuse_missing(d, "plan %s has no step %s", cmd->plan_id, cmd->intervention_id);
    }
    if (!step_is_open(step) || step->state == ON_HOLD) {
        return refuse(
            d, "step %s is %s", cmd->intervention_id, say_enum(d, &planning__step_state__descriptor, step->state));
    }
    const Planning__Intervention *before = step_waits_for(plan, step);
    if (before) {
        return refuse(d, "step %s comes after %s, which is open", cmd->intervention_id, before->intervention_id);
    }
    finish_step(d, plan, step, cmd->evidence);
    return FAULT_NONE;
}

/* ---- Overdue ---- */

static const char *told_at_level(struct decision *d, const Planning__Intervention *step)
{
    switch (step->level) {
    case 1:
        return step->owner_role ? say_enum(d, &casebus__role__descriptor, step->owner_role) : "nurse";
    case 2:
        return "supervisor";
    default:
        return "director";
    }
}

static void escalate(struct decision *d, const Planning__Plan *plan, Planning__Intervention *step)
{
    if (step->level < OVERDUE_LEVELS) {
        step->level++;
    }
    int64_t next_ms = step->level < OVERDUE_LEVELS ? OVERDUE_NEXT_LEVEL_HOURS * HOUR_MS : OVERDUE_AGAIN_DAYS * DAY_MS;
    set_timer(d, "plan", plan->plan_id, timer_name(d, step), d->now_ms + next_ms);
    Planning__InterventionOverdue *event =
        MAKE(d, Planning__InterventionOverdue, planning__intervention_overdue__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    event->intervention_id = step->intervention_id;
    event->title = step->title;
    event->level = step->level;
    event->told = told_at_level(d, step);
    emit(d, &event->base);
}

static void say_review_due(struct decision *d, Planning__Plan *plan)
{
    size_t reached = 0;
    for (size_t i = 0; i < plan->n_goals; i++) {
        reached += plan->goals[i]->achievement >= PLANNING__ACHIEVEMENT__ACHIEVEMENT_ACHIEVED &&
                   plan->goals[i]->achievement <= PLANNING__ACHIEVEMENT__ACHIEVEMENT_SUSTAINING;
    }
    Planning__PlanReviewDue *event = MAKE(d, Planning__PlanReviewDue, planning__plan_review_due__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    event->summary = text_of(d, "%zu of %s reached", reached, say_count(d, plan->n_goals, "goal"));
    emit(d, &event->base);
    plan->review_due_at_ms = end_of_day_after(d, plan, d->now_ms, plan->review_days);
    set_timer(d, "plan", plan->plan_id, "review", plan->review_due_at_ms);
}

enum fault plan_timer(struct decision *d, Planning__Plan *plan, const char *name, int64_t due_at_ms)
{
    (void)due_at_ms;
    if (plan->state != PLANNING__PLAN_STATE__PLAN_STATE_ACTIVE) {
        return FAULT_NONE;
    }
    if (strcmp(name, "review") == 0) {
        say_review_due(d, plan);
        return FAULT_NONE;
    }
    size_t prefix = strlen(TIMER_PREFIX);
    Planning__Intervention *step = strncmp(name, TIMER_PREFIX, prefix) == 0 ? find_step(plan, name + prefix) : NULL;
    if (step && step_is_open(step)) {
        escalate(d, plan, step);
    }
    return FAULT_NONE;
}

/* ---- What scheduling says of the visits that belong to steps ---- */

/* The open step, or NULL: not of a plan, or over. d->wants while it is not loaded. */
static Planning__Intervention *step_of_visit(
    struct decision *d, const char *plan_id, const char *step_id, Planning__Plan **out)
{
    if (!plan_id || !step_id) {
        return NULL;
    }
    Planning__Plan *plan = touch(d, "plan", plan_id);
    if (!plan || plan->state != PLANNING__PLAN_STATE__PLAN_STATE_ACTIVE) {
        return NULL;
    }
    Planning__Intervention *step = find_step(plan, step_id);
    *out = plan;
    return step && step_is_open(step) && step->state != ON_HOLD ? step : NULL;
}

enum fault step_scheduled(struct decision *d, const Scheduling__AppointmentBooked *event)
{
    Planning__Plan *plan = NULL;
    Planning__Intervention *step = step_of_visit(d, event->plan_id, event->intervention_id, &plan);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (step) {
        step->state = SCHEDULED;
    }
    return FAULT_NONE;
}

enum fault step_took_place(struct decision *d, const Scheduling__AppointmentFulfilled *event)
{
    Planning__Plan *plan = NULL;
    Planning__Intervention *step = step_of_visit(d, event->plan_id, event->intervention_id, &plan);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (step) {
        finish_step(d, plan, step, text_of(d, "appointment %s took place", event->appointment_id));
    }
    return FAULT_NONE;
}

static enum fault step_open_again(struct decision *d, const char *plan_id, const char *step_id)
{
    Planning__Plan *plan = NULL;
    Planning__Intervention *step = step_of_visit(d, plan_id, step_id, &plan);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (step && step->state == SCHEDULED) {
        step->state = READY;
    }
    return FAULT_NONE;
}

enum fault step_cancelled(struct decision *d, const Scheduling__AppointmentCancelled *event)
{
    return step_open_again(d, event->plan_id, event->intervention_id);
}

enum fault step_missed(struct decision *d, const Scheduling__AppointmentMissed *event)
{
    return step_open_again(d, event->plan_id, event->intervention_id);
}
