#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/instant.h"
#include "common/service/say.h"
#include "services/planning/planning.h"

bool target_is_met(const Planning__Target *target, int64_t value_milli)
{
    switch (target->operator_) {
    case PLANNING__OPERATOR__OPERATOR_BELOW:
        return value_milli < target->high_milli;
    case PLANNING__OPERATOR__OPERATOR_AT_MOST:
        return value_milli <= target->high_milli;
    case PLANNING__OPERATOR__OPERATOR_ABOVE:
        return value_milli > target->low_milli;
    case PLANNING__OPERATOR__OPERATOR_AT_LEAST:
        return value_milli >= target->low_milli;
    case PLANNING__OPERATOR__OPERATOR_BETWEEN:
        return target->low_milli <= value_milli && value_milli <= target->high_milli;
    case PLANNING__OPERATOR__OPERATOR_UNSPECIFIED:
    case _PLANNING__OPERATOR_IS_INT_SIZE:
        break;
    }
    return false;
}

/* How far a value is from the target; 0 when it is met. */
static int64_t distance(const Planning__Target *target, int64_t value_milli)
{
    if (target_is_met(target, value_milli)) {
        return 0;
    }
    bool too_high = target->operator_ == PLANNING__OPERATOR__OPERATOR_BELOW ||
                    target->operator_ == PLANNING__OPERATOR__OPERATOR_AT_MOST ||
                    (target->operator_ == PLANNING__OPERATOR__OPERATOR_BETWEEN && value_milli > target->high_milli);
    return too_high ? value_milli - target->high_milli + 1 : target->low_milli - value_milli + 1;
}

static bool measures(const Planning__Target *target, const Planning__Reading *reading)
{
    return target->measure && strcmp(target->measure->code, reading->measure) == 0;
}

/* ---- What a run of readings says ---- */

struct run {
    const Planning__Reading *last;
    const Planning__Reading *before;
    size_t met; /* Latest readings in a row that met the target. */
    int64_t met_since_ms;
};

static struct run run_of(const Planning__Goal *goal, const Planning__Target *target)
{
    struct run run = {0};
    for (size_t i = 0; i < goal->n_readings; i++) {
        const Planning__Reading *reading = goal->readings[i];
        if (!measures(target, reading)) {
            continue;
        }
        run.before = run.last;
        run.last = reading;
        bool met = target_is_met(target, reading->value_milli);
        run.met_since_ms = met && run.met > 0 ? run.met_since_ms : reading->at_ms;
        run.met = met ? run.met + 1 : 0;
    }
    return run;
}

static Planning__Achievement trend(const Planning__Target *target, const struct run *run)
{
    if (!run->before) {
        return PLANNING__ACHIEVEMENT__ACHIEVEMENT_IN_PROGRESS;
    }
    int64_t was = distance(target, run->before->value_milli);
    int64_t is = distance(target, run->last->value_milli);
    if (is == was) {
        return PLANNING__ACHIEVEMENT__ACHIEVEMENT_NO_CHANGE;
    }
    return is > was ? PLANNING__ACHIEVEMENT__ACHIEVEMENT_WORSENING : PLANNING__ACHIEVEMENT__ACHIEVEMENT_IMPROVING;
}

/* Once on target: improving. Twice, a week apart: achieved. Three times: sustaining. */
static Planning__Achievement achievement_of_target(const Planning__Goal *goal, const Planning__Target *target)
{
    struct run run = run_of(goal, target);
    if (!run.last) {
        return PLANNING__ACHIEVEMENT__ACHIEVEMENT_IN_PROGRESS;
    }
    if (run.met == 0) {
        return trend(target, &run);
    }
    bool lasted = run.last->at_ms - run.met_since_ms >= ACHIEVED_SPAN_DAYS * DAY_MS;
    if (run.met == 1 || !lasted) {
        return PLANNING__ACHIEVEMENT__ACHIEVEMENT_IMPROVING;
    }
    return run.met >= 3 ? PLANNING__ACHIEVEMENT__ACHIEVEMENT_SUSTAINING : PLANNING__ACHIEVEMENT__ACHIEVEMENT_ACHIEVED;
}

