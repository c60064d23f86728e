/* Delivery under faults, simulated: instances come, go, refuse and fall silent; the store goes away, loses writings and fences; the
 * broker itself ends and a new one comes. Whatever happens, every group handles what it wants of every root, in order and without
 * a gap, and nothing is left at the end. Each seed is one history; a failure prints it. CASEBUS_SEEDS says how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bus/frame.h"
#include "common/core/must.h"
#include "proto/envelope.pb-c.h"
#include "services/broker/core.h"

enum {
    PARTITION = 3,
    ROOTS = 6,
    GROUPS = 3,
    INSTANCES = 3, /* of each group */
    RECORDS = 120,
    STEPS = 3000,
    CALM_STEPS = 6000,
    HANDS = 64,
};

static const char *const GROUP_NAMES[GROUPS] = {"plans", "times", "notes"};
static const char *const SUBJECTS[GROUPS + 1] = {"x.Plan", "x.Time", "x.Note", "x.Nobody"};

struct in_hand {
    uint64_t tag;
    uint32_t epoch;
    unsigned record;
};

struct instance {
    unsigned group;
    uint32_t peer; /* 0: not linked */
    struct in_hand hands[HANDS];
    unsigned count;
};

struct parked_root {
    bool on, draining;
    unsigned record; /* the first not handled */
};

static struct sim {
    uint64_t random;
    struct broker *broker;
    int64_t now_ms;
    uint32_t epoch, next_peer;
    bool down;
    unsigned written; /* records in the log */
    unsigned root_of[RECORDS], subject_of[RECORDS], sequence_of[RECORDS], sequences[ROOTS];
    bool handled[GROUPS][RECORDS];
    unsigned cursor[GROUPS]; /* records up to here are handled, or their root stands aside */
    struct parked_root aside[GROUPS][ROOTS];
    struct instance instances[GROUPS * INSTANCES];
    bool calm;
} s;

static uint32_t dice(uint32_t sides)
{
    s.random ^= s.random << 13;
    s.random ^= s.random >> 7;
    s.random ^= s.random << 17;
    return (uint32_t)(s.random >> 11) % sides;
}

static bool wants(unsigned group, unsigned record)
{
    return s.subject_of[record] == group;
}

static void step(struct broker_input *input)
{
    broker_step(s.broker, s.now_ms, input);
}

/* --- the store --- */

static const char *root_name(unsigned root)
{
    static const char *const NAMES[ROOTS] = {"r0", "r1", "r2", "r3", "r4", "r5"};
    return NAMES[root];
}

static unsigned group_number(const char *name)
{
    unsigned group = 0;
    while (group < GROUPS && strcmp(GROUP_NAMES[group], name) != 0) {
        group++;
    }
    MUST(group < GROUPS);
    return group;
}

static unsigned root_number(const char *name)
{
    return (unsigned)(name[1] - '0');
}

static void answer_log(const struct broker_ask *ask)
{
    struct stored items[RECORDS];
    struct broker_input input = {.kind = INPUT_LOG, .ask = ask, .items = items};
    unsigned page = 1 + dice(20); /* Smaller than asked for, so that pages end everywhere. */
    for (unsigned i = (unsigned)ask->after.n; ask->partition == PARTITION && i < s.written; i++) {
        if (input.count == page) {
            input.more = true;
            break;
        }
        items[input.count++] = (struct stored){.id = {1, i + 1},
            .tenant = "demo",
            .root = root_name(s.root_of[i]),
            .sequence = s.sequence_of[i],
            .subjects = &SUBJECTS[s.subject_of[i]],
            .subject_count = 1};
    }
    step(&input);
}

static void answer_kept(const struct broker_ask *ask)
{
    unsigned group = group_number(ask->name);
    struct kept_parked parked[ROOTS];
    struct broker_input input = {.kind = INPUT_KEPT, .ask = ask, .parked = parked};
    if (ask->partition == PARTITION) {
        input.at = (struct stream_id){s.cursor[group] > 0, s.cursor[group]};
        for (unsigned root = 0; root < ROOTS; root++) {
            const struct parked_root *aside = &s.aside[group][root];
            if (aside->on) {
                parked[input.parked_count++] = (struct kept_parked){
                    "demo", root_name(root), {1, aside->record + 1}, s.sequence_of[aside->record], aside->draining};
            }
        }
    }
    step(&input);
}

