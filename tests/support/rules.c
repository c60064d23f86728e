#include "tests/support/rules.h"

#include "common/contract/guard.h"
#include "common/contract/json.h"
#include "common/contract/rules.h"
#include "common/core/hash.h"
#include "common/core/id.h"
#include "common/core/slice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOADS_MAX 32 /* Rounds of "wants": a rule that asks for more never ends. */

struct rules_aggregate {
    const char *service, *kind, *root, *key;
    struct packed body;
    uint64_t version;
    struct rules_aggregate *next;
};

struct rules_entry {
    const char *index, *group, *member;
    int64_t sort;
    struct rules_entry *next;
};

/* One call: what comes in, and which table it goes to. */
struct rules_call {
    const struct command *command;
    const struct reaction *reaction;
    const struct timer *timer;
    const struct answer *answer;
    const struct query *query;
    const ProtobufCMessage *message;
    const char *key, *name;
    int64_t due_at_ms;
};

static void broken(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void broken(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("rules harness: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

void rules_begin(struct rules *r, const struct service *service)
{
    *r = (struct rules){
        .now_ms = RULES_NOW_MS,
        .actor = {.id = "n1", .role = CASEBUS__ROLE__ROLE_NURSE},
        .tenant = "demo",
        .zone = "America/New_York",
        .service = service,
    };
    arena_init(&r->world, 0);
    arena_init(&r->call, 0);
}

void rules_done(struct rules *r)
{
    reference_free(&r->reference);
    arena_done(&r->call);
    arena_done(&r->world);
}

void rules_load_references(struct rules *r, const char *seeds)
{
    struct why why;
    reference_free(&r->reference);
    if (reference_load(r->service->references, seeds, &r->reference, &why) != FAULT_NONE) {
        broken("%s", why.text);
    }
}

/* ---- The world ---- */

static struct rules_aggregate *find(const struct rules *r, const char *service, const char *kind, const char *key)
{
    for (struct rules_aggregate *at = r->aggregates; at != NULL; at = at->next) {
        if (str_same(at->service, service) && str_same(at->kind, kind) && str_same(at->key, key)) {
            return at;
        }
    }
    return NULL;
}

static void keep(
    struct rules *r, const struct contract_aggregate *row, const char *root, const char *key, struct packed body)
{
    struct rules_aggregate *kept = find(r, row->service, row->kind, key);
    if (kept == NULL) {
        kept = ARENA_NEW(&r->world, struct rules_aggregate);
        *kept = (struct rules_aggregate){
            .service = row->service,
            .kind = row->kind,
            .root = arena_strdup(&r->world, root),
            .key = arena_strdup(&r->world, key),
            .next = r->aggregates,
        };
        r->aggregates = kept;
    }
    kept->body = (struct packed){arena_memdup(&r->world, body.data, body.size), body.size};
    kept->version++;
}

void rules_know(struct rules *r, const ProtobufCMessage *state)
{
    const struct contract_message *row = contract_of(state->descriptor);
    if (row->kind != CONTRACT_AGGREGATE) {
        broken("%s is no aggregate", row->subject);
    }
    const char *root = contract_string_at(state, row->aggregate->root);
    const char *key = contract_string_at(state, row->aggregate->key);
    if (str_is_empty(root) || str_is_empty(key)) {
        broken("%s has no root or key", row->subject);
    }
    settle((ProtobufCMessage *)state);
    keep(r, row->aggregate, root, key, contract_pack(state, &r->world));
}

const void *rules_state(struct rules *r, const char *service, const char *kind, const char *key)
{
    const struct rules_aggregate *known = find(r, service, kind, key);
    if (known == NULL) {
        return NULL;
    }
    ProtobufCMessage *state = NULL;
    struct why why;
    if (contract_unpack(contract_aggregate(service, kind)->message->descriptor, known->body.data, known->body.size,
            &CROSSING_STATE, &r->world, &why, &state) != FAULT_NONE) {
        broken("%s %s: %s", kind, key, why.text);
    }
    return state;
}

void *rules_json(struct rules *r, const char *name, const char *json)
{
    const struct contract_message *row = contract_find_message(name);
    if (row == NULL) {
        broken("the contract has no message %s", name);
    }
    ProtobufCMessage *message = NULL;
    struct why why;
    if (json_cross(row, json, strlen(json), &r->world, &why, &message) != FAULT_NONE) {
        broken("%s: %s", name, why.text);
    }
    return message;
}

void rules_index(struct rules *r, const char *index, const char *group, const char *member, int64_t sort)
{
    struct rules_entry *entry = ARENA_NEW(&r->world, struct rules_entry);
    *entry = (struct rules_entry){
        .index = arena_strdup(&r->world, index),
        .group = arena_strdup(&r->world, group),
        .member = arena_strdup(&r->world, member),
        .sort = sort,
    };
    struct rules_entry **at = &r->entries;
    while (*at != NULL && ((*at)->sort < sort || ((*at)->sort == sort && str_compare((*at)->member, member) < 0))) {
        at = &(*at)->next;
    }
    entry->next = *at;
    *at = entry;
}

static void change_index(struct rules *r, const struct index_change *change)
{
    for (struct rules_entry **at = &r->entries; *at != NULL; at = &(*at)->next) {
        if (str_same((*at)->index, change->index) && str_same((*at)->group, change->group) &&
            str_same((*at)->member, change->member)) {
            *at = (*at)->next;
            break;
        }
    }
    if (!change->remove) {
        rules_index(r, change->index, change->group, change->member, change->sort);
    }
}

/* ---- One call ---- */

static void identity_hash(void *context, const char *text, size_t length, uint8_t out[16])
{
    (void)context;
    hash_bytes(out, text, length);
}

static struct decision *decision_of(struct rules *r)
{
    struct decision *d = decide_new(&r->call, r->service);
    d->tenant = r->tenant;
    d->tenant_zone = r->zone;
    d->actor = r->actor;
    d->now_ms = r->now_ms;
    d->reference = r->reference;
    d->identity_hash = identity_hash;
    d->command_id = r->command_id != NULL ? r->command_id : arena_printf(&r->call, "command-%u", r->calls);
    d->root = r->root != NULL ? r->root : "root-1";
    return d;
}

static void give_page(struct rules *r, struct index_page *page)
{
    struct index_line *lines = ARENA_ARRAY(&r->call, struct index_line, page->limit);
    size_t count = 0;
    for (const struct rules_entry *at = r->entries; at != NULL && count < page->limit; at = at->next) {
        if (str_same(at->index, page->index) && str_same(at->group, page->group)) {
            lines[count++] = (struct index_line){at->member, at->sort};
        }
    }
    decide_give_page(page, lines, count);
}

static void give(struct rules *r, struct decision *d)
{
    for (size_t i = 0; i < d->known_count; i++) {
        struct known *known = &d->known[i];
        const struct rules_aggregate *kept = find(r, known->service, known->kind, known->key);
        if (known->loaded) {
            continue;
        }
        enum fault fault = kept == NULL ? decide_give(d, known, NULL, 0, 0, 0)
                                        : decide_give(d, known, kept->body.data, kept->body.size, kept->version, 1);
        if (fault != FAULT_NONE) {
            broken("%s", d->why.text);
        }
    }
    for (size_t i = 0; i < d->page_count; i++) {
        if (!d->pages[i].loaded) {
            give_page(r, &d->pages[i]);
        }
    }
}

static enum fault decide_once(struct decision *d, const struct rules_call *call)
{
    if (call->command != NULL) {
        return decide_command(d, call->command, call->message);
    }
    if (call->reaction != NULL) {
        return decide_reaction(d, call->reaction, call->message);
    }
    if (call->timer != NULL) {
        return decide_timer(d, call->timer, call->key, call->name, call->due_at_ms);
    }
    if (call->answer != NULL) {
        return decide_answer(d, call->answer, call->key, call->message);
    }
    return decide_query(d, call->query, call->message);
}

static enum fault decide_all(struct rules *r, struct decision *d, const struct rules_call *call)
{
    enum fault fault = FAULT_WANT;
    for (int i = 0; i < LOADS_MAX && fault == FAULT_WANT; i++) {
        give(r, d);
        fault = decide_once(d, call);
    }
    if (fault == FAULT_WANT) {
        broken("the rule asks for more and more");
    }
    return fault;
}

static void hash_message(struct rules *r, struct hash *hash, const ProtobufCMessage *message)
{
    struct packed packed = contract_pack(message, &r->call);
    hash_add_part(hash, message->descriptor->name, strlen(message->descriptor->name));
    hash_add_part(hash, packed.data, packed.size);
}

/* Everything that a decision says, as one number: two runs of a rule must agree in it. */
static uint64_t outcome_of(struct rules *r, const struct decision *d, enum fault fault)
{
    struct hash hash;
    uint8_t out[HASH_SIZE];
    hash_init(&hash);
    hash_add_part(&hash, &fault, sizeof fault);
    hash_add_part(&hash, d->why.text, strlen(d->why.text));
    for (size_t i = 0; fault == FAULT_NONE && i < d->event_count; i++) {
        hash_message(r, &hash, d->events[i]);
    }
    for (size_t i = 0; fault == FAULT_NONE && i < d->task_count; i++) {
        hash_add_part(&hash, d->tasks[i].id, strlen(d->tasks[i].id));
        hash_message(r, &hash, d->tasks[i].body);
    }
    for (size_t i = 0; fault == FAULT_NONE && i < d->timer_count; i++) {
        hash_add_part(&hash, &d->timers[i].due_at_ms, sizeof d->timers[i].due_at_ms);
        hash_add_part(&hash, d->timers[i].name, strlen(d->timers[i].name));
    }
    for (size_t i = 0; fault == FAULT_NONE && i < d->known_count; i++) {
        if (d->known[i].touched) {
            hash_message(r, &hash, d->known[i].state);
        }
    }
    if (fault == FAULT_NONE && d->reply != NULL) {
        hash_message(r, &hash, d->reply);
    }
    hash_done(&hash, out);
    return hash_number(out, sizeof out);
}

static void check(const ProtobufCMessage *message, const char *what)
{
    struct why why;
    if (rules_check(message, &why) != FAULT_NONE) {
        broken("the %s %s breaks the contract: %s", what, message->descriptor->name, why.text);
    }
}

static void check_task(const struct task *task)
{
    const struct contract_message *row = contract_of(task->body->descriptor);
    check(task->body, "task");
    if (row->kind == CONTRACT_COMMAND && !row->command->creates && str_is_empty(task->root)) {
        broken("the task %s names no root", row->subject);
    }
}

static void check_timer(const struct decision *d, const struct service *service, const struct timer_change *change)
{
    (void)d;
    if (service_timer(service, change->kind) == NULL) {
        broken("a timer of %s is set, but %s has no timer rule for it", change->kind, service->name);
    }
}

/* What a decision makes must be fit to be kept and sent. */
static void check_made(struct rules *r, const struct decision *d)
{
    for (size_t i = 0; i < d->event_count; i++) {
        check(d->events[i], "event");
    }
    for (size_t i = 0; i < d->task_count; i++) {
        check_task(&d->tasks[i]);
    }
    for (size_t i = 0; i < d->timer_count; i++) {
        check_timer(d, r->service, &d->timers[i]);
    }
    for (size_t i = 0; i < d->known_count; i++) {
        if (d->known[i].touched) {
            check(d->known[i].state, "state");
        }
    }
    if (d->reply != NULL) {
        check(d->reply, "reply");
    }
}

static void apply(struct rules *r, const struct decision *d)
{
    for (size_t i = 0; i < d->known_count; i++) {
        const struct known *known = &d->known[i];
        if (known->touched) {
            keep(r, known->row, known->root, known->key, contract_pack(known->state, &r->call));
        }
    }
    for (size_t i = 0; i < d->entry_count; i++) {
        change_index(r, &d->entries[i]);
    }
}

static enum fault run(struct rules *r, struct decision *d, const struct rules_call *call)
{
    enum fault fault = decide_all(r, d, call);
    uint64_t first = outcome_of(r, d, fault);
    decide_forget(d);
    if (decide_all(r, d, call) != fault || outcome_of(r, d, fault) != first) {
        broken("deciding twice came out differently: the rule is not a pure function");
    }
    if (fault == FAULT_NONE) {
        check_made(r, d);
        apply(r, d);
    } else if (d->why.text[0] == '\0') {
        broken("refused without saying why");
    }
    r->d = d;
    r->fault = fault;
    return fault;
}

static struct decision *next_call(struct rules *r)
{
    arena_reset(&r->call);
    r->calls++;
    return decision_of(r);
}

static void require_row(const struct rules *r, const void *row, const char *what)
{
    if (row == NULL) {
        broken("%s has no row for %s", r->service->name, what);
    }
}

enum fault rules_command(struct rules *r, const ProtobufCMessage *command)
{
    struct decision *d = next_call(r);
    const struct contract_message *row = contract_of(command->descriptor);
    struct rules_call call = {.command = service_command(r->service, command->descriptor)};
    require_row(r, call.command, row->subject);
    settle((ProtobufCMessage *)command);
    ProtobufCMessage *own = contract_copy(command, &r->call);
    check(own, "command");
    d->subject = row->subject;
    enum fault fault = decide_ids(d, row->command, own);
    if (fault != FAULT_NONE) {
        r->d = d;
        return r->fault = fault;
    }
    call.message = own;
    return run(r, d, &call);
}

enum fault rules_react(struct rules *r, const ProtobufCMessage *event)
{
    struct decision *d = next_call(r);
    struct rules_call call = {.reaction = service_reaction(r->service, event->descriptor), .message = event};
    require_row(r, call.reaction, event->descriptor->name);
    d->actor.role = CASEBUS__ROLE__ROLE_SYSTEM;
    d->subject = contract_of(event->descriptor)->subject;
    return run(r, d, &call);
}

enum fault rules_timer(struct rules *r, const char *kind, const char *key, const char *name, int64_t due_at_ms)
{
    struct decision *d = next_call(r);
    struct rules_call call = {
        .timer = service_timer(r->service, kind), .key = key, .name = name, .due_at_ms = due_at_ms};
    require_row(r, call.timer, kind);
    const struct rules_aggregate *known = find(r, r->service->name, kind, key);
    if (known != NULL) {
        d->root = known->root;
    }
    d->actor.role = CASEBUS__ROLE__ROLE_SYSTEM;
    d->subject = name;
    return run(r, d, &call);
}

enum fault rules_answer(struct rules *r, const char *kind, const char *key, const ProtobufCMessage *answer)
{
    struct decision *d = next_call(r);
    struct rules_call call = {
        .answer = service_answer(r->service, kind, answer->descriptor), .message = answer, .key = key};
    require_row(r, call.answer, answer->descriptor->name);
    const struct rules_aggregate *known = find(r, r->service->name, kind, key);
    if (known != NULL) {
        d->root = known->root;
    }
    d->actor.role = CASEBUS__ROLE__ROLE_SYSTEM;
    d->subject = contract_of(answer->descriptor)->subject;
    return run(r, d, &call);
}

enum fault rules_query(struct rules *r, const ProtobufCMessage *query)
{
    struct decision *d = next_call(r);
    struct rules_call call = {.query = service_query(r->service, query->descriptor), .message = query};
    require_row(r, call.query, query->descriptor->name);
    d->subject = contract_of(query->descriptor)->subject;
    return run(r, d, &call);
}

/* ---- Looking at the last call ---- */

const void *rules_event(const struct rules *r, const char *subject)
{
    for (size_t i = 0; i < r->d->event_count; i++) {
        if (str_same(contract_of(r->d->events[i]->descriptor)->subject, subject)) {
            return r->d->events[i];
        }
    }
    return NULL;
}

size_t rules_event_count(const struct rules *r, const char *subject)
{
    size_t count = 0;
    for (size_t i = 0; i < r->d->event_count; i++) {
        count += str_same(contract_of(r->d->events[i]->descriptor)->subject, subject);
    }
    return count;
}

const struct task *rules_task(const struct rules *r, const char *subject)
{
    for (size_t i = 0; i < r->d->task_count; i++) {
        if (str_same(r->d->tasks[i].subject, subject)) {
            return &r->d->tasks[i];
        }
    }
    return NULL;
}

size_t rules_task_count(const struct rules *r, const char *subject)
{
    size_t count = 0;
    for (size_t i = 0; i < r->d->task_count; i++) {
        count += str_same(r->d->tasks[i].subject, subject);
    }
    return count;
}

const void *rules_told(const struct rules *r, const char *subject)
{
    const struct task *task = rules_task(r, subject);
    return task != NULL ? task->body : NULL;
}

const struct timer_change *rules_timer_change(const struct rules *r, const char *key, const char *name)
{
    for (size_t i = 0; i < r->d->timer_count; i++) {
        if (str_same(r->d->timers[i].key, key) && str_same(r->d->timers[i].name, name)) {
            return &r->d->timers[i];
        }
    }
    return NULL;
}

const struct index_change *rules_index_change(
    const struct rules *r, const char *index, const char *group, const char *member)
{
    for (size_t i = 0; i < r->d->entry_count; i++) {
        const struct index_change *entry = &r->d->entries[i];
        if (str_same(entry->index, index) && str_same(entry->group, group) && str_same(entry->member, member)) {
            return entry;
        }
    }
    return NULL;
}

const void *rules_reply(const struct rules *r)
{
    return r->d->reply;
}

const char *rules_why(const struct rules *r)
{
    return r->d->why.text;
}
