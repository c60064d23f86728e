/* The seed stories of coverage and authorisation: claims desk and reference insurer talk to one another as they do over the edge,
 * on the data of seeds/. What happens follows from the plan, the code and the units; nobody knows the patients by name. */
#include <stdio.h>
#include <string.h>

#include "common/contract/guard.h"
#include "common/core/slice.h"
#include "services/payer/payer.h"
#include "tests/unit/claims_story.h"

enum { ROUNDS_MAX = 20, TASKS_MAX = 32 };

struct network {
    struct rules *r;
    struct arena arena;
    struct memory *memory;
    const Insurers__Payers *book;
    struct task inbox[TASKS_MAX]; /* What the desk said and nobody has taken yet; copied. */
    size_t count;
    char told[4000]; /* Events, in order, by subject. */
};

static void collect(struct network *n)
{
    for (size_t i = 0; i < n->r->d->event_count; i++) {
        strcat(n->told, contract_of(n->r->d->events[i]->descriptor)->subject + strlen("claims."));
        strcat(n->told, " ");
    }
    for (size_t i = 0; i < n->r->d->task_count; i++) {
        struct task task = n->r->d->tasks[i];
        assert_true(n->count < TASKS_MAX);
        task.id = arena_strdup(&n->arena, task.id);
        task.lane = arena_strdup(&n->arena, task.lane);
        task.subject = arena_strdup(&n->arena, task.subject);
        task.kind = arena_strdup(&n->arena, task.kind);
        task.key = arena_strdup(&n->arena, task.key);
        task.body = contract_copy(task.body, &n->arena);
        n->inbox[n->count++] = task;
    }
}

static void give(struct network *n, const struct task *task, const char *subject, const uint8_t *bytes, size_t size)
{
    ProtobufCMessage *answer = NULL;
    struct why why = {0};
    if (!bytes) {
        return;
    }
    assert_int_equal(contract_unpack(contract_find_message(subject)->descriptor, bytes, size, &CROSSING_PAYER,
                         &n->arena, &why, &answer),
        FAULT_NONE);
    n->r->root = CASE;
    assert_int_equal(rules_answer(n->r, task->kind, task->key, answer), FAULT_NONE);
    collect(n);
}

static void take(struct network *n, struct task task)
{
    if (!str_starts_with(task.lane, "payer/")) {
        n->r->actor = (struct actor){"claims", ROLE(SYSTEM), false};
        assert_int_equal(rules_command(n->r, task.body), FAULT_NONE);
        collect(n);
        return;
    }
    struct packed body = contract_pack(task.body, &n->arena);
    struct insurer in = {.payer = book_find(n->book, task.lane + strlen("payer/demo/")),
        .memory = n->memory,
        .arena = &n->arena,
        .now_ms = n->r->now_ms};
    struct answers answers;
    struct why why = {0};
    assert_int_equal(answer_question(&in, task.subject, task.id, body.data, body.size, &answers, &why), FAULT_NONE);
    give(n, &task, answers.subject, answers.now, answers.now_size);
    give(n, &task, answers.subject, answers.then, answers.then_size);
}

static void talk(struct network *n)
{
    collect(n);
    for (int i = 0; i < ROUNDS_MAX && n->count > 0; i++) {
        struct task task = n->inbox[0];
        memmove(&n->inbox[0], &n->inbox[1], --n->count * sizeof n->inbox[0]);
        take(n, task);
    }
    assert_int_equal(n->count, 0);
}

static int begin(void **state)
{
    static struct network n;
    struct why why = {0};
    n = (struct network){0};
    arena_init(&n.arena, 0);
    n.memory = memory_new(1000);
    assert_int_equal(book_load("seeds", &n.arena, &n.book, &why), FAULT_NONE);
    story_begin((void **)&n.r);
    *state = &n;
    return 0;
}

static int done(void **state)
{
    struct network *n = *state;
    story_done((void **)&n->r);
    memory_free(&n->memory);
    arena_done(&n->arena);
    return 0;
}

static void enrol_and_agree(struct network *n, const char *payer, const char *card, const char *group)
{
    char json[900];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"programme\":\"%s\",\"groups\":[\"%s\"],\"patient\":{\"familyName\":\"D\",\"givenName\":\"J\",\"birthDate\":\"1951-09-30\","
        "\"sex\":\"SEX_MALE\",\"coverages\":[{\"payerName\":\"%s\",\"memberId\":\"%s\",\"startDate\":\"2025-07-01\"}]}}",
        group, group, payer, card);
    assert_int_equal(story_react(n->r, "intake.CaseEnrolled", json), FAULT_NONE);
    talk(n);
    assert_int_equal(
        story_react(n->r, "planning.PlanAgreed",
            "{\"caseId\":\"" CASE
            "\",\"planId\":\"p\",\"by\":\"patient\",\"summary\":\"2 goals, 5 steps\",\"services\":["
            "{\"interventionId\":\"home-nurse\",\"title\":\"nurse at home\",\"serviceCode\":{\"code\":\"G0299\"},\"units\":8},"
            "{\"interventionId\":\"lung-visit\",\"title\":\"lung doctor\",\"serviceCode\":{\"code\":\"99214\"},\"units\":1}]}"),
        FAULT_NONE);
    talk(n);
}

