/* The client against a broker that behaves well, badly, slowly, or not at all. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/bus/client.h"
#include "common/bus/link.h"
#include "common/contract/guard.h"
#include "common/core/must.h"
#include "tests/bus/peer.h"

#define SEEN_MAX 2048
#define BUNDLE   100 /* more than are signed at once */

/* What the broker of a test has seen, and what it is to do. */
struct scene {
    struct peer peer;
    struct client *client;
    unsigned commands; /* CMD and QRY received */
    unsigned cancels;
    char ids[SEEN_MAX][ID_SIZE]; /* of them, in order */
    uint16_t flags[SEEN_MAX];
    uint32_t ttl_ms[SEEN_MAX];
    uint64_t tags[SEEN_MAX];
    unsigned held;     /* rules that answer in batches */
    enum status first; /* status of all answers but the last, for rules that relent */
    unsigned refusals; /* how many of those */
    struct actor_trust trust;
    enum actor_verdict verdict; /* of the last one */
    unsigned forged;
};

static void note_command(struct scene *scene, const struct record *record)
{
    struct arena arena;
    ProtobufCMessage *message = NULL;
    arena_init(&arena, 0);
    MUST(scene->commands < SEEN_MAX);
    MUST(contract_unpack(&casebus__envelope__descriptor, record->envelope, record->envelope_size, &CROSSING_EVENT,
             &arena, NULL, &message) == FAULT_NONE);
    const Casebus__Envelope *envelope = (const Casebus__Envelope *)message;
    unsigned n = scene->commands++;
    snprintf(scene->ids[n], ID_SIZE, "%s", envelope->id);
    scene->flags[n] = record->flags;
    scene->ttl_ms[n] = record->ttl_ms;
    scene->tags[n] = record->tag;
    scene->verdict = actor_verify(&scene->trust, NULL, envelope, envelope->issued_at_ms);
    scene->forged += scene->verdict == ACTOR_FORGED;
    arena_done(&arena);
}

/* Answers with what was asked. */
static void answer_all(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    if (record->verb != VERB_CMD && record->verb != VERB_QRY) {
        scene->cancels += record->verb == VERB_CANCEL;
        return;
    }
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    char body[64] = {0};
    note_command(scene, record);
    outcome.has_version = true;
    outcome.version = 3;
    snprintf(body, sizeof(body), "re: %.*s", (int)(record->body_size < 50 ? record->body_size : 50),
        (const char *)record->body);
    peer_answer(peer, record, STATUS_OK, &outcome, body);
}

static void answer_nothing(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    (void)peer;
    if (record->verb == VERB_CANCEL) {
        scene->cancels++;
    } else {
        note_command(scene, record);
    }
}

/* Answers `first` so many times, then as asked. */
static void relent(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    if (record->verb == VERB_CMD && scene->commands < scene->refusals) {
        Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
        outcome.fault = status_word(scene->first);
        outcome.why = "not yet";
        note_command(scene, record);
        peer_answer(peer, record, scene->first, &outcome, NULL);
    } else {
        answer_all(peer, record, context);
    }
}

static struct client *open_client(struct scene *scene, struct client_options options)
{
    const char *endpoint = scene->peer.endpoint;
    struct client *client = NULL;
    struct why why = {0};
    options.endpoints = &endpoint;
    options.endpoint_count = 1;
    options.tenant = "demo";
    assert_int_equal(client_new(&options, &why, &client), FAULT_NONE);
    return client;
}

static struct scene *open_scene(peer_rule *rule)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    struct why why = {0};
    MUST(scene != NULL);
    peer_start(&scene->peer, rule, scene);
    scene->client = open_client(scene, (struct client_options){0});
    assert_int_equal(client_wait(scene->client, 20000, &why), FAULT_NONE);
    return scene;
}

static void close_scene(struct scene *scene)
{
    client_free(&scene->client);
    peer_stop(&scene->peer);
    free(scene);
}

/* The peer has heard all and is stopped, so what it has noted may be read. The client must be linked. */
static void end_of_talk(struct scene *scene)
{
    unsigned byes = scene->peer.byes;
    client_free(&scene->client);
    while (scene->peer.byes == byes) {
        sched_yield();
    }
    peer_stop(&scene->peer);
}

