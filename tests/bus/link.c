/* A link on a real socket: its loop on zmq_poll and on the bare, edge-triggered descriptor, its greeting and its
 * leaving. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/bus/link.h"
#include "common/core/clock.h"
#include "common/core/must.h"
#include "tests/bus/peer.h"

#define SOON_MS 20000

struct place {
    struct peer peer;
    struct link *link;
};

/* Answers every command, and asks one back. */
static void answer_and_ask(struct peer *peer, const struct record *record, void *context)
{
    (void)context;
    if (record->verb == VERB_CMD) {
        peer_answer(peer, record, STATUS_OK, NULL, NULL);
        peer_say(peer, &(struct record){.verb = VERB_EVT, .tag = record->tag});
    }
}

static int open_at(void **state, bool welcomes_in_envelope)
{
    struct place *place = calloc(1, sizeof(*place));
    MUST(place != NULL);
    place->peer.welcomes_in_envelope = welcomes_in_envelope;
    struct why why = {0};
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = true;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_SERVICE;
    hello.instance = "intake-1";
    peer_start(&place->peer, answer_and_ask, place);
    struct link_options options = {.endpoint = place->peer.endpoint, .hello = &hello};
    assert_int_equal(link_new(&options, clock_monotonic_ms(), &why, &place->link), FAULT_NONE);
    *state = place;
    return 0;
}

static int open_place(void **state)
{
    return open_at(state, false);
}

static int open_place_of_envelopes(void **state)
{
    return open_at(state, true);
}

static int close_place(void **state)
{
    struct place *place = *state;
    link_free(&place->link);
    assert_null(place->link);
    link_free(&place->link);
    peer_stop(&place->peer);
    free(place);
    return 0;
}

/* Runs the loop of link.h until something happens. */
static enum link_event next(struct link *link, struct record *record)
{
    int64_t until_ms = clock_monotonic_ms() + SOON_MS;
    enum link_event event;
    while ((event = link_next(link, clock_monotonic_ms(), record)) == LINK_NOTHING) {
        assert_true(clock_monotonic_ms() < until_ms);
        link_flush(link);
        zmq_pollitem_t item = link_poll_item(link);
        int64_t wait_ms = link_wake_ms(link) - clock_monotonic_ms();
        zmq_poll(&item, 1, wait_ms > 0 ? (long)wait_ms : 0);
    }
    return event;
}

static void a_link_comes_up_asks_and_is_asked(void **state)
{
    struct place *place = *state;
    struct record record;
    assert_false(link_send(place->link, 0, &(struct record){.verb = VERB_CMD, .tag = 1}));
    assert_int_equal(next(place->link, &record), LINK_UP);
    assert_true(link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CMD, .tag = 7}));
    assert_int_equal(next(place->link, &record), LINK_RECORD);
    assert_int_equal(record.verb, VERB_REP);
    assert_int_equal(record.tag, 7);
    assert_int_equal(next(place->link, &record), LINK_RECORD);
    assert_int_equal(record.verb, VERB_EVT);
    assert_int_equal(link_core_of(place->link)->owed, 1);
    assert_int_equal(link_core_of(place->link)->awaited, 0);
}

static void what_is_sent_in_one_turn_leaves_as_one_frame(void **state)
{
    struct place *place = *state;
    struct record record;
    assert_int_equal(next(place->link, &record), LINK_UP);
    uint64_t before = link_counts(place->link).frames_out;
    for (uint64_t tag = 1; tag <= 50; tag++) {
        assert_true(link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CMD, .tag = tag}));
    }
    link_flush(place->link);
    assert_int_equal(link_counts(place->link).frames_out - before, 1);
    for (uint64_t tag = 1; tag <= 50; tag++) {
        assert_int_equal(next(place->link, &record), LINK_RECORD);
        assert_int_equal(record.tag, tag);
        assert_int_equal(next(place->link, &record), LINK_RECORD);
    }
    assert_int_equal(link_counts(place->link).frames_in, 2); /* WELCOME, and all the answers */
}

static void more_than_a_frame_holds_leaves_as_several(void **state)
{
    static uint8_t body[200 * 1024];
    struct place *place = *state;
    struct record record = {.verb = VERB_CMD, .body = body, .body_size = sizeof(body)}, got;
    assert_int_equal(next(place->link, &got), LINK_UP);
    for (record.tag = 1; record.tag <= 12; record.tag++) {
        assert_true(link_send(place->link, clock_monotonic_ms(), &record));
    }
    for (int answers = 0; answers < 12;) {
        assert_int_equal(next(place->link, &got), LINK_RECORD);
        answers += got.verb == VERB_REP;
    }
    assert_int_equal(place->peer.frames, 1 + 3); /* HELLO; five records fit into a frame */
}