static const Claims__Authorization *nursing(struct network *n)
{
    return story_authorization(n->r, story_file(n->r)->authorization_ids[0]);
}

static void heart_failure_at_buckeye_valley_is_approved(void **state)
{
    struct network *n = *state;
    enrol_and_agree(n, "Buckeye Valley Advantage", "BVA88013427", "heart-failure");
    assert_string_equal(
        n->told, "CoverageVerified AuthorizationRequested AuthorizationNotRequired AuthorizationDecided ");
    assert_int_equal(nursing(n)->state, AUTHORIZATION(APPROVED));
    assert_int_equal(units_approved(nursing(n)), 8);
    assert_string_equal(nursing(n)->decided_by, "rule buckeye-valley-home-nursing");
}

static void copd_at_golden_poppy_is_denied_appealed_and_overturned(void **state)
{
    struct network *n = *state;
    enrol_and_agree(n, "Golden Poppy Health Plan", "GPH5520917", "copd");
    assert_string_equal(n->told,
        "CoverageVerified AuthorizationRequested AuthorizationNotRequired AuthorizationPended AuthorizationDecided ");
    assert_int_equal(nursing(n)->state, AUTHORIZATION(DENIED));
    assert_string_equal(nursing(n)->decided_by, "Ines Arceneaux, MD");
    assert_string_equal(nursing(n)->reason_code, "not-medically-necessary");
    assert_non_null(nursing(n)->criterion);
    n->told[0] = '\0';
    char json[400];
    snprintf(json, sizeof json,
        "{\"caseId\":\"" CASE
        "\",\"authorizationId\":\"%s\",\"grounds\":\"My doctor asked for this care.\",\"evidence\":["
        "\"letter of the treating physician\"]}",
        nursing(n)->authorization_id);
    assert_int_equal(story_send(n->r, STORY_PATIENT, "claims.FileAppeal", json), FAULT_NONE);
    talk(n);
    assert_string_equal(n->told, "AppealFiled AppealDecided AuthorizationDecided ");
    assert_int_equal(nursing(n)->state, AUTHORIZATION(APPROVED));
    assert_int_equal(units_approved(nursing(n)), 8);
    assert_string_equal(nursing(n)->decided_by, "Samuel Whitlock, DO");
    n->told[0] = '\0';
    assert_int_equal(
        story_send(n->r, STORY_BILLER, "claims.SubmitClaim",
            "{\"claimId\":\"c1\",\"caseId\":\"" CASE
            "\",\"title\":\"home nursing\",\"providerNpi\":\"1234567893\",\"lines\":[{\"number\":1,\"code\":{\"code\":\"G0299\"},"
            "\"serviceDate\":\"2026-11-21\",\"units\":8,\"billedCents\":40000}]}"),
        FAULT_NONE);
    talk(n);
    assert_string_equal(n->told, "ClaimSubmitted ClaimAnswered ");
    assert_int_equal(story_claim(n->r, "c1")->totals->paid_cents, 8 * 3800);
    assert_int_equal(story_claim(n->r, "c1")->totals->adjusted_cents, 40000 - 8 * 3800);
}

static void every_payer_of_the_referrals_verifies_a_member_without_a_card(void **state)
{
    struct network *n = *state;
    static const char *const NAMES[] = {"private", "medicaid", "medicare", "Humana", "Blue Cross Blue Shield", "Anthem",
        "Cigna Health", "Aetna", "UnitedHealthcare", "Medicare", "dual_eligible", "Medicaid"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        done(state);
        begin(state);
        enrol_and_agree(n, NAMES[i], "", "diabetes");
        ASSERT_ROW(NAMES[i], active_coverage(story_file(n->r)) && !coverage_is_awaited(story_file(n->r)));
        ASSERT_ROW(NAMES[i], active_coverage(story_file(n->r))->member->member_id[0] != '\0');
        ASSERT_ROW(NAMES[i], authorization_is_decided(nursing(n)) && nursing(n)->state == AUTHORIZATION(APPROVED));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(heart_failure_at_buckeye_valley_is_approved),
        TEST(copd_at_golden_poppy_is_denied_appealed_and_overturned),
        TEST(every_payer_of_the_referrals_verifies_a_member_without_a_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
