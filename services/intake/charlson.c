#include "common/service/say.h"
#include "services/intake/screen.h"

static uint32_t weight_of(const Casebus__ConditionGroup *group, enum charlson weights)
{
    return weights == CHARLSON_1987 ? group->charlson_1987 : group->charlson_2011;
}

uint32_t charlson_points(const struct findings *findings, enum charlson weights)
{
    uint64_t weighed = findings_weighed(findings);
    uint32_t points = 0;
    for (size_t i = 0; i < findings->groups->n_groups; i++) {
        points += (weighed >> i & 1) != 0 ? weight_of(findings->groups->groups[i], weights) : 0;
    }
    return points;
}

uint32_t charlson_age_points(int years)
{
    return years < 50 ? 0 : years < 60 ? 1 : years < 70 ? 2 : years < 80 ? 3 : 4;
}

static const char *name_of(enum charlson weights, bool with_age)
{
    return weights == CHARLSON_2011 ? "charlson-2011" : with_age ? "charlson-1987-age" : "charlson-1987";
}

static void tell_parts(struct decision *d, const struct findings *findings, enum charlson weights, Intake__Score *score)
{
    uint64_t weighed = findings_weighed(findings);
    for (size_t i = 0; i < findings->groups->n_groups; i++) {
        const Casebus__ConditionGroup *group = findings->groups->groups[i];
        if ((weighed >> i & 1) != 0 && weight_of(group, weights) > 0) {
            APPEND(d, score, parts, text_of(d, "%s: %u", group->display, weight_of(group, weights)));
        }
    }
}

Intake__Score *charlson_score(
    struct decision *d, const struct findings *findings, enum charlson weights, const int *age_years)
{
    Intake__Score *score = MAKE(d, Intake__Score, intake__score__descriptor);
    score->name = name_of(weights, age_years != NULL);
    score->reference = text_of(d, "%s@%s", findings->groups->id, findings->groups->version);
    if (findings->condition_count == 0) {
        score->not_computable = "no conditions in the record";
        return score;
    }
    SET(score, value, charlson_points(findings, weights));
    tell_parts(d, findings, weights, score);
    if (age_years != NULL && charlson_age_points(*age_years) > 0) {
        score->value += charlson_age_points(*age_years);
        APPEND(d, score, parts, text_of(d, "age %d: %u", *age_years, charlson_age_points(*age_years)));
    }
    if (findings->unmapped_count > 0) {
        score->at_least = true;
        APPEND(d, score, parts,
            text_of(d, "%s not reviewed, not counted", say_count(d, findings->unmapped_count, "condition")));
    }
    return score;
}
