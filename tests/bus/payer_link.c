/* The insurer's side: tasks come again until they are answered, and answers outlive the link their task came on. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/bus/link.h"
#include "common/bus/payer_link.h"
#include "common/contract/guard.h"
#include "common/core/must.h"
#include "tests/bus/peer.h"

#define LOG_MAX 64

/* What the edge of a test has seen. */
struct edge {
    struct peer peer;
    struct arena arena;
    uint8_t verbs[LOG_MAX]; /* of records, in order */
    uint64_t tags[LOG_MAX];
    uint32_t epochs[LOG_MAX], ttl_ms[LOG_MAX];
    unsigned seen;
    const Casebus__Envelope *answer; /* the latest */
    char body[64];                   /* of it */
    const Casebus__Hello *hello;
    enum status status; /* given to answers */
    bool silent;        /* gives them none */
    bool reset;         /* cuts the link instead */
};

static const ProtobufCMessage *unpack(
    struct edge *edge, const ProtobufCMessageDescriptor *descriptor, const void *bytes, size_t size)
{
    ProtobufCMessage *message = NULL;
    MUST(contract_unpack(descriptor, bytes, size, &CROSSING_PAYER, &edge->arena, NULL, &message) == FAULT_NONE);
    return message;
}

static void send_task(struct peer *peer, uint64_t tag, const char *entry)
{
    uint8_t bytes[512];
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.id = "task-1";
    envelope.subject = "payer.EligibilityQuestion";
    envelope.tenant = "demo";
    envelope.root = "0a7-case";
    envelope.key = "coverage-1";
    envelope.kind = "coverage";
    envelope.asker = "claims";
    envelope.lane = "payer/demo/acme";
    envelope.entry = entry;
    struct record record = {.verb = VERB_TASK,
        .tag = tag,
        .epoch = 5,
        .attempt = 1,
        .envelope = bytes,
        .body = (const uint8_t *)"covered?"};
    record.envelope_size = (uint32_t)casebus__envelope__pack(&envelope, bytes);
    record.body_size = 8;
    peer_say(peer, &record);
}

/* Gives a task to whoever registers. */
static void register_payer(struct peer *peer, const struct record *record, void *context)
{
    struct edge *edge = context;
    edge->hello = (const Casebus__Hello *)unpack(edge, &casebus__hello__descriptor, record->body, record->body_size);
    peer_welcome(peer, record);
    send_task(peer, 100 + peer->hellos, "1700000000001-0");
}

static void take_answer(struct peer *peer, const struct record *record, struct edge *edge)
{
    edge->answer = (const Casebus__Envelope *)unpack(
        edge, &casebus__envelope__descriptor, record->envelope, record->envelope_size);
    snprintf(edge->body, sizeof(edge->body), "%.*s", (int)record->body_size, (const char *)record->body);
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.fault = edge->status == STATUS_REFUSED ? "CONFLICT" : NULL;
    outcome.why = edge->status == STATUS_REFUSED ? "answered otherwise before" : NULL;
    if (edge->reset) {
        edge->reset = false;
        peer_reset(peer, STATUS_NONE, NULL);
    } else if (!edge->silent) {
        peer_answer(peer, record, edge->status, &outcome, NULL);
    }
}

static void handle(struct peer *peer, const struct record *record, void *context)
{
    struct edge *edge = context;
    MUST(edge->seen < LOG_MAX);
    edge->verbs[edge->seen] = record->verb;
    edge->epochs[edge->seen] = record->epoch;
    edge->ttl_ms[edge->seen] = record->ttl_ms;
    edge->tags[edge->seen++] = record->tag;
    if (record->verb == VERB_ANSWER) {
        take_answer(peer, record, edge);
    }
}

static int open_edge(void **state)
{
    struct edge *edge = calloc(1, sizeof(*edge));
    MUST(edge != NULL);
    arena_init(&edge->arena, 0);
    edge->status = STATUS_OK;
    edge->peer.greet = register_payer;
    peer_start(&edge->peer, handle, edge);
    *state = edge;
    return 0;
}

static int close_edge(void **state)
{
    struct edge *edge = *state;
    arena_done(&edge->arena);
    free(edge);
    return 0;
}

