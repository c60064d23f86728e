#include "services/intake/screen.h"

#include "common/core/slice.h"
#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/intake/intake.h"

#define POST_DISCHARGE "post-discharge"

const char *programme_name(struct decision *d, const char *programme)
{
    if (str_same(programme, "copd")) {
        return "COPD";
    }
    char *name = text_of(d, "%s", programme);
    for (char *c = name; *c != '\0'; c++) {
        *c = *c == '-' ? ' ' : *c;
    }
    return name;
}

/* The first group of the reference data that is present and calls for a programme. */
static const char *programme_of(const struct findings *findings)
{
    for (size_t i = 0; i < findings->groups->n_groups; i++) {
        if ((findings->present >> i & 1) != 0 && !str_is_empty(findings->groups->groups[i]->programme)) {
            return findings->groups->groups[i]->programme;
        }
    }
    return NULL;
}

static bool calls_for(const struct findings *findings, const Casebus__CodeMapEntry *entry, const char *programme)
{
    for (size_t g = 0; g < findings->groups->n_groups; g++) {
        const Casebus__ConditionGroup *group = findings->groups->groups[g];
        for (size_t i = 0; i < entry->n_groups; i++) {
            if (str_same(entry->groups[i], group->name) && str_same(group->programme, programme)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_told(const Intake__Screening *out, const char *display)
{
    for (size_t i = 0; i < out->n_conditions; i++) {
        if (str_same(out->conditions[i], display)) {
            return true;
        }
    }
    return false;
}

/* Names the active conditions that call for the programme, each once. */
static void tell_conditions(struct decision *d, const Intake__PatientFacts *facts, const struct findings *findings,
    struct date day, Intake__Screening *out)
{
    for (size_t i = 0; i < facts->n_conditions; i++) {
        const Intake__Condition *condition = facts->conditions[i];
        const Casebus__CodeMapEntry *entry = codemap_find_coding(d, condition->code);
        if (entry == NULL || !condition_is_active(condition, day) || !calls_for(findings, entry, out->programme)) {
            continue;
        }
        const char *display = entry->display != NULL ? entry->display : condition->code->display;
        display = display != NULL ? display : condition->code->code;
        if (!is_told(out, display)) {
            APPEND(d, out, conditions, display);
        }
    }
}

static const char *join(struct decision *d, const char *const *words, size_t count)
{
    const char *text = "";
    for (size_t i = 0; i < count; i++) {
        text = text_of(d, "%s%s%s", text, i > 0 ? ", " : "", words[i]);
    }
    return text;
}

static const char *say_score(struct decision *d, const Intake__Score *score)
{
    const char *name = str_same(score->name, "lace") ? "LACE" : "Charlson";
    if (score->not_computable != NULL) {
        return text_of(d, "%s not computable: %s", name, score->not_computable);
    }
    return text_of(d, "%s %s%u%s%s%s", name, score->at_least ? "at least " : "", score->value,
        score->band != NULL ? " (" : "", score->band != NULL ? score->band : "", score->band != NULL ? ")" : "");
}

static void add_scores(struct decision *d, const Intake__PatientFacts *facts, const struct findings *findings,
    struct date as_of, const struct zone *zone, Intake__Screening *out)
{
    struct date birth;
    bool born = date_parse(facts->birth_date, &birth);
    int years = born ? date_age_years(birth, as_of) : 0;
    Intake__Score *scores[] = {
        lace_score(d, facts, findings, as_of, zone),
        charlson_score(d, findings, CHARLSON_1987, NULL),
        charlson_score(d, findings, CHARLSON_1987, &years),
        charlson_score(d, findings, CHARLSON_2011, NULL),
    };
    char day[DATE_SIZE];
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        scores[i]->as_of_date = text_of(d, "%s", date_format(day, as_of));
        APPEND(d, out, scores, scores[i]);
    }
}

static void find_programme(struct decision *d, const Intake__PatientFacts *facts, const struct findings *findings,
    struct date as_of, struct date today, const struct zone *zone, Intake__Screening *out)
{
    out->programme = programme_of(findings);
    if (out->programme != NULL) {
        tell_conditions(d, facts, findings, as_of, out);
        out->why = text_of(d, "active: %s", join(d, out->conditions, out->n_conditions));
        return;
    }
    const Intake__Encounter *stay = latest_stay(facts, today, RECENT_STAY_DAYS, zone);
    if (stay != NULL) {
        out->programme = POST_DISCHARGE;
        out->why = text_of(d, "left hospital on %s", say_day(d, zone_name(zone), stay->end_at_ms));
        return;
    }
    out->why = text_of(d, "no active condition of a programme, no inpatient stay in the %d days before identification",
        RECENT_STAY_DAYS);
}

static struct screening_end ended(
    struct decision *d, Intake__Screening *out, Intake__RejectionCode code, const char *why)
{
    out->why = why;
    return (struct screening_end){code, why, text_of(d, "no programme: %s", why)};
}

struct screening_end screen(
    struct decision *d, const Intake__PatientFacts *facts, const struct zone *zone, Intake__Screening *out)
{
    struct date today = zone_date(zone, d->now_ms);
    struct date as_of = today, birth = today;
    (void)date_parse(facts->birth_date, &birth);
    (void)date_parse(facts->as_of_date != NULL ? facts->as_of_date : "", &as_of);
    out->age = (uint32_t)date_age_years(birth, today);
    out->has_age = true;
    if (facts->deceased || !str_is_empty(facts->deceased_date)) {
        return ended(d, out, REJECTION(DECEASED),
            str_is_empty(facts->deceased_date) ? "died" : text_of(d, "died %s", facts->deceased_date));
    }
    if (out->age < ADULT_YEARS) {
        return ended(d, out, REJECTION(CHILD), text_of(d, "%s old at identification", say_count(d, out->age, "year")));
    }
    struct findings findings = findings_of(d, facts, as_of);
    for (size_t i = 0; i < findings.groups->n_groups; i++) {
        if ((findings.present >> i & 1) != 0) {
            APPEND(d, out, groups, findings.groups->groups[i]->name);
        }
    }
    out->unmapped = findings.unmapped;
    out->n_unmapped = findings.unmapped_count;
    add_scores(d, facts, &findings, as_of, zone, out);
    find_programme(d, facts, &findings, as_of, today, zone, out);
    const char *rest = text_of(d, "%s; %s%s", say_score(d, out->scores[0]), say_score(d, out->scores[2]),
        findings.unmapped_count > 0
            ? text_of(d, "; %s not reviewed", say_count(d, findings.unmapped_count, "condition"))
            : "");
    if (out->programme == NULL) {
        return (struct screening_end){REJECTION(NO_NEED), out->why, text_of(d, "no programme: %s; %s", out->why, rest)};
    }
    return (struct screening_end){
        REJECTION(UNSPECIFIED), out->why, text_of(d, "%s (%s); %s", programme_name(d, out->programme), out->why, rest)};
}
