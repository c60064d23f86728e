/* Parts of the suite are away, or get nonsense: callers learn it at once, and nothing that was acknowledged is missing afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <sodium.h>
#include <zmq.h>

#include "common/core/clock.h"
#include "common/core/slice.h"
#include "tests/fault/history.h"
#include "tests/support/suite.h"

enum {
    REFERRALS = 24, /* sent around a failure */
    FRAMES = 200,   /* of garbage */
    FRAME_BYTES_MAX = 600,
    ANSWERS_MS = 20000,
};

#define ROSA     "seeds/bundles/rosa-quintanar.json"
#define HARLAN   "seeds/bundles/harlan-pruitt-osei.json"
#define PATIENCE (suite_is_whole() ? "60" : "6")
#define REFERRAL                                                                                                         \
    "{\"source\":\"ward 3\",\"patient\":{\"familyName\":\"Byron%u\",\"givenName\":\"Ada\",\"birthDate\":\"1950-02-03\"," \
    "\"sex\":\"SEX_FEMALE\"}}"

static struct suite SUITE;

static int start(void **state)
{
    (void)state;
    suite_start(&SUITE);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    suite_stop(&SUITE);
    return 0;
}

static bool went_well(const struct ran *journey)
{
    return str_same(said(&SUITE, journey->out, "end"), "enrolled") &&
           (!suite_is_whole() || str_same(said(&SUITE, journey->out, "complete"), "true"));
}

/* ---- A service is not there ---- */

static void a_service_that_is_not_there_is_unavailable_at_once(void **state)
{
    (void)state;
    suite_down(&SUITE, "planning");
    struct ran ran = SUITE_RUN(&SUITE, "call", "planning.ReadPlan", "{\"planId\":\"p\",\"caseId\":\"000-1\"}");
    suite_up(&SUITE, "planning");
    assert_int_equal(ran.status, 4);
    assert_non_null(strstr(ran.err, "UNAVAILABLE: no instance of the service is there"));
    assert_int_equal(times_said(ran.err, "\n"), 1);
    assert_true(ran.seconds < 1);
    suite_wait_ready(&SUITE);
}

/* ---- The store goes away ---- */

static struct running refer(unsigned number)
{
    const char *id = arena_printf(&SUITE.arena, "outage-%u", number);
    const char *body = arena_printf(&SUITE.arena, REFERRAL, number);
    const char *const words[] = {"call", "--json", "--timeout", "2", "--id", id, "intake.ReceiveReferral", body, NULL};
    return suite_begin(&SUITE, (struct suite_call){.words = words});
}

static bool is_known(const char *case_id)
{
    return SUITE_RUN(
               &SUITE, "call", "--json", "intake.ReadCase", arena_printf(&SUITE.arena, "{\"caseId\":\"%s\"}", case_id))
               .status == 0;
}

/* Intake has the store again: it knows that it does not know this case. */
static void wait_until_intake_answers(void)
{
    int64_t until_ms = clock_monotonic_ms() + ANSWERS_MS;
    while (SUITE_RUN(&SUITE, "case", "show", "000-nobody").status != 1) {
        assert_true(clock_monotonic_ms() < until_ms);
    }
}

static void what_was_acknowledged_survives_the_loss_of_the_store(void **state)
{
    (void)state;
    struct running running[REFERRALS];
    struct ran first = {0};
    const char *acknowledged[REFERRALS];
    size_t done = 0, refused = 0;
    for (unsigned i = 0; i < REFERRALS; i++) {
        running[i] = refer(i);
        if (i == REFERRALS / 2) {
            first = suite_end(&SUITE, &running[0]); /* One at least is acknowledged, however slow the machine is. */
            suite_down(&SUITE, "redis");
        }
    }
    for (unsigned i = 0; i < REFERRALS; i++) {
        struct ran ran = i == 0 ? first : suite_end(&SUITE, &running[i]);
        assert_true(ran.status == 0 || ran.status == 3 || ran.status == 4);
        refused += ran.status != 0;
        if (ran.status == 0) {
            acknowledged[done++] = said(&SUITE, ran.out, "caseId");
        } else {
            assert_true(strstr(ran.err, "UNKNOWN: ") || strstr(ran.err, "UNAVAILABLE: "));
        }
    }
    assert_true(done > 0 && refused > 0);
    suite_up(&SUITE, "redis");
    suite_wait_ready(&SUITE);
    wait_until_intake_answers();
    for (size_t i = 0; i < done; i++) {
        assert_true(is_known(acknowledged[i]));
    }
}