/* A position may only pass what is handled, or belongs to a root that stands aside. */
static void write_cursor(unsigned group, unsigned at)
{
    for (unsigned i = 0; i < at; i++) {
        assert_true(!wants(group, i) || s.handled[group][i] || s.aside[group][s.root_of[i]].on);
    }
    s.cursor[group] = at > s.cursor[group] ? at : s.cursor[group];
}

static void answer_written(const struct broker_ask *ask)
{
    struct broker_input input = {.kind = INPUT_WRITTEN, .ask = ask};
    bool fenced = ask->epoch != s.epoch;
    bool lost = !s.calm && dice(10) == 0;
    input.outcome = fenced ? WRITE_FENCED : lost ? WRITE_FAILED : WRITTEN;
    if (!fenced && !(lost && dice(2)) &&
        ask->partition == PARTITION) { /* A writing whose answer was lost may have happened. */
        unsigned group = group_number(ask->name);
        struct parked_root *aside = ask->root[0] ? &s.aside[group][root_number(ask->root)] : NULL;
        if (ask->kind == ASK_CURSOR) {
            write_cursor(group, (unsigned)ask->after.n);
        } else if (ask->kind == ASK_DEAD) {
            *aside = (struct parked_root){true, false, (unsigned)ask->after.n - 1};
        } else if (ask->kind == ASK_UNPARK) {
            aside->on = false;
        }
    }
    step(&input);
}

static void answer(const struct broker_ask *ask)
{
    struct broker_input input = {.ask = ask};
    switch (ask->kind) {
    case ASK_LEASE:
        input = (struct broker_input){.kind = INPUT_LEASED, .ask = ask, .epoch = s.epoch, .until_ms = s.now_ms + 5000};
        step(&input);
        break;
    case ASK_KEPT:
        answer_kept(ask);
        break;
    case ASK_LOG:
        answer_log(ask);
        break;
    case ASK_LANES:
        input.kind = INPUT_LANES;
        step(&input);
        break;
    case ASK_TIMERS:
        input.kind = INPUT_TIMERS;
        input.next_in_ms = INT64_MAX;
        step(&input);
        break;
    case ASK_CURSOR:
    case ASK_ATTEMPT:
    case ASK_DEAD:
    case ASK_UNPARK:
        answer_written(ask);
        break;
    case ASK_RELEASE:
    case ASK_TASKS:
    case ASK_TASK_DONE:
        break;
    }
}

/* --- the instances --- */

static struct instance *instance_of(uint32_t peer)
{
    for (unsigned i = 0; i < GROUPS * INSTANCES; i++) {
        if (s.instances[i].peer == peer) {
            return &s.instances[i];
        }
    }
    return NULL;
}

static void send_record(uint32_t peer, const struct record *record)
{
    struct frame frame = {0};
    MUST(frame_append(&frame, record));
    struct broker_input input = {.kind = INPUT_FRAME, .peer = peer, .bytes = frame.bytes, .size = frame.size};
    step(&input);
    frame_done(&frame);
}

static void greet(struct instance *instance)
{
    uint8_t body[256];
    char name[32];
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    instance->peer = ++s.next_peer;
    instance->count = 0;
    snprintf(name, sizeof name, "i%u", instance->peer);
    hello.has_kind = true;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_SERVICE;
    hello.instance = name;
    hello.group = GROUP_NAMES[instance->group];
    hello.wants = (const char **)&SUBJECTS[instance->group];
    hello.n_wants = 1;
    hello.has_credit_messages = true;
    hello.credit_messages = 1 + dice(4);
    struct record record = {
        .verb = VERB_HELLO, .body = body, .body_size = (uint32_t)casebus__hello__pack(&hello, body)};
    send_record(instance->peer, &record);
}

/* Nobody is given an event while an earlier one of its root, wanted and not handled, could still come to the same group. */
static void check_order(unsigned group, unsigned record)
{
    for (unsigned i = 0; i < record; i++) {
        assert_true(s.root_of[i] != s.root_of[record] || !wants(group, i) || s.handled[group][i]);
    }
}