static struct body words(const char *text)
{
    return (struct body){(const uint8_t *)text, strlen(text)};
}

static struct client_call a_call(uint32_t timeout_ms)
{
    return (struct client_call){
        .subject = "intake.AcceptReferral", .body = words("please"), .root = "0a7-case", .timeout_ms = timeout_ms};
}

static void a_call_brings_its_reply(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_all);
    struct client_call call = a_call(10000);
    struct client_result result;
    call.context = &call;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_NONE);
    assert_int_equal(result.reply.size, strlen("re: please"));
    assert_memory_equal(result.reply.bytes, "re: please", result.reply.size);
    assert_int_equal(result.outcome->version, 3);
    assert_int_equal(result.sent, 1);
    assert_ptr_equal(result.context, &call);
    assert_true(id_is_valid(result.id));
    end_of_talk(scene);
    assert_string_equal(scene->ids[0], result.id);
    assert_int_equal(scene->flags[0] & RECORD_REPEAT, 0);
    assert_true(scene->ttl_ms[0] > 9000 && scene->ttl_ms[0] <= 10000);
    client_result_done(&result);
    free(scene);
}

static void the_caller_may_choose_the_command_id(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_all);
    struct client_call call = a_call(10000);
    struct client_result result;
    call.id = "my-own-id";
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_NONE);
    assert_string_equal(result.id, "my-own-id");
    client_result_done(&result);
    end_of_talk(scene);
    assert_string_equal(scene->ids[0], "my-own-id");
    free(scene);
}

static void refuse(struct peer *peer, const struct record *record, void *context)
{
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.fault = "CONFLICT";
    outcome.why = "the same id was used for another command";
    note_command(context, record);
    peer_answer(peer, record, STATUS_REFUSED, &outcome, NULL);
}

static void a_refusal_is_final_and_tells_why(void **state)
{
    (void)state;
    struct scene *scene = open_scene(refuse);
    struct client_call call = a_call(10000);
    struct client_result result;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_CONFLICT);
    assert_string_equal(result.why.text, "the same id was used for another command");
    assert_int_equal(result.sent, 1);
    client_result_done(&result);
    close_scene(scene);
}

static void what_may_come_out_otherwise_is_sent_again_under_the_same_id(void **state)
{
    (void)state;
    static const enum status ROWS[] = {STATUS_OVERLOADED, STATUS_UNAVAILABLE, STATUS_EXPIRED, STATUS_UNKNOWN};
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct scene *scene = open_scene(relent);
        struct client_call call = a_call(10000);
        struct client_result result;
        scene->first = ROWS[i]; /* no command is on its way yet */
        scene->refusals = 3;
        assert_int_equal(client_call(scene->client, &call, &result), FAULT_NONE);
        assert_int_equal(result.sent, 4);
        client_result_done(&result);
        end_of_talk(scene);
        assert_int_equal(scene->commands, 4);
        for (unsigned n = 1; n < 4; n++) {
            assert_string_equal(scene->ids[n], scene->ids[0]);
            assert_int_equal(scene->flags[n] & RECORD_REPEAT, RECORD_REPEAT);
            assert_true(scene->ttl_ms[n] <= scene->ttl_ms[n - 1]);
            assert_int_not_equal(scene->tags[n], scene->tags[n - 1]);
        }
        free(scene);
    }
}

static void a_call_sent_once_is_sent_once(void **state)
{
    (void)state;
    struct scene *scene = open_scene(relent);
    struct client_call call = a_call(10000);
    struct client_result result;
    scene->first = STATUS_UNAVAILABLE;
    scene->refusals = 1;
    call.once = true;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_UNAVAILABLE);
    assert_string_equal(result.why.text, "not yet");
    client_result_done(&result);
    close_scene(scene);
}

