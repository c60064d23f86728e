#include "common/service/decide.h"

#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#include <string.h>

#define ID_FORM_LENGTH_MAX 64 /* What the contract's form of ids allows. */

struct decision *decide_new(struct arena *arena, const struct service *service)
{
    struct decision *d = ARENA_NEW(arena, struct decision);
    d->arena = arena;
    d->service = service->name;
    d->reads = service->reads;
    return d;
}

/* Ids beyond those that a rule makes, so that both may be made of one command id. */
enum { N_ROOT = 1 << 20, N_KEY };

static const char *fresh_key(struct decision *d, const struct contract_aggregate *aggregate, const char *root)
{
    char id[ID_FRESH_SIZE];
    id_fresh(id, d->command_id, N_KEY);
    if (strlen(root) + 2 + strlen(id) > ID_FORM_LENGTH_MAX) {
        return arena_strdup(d->arena, id);
    }
    return text_of(d, "%s.%c%s", root, aggregate->kind[0], id);
}

enum fault decide_ids(struct decision *d, const struct contract_command *row, ProtobufCMessage *command)
{
    const char *root = contract_string_at(command, row->root);
    const char *key = contract_string_at(command, row->key);
    bool is_own_root = row->aggregate != NULL && row->aggregate->root == row->aggregate->key;
    if (str_is_empty(root) && is_own_root) {
        root = key;
    }
    if (str_is_empty(root) && row->creates) {
        char id[ID_ROOT_FRESH_SIZE];
        id_root_fresh(id, d->command_id, N_ROOT);
        root = arena_strdup(d->arena, id);
    }
    if (str_is_empty(root)) {
        why_set(&d->why, "%s names no root", row->subject);
        return FAULT_INVALID;
    }
    if (str_is_empty(key)) {
        key = is_own_root ? root : fresh_key(d, row->aggregate, root);
    }
    if (row->root != CONTRACT_NONE) {
        contract_set_string_at(command, row->root, root);
    }
    if (row->key != CONTRACT_NONE && row->key != row->root) {
        contract_set_string_at(command, row->key, key);
    }
    d->root = root;
    return FAULT_NONE;
}

static void undo(struct decision *d)
{
    d->reply = NULL;
    d->event_count = 0;
    d->task_count = 0;
    d->timer_count = 0;
    d->entry_count = 0;
    d->fresh_count = 0;
    decide_restore(d);
}

/* Every run begins where the first began. */
static void begin(struct decision *d)
{
    d->why = (struct why){0};
    d->wants = false;
    d->too_much = false;
    undo(d);
}

/* The messages are the decision's own: what is const in its lists is const to the runtime, not here. */
static void settle_all(struct decision *d)
{
    for (size_t i = 0; i < d->event_count; i++) {
        settle((ProtobufCMessage *)d->events[i]);
    }
    for (size_t i = 0; i < d->task_count; i++) {
        settle((ProtobufCMessage *)d->tasks[i].body);
    }
    for (size_t i = 0; i < d->known_count; i++) {
        if (d->known[i].touched) {
            settle(d->known[i].state);
        }
    }
    if (d->reply != NULL) {
        settle((ProtobufCMessage *)d->reply);
    }
}

/* A rule that went on without what it asked for has decided nothing, whatever it returned. */
static enum fault finish(struct decision *d, enum fault fault)
{
    if (d->too_much) {
        undo(d);
        return refuse(d, "%s would do more at once than one commit may hold", d->subject);
    }
    if (d->wants) {
        return FAULT_WANT;
    }
    MUST(fault != FAULT_WANT);
    if (fault != FAULT_NONE) {
        undo(d);
        return fault;
    }
    for (size_t i = 0; i < d->known_count; i++) {
        const struct known *known = &d->known[i];
        if (known->touched && known->foreign) {
            undo(d);
            return refuse(d, "%s %s belongs to another root than %s", known->kind, known->key, known->root);
        }
    }
    settle_all(d);
    return FAULT_NONE;
}

static enum fault missing(struct decision *d, const char *kind, const char *key)
{
    return d->wants ? FAULT_WANT : refuse_missing(d, "there is no %s %s", kind, key);
}

enum fault decide_command(struct decision *d, const struct command *row, const ProtobufCMessage *command)
{
    const struct contract_command *contract = contract_of(row->message)->command;
    const struct contract_aggregate *aggregate = contract->aggregate;
    const char *key = contract->key == CONTRACT_NONE ? d->root : contract_string_at(command, contract->key);
    begin(d);
    MUST(aggregate != NULL && key != NULL);
    void *state = contract->creates ? require(d, aggregate->kind, key, NULL) : touch(d, aggregate->kind, key);
    if (state == NULL) {
        return missing(d, aggregate->kind, key);
    }
    return finish(d, row->rule(d, state, command));
}

enum fault decide_reaction(struct decision *d, const struct reaction *row, const ProtobufCMessage *event)
{
    begin(d);
    return finish(d, row->rule(d, event));
}

/* The first event that is refused in this run; `count` when none is, or when something is wanted. */
static size_t react_all(struct decision *d, struct reacted *events, size_t count)
{
    begin(d);
    for (size_t i = 0; i < count; i++) {
        if (events[i].fault != FAULT_NONE) {
            continue;
        }
        enum fault fault = events[i].row->rule(d, events[i].event);
        if (d->wants || d->too_much) {
            return count;
        }
        MUST(fault != FAULT_WANT);
        if (fault != FAULT_NONE) {
            events[i].fault = fault;
            events[i].why = d->why;
            return i;
        }
    }
    return count;
}

/* Each round but the last takes one event out, so it ends. */
enum fault decide_record(struct decision *d, struct reacted *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        events[i].fault = FAULT_NONE;
    }
    while (react_all(d, events, count) < count) {
    }
    return finish(d, FAULT_NONE);
}

enum fault decide_timer(
    struct decision *d, const struct timer *row, const char *key, const char *name, int64_t due_at_ms)
{
    begin(d);
    void *state = touch(d, row->kind, key);
    if (state == NULL) {
        return missing(d, row->kind, key);
    }
    return finish(d, row->rule(d, state, name, due_at_ms));
}

enum fault decide_answer(struct decision *d, const struct answer *row, const char *key, const ProtobufCMessage *answer)
{
    begin(d);
    void *state = touch(d, row->kind, key);
    if (state == NULL) {
        return missing(d, row->kind, key);
    }
    return finish(d, row->rule(d, state, answer));
}

enum fault decide_query(struct decision *d, const struct query *row, const ProtobufCMessage *query)
{
    const struct contract_query *contract = contract_of(row->message)->query;
    const void *state = NULL;
    begin(d);
    if (contract->aggregate != NULL) {
        const char *key = contract_string_at(query, contract->key);
        const char *root = contract->root == CONTRACT_NONE ? key : contract_string_at(query, contract->root);
        if (str_is_empty(root) || str_is_empty(key)) {
            why_set(&d->why, "%s names no %s", contract->subject, contract->aggregate->kind);
            return FAULT_INVALID;
        }
        state = see(d, d->service, contract->aggregate->kind, root, key);
    }
    return d->wants ? finish(d, FAULT_WANT) : finish(d, row->rule(d, state, query));
}
