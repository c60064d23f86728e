#include "common/core/instant.h"
#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/intake/intake.h"
#include "services/intake/screen.h"

#define EMERGENCY_MONTHS 6

uint32_t lace_stay_points(int days)
{
    return days < 1 ? 0 : days < 4 ? (uint32_t)days : days < 7 ? 4 : days < 14 ? 5 : 7;
}

static uint32_t comorbidity_points(uint32_t sum)
{
    return sum >= 4 ? 5 : sum;
}

static uint32_t emergency_points(int visits)
{
    return visits >= 4 ? 4 : (uint32_t)visits;
}

uint32_t lace_points(struct lace lace)
{
    return lace_stay_points(lace.stay_days) + (lace.emergent ? 3 : 0) + comorbidity_points(lace.comorbidity) +
           emergency_points(lace.emergency_visits);
}

const char *lace_band(uint32_t points)
{
    return points < 5 ? "low" : points < 10 ? "moderate" : "high";
}

const Intake__Encounter *latest_stay(
    const Intake__PatientFacts *facts, struct date until, int days, const struct zone *zone)
{
    const Intake__Encounter *latest = NULL;
    for (size_t i = 0; i < facts->n_encounters; i++) {
        const Intake__Encounter *stay = facts->encounters[i];
        if (stay->class_ != INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_INPATIENT || !stay->has_end_at_ms) {
            continue;
        }
        int ago = date_days_between(zone_date(zone, stay->end_at_ms), until);
        if (ago >= 0 && ago <= days && (latest == NULL || stay->end_at_ms > latest->end_at_ms)) {
            latest = stay;
        }
    }
    return latest;
}

static uint32_t comorbidity(const struct findings *findings)
{
    uint64_t weighed = findings_weighed(findings);
    uint32_t sum = 0;
    for (size_t i = 0; i < findings->groups->n_groups; i++) {
        sum += (weighed >> i & 1) != 0 ? findings->groups->groups[i]->lace : 0;
    }
    return sum;
}

/* The visit that led to the stay is not one before it: it ends within a day of the admission. */
static bool led_to(const Intake__Encounter *visit, const Intake__Encounter *stay)
{
    int64_t end_at_ms = visit->has_end_at_ms ? visit->end_at_ms : visit->start_at_ms;
    return end_at_ms > stay->start_at_ms - DAY_MS;
}

static int emergency_visits(const Intake__PatientFacts *facts, const Intake__Encounter *stay, const struct zone *zone)
{
    struct date first = date_add_months(zone_date(zone, stay->start_at_ms), -EMERGENCY_MONTHS);
    int visits = 0;
    for (size_t i = 0; i < facts->n_encounters; i++) {
        const Intake__Encounter *visit = facts->encounters[i];
        visits += visit->class_ == INTAKE__ENCOUNTER_CLASS__ENCOUNTER_CLASS_EMERGENCY && visit->has_start_at_ms &&
                  visit->start_at_ms < stay->start_at_ms && !led_to(visit, stay) &&
                  date_compare(zone_date(zone, visit->start_at_ms), first) >= 0;
    }
    return visits;
}

static const char *missing_input(const Intake__Encounter *stay, const struct findings *findings)
{
    if (stay == NULL) {
        return "no inpatient stay in the last 30 days";
    }
    if (!stay->has_start_at_ms) {
        return "when the stay began";
    }
    if (!stay->has_emergent) {
        return "whether the admission was acute";
    }
    return findings->condition_count == 0 ? "no conditions in the record" : NULL;
}

Intake__Score *lace_score(struct decision *d, const Intake__PatientFacts *facts, const struct findings *findings,
    struct date as_of, const struct zone *zone)
{
    Intake__Score *score = MAKE(d, Intake__Score, intake__score__descriptor);
    score->name = "lace";
    score->reference = text_of(d, "%s@%s", findings->groups->id, findings->groups->version);
    const Intake__Encounter *stay = latest_stay(facts, as_of, RECENT_STAY_DAYS, zone);
    score->not_computable = missing_input(stay, findings);
    if (score->not_computable != NULL) {
        return score;
    }
    struct lace lace = {
        .stay_days = date_days_between(zone_date(zone, stay->start_at_ms), zone_date(zone, stay->end_at_ms)),
        .emergent = stay->emergent,
        .comorbidity = comorbidity(findings),
        .emergency_visits = emergency_visits(facts, stay, zone),
    };
    SET(score, value, lace_points(lace));
    score->band = lace_band(score->value);
    APPEND(d, score, parts,
        text_of(d, "length of stay %s: %u", say_count(d, (uint64_t)(lace.stay_days > 0 ? lace.stay_days : 0), "day"),
            lace_stay_points(lace.stay_days)));
    APPEND(
        d, score, parts, text_of(d, "acute admission %s: %u", lace.emergent ? "yes" : "no", lace.emergent ? 3u : 0u));
    APPEND(d, score, parts, text_of(d, "comorbidity %u: %u", lace.comorbidity, comorbidity_points(lace.comorbidity)));
    APPEND(d, score, parts,
        text_of(d, "%s in six months: %u", say_count(d, (uint64_t)lace.emergency_visits, "emergency visit"),
            emergency_points(lace.emergency_visits)));
    score->at_least = findings->unmapped_count > 0;
    return score;
}
