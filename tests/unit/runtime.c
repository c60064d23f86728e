/* The runtime's core in a world that the test turns by hand: what happens to a call, whatever happens around it. */
#include "tests/support/tiny.h"
#include "tests/support/world.h"

#include "common/contract/guard.h"
#include "common/core/slice.h"
#include "proto/intake.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct world *begin(void)
{
    struct world *world = malloc(sizeof *world);
    world_begin(world, &TINY, 8);
    return world;
}

static void end(struct world *world)
{
    world_done(world);
    free(world);
}

static void know_case(struct world *world, const char *id, Intake__CaseState state)
{
    Intake__Case known = INTAKE__CASE__INIT;
    known.case_id = (char *)id;
    known.state = state;
    world_know(world, &known.base);
}

static const Intake__Case *case_of(struct world *world, const char *id)
{
    return world_state(world, "case", id);
}

static uint64_t consent(struct world *world)
{
    return world_call(world, (struct world_call){.subject = "intake.RecordConsent", .json = CONSENT});
}

static uint64_t questions(struct world *world, const char *id)
{
    return world_call(world, (struct world_call){.subject = "intake.AnswerQuestionnaire", .json = QUESTIONS, .id = id});
}

static uint64_t enrolled(struct world *world, const char *root, uint64_t sequence, const char *case_id)
{
    Intake__CaseEnrolled event = INTAKE__CASE_ENROLLED__INIT;
    event.case_id = (char *)case_id;
    return world_event(world, root, sequence, (const ProtobufCMessage *[]){&event.base}, 1);
}

#define OUTREACH INTAKE__CASE_STATE__CASE_STATE_OUTREACH
#define CLOSED   INTAKE__CASE_STATE__CASE_STATE_CLOSED

static void a_command_is_committed_and_answered(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = consent(w);
    world_run(w);
    const struct world_answer *answer = world_answer(w, tag);
    assert_int_equal(answer->verb, VERB_REP);
    assert_int_equal(answer->status, STATUS_OK);
    assert_true(answer->bell);
    assert_string_equal(answer->outcome->root, "c1");
    assert_string_equal(answer->outcome->key, "c1");
    assert_int_equal(answer->outcome->sequence, 1);
    assert_int_equal(answer->outcome->version, 2);
    assert_string_equal(answer->outcome->durability, "always");
    assert_int_equal(case_of(w, "c1")->n_consents, 1);
    assert_int_equal(w->last.event_count, 1);
    assert_int_equal(w->last.timer_count, 1);
    assert_string_equal(w->last.actor_id, "n1");
    end(w);
}

static void nobody_on_the_way_reads_why_a_service_refused(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", CLOSED);
    uint64_t tag = consent(w);
    world_run(w);
    assert_null(world_answer(w, tag)->outcome->why);
    assert_true(world_answer(w, tag)->outcome->has_sealed_why);
    assert_true(world_answer(w, tag)->why[0] != '\0');
    end(w);
}

static void a_refusal_says_why_and_commits_nothing(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", CLOSED);
    uint64_t tag = consent(w);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_REFUSED);
    assert_string_equal(world_answer(w, tag)->why, "case c1 is not in outreach");
    assert_int_equal(w->commits_seen, 0);
    end(w);
}

static void a_lost_race_is_decided_again_on_what_is_there_now(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = consent(w);
    w->lose_races = 1;
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    assert_int_equal(w->commits_seen, 2);
    assert_int_equal(case_of(w, "c1")->n_consents, 1);
    end(w);
}

static void a_race_lost_to_a_change_that_forbids_it_is_refused(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = consent(w);
    world_turn(w);
    world_store(w); /* Loaded ... */
    know_case(w, "c1", CLOSED);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_REFUSED);
    end(w);
}

