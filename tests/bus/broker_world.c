#include "tests/bus/broker_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bus/frame.h"
#include "common/bus/task.h"
#include "common/core/must.h"
#include "proto/envelope.pb-c.h"

enum { PEERS = 16, HANDS = 64, STORED = 256, LINES = 512, LINE = 160, PARTITION = 7, STEP_MS = 10 };

struct hand {
    uint64_t tag;
    uint32_t epoch;
    enum verb verb;
};

struct named_peer {
    char name[16];
    uint32_t id;
    struct hand hands[HANDS];
    unsigned hand_count;
};

struct kept {
    bool removed;
    char lane[32], root[32], subject[48], name[32];
    uint64_t n; /* stream id, sequence */
    uint64_t sequence;
    uint8_t bytes[512];
    uint32_t size;
};

static struct world {
    struct broker *broker;
    int64_t now_ms;
    struct named_peer peers[PEERS];
    unsigned peer_count;
    uint32_t next_peer;
    uint64_t next_tag;
    struct kept log[STORED], tasks[STORED], timers[STORED];
    unsigned log_count, task_count, timer_count;
    char parked[8][96]; /* group root sequence id */
    struct {
        char group[32], root[32];
        uint64_t sequence, n;
    } dead[16];
    unsigned dead_count;
    bool fence, fail, down, loading;
    unsigned refused_reads;
    char said[LINES][LINE];
    unsigned said_count, heard;
} w;

struct broker_counters broker_story_counters;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    MUST(w.said_count < LINES);
    vsnprintf(w.said[w.said_count++], LINE, format, args);
    va_end(args);
}

static void step(struct broker_input *input)
{
    broker_step(w.broker, w.now_ms, input);
}

/* --- the store in memory --- */

static void answer_page(
    const struct broker_ask *ask, enum broker_input_kind kind, struct kept *all, unsigned count, const char *lane)
{
    static struct stored items[STORED];
    static const char *subjects[STORED];
    struct broker_input input = {.kind = kind, .ask = ask, .items = items, .next_in_ms = INT64_MAX};
    uint64_t passed = 0;
    for (unsigned i = 0; i < count; i++) {
        struct kept *kept = &all[i];
        if (kept->removed || kept->n <= ask->after.n || (lane && strcmp(kept->lane, lane) != 0)) {
            continue;
        }
        if (kind == INPUT_TIMERS && passed++ < ask->sequence) {
            continue;
        }
        if (input.count == ask->count) {
            input.more = true;
            break;
        }
        subjects[i] = kept->subject;
        items[input.count++] = (struct stored){.id = {1, kept->n},
            .at_ms = (int64_t)kept->n,
            .tenant = "demo",
            .root = kept->root,
            .sequence = kept->sequence,
            .subjects = &subjects[i],
            .subject_count = 1,
            .service = kept->lane,
            .kind = "k",
            .key = "key",
            .name = kept->name,
            .bytes = kept->bytes,
            .size = kept->size};
    }
    step(&input);
}

static void answer_lanes(const struct broker_ask *ask)
{
    const char *names[STORED];
    struct broker_input input = {.kind = INPUT_LANES, .ask = ask, .names = names};
    for (unsigned i = 0; i < w.task_count; i++) {
        bool known = w.tasks[i].removed;
        for (unsigned j = 0; j < input.name_count; j++) {
            known |= strcmp(names[j], w.tasks[i].lane) == 0;
        }
        if (!known) {
            names[input.name_count++] = w.tasks[i].lane;
        }
    }
    step(&input);
}