/* The same ids again: whatever became of each the first time, now there is one case of it. */
static void what_stayed_unknown_is_settled_by_asking_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REFERRALS; i++) {
        struct running running = refer(i);
        struct ran first = suite_end(&SUITE, &running);
        running = refer(i);
        struct ran again = suite_end(&SUITE, &running);
        assert_int_equal(first.status, 0);
        assert_string_equal(said(&SUITE, first.out, "caseId"), said(&SUITE, again.out, "caseId"));
    }
    history_check(&SUITE);
}

static void a_journey_waits_for_the_store(void **state)
{
    (void)state;
    const char *const words[] = {"journey", "--json", "--timeout", PATIENCE, ROSA, NULL};
    struct running journey = suite_begin(&SUITE, (struct suite_call){.words = words});
    suite_down(&SUITE, "redis");
    assert_true(suite_is_running(&journey));
    suite_up(&SUITE, "redis");
    struct ran ran = suite_end(&SUITE, &journey);
    assert_true(went_well(&ran));
}

/* ---- Garbage at the broker ---- */

/* Random frames from a peer that speaks ZeroMQ, and random bytes from one that does not. */
static void send_garbage(void)
{
    const char *path = suite_path(&SUITE, "run/broker.sock");
    uint8_t bytes[FRAME_BYTES_MAX];
    void *context = zmq_ctx_new();
    void *socket_out = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_connect(socket_out, arena_printf(&SUITE.arena, "ipc://%s", path)), 0);
    for (int i = 0; i < FRAMES; i++) {
        size_t size = randombytes_uniform(FRAME_BYTES_MAX);
        randombytes_buf(bytes, size);
        assert_int_equal(zmq_send(socket_out, bytes, size, i % 5 ? 0 : ZMQ_SNDMORE), size);
    }
    zmq_send(socket_out, "", 0, 0);
    zmq_close(socket_out);
    zmq_ctx_term(context);
    int plain = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    assert_int_equal(connect(plain, (struct sockaddr *)&to, sizeof to), 0);
    randombytes_buf(bytes, sizeof bytes);
    assert_true(send(plain, bytes, sizeof bytes, MSG_NOSIGNAL) > 0);
    close(plain);
}

static void garbage_is_dropped_and_counted(void **state)
{
    (void)state;
    pid_t broker = suite_pid(&SUITE, "broker");
    send_garbage();
    struct ran journey = SUITE_RUN(&SUITE, "journey", "--json", "--timeout", PATIENCE, HARLAN);
    struct ran json = SUITE_RUN(&SUITE, "status", "--json");
    struct ran text = SUITE_RUN(&SUITE, "status");
    const char *dropped = said(&SUITE, json.out, "framesDropped");
    assert_true(went_well(&journey));
    assert_int_equal(suite_pid(&SUITE, "broker"), broker);
    assert_non_null(dropped);
    assert_true(atoi(dropped) >= FRAMES / 2);
    assert_non_null(strstr(text.out, " frames dropped"));
    assert_null(strchr(text.out, '\033'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_that_is_not_there_is_unavailable_at_once),
        cmocka_unit_test(what_was_acknowledged_survives_the_loss_of_the_store),
        cmocka_unit_test(what_stayed_unknown_is_settled_by_asking_again),
        cmocka_unit_test(a_journey_waits_for_the_store),
        cmocka_unit_test(garbage_is_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
