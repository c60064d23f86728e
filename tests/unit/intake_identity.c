/* Who the patient is: exact identifiers before names, and nobody is ever merged by guess. */
#include "tests/unit/intake_world.h"

#define ACTIVE    ",\"conditions\":[" HEART_FAILURE "]" OHIO_ADDRESS
#define IDS(list) ",\"identifiers\":[" list "]"

static const char *person_of(struct intake_world *w, int n)
{
    char id[16];
    snprintf(id, sizeof id, "r%d", n);
    return referral_now(w, id)->person_id;
}

/* Ends the open case of referral n, so that the next one of the person is no duplicate. */
static void end_case(struct intake_world *w, int n)
{
    assert_int_equal(
        send(w, ROLE(NURSE), "intake.DeclineCase", "{\"caseId\":\"001-c%d\",\"reason\":\"no\"}", n), FAULT_NONE);
    settle_world(w);
}

static void identifiers_and_names_find_the_right_person(void **state)
{
    (void)state;
    static const struct {
        const char *name, *first, *second;
        bool same;
        const char *how;
        size_t conflicts;
    } rows[] = {
        {"the same number", PERSON IDS(MRN("A-1")), PERSON IDS(MRN("a1")), true, "identifier", 0},
        {"the same number under another name", PERSON IDS(MRN("A1")),
            "\"familyName\":\"Roe\",\"givenName\":\"Rosa\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\"" IDS(
                MRN("A1")),
            true, "identifier", 0},
        {"nothing but the name", PERSON, PERSON, true, "name-birth-sex", 0},
        {"a name without its accent", PERSON,
            "\"familyName\":\"MEJIA\",\"givenName\":\"rosa\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\"", true,
            "name-birth-sex", 0},
        {"another birth date", PERSON,
            "\"familyName\":\"Mejia\",\"givenName\":\"Rosa\",\"birthDate\":\"1958-03-15\",\"sex\":\"SEX_FEMALE\"",
            false, "new", 0},
        {"another sex", PERSON,
            "\"familyName\":\"Mejia\",\"givenName\":\"Rosa\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_MALE\"", false,
            "new", 0},
        {"a new number of another system", PERSON IDS(MRN("A1")), PERSON IDS(SSN("123-45-6789")), true,
            "name-birth-sex", 0},
        {"another number of the same system", PERSON IDS(MRN("A1")), PERSON IDS(MRN("B2")), false, "new", 1},
        {"first without, then with a number", PERSON, PERSON IDS(MRN("A1")), true, "name-birth-sex", 0},
        {"first with, then without a number", PERSON IDS(MRN("A1")), PERSON, true, "name-birth-sex", 0},
        {"a weaker number known, a stronger new", PERSON IDS(MRN("A1")), PERSON IDS(SSN("123-45-6789") "," MRN("A1")),
            true, "identifier", 0},
        {"a placeholder names nobody", PERSON IDS(SSN("000-00-0000")),
            "\"familyName\":\"Doe\",\"givenName\":\"Jo\",\"birthDate\":\"1960-01-01\",\"sex\":\"SEX_MALE\"" IDS(
                SSN("000-00-0000")),
            false, "new", 0},
        {"a new stronger number under a new name", PERSON IDS(MRN("A1")),
            "\"familyName\":\"Roe\",\"givenName\":\"Rosa\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\"" IDS(
                SSN("123-45-6789") "," MRN("A1")),
            true, "identifier", 0},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct intake_world w;
        char patient[2000];
        world_begin(&w);
        snprintf(patient, sizeof patient, "%s%s", rows[i].first, ACTIVE);
        refer(&w, 1, patient);
        end_case(&w, 1);
        snprintf(patient, sizeof patient, "%s%s", rows[i].second, ACTIVE);
        refer(&w, 2, patient);
        const Intake__Referral *second = referral_now(&w, "r2");
        bool same = strcmp(person_of(&w, 1), person_of(&w, 2)) == 0;
        if (same != rows[i].same || strcmp(second->matched_by, rows[i].how) != 0 ||
            second->n_conflicting_person_ids != rows[i].conflicts) {
            fail_msg("%s: %s, by %s, %zu conflicts", rows[i].name, same ? "same" : "other", second->matched_by,
                second->n_conflicting_person_ids);
        }
        const Intake__Case *c = case_now(&w, "001-c2");
        assert_int_equal(work_open_of_kind(c, "identity-conflict") != NULL, rows[i].conflicts > 0);
        world_done(&w);
    }
}

static void keys_that_were_free_follow_to_the_person_found_later(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    refer(&w, 1, PERSON IDS(MRN("A1")) ACTIVE);
    end_case(&w, 1);
    refer(&w, 2,
        "\"familyName\":\"Roe\",\"givenName\":\"Rosa\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\"" IDS(
            SSN("123-45-6789") "," MRN("A1")) ACTIVE);
    end_case(&w, 2);
    refer(&w, 3,
        "\"familyName\":\"Poe\",\"givenName\":\"R\",\"birthDate\":\"1958-03-14\",\"sex\":\"SEX_FEMALE\"" IDS(
            SSN("123 45 6789")) ACTIVE);
    assert_string_equal(person_of(&w, 3), person_of(&w, 1));
    assert_string_equal(referral_now(&w, "r3")->matched_by, "identifier");
    world_done(&w);
}