static void answer_written(const struct broker_ask *ask)
{
    struct broker_input input = {.kind = INPUT_WRITTEN,
        .ask = ask,
        .outcome = w.fence  ? WRITE_FENCED
                   : w.fail ? WRITE_FAILED
                            : WRITTEN};
    bool done = input.outcome == WRITTEN;
    w.fence = w.fail = false;
    if (ask->kind == ASK_CURSOR && done) {
        say("store cursor %s %llu", ask->name, (unsigned long long)ask->after.n);
    } else if (ask->kind == ASK_DEAD && done) {
        say("store dead %s %s/%llu %s", ask->name, ask->root, (unsigned long long)ask->sequence, ask->why);
        snprintf(w.dead[w.dead_count].group, 32, "%.31s", ask->name);
        snprintf(w.dead[w.dead_count].root, 32, "%.31s", ask->root);
        w.dead[w.dead_count].sequence = ask->sequence;
        w.dead[w.dead_count++].n = ask->after.n;
    } else if (ask->kind == ASK_UNPARK && done) {
        say("store unpark %s %s", ask->name, ask->root);
    } else if (ask->kind == ASK_TASK_DONE && done) {
        say("store done %s", ask->name);
        for (unsigned i = 0; i < w.task_count; i++) {
            w.tasks[i].removed |= w.tasks[i].n == ask->after.n;
        }
    }
    step(&input);
}

static void answer(const struct broker_ask *ask)
{
    struct broker_input input = {.kind = INPUT_LEASED, .ask = ask, .epoch = 1, .until_ms = w.now_ms + 5000};
    bool mine = ask->partition == PARTITION;
    if (w.loading && ask->kind != ASK_LEASE && ask->kind < ASK_CURSOR) {
        if (++w.refused_reads > 10000) {
            fail_msg("the broker asks again and again what cannot be answered now");
        }
        input.kind = INPUT_FAILED;
        step(&input);
        return;
    }
    switch (ask->kind) {
    case ASK_LEASE:
        step(&input);
        break;
    case ASK_KEPT:
        input.kind = INPUT_KEPT;
        step(&input);
        break;
    case ASK_LOG:
        answer_page(ask, INPUT_LOG, w.log, mine ? w.log_count : 0, NULL);
        break;
    case ASK_LANES:
        if (mine) {
            answer_lanes(ask);
        } else {
            input.kind = INPUT_LANES;
            step(&input);
        }
        break;
    case ASK_TASKS:
        answer_page(ask, INPUT_TASKS, w.tasks, w.task_count, ask->name);
        break;
    case ASK_TIMERS:
        answer_page(ask, INPUT_TIMERS, w.timers, mine ? w.timer_count : 0, NULL);
        break;
    case ASK_CURSOR:
    case ASK_TASK_DONE:
    case ASK_ATTEMPT:
    case ASK_DEAD:
    case ASK_UNPARK:
        answer_written(ask);
        break;
    case ASK_RELEASE:
        break;
    }
}

/* --- the peers --- */

static struct named_peer *peer_named(const char *name, bool make)
{
    for (unsigned i = 0; i < w.peer_count; i++) {
        if (strcmp(w.peers[i].name, name) == 0) {
            return &w.peers[i];
        }
    }
    MUST(make && w.peer_count < PEERS);
    struct named_peer *peer = &w.peers[w.peer_count++];
    *peer = (struct named_peer){.id = ++w.next_peer};
    snprintf(peer->name, sizeof peer->name, "%s", name);
    return peer;
}

static struct named_peer *peer_with(uint32_t id)
{
    for (unsigned i = 0; i < w.peer_count; i++) {
        if (w.peers[i].id == id) {
            return &w.peers[i];
        }
    }
    return NULL;
}

static void hear_record(struct named_peer *peer, const struct record *record)
{
    const char *verb = verb_word(record->verb);
    if (record->verb == VERB_WELCOME || record->verb == VERB_PING || record->verb == VERB_PONG ||
        record->verb == VERB_BYE) {
        return;
    }
    if (verb_asks(record->verb)) {
        MUST(peer->hand_count < HANDS);
        peer->hands[peer->hand_count++] = (struct hand){record->tag, record->epoch, record->verb};
        Casebus__Envelope *e = casebus__envelope__unpack(NULL, record->envelope_size, record->envelope);
        MUST(e);
        if (record->verb == VERB_EVT) {
            say("%s EVT %s/%llu try %u", peer->name, e->root, (unsigned long long)e->sequence, record->attempt);
        } else if (e->timer) {
            say("%s CMD %s %s", peer->name, e->root, e->timer);
        } else if (e->lane) {
            say("%s %s %s %s try %u", peer->name, verb, e->lane, e->root, record->attempt);
        } else {
            say("%s %s %s ttl %u", peer->name, verb, e->subject, record->ttl_ms);
        }
        casebus__envelope__free_unpacked(e, NULL);
    } else {
        say("%s %s %s", peer->name, verb, status_word(record->status));
    }
}