static struct payer_link *open_payer(struct edge *edge)
{
    static const char *const PAYERS[] = {"acme", "acme-gold"};
    const char *endpoint = edge->peer.endpoint;
    struct payer_options options = {
        .endpoints = &endpoint, .endpoint_count = 1, .tenant = "demo", .payer_ids = PAYERS, .payer_id_count = 2};
    struct payer_link *payer = NULL;
    struct why why = {0};
    assert_int_equal(payer_link_new(&options, &why, &payer), FAULT_NONE);
    return payer;
}

/* Ends the talk politely, so that the edge has heard all, and stops the edge. */
static void end_of_talk(struct edge *edge, struct payer_link *payer)
{
    unsigned byes = edge->peer.byes;
    payer_link_free(&payer);
    while (edge->peer.byes == byes) {
        sched_yield();
    }
    peer_stop(&edge->peer);
}

static void expect(
    struct payer_link *payer, enum payer_event want, struct payer_task *task, struct payer_outcome *outcome)
{
    assert_int_equal(payer_next(payer, 20000, task, outcome), want);
}

static struct body words(const char *text)
{
    return (struct body){(const uint8_t *)text, strlen(text)};
}

static void a_task_is_taken_answered_and_settled(void **state)
{
    struct edge *edge = *state;
    struct payer_link *payer = open_payer(edge);
    struct payer_task task;
    struct payer_outcome outcome;
    struct why why = {0};
    expect(payer, PAYER_UP, &task, &outcome);
    expect(payer, PAYER_TASK, &task, &outcome);
    assert_string_equal(task.tenant, "demo");
    assert_string_equal(task.payer_id, "acme");
    assert_string_equal(task.subject, "payer.EligibilityQuestion");
    assert_string_equal(task.id, "task-1");
    assert_int_equal(task.attempt, 1);
    assert_memory_equal(task.body.bytes, "covered?", 8);
    assert_int_equal(payer_answer(payer, task.token, "payer.EligibilityAnswer", words("yes"), &why), FAULT_NONE);
    char token[PAYER_TOKEN_SIZE];
    strcpy(token, task.token);
    expect(payer, PAYER_SETTLED, &task, &outcome);
    assert_int_equal(outcome.fault, FAULT_NONE);
    assert_string_equal(outcome.token, token);
    assert_int_equal(payer_next(payer, 0, &task, &outcome), PAYER_NOTHING);
    end_of_talk(edge, payer);
    assert_int_equal(edge->seen, 2); /* the answer, then the credit of the task, under its tag and lease */
    assert_int_equal(edge->verbs[0], VERB_ANSWER);
    assert_int_equal(edge->verbs[1], VERB_ACK);
    assert_int_equal(edge->tags[1], 101);
    assert_int_equal(edge->epochs[1], 5);
}

static void an_answer_repeats_what_names_its_task(void **state)
{
    struct edge *edge = *state;
    struct payer_link *payer = open_payer(edge);
    struct payer_task task;
    struct payer_outcome outcome;
    struct why why = {0};
    expect(payer, PAYER_UP, &task, &outcome);
    expect(payer, PAYER_TASK, &task, &outcome);
    assert_int_equal(payer_answer(payer, task.token, "payer.EligibilityAnswer", words("yes"), &why), FAULT_NONE);
    expect(payer, PAYER_SETTLED, &task, &outcome);
    end_of_talk(edge, payer);
    assert_string_equal(edge->answer->subject, "payer.EligibilityAnswer");
    assert_string_equal(edge->answer->id, "task-1");
    assert_string_equal(edge->answer->tenant, "demo");
    assert_string_equal(edge->answer->root, "0a7-case");
    assert_string_equal(edge->answer->key, "coverage-1");
    assert_string_equal(edge->answer->kind, "coverage");
    assert_string_equal(edge->answer->asker, "claims");
    assert_string_equal(edge->answer->lane, "payer/demo/acme");
    assert_string_equal(edge->answer->entry, "1700000000001-0");
    assert_string_equal(edge->body, "yes");
    assert_int_equal(edge->hello->kind, CASEBUS__PEER_KIND__PEER_KIND_PAYER);
    assert_int_equal(edge->hello->n_lanes, 2);
    assert_string_equal(edge->hello->lanes[0], "payer/demo/acme");
    assert_string_equal(edge->hello->lanes[1], "payer/demo/acme-gold");
}

