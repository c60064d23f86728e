/* An insurer that was written from proto/README.md and payer.proto alone: czmq, protobuf-c, and not a line of our bus. It plugs in for
 * one payer id of the running suite and answers whether a member is covered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <czmq.h>
#include <string.h>

#include "proto/envelope.pb-c.h"
#include "proto/payer.pb-c.h"
#include "tests/support/suite.h"

enum {
    HEAD = 48,
    HELLO = 0x01,
    WELCOME = 0x02,
    PING = 0x05,
    PONG = 0x06,
    REP = 0x11,
    TASK = 0x30,
    ANSWER = 0x31,
    STATUS_OK = 1
};

#define PLAN "Valley Mutual Plugged-In Gold"

static struct suite SUITE;

/* ---- Records, as the page draws them ---- */

struct part {
    const uint8_t *at;
    size_t size;
};

static uint32_t u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static void say(zsock_t *edge, uint8_t verb, uint64_t tag, struct part envelope, struct part body)
{
    zframe_t *frame = zframe_new(NULL, HEAD + envelope.size + body.size);
    uint8_t *at = zframe_data(frame);
    memset(at, 0, HEAD);
    at[0] = 'C';
    at[1] = 'B';
    at[2] = 1;
    at[3] = verb;
    memcpy(at + 16, &tag, sizeof tag);
    put_u32(at + 40, (uint32_t)envelope.size);
    put_u32(at + 44, (uint32_t)body.size);
    memcpy(at + HEAD, envelope.at ? envelope.at : at, envelope.size);
    memcpy(at + HEAD + envelope.size, body.at ? body.at : at, body.size);
    assert_int_equal(zframe_send(&frame, edge, 0), 0);
}

static void say_hello(zsock_t *edge)
{
    const char *lane = "payer/demo/valley-mutual";
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = hello.has_wire_major = hello.has_contract_major = hello.has_credit_messages = 1;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_PAYER;
    hello.instance = "valley-mutual-1";
    hello.wire_major = hello.contract_major = 1;
    hello.credit_messages = 8;
    hello.n_lanes = 1;
    hello.lanes = &lane;
    uint8_t bytes[256];
    assert_true(casebus__hello__get_packed_size(&hello) <= sizeof bytes);
    say(edge, HELLO, 1, (struct part){0}, (struct part){bytes, casebus__hello__pack(&hello, bytes)});
}

/* ---- The insurer ---- */

struct insurer {
    bool welcome;
    bool asked;
    bool settled;
    char member[64];
};

/* The task's envelope goes back as it came, with the subject of the answer. */
static void answer(zsock_t *edge, Casebus__Envelope *envelope, struct insurer *insurer, struct part body)
{
    Payer__EligibilityQuestion *question = payer__eligibility_question__unpack(NULL, body.size, body.at);
    assert_non_null(question);
    snprintf(insurer->member, sizeof insurer->member, "%s", question->member->member_id);
    payer__eligibility_question__free_unpacked(question, NULL);

    Payer__EligibilityAnswer said = PAYER__ELIGIBILITY_ANSWER__INIT;
    said.has_status = 1;
    said.status = PAYER__COVERAGE_STATUS__COVERAGE_STATUS_ACTIVE;
    said.plan_name = PLAN;
    uint8_t envelope_bytes[4096], body_bytes[256];
    const char *asked = envelope->subject;
    envelope->subject = "payer.EligibilityAnswer";
    assert_true(casebus__envelope__get_packed_size(envelope) <= sizeof envelope_bytes);
    say(edge, ANSWER, 77, (struct part){envelope_bytes, casebus__envelope__pack(envelope, envelope_bytes)},
        (struct part){body_bytes, payer__eligibility_answer__pack(&said, body_bytes)});
    envelope->subject = asked;
}

static void hear(zsock_t *edge, struct insurer *insurer, const uint8_t *head)
{
    struct part envelope = {head + HEAD + u32(head + 36), u32(head + 40)};
    struct part body = {envelope.at + envelope.size, u32(head + 44)};
    uint64_t tag;
    memcpy(&tag, head + 16, sizeof tag);
    if (head[3] == WELCOME) {
        insurer->welcome = true;
    } else if (head[3] == PING) {
        say(edge, PONG, tag, (struct part){0}, (struct part){0});
    } else if (head[3] == TASK) {
        Casebus__Envelope *asked = casebus__envelope__unpack(NULL, envelope.size, envelope.at);
        assert_non_null(asked);
        assert_string_equal(asked->subject, "payer.EligibilityQuestion");
        insurer->asked = true;
        answer(edge, asked, insurer, body);
        casebus__envelope__free_unpacked(asked, NULL);
    } else if (head[3] == REP && tag == 77) {
        assert_int_equal(head[8], STATUS_OK);
        insurer->settled = true;
    }
}

/* Serves until `done` holds, at most 20 s. */
static void serve(zsock_t *edge, struct insurer *insurer, const bool *done)
{
    int64_t until_ms = zclock_mono() + 20000;
    zsock_set_rcvtimeo(edge, 100);
    while (!*done) {
        assert_true(zclock_mono() < until_ms);
        zframe_t *frame = zframe_recv(edge);
        for (size_t at = 0; frame && at < zframe_size(frame);) {
            const uint8_t *head = zframe_data(frame) + at;
            assert_int_equal(head[0], 'C');
            hear(edge, insurer, head);
            at += HEAD + u32(head + 36) + u32(head + 40) + u32(head + 44);
        }
        zframe_destroy(&frame);
    }
}

static void an_insurer_of_another_making_answers_for_its_own_members(void **state)
{
    (void)state;
    struct ran ran = SUITE_RUN(&SUITE, "journey", "--json", "seeds/bundles/rosa-quintanar.json");
    const char *case_id = said(&SUITE, ran.out, "case");
    assert_non_null(case_id);
    struct insurer insurer = {0};
    zsock_t *edge = zsock_new(ZMQ_DEALER);
    zsock_set_immediate(edge, 1);
    zsock_set_linger(edge, 0);
    assert_int_equal(zsock_connect(edge, "ipc://%s/run/edge.sock", SUITE.var), 0);
    say_hello(edge);
    serve(edge, &insurer, &insurer.welcome);

    char coverage[400];
    snprintf(coverage, sizeof coverage,
        "{\"coverageId\":\"cov-plugged-in\",\"caseId\":\"%s\",\"payerId\":\"valley-mutual\",\"payerName\":\"Valley Mutual\","
        "\"line\":\"LINE_OF_BUSINESS_COMMERCIAL\",\"member\":{\"memberId\":\"VM4471\",\"familyName\":\"Doe\",\"givenName\":\"Jane\"}}",
        case_id);
    ran = SUITE_RUN(&SUITE, "call", "claims.RecordCoverage", "--as", "biller", coverage);
    assert_int_equal(ran.status, 0);
    serve(edge, &insurer, &insurer.settled);
    assert_string_equal(insurer.member, "VM4471");

    ran = SUITE_RUN(&SUITE, "events", "--case", case_id);
    for (int i = 0; i < 200 && !strstr(ran.out, PLAN); i++) {
        zclock_sleep(20);
        ran = SUITE_RUN(&SUITE, "events", "--case", case_id);
    }
    assert_non_null(strstr(ran.out, PLAN));
    zsock_destroy(&edge);
}

static int start(void **state)
{
    (void)state;
    zsys_handler_set(NULL);
    suite_start(&SUITE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    suite_stop(&SUITE);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_insurer_of_another_making_answers_for_its_own_members),
    };
    return cmocka_run_group_tests_name("plugged_in", tests, start, stop);
}