static void three_lost_races_are_overloaded_and_change_nothing(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = consent(w);
    w->lose_races = 3;
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OVERLOADED);
    assert_true(world_answer(w, tag)->ttl_ms > 0);
    assert_int_equal(w->commits_seen, 3);
    assert_int_equal(case_of(w, "c1")->n_consents, 0);
    end(w);
}

static void the_same_command_again_is_answered_with_the_first_reply(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t first = questions(w, "q1");
    world_run(w);
    w->now.wall_ms += 5000;
    uint64_t again = questions(w, "q1");
    world_run(w);
    const struct world_answer *a = world_answer(w, first), *b = world_answer(w, again);
    assert_int_equal(b->status, STATUS_OK);
    assert_true(b->repeat);
    assert_true(b->outcome->repeated_command);
    assert_true(a->body.size > 0);
    assert_int_equal(a->body.size, b->body.size);
    assert_memory_equal(a->body.at, b->body.at, a->body.size);
    assert_int_equal(a->outcome->sequence, b->outcome->sequence);
    assert_int_equal(a->outcome->version, b->outcome->version);
    assert_int_equal(w->commits_seen, 1);
    end(w);
}

static void the_same_command_twice_at_once_has_one_effect(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t first = questions(w, "q1"), second = questions(w, "q1");
    world_run(w);
    assert_int_equal(world_answer(w, first)->status, STATUS_OK);
    assert_int_equal(world_answer(w, second)->status, STATUS_OK);
    assert_int_equal(case_of(w, "c1")->manager_attempt, 1);
    end(w);
}

static void the_same_id_with_other_content_is_refused(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    questions(w, "q1");
    world_run(w);
    uint64_t tag = world_call(w, (struct world_call){.subject = "intake.RecordConsent", .json = CONSENT, .id = "q1"});
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_REFUSED);
    assert_string_equal(world_answer(w, tag)->fault, "CONFLICT");
    end(w);
}

static void a_rule_that_wants_more_gets_it_in_one_more_read(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = questions(w, NULL);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    assert_int_equal(w->loads_seen, 2);
    assert_int_equal(case_of(w, "c1")->manager_attempt, 1);
    assert_non_null(world_state(w, "assessment", world_answer(w, tag)->outcome->key));
    end(w);
}

static void what_a_rule_asked_for_comes_with_the_first_read_the_next_time(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    questions(w, NULL);
    world_run(w);
    unsigned before = w->loads_seen;
    uint64_t tag = questions(w, NULL);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    assert_int_equal(w->loads_seen, before + 1);
    assert_int_equal(case_of(w, "c1")->manager_attempt, 2);
    end(w);
}

/* The case is loaded by habit, but the rule refuses before it asks for it. */
static void a_guess_changes_no_decision(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t first = questions(w, NULL);
    world_run(w);
    const char *key = world_answer(w, first)->outcome->key;
    char json[512];
    snprintf(json, sizeof json,
        "{\"caseId\": \"c1\", \"assessmentId\": \"%s\", \"instrument\": \"phq-9\", \"answers\": [{\"item\": \"44250-9\", "
        "\"answer\": \"LA6568-5\"}]}",
        key);
    unsigned commits = w->commits_seen;
    uint64_t tag = world_call(w, (struct world_call){.subject = "intake.AnswerQuestionnaire", .json = json});
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_REFUSED);
    assert_int_equal(w->commits_seen, commits);
    assert_int_equal(case_of(w, "c1")->manager_attempt, 1);
    end(w);
}

static void a_reply_says_whether_there_is_a_task_to_fetch(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t plain = consent(w);
    uint64_t told = world_call(w, (struct world_call){.subject = "intake.ReceiveReferral", .json = REFERRAL});
    world_run(w);
    assert_true(world_answer(w, plain)->bell);
    assert_false(world_answer(w, plain)->bell_lanes);
    assert_true(world_answer(w, told)->bell);
    assert_true(world_answer(w, told)->bell_lanes);
    end(w);
}