static void an_answer_may_come_later_over_another_link(void **state)
{
    struct edge *edge = *state;
    struct payer_link *first = open_payer(edge);
    struct payer_task task, again;
    struct payer_outcome outcome;
    struct why why = {0};
    expect(first, PAYER_UP, &task, &outcome);
    expect(first, PAYER_TASK, &task, &outcome);
    assert_int_equal(payer_keep(first, &task, &why), FAULT_NONE);
    payer_link_free(&first);
    struct payer_link *second = open_payer(edge);
    expect(second, PAYER_UP, &again, &outcome);
    assert_int_equal(payer_answer(second, task.token, "payer.EligibilityAnswer", words("late"), &why), FAULT_NONE);
    while (payer_next(second, 20000, &again, &outcome) != PAYER_SETTLED) {
    }
    assert_string_equal(outcome.token, task.token);
    assert_int_equal(outcome.fault, FAULT_NONE);
    end_of_talk(edge, second);
    assert_string_equal(edge->body, "late");
    assert_string_equal(edge->answer->entry, "1700000000001-0");
}

static void a_task_kept_or_put_off_gives_its_credit_back_once(void **state)
{
    struct edge *edge = *state;
    struct payer_link *payer = open_payer(edge);
    struct payer_task task;
    struct payer_outcome outcome;
    struct why why = {0};
    expect(payer, PAYER_UP, &task, &outcome);
    expect(payer, PAYER_TASK, &task, &outcome);
    assert_int_equal(payer_later(payer, &task, 1500, &why), FAULT_NONE);
    assert_int_equal(payer_keep(payer, &task, &why), FAULT_NONE);
    end_of_talk(edge, payer);
    assert_int_equal(edge->seen, 1);
    assert_int_equal(edge->verbs[0], VERB_NAK);
    assert_int_equal(edge->ttl_ms[0], 1500);
}

static void a_refused_answer_tells_why(void **state)
{
    struct edge *edge = *state;
    struct payer_link *payer = open_payer(edge);
    struct payer_task task;
    struct payer_outcome outcome;
    struct why why = {0};
    edge->status = STATUS_REFUSED;
    expect(payer, PAYER_UP, &task, &outcome);
    expect(payer, PAYER_TASK, &task, &outcome);
    assert_int_equal(payer_answer(payer, task.token, "payer.EligibilityAnswer", words("no"), &why), FAULT_NONE);
    expect(payer, PAYER_SETTLED, &task, &outcome);
    assert_int_equal(outcome.fault, FAULT_CONFLICT);
    assert_string_equal(outcome.why.text, "answered otherwise before");
    end_of_talk(edge, payer);
}

static void an_answer_lost_with_its_link_is_to_be_given_again(void **state)
{
    struct edge *edge = *state;
    struct payer_link *payer = open_payer(edge);
    struct payer_task task;
    struct payer_outcome outcome;
    struct why why = {0};
    edge->reset = true;
    expect(payer, PAYER_UP, &task, &outcome);
    expect(payer, PAYER_TASK, &task, &outcome);
    assert_int_equal(payer_answer(payer, task.token, "payer.EligibilityAnswer", words("yes"), &why), FAULT_NONE);
    expect(payer, PAYER_LOST, &task, &outcome);
    expect(payer, PAYER_SETTLED, &task, &outcome);
    assert_int_equal(outcome.fault, FAULT_UNKNOWN);
    assert_true(fault_may_retry(outcome.fault));
    expect(payer, PAYER_UP, &task, &outcome);
    expect(payer, PAYER_TASK, &task, &outcome); /* it comes again, and is the same */
    assert_string_equal(task.token, outcome.token);
    assert_int_equal(payer_answer(payer, task.token, "payer.EligibilityAnswer", words("yes"), &why), FAULT_NONE);
    expect(payer, PAYER_SETTLED, &task, &outcome);
    assert_int_equal(outcome.fault, FAULT_NONE);
    end_of_talk(edge, payer);
}

