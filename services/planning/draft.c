#include <string.h>

#include "common/service/say.h"
#include "services/planning/planning.h"

const char *plan_id_of(struct decision *d, const char *case_id)
{
    return text_of(d, "%s.plan", case_id);
}

static const Planning__Pathway *find_pathway(const struct decision *d, const char *programme)
{
    size_t cursor = 0;
    const Planning__Pathway *pathway;
    while ((pathway = reference_each(d, &planning__pathway__descriptor, &cursor))) {
        if (strcmp(pathway->programme, programme) == 0) {
            return pathway;
        }
    }
    return NULL;
}

static void add_goal(struct decision *d, Planning__Plan *plan, const Planning__ProblemTemplate *problem,
    const Planning__GoalTemplate *template)
{
    Planning__Goal *goal = MAKE(d, Planning__Goal, planning__goal__descriptor);
    goal->goal_id = template->id;
    goal->text = template->text;
    goal->text_es = template->text_es;
    goal->n_targets = template->n_targets;
    goal->targets = template->targets;
    goal->state = PLANNING__GOAL_STATE__GOAL_STATE_PROPOSED;
    goal->achievement = PLANNING__ACHIEVEMENT__ACHIEVEMENT_IN_PROGRESS;
    goal->priority = template->priority;
    goal->due_days = template->due_days;
    goal->problem_id = problem->id;
    APPEND(d, plan, goals, goal);
}

static void add_step(struct decision *d, Planning__Plan *plan, const Planning__ProblemTemplate *problem,
    const Planning__InterventionTemplate *template)
{
    Planning__Intervention *step = MAKE(d, Planning__Intervention, planning__intervention__descriptor);
    step->intervention_id = template->id;
    step->title = template->title;
    step->text = template->text;
    step->text_es = template->text_es;
    step->kind = template->kind;
    step->n_after = template->n_after;
    step->after = template->after;
    step->state = PLANNING__STEP_STATE__STEP_STATE_NOT_STARTED;
    step->due_days = template->due_days;
    step->repeat_days = template->repeat_days;
    step->owner_role = template->owner_role;
    step->appointment_kind = template->appointment_kind;
    step->minutes = template->minutes;
    step->service_code = template->service_code;
    step->units = template->units;
    step->specialty = template->specialty;
    step->problem_id = problem->id;
    APPEND(d, plan, interventions, step);
}

static void add_problem(struct decision *d, Planning__Plan *plan, const Planning__ProblemTemplate *template)
{
    Planning__Problem *problem = MAKE(d, Planning__Problem, planning__problem__descriptor);
    problem->problem_id = template->id;
    problem->text = template->text;
    problem->text_es = template->text_es;
    APPEND(d, plan, problems, problem);
    for (size_t i = 0; i < template->n_goals; i++) {
        add_goal(d, plan, template, template->goals[i]);
    }
    for (size_t i = 0; i < template->n_interventions; i++) {
        add_step(d, plan, template, template->interventions[i]);
    }
}

/* What the referral already told of the indicators. Its own times are kept: an old value is an old value. */
static void take_known_readings(struct decision *d, Planning__Plan *plan, const Intake__PatientFacts *patient)
{
    for (size_t i = 0; patient && i < patient->n_observations; i++) {
        const Intake__Observation *observation = patient->observations[i];
        Planning__Reading *reading = MAKE(d, Planning__Reading, planning__reading__descriptor);
        reading->measure = observation->code->code;
        SET(reading, value_milli, observation->value_milli);
        reading->unit = observation->unit;
        reading->at_ms = observation->at_ms;
        take_reading(d, plan, reading);
    }
}

static void say_drafted(struct decision *d, const Planning__Plan *plan)
{
    Planning__PlanDrafted *event = MAKE(d, Planning__PlanDrafted, planning__plan_drafted__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    event->name = plan->name;
    event->summary = text_of(d, "%s, %s, %s", say_count(d, plan->n_problems, "problem"),
        say_count(d, plan->n_goals, "goal"), say_count(d, plan->n_interventions, "step"));
    event->revision = plan->revision;
    emit(d, &event->base);
}

enum fault draft_plan(struct decision *d, const Intake__CaseEnrolled *event)
{
    const Planning__Pathway *pathway = find_pathway(d, event->programme);
    if (!pathway) {
        return refuse(d, "there is no pathway for the programme %s", event->programme);
    }
    bool made = false;
    Planning__Plan *plan = require(d, "plan", plan_id_of(d, event->case_id), &made);
    if (d->wants) {
        return FAULT_WANT;
    }
    if (!made) {
        return refuse(d, "case %s has a plan already", event->case_id);
    }
    plan->state = PLANNING__PLAN_STATE__PLAN_STATE_DRAFT;
    plan->programme = pathway->programme;
    plan->pathway = text_of(d, "%s@%s", pathway->id, pathway->version);
    plan->name = pathway->name;
    plan->revision = 1;
    plan->drafted_at_ms = d->now_ms;
    plan->review_days = pathway->review_days;
    plan->zone = event->zone;
    plan->language = event->patient ? event->patient->language : NULL;
    for (size_t i = 0; i < pathway->n_problems; i++) {
        add_problem(d, plan, pathway->problems[i]);
    }
    say_drafted(d, plan);
    take_known_readings(d, plan, event->patient);
    return FAULT_NONE;
}