static void commands_of_one_root_follow_each_other(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    consent(w);
    consent(w);
    world_turn(w);
    assert_int_equal(w->loads_seen, 1); /* The second has not even looked. */
    world_run(w);
    assert_int_equal(case_of(w, "c1")->n_consents, 2);
    assert_int_equal(w->commits_seen, 2); /* No race was lost. */
    assert_int_equal(w->most_together, 1);
    end(w);
}

static void commands_of_several_roots_share_a_turn(void **unused)
{
    (void)unused;
    struct world *w = begin();
    for (int i = 0; i < 4; i++) {
        world_call(w, (struct world_call){
                          .subject = "intake.ReceiveReferral", .json = REFERRAL, .role = CASEBUS__ROLE__ROLE_PROVIDER});
    }
    world_run(w);
    assert_int_equal(w->commits_done, 4);
    assert_int_equal(w->most_together, 4);
    end(w);
}

static void a_reaction_and_its_inbox_mark_are_one_commit(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = enrolled(w, "c1", 7, "c1");
    world_run(w);
    assert_int_equal(world_answer(w, tag)->verb, VERB_ACK);
    assert_string_equal(w->last.inbox_group, "intake");
    assert_int_equal(w->last.inbox_sequence, 7);
    assert_string_equal(w->last.cause, "c1.e7");
    assert_int_equal(case_of(w, "c1")->state, INTAKE__CASE_STATE__CASE_STATE_ENROLLED);
    end(w);
}

static void an_event_that_comes_again_has_no_second_effect(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    enrolled(w, "c1", 7, "c1");
    world_run(w);
    uint64_t tag = enrolled(w, "c1", 7, "c1");
    world_run(w);
    assert_int_equal(world_answer(w, tag)->verb, VERB_ACK);
    assert_int_equal(w->commits_seen, 1);
    end(w);
}

static void an_event_that_nobody_reacts_to_asks_nothing_of_the_store(void **unused)
{
    (void)unused;
    struct world *w = begin();
    Intake__ConsentRecorded event = INTAKE__CONSENT_RECORDED__INIT;
    uint64_t tag = world_event(w, "c1", 1, (const ProtobufCMessage *[]){&event.base}, 1);
    assert_int_equal(world_answer(w, tag)->verb, VERB_ACK);
    assert_int_equal(w->loads_seen + w->commits_seen, 0);
    end(w);
}

static void a_reaction_that_refuses_is_marked_as_handled_and_reported(void **unused)
{
    (void)unused;
    struct world *w = begin();
    uint64_t tag = enrolled(w, "c1", 3, "c1");
    world_run(w);
    assert_int_equal(world_answer(w, tag)->verb, VERB_ACK);
    assert_int_equal(w->last.inbox_sequence, 3);
    assert_int_equal(w->last.state_count, 0);
    assert_string_equal(w->reports[0].kind, "reaction");
    assert_string_equal(w->reports[0].method, "intake.CaseEnrolled");
    assert_int_equal(w->reports[0].fault, FAULT_NOT_FOUND);
    end(w);
}

static void one_refused_event_of_a_record_does_not_hold_up_the_other(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    Intake__CaseEnrolled bad = INTAKE__CASE_ENROLLED__INIT, good = INTAKE__CASE_ENROLLED__INIT;
    bad.case_id = (char *)"c9";
    good.case_id = (char *)"c1";
    uint64_t tag = world_event(w, "c1", 4, (const ProtobufCMessage *[]){&bad.base, &good.base}, 2);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->verb, VERB_ACK);
    assert_int_equal(case_of(w, "c1")->state, INTAKE__CASE_STATE__CASE_STATE_ENROLLED);
    assert_int_equal(w->reports[0].fault, FAULT_NOT_FOUND);
    assert_int_equal(w->reports[1].fault, FAULT_NONE);
    end(w);
}

