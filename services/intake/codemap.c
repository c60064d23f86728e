#include <string.h>

#include "common/core/must.h"
#include "common/core/slice.h"
#include "services/intake/screen.h"

/* "I50.22 " and "i5022" are one code. */
static const char *plain_code(struct decision *d, const char *code)
{
    char *plain = arena_strdup(d->arena, code);
    char *to = plain;
    for (const char *at = code; *at != '\0'; at++) {
        if (*at != '.' && !ascii_is_space(*at)) {
            *to++ = ascii_upper(*at);
        }
    }
    *to = '\0';
    return plain;
}

const Casebus__CodeMapEntry *codemap_find(struct decision *d, const Casebus__CodeMap *map, const char *code)
{
    const char *wanted = map->prefixes ? plain_code(d, code) : code;
    const Casebus__CodeMapEntry *best = NULL;
    size_t best_length = 0;
    for (size_t i = 0; i < map->n_entries; i++) {
        const char *known = map->entries[i]->code;
        size_t length = strlen(known);
        if (!map->prefixes && str_same(known, wanted)) {
            return map->entries[i];
        }
        if (map->prefixes && length > best_length && str_starts_with(wanted, known)) {
            best = map->entries[i];
            best_length = length;
        }
    }
    return best;
}

const Casebus__CodeMapEntry *codemap_find_coding(struct decision *d, const Casebus__Coding *coding)
{
    const Casebus__CodeMap *map = NULL;
    size_t cursor = 0;
    while ((map = reference_each(d, &casebus__code_map__descriptor, &cursor)) != NULL) {
        if (str_same(map->system, coding->system)) {
            const Casebus__CodeMapEntry *entry = codemap_find(d, map, coding->code);
            if (entry != NULL) {
                return entry;
            }
        }
    }
    return NULL;
}

bool condition_is_active(const Intake__Condition *condition, struct date day)
{
    struct date abated;
    if (date_parse(condition->abated_date != NULL ? condition->abated_date : "", &abated) &&
        date_compare(abated, day) <= 0) {
        return false;
    }
    return condition->status == INTAKE__CONDITION_STATUS__CONDITION_STATUS_ACTIVE ||
           condition->status == INTAKE__CONDITION_STATUS__CONDITION_STATUS_RECURRENCE ||
           condition->status == INTAKE__CONDITION_STATUS__CONDITION_STATUS_RELAPSE;
}

static size_t group_place(const Casebus__ConditionGroups *groups, const char *name)
{
    for (size_t i = 0; i < groups->n_groups; i++) {
        if (str_same(groups->groups[i]->name, name)) {
            return i;
        }
    }
    return GROUPS_MAX; /* "none", or a group that weighs nothing and calls for nothing. */
}

bool findings_have(const struct findings *findings, const char *group)
{
    size_t place = group_place(findings->groups, group);
    return place < GROUPS_MAX && (findings->present >> place & 1) != 0;
}

static bool is_listed(const struct findings *findings, const Casebus__Coding *coding)
{
    for (size_t i = 0; i < findings->unmapped_count; i++) {
        if (str_same(findings->unmapped[i]->code, coding->code) &&
            str_same(findings->unmapped[i]->system, coding->system)) {
            return true;
        }
    }
    return false;
}

struct findings findings_of(struct decision *d, const Intake__PatientFacts *facts, struct date day)
{
    struct findings found = {
        .groups = reference_find(d, &casebus__condition_groups__descriptor, "condition-groups"),
        .condition_count = facts->n_conditions,
        .unmapped = ARENA_ARRAY(d->arena, Casebus__Coding *, facts->n_conditions),
    };
    MUST(found.groups != NULL && found.groups->n_groups <= GROUPS_MAX);
    for (size_t i = 0; i < facts->n_conditions; i++) {
        const Intake__Condition *condition = facts->conditions[i];
        if (!condition_is_active(condition, day)) {
            continue;
        }
        const Casebus__CodeMapEntry *entry = codemap_find_coding(d, condition->code);
        if (entry == NULL) {
            if (!is_listed(&found, condition->code)) {
                found.unmapped[found.unmapped_count++] = condition->code;
            }
            continue;
        }
        for (size_t g = 0; g < entry->n_groups; g++) {
            size_t place = group_place(found.groups, entry->groups[g]);
            found.present |= place < GROUPS_MAX ? UINT64_C(1) << place : 0;
        }
    }
    return found;
}

uint64_t findings_weighed(const struct findings *findings)
{
    uint64_t weighed = findings->present;
    for (size_t i = 0; i < findings->groups->n_groups; i++) {
        const Casebus__ConditionGroup *group = findings->groups->groups[i];
        for (size_t r = 0; (findings->present >> i & 1) != 0 && r < group->n_replaces; r++) {
            size_t place = group_place(findings->groups, group->replaces[r]);
            weighed &= place < GROUPS_MAX ? ~(UINT64_C(1) << place) : UINT64_MAX;
        }
    }
    return weighed;
}
