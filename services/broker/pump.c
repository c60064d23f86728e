#include "services/broker/pump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/arena.h"
#include "common/core/must.h"
#include "common/store/delivery.h"
#include "common/store/lane.h"
#include "common/store/log_read.h"
#include "common/store/timers.h"

enum {
    IDLE_MAX = 256,   /* requests kept for the next turn, with their memory */
    CURSORS_MAX = 16, /* groups in one writing */
    ASKS_A_TURN = 4096,
    ARENA_MAX = 32 << 20,
};

/* One ask under way: what was asked, and the store's own request. */
struct request {
    struct request *next;
    struct pump *pump;
    struct request *joined; /* other positions of the same partition, written with this one */
    struct broker_ask ask;
    int64_t sent_ms;
    struct arena arena;
    union {
        struct log_page log;
        struct lanes lanes;
        struct lane_page tasks;
        struct timers_due timers;
        struct delivery_state kept;
    };
};

struct pump {
    struct store *store;
    struct broker *broker;
    char owner[BROKER_NAME_SIZE];
    uint32_t lease_ms;
    int64_t now_ms;
    struct request *idle;
    unsigned idle_count;
    struct request *unsent; /* refused at once; told to the core in the next turn */
};

struct pump *pump_new(struct store *store, struct broker *broker, const char *owner, uint32_t lease_ms)
{
    struct pump *pump = calloc(1, sizeof *pump);
    MUST(pump);
    pump->store = store;
    pump->broker = broker;
    pump->lease_ms = lease_ms;
    snprintf(pump->owner, sizeof pump->owner, "%s", owner);
    return pump;
}

static void request_free(struct request *request)
{
    arena_done(&request->arena);
    free(request);
}

void pump_free(struct pump **pump)
{
    if (!*pump) {
        return;
    }
    struct request *lists[] = {(*pump)->idle, (*pump)->unsent};
    for (size_t i = 0; i < ARRAY_LENGTH(lists); i++) {
        for (struct request *request = lists[i], *next; request; request = next) {
            next = request->next;
            request_free(request);
        }
    }
    free(*pump);
    *pump = NULL;
}

static struct request *request_take(struct pump *pump, const struct broker_ask *ask)
{
    struct request *request = pump->idle;
    if (request) {
        pump->idle = request->next;
        pump->idle_count--;
    } else {
        request = calloc(1, sizeof *request);
        MUST(request);
        request->pump = pump;
        arena_init(&request->arena, ARENA_MAX);
    }
    request->ask = *ask;
    request->joined = NULL;
    request->sent_ms = pump->now_ms;
    return request;
}

static void request_give(struct request *request)
{
    struct pump *pump = request->pump;
    if (pump->idle_count == IDLE_MAX) {
        request_free(request);
        return;
    }
    arena_reset(&request->arena);
    request->next = pump->idle;
    pump->idle = request;
    pump->idle_count++;
}

static void tell(struct request *request, struct broker_input *input)
{
    for (struct request *next; request; request = next) {
        next = request->joined;
        input->ask = &request->ask;
        broker_step(request->pump->broker, request->pump->now_ms, input);
        request_give(request);
    }
}

static void tell_failed(struct request *request)
{
    bool wrote = request->ask.kind >= ASK_CURSOR;
    struct broker_input input = {.kind = wrote ? INPUT_WRITTEN : INPUT_FAILED, .outcome = WRITE_FAILED};
    tell(request, &input);
}

static void on_lease(void *user, const struct lease_answer *answer)
{
    struct request *request = user;
    if (answer->outcome != DELIVERY_DONE && answer->outcome != DELIVERY_FENCED) {
        tell_failed(request);
        return;
    }
    struct broker_input input = {.kind = INPUT_LEASED, .until_ms = request->sent_ms + request->pump->lease_ms};
    input.epoch = answer->outcome == DELIVERY_DONE ? (uint32_t)answer->epoch : 0;
    tell(request, &input);
}

static void on_written(void *user, enum delivery_outcome outcome)
{
    static const enum written OUTCOMES[] = {
        [DELIVERY_DONE] = WRITTEN,
        [DELIVERY_FENCED] = WRITE_FENCED,
        [DELIVERY_UNAVAILABLE] = WRITE_FAILED,
        [DELIVERY_GONE] = WRITTEN, /* It is as it should be. */
    };
    struct broker_input input = {.kind = INPUT_WRITTEN, .outcome = OUTCOMES[outcome]};
    tell(user, &input);
}

static void on_released(void *user, const struct lease_answer *answer)
{
    (void)answer;
    request_give(user);
}

static void on_attempt(void *user, enum delivery_outcome outcome, uint64_t attempts)
{
    struct broker_input input = {.kind = INPUT_WRITTEN, .attempts = (uint32_t)attempts};
    input.outcome = outcome == DELIVERY_DONE ? WRITTEN : outcome == DELIVERY_FENCED ? WRITE_FENCED : WRITE_FAILED;
    tell(user, &input);
}