static void with_the_store_down_a_command_is_unavailable_and_an_event_waits(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c2", OUTREACH);
    w->is_down = true;
    uint64_t command = consent(w), event = enrolled(w, "c2", 1, "c2");
    world_run(w);
    assert_int_equal(world_answer(w, command)->status, STATUS_UNAVAILABLE);
    assert_null(world_answer(w, event));
    assert_true(runtime_wake_ms(w->runtime) > w->now.monotonic_ms);
    w->is_down = false;
    w->now.monotonic_ms = runtime_wake_ms(w->runtime);
    world_run(w);
    assert_int_equal(world_answer(w, event)->verb, VERB_ACK);
    assert_int_equal(case_of(w, "c2")->state, INTAKE__CASE_STATE__CASE_STATE_ENROLLED);
    end(w);
}

static void an_event_is_given_back_when_it_waited_too_long_or_the_service_stops(void **unused)
{
    (void)unused;
    for (int stops = 0; stops < 2; stops++) {
        struct world *w = begin();
        w->is_down = true;
        uint64_t event = enrolled(w, "c2", 1, "c2");
        world_run(w);
        assert_null(world_answer(w, event));
        if (stops) {
            runtime_drain(w->runtime);
        } else {
            w->now.monotonic_ms += RUNTIME_HOLD_MS + 1;
        }
        world_run(w);
        assert_int_equal(world_answer(w, event)->verb, VERB_NAK);
        assert_int_equal(
            world_answer(w, event)->status, STATUS_UNAVAILABLE); /* No attempt: nothing is wrong with it. */
        assert_true(world_answer(w, event)->ttl_ms > 0);
        end(w);
    }
}

/* A lane forgets a task after a final answer, so none may be final that says nothing about the task itself. */
static void a_task_that_this_instance_cannot_read_stays_for_one_that_can(void **unused)
{
    (void)unused;
    static const struct {
        const char *what, *tenant, *subject;
        bool clear_body, unsigned_actor;
    } ROWS[] = {
        {"of a tenant that is not set up here", "elsewhere", "intake.RecordConsent"},
        {"that a newer version told", "demo", "intake.NotYetKnown"},
        {"sealed with a key that is not here", "demo", "intake.RecordConsent", .clear_body = true},
        {"whose proof is under a key that is not here", "demo", "intake.RecordConsent", .unsigned_actor = true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct world *w = begin();
        know_case(w, "c1", OUTREACH);
        struct world_call task = {.subject = ROWS[i].subject,
            .json = CONSENT,
            .tenant = ROWS[i].tenant,
            .lane = "intake",
            .clear_body = ROWS[i].clear_body,
            .unsigned_actor = ROWS[i].unsigned_actor};
        uint64_t tag = world_call(w, task);
        world_run(w);
        if (world_answer(w, tag)->status != STATUS_UNAVAILABLE || world_answer(w, tag)->ttl_ms == 0) {
            fail_msg("a task %s was answered %s", ROWS[i].what, world_answer(w, tag)->fault);
        }
        end(w);
    }
}

static void an_event_of_unknown_outcome_is_looked_up_and_has_one_effect(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c2", OUTREACH);
    uint64_t event = enrolled(w, "c2", 1, "c2");
    w->answer_commits_with = COMMIT_UNKNOWN;
    w->answer_commits_with_set = 1;
    world_run(w);
    assert_null(world_answer(w, event));
    w->now.monotonic_ms = runtime_wake_ms(w->runtime);
    world_run(w);
    assert_int_equal(world_answer(w, event)->verb, VERB_ACK);
    end(w);
}

static void a_commit_of_unknown_outcome_is_told_as_unknown(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = consent(w);
    w->answer_commits_with = COMMIT_UNKNOWN;
    w->answer_commits_with_set = 1;
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_UNKNOWN);
    end(w);
}