/* From bad to good. */
static int rank(Planning__Achievement achievement)
{
    static const Planning__Achievement ORDER[] = {
        PLANNING__ACHIEVEMENT__ACHIEVEMENT_WORSENING,
        PLANNING__ACHIEVEMENT__ACHIEVEMENT_NO_CHANGE,
        PLANNING__ACHIEVEMENT__ACHIEVEMENT_IN_PROGRESS,
        PLANNING__ACHIEVEMENT__ACHIEVEMENT_IMPROVING,
        PLANNING__ACHIEVEMENT__ACHIEVEMENT_ACHIEVED,
        PLANNING__ACHIEVEMENT__ACHIEVEMENT_SUSTAINING,
    };
    int place = 0;
    while (place < (int)(sizeof ORDER / sizeof ORDER[0]) && ORDER[place] != achievement) {
        place++;
    }
    return place;
}

Planning__Achievement achievement_of(const Planning__Goal *goal)
{
    if (goal->n_targets == 0) {
        return goal->achievement;
    }
    Planning__Achievement worst = PLANNING__ACHIEVEMENT__ACHIEVEMENT_SUSTAINING;
    for (size_t i = 0; i < goal->n_targets; i++) {
        Planning__Achievement one = achievement_of_target(goal, goal->targets[i]);
        worst = rank(one) < rank(worst) ? one : worst;
    }
    return worst;
}

/* ---- Taking readings ---- */

static const char *say_number(struct decision *d, int64_t milli)
{
    int64_t whole = llabs(milli) / 1000;
    int64_t rest = llabs(milli) % 1000;
    const char *sign = milli < 0 ? "-" : "";
    if (rest == 0) {
        return text_of(d, "%s%" PRId64, sign, whole);
    }
    char *text = text_of(d, "%s%" PRId64 ".%03" PRId64, sign, whole, rest);
    for (size_t n = strlen(text); text[n - 1] == '0'; n--) {
        text[n - 1] = '\0';
    }
    return text;
}

static const char *say_target(struct decision *d, const Planning__Target *target)
{
    switch (target->operator_) {
    case PLANNING__OPERATOR__OPERATOR_BELOW:
        return text_of(d, "below %s", say_number(d, target->high_milli));
    case PLANNING__OPERATOR__OPERATOR_AT_MOST:
        return text_of(d, "at most %s", say_number(d, target->high_milli));
    case PLANNING__OPERATOR__OPERATOR_ABOVE:
        return text_of(d, "above %s", say_number(d, target->low_milli));
    case PLANNING__OPERATOR__OPERATOR_AT_LEAST:
        return text_of(d, "at least %s", say_number(d, target->low_milli));
    case PLANNING__OPERATOR__OPERATOR_BETWEEN:
        return text_of(d, "%s to %s", say_number(d, target->low_milli), say_number(d, target->high_milli));
    case PLANNING__OPERATOR__OPERATOR_UNSPECIFIED:
    case _PLANNING__OPERATOR_IS_INT_SIZE:
        break;
    }
    return "no target";
}

static void say_evaluated(struct decision *d, const Planning__Plan *plan, const Planning__Goal *goal,
    const Planning__Target *target, const Planning__Reading *reading)
{
    Planning__IndicatorEvaluated *event =
        MAKE(d, Planning__IndicatorEvaluated, planning__indicator_evaluated__descriptor);
    event->case_id = plan->case_id;
    event->plan_id = plan->plan_id;
    event->goal_id = goal->goal_id;
    event->measure = target->measure->display ? target->measure->display : target->measure->code;
    event->result = text_of(d, "%s %s on %s, target %s: %s", say_number(d, reading->value_milli),
        reading->unit ? reading->unit : "", say_day(d, plan->zone, reading->at_ms), say_target(d, target),
        say_enum(d, &planning__achievement__descriptor, goal->achievement));
    event->achievement = goal->achievement;
    event->reading = (Planning__Reading *)reading;
    emit(d, &event->base);
}

