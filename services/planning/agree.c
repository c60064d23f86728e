#include <string.h>

#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/planning/planning.h"

static const Planning__PlanState DRAFT = PLANNING__PLAN_STATE__PLAN_STATE_DRAFT;
static const Planning__PlanState PROPOSED = PLANNING__PLAN_STATE__PLAN_STATE_PROPOSED;
static const Planning__PlanState OBJECTED = PLANNING__PLAN_STATE__PLAN_STATE_OBJECTED;
static const Planning__PlanState ACTIVE = PLANNING__PLAN_STATE__PLAN_STATE_ACTIVE;

const char *plan_word(struct decision *d, const Planning__Plan *plan)
{
    return say_enum(d, &planning__plan_state__descriptor, plan->state);
}

int64_t end_of_day_after(struct decision *d, const Planning__Plan *plan, int64_t from_ms, uint32_t days)
{
    const struct zone *zone = plan->zone ? zone_find(plan->zone) : NULL;
    zone = zone ? zone : zone_find(d->tenant_zone);
    return zone_end_of_day(zone, date_add_days(zone_date(zone, from_ms), (int)days));
}

enum fault propose_plan(struct decision *d, Planning__Plan *plan, const Planning__ProposePlan *cmd)
{
    if (plan->state != DRAFT) {
        return refuse(d, "plan %s is %s, only a draft can be shown to the patient", cmd->plan_id, plan_word(d, plan));
    }
    plan->state = PROPOSED;
    Planning__PlanProposed *event = MAKE(d, Planning__PlanProposed, planning__plan_proposed__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    emit(d, &event->base);
    return FAULT_NONE;
}

static void note_answer(struct decision *d, Planning__Plan *plan, bool agreed, const char *reason, const char *step_id)
{
    Planning__Agreement *answer = MAKE(d, Planning__Agreement, planning__agreement__descriptor);
    answer->by = d->actor.id;
    answer->role = d->actor.role;
    SET(answer, agreed, agreed);
    answer->reason = reason;
    answer->step_id = step_id;
    answer->at_ms = d->now_ms;
    SET(answer, simulated, d->actor.simulated);
    APPEND(d, plan, agreements, answer);
}

/* ---- Agreeing ---- */

/* Due dates count from the first agreement; a revision keeps those that were set. */
static void activate(struct decision *d, Planning__Plan *plan)
{
    plan->state = ACTIVE;
    plan->agreed_at_ms = d->now_ms;
    for (size_t i = 0; i < plan->n_goals; i++) {
        Planning__Goal *goal = plan->goals[i];
        if (goal->state == PLANNING__GOAL_STATE__GOAL_STATE_PROPOSED) {
            goal->state = PLANNING__GOAL_STATE__GOAL_STATE_ACTIVE;
            goal->due_at_ms = goal->due_days ? end_of_day_after(d, plan, d->now_ms, goal->due_days) : 0;
        }
    }
    for (size_t i = 0; i < plan->n_interventions; i++) {
        Planning__Intervention *step = plan->interventions[i];
        if (step_is_open(step) && !step->due_at_ms) {
            step->due_at_ms = end_of_day_after(d, plan, d->now_ms, step->due_days);
        }
    }
    arrange_steps(d, plan);
    if (plan->review_days) {
        plan->review_due_at_ms = end_of_day_after(d, plan, d->now_ms, plan->review_days);
        set_timer(d, "plan", plan->plan_id, "review", plan->review_due_at_ms);
    }
}

static bool needs_other_services(const Planning__Intervention *step)
{
    return step_is_open(step) && (step->appointment_kind || step->service_code);
}

static void add_service(struct decision *d, Planning__PlanAgreed *event, const Planning__Intervention *step)
{
    Planning__PlannedService *service = MAKE(d, Planning__PlannedService, planning__planned_service__descriptor);
    service->intervention_id = step->intervention_id;
    service->title = step->title;
    service->appointment_kind = step->appointment_kind;
    service->minutes = step->minutes;
    service->service_code = step->service_code;
    service->units = step->units;
    service->specialty = step->specialty;
    service->due_at_ms = step->due_at_ms;
    APPEND(d, event, services, service);
}

static int64_t first_due(const Planning__Plan *plan)
{
    int64_t first_ms = 0;
    for (size_t i = 0; i < plan->n_interventions; i++) {
        const Planning__Intervention *step = plan->interventions[i];
        if (step_is_open(step) && (first_ms == 0 || step->due_at_ms < first_ms)) {
            first_ms = step->due_at_ms;
        }
    }
    return first_ms;
}

static void say_agreed(struct decision *d, const Planning__Plan *plan)
{
    Planning__PlanAgreed *event = MAKE(d, Planning__PlanAgreed, planning__plan_agreed__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    event->by = say_enum(d, &casebus__role__descriptor, d->actor.role);
    size_t open = 0;
    for (size_t i = 0; i < plan->n_interventions; i++) {
        open += step_is_open(plan->interventions[i]);
        if (needs_other_services(plan->interventions[i])) {
            add_service(d, event, plan->interventions[i]);
        }
    }
    event->summary = text_of(d, "%s, %s", say_count(d, plan->n_goals, "goal"), say_count(d, open, "step"));
    event->due_at_ms = first_due(plan);
    event->zone = plan->zone;
    SET(event, simulated, d->actor.simulated);
    emit(d, &event->base);
}

enum fault agree_plan(struct decision *d, Planning__Plan *plan, const Planning__AgreePlan *cmd)
{
    if (plan->state != PROPOSED) {
        return refuse(
            d, "plan %s is %s, the patient can agree only to one that was shown", cmd->plan_id, plan_word(d, plan));
    }
    note_answer(d, plan, true, NULL, NULL);
    activate(d, plan);
    say_agreed(d, plan);
    return FAULT_NONE;
}

/* ---- Objecting and revising ---- */

static void say_objected(struct decision *d, const Planning__Plan *plan, const Planning__ObjectToPlan *cmd)
{
    Planning__PlanObjected *event = MAKE(d, Planning__PlanObjected, planning__plan_objected__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    event->step_id = cmd->step_id;
    event->reason = cmd->reason;
    event->by = say_enum(d, &casebus__role__descriptor, d->actor.role);
    emit(d, &event->base);
}

/* While the plan is only proposed, any objection stops the whole; later it stops the step it names, or all when it names none. */
enum fault object_to_plan(struct decision *d, Planning__Plan *plan, const Planning__ObjectToPlan *cmd)
{
    if (plan->state != PROPOSED && plan->state != ACTIVE) {
        return refuse(
            d, "plan %s is %s, an objection is taken while it is proposed or active", cmd->plan_id, plan_word(d, plan));
    }
    Planning__Intervention *step = cmd->step_id ? find_step(plan, cmd->step_id) : NULL;
    Planning__Goal *goal = cmd->step_id ? find_goal(plan, cmd->step_id) : NULL;
    if (cmd->step_id && !step && !goal) {
        return refuse_missing(d, "plan %s has no step or goal %s", cmd->plan_id, cmd->step_id);
    }
    if (step && !step_is_open(step)) {
        return refuse(
            d, "step %s is %s already", cmd->step_id, say_enum(d, &planning__step_state__descriptor, step->state));
    }
    note_answer(d, plan, false, cmd->reason, cmd->step_id);
    if (step) {
        step->state = PLANNING__STEP_STATE__STEP_STATE_ON_HOLD;
    }
    if (goal) {
        goal->state = PLANNING__GOAL_STATE__GOAL_STATE_ON_HOLD;
    }
    if (plan->state == PROPOSED || !cmd->step_id) {
        plan->state = OBJECTED;
    }
    say_objected(d, plan, cmd);
    return FAULT_NONE;
}

static void cancel_item(Planning__Plan *plan, const char *id)
{
    Planning__Intervention *step = find_step(plan, id);
    Planning__Goal *goal = find_goal(plan, id);
    if (step && step_is_open(step)) {
        step->state = PLANNING__STEP_STATE__STEP_STATE_CANCELLED;
    }
    if (goal) {
        goal->state = PLANNING__GOAL_STATE__GOAL_STATE_CANCELLED;
    }
}

/* What was on hold because of the objection and is not cancelled goes on. */
static void release_held(Planning__Plan *plan)
{
    for (size_t i = 0; i < plan->n_interventions; i++) {
        if (plan->interventions[i]->state == PLANNING__STEP_STATE__STEP_STATE_ON_HOLD) {
            plan->interventions[i]->state = PLANNING__STEP_STATE__STEP_STATE_NOT_STARTED;
        }
    }
    for (size_t i = 0; i < plan->n_goals; i++) {
        if (plan->goals[i]->state == PLANNING__GOAL_STATE__GOAL_STATE_ON_HOLD) {
            plan->goals[i]->state = PLANNING__GOAL_STATE__GOAL_STATE_PROPOSED;
        }
    }
}

enum fault revise_plan(struct decision *d, Planning__Plan *plan, const Planning__RevisePlan *cmd)
{
    if (plan->state != OBJECTED && plan->state != DRAFT && plan->state != ACTIVE) {
        return refuse(d, "plan %s is %s and cannot be revised", cmd->plan_id, plan_word(d, plan));
    }
    for (size_t i = 0; i < cmd->n_cancel; i++) {
        if (!find_step(plan, cmd->cancel[i]) && !find_goal(plan, cmd->cancel[i])) {
            return refuse_missing(d, "plan %s has no step or goal %s", cmd->plan_id, cmd->cancel[i]);
        }
    }
    cancel_step_timers(d, plan);
    for (size_t i = 0; i < cmd->n_cancel; i++) {
        cancel_item(plan, cmd->cancel[i]);
    }
    release_held(plan);
    plan->state = DRAFT;
    plan->revision++;
    Planning__PlanRevised *event = MAKE(d, Planning__PlanRevised, planning__plan_revised__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    event->revision = plan->revision;
    event->summary = text_of(d, "%s taken out; %s", say_count(d, cmd->n_cancel, "item"), cmd->note);
    emit(d, &event->base);
    return FAULT_NONE;
}

/* ---- Ending and reading ---- */

static void end_goals(Planning__Plan *plan)
{
    for (size_t i = 0; i < plan->n_goals; i++) {
        Planning__Goal *goal = plan->goals[i];
        bool reached = goal->achievement == PLANNING__ACHIEVEMENT__ACHIEVEMENT_ACHIEVED ||
                       goal->achievement == PLANNING__ACHIEVEMENT__ACHIEVEMENT_SUSTAINING;
        if (goal->state == PLANNING__GOAL_STATE__GOAL_STATE_ACTIVE) {
            goal->state =
                reached ? PLANNING__GOAL_STATE__GOAL_STATE_COMPLETED : PLANNING__GOAL_STATE__GOAL_STATE_CANCELLED;
        }
    }
}

static void end_steps(Planning__Plan *plan)
{
    for (size_t i = 0; i < plan->n_interventions; i++) {
        if (step_is_open(plan->interventions[i])) {
            plan->interventions[i]->state = PLANNING__STEP_STATE__STEP_STATE_STOPPED;
        }
    }
}

/* The case was closed: completed when its goals were met, revoked for every other reason. */
enum fault end_plan(struct decision *d, const Intake__CaseClosed *event)
{
    Planning__Plan *plan = touch(d, "plan", plan_id_of(d, event->case_id));
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!plan || plan->state == PLANNING__PLAN_STATE__PLAN_STATE_COMPLETED ||
        plan->state == PLANNING__PLAN_STATE__PLAN_STATE_REVOKED) {
        return FAULT_NONE;
    }
    bool met = strcmp(event->code, "goals-met") == 0;
    cancel_step_timers(d, plan);
    cancel_timer(d, "plan", plan->plan_id, "review");
    end_goals(plan);
    end_steps(plan);
    plan->state = met ? PLANNING__PLAN_STATE__PLAN_STATE_COMPLETED : PLANNING__PLAN_STATE__PLAN_STATE_REVOKED;
    Planning__PlanEnded *ended = MAKE(d, Planning__PlanEnded, planning__plan_ended__descriptor);
    ended->case_id = plan->case_id;
    ended->plan_id = plan->plan_id;
    ended->how = plan_word(d, plan);
    ended->summary = text_of(d, "case closed, %s", event->code);
    emit(d, &ended->base);
    return FAULT_NONE;
}

enum fault read_plan(struct decision *d, const Planning__Plan *plan, const Planning__ReadPlan *query)
{
    if (!plan) {
        return refuse_missing(d, "there is no plan %s", query->plan_id);
    }
    reply(d, &plan->base);
    return FAULT_NONE;
}