static void a_call_that_waited_too_long_is_expired_and_not_done(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = world_call(w, (struct world_call){.subject = "intake.RecordConsent", .json = CONSENT, .ttl_ms = 50});
    world_turn(w);
    w->now.monotonic_ms += 51;
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_EXPIRED);
    assert_int_equal(w->commits_seen, 0);
    end(w);
}

static void more_calls_than_there_is_room_for_are_overloaded(void **unused)
{
    (void)unused;
    struct world *w = begin();
    uint64_t tag = 0;
    for (int i = 0; i < 9; i++) {
        tag = consent(w);
    }
    assert_int_equal(world_answer(w, tag)->status, STATUS_OVERLOADED);
    world_run(w);
    assert_int_equal(w->answer_count, 9);
    end(w);
}

static void a_caller_who_saw_another_version_is_refused(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t stale =
        world_call(w, (struct world_call){.subject = "intake.RecordConsent", .json = CONSENT, .expect_version = 7});
    world_run(w);
    assert_string_equal(world_answer(w, stale)->fault, "STALE");
    uint64_t right =
        world_call(w, (struct world_call){.subject = "intake.RecordConsent", .json = CONSENT, .expect_version = 1});
    world_run(w);
    assert_int_equal(world_answer(w, right)->status, STATUS_OK);
    end(w);
}

#define CONSENT_OF(id)                                                                                                 \
    "{\"caseId\": \"" id "\", \"consents\": [{\"kind\": \"CONSENT_KIND_PARTICIPATION\", \"granted\": true}]}"

static void one_commit_that_is_too_large_refuses_itself_alone(void **unused)
{
    (void)unused;
    static const struct {
        const char *root, *json, *id, *fault;
    } ROWS[] = {
        {"00a-one", CONSENT_OF("00a-one"), "b1", ""},
        {"00a-two", CONSENT_OF("00a-two"), "too-large", "INVALID"},
        {"00a-three", CONSENT_OF("00a-three"), "b3", ""},
    };
    struct world *w = begin();
    uint64_t tags[3];
    for (int i = 0; i < 3; i++) { /* One partition: they would leave in one function call. */
        know_case(w, ROWS[i].root, OUTREACH);
        tags[i] = world_call(
            w, (struct world_call){.subject = "intake.RecordConsent", .json = ROWS[i].json, .id = ROWS[i].id});
    }
    world_run(w);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(world_answer(w, tags[i])->fault, ROWS[i].fault);
    }
    end(w);
}

/* ---- Who ---- */

static void who_may_not_is_refused_before_anything_is_read(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        struct world_call call;
        const char *fault;
    } ROWS[] = {
        {"not signed", {.subject = "intake.RecordConsent", .json = CONSENT, .unsigned_actor = true}, "FORBIDDEN"},
        {"a role that may not",
            {.subject = "intake.RecordConsent", .json = CONSENT, .role = CASEBUS__ROLE__ROLE_BILLER}, "FORBIDDEN"},
        {"says it is the system",
            {.subject = "intake.RecordConsent", .json = CONSENT, .role = CASEBUS__ROLE__ROLE_SYSTEM}, "FORBIDDEN"},
        {"simulated among real patients",
            {.subject = "intake.RecordConsent", .json = CONSENT, .tenant = "real", .simulated = true}, "FORBIDDEN"},
        {"no such tenant", {.subject = "intake.RecordConsent", .json = CONSENT, .tenant = "nowhere"}, "NOT_FOUND"},
        {"no such subject", {.subject = "intake.Nothing", .json = NULL}, "INVALID"},
        {"a body that is not sealed", {.subject = "intake.RecordConsent", .json = CONSENT, .clear_body = true},
            "INVALID"},
        {"a body that breaks the rules", {.subject = "intake.RecordConsent", .json = "{\"caseId\": \"c1\"}"},
            "INVALID"},
        {"another root in the envelope", {.subject = "intake.RecordConsent", .json = CONSENT, .root = "c2"}, "INVALID"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct world *w = begin();
        if (str_same(ROWS[i].call.tenant, "nowhere")) { /* Sealed for a tenant that the ring knows. */
            struct world_call call = ROWS[i].call;
            call.clear_body = true;
            world_call(w, call);
        } else {
            world_call(w, ROWS[i].call);
        }
        world_run(w);
        if (w->answer_count != 1 || !str_same(w->answers[0].fault, ROWS[i].fault) || w->loads_seen != 0) {
            print_message("%s: %s, %s\n", ROWS[i].name, w->answers[0].fault, w->answers[0].why);
            fail();
        }
        end(w);
    }
}