/* A person at a terminal would rather know at once; what may pass by itself is still waited for. */
static void a_prompt_call_ends_when_nobody_is_there_and_rests_when_there_is_no_room(void **state)
{
    (void)state;
    static const struct {
        enum status first;
        enum fault fault;
        unsigned sent;
    } ROWS[] = {
        {STATUS_UNAVAILABLE, FAULT_UNAVAILABLE, 1},
        {STATUS_OVERLOADED, FAULT_NONE, 2},
        {STATUS_UNKNOWN, FAULT_NONE, 2},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct scene *scene = open_scene(relent);
        struct client_call call = a_call(5000);
        struct client_result result;
        scene->first = ROWS[i].first;
        scene->refusals = 1;
        call.prompt = true;
        assert_int_equal(client_call(scene->client, &call, &result), ROWS[i].fault);
        assert_int_equal(result.sent, ROWS[i].sent);
        client_result_done(&result);
        close_scene(scene);
    }
}

/* Only the first attempt ends unknown; from then on every answer promises that this attempt had no effect. */
static void unknown_then_away(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    if (record->verb == VERB_CMD) {
        enum status status = scene->commands == 0 ? STATUS_UNKNOWN : STATUS_UNAVAILABLE;
        note_command(scene, record);
        peer_answer(peer, record, status, NULL, NULL);
    }
}

static void once_unknown_a_command_stays_unknown_until_a_final_answer(void **state)
{
    (void)state;
    struct scene *scene = open_scene(unknown_then_away);
    struct client_call call = a_call(400);
    struct client_result result;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_UNKNOWN);
    assert_true(result.sent >= 2);
    client_result_done(&result);
    close_scene(scene);
}

static void without_a_broker_a_call_ends_unavailable_in_its_time(void **state)
{
    (void)state;
    const char *endpoint = "ipc:///tmp/casebus-nobody-listens-here";
    struct client_options options = {.endpoints = &endpoint, .endpoint_count = 1, .tenant = "demo"};
    struct client *client;
    struct client_result result;
    struct client_call call = a_call(60);
    struct why why = {0};
    assert_int_equal(client_new(&options, &why, &client), FAULT_NONE);
    assert_int_equal(client_call(client, &call, &result), FAULT_UNAVAILABLE);
    assert_int_equal(result.sent, 0);
    assert_true(result.took_us > 59000); /* The deadline is in whole milliseconds. */
    client_result_done(&result);
    assert_int_equal(client_wait(client, 20, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, endpoint));
    client_free(&client);
}

static void without_an_answer_a_command_is_unknown_and_a_question_is_not(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_nothing);
    struct client_call call = a_call(80);
    struct client_result result;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_UNKNOWN);
    assert_int_equal(result.sent, 1);
    client_result_done(&result);
    assert_int_equal(client_query(scene->client, &call, &result), FAULT_EXPIRED);
    client_result_done(&result);
    end_of_talk(scene);
    assert_int_equal(scene->commands, 2);
    free(scene);
}

static void nobody_is_left_working_for_a_call_that_is_over(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_nothing);
    struct client_call call = a_call(80);
    struct client_result result;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_UNKNOWN);
    client_result_done(&result);
    end_of_talk(scene);
    assert_int_equal(scene->cancels, 1);
    free(scene);
}

static void reset_the_first(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    if (record->verb == VERB_CMD && scene->commands == 0) {
        note_command(scene, record);
        peer_reset(peer, STATUS_NONE, NULL);
    } else {
        answer_all(peer, record, context);
    }
}

static void a_call_survives_the_reset_of_its_link(void **state)
{
    (void)state;
    struct scene *scene = open_scene(reset_the_first);
    struct client_call call = a_call(20000);
    struct client_result result;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_NONE);
    assert_int_equal(result.sent, 2);
    client_result_done(&result);
    end_of_talk(scene);
    assert_string_equal(scene->ids[0], scene->ids[1]);
    assert_true(scene->peer.hellos >= 2);
    free(scene);
}

static void die_at_the_first(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    if (record->verb == VERB_CMD && scene->commands == 0) {
        note_command(scene, record);
        peer_die_and_return(peer);
    } else {
        answer_all(peer, record, context);
    }
}

static void a_call_survives_the_death_of_its_broker(void **state)
{
    (void)state;
    struct scene *scene = open_scene(die_at_the_first);
    struct client_call call = a_call(30000);
    struct client_result result;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_NONE);
    assert_int_equal(result.sent, 2);
    client_result_done(&result);
    end_of_talk(scene);
    assert_string_equal(scene->ids[0], scene->ids[1]);
    free(scene);
}

