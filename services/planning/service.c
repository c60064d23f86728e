#include "services/planning/planning.h"

/* clang-format off */
static const struct command COMMANDS[] = {
    COMMAND(Planning__ProposePlan, planning__propose_plan__descriptor, Planning__Plan, propose_plan),
    COMMAND(Planning__AgreePlan, planning__agree_plan__descriptor, Planning__Plan, agree_plan),
    COMMAND(Planning__ObjectToPlan, planning__object_to_plan__descriptor, Planning__Plan, object_to_plan),
    COMMAND(Planning__RevisePlan, planning__revise_plan__descriptor, Planning__Plan, revise_plan),
    COMMAND(Planning__CompleteIntervention, planning__complete_intervention__descriptor, Planning__Plan, complete_intervention),
    COMMAND(Planning__RecordReadings, planning__record_readings__descriptor, Planning__Plan, record_readings),
    {0},
};
static const struct reaction REACTIONS[] = {
    REACTION(Intake__CaseEnrolled, intake__case_enrolled__descriptor, draft_plan),
    REACTION(Intake__CaseClosed, intake__case_closed__descriptor, end_plan),
    REACTION(Scheduling__AppointmentBooked, scheduling__appointment_booked__descriptor, step_scheduled),
    REACTION(Scheduling__AppointmentFulfilled, scheduling__appointment_fulfilled__descriptor, step_took_place),
    REACTION(Scheduling__AppointmentCancelled, scheduling__appointment_cancelled__descriptor, step_cancelled),
    REACTION(Scheduling__AppointmentMissed, scheduling__appointment_missed__descriptor, step_missed),
    {0},
};
static const struct timer TIMERS[] = {
    TIMER("plan", Planning__Plan, plan_timer),
    {0},
};
static const struct query QUERIES[] = {
    QUERY(Planning__ReadPlan, planning__read_plan__descriptor, Planning__Plan, read_plan),
    {0},
};
static const struct reference_file REFERENCES[] = {
    {&planning__pathway__descriptor, "reference/pathways/"},
    {0},
};
/* clang-format on */

const struct service PLANNING = {
    .name = "planning",
    .commands = COMMANDS,
    .reactions = REACTIONS,
    .timers = TIMERS,
    .queries = QUERIES,
    .references = REFERENCES,
};
