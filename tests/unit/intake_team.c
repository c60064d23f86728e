/* Who may take a case, who takes it, and what is said about the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/core/must.h"
#include "services/intake/intake.h"
#include "services/intake/licence.h"
#include "services/intake/team.h"
#include "tests/support/rules.h"

static void licences_reach_as_far_as_the_compact(void **state)
{
    (void)state;
    struct rules r;
    rules_begin(&r, &INTAKE);
    rules_load_references(&r, "seeds");
    struct decision *d = decide_new(&r.world, &INTAKE);
    d->reference = r.reference;
    static const struct {
        const char *name, *home, *licence;
        bool multistate, encumbered;
        const char *until, *patient;
        Casebus__Role role;
        bool allowed;
    } rows[] = {
        {"compact to compact", "OH", "OH", true, false, "2027-01-01", "PA", ROLE(NURSE), true},
        {"pending is not in", "OH", "OH", true, false, "2027-01-01", "MA", ROLE(NURSE), false},
        {"Guam honours it", "OH", "OH", true, false, "2027-01-01", "GU", ROLE(NURSE), true},
        {"California is not in", "OH", "OH", true, false, "2027-01-01", "CA", ROLE(NURSE), false},
        {"own state, single", "CA", "CA", false, false, "2027-01-01", "CA", ROLE(NURSE), true},
        {"single does not travel out", "CA", "CA", false, false, "2027-01-01", "TX", ROLE(NURSE), false},
        {"single of a compact state", "TX", "TX", false, false, "2027-01-01", "FL", ROLE(NURSE), false},
        {"lapsed yesterday", "OH", "OH", true, false, "2026-11-21", "OH", ROLE(NURSE), false},
        {"valid to the end of today", "OH", "OH", true, false, "2026-11-22", "OH", ROLE(NURSE), true},
        {"lapsed and travelling", "OH", "OH", true, false, "2026-11-21", "PA", ROLE(NURSE), false},
        {"moved out of the compact", "NY", "OH", true, false, "2027-01-01", "FL", ROLE(NURSE), false},
        {"moved within the compact", "KY", "OH", true, false, "2027-01-01", "FL", ROLE(NURSE), false},
        {"on probation, elsewhere", "OH", "OH", true, true, "2027-01-01", "KY", ROLE(NURSE), false},
        {"on probation, at home", "OH", "OH", true, true, "2027-01-01", "OH", ROLE(NURSE), false},
        {"Guam issues none", "GU", "GU", true, false, "2027-01-01", "OH", ROLE(NURSE), false},
        {"the compact binds nurses only", "OH", "OH", true, false, "2027-01-01", "PA", ROLE(SOCIAL_WORKER), false},
        {"social worker at home", "OH", "OH", false, false, "2027-01-01", "OH", ROLE(SOCIAL_WORKER), true},
        {"state not told", "OH", "OH", true, false, "2027-01-01", NULL, ROLE(NURSE), false},
    };
    const Casebus__LicenceCompact *compact =
        reference_find(d, &casebus__licence_compact__descriptor, "nurse-licensure-compact");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        Intake__Licence *licence = make(d, &intake__licence__descriptor);
        licence->state = rows[i].licence;
        licence->multistate = rows[i].multistate;
        licence->encumbered = rows[i].encumbered;
        licence->valid_until_date = rows[i].until;
        Intake__StaffMember *member = make(d, &intake__staff_member__descriptor);
        member->role = rows[i].role;
        member->home_state = rows[i].home;
        APPEND(d, member, licences, licence);
        const char *why = "unset";
        bool allowed = licence_for(d, compact, member, rows[i].patient, (struct date){2026, 11, 22}, &why) != NULL;
        if (allowed != rows[i].allowed || (why == NULL) != allowed) {
            fail_msg("%s: %s", rows[i].name, why != NULL ? why : "allowed");
        }
    }
    rules_done(&r);
}

static void points_are_those_of_the_fact_book(void **state)
{
    (void)state;
    assert_int_equal(fit_points((struct fit){.specialty = true, .certified = true, .cases = 40, .capacity = 40}), 6000);
    assert_int_equal(fit_points((struct fit){.related = true, .language = true, .cases = 24, .capacity = 40}), 5540);
    assert_int_equal(fit_points((struct fit){.specialty = true,
                         .related = true,
                         .language = true,
                         .continuity = true,
                         .certified = true,
                         .cases = 0,
                         .capacity = 1}),
        10000);
    assert_int_equal(
        fit_points((struct fit){.cases = 5, .capacity = 4}), 600 + 1000); /* At 125 % nothing is left for room. */
    assert_int_equal(fit_points((struct fit){.cases = 3, .capacity = 0}), 600 + 1000);
}

/* ---- A team of four ---- */