/* At the second attempt answers the first one, wrongly, and then the second. */
static void answer_too_late(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    if (record->verb == VERB_CMD && scene->commands == 1) {
        struct record old = *record;
        old.tag = scene->tags[0];
        peer_answer(peer, &old, STATUS_REFUSED, NULL, NULL);
        old.tag = UINT64_MAX;
        peer_answer(peer, &old, STATUS_REFUSED, NULL, NULL);
    }
    reset_the_first(peer, record, context);
}

static void an_answer_to_an_earlier_attempt_is_not_taken_for_the_later(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_too_late);
    struct client_call call = a_call(20000);
    struct client_result result;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_NONE);
    assert_int_equal(result.sent, 2);
    client_result_done(&result);
    close_scene(scene);
}

static const uint8_t NOT_A_MESSAGE[] = {0xff, 0xff, 0xff};

static void answer_with_garbage(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    if (scene->commands == 0) {
        struct record reply = {
            .verb = VERB_REP, .status = STATUS_OK, .tag = record->tag, .envelope = NOT_A_MESSAGE, .envelope_size = 3};
        struct record refusal = {.verb = VERB_REP, .status = STATUS_REFUSED, .tag = record->tag};
        uint8_t two_parts[RECORD_HEAD]; /* each a good frame, but a message has one */
        record_write(&refusal, two_parts);
        note_command(scene, record);
        peer_say_raw(peer, "no frame", 8, false);
        peer_say_raw(peer, two_parts, sizeof(two_parts), true);
        peer_say(peer, &reply);
    } else {
        answer_all(peer, record, context);
    }
}

static void garbage_is_no_answer(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_with_garbage);
    struct client_call call = a_call(20000);
    struct client_result result;
    assert_int_equal(client_call(scene->client, &call, &result), FAULT_NONE);
    assert_int_equal(result.sent, 2);
    client_result_done(&result);
    close_scene(scene);
}

#define WINDOW 10

/* Answers ten at a time, the last first. An eleventh in between would break the credit that was given. */
static void answer_backwards(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    note_command(scene, record);
    MUST(++scene->held <= WINDOW);
    if (scene->held == WINDOW) {
        for (; scene->held > 0; scene->held--) {
            struct record asked = *record;
            asked.tag = scene->tags[scene->commands - WINDOW + scene->held - 1];
            Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
            peer_answer(peer, &asked, STATUS_OK, &outcome, scene->ids[scene->commands - WINDOW + scene->held - 1]);
        }
    }
}

static void many_calls_share_the_link_within_its_credit(void **state)
{
    (void)state;
    struct scene *scene = calloc(1, sizeof(*scene));
    struct client_result result;
    struct why why = {0};
    unsigned done = 0;
    scene->peer.window = WINDOW;
    peer_start(&scene->peer, answer_backwards, scene);
    scene->client = open_client(scene, (struct client_options){.flight_max = 100});
    for (unsigned submitted = 0; done < 1000;) {
        struct client_call call = a_call(60000);
        if (submitted < 1000 && client_submit(scene->client, &call, false, &why) == FAULT_NONE) {
            submitted++;
            continue;
        }
        assert_true(client_poll(scene->client, 60000, &result));
        assert_int_equal(result.fault, FAULT_NONE);
        assert_int_equal(result.sent, 1);
        assert_int_equal(result.reply.size, strlen(result.id));
        assert_memory_equal(result.reply.bytes, result.id, result.reply.size); /* its own, not its neighbour's */
        client_result_done(&result);
        done++;
    }
    assert_int_equal(client_in_flight(scene->client), 0);
    assert_false(client_poll(scene->client, 0, &result));
    end_of_talk(scene);
    assert_int_equal(scene->commands, 1000);
    assert_true(scene->peer.frames < 500); /* several records in one frame */
    free(scene);
}

static void no_more_calls_are_begun_than_were_allowed(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_all);
    struct client *client = open_client(scene, (struct client_options){.flight_max = 2});
    struct client_call call = a_call(10000);
    struct client_result result;
    struct why why = {0};
    assert_int_equal(client_submit(client, &call, false, &why), FAULT_NONE);
    assert_int_equal(client_submit(client, &call, false, &why), FAULT_NONE);
    assert_int_equal(client_submit(client, &call, false, &why), FAULT_OVERLOADED);
    assert_true(client_poll(client, 10000, &result));
    client_result_done(&result);
    assert_int_equal(client_call(client, &call, &result), FAULT_NONE);
    client_result_done(&result);
    client_free(&client);
    close_scene(scene);
}