static void numbers_of_two_people_in_one_referral_are_for_a_person_to_look_at(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    refer(&w, 1, PERSON IDS(SSN("123-45-6789")) ACTIVE);
    end_case(&w, 1);
    refer(&w, 2,
        "\"familyName\":\"Doe\",\"givenName\":\"Jo\",\"birthDate\":\"1960-01-01\",\"sex\":\"SEX_MALE\"" IDS(MRN("B2"))
            ACTIVE);
    end_case(&w, 2);
    refer(&w, 3, PERSON IDS(MRN("B2") "," SSN("123-45-6789")) ACTIVE);
    const Intake__Referral *third = referral_now(&w, "r3");
    assert_string_equal(third->person_id, person_of(&w, 1)); /* The stronger number. */
    assert_int_equal(third->n_conflicting_person_ids, 1);
    assert_string_equal(third->conflicting_person_ids[0], person_of(&w, 2));
    assert_int_equal(case_now(&w, "001-c3")->n_work, 1);
    world_done(&w);
}

static void an_exact_number_wins_over_the_name_and_the_namesake_is_shown(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    refer(&w, 1, PERSON ACTIVE); /* Known by name alone. */
    end_case(&w, 1);
    refer(&w, 2,
        "\"familyName\":\"Doe\",\"givenName\":\"Jo\",\"birthDate\":\"1960-01-01\",\"sex\":\"SEX_MALE\"" IDS(MRN("B2"))
            ACTIVE);
    end_case(&w, 2);
    refer(&w, 3, PERSON IDS(MRN("B2")) ACTIVE);
    const Intake__Referral *third = referral_now(&w, "r3");
    assert_string_equal(third->person_id, person_of(&w, 2));
    assert_int_equal(third->n_conflicting_person_ids, 1);
    assert_string_equal(third->conflicting_person_ids[0], person_of(&w, 1));
    world_done(&w);
}

/* Two referrals of a new person whose tasks interleave in every way that the order per task allows: one person, one open case. */
static void two_referrals_at_once_meet_in_one_person(void **state)
{
    (void)state;
    static const char *const patients[] = {PERSON ACTIVE, PERSON IDS(MRN("A1") "," SSN("123-45-6789")) ACTIVE};
    for (size_t p = 0; p < ARRAY_LENGTH(patients); p++) {
        for (unsigned pattern = 0; pattern < 256; pattern++) {
            struct intake_world w;
            world_begin(&w);
            assert_int_equal(receive(&w, 1, patients[p]), FAULT_NONE);
            assert_int_equal(receive(&w, 2, patients[p]), FAULT_NONE);
            for (unsigned step = 0; w.from < w.to; step++) {
                if (w.to - w.from > 1 && (pattern >> step % 8 & 1) != 0) {
                    const ProtobufCMessage *first = w.queue[w.from];
                    char id[64];
                    memcpy(id, w.ids[w.from], sizeof id);
                    w.queue[w.from] = w.queue[w.from + 1];
                    memcpy(w.ids[w.from], w.ids[w.from + 1], sizeof id);
                    w.queue[w.from + 1] = first;
                    memcpy(w.ids[w.from + 1], id, sizeof id);
                }
                deliver(&w);
            }
            const Intake__Referral *one = referral_now(&w, "r1"), *two = referral_now(&w, "r2");
            if (strcmp(one->person_id, two->person_id) != 0) {
                fail_msg("patient %zu, pattern %u: two people", p, pattern);
            }
            assert_int_equal((one->state == REFERRAL_STATE(REJECTED)) + (two->state == REFERRAL_STATE(REJECTED)), 1);
            assert_int_equal(w.rejected->code, REJECTION(DUPLICATE));
            world_done(&w);
        }
    }
}

static void an_answer_nobody_waits_for_changes_nothing(void **state)
{
    (void)state;
    struct intake_world w;
    world_begin(&w);
    refer(&w, 1, PERSON IDS(MRN("A1")) ACTIVE);
    const char *person = person_of(&w, 1);
    assert_int_equal(
        send(&w, ROLE(SYSTEM), "intake.ResolveIdentity",
            "{\"referralId\":\"r1\",\"caseId\":\"001-c1\",\"identityKey\":\"kxyz\",\"personId\":\"001-other\"}"),
        FAULT_NONE);
    assert_int_equal(w.r.d->task_count, 0);
    assert_int_equal(
        send(&w, ROLE(SYSTEM), "intake.ResolvePerson",
            "{\"referralId\":\"r1\",\"caseId\":\"001-c1\",\"personId\":\"001-other\",\"openCaseId\":\"001-c9\"}"),
        FAULT_NONE);
    assert_int_equal(w.r.d->event_count, 0);
    assert_string_equal(person_of(&w, 1), person);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers_and_names_find_the_right_person),
        cmocka_unit_test(keys_that_were_free_follow_to_the_person_found_later),
        cmocka_unit_test(numbers_of_two_people_in_one_referral_are_for_a_person_to_look_at),
        cmocka_unit_test(an_exact_number_wins_over_the_name_and_the_namesake_is_shown),
        cmocka_unit_test(two_referrals_at_once_meet_in_one_person),
        cmocka_unit_test(an_answer_nobody_waits_for_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
