/* Asks the store for what a decision wants: one read per partition, one scan per page of an index, all in one flush. */
#include "common/service/call.h"

#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#include <string.h>

#define INDEX_SORT_MAX (INT64_C(1) << 53) /* What the store keeps exactly. */

/* One read, and the places among d->known of what it reads. */
struct reading {
    struct load load;
    struct call *call;
    size_t room; /* of both lists */
    size_t *places;
    struct load_aggregate *aggregates;
};

#define READING_ROOM 8 /* most rules know fewer */

static void arrived(struct call *call)
{
    MUST(call->waiting > 0);
    if (--call->waiting == 0) {
        call_ready(call);
    }
}

/* ---- Aggregates ---- */

static void take_aggregates(struct reading *reading)
{
    struct call *call = reading->call;
    for (size_t i = 0; i < reading->load.count; i++) {
        const struct load_aggregate *from = &reading->aggregates[i];
        struct known *known = &call->d->known[reading->places[i]];
        enum fault fault =
            decide_give(call->d, known, from->body.at, from->body.size, from->stamp.version, from->schema);
        call->stamps[reading->places[i]] = from->stamp;
        if (fault != FAULT_NONE && call->fault == FAULT_NONE) {
            call->fault = fault;
        }
    }
}

/* `now` is fixed here, and is never before what already happened to the root. */
static void take_root(struct call *call, const struct load *load)
{
    call->root_state = load->root_state;
    call->root_loaded = true;
    if (call->d->now_ms < (int64_t)load->root_state.last.ms) {
        call->d->now_ms = (int64_t)load->root_state.last.ms;
    }
    if (call->kind == CALL_EVENT && load->inbox >= call->record_sequence) {
        call->repeated = true;
    }
    if (load->seen) {
        bool same = memcmp(load->fingerprint, call->fingerprint, sizeof call->fingerprint) == 0;
        if (!same) {
            call_fail(call, FAULT_CONFLICT, "the id %s came before with other content", call->d->command_id);
            return;
        }
        call->repeated = true;
        call->kept = load->reply;
        call->kept_sequence = load->sequence;
    }
}

static void on_loaded(struct load *load)
{
    struct reading *reading = load->user;
    struct call *call = reading->call;
    if (load->fault != FAULT_NONE) {
        call_fail(call, load->fault, "%s", load->why.text);
    } else {
        if (load->root != NULL) {
            take_root(call, load);
        }
        take_aggregates(reading);
    }
    arrived(call);
}

/* Only commands and answers have an idempotency record; timers and events have marks of their own. */
static bool is_remembered(const struct call *call)
{
    return call->kind == CALL_COMMAND || call->kind == CALL_ANSWER;
}

static struct reading *reading_new(struct call *call, uint32_t partition)
{
    struct reading *reading = ARENA_NEW(&call->arena, struct reading);
    reading->call = call;
    reading->load = (struct load){
        .partition = partition,
        .tenant = call->tenant->name,
        .arena = &call->arena,
        .done = on_loaded,
        .user = reading,
    };
    if (partition == call->partition && call->kind != CALL_QUERY && !call->root_loaded) {
        reading->load.root = call->d->root;
        reading->load.group = call->kind == CALL_EVENT ? call->runtime->options.service->name : NULL;
        reading->load.command_id = is_remembered(call) ? call->d->command_id : NULL;
    }
    return reading;
}

/* The lists double where they must; the old ones are left to the arena. */
static void reading_add(struct reading *reading, size_t place, const struct known *known)
{
    struct arena *arena = &reading->call->arena;
    size_t count = reading->load.count;
    if (count == reading->room) {
        size_t room = reading->room > 0 ? 2 * reading->room : READING_ROOM;
        size_t *places = ARENA_ARRAY(arena, size_t, room);
        struct load_aggregate *aggregates = ARENA_ARRAY(arena, struct load_aggregate, room);
        for (size_t i = 0; i < count; i++) {
            places[i] = reading->places[i];
            aggregates[i] = reading->aggregates[i];
        }
        reading->room = room;
        reading->places = places;
        reading->aggregates = reading->load.aggregates = aggregates;
    }
    reading->places[count] = place;
    reading->aggregates[count] =
        (struct load_aggregate){.service = known->service, .kind = known->kind, .id = known->key};
    reading->load.count++;
}

struct readings {
    struct reading *list[RUNTIME_PARTITIONS_MAX + 1];
    size_t count;
};

static struct reading *reading_of(struct call *call, struct readings *readings, uint32_t partition)
{
    for (size_t i = 0; i < readings->count; i++) {
        if (readings->list[i]->load.partition == partition) {
            return readings->list[i];
        }
    }
    if (readings->count == ARRAY_LENGTH(readings->list)) {
        return NULL;
    }
    return readings->list[readings->count++] = reading_new(call, partition);
}