static void a_simulated_person_acts_in_a_synthetic_tenant_and_is_marked(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag =
        world_call(w, (struct world_call){.subject = "intake.RecordConsent", .json = CONSENT, .simulated = true});
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    assert_true(w->last.simulated);
    end(w);
}

static void a_told_command_is_proven_and_a_forged_one_is_not(void **unused)
{
    (void)unused;
    struct world *w = begin();
    world_call(w, (struct world_call){
                      .subject = "intake.ReceiveReferral", .json = REFERRAL, .role = CASEBUS__ROLE__ROLE_PROVIDER});
    world_run(w);
    assert_int_equal(w->last.task_count, 1);
    assert_string_equal(w->last.tasks[0].dest, "intake");
    uint64_t genuine = world_task(w, 0, false), forged = world_task(w, 0, true);
    /* The tiny service has no rule for it: it got past the proof, and no further. */
    assert_string_equal(world_answer(w, genuine)->fault, "INVALID");
    assert_string_equal(world_answer(w, forged)->fault, "FORBIDDEN");
    end(w);
}

/* ---- Timers ---- */

static void a_due_timer_is_removed_by_the_commit_that_handles_it(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = world_timer(w, "c1", "case", "c1", "outreach", WORLD_NOW_MS - 5);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    assert_string_equal(w->last.handled_timer, "intake:case:demo:c1:c1:outreach");
    assert_int_equal(w->last.handled_due_ms, WORLD_NOW_MS - 5);
    assert_int_equal(case_of(w, "c1")->state, INTAKE__CASE_STATE__CASE_STATE_UNABLE_TO_CONTACT);
    end(w);
}

static void a_timer_that_its_rule_refuses_is_removed_and_changes_nothing(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = world_timer(w, "c1", "case", "c1", "other", WORLD_NOW_MS);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    assert_int_equal(w->last.state_count, 0);
    assert_non_null(w->last.handled_timer);
    assert_int_equal(w->reports[0].fault, FAULT_REFUSED);
    end(w);
}

static void a_timer_that_is_gone_is_answered_as_done(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = world_timer(w, "c1", "case", "c1", "outreach", WORLD_NOW_MS);
    w->answer_commits_with = COMMIT_APPLIED;
    w->answer_commits_with_set = 1;
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    end(w);
}

static void a_timer_never_fires_early(void **unused)
{
    (void)unused;
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    uint64_t tag = world_timer(w, "c1", "case", "c1", "outreach", WORLD_NOW_MS + RUNTIME_EARLY_MS + 1);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_UNAVAILABLE);
    assert_int_equal(w->commits_seen, 0);
    end(w);
}

/* ---- Answers of insurers ---- */

#define COVERED        "{\"status\": \"COVERAGE_STATUS_ACTIVE\", \"planName\": \"Gold\"}"
#define UNKNOWN_MEMBER "{\"status\": \"COVERAGE_STATUS_MEMBER_UNKNOWN\"}"

/* Asks by a reaction; the task stands in w->last. */
static struct world *begin_asked(void)
{
    struct world *w = begin();
    know_case(w, "c1", OUTREACH);
    enrolled(w, "c1", 1, "c1");
    world_run(w);
    assert_int_equal(w->last.task_count, 1);
    assert_string_equal(w->last.tasks[0].dest, "payer/demo/p1");
    return w;
}

