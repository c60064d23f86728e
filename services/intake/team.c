#include "services/intake/team.h"

#include <inttypes.h>

#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/zone.h"
#include "common/service/say.h"
#include "services/intake/intake.h"
#include "services/intake/licence.h"

/* ---- The team ---- */

static Intake__StaffMember *member_by_id(Intake__StaffMember *const *members, size_t count, const char *staff_id)
{
    for (size_t i = 0; i < count; i++) {
        if (str_same(members[i]->staff_id, staff_id)) {
            return members[i];
        }
    }
    return NULL;
}

/* The cases that members hold are the team's to say, never the caller's. */
enum fault register_team(struct decision *d, Intake__Team *team, const Intake__RegisterTeam *cmd)
{
    for (size_t i = 0; i < cmd->n_members; i++) {
        if (member_by_id(cmd->members, i, cmd->members[i]->staff_id) != NULL) {
            return refuse(d, "%s is in the team twice", cmd->members[i]->staff_id);
        }
    }
    for (size_t i = 0; i < team->n_members; i++) {
        const Intake__StaffMember *held = team->members[i];
        if (held->n_case_ids > 0 && member_by_id(cmd->members, cmd->n_members, held->staff_id) == NULL) {
            return refuse(
                d, "%s holds %s and cannot leave the team", held->name, say_count(d, held->n_case_ids, "case"));
        }
    }
    Intake__StaffMember **members = ARENA_ARRAY(d->arena, Intake__StaffMember *, cmd->n_members);
    for (size_t i = 0; i < cmd->n_members; i++) {
        const Intake__StaffMember *before = member_by_id(team->members, team->n_members, cmd->members[i]->staff_id);
        members[i] = copy_of(d, &cmd->members[i]->base);
        members[i]->case_ids = before != NULL ? before->case_ids : NULL;
        members[i]->n_case_ids = before != NULL ? before->n_case_ids : 0;
        SET(members[i], last_assigned_at_ms, before != NULL ? before->last_assigned_at_ms : 0);
    }
    team->name = cmd->name;
    team->zone = cmd->zone;
    team->supervisor_id = cmd->supervisor_id;
    team->members = members;
    team->n_members = cmd->n_members;
    return FAULT_NONE;
}

/* ---- Points ---- */

uint32_t fit_points(struct fit fit)
{
    uint32_t points = fit.specialty ? 3000 : fit.related ? 1500 : 0;
    points += fit.language ? 2000 : 600;
    uint64_t full = 125 * (uint64_t)fit.capacity, load = 100 * (uint64_t)fit.cases;
    points += full > load ? (uint32_t)(2000 * (full - load) / full) : 0;
    points += fit.continuity ? 1000 : 0;
    points += 1000;
    points += fit.certified ? 1000 : 0;
    return points;
}

static bool has_word(char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++) {
        if (str_same(words[i], word)) {
            return true;
        }
    }
    return false;
}

/* "es-MX" and "es" are one language to speak. */
static bool same_language(const char *a, const char *b)
{
    struct slice left = slice_of(a), right = slice_of(b), a_main, b_main;
    return left.size > 0 && right.size > 0 && slice_take_field(&left, '-', &a_main) &&
           slice_take_field(&right, '-', &b_main) && slice_equal(a_main, b_main);
}

static bool speaks(const Intake__StaffMember *member, const char *language)
{
    for (size_t i = 0; i < member->n_languages; i++) {
        if (same_language(member->languages[i], language)) {
            return true;
        }
    }
    return false;
}

static struct fit fit_of(const Intake__StaffMember *member, const Intake__AssignCaseManager *cmd)
{
    return (struct fit){
        .specialty = has_word((char *const *)member->specialties, member->n_specialties, cmd->programme),
        .related = has_word((char *const *)member->related_specialties, member->n_related_specialties, cmd->programme),
        .language = speaks(member, cmd->language != NULL ? cmd->language : "en"),
        .continuity = cmd->previous_manager_id != NULL && str_same(member->staff_id, cmd->previous_manager_id),
        .certified = member->certified,
        .cases = (uint32_t)member->n_case_ids,
        .capacity = member->capacity,
    };
}

/* ---- Choosing ---- */

struct candidate {
    Intake__StaffMember *member;
    Intake__Considered *considered;
    const Intake__Licence *licence;
    struct fit fit;
    uint32_t points;
};

/* Why nobody may choose this member, whatever else speaks for them; NULL when one may. */
static const char *barred(struct decision *d, const Intake__Team *team, const Intake__AssignCaseManager *cmd,
    const Intake__StaffMember *member, const Intake__Licence **licence)
{
    const char *why = NULL;
    Casebus__Role role = cmd->role != 0 ? cmd->role : ROLE(NURSE);
    struct date today = zone_date(zone_find(team->zone != NULL ? team->zone : d->tenant_zone), d->now_ms);
    size_t none = 0;
    const Casebus__LicenceCompact *compact = reference_each(d, &casebus__licence_compact__descriptor, &none);
    if (member->role != role) {
        return text_of(d, "is a %s, the case needs a %s", say_enum(d, &casebus__role__descriptor, (int)member->role),
            say_enum(d, &casebus__role__descriptor, (int)role));
    }
    if (member->away) {
        return "is away";
    }
    *licence = licence_for(d, compact, member, cmd->patient_state, today, &why);
    if (*licence == NULL) {
        return why;
    }
    if (member->n_case_ids >= member->capacity) {
        return text_of(d, "has no room: %zu of %s", member->n_case_ids, say_count(d, member->capacity, "case"));
    }
    return NULL;
}

