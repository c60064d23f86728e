/* The broker and the edge as processes, over ipc and a real Redis: crashes, garbage, a store that goes away. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/bus/client.h"
#include "common/bus/link.h"
#include "common/bus/payer_link.h"
#include "common/core/clock.h"
#include "common/core/must.h"
#include "proto/broker.pb-c.h"
#include "proto/payer.pb-c.h"
#include "tests/bus/broker_store.h"

enum { PATIENCE_MS = 20000, ROOTS = 6 };

struct scene {
    struct broker_store *store;
    char folder[64], broker_at[96], edge_at[96], signers[96];
    struct actor_key operator;
    pid_t broker, edge;
};

/* What a service in this process heard. */
struct service {
    struct link *link;
    unsigned events, answers;
    uint64_t seen[ROOTS]; /* sequence of the last event handled, by root r0..r5 */
    struct record last;
    uint8_t body[1024];
    char envelope_root[64], entry[64], lane[64];
};

static pid_t spawn(struct scene *scene, const char *role)
{
    char program[512], setting[7][512];
    const char *build = getenv("SUITE_BUILD");
    snprintf(program, sizeof program, "%s/bin/casebus-broker", build ? build : "build/dev");
    snprintf(setting[0], 512, "--redis=%s", broker_store_address(scene->store));
    snprintf(setting[1], 512, "--brokers=%s", scene->broker_at);
    snprintf(setting[2], 512, "--edge=%s", scene->edge_at);
    snprintf(setting[3], 512, "--lanes=%s", scene->folder);
    snprintf(setting[4], 512, "--role=%s", role);
    snprintf(setting[5], 512, "--actor-keys=%s", scene->signers);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        execl(program, program, setting[0], setting[1], setting[2], setting[3], setting[4], setting[5],
            "--lease-ms=1000", "--poll-ms=50", "--retry-ms=20", (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void end(pid_t *pid, int signal, bool cleanly)
{
    int status = 0;
    if (*pid) {
        kill(*pid, signal);
        assert_int_equal(waitpid(*pid, &status, 0), *pid);
        assert_true(!cleanly || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    *pid = 0;
}

static void make_operator(struct scene *scene)
{
    char secret[96];
    struct why why;
    snprintf(secret, sizeof secret, "%s/operator.key", scene->folder);
    snprintf(scene->signers, sizeof scene->signers, "%s/operator.pub", scene->folder);
    assert_int_equal(actor_key_make(secret, scene->signers, &why), FAULT_NONE);
    assert_int_equal(actor_key_load(secret, &why, &scene->operator), FAULT_NONE);
}

static int open_scene(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    MUST(scene);
    snprintf(scene->folder, sizeof scene->folder, "/tmp/casebus-broker-XXXXXX");
    MUST(mkdtemp(scene->folder));
    snprintf(scene->broker_at, sizeof scene->broker_at, "ipc://%s/broker", scene->folder);
    snprintf(scene->edge_at, sizeof scene->edge_at, "ipc://%s/edge", scene->folder);
    make_operator(scene);
    scene->store = broker_store_start();
    scene->broker = spawn(scene, "broker");
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    char command[128];
    end(&scene->edge, SIGTERM, true);
    end(&scene->broker, SIGTERM, true);
    broker_store_stop(&scene->store);
    snprintf(command, sizeof command, "rm -rf %s", scene->folder);
    assert_int_equal(system(command), 0);
    free(scene);
    return 0;
}

/* --- a client and a service --- */

static struct client *client_of(struct scene *scene, const struct actor_key *signed_by)
{
    const char *endpoint = scene->broker_at;
    struct client_options options = {.endpoints = &endpoint,
        .endpoint_count = 1,
        .tenant = "demo",
        .actor = {.id = "op-1", .role = CASEBUS__ROLE__ROLE_OPERATOR, .key = signed_by}};
    struct client *client;
    struct why why;
    assert_int_equal(client_new(&options, &why, &client), FAULT_NONE);
    assert_int_equal(client_wait(client, PATIENCE_MS, &why), FAULT_NONE);
    return client;
}

static struct client *a_client(struct scene *scene)
{
    return client_of(scene, &scene->operator);
}

static enum fault ask_once(struct client *client, const char *subject, bool query, uint32_t timeout_ms)
{
    struct client_result result;
    struct client_call call = {.subject = subject, .timeout_ms = timeout_ms, .once = true};
    enum fault fault = query ? client_query(client, &call, &result) : client_call(client, &call, &result);
    client_result_done(&result);
    return fault;
}

static void a_service(struct scene *scene, struct service *service)
{
    static const char *const SERVES[] = {"claims"}, *const WANTS[] = {"intake.CaseEnrolled"};
    struct why why;
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = true;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_SERVICE;
    hello.instance = "claims-1";
    hello.service = "claims";
    hello.serves = (const char **)SERVES;
    hello.n_serves = 1;
    hello.group = "claims";
    hello.wants = (const char **)WANTS;
    hello.n_wants = 1;
    struct link_options options = {.endpoint = scene->broker_at, .hello = &hello};
    *service = (struct service){0};
    assert_int_equal(link_new(&options, clock_monotonic_ms(), &why, &service->link), FAULT_NONE);
}

/* In order and without a gap; again what was handled already is fine. */
static void handle_event(struct service *service, const struct record *record)
{
    Casebus__Envelope *e = casebus__envelope__unpack(NULL, record->envelope_size, record->envelope);
    assert_non_null(e);
    assert_string_equal(e->group, "claims");
    unsigned root = (unsigned)(e->root[strlen("00a-r")] - '0');
    assert_true(root < ROOTS);
    assert_true(e->sequence <= service->seen[root] + 1);
    if (e->sequence > service->seen[root]) {
        service->seen[root] = e->sequence;
        service->events++;
    }
    casebus__envelope__free_unpacked(e, NULL);
}

static void handle_answer(struct service *service, const struct record *record)
{
    Casebus__Envelope *e = casebus__envelope__unpack(NULL, record->envelope_size, record->envelope);
    assert_non_null(e);
    assert_true(record->body_size <= sizeof service->body);
    service->answers++;
    service->last = *record;
    memcpy(service->body, record->body, record->body_size);
    snprintf(service->lane, sizeof service->lane, "%s", e->lane);
    snprintf(service->entry, sizeof service->entry, "%s", e->entry);
    casebus__envelope__free_unpacked(e, NULL);
}

/* Serves for one turn: answers commands OK, acknowledges events (or refuses them for good), takes answers. */
static void serve(struct service *service, enum verb about_events)
{
    struct record record;
    enum link_event event;
    zmq_pollitem_t item = link_poll_item(service->link);
    zmq_poll(&item, 1, 10);
    int64_t now_ms = clock_monotonic_ms();
    while ((event = link_next(service->link, now_ms, &record)) != LINK_NOTHING) {
        if (event != LINK_RECORD) {
            continue;
        }
        struct record answer = {.verb = VERB_REP, .status = STATUS_OK, .tag = record.tag, .epoch = record.epoch};
        if (record.verb == VERB_EVT) {
            answer = (struct record){.verb = (uint8_t)about_events, .tag = record.tag, .epoch = record.epoch};
            if (about_events == VERB_ACK) {
                handle_event(service, &record);
            }
        } else if (record.verb == VERB_ANSWER) {
            handle_answer(service, &record);
        }
        assert_true(link_send(service->link, now_ms, &answer));
    }
    link_flush(service->link);
}

#define UNTIL(condition, doing)                                                                                        \
    for (int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS; !(condition);) {                                       \
        assert_true(clock_monotonic_ms() < until_ms);                                                                  \
        doing;                                                                                                         \
    }

static Broker__Status *read_status(struct client *client)
{
    struct client_result result;
    struct client_call call = {.subject = "broker.ReadStatus", .timeout_ms = PATIENCE_MS};
    assert_int_equal(client_query(client, &call, &result), FAULT_NONE);
    Broker__Status *status = broker__status__unpack(NULL, result.reply.size, result.reply.bytes);
    assert_non_null(status);
    client_result_done(&result);
    return status;
}

/* --- the tests --- */

static void send_garbage(const char *endpoint)
{
    uint8_t noise[300];
    void *dealer = zmq_socket(bus_context(), ZMQ_DEALER);
    int linger = 1000;
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(dealer, ZMQ_ROUTING_ID, "chosen", 6);
    assert_int_equal(zmq_connect(dealer, endpoint), 0);
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)(i * 37);
        assert_true(zmq_send(dealer, noise, i, 0) >= 0);
        assert_true(zmq_send(dealer, noise, i, ZMQ_SNDMORE) >= 0);
        assert_true(zmq_send(dealer, noise, i, 0) >= 0);
    }
    zmq_close(dealer);
    dealer = zmq_socket(bus_context(), ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_connect(dealer, endpoint), 0);
    for (size_t i = 0; i < sizeof noise; i++) {
        assert_true(zmq_send(dealer, noise, i, 0) >= 0);
    }
    zmq_close(dealer);
}

static void garbage_is_dropped_and_counted_and_commands_go_on(void **state)
{
    struct scene *scene = *state;
    struct service service;
    struct client *client = a_client(scene);
    assert_int_equal(ask_once(client, "claims.DoThis", false, PATIENCE_MS), FAULT_UNAVAILABLE);
    send_garbage(scene->broker_at);
    uint64_t dropped = 0;
    UNTIL(dropped >= 900, Broker__Status *status = read_status(client); dropped = status->frames_dropped;
          broker__status__free_unpacked(status, NULL));
    a_service(scene, &service);
    UNTIL(link_may_ask(link_core_of(service.link)), serve(&service, VERB_ACK));
    struct client_call call = {.subject = "claims.DoThis", .timeout_ms = PATIENCE_MS};
    struct why why;
    struct client_result result;
    assert_int_equal(client_submit(client, &call, false, &why), FAULT_NONE);
    UNTIL(client_poll(client, 0, &result), serve(&service, VERB_ACK));
    assert_int_equal(result.fault, FAULT_NONE);
    client_result_done(&result);
    link_free(&service.link);
    client_free(&client);
}

static void a_broker_killed_while_it_delivers_loses_nothing_and_keeps_the_order(void **state)
{
    enum { PER_ROOT = 40 };
    struct scene *scene = *state;
    struct service service;
    for (int i = 0; i < ROOTS * PER_ROOT; i++) {
        char root[8];
        snprintf(root, sizeof root, "r%d", i % ROOTS);
        broker_store_event(scene->store, root, "intake.CaseEnrolled");
    }
    a_service(scene, &service);
    for (unsigned kill_at = 50; kill_at <= 150; kill_at += 50) {
        UNTIL(service.events >= kill_at, serve(&service, VERB_ACK));
        end(&scene->broker, SIGKILL, false);
        scene->broker = spawn(scene, "broker");
    }
    UNTIL(service.events == ROOTS * PER_ROOT, serve(&service, VERB_ACK));
    for (int i = 0; i < ROOTS; i++) {
        assert_int_equal(service.seen[i], PER_ROOT);
    }
    link_free(&service.link);
}

static void without_redis_commands_are_unavailable_at_once_and_go_on_when_it_is_back(void **state)
{
    struct scene *scene = *state;
    struct service service;
    struct client *client = a_client(scene);
    a_service(scene, &service);
    broker_store_event(scene->store, "r0", "intake.CaseEnrolled");
    UNTIL(service.events == 1, serve(&service, VERB_ACK));
    broker_store_kill(scene->store);
    bool ready = true;
    Broker__Status *status;
    UNTIL(!ready, status = read_status(client); ready = status->store_ready;
          broker__status__free_unpacked(status, NULL); serve(&service, VERB_ACK));
    assert_int_equal(ask_once(client, "claims.DoThis", false, PATIENCE_MS), FAULT_UNAVAILABLE);
    broker_store_restart(scene->store);
    broker_store_event(scene->store, "r0", "intake.CaseEnrolled");
    UNTIL(service.events == 2, serve(&service, VERB_ACK));
    link_free(&service.link);
    client_free(&client);
}

static size_t dead_letters(struct client *client, struct service *service, char id[128])
{
    struct client_result result;
    struct client_call call = {.subject = "broker.ListDead", .timeout_ms = PATIENCE_MS};
    struct why why;
    assert_int_equal(client_submit(client, &call, true, &why), FAULT_NONE);
    UNTIL(client_poll(client, 0, &result), serve(service, VERB_TERM));
    assert_int_equal(result.fault, FAULT_NONE);
    Broker__DeadLetters *letters = broker__dead_letters__unpack(NULL, result.reply.size, result.reply.bytes);
    assert_non_null(letters);
    size_t count = letters->n_letters;
    if (count) {
        snprintf(id, 128, "%s", letters->letters[0]->id);
        assert_string_equal(letters->letters[0]->root, "00a-r3");
    }
    broker__dead_letters__free_unpacked(letters, NULL);
    client_result_done(&result);
    return count;
}

static void an_operator_sees_a_dead_letter_and_lets_its_root_go_on(void **state)
{
    struct scene *scene = *state;
    struct service service;
    char id[128] = "";
    uint8_t body[256];
    struct client *client = a_client(scene);
    for (int i = 0; i < 3; i++) {
        broker_store_event(scene->store, "r3", "intake.CaseEnrolled");
    }
    a_service(scene, &service);
    UNTIL(dead_letters(client, &service, id) == 1, serve(&service, VERB_TERM));
    Broker__RetryDead retry = BROKER__RETRY_DEAD__INIT;
    retry.id = id;
    struct client_call call = {.subject = "broker.RetryDead", .timeout_ms = PATIENCE_MS};
    call.body = (struct body){body, broker__retry_dead__pack(&retry, body)};
    struct client_result result;
    assert_int_equal(client_query(client, &call, &result), FAULT_NONE);
    client_result_done(&result);
    UNTIL(service.events == 3, serve(&service, VERB_ACK));
    assert_int_equal(service.seen[3], 3);
    link_free(&service.link);
    client_free(&client);
}

static void dead_letters_are_not_for_who_only_says_to_be_an_operator(void **state)
{
    struct scene *scene = *state;
    struct client *client = client_of(scene, NULL);
    assert_int_equal(ask_once(client, "broker.ReadStatus", true, PATIENCE_MS), FAULT_NONE);
    static const char *const SUBJECTS[] = {"broker.ListDead", "broker.RetryDead", "broker.SkipDead"};
    for (size_t i = 0; i < ARRAY_LENGTH(SUBJECTS); i++) {
        assert_int_equal(ask_once(client, SUBJECTS[i], true, PATIENCE_MS), FAULT_FORBIDDEN);
    }
    client_free(&client);
}

static size_t a_question(uint8_t out[static 256])
{
    Payer__EligibilityQuestion question = PAYER__ELIGIBILITY_QUESTION__INIT;
    Payer__Member member = PAYER__MEMBER__INIT;
    member.member_id = "M1";
    question.payer_id = "acme";
    question.member = &member;
    question.service_date = "2026-11-22";
    return payer__eligibility_question__pack(&question, out);
}

static void an_insurers_answer_crosses_the_edge_and_no_other_insurer_can_give_it(void **state)
{
    struct scene *scene = *state;
    struct service service;
    uint8_t body[1024], clear[1024];
    const char *endpoint = scene->edge_at, *acme = "acme", *other = "other";
    struct why why;
    broker_store_lane_key(scene->store, "acme", scene->folder);
    broker_store_lane_key(scene->store, "other", scene->folder);
    broker_store_task(scene->store, "payer/demo/acme", "payer.EligibilityQuestion", body, a_question(body));
    scene->edge = spawn(scene, "edge");
    a_service(scene, &service);

    struct payer_options options = {
        .endpoints = &endpoint, .endpoint_count = 1, .tenant = "demo", .payer_ids = &acme, .payer_id_count = 1};
    struct payer_link *payer, *thief;
    struct payer_task task;
    struct payer_outcome outcome;
    assert_int_equal(payer_link_new(&options, &why, &payer), FAULT_NONE);
    options.payer_ids = &other;
    assert_int_equal(payer_link_new(&options, &why, &thief), FAULT_NONE);
    UNTIL(payer_next(payer, 10, &task, &outcome) == PAYER_TASK, serve(&service, VERB_ACK));
    assert_string_equal(task.subject, "payer.EligibilityQuestion");
    Payer__EligibilityQuestion *question = payer__eligibility_question__unpack(NULL, task.body.size, task.body.bytes);
    assert_non_null(question);
    assert_string_equal(question->member->member_id, "M1");
    payer__eligibility_question__free_unpacked(question, NULL);

    char token[PAYER_TOKEN_SIZE];
    snprintf(token, sizeof token, "%s", task.token);
    Payer__EligibilityAnswer said = PAYER__ELIGIBILITY_ANSWER__INIT;
    said.has_status = true;
    said.status = PAYER__COVERAGE_STATUS__COVERAGE_STATUS_ACTIVE;
    struct body answer = {body, payer__eligibility_answer__pack(&said, body)};
    /* The other insurer is heard meanwhile, or a slow machine would let its link die of silence. */
    UNTIL(payer_answer(thief, token, "payer.EligibilityAnswer", answer, &why) == FAULT_NONE, serve(&service, VERB_ACK);
          payer_next(thief, 10, &task, &outcome); payer_next(payer, 0, &task, &outcome));
    UNTIL(payer_next(thief, 10, &task, &outcome) == PAYER_SETTLED, serve(&service, VERB_ACK);
          payer_next(payer, 0, &task, &outcome));
    assert_int_equal(outcome.fault, FAULT_FORBIDDEN);
    assert_int_equal(service.answers, 0);

    assert_int_equal(payer_answer(payer, token, "payer.EligibilityAnswer", answer, &why), FAULT_NONE);
    UNTIL(payer_next(payer, 10, &task, &outcome) == PAYER_SETTLED, serve(&service, VERB_ACK));
    assert_int_equal(outcome.fault, FAULT_NONE);
    assert_int_equal(service.answers, 1);
    assert_string_equal(service.lane, "payer/demo/acme");
    assert_null(strchr(service.entry, '.'));
    size_t size = broker_store_open(
        scene->store, service.lane, "payer.EligibilityAnswer", service.body, service.last.body_size, clear);
    assert_int_equal(size, answer.size);
    assert_memory_equal(clear, answer.bytes, size);
    payer_link_free(&thief);
    payer_link_free(&payer);
    link_free(&service.link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(garbage_is_dropped_and_counted_and_commands_go_on, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(
            a_broker_killed_while_it_delivers_loses_nothing_and_keeps_the_order, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(
            without_redis_commands_are_unavailable_at_once_and_go_on_when_it_is_back, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(
            an_operator_sees_a_dead_letter_and_lets_its_root_go_on, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(
            dead_letters_are_not_for_who_only_says_to_be_an_operator, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(
            an_insurers_answer_crosses_the_edge_and_no_other_insurer_can_give_it, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