static void an_answer_takes_its_task_out_of_the_lane(void **unused)
{
    (void)unused;
    struct world *w = begin_asked();
    uint64_t tag = world_decide(w, 0, "payer.EligibilityAnswer", COVERED, NULL);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    assert_string_equal(w->last.handled_lane, "payer/demo/p1");
    assert_int_equal(w->last.handled_task.ms, 5);
    assert_string_equal(w->last.actor_id, "p1");
    assert_string_equal(case_of(w, "c1")->programme, "Gold");
    end(w);
}

static void the_same_answer_again_has_no_second_effect(void **unused)
{
    (void)unused;
    struct world *w = begin_asked();
    struct commit asked = w->last;
    world_decide(w, 0, "payer.EligibilityAnswer", COVERED, NULL);
    world_run(w);
    unsigned commits = w->commits_seen;
    w->last = asked;
    uint64_t tag = world_decide(w, 0, "payer.EligibilityAnswer", COVERED, NULL);
    world_run(w);
    assert_int_equal(world_answer(w, tag)->status, STATUS_OK);
    assert_true(world_answer(w, tag)->repeat);
    assert_int_equal(w->commits_seen, commits);
    end(w);
}

static void an_answer_that_is_refused_leaves_the_task_for_a_better_one(void **unused)
{
    (void)unused;
    struct world *w = begin_asked();
    unsigned commits = w->commits_seen;
    uint64_t wrong = world_decide(w, 0, "payer.EligibilityAnswer", UNKNOWN_MEMBER, NULL);
    world_run(w);
    assert_int_equal(world_answer(w, wrong)->status, STATUS_REFUSED);
    assert_null(world_answer(w, wrong)->outcome->why);
    assert_true(world_answer(w, wrong)->why[0] != '\0'); /* Opened with the key of the lane, which the edge has. */
    assert_int_equal(w->commits_seen, commits);
    uint64_t right = world_decide(w, 0, "payer.EligibilityAnswer", COVERED, NULL);
    world_run(w);
    assert_int_equal(world_answer(w, right)->status, STATUS_OK);
    end(w);
}

static void an_answer_under_another_insurer_s_key_is_refused(void **unused)
{
    (void)unused;
    struct world *w = begin_asked();
    uint64_t tag = world_decide(w, 0, "payer.EligibilityAnswer", COVERED, "payer/demo/p2");
    world_run(w);
    assert_string_equal(world_answer(w, tag)->fault, "INVALID");
    assert_null(case_of(w, "c1")->programme);
    end(w);
}

/* ---- Questions and tables ---- */

static void a_question_reads_an_index_over_all_partitions(void **unused)
{
    (void)unused;
    struct world *w = begin();
    struct index_entry entries[] = {{.partition = 1, .sort = 5, .member = "c7"}};
    uint64_t tag =
        world_call(w, (struct world_call){.subject = "intake.ListCases", .json = "{\"limit\": 3}", .query = true});
    world_turn(w);
    assert_int_equal(w->scan_count, 1);
    assert_string_equal(w->scans[0]->index, "caseload");
    assert_string_equal(w->scans[0]->group, "everybody");
    assert_int_equal(w->scans[0]->count_max, 3);
    w->scans[0]->count = 1;
    w->scans[0]->entries = entries;
    world_run(w);
    ProtobufCMessage *list = NULL;
    const struct world_answer *answer = world_answer(w, tag);
    assert_int_equal(answer->verb, VERB_QRS);
    assert_int_equal(contract_unpack(&intake__case_list__descriptor, answer->body.at, answer->body.size,
                         &CROSSING_EVENT, &w->arena, NULL, &list),
        FAULT_NONE);
    assert_string_equal(((Intake__CaseList *)list)->cases[0]->case_id, "c7");
    end(w);
}