static void take_event(struct instance *instance, const struct record *record)
{
    Casebus__Envelope *e = casebus__envelope__unpack(NULL, record->envelope_size, record->envelope);
    MUST(e);
    unsigned n = (unsigned)atoi(strchr(e->stream_id, '-') + 1) - 1;
    casebus__envelope__free_unpacked(e, NULL);
    assert_true(wants(instance->group, n));
    check_order(instance->group, n);
    MUST(instance->count < HANDS);
    instance->hands[instance->count++] = (struct in_hand){record->tag, record->epoch, n};
}

static void settle(void)
{
    struct broker_ask ask;
    const struct frame *frame;
    uint32_t peer;
    while (!s.down && broker_ask(s.broker, &ask)) {
        answer(&ask);
    }
    while (broker_frame(s.broker, &peer, &frame)) {
        struct instance *instance = instance_of(peer);
        struct frame_reader reader;
        struct record record;
        MUST(frame_begin(&reader, frame->bytes, frame->size) == FRAME_NONE);
        while (instance && frame_next(&reader, &record)) {
            if (record.verb == VERB_EVT) {
                take_event(instance, &record);
            } else if (record.verb == VERB_RESET) {
                instance->peer = 0;
                break;
            }
        }
        broker_frame_sent(s.broker);
    }
}

static void answer_one(struct instance *instance)
{
    struct in_hand hand = instance->hands[0];
    struct record record = {.tag = hand.tag, .epoch = hand.epoch, .verb = VERB_ACK};
    uint32_t fate = s.calm ? 0 : dice(12);
    memmove(instance->hands, instance->hands + 1, --instance->count * sizeof hand);
    if (fate == 11) {
        return; /* It forgets; the broker's patience ends. */
    }
    if (fate == 10) {
        record.verb = VERB_NAK;
    } else if (fate == 9 && dice(8) == 0) {
        record.verb = VERB_TERM;
    } else {
        s.handled[instance->group][hand.record] = true; /* Committed, and the answer may still be lost on the way. */
    }
    send_record(instance->peer, &record);
}

/* --- what happens --- */

static void start_broker(void)
{
    struct broker_limits limits = broker_limits_default();
    struct broker_input up = {.kind = INPUT_STORE_UP};
    limits.ack_ms = 400;
    limits.retry_min_ms = 20;
    limits.retry_max_ms = 100;
    limits.poll_ms = 50;
    limits.heartbeat_ms = 600000;
    limits.window = 160;
    limits.cursor_ms = 20;
    s.broker = broker_new(&limits, "b", s.random, s.now_ms);
    s.down = false;
    step(&up);
}

static void restart_broker(void)
{
    broker_free(&s.broker);
    s.epoch++;
    start_broker();
    for (unsigned i = 0; i < GROUPS * INSTANCES; i++) {
        s.instances[i].peer = 0;
    }
}

static void lose_instance(struct instance *instance)
{
    struct broker_input gone = {.kind = INPUT_GONE, .peer = instance->peer};
    instance->peer = 0;
    step(&gone);
}

static void write_record(void)
{
    if (s.written < RECORDS) {
        unsigned n = s.written++, root = dice(ROOTS);
        s.root_of[n] = root;
        s.subject_of[n] = dice(GROUPS + 1);
        s.sequence_of[n] = ++s.sequences[root];
    }
}

static void operator_retries(void)
{
    unsigned group = dice(GROUPS), root = dice(ROOTS);
    struct parked_root *aside = &s.aside[group][root];
    if (aside->on && !aside->draining) {
        struct kept_parked parked = {
            "demo", root_name(root), {1, aside->record + 1}, s.sequence_of[aside->record], true};
        aside->draining = true;
        broker_unpark(s.broker, PARTITION, GROUP_NAMES[group], &parked);
    }
}

static void change_store(void)
{
    struct broker_input input = {.kind = s.down ? INPUT_STORE_UP : INPUT_STORE_DOWN, .why = "gone"};
    s.down = !s.down;
    step(&input);
}

static void something_happens(void)
{
    struct instance *instance = &s.instances[dice(GROUPS * INSTANCES)];
    uint32_t what = dice(1000);
    if (what < 60) {
        write_record();
    } else if (what < 70 && instance->peer) {
        lose_instance(instance);
    } else if (what < 110 || (s.calm && what < 300)) {
        operator_retries();
    } else if (what < 113 && !s.calm) {
        restart_broker();
    } else if (what < 118 && !s.calm) {
        change_store();
    } else if (what < 121 && !s.calm) {
        s.epoch++; /* Another broker had the lease for a moment. */
    } else if (!instance->peer) {
        greet(instance);
    } else if (instance->count > 0) {
        answer_one(instance);
    }
}