#define OHIO                                                                                                           \
    "\"homeState\":\"OH\",\"licences\":[{\"state\":\"OH\",\"multistate\":true,\"validUntilDate\":\"2027-06-30\"}]"
#define NURSE(id, more)                                                                                                \
    "{\"staffId\":\"" id "\",\"name\":\"" id                                                                           \
    "\",\"role\":\"ROLE_NURSE\",\"languages\":[\"en\"],\"capacity\":2," OHIO more "}"

static enum fault register_as(struct rules *r, const char *members)
{
    char json[4000];
    snprintf(json, sizeof json, "{\"teamId\":\"t1\",\"name\":\"East\",\"zone\":\"America/New_York\",\"members\":[%s]}",
        members);
    r->actor = (struct actor){"a1", ROLE(ADMINISTRATOR), false};
    r->root = "t1";
    return rules_command(r, rules_json(r, "intake.RegisterTeam", json));
}

static const Intake__RecordCaseManager *assign(struct rules *r, const char *case_id, const char *more)
{
    char json[400];
    snprintf(
        json, sizeof json, "{\"teamId\":\"t1\",\"caseId\":\"%s\",\"programme\":\"heart-failure\"%s}", case_id, more);
    r->actor = (struct actor){"intake", ROLE(SYSTEM), false};
    assert_int_equal(rules_command(r, rules_json(r, "intake.AssignCaseManager", json)), FAULT_NONE);
    return rules_told(r, "intake.RecordCaseManager");
}

static void begin(struct rules *r, const char *members)
{
    rules_begin(r, &INTAKE);
    rules_load_references(r, "seeds");
    assert_int_equal(register_as(r, members), FAULT_NONE);
}

static const char *chosen(const Intake__RecordCaseManager *answer)
{
    return answer->staff_id != NULL ? answer->staff_id : "nobody";
}

static void the_specialist_is_chosen_and_everyone_is_explained(void **state)
{
    (void)state;
    struct rules r;
    begin(&r,
        NURSE("ann", "") "," NURSE(
            "bob", ",\"specialties\":[\"heart-failure\"],\"email\":\"bob@example.org\"") "," NURSE("cy",
            ",\"away\":true") ","
                              "{\"staffId\":\"dee\",\"name\":\"dee\",\"role\":\"ROLE_SOCIAL_WORKER\",\"capacity\":9}");
    const Intake__RecordCaseManager *answer = assign(&r, "001-c1", ",\"patientState\":\"PA\"");
    assert_string_equal(chosen(answer), "bob");
    assert_string_equal(answer->email, "bob@example.org");
    assert_int_equal(answer->n_considered, 4);
    assert_false(answer->considered[0]->chosen);
    assert_non_null(strstr(answer->considered[0]->why, "points"));
    assert_true(answer->considered[1]->chosen);
    assert_non_null(strstr(answer->considered[1]->why, "licence of OH (multistate), heart-failure"));
    assert_string_equal(answer->considered[2]->why, "is away");
    assert_string_equal(answer->considered[3]->why, "is a social-worker, the case needs a nurse");
    rules_done(&r);
}

static void a_case_that_holds_a_place_keeps_it(void **state)
{
    (void)state;
    struct rules r;
    begin(&r, NURSE("ann", "") "," NURSE("bob", ""));
    assert_string_equal(chosen(assign(&r, "001-c1", ",\"patientState\":\"OH\"")), "ann");
    const Intake__RecordCaseManager *again = assign(&r, "001-c1", ",\"patientState\":\"OH\"");
    assert_string_equal(chosen(again), "ann");
    assert_string_equal(again->considered[0]->why, "holds the case already");
    const Intake__Team *team = rules_state(&r, "intake", "team", "t1");
    assert_int_equal(team->members[0]->n_case_ids + team->members[1]->n_case_ids, 1);
    rules_done(&r);
}

static void load_then_the_longest_wait_then_the_id_decide(void **state)
{
    (void)state;
    struct rules r;
    begin(&r, NURSE("bob", "") "," NURSE("ann", ""));
    assert_string_equal(chosen(assign(&r, "001-c1", ",\"patientState\":\"OH\"")), "ann"); /* The id. */
    r.now_ms++;
    assert_string_equal(chosen(assign(&r, "001-c2", ",\"patientState\":\"OH\"")), "bob"); /* The load. */
    r.now_ms++;
    assert_string_equal(chosen(assign(&r, "001-c3", ",\"patientState\":\"OH\"")), "ann"); /* The longer wait. */
    rules_done(&r);
}

