/* Screening: what the facts of a referral say, by reference data alone. The same facts and the same data give the same
 * answer.
 *
 * Need goes by identification (today), scores by the day of the latest clinical fact, which is when they were true.
 * A score that lacks an input has no value and names what is missing. A code that no map has reviewed is listed and
 * never counted as absent: a score beside it is a lower bound. */
#ifndef INTAKE_SCREEN_H
#define INTAKE_SCREEN_H

#include "common/core/date.h"
#include "common/service/decision.h"
#include "proto/intake.pb-c.h"
#include "proto/types.pb-c.h"

struct zone;

enum {
    GROUPS_MAX = 64, /* Groups of the reference data; a bit each. */
};

/* ---- codemap.c ---- */

/* The entry that a code falls under: the same code, or the longest prefix without dots in upper case. NULL: never
 * reviewed. */
const Casebus__CodeMapEntry *codemap_find(struct decision *d, const Casebus__CodeMap *map, const char *code);
/* The same in the map of the coding's system. */
const Casebus__CodeMapEntry *codemap_find_coding(struct decision *d, const Casebus__Coding *coding);

/* Active conditions, sorted into groups. */
struct findings {
    const Casebus__ConditionGroups *groups;
    uint64_t present;       /* Bit i: groups->groups[i]. */
    size_t condition_count; /* Told at all, whatever their status. */
    Casebus__Coding **unmapped;
    size_t unmapped_count;
};

/* Whether it is active, recurrent or relapsed on that day. */
bool condition_is_active(const Intake__Condition *condition, struct date day);
bool findings_have(const struct findings *findings, const char *group);
struct findings findings_of(struct decision *d, const Intake__PatientFacts *facts, struct date day);

/* Without the milder groups that a present one replaces. */
uint64_t findings_weighed(const struct findings *findings);

/* ---- charlson.c ---- */

enum charlson { CHARLSON_1987, CHARLSON_2011 };

/* Points of the groups; each counts once. */
uint32_t charlson_points(const struct findings *findings, enum charlson weights);
uint32_t charlson_age_points(int years);
Intake__Score *charlson_score(
    struct decision *d, const struct findings *findings, enum charlson weights, const int *age_years);

/* ---- lace.c ---- */

struct lace {
    int stay_days; /* Midnights. */
    bool emergent;
    uint32_t comorbidity; /* Sum of weights. */
    int emergency_visits; /* Of the six months before. */
};

uint32_t lace_stay_points(int days);
uint32_t lace_points(struct lace lace);
const char *lace_band(uint32_t points);
Intake__Score *lace_score(struct decision *d, const Intake__PatientFacts *facts, const struct findings *findings,
    struct date as_of, const struct zone *zone);

/* The latest inpatient stay that ended on `until` or in the `days` before it; NULL when there is none. */
const Intake__Encounter *latest_stay(
    const Intake__PatientFacts *facts, struct date until, int days, const struct zone *zone);

/* ---- screen.c ---- */

/* What screening comes to: a programme, or a reason to end. */
struct screening_end {
    Intake__RejectionCode code; /* Unspecified: a programme answers. */
    const char *why;
    const char *summary; /* One line in plain words. */
};

struct screening_end screen(
    struct decision *d, const Intake__PatientFacts *facts, const struct zone *zone, Intake__Screening *out);

/* A programme in words: "heart failure". */
const char *programme_name(struct decision *d, const char *programme);

#endif