static void always_away(struct peer *peer, const struct record *record, void *context)
{
    if (record->verb == VERB_CMD) {
        note_command(context, record);
        peer_answer(peer, record, STATUS_UNAVAILABLE, NULL, NULL);
    }
}

static void what_one_broker_cannot_do_is_tried_at_another(void **state)
{
    (void)state;
    struct scene *away = open_scene(always_away), *there = open_scene(answer_all);
    const char *endpoints[] = {away->peer.endpoint, there->peer.endpoint};
    struct client_options options = {.endpoints = endpoints, .endpoint_count = 2, .tenant = "demo"};
    struct client *client;
    struct why why = {0};
    assert_int_equal(client_new(&options, &why, &client), FAULT_NONE);
    for (int i = 0; i < 4; i++) {
        struct client_call call = a_call(20000);
        struct client_result result;
        assert_int_equal(client_call(client, &call, &result), FAULT_NONE);
        client_result_done(&result);
    }
    client_free(&client);
    close_scene(away);
    close_scene(there);
}

static void what_cannot_be_sent_is_refused_before_it_leaves(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_all);
    static uint8_t large[CLIENT_BODY_MAX + 1];
    const struct client_call rows[] = {
        {.subject = NULL},
        {.subject = ""},
        {.subject = "intake.AcceptReferral", .id = "not an id"},
        {.subject = "intake.AcceptReferral", .root = "a:b"},
        {.subject = "intake.AcceptReferral", .tenant = "../x"},
        {.subject = "intake.AcceptReferral", .body = {large, sizeof(large)}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct client_result result;
        assert_int_equal(client_call(scene->client, &rows[i], &result), FAULT_INVALID);
        assert_true(result.why.text[0] != '\0');
        client_result_done(&result);
    }
    end_of_talk(scene);
    assert_int_equal(scene->commands, 0);
    free(scene);
}

static void an_endpoint_that_is_none_is_refused(void **state)
{
    (void)state;
    const char *endpoints[] = {"ipc:///tmp/casebus-fine", "nonsense"};
    struct client_options options = {.endpoints = endpoints, .endpoint_count = 2, .tenant = "demo"};
    struct client *client = NULL;
    struct why why = {0};
    assert_int_equal(client_new(&options, &why, &client), FAULT_INVALID);
    assert_non_null(strstr(why.text, "nonsense"));
    options.endpoint_count = 0;
    assert_int_equal(client_new(&options, &why, &client), FAULT_INVALID);
    assert_null(client);
}

/* A seal that anyone can see through, but that names what it belongs to. */
static enum fault seal_visibly(void *context, const struct body_about *about, struct body in, struct arena *arena,
    struct why *why, struct body *out)
{
    (void)context, (void)why;
    const char *text = arena_printf(arena, "%s|%s|%s|%s|%.*s", about->tenant, about->kind, about->id, about->subject,
        (int)in.size, (const char *)in.bytes);
    *out = words(text);
    return FAULT_NONE;
}

static enum fault open_visibly(void *context, const struct body_about *about, struct body in, struct arena *arena,
    struct why *why, struct body *out)
{
    (void)context;
    const char *head = arena_printf(arena, "%s|%s|%s|%s|", about->tenant, about->kind, about->id, about->subject);
    size_t size = strlen(head);
    if (in.size < size || memcmp(in.bytes, head, size) != 0) {
        why_set(why, "the seal is broken");
        return FAULT_INTERNAL;
    }
    *out = (struct body){in.bytes + size, in.size - size};
    return FAULT_NONE;
}

static const struct body_seal VISIBLE = {.seal = seal_visibly, .open = open_visibly};