/* A certificate is worth as many points as 62.5 % of the load: five of eight cases with it weigh the same as none without. */
static void of_equal_points_the_lower_load_wins(void **state)
{
    (void)state;
#define OF_EIGHT(id, more)                                                                                             \
    "{\"staffId\":\"" id "\",\"name\":\"" id                                                                           \
    "\",\"role\":\"ROLE_NURSE\",\"languages\":[\"en\"],\"capacity\":8," OHIO more "}"
    struct rules r;
    begin(&r, OF_EIGHT("ann", ",\"certified\":true") "," OF_EIGHT("bob", ",\"away\":true"));
    for (int i = 0; i < 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "001-c%d", i);
        assert_string_equal(chosen(assign(&r, id, ",\"patientState\":\"OH\"")), "ann");
    }
    assert_int_equal(register_as(&r, OF_EIGHT("ann", ",\"certified\":true") "," OF_EIGHT("bob", "")), FAULT_NONE);
    const Intake__RecordCaseManager *answer = assign(&r, "001-c6", ",\"patientState\":\"OH\"");
    assert_string_equal(answer->considered[0]->why, "50.0 points");
    assert_non_null(strstr(answer->considered[1]->why, "50.0 points"));
    assert_string_equal(chosen(answer), "bob");
    rules_done(&r);
}

static void a_full_team_names_nobody_until_a_place_is_given_back(void **state)
{
    (void)state;
    struct rules r;
    begin(&r, NURSE("ann", ""));
    assign(&r, "001-c1", ",\"patientState\":\"OH\"");
    assign(&r, "001-c2", ",\"patientState\":\"OH\"");
    const Intake__RecordCaseManager *full = assign(&r, "001-c3", ",\"patientState\":\"OH\"");
    assert_string_equal(chosen(full), "nobody");
    assert_string_equal(full->considered[0]->why, "has no room: 2 of 2 cases");
    assert_int_equal(
        rules_command(&r, rules_json(&r, "intake.ReleaseCaseload", "{\"teamId\":\"t1\",\"caseId\":\"001-c1\"}")),
        FAULT_NONE);
    assert_int_equal(
        rules_command(&r, rules_json(&r, "intake.ReleaseCaseload", "{\"teamId\":\"t1\",\"caseId\":\"001-c1\"}")),
        FAULT_NONE);
    assert_string_equal(chosen(assign(&r, "001-c3", ",\"patientState\":\"OH\"")), "ann");
    rules_done(&r);
}

static void languages_and_earlier_cases_count(void **state)
{
    (void)state;
    struct rules r;
    begin(&r,
        NURSE("ann",
            "") ","
                "{\"staffId\":\"eva\",\"name\":\"eva\",\"role\":\"ROLE_NURSE\",\"languages\":[\"es\"],\"capacity\":2," OHIO
                "}");
    assert_string_equal(chosen(assign(&r, "001-c1", ",\"patientState\":\"OH\",\"language\":\"es-MX\"")), "eva");
    assert_string_equal(chosen(assign(&r, "001-c2", ",\"patientState\":\"OH\",\"language\":\"est\"")),
        "ann"); /* Estonian: only the load tells. */
    assert_string_equal(
        chosen(assign(&r, "001-c3", ",\"patientState\":\"OH\",\"previousManagerId\":\"eva\"")), "ann"); /* 20 > 10 */
    rules_done(&r);
}

static void registering_anew_keeps_the_cases_and_refuses_to_lose_them(void **state)
{
    (void)state;
    struct rules r;
    begin(&r, NURSE("ann", "") "," NURSE("bob", ""));
    assign(&r, "001-c1", ",\"patientState\":\"OH\"");
    assert_int_equal(register_as(&r, NURSE("bob", "")), FAULT_REFUSED);
    assert_string_equal(rules_why(&r), "ann holds 1 case and cannot leave the team");
    assert_int_equal(register_as(&r, NURSE("ann", "") "," NURSE("ann", "")), FAULT_REFUSED);
    assert_string_equal(rules_why(&r), "ann is in the team twice");
    assert_int_equal(register_as(&r, NURSE("ann", ",\"away\":true,\"caseIds\":[\"x\",\"y\"]")), FAULT_NONE);
    const Intake__Team *team = rules_state(&r, "intake", "team", "t1");
    assert_int_equal(team->members[0]->n_case_ids, 1);
    assert_string_equal(team->members[0]->case_ids[0], "001-c1");
    rules_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(licences_reach_as_far_as_the_compact),
        cmocka_unit_test(points_are_those_of_the_fact_book),
        cmocka_unit_test(the_specialist_is_chosen_and_everyone_is_explained),
        cmocka_unit_test(a_case_that_holds_a_place_keeps_it),
        cmocka_unit_test(load_then_the_longest_wait_then_the_id_decide),
        cmocka_unit_test(of_equal_points_the_lower_load_wins),
        cmocka_unit_test(a_full_team_names_nobody_until_a_place_is_given_back),
        cmocka_unit_test(languages_and_earlier_cases_count),
        cmocka_unit_test(registering_anew_keeps_the_cases_and_refuses_to_lose_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