static void on_kept(struct delivery_state *state)
{
    struct request *request = state->user;
    if (state->fault == FAULT_UNAVAILABLE) {
        tell_failed(request);
        return;
    }
    struct kept_parked *parked = ARENA_ARRAY(&request->arena, struct kept_parked, state->parked_count + 1);
    for (size_t i = 0; i < state->parked_count; i++) {
        const struct parked *from = &state->parked[i];
        parked[i] = (struct kept_parked){from->tenant, from->root, from->at, from->sequence, from->draining};
    }
    struct broker_input input = {.kind = INPUT_KEPT, .parked = parked, .parked_count = (unsigned)state->parked_count};
    input.at = state->has_cursor ? state->cursor : (struct stream_id){0};
    tell(request, &input);
}

/* "intake.WorkOpened, intake.CaseEnrolled": what an operator reads of a record. */
static const char *subjects_of(const struct record_header *header, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < header->event_count; i++) {
        text = arena_printf(arena, "%s%s%s", text, i > 0 ? ", " : "", header->subjects[i]);
    }
    return text;
}

/* A record that cannot be read has no events anybody could want; the scrubber is who complains about it. */
static void read_entry(const struct log_entry *entry, struct arena *arena, struct stored *out)
{
    const struct record_header *header = &entry->record.header;
    *out = (struct stored){.id = entry->at, .tenant = "", .root = ""};
    if (!entry->corrupt) {
        out->at_ms = header->at_ms;
        out->tenant = header->tenant;
        out->root = header->root;
        out->sequence = header->sequence;
        out->subjects = header->subjects;
        out->name = subjects_of(header, arena);
        out->subject_count = (unsigned)header->event_count;
        out->bytes = entry->record.bytes.at;
        out->size = (uint32_t)entry->record.bytes.size;
    }
}

static void on_log(struct log_page *page)
{
    struct request *request = page->user;
    if (page->fault != FAULT_NONE) {
        tell_failed(request);
        return;
    }
    struct stored *items = ARENA_ARRAY(&request->arena, struct stored, page->count + 1);
    for (size_t i = 0; i < page->count; i++) {
        read_entry(&page->entries[i], &request->arena, &items[i]);
    }
    struct broker_input input = {.kind = INPUT_LOG, .items = items, .count = (unsigned)page->count};
    input.at = page->count ? page->entries[page->count - 1].at : page->after;
    input.more = page->count == page->count_max;
    tell(request, &input);
}

static void on_lanes(struct lanes *lanes)
{
    if (lanes->fault != FAULT_NONE) {
        tell_failed(lanes->user);
        return;
    }
    struct broker_input input = {.kind = INPUT_LANES, .names = lanes->dests, .name_count = (unsigned)lanes->count};
    tell(lanes->user, &input);
}

static void on_tasks(struct lane_page *page)
{
    struct request *request = page->user;
    if (page->fault != FAULT_NONE) {
        tell_failed(request);
        return;
    }
    struct stored *items = ARENA_ARRAY(&request->arena, struct stored, page->count + 1);
    for (size_t i = 0; i < page->count; i++) {
        const struct lane_task *task = &page->tasks[i];
        items[i] = (struct stored){
            .id = task->id, .at_ms = (int64_t)task->id.ms, .bytes = task->body.at, .size = (uint32_t)task->body.size};
    }
    struct broker_input input = {.kind = INPUT_TASKS, .items = items, .count = (unsigned)page->count};
    input.more = page->count == page->count_max;
    tell(request, &input);
}

static uint64_t text_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) {
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    }
    return hash;
}

static void on_timers(struct timers_due *due)
{
    struct request *request = due->user;
    if (due->fault != FAULT_NONE) {
        tell_failed(request);
        return;
    }
    struct stored *items = ARENA_ARRAY(&request->arena, struct stored, due->count + 1);
    for (size_t i = 0; i < due->count; i++) {
        const struct due_timer *timer = &due->timers[i];
        items[i] = (struct stored){.id = {(uint64_t)timer->due_ms, text_hash(timer->member)},
            .at_ms = timer->due_ms,
            .tenant = timer->tenant,
            .root = timer->root,
            .service = timer->service,
            .kind = timer->kind,
            .key = timer->id,
            .name = timer->name,
            .bytes = (const uint8_t *)timer->member,
            .size = (uint32_t)strlen(timer->member)};
    }
    struct broker_input input = {.kind = INPUT_TIMERS, .items = items, .count = (unsigned)due->count};
    input.more = due->count == due->count_max;
    input.next_in_ms = due->next_ms == INT64_MAX    ? INT64_MAX
                       : due->next_ms > due->now_ms ? due->next_ms - due->now_ms
                                                    : 0;
    tell(request, &input);
}