/* Ties: lower load, then the longest without a new case, then the id. */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
    uint64_t a_load = (uint64_t)a->fit.cases * b->fit.capacity, b_load = (uint64_t)b->fit.cases * a->fit.capacity;
    if (a->points != b->points) {
        return a->points > b->points;
    }
    if (a_load != b_load) {
        return a_load < b_load;
    }
    if (a->member->last_assigned_at_ms != b->member->last_assigned_at_ms) {
        return a->member->last_assigned_at_ms < b->member->last_assigned_at_ms;
    }
    return str_compare(a->member->staff_id, b->member->staff_id) < 0;
}

static const char *say_points(struct decision *d, uint32_t points)
{
    return text_of(d, "%" PRIu32 ".%" PRIu32, points / 100, points / 10 % 10);
}

static const char *say_fit(struct decision *d, const struct candidate *chosen, const Intake__AssignCaseManager *cmd)
{
    const char *licence = chosen->licence->state;
    bool travels = !str_same(licence, cmd->patient_state);
    return text_of(d, "licence of %s%s%s%s, %" PRIu32 " of %s, %s points", licence, travels ? " (multistate)" : "",
        chosen->fit.specialty ? text_of(d, ", %s", cmd->programme) : "",
        chosen->fit.language ? ", speaks the language" : ", with interpreter", chosen->fit.cases,
        say_count(d, chosen->fit.capacity, "case"), say_points(d, chosen->points));
}

static Intake__Considered *consider(
    struct decision *d, Intake__RecordCaseManager *answer, const Intake__StaffMember *member)
{
    Intake__Considered *considered = MAKE(d, Intake__Considered, intake__considered__descriptor);
    considered->staff_id = member->staff_id;
    considered->name = member->name;
    SET(considered, chosen, false);
    APPEND(d, answer, considered, considered);
    return considered;
}

/* Fills in who was considered and why not; the best of those who may is left for the caller to choose. */
static struct candidate best_of(struct decision *d, const Intake__Team *team, const Intake__AssignCaseManager *cmd,
    Intake__RecordCaseManager *answer)
{
    struct candidate best = {0};
    for (size_t i = 0; i < team->n_members; i++) {
        struct candidate candidate = {.member = team->members[i], .considered = consider(d, answer, team->members[i])};
        candidate.considered->why = barred(d, team, cmd, candidate.member, &candidate.licence);
        if (candidate.considered->why != NULL) {
            continue;
        }
        candidate.fit = fit_of(candidate.member, cmd);
        candidate.points = fit_points(candidate.fit);
        candidate.considered->why = text_of(d, "%s points", say_points(d, candidate.points));
        if (best.member == NULL || is_better(&candidate, &best)) {
            best = candidate;
        }
    }
    return best;
}

static Intake__StaffMember *holder_of(const Intake__Team *team, const char *case_id)
{
    for (size_t i = 0; i < team->n_members; i++) {
        if (has_word((char *const *)team->members[i]->case_ids, team->members[i]->n_case_ids, case_id)) {
            return team->members[i];
        }
    }
    return NULL;
}

static void name_manager(Intake__RecordCaseManager *answer, const Intake__StaffMember *member)
{
    answer->staff_id = member->staff_id;
    answer->name = member->name;
    answer->email = member->email;
}

enum fault assign_case_manager(struct decision *d, Intake__Team *team, const Intake__AssignCaseManager *cmd)
{
    Intake__RecordCaseManager *answer = MAKE(d, Intake__RecordCaseManager, intake__record_case_manager__descriptor);
    answer->case_id = cmd->case_id;
    const Intake__StaffMember *holder = holder_of(team, cmd->case_id);
    if (holder != NULL) {
        name_manager(answer, holder);
        Intake__Considered *considered = consider(d, answer, holder);
        considered->chosen = true;
        considered->why = "holds the case already";
        tell(d, &answer->base);
        return FAULT_NONE;
    }
    struct candidate best = best_of(d, team, cmd, answer);
    if (best.member != NULL) {
        best.considered->why = say_fit(d, &best, cmd);
        best.considered->chosen = true;
        name_manager(answer, best.member);
        APPEND(d, best.member, case_ids, cmd->case_id);
        best.member->last_assigned_at_ms = d->now_ms;
    }
    tell(d, &answer->base);
    return FAULT_NONE;
}

enum fault release_caseload(struct decision *d, Intake__Team *team, const Intake__ReleaseCaseload *cmd)
{
    (void)d;
    Intake__StaffMember *holder = holder_of(team, cmd->case_id);
    if (holder == NULL) {
        return FAULT_NONE;
    }
    size_t kept = 0;
    for (size_t i = 0; i < holder->n_case_ids; i++) {
        if (!str_same(holder->case_ids[i], cmd->case_id)) {
            holder->case_ids[kept++] = holder->case_ids[i];
        }
    }
    holder->n_case_ids = kept;
    return FAULT_NONE;
}