static void pass_time(void)
{
    struct broker_input time = {.kind = INPUT_TIME};
    s.now_ms += dice(20);
    step(&time);
    settle();
}

static bool all_is_handled(void)
{
    for (unsigned group = 0; group < GROUPS; group++) {
        for (unsigned i = 0; i < RECORDS; i++) {
            if (wants(group, i) && !s.handled[group][i]) {
                return false;
            }
        }
    }
    return s.written == RECORDS;
}

static void play(uint64_t seed)
{
    memset(&s, 0, sizeof s);
    s.random = seed * 0x9e3779b97f4a7c15u + 1;
    s.now_ms = 1000;
    s.epoch = 1;
    for (unsigned i = 0; i < GROUPS * INSTANCES; i++) {
        s.instances[i].group = i % GROUPS;
    }
    start_broker();
    for (unsigned i = 0; i < STEPS; i++) {
        something_happens();
        pass_time();
    }
    while (s.written < RECORDS) {
        write_record();
    }
    if (s.down) {
        change_store();
    }
    s.calm = true;
    for (unsigned i = 0; i < CALM_STEPS && !all_is_handled(); i++) {
        something_happens();
        pass_time();
    }
    assert_true(all_is_handled());
    broker_free(&s.broker);
}

static void whatever_happens_every_group_handles_everything_it_wants_in_order(void **state)
{
    (void)state;
    const char *seeds = getenv("CASEBUS_SEEDS");
    uint64_t count = seeds ? strtoull(seeds, NULL, 10) : 100;
    for (uint64_t seed = 1; seed <= count; seed++) {
        fprintf(stderr, "\rseed %llu", (unsigned long long)seed);
        play(seed);
    }
    fprintf(stderr, "\n");
}

/* Frames of peers that know the protocol but not its manners: every header good, everything else arbitrary. */
static void no_frame_that_a_peer_can_send_brings_the_broker_down(void **state)
{
    (void)state;
    static const uint8_t VERBS_SENT[] = {VERB_HELLO, VERB_WELCOME, VERB_RESET, VERB_BYE, VERB_PING, VERB_CMD, VERB_REP,
        VERB_CANCEL, VERB_EVT, VERB_ACK, VERB_NAK, VERB_TERM, VERB_TASK, VERB_ANSWER, VERB_CREDIT, VERB_BELL, VERB_QRY,
        VERB_QRS};
    memset(&s, 0, sizeof s);
    s.random = 42;
    s.epoch = 1;
    start_broker();
    for (unsigned i = 0; i < GROUPS * INSTANCES; i++) {
        s.instances[i].group = i % GROUPS;
        greet(&s.instances[i]);
    }
    for (unsigned i = 0; i < 200000; i++) {
        uint8_t envelope[64], body[64];
        for (unsigned j = 0; j < sizeof envelope; j++) {
            envelope[j] = (uint8_t)dice(256);
            body[j] = (uint8_t)dice(256);
        }
        memcpy(envelope, "\x12\x06i0.Foo", 8);
        struct record record = {.verb = VERBS_SENT[dice(sizeof VERBS_SENT)],
            .status = (uint8_t)dice(7),
            .class = (uint8_t)dice(4),
            .flags = (uint16_t)dice(16),
            .partition = (uint16_t)dice(65536),
            .ttl_ms = dice(2) ? 0 : dice(UINT32_MAX),
            .epoch = dice(4),
            .tag = (uint64_t)dice(4) << 32 | dice(300) | (uint64_t)dice(2) << 63,
            .root = dice(3),
            .envelope = envelope,
            .envelope_size = dice(2) ? 8 : dice(sizeof envelope),
            .body = body,
            .body_size = dice(sizeof body)};
        send_record(1 + dice(12), &record);
        pass_time();
        if (dice(50) == 0) {
            write_record();
            greet(&s.instances[dice(GROUPS * INSTANCES)]);
        }
        for (unsigned j = 0; j < GROUPS * INSTANCES; j++) {
            s.instances[j].count = 0;
        }
    }
    broker_free(&s.broker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_happens_every_group_handles_everything_it_wants_in_order),
        cmocka_unit_test(no_frame_that_a_peer_can_send_brings_the_broker_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