static bool has_reading(const Planning__Goal *goal, const Planning__Reading *reading)
{
    for (size_t i = 0; i < goal->n_readings; i++) {
        const Planning__Reading *other = goal->readings[i];
        if (other->at_ms == reading->at_ms && strcmp(other->measure, reading->measure) == 0) {
            return true;
        }
    }
    return false;
}

/* In order of time; the oldest goes when there are too many. */
static void insert_reading(struct decision *d, Planning__Goal *goal, const Planning__Reading *reading)
{
    APPEND(d, goal, readings, (Planning__Reading *)reading);
    for (size_t i = goal->n_readings - 1; i > 0 && goal->readings[i - 1]->at_ms > goal->readings[i]->at_ms; i--) {
        Planning__Reading *later = goal->readings[i - 1];
        goal->readings[i - 1] = goal->readings[i];
        goal->readings[i] = later;
    }
    if (goal->n_readings > GOAL_READINGS_MAX) {
        goal->readings++;
        goal->n_readings--;
    }
}

static bool same_unit(const Planning__Target *target, const Planning__Reading *reading)
{
    return !target->unit || (reading->unit && strcmp(target->unit, reading->unit) == 0);
}

static bool take_into_goal(
    struct decision *d, const Planning__Plan *plan, Planning__Goal *goal, const Planning__Reading *reading)
{
    for (size_t i = 0; i < goal->n_targets; i++) {
        const Planning__Target *target = goal->targets[i];
        if (measures(target, reading) && same_unit(target, reading) && !has_reading(goal, reading)) {
            insert_reading(d, goal, reading);
            goal->achievement = achievement_of(goal);
            if (d->event_count < INDICATOR_EVENTS_MAX) {
                say_evaluated(d, plan, goal, target, reading);
            }
            return true;
        }
    }
    return false;
}

bool take_reading(struct decision *d, Planning__Plan *plan, const Planning__Reading *reading)
{
    bool taken = false;
    for (size_t i = 0; i < plan->n_goals; i++) {
        taken |= take_into_goal(d, plan, plan->goals[i], reading);
    }
    return taken;
}

/* A value in another unit than the plan's is refused: converting it silently has killed people. */
static enum fault refuse_other_unit(struct decision *d, const Planning__Plan *plan, const Planning__Reading *reading)
{
    for (size_t g = 0; g < plan->n_goals; g++) {
        for (size_t t = 0; t < plan->goals[g]->n_targets; t++) {
            const Planning__Target *target = plan->goals[g]->targets[t];
            if (measures(target, reading) && !same_unit(target, reading)) {
                return refuse(d, "the reading of %s is in %s, the plan measures it in %s", reading->measure,
                    reading->unit ? reading->unit : "no unit", target->unit);
            }
        }
    }
    return FAULT_NONE;
}

enum fault record_readings(struct decision *d, Planning__Plan *plan, const Planning__RecordReadings *cmd)
{
    for (size_t i = 0; i < cmd->n_readings; i++) {
        if (cmd->readings[i]->at_ms > d->now_ms) {
            return refuse(d, "the reading of %s is of %s, which has not come yet", cmd->readings[i]->measure,
                say_when(d, plan->zone, cmd->readings[i]->at_ms));
        }
        enum fault fault = refuse_other_unit(d, plan, cmd->readings[i]);
        if (fault) {
            return fault;
        }
    }
    for (size_t i = 0; i < cmd->n_readings; i++) {
        take_reading(d, plan, cmd->readings[i]);
    }
    return FAULT_NONE;
}