static void hear_all(void)
{
    const struct frame *frame;
    uint32_t id;
    while (broker_frame(w.broker, &id, &frame)) {
        struct named_peer *peer = peer_with(id);
        struct frame_reader reader;
        struct record record;
        MUST(frame_begin(&reader, frame->bytes, frame->size) == FRAME_NONE);
        while (peer && frame_next(&reader, &record)) {
            hear_record(peer, &record);
        }
        broker_frame_sent(w.broker);
    }
}

static void settle(void)
{
    struct broker_ask ask;
    while (!w.down && broker_ask(w.broker, &ask)) {
        answer(&ask);
    }
    hear_all();
}

static void send_record(const char *name, const struct record *record)
{
    struct frame frame = {0};
    MUST(frame_append(&frame, record));
    struct broker_input input = {
        .kind = INPUT_FRAME, .peer = peer_named(name, true)->id, .bytes = frame.bytes, .size = frame.size};
    step(&input);
    frame_done(&frame);
}

static const char *option(const char *line, const char *name, char out[static 128])
{
    const char *at = strstr(line, name);
    out[0] = '\0';
    if (at) {
        sscanf(at + strlen(name), "%127s", out);
    }
    return at ? out : NULL;
}

static size_t split(char *list, const char *out[static 16])
{
    size_t count = 0;
    for (char *part = strtok(list, ","); part && count < 16; part = strtok(NULL, ",")) {
        out[count++] = part;
    }
    return count;
}

static void play_hello(const char *name, const char *line)
{
    char serves[128], group[128], wants[128], lanes[128], credit[128];
    const char *serve_list[16], *want_list[16], *lane_list[16];
    uint8_t body[1024];
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    struct named_peer *peer = peer_named(name, true);
    if (peer->id == 0) {
        peer->id = ++w.next_peer;
    }
    peer->hand_count = 0;
    hello.has_kind = true;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_SERVICE;
    hello.instance = name;
    option(line, "serves=", serves);
    option(line, "wants=", wants);
    option(line, "lanes=", lanes);
    hello.serves = serve_list;
    hello.n_serves = split(serves, serve_list);
    hello.wants = want_list;
    hello.n_wants = split(wants, want_list);
    hello.lanes = lane_list;
    hello.n_lanes = split(lanes, lane_list);
    hello.group = option(line, "group=", group);
    hello.has_credit_messages = option(line, "credit=", credit) != NULL;
    hello.credit_messages = (uint32_t)atoi(credit);
    struct record record = {
        .verb = VERB_HELLO, .body = body, .body_size = (uint32_t)casebus__hello__pack(&hello, body)};
    send_record(name, &record);
}

static void play_ask(enum verb verb, const char *name, const char *subject, const char *line)
{
    char root[128], ttl[128], class[128];
    uint8_t envelope[512];
    Casebus__Envelope e = CASEBUS__ENVELOPE__INIT;
    e.id = "x1";
    e.subject = subject;
    e.tenant = "demo";
    e.root = option(line, "root=", root);
    option(line, "ttl=", ttl);
    option(line, "class=", class);
    struct record record = {.verb = (uint8_t)verb,
        .tag = ++w.next_tag,
        .root = record_root("demo", e.root),
        .ttl_ms = (uint32_t)atoi(ttl),
        .class = (uint8_t)atoi(class),
        .envelope = envelope};
    record.envelope_size = (uint32_t)casebus__envelope__pack(&e, envelope);
    send_record(name, &record);
}