static void the_window_closes_and_opens_again(void **state)
{
    struct place *place = *state;
    struct record record;
    unsigned sent = 0;
    assert_int_equal(next(place->link, &record), LINK_UP);
    while (link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CMD, .tag = sent})) {
        sent++;
    }
    assert_int_equal(sent, 64);
    assert_true(link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CANCEL}));
    assert_int_equal(next(place->link, &record), LINK_RECORD);
    assert_true(link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CMD, .tag = sent}));
}

/* The descriptor tells of an event once. A loop that looks again before it sleeps misses none. */
static void a_loop_on_the_bare_descriptor_misses_nothing(void **state)
{
    struct place *place = *state;
    struct record record;
    unsigned answers = 0, sent = 0;
    struct pollfd item = {.fd = link_fd(place->link), .events = POLLIN};
    int64_t until_ms = clock_monotonic_ms() + SOON_MS;
    while (answers < 500) {
        enum link_event event;
        int64_t now_ms = clock_monotonic_ms();
        assert_true(now_ms < until_ms);
        while ((event = link_next(place->link, now_ms, &record)) != LINK_NOTHING) {
            answers += event == LINK_RECORD && record.verb == VERB_REP;
            if (event == LINK_RECORD && record.verb == VERB_EVT) {
                assert_true(link_send(place->link, now_ms, &(struct record){.verb = VERB_ACK, .tag = record.tag}));
            }
        }
        if (sent < 500 && link_send(place->link, now_ms, &(struct record){.verb = VERB_CMD, .tag = sent})) {
            sent++;
        }
        link_flush(place->link);
        if (!link_is_readable(place->link)) {
            bool is_sure_of_an_answer = link_core_of(place->link)->awaited > 0;
            assert_true(poll(&item, 1, is_sure_of_an_answer ? SOON_MS : 1) > 0 || !is_sure_of_an_answer);
        }
    }
    assert_int_equal(link_core_of(place->link)->awaited, 0);
}

static void a_drained_link_has_said_goodbye_and_heard_it(void **state)
{
    struct place *place = *state;
    struct record record;
    assert_int_equal(next(place->link, &record), LINK_UP);
    assert_true(link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CMD, .tag = 1}));
    link_drain(place->link, clock_monotonic_ms());
    assert_false(link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CMD, .tag = 2}));
    assert_int_equal(next(place->link, &record), LINK_RECORD);
    assert_int_equal(next(place->link, &record), LINK_RECORD);
    assert_int_equal(record.verb, VERB_EVT);
    assert_int_equal(next(place->link, &record), LINK_DRAINED);
    assert_int_equal(place->peer.byes, 1);
    assert_int_equal(link_wake_ms(place->link), INT64_MAX);
}

static void a_drain_before_the_greeting_is_told_by_the_loop(void **state)
{
    struct place *place = *state;
    struct record record;
    link_drain(place->link, clock_monotonic_ms());
    assert_int_equal(next(place->link, &record), LINK_DRAINED);
}

static void die_when_told(struct peer *peer, const struct record *record, void *context)
{
    (void)context;
    if (record->verb == VERB_CMD) {
        peer_die_and_return(peer);
    }
}

static void a_broker_that_returns_is_greeted_again(void **state)
{
    struct place *place = *state;
    struct record record;
    place->peer.rule = die_when_told; /* nothing has been said yet but HELLO */
    assert_int_equal(next(place->link, &record), LINK_UP);
    uint64_t session = link_core_of(place->link)->session;
    assert_true(link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CMD, .tag = 1}));
    assert_int_equal(next(place->link, &record), LINK_LOST);
    assert_false(link_send(place->link, clock_monotonic_ms(), &(struct record){.verb = VERB_CMD, .tag = 2}));
    assert_int_equal(next(place->link, &record), LINK_UP);
    assert_int_not_equal(link_core_of(place->link)->session, session);
    assert_int_equal(place->peer.strays, 1); /* the PING of the old session, answered by RESET */
    assert_int_equal(link_counts(place->link).sessions, 2);
}

static int end_context(void **state)
{
    (void)state;
    bus_done();
    return 0;
}

#define WITH_PEER(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PEER(a_link_comes_up_asks_and_is_asked),
        cmocka_unit_test_setup_teardown(a_link_comes_up_asks_and_is_asked, open_place_of_envelopes, close_place),
        WITH_PEER(what_is_sent_in_one_turn_leaves_as_one_frame),
        WITH_PEER(more_than_a_frame_holds_leaves_as_several),
        WITH_PEER(the_window_closes_and_opens_again),
        WITH_PEER(a_loop_on_the_bare_descriptor_misses_nothing),
        WITH_PEER(a_drained_link_has_said_goodbye_and_heard_it),
        WITH_PEER(a_drain_before_the_greeting_is_told_by_the_loop),
        WITH_PEER(a_broker_that_returns_is_greeted_again),
    };
    return cmocka_run_group_tests(tests, NULL, end_context);
}