/* Ids come from messages: what cannot be an id is refused before it becomes part of a key. */
static bool gather(struct call *call, struct readings *readings)
{
    struct decision *d = call->d;
    for (size_t i = 0; i < d->known_count; i++) {
        const struct known *known = &d->known[i];
        if (known->loaded) {
            continue;
        }
        if (!id_is_valid(known->root) || !id_is_valid(known->key)) {
            call_fail(call, FAULT_INVALID, "%s names a %s that cannot exist", call->subject, known->kind);
            return false;
        }
        struct reading *reading = reading_of(call, readings, partition_of(call->tenant->name, known->root));
        if (reading == NULL) {
            continue; /* The rule will ask again, in the next round. */
        }
        reading_add(reading, i, known);
    }
    return true;
}

/* ---- Pages of indexes ---- */

struct paging {
    struct index_scan scan;
    struct call *call;
    size_t place;
};

static void on_scanned(struct index_scan *scan)
{
    struct paging *paging = scan->user;
    struct call *call = paging->call;
    if (scan->fault != FAULT_NONE) {
        call_fail(call, scan->fault, "the index %s could not be read", call->d->pages[paging->place].index);
    } else {
        struct index_line *lines = ARENA_ARRAY(&call->arena, struct index_line, scan->count);
        for (size_t i = 0; i < scan->count; i++) {
            lines[i] = (struct index_line){scan->entries[i].member, scan->entries[i].sort};
        }
        decide_give_page(&call->d->pages[paging->place], lines, scan->count);
    }
    arrived(call);
}

static enum fault send_page(struct call *call, size_t place)
{
    const struct runtime_port *port = call->runtime->options.port;
    const struct index_page *page = &call->d->pages[place];
    struct paging *paging = ARENA_NEW(&call->arena, struct paging);
    paging->call = call;
    paging->place = place;
    paging->scan = (struct index_scan){
        .service = call->d->service,
        .index = page->index,
        .group = page->group != NULL ? page->group : "",
        .tenant = call->tenant->name,
        .min = -INDEX_SORT_MAX,
        .max = INDEX_SORT_MAX,
        .count_max = page->limit,
        .arena = &call->arena,
        .done = on_scanned,
        .user = paging,
    };
    enum fault fault = port->scan(port->context, &paging->scan);
    call->waiting += fault == FAULT_NONE;
    return fault;
}

/* ---- All ---- */

static enum fault send_readings(struct call *call, struct readings *readings)
{
    const struct runtime_port *port = call->runtime->options.port;
    for (size_t i = 0; i < readings->count; i++) {
        enum fault fault = port->load(port->context, &readings->list[i]->load);
        if (fault != FAULT_NONE) {
            return fault;
        }
        call->waiting++;
    }
    return FAULT_NONE;
}

static enum fault send_pages(struct call *call)
{
    for (size_t i = 0; i < call->d->page_count; i++) {
        enum fault fault = call->d->pages[i].loaded ? FAULT_NONE : send_page(call, i);
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    return FAULT_NONE;
}

/* The row of the service's tables that is decided; NULL where there is none, or several. */
static const void *row_of(const struct call *call)
{
    switch (call->kind) {
    case CALL_COMMAND:
        return call->command;
    case CALL_TIMER:
        return call->timer;
    case CALL_ANSWER:
        return call->answer;
    case CALL_EVENT:
        return call->reacted_count == 1 ? call->reacted[0].row : NULL;
    case CALL_QUERY:
    case CALL_READ_ROOT:
    case CALL_READ_EVENTS:
        break;
    }
    return NULL;
}

static void guess(struct call *call)
{
    const void *row = row_of(call);
    if (row == NULL) {
        return;
    }
    if (call->rounds == 1) {
        habits_follow(&call->runtime->habits, row, call->d);
    } else {
        habits_learn(&call->runtime->habits, row, call->d);
    }
}

/* What was sent before something failed still comes back, so the call waits for that and fails then. */
bool call_load(struct call *call)
{
    struct readings readings = {0};
    if (++call->rounds > RUNTIME_ROUNDS_MAX * (call->races + 1)) {
        call_fail(call, FAULT_INTERNAL, "%s asks for more and more", call->subject);
        return false;
    }
    guess(call);
    if (call->kind != CALL_QUERY && !call->root_loaded) {
        reading_of(call, &readings, call->partition);
    }
    if (!gather(call, &readings)) {
        return false;
    }
    enum fault fault = send_readings(call, &readings);
    fault = fault == FAULT_NONE ? send_pages(call) : fault;
    if (fault != FAULT_NONE) {
        call_fail(call, fault, "the store cannot be asked now");
    }
    return call->waiting > 0;
}