static void play_answer(enum verb verb, const char *name, const char *word, uint32_t ms)
{
    struct named_peer *peer = peer_named(name, false);
    MUST(peer->hand_count > 0);
    struct hand hand = peer->hands[0];
    memmove(peer->hands, peer->hands + 1, --peer->hand_count * sizeof hand);
    struct record record = {.verb = (uint8_t)verb, .tag = hand.tag, .epoch = hand.epoch, .ttl_ms = ms};
    for (int status = STATUS_OK; verb == VERB_REP && status <= STATUS_EXPIRED; status++) {
        if (strcmp(status_word(status), word) == 0) {
            record.status = (uint8_t)status;
        }
    }
    if (verb == VERB_NAK && strcmp(word, "UNAVAILABLE") == 0) {
        record.status = STATUS_UNAVAILABLE;
    }
    if (verb == VERB_REP && hand.verb == VERB_QRY) {
        record.verb = VERB_QRS;
    }
    send_record(name, &record);
}

static void play_task(const char *lane, const char *root)
{
    struct kept *task = &w.tasks[w.task_count++];
    uint8_t envelope[256];
    Casebus__Envelope e = CASEBUS__ENVELOPE__INIT;
    e.id = "t1";
    e.subject = "intake.Do";
    e.tenant = "demo";
    e.root = root;
    struct record record = {
        .verb = strchr(lane, '/') ? VERB_TASK : VERB_CMD, .root = record_root("demo", root), .envelope = envelope};
    record.envelope_size = (uint32_t)casebus__envelope__pack(&e, envelope);
    task->n = w.task_count;
    snprintf(task->lane, sizeof task->lane, "%s", lane);
    snprintf(task->root, sizeof task->root, "%s", root);
    task->size = (uint32_t)record_size(&record);
    record_write(&record, task->bytes);
}

static void play_timer(const char *service, const char *root, const char *name)
{
    MUST(w.timer_count < STORED);
    struct kept *kept = &w.timers[w.timer_count++];
    kept->n = w.timer_count;
    snprintf(kept->lane, sizeof kept->lane, "%.31s", service);
    snprintf(kept->root, sizeof kept->root, "%.31s", root);
    snprintf(kept->name, sizeof kept->name, "%.31s", name);
}

static void play_log(const char *root, int sequence, const char *subject)
{
    MUST(w.log_count < STORED);
    struct kept *kept = &w.log[w.log_count++];
    kept->n = w.log_count;
    kept->sequence = (uint64_t)sequence;
    snprintf(kept->root, sizeof kept->root, "%.31s", root);
    snprintf(kept->subject, sizeof kept->subject, "%.47s", subject);
}

/* `timers`, `tasks` and `logs`: so many of one kind, each of a root of its own. */
static void play_many(const char *op, unsigned count, const char *what, const char *name)
{
    for (unsigned i = 0; i < count; i++) {
        char root[32];
        snprintf(root, sizeof root, "r%u", i);
        if (op[0] == 'l') {
            play_log(root, 1, what);
        } else if (op[1] == 'i') {
            play_timer(what, root, name);
        } else {
            play_task(what, root);
        }
    }
}

static void play_operator(const char *group, const char *root, unsigned skip)
{
    for (unsigned i = w.dead_count; i > 0; i--) {
        if (strcmp(w.dead[i - 1].group, group) == 0 && strcmp(w.dead[i - 1].root, root) == 0) {
            struct kept_parked parked = {"demo", root, {1, w.dead[i - 1].n}, w.dead[i - 1].sequence + skip, true};
            broker_unpark(w.broker, PARTITION, group, &parked);
            return;
        }
    }
    MUST_FAIL("nothing is parked");
}

static void play_wait(int ms)
{
    struct broker_input time = {.kind = INPUT_TIME};
    for (int64_t end = w.now_ms + ms; w.now_ms < end;) {
        w.now_ms += STEP_MS;
        step(&time);
        settle();
    }
}

static void play_store(const char *word)
{
    struct broker_input input = {.kind = strcmp(word, "down") == 0 ? INPUT_STORE_DOWN : INPUT_STORE_UP, .why = "gone"};
    w.fence |= strcmp(word, "fence") == 0;
    w.fail |= strcmp(word, "fail") == 0;
    w.loading = strcmp(word, "loading") == 0;
    if (strcmp(word, "up") == 0 || strcmp(word, "down") == 0) {
        w.down = input.kind == INPUT_STORE_DOWN;
        step(&input);
    }
}

