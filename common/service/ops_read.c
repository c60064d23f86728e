/* ops.ReadRoot and ops.ReadEvents: what the log says, opened for who may read it. Answered here for every service. */
#include "common/service/call.h"

#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/store/record.h"
#include "proto/ops.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 256
#define WALK_MAX      4096 /* records of one root, as many as its answer may hold */
#define EVENTS_MAX    1024 /* records of one answer about all partitions */
#define POSITION_SIZE (4 + STREAM_ID_TEXT_SIZE)

/* ---- A record as people see it ---- */

static Ops__EventView *view_event(struct decision *d, const char *subject, struct bytes body)
{
    Ops__EventView *view = make(d, &ops__event_view__descriptor);
    view->subject = (char *)subject;
    view->has_body = 1;
    view->body = (ProtobufCBinaryData){body.size, (uint8_t *)body.at};
    return view;
}

/* A record whose events cannot be opened is shown without them: that it is there is a fact too. */
static Ops__RecordView *view_record(struct call *call, const struct log_entry *entry, uint32_t partition)
{
    struct decision *d = call->d;
    const struct record_header *header = &entry->record.header;
    Ops__RecordView *view = make(d, &ops__record_view__descriptor);
    char at[STREAM_ID_TEXT_SIZE];
    stream_id_format(entry->at, at);
    view->tenant = (char *)header->tenant;
    view->root = (char *)header->root;
    SET(view, sequence, header->sequence);
    view->service = (char *)header->service;
    SET(view, at_ms, header->at_ms);
    view->actor_id = (char *)header->actor_id;
    SET(view, actor_role, (Casebus__Role)header->actor_role);
    SET(view, actor_simulated, header->simulated);
    view->command_id = (char *)header->command_id;
    view->cause = (char *)header->cause;
    SET(view, partition, partition);
    view->stream_id = text_of(d, "%s", at);
    struct bytes *bodies = ARENA_ARRAY(d->arena, struct bytes, header->event_count);
    if (header->event_count > 0 &&
        record_open_events(&entry->record, call->runtime->options.keys, d->arena, bodies, NULL) == FAULT_NONE) {
        for (size_t i = 0; i < header->event_count; i++) {
            APPEND(d, view, events, view_event(d, header->subjects[i], bodies[i]));
        }
    }
    return view;
}

static void arrived(struct call *call)
{
    if (--call->waiting == 0) {
        call_ready(call);
    }
}

/* ---- One root ---- */

static void answer_walk(struct call *call, const struct log_walk *walk, size_t limit)
{
    Ops__RootRecords *reply_message = make(call->d, &ops__root_records__descriptor);
    size_t count = walk->count < limit ? walk->count : limit;
    for (size_t i = 0; i < count; i++) {
        const struct log_entry *entry = &walk->entries[walk->count - 1 - i];
        if (!entry->corrupt) {
            APPEND(call->d, reply_message, records, view_record(call, entry, walk->partition));
        }
    }
    SET(reply_message, more, walk->count > count);
    reply(call->d, &reply_message->base);
}

static void on_walked(struct log_walk *walk)
{
    struct call *call = walk->user;
    const Ops__ReadRoot *query = (const Ops__ReadRoot *)call->message;
    size_t limit = query->limit > 0 && query->limit <= WALK_MAX ? query->limit : LIMIT_DEFAULT;
    if (walk->fault != FAULT_NONE) {
        call_fail(call, walk->fault, "%s", walk->why.text);
    } else {
        answer_walk(call, walk, limit);
    }
    arrived(call);
}

/* Back from the newest to the first that was asked for. */
static void walk_root(struct call *call)
{
    const struct runtime_port *port = call->runtime->options.port;
    const Ops__ReadRoot *query = (const Ops__ReadRoot *)call->message;
    uint64_t newer =
        call->root_state.sequence > query->after_sequence ? call->root_state.sequence - query->after_sequence : 0;
    if (newer == 0) {
        reply(call->d, make(call->d, &ops__root_records__descriptor));
        call_answer(call, FAULT_NONE);
        return;
    }
    struct log_walk *walk = ARENA_NEW(&call->arena, struct log_walk);
    *walk = (struct log_walk){
        .partition = call->partition,
        .tenant = call->tenant->name,
        .root = query->root,
        .from = call->root_state,
        .count_max = newer < WALK_MAX ? newer : WALK_MAX,
        .arena = &call->arena,
        .done = on_walked,
        .user = call,
    };
    enum fault fault = port->walk(port->context, walk);
    if (fault != FAULT_NONE) {
        call_answer(call, call_fail(call, fault, "the log cannot be read now"));
        return;
    }
    call->waiting = 1;
}

static void on_root(struct load *load)
{
    struct call *call = load->user;
    call->root_state = load->root_state;
    call->root_loaded = true;
    if (load->fault != FAULT_NONE) {
        call_fail(call, load->fault, "%s", load->why.text);
    }
    arrived(call);
}