/* Says what it was asked, sealed as a reply to command `seen`. A question in clear is answered in clear. */
static void answer_sealed(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    char body[512];
    note_command(scene, record);
    snprintf(body, sizeof(body), "demo|reply|%s|intake.AcceptReferral|%.*s", scene->ids[scene->commands - 1],
        (int)record->body_size, (const char *)record->body);
    struct record reply = {.verb = VERB_REP, .status = STATUS_OK, .tag = record->tag, .body = (const uint8_t *)body};
    reply.body_size = (uint32_t)strlen(body);
    reply.flags = record->flags & RECORD_SEALED;
    peer_say(peer, &reply);
}

static void bodies_are_sealed_about_the_call_they_belong_to(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_sealed);
    struct client *client = open_client(scene, (struct client_options){.seal = VISIBLE});
    struct client_call call = a_call(10000);
    struct client_result result;
    call.id = "cmd-1";
    assert_int_equal(client_call(client, &call, &result), FAULT_NONE);
    const char *want = "demo|command|cmd-1|intake.AcceptReferral|please";
    assert_int_equal(result.reply.size, strlen(want));
    assert_memory_equal(result.reply.bytes, want, strlen(want));
    client_result_done(&result);
    client_free(&client);
    close_scene(scene);
}

/* Refuses with a sentence sealed about command cmd-1. */
static void refuse_sealed(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    uint8_t packed[512];
    static const char SEALED[] = "demo|refusal|cmd-1|intake.AcceptReferral|consent is missing";
    note_command(scene, record);
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.fault = "REFUSED";
    outcome.has_sealed_why = true;
    outcome.sealed_why = (ProtobufCBinaryData){sizeof(SEALED) - 1, (uint8_t *)SEALED};
    struct record reply = {.verb = VERB_REP, .status = STATUS_REFUSED, .tag = record->tag, .envelope = packed};
    reply.envelope_size = (uint32_t)casebus__outcome__pack(&outcome, packed);
    peer_say(peer, &reply);
}

static void the_reason_of_a_refusal_is_opened_for_its_own_command_alone(void **state)
{
    (void)state;
    static const struct {
        const char *id, *why;
    } ROWS[] = {{"cmd-1", "consent is missing"}, {"cmd-2", "a rule of the trade says no"}};
    struct scene *scene = open_scene(refuse_sealed);
    struct client *client = open_client(scene, (struct client_options){.seal = VISIBLE});
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct client_call call = a_call(10000);
        struct client_result result;
        call.id = ROWS[i].id;
        assert_int_equal(client_call(client, &call, &result), FAULT_REFUSED);
        assert_string_equal(result.why.text, ROWS[i].why);
        client_result_done(&result);
    }
    client_free(&client);
    close_scene(scene);
}

/* The reply to the command before this one. */
static void answer_of_another(struct peer *peer, const struct record *record, void *context)
{
    struct scene *scene = context;
    static const char REPLY[] = "demo|reply|cmd-0|intake.AcceptReferral|stolen";
    note_command(scene, record);
    peer_say(peer, &(struct record){.verb = VERB_REP,
                       .status = STATUS_OK,
                       .flags = RECORD_SEALED,
                       .tag = record->tag,
                       .body = (const uint8_t *)REPLY,
                       .body_size = sizeof(REPLY) - 1});
}

static void a_reply_that_does_not_open_is_none(void **state)
{
    (void)state;
    static peer_rule *const ROWS[] = {answer_of_another, answer_all /* in clear, as a broker could forge it */};
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct scene *scene = open_scene(ROWS[i]);
        struct client *client = open_client(scene, (struct client_options){.seal = VISIBLE});
        struct client_call call = a_call(10000);
        struct client_result result;
        assert_int_equal(client_call(client, &call, &result), FAULT_INTERNAL);
        assert_non_null(strstr(result.why.text, "seal"));
        assert_int_equal(result.reply.size, 0);
        client_result_done(&result);
        client_free(&client);
        close_scene(scene);
    }
}

static void questions_to_brokers_travel_in_clear(void **state)
{
    (void)state;
    struct scene *scene = open_scene(answer_all);
    struct client *client = open_client(scene, (struct client_options){.seal = VISIBLE});
    struct client_call call = {.subject = "broker.ReadStatus", .body = words("how are you")};
    struct client_result result;
    assert_int_equal(client_query(client, &call, &result), FAULT_NONE);
    assert_memory_equal(result.reply.bytes, "re: how are you", result.reply.size);
    client_result_done(&result);
    client_free(&client);
    close_scene(scene);
}