static void play_expect(const char *line)
{
    const char *said = w.heard < w.said_count ? w.said[w.heard] : "nothing";
    if (strcmp(said, line) != 0) {
        for (unsigned i = w.heard; i < w.said_count; i++) {
            fprintf(stderr, "    said: %s\n", w.said[i]);
        }
        fail_msg("expected \"%s\", but the broker said \"%s\"", line, said);
    }
    w.heard += strcmp(said, "nothing") != 0;
}

static void play(const char *line)
{
    char op[16] = "", a[64] = "", b[64] = "", c[64] = "";
    sscanf(line, "%15s %63s %63s %63s", op, a, b, c);
    if (strcmp(op, "=") == 0) {
        play_expect(line + 2);
    } else if (strcmp(op, "hello") == 0) {
        play_hello(a, line);
    } else if (strcmp(op, "cmd") == 0 || strcmp(op, "qry") == 0) {
        play_ask(op[0] == 'c' ? VERB_CMD : VERB_QRY, a, b, line);
    } else if (strcmp(op, "rep") == 0) {
        play_answer(VERB_REP, a, b, 0);
    } else if (strcmp(op, "ack") == 0 || strcmp(op, "nak") == 0 || strcmp(op, "term") == 0) {
        play_answer(op[0] == 'a' ? VERB_ACK : op[0] == 'n' ? VERB_NAK : VERB_TERM, a, "", (uint32_t)atoi(b));
    } else if (strcmp(op, "later") == 0) {
        play_answer(VERB_NAK, a, "UNAVAILABLE", 0);
    } else if (strcmp(op, "gone") == 0) {
        struct broker_input gone = {.kind = INPUT_GONE, .peer = peer_named(a, false)->id};
        peer_named(a, false)->id = 0;
        step(&gone);
    } else if (strcmp(op, "bye") == 0 || strcmp(op, "alive") == 0) {
        struct record record = {.verb = op[0] == 'b' ? VERB_BYE : VERB_PONG};
        send_record(a, &record);
    } else if (strcmp(op, "garbage") == 0) {
        struct broker_input garbage = {.kind = INPUT_FRAME,
            .peer = peer_named(a, true)->id,
            .bytes = (const uint8_t *)"\xff\x00garbage",
            .size = 9};
        step(&garbage);
    } else if (strcmp(op, "log") == 0) {
        play_log(a, atoi(b), c);
    } else if (strcmp(op, "task") == 0) {
        play_task(a, b);
    } else if (strcmp(op, "timer") == 0) {
        play_timer(a, b, c);
    } else if (strcmp(op, "timers") == 0 || strcmp(op, "tasks") == 0 || strcmp(op, "logs") == 0) {
        play_many(op, (unsigned)atoi(a), b, c);
    } else if (strcmp(op, "handled") == 0) {
        (strcmp(a, "timers") == 0 ? w.timers : w.tasks)[0].removed = true;
    } else if (strcmp(op, "wait") == 0) {
        play_wait(atoi(a));
    } else if (strcmp(op, "store") == 0) {
        play_store(a);
    } else if (strcmp(op, "retry") == 0 || strcmp(op, "skip") == 0) {
        play_operator(a, b, op[0] == 's');
    } else {
        fail_msg("no such line: %s", line);
    }
}

void broker_story(const char *const *lines)
{
    struct broker_limits limits = broker_limits_default();
    memset(&w, 0, sizeof w);
    w.now_ms = 100000;
    limits.queue_calls = 2;
    limits.heartbeat_ms = 60000; /* Silence is a story of its own, not of every wait. */
    limits.retry_max_ms = 1000;
    limits.held_bytes = limits.lane_bytes = 8192;
    w.broker = broker_new(&limits, "b1", 1, w.now_ms);
    struct broker_input up = {.kind = INPUT_STORE_UP};
    step(&up);
    settle();
    for (size_t i = 0; lines[i]; i++) {
        play(lines[i]);
        settle();
    }
    broker_story_counters = *broker_counters(w.broker);
    broker_free(&w.broker);
}