static void a_service_without_a_rule_for_its_contract_does_not_start(void **unused)
{
    (void)unused;
    struct why why = {0};
    assert_int_equal(runtime_check_tables(&TINY, &why), FAULT_REFUSED);
    assert_true(str_starts_with(why.text, "intake: intake."));
    assert_true(str_ends_with(why.text, "is in the contract but has no rule"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_committed_and_answered),
        cmocka_unit_test(a_refusal_says_why_and_commits_nothing),
        cmocka_unit_test(nobody_on_the_way_reads_why_a_service_refused),
        cmocka_unit_test(a_lost_race_is_decided_again_on_what_is_there_now),
        cmocka_unit_test(a_race_lost_to_a_change_that_forbids_it_is_refused),
        cmocka_unit_test(three_lost_races_are_overloaded_and_change_nothing),
        cmocka_unit_test(the_same_command_again_is_answered_with_the_first_reply),
        cmocka_unit_test(the_same_command_twice_at_once_has_one_effect),
        cmocka_unit_test(the_same_id_with_other_content_is_refused),
        cmocka_unit_test(a_rule_that_wants_more_gets_it_in_one_more_read),
        cmocka_unit_test(what_a_rule_asked_for_comes_with_the_first_read_the_next_time),
        cmocka_unit_test(a_guess_changes_no_decision),
        cmocka_unit_test(a_reply_says_whether_there_is_a_task_to_fetch),
        cmocka_unit_test(commands_of_one_root_follow_each_other),
        cmocka_unit_test(commands_of_several_roots_share_a_turn),
        cmocka_unit_test(a_reaction_and_its_inbox_mark_are_one_commit),
        cmocka_unit_test(an_event_that_comes_again_has_no_second_effect),
        cmocka_unit_test(an_event_that_nobody_reacts_to_asks_nothing_of_the_store),
        cmocka_unit_test(a_reaction_that_refuses_is_marked_as_handled_and_reported),
        cmocka_unit_test(one_refused_event_of_a_record_does_not_hold_up_the_other),
        cmocka_unit_test(with_the_store_down_a_command_is_unavailable_and_an_event_waits),
        cmocka_unit_test(an_event_is_given_back_when_it_waited_too_long_or_the_service_stops),
        cmocka_unit_test(an_event_of_unknown_outcome_is_looked_up_and_has_one_effect),
        cmocka_unit_test(a_commit_of_unknown_outcome_is_told_as_unknown),
        cmocka_unit_test(a_call_that_waited_too_long_is_expired_and_not_done),
        cmocka_unit_test(more_calls_than_there_is_room_for_are_overloaded),
        cmocka_unit_test(a_caller_who_saw_another_version_is_refused),
        cmocka_unit_test(who_may_not_is_refused_before_anything_is_read),
        cmocka_unit_test(a_simulated_person_acts_in_a_synthetic_tenant_and_is_marked),
        cmocka_unit_test(a_told_command_is_proven_and_a_forged_one_is_not),
        cmocka_unit_test(a_task_that_this_instance_cannot_read_stays_for_one_that_can),
        cmocka_unit_test(a_due_timer_is_removed_by_the_commit_that_handles_it),
        cmocka_unit_test(a_timer_that_its_rule_refuses_is_removed_and_changes_nothing),
        cmocka_unit_test(a_timer_that_is_gone_is_answered_as_done),
        cmocka_unit_test(a_timer_never_fires_early),
        cmocka_unit_test(an_answer_takes_its_task_out_of_the_lane),
        cmocka_unit_test(the_same_answer_again_has_no_second_effect),
        cmocka_unit_test(an_answer_that_is_refused_leaves_the_task_for_a_better_one),
        cmocka_unit_test(an_answer_under_another_insurer_s_key_is_refused),
        cmocka_unit_test(one_commit_that_is_too_large_refuses_itself_alone),
        cmocka_unit_test(a_question_reads_an_index_over_all_partitions),
        cmocka_unit_test(a_service_without_a_rule_for_its_contract_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