static void a_task_of_a_lost_link_is_not_acknowledged_on_the_next(void **state)
{
    struct edge *edge = *state;
    struct payer_link *payer = open_payer(edge);
    struct payer_task first, task;
    struct payer_outcome outcome;
    struct why why = {0};
    edge->reset = true;
    expect(payer, PAYER_UP, &first, &outcome);
    expect(payer, PAYER_TASK, &first, &outcome);
    assert_int_equal(payer_answer(payer, first.token, "payer.EligibilityAnswer", words("yes"), &why), FAULT_NONE);
    expect(payer, PAYER_LOST, &task, &outcome);
    assert_int_equal(payer_keep(payer, &first, &why), FAULT_UNAVAILABLE);
    while (payer_next(payer, 20000, &task, &outcome) != PAYER_TASK) {
    }
    assert_int_equal(payer_keep(payer, &first, &why), FAULT_UNAVAILABLE);
    end_of_talk(edge, payer);
}

static void what_names_no_task_is_not_sent(void **state)
{
    static const char *const TOKENS[] = {"", "!", "abc", "CgZ0YXNrLTE" /* an envelope without lane and entry */};
    struct edge *edge = *state;
    struct payer_link *payer = open_payer(edge);
    struct payer_task task;
    struct payer_outcome outcome;
    struct why why = {0};
    expect(payer, PAYER_UP, &task, &outcome);
    for (size_t i = 0; i < ARRAY_LENGTH(TOKENS); i++) {
        assert_int_equal(payer_answer(payer, TOKENS[i], "payer.EligibilityAnswer", words("yes"), &why), FAULT_INVALID);
    }
    expect(payer, PAYER_TASK, &task, &outcome);
    assert_int_equal(payer_answer(payer, task.token, "", words("yes"), &why), FAULT_INVALID);
    end_of_talk(edge, payer);
    assert_int_equal(edge->seen, 0);
}

static void refuse_all(struct peer *peer, const struct record *record, void *context)
{
    (void)record, (void)context;
    peer_reset(peer, STATUS_REFUSED, "acme is not yours");
}

static void a_refused_registration_tells_why(void **state)
{
    struct edge *edge = *state;
    struct payer_task task;
    struct payer_outcome outcome;
    edge->peer.greet = refuse_all; /* nobody has said HELLO yet */
    struct payer_link *payer = open_payer(edge);
    expect(payer, PAYER_REFUSED, &task, &outcome);
    assert_int_equal(outcome.fault, FAULT_REFUSED);
    assert_string_equal(outcome.why.text, "acme is not yours");
    payer_link_free(&payer);
    peer_stop(&edge->peer);
}

static void a_registration_without_payers_or_tenant_is_refused(void **state)
{
    struct edge *edge = *state;
    static const char *const GOOD[] = {"acme"}, *const BAD[] = {"acme/../other"};
    const char *endpoint = edge->peer.endpoint;
    const struct payer_options rows[] = {
        {.tenant = "demo", .payer_ids = GOOD, .payer_id_count = 0},
        {.tenant = "de/mo", .payer_ids = GOOD, .payer_id_count = 1},
        {.tenant = "demo", .payer_ids = BAD, .payer_id_count = 1},
        {.tenant = "demo", .payer_ids = GOOD, .payer_id_count = PAYER_IDS_MAX + 1},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct payer_options options = rows[i];
        struct payer_link *payer = NULL;
        struct why why = {0};
        options.endpoints = &endpoint;
        options.endpoint_count = 1;
        assert_int_equal(payer_link_new(&options, &why, &payer), FAULT_INVALID);
        assert_null(payer);
    }
    peer_stop(&edge->peer);
}

static int end_context(void **state)
{
    (void)state;
    bus_done();
    return 0;
}

#define WITH_EDGE(test) cmocka_unit_test_setup_teardown(test, open_edge, close_edge)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_EDGE(a_task_is_taken_answered_and_settled),
        WITH_EDGE(an_answer_repeats_what_names_its_task),
        WITH_EDGE(an_answer_may_come_later_over_another_link),
        WITH_EDGE(a_task_kept_or_put_off_gives_its_credit_back_once),
        WITH_EDGE(a_refused_answer_tells_why),
        WITH_EDGE(an_answer_lost_with_its_link_is_to_be_given_again),
        WITH_EDGE(a_task_of_a_lost_link_is_not_acknowledged_on_the_next),
        WITH_EDGE(what_names_no_task_is_not_sent),
        WITH_EDGE(a_refused_registration_tells_why),
        WITH_EDGE(a_registration_without_payers_or_tenant_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, end_context);
}