static enum fault send_reading(struct pump *pump, struct request *request)
{
    const struct broker_ask *ask = &request->ask;
    switch (ask->kind) {
    case ASK_KEPT:
        request->kept = (struct delivery_state){.partition = ask->partition,
            .group = ask->name,
            .arena = &request->arena,
            .done = on_kept,
            .user = request};
        return delivery_state_send(pump->store, &request->kept);
    case ASK_LOG:
        request->log = (struct log_page){.partition = ask->partition,
            .after = ask->after,
            .count_max = ask->count,
            .arena = &request->arena,
            .done = on_log,
            .user = request};
        return log_page_send(pump->store, &request->log);
    case ASK_LANES:
        request->lanes =
            (struct lanes){.partition = ask->partition, .arena = &request->arena, .done = on_lanes, .user = request};
        return lanes_send(pump->store, &request->lanes);
    case ASK_TASKS:
        request->tasks = (struct lane_page){.partition = ask->partition,
            .dest = ask->name,
            .after = ask->after,
            .count_max = ask->count,
            .arena = &request->arena,
            .done = on_tasks,
            .user = request};
        return lane_page_send(pump->store, &request->tasks);
    case ASK_TIMERS:
    case ASK_LEASE:
    case ASK_RELEASE:
    case ASK_CURSOR:
    case ASK_TASK_DONE:
    case ASK_ATTEMPT:
    case ASK_DEAD:
    case ASK_UNPARK:
        request->timers = (struct timers_due){.partition = ask->partition,
            .count_max = ask->count,
            .skip = ask->sequence,
            .arena = &request->arena,
            .done = on_timers,
            .user = request};
        return timers_due_send(pump->store, &request->timers);
    }
    MUST_NOT_REACH();
}

static enum fault send_cursors(struct pump *pump, const struct lease *lease, struct request *request)
{
    struct cursor cursors[CURSORS_MAX];
    size_t count = 0;
    for (const struct request *each = request; each; each = each->joined) {
        cursors[count++] = (struct cursor){each->ask.name, each->ask.after};
    }
    return cursors_send(pump->store, request->ask.partition, lease, count, cursors, on_written, request);
}

static enum fault send(struct pump *pump, struct request *request)
{
    const struct broker_ask *ask = &request->ask;
    struct lease lease = {.owner = pump->owner, .epoch = ask->epoch};
    struct delivery_record record = {ask->name, ask->tenant, ask->root, ask->sequence, ask->after};
    switch (ask->kind) {
    case ASK_LEASE:
        return lease_send(pump->store, ask->partition, pump->owner, pump->lease_ms, on_lease, request);
    case ASK_CURSOR:
        return send_cursors(pump, &lease, request);
    case ASK_TASK_DONE:
        return task_done_send(pump->store, ask->partition, &lease, ask->name, ask->after, on_written, request);
    case ASK_ATTEMPT:
        return attempt_send(pump->store, ask->partition, &lease, &record, on_attempt, request);
    case ASK_DEAD:
        return dead_send(pump->store, ask->partition, &lease, &record, ask->why, on_written, request);
    case ASK_UNPARK:
        record.sequence = 0;
        return drain_to_send(pump->store, ask->partition, &lease, &record, on_written, request);
    case ASK_KEPT:
    case ASK_LOG:
    case ASK_LANES:
    case ASK_TASKS:
    case ASK_TIMERS:
        return send_reading(pump, request);
    case ASK_RELEASE:
        break;
    }
    return lease_send(pump->store, ask->partition, pump->owner, 0, on_released, request);
}

static void send_or_keep(struct pump *pump, struct request *request)
{
    if (send(pump, request) != FAULT_NONE) {
        request->next = pump->unsent;
        pump->unsent = request;
    }
}

static void tell_unsent(struct pump *pump)
{
    struct request *unsent = pump->unsent;
    pump->unsent = NULL;
    for (struct request *next; unsent; unsent = next) {
        next = unsent->next;
        tell_failed(unsent);
    }
}

void pump_turn(struct pump *pump, int64_t now_ms)
{
    pump->now_ms = now_ms;
    bool ready = shards_are_ready(pump->store->shards);
    if (ready != broker_store_is_ready(pump->broker)) {
        struct broker_input input = {
            .kind = ready ? INPUT_STORE_UP : INPUT_STORE_DOWN, .why = "the store cannot be reached"};
        broker_step(pump->broker, now_ms, &input);
    }
    tell_unsent(pump);
    struct request *cursors = NULL; /* Positions of one partition leave in one writing. */
    unsigned joined = 0;
    struct broker_ask ask;
    for (int i = 0; i < ASKS_A_TURN && ready && broker_ask(pump->broker, &ask); i++) {
        struct request *request = request_take(pump, &ask);
        if (cursors && ask.kind == ASK_CURSOR && ask.partition == cursors->ask.partition && joined < CURSORS_MAX - 1) {
            request->joined = cursors->joined;
            cursors->joined = request;
            joined++;
            continue;
        }
        if (cursors) {
            send_or_keep(pump, cursors);
        }
        cursors = ask.kind == ASK_CURSOR ? request : NULL;
        joined = 0;
        if (!cursors) {
            send_or_keep(pump, request);
        }
    }
    if (cursors) {
        send_or_keep(pump, cursors);
    }
}