static void the_actor_of_a_call_is_signed(void **state)
{
    (void)state;
    char folder[] = "/tmp/casebus-client-XXXXXX", secret[64], public[64];
    struct actor_key key;
    struct why why = {0};
    assert_non_null(mkdtemp(folder));
    snprintf(secret, sizeof(secret), "%s/key", folder);
    snprintf(public, sizeof(public), "%s/pub", folder);
    assert_int_equal(actor_key_make(secret, public, &why), FAULT_NONE);
    assert_int_equal(actor_key_load(secret, &why, &key), FAULT_NONE);
    struct scene *scene = open_scene(answer_all);
    assert_int_equal(actor_trust_load(&scene->trust, public, &why), FAULT_NONE);
    struct client_actor nurse = {.id = "nurse-7", .role = CASEBUS__ROLE__ROLE_NURSE, .key = &key};
    struct client_actor nobody = {0};
    struct client *client = open_client(scene, (struct client_options){.actor = nurse});
    struct client_call call = a_call(10000);
    struct client_result result;
    scene->verdict = ACTOR_UNSIGNED;
    assert_int_equal(client_call(client, &call, &result), FAULT_NONE);
    client_result_done(&result);
    assert_int_equal(scene->verdict, ACTOR_GENUINE);
    for (unsigned i = 0; i < BUNDLE; i++) { /* signed together, since they leave together */
        assert_int_equal(client_submit(client, &call, false, &why), FAULT_NONE);
    }
    for (unsigned i = 0; i < BUNDLE; i++) {
        assert_true(client_poll(client, 10000, &result));
        assert_int_equal(result.fault, FAULT_NONE);
        client_result_done(&result);
    }
    call.actor = &nobody;
    assert_int_equal(client_call(client, &call, &result), FAULT_NONE);
    client_result_done(&result);
    client_free(&client);
    end_of_talk(scene);
    assert_int_equal(scene->forged, 0);
    assert_int_equal(scene->verdict, ACTOR_UNSIGNED);
    free(scene);
    unlink(secret);
    unlink(public);
    rmdir(folder);
}

static int end_context(void **state)
{
    (void)state;
    bus_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_brings_its_reply),
        cmocka_unit_test(the_caller_may_choose_the_command_id),
        cmocka_unit_test(a_refusal_is_final_and_tells_why),
        cmocka_unit_test(what_may_come_out_otherwise_is_sent_again_under_the_same_id),
        cmocka_unit_test(a_call_sent_once_is_sent_once),
        cmocka_unit_test(a_prompt_call_ends_when_nobody_is_there_and_rests_when_there_is_no_room),
        cmocka_unit_test(once_unknown_a_command_stays_unknown_until_a_final_answer),
        cmocka_unit_test(without_a_broker_a_call_ends_unavailable_in_its_time),
        cmocka_unit_test(without_an_answer_a_command_is_unknown_and_a_question_is_not),
        cmocka_unit_test(nobody_is_left_working_for_a_call_that_is_over),
        cmocka_unit_test(a_call_survives_the_reset_of_its_link),
        cmocka_unit_test(a_call_survives_the_death_of_its_broker),
        cmocka_unit_test(an_answer_to_an_earlier_attempt_is_not_taken_for_the_later),
        cmocka_unit_test(garbage_is_no_answer),
        cmocka_unit_test(many_calls_share_the_link_within_its_credit),
        cmocka_unit_test(no_more_calls_are_begun_than_were_allowed),
        cmocka_unit_test(what_one_broker_cannot_do_is_tried_at_another),
        cmocka_unit_test(what_cannot_be_sent_is_refused_before_it_leaves),
        cmocka_unit_test(an_endpoint_that_is_none_is_refused),
        cmocka_unit_test(bodies_are_sealed_about_the_call_they_belong_to),
        cmocka_unit_test(the_reason_of_a_refusal_is_opened_for_its_own_command_alone),
        cmocka_unit_test(a_reply_that_does_not_open_is_none),
        cmocka_unit_test(questions_to_brokers_travel_in_clear),
        cmocka_unit_test(the_actor_of_a_call_is_signed),
    };
    return cmocka_run_group_tests(tests, NULL, end_context);
}