static void load_root(struct call *call)
{
    const struct runtime_port *port = call->runtime->options.port;
    const Ops__ReadRoot *query = (const Ops__ReadRoot *)call->message;
    if (!id_is_valid(query->root)) {
        call_answer(call, call_fail(call, FAULT_INVALID, "ops.ReadRoot names no root that could exist"));
        return;
    }
    call->partition = partition_of(call->tenant->name, query->root);
    struct load *load = ARENA_NEW(&call->arena, struct load);
    *load = (struct load){.partition = call->partition,
        .tenant = call->tenant->name,
        .root = query->root,
        .arena = &call->arena,
        .done = on_root,
        .user = call};
    enum fault fault = port->load(port->context, load);
    if (fault != FAULT_NONE) {
        call_answer(call, call_fail(call, fault, "the store cannot be asked now"));
        return;
    }
    call->waiting = 1;
}

/* ---- All partitions ---- */

struct pages {
    struct call *call;
    struct log_page list[PARTITIONS];
};

static void on_page(struct log_page *page)
{
    struct pages *pages = page->user;
    if (page->fault != FAULT_NONE) {
        call_fail(pages->call, page->fault, "%s", page->why.text);
    }
    arrived(pages->call);
}

/* `<partition>/<stream id>`; what is not that is from the beginning. */
static void read_positions(const Ops__ReadEvents *query, struct stream_id out[static PARTITIONS])
{
    for (size_t i = 0; i < query->n_after; i++) {
        struct slice rest = slice_of(query->after[i]), number = {0};
        uint64_t partition = 0;
        struct stream_id at;
        if (slice_take_field(&rest, '/', &number) && slice_parse_uint(number, PARTITIONS - 1, &partition) &&
            rest.at != NULL && stream_id_parse(rest.at, rest.size, &at)) {
            out[partition] = at;
        }
    }
}

static size_t events_limit(const Ops__ReadEvents *query)
{
    return query->limit > 0 && query->limit <= EVENTS_MAX ? query->limit : LIMIT_DEFAULT;
}

static void load_pages(struct call *call)
{
    const struct runtime_port *port = call->runtime->options.port;
    const Ops__ReadEvents *query = (const Ops__ReadEvents *)call->message;
    struct stream_id after[PARTITIONS] = {0};
    struct pages *pages = ARENA_NEW(&call->arena, struct pages);
    pages->call = call;
    read_positions(query, after);
    call->reading = pages;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        pages->list[p] = (struct log_page){.partition = p,
            .after = after[p],
            .count_max = events_limit(query),
            .arena = &call->arena,
            .done = on_page,
            .user = pages};
        enum fault fault = port->page(port->context, &pages->list[p]);
        if (fault != FAULT_NONE) {
            call_fail(call, fault, "the log cannot be read now");
            break;
        }
        call->waiting++;
    }
    if (call->waiting == 0) {
        call_answer(call, call->fault);
    }
}

struct found {
    const struct log_entry *entry;
    uint32_t partition;
};

static int by_time(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    int order = stream_id_compare(left->entry->at, right->entry->at);
    return order != 0 ? order : (left->partition > right->partition) - (left->partition < right->partition);
}

static size_t gather(struct pages *pages, struct found **out)
{
    size_t total = 0, count = 0;
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        total += pages->list[p].count;
    }
    *out = ARENA_ARRAY(&pages->call->arena, struct found, total);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        for (size_t i = 0; i < pages->list[p].count; i++) {
            (*out)[count++] = (struct found){&pages->list[p].entries[i], p};
        }
    }
    if (count > 1) {
        qsort(*out, count, sizeof **out, by_time);
    }
    return count;
}

/* Records of other tenants move the position on, and nothing else. */
static void answer_pages(struct call *call)
{
    struct pages *pages = call->reading;
    struct found *found = NULL;
    size_t count = gather(pages, &found), limit = events_limit((const Ops__ReadEvents *)call->message);
    size_t shown = count < limit ? count : limit;
    struct stream_id last[PARTITIONS] = {0};
    Ops__RootRecords *out = make(call->d, &ops__root_records__descriptor);
    for (size_t i = 0; i < shown; i++) {
        const struct log_entry *entry = found[i].entry;
        last[found[i].partition] = entry->at;
        if (!entry->corrupt && str_same(entry->record.header.tenant, call->tenant->name)) {
            APPEND(call->d, out, records, view_record(call, entry, found[i].partition));
        }
    }
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        struct stream_id at = last[p].ms > 0 ? last[p] : pages->list[p].after;
        char text[STREAM_ID_TEXT_SIZE];
        if (at.ms > 0) {
            stream_id_format(at, text);
            APPEND(call->d, out, positions, text_of(call->d, "%u/%s", p, text));
        }
    }
    SET(out, more, count > shown);
    reply(call->d, &out->base);
    call_answer(call, FAULT_NONE);
}

/* Called when the call begins, and whenever all that it waited for is there. */
void call_read_log(struct call *call)
{
    if (call->fault != FAULT_NONE) {
        call_answer(call, call->fault);
    } else if (call->d->reply != NULL) {
        call_answer(call, FAULT_NONE);
    } else if (call->kind == CALL_READ_EVENTS) {
        if (call->reading == NULL) {
            load_pages(call);
        } else {
            answer_pages(call);
        }
    } else if (!call->root_loaded) {
        load_root(call);
    } else {
        walk_root(call);
    }
}
