#include "common/service/decision.h"

#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static enum fault refuse_as(struct decision *d, enum fault fault, const char *format, va_list args)
{
    char text[WHY_SIZE];
    vsnprintf(text, sizeof text, format, args);
    why_set(&d->why, "%s", text);
    return fault;
}

enum fault refuse(struct decision *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum fault fault = refuse_as(d, FAULT_REFUSED, format, args);
    va_end(args);
    return fault;
}

enum fault refuse_missing(struct decision *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum fault fault = refuse_as(d, FAULT_NOT_FOUND, format, args);
    va_end(args);
    return fault;
}

void *make(struct decision *d, const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = arena_alloc(d->arena, descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, message);
    return message;
}

char *text_of(struct decision *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(d->arena, format, args);
    va_end(args);
    return text;
}

void *copy_of(struct decision *d, const ProtobufCMessage *message)
{
    return contract_copy(message, d->arena);
}

void *append_slot(struct decision *d, void *array, size_t *count, size_t element_size)
{
    uint8_t *grown = arena_array(d->arena, *count + 1, element_size);
    if (*count > 0) {
        memcpy(grown, array, *count * element_size);
    }
    *count += 1;
    return grown;
}

const char *fresh_id(struct decision *d)
{
    char id[ID_FRESH_SIZE];
    id_fresh(id, d->command_id, d->fresh_count++);
    return arena_strdup(d->arena, id);
}

const char *fresh_root_id(struct decision *d)
{
    char id[ID_ROOT_FRESH_SIZE];
    id_root_fresh(id, d->command_id, d->fresh_count++);
    return arena_strdup(d->arena, id);
}

/* How much a rule does may follow from what somebody sent, so a full list is a refusal and no bug. */
static bool is_full(struct decision *d, size_t count, size_t max)
{
    d->too_much |= count >= max;
    return count >= max;
}

void emit(struct decision *d, const ProtobufCMessage *event)
{
    const struct contract_message *row = contract_of(event->descriptor);
    MUST(row->kind == CONTRACT_EVENT && str_same(row->event->service, d->service));
    if (is_full(d, d->event_count, DECISION_EVENTS_MAX)) {
        return;
    }
    d->events[d->event_count++] = event;
}

static void add_task(struct decision *d, struct task task)
{
    if (is_full(d, d->task_count, DECISION_TASKS_MAX)) {
        return;
    }
    task.id = fresh_id(d);
    d->tasks[d->task_count++] = task;
}

void tell(struct decision *d, const ProtobufCMessage *command)
{
    const struct contract_message *row = contract_of(command->descriptor);
    MUST(row->kind == CONTRACT_COMMAND);
    add_task(d, (struct task){
                    .lane = row->command->service,
                    .subject = row->command->subject,
                    .root = contract_string_at(command, row->command->root),
                    .body = command,
                });
}

void ask(struct decision *d, const char *lane, const char *kind, const char *key, const ProtobufCMessage *question)
{
    MUST(contract_aggregate(d->service, kind) != NULL);
    add_task(d, (struct task){
                    .lane = lane,
                    .subject = contract_of(question->descriptor)->subject,
                    .root = d->root,
                    .kind = kind,
                    .key = key,
                    .body = question,
                });
}

const char *payer_lane(struct decision *d, const char *payer_id)
{
    return text_of(d, "payer/%s/%s", d->tenant, payer_id);
}

const char *channel_lane(struct decision *d, const char *channel)
{
    return text_of(d, "channel/%s/%s", d->tenant, channel);
}

/* One change per timer: the last word counts. */
static void change_timer(struct decision *d, struct timer_change change)
{
    MUST(contract_aggregate(d->service, change.kind) != NULL);
    for (size_t i = 0; i < d->timer_count; i++) {
        struct timer_change *known = &d->timers[i];
        if (str_same(known->kind, change.kind) && str_same(known->key, change.key) &&
            str_same(known->name, change.name)) {
            *known = change;
            return;
        }
    }
    if (!is_full(d, d->timer_count, DECISION_TIMERS_MAX)) {
        d->timers[d->timer_count++] = change;
    }
}

void set_timer(struct decision *d, const char *kind, const char *key, const char *name, int64_t due_at_ms)
{
    MUST(due_at_ms > 0);
    change_timer(d, (struct timer_change){kind, key, name, due_at_ms});
}

void cancel_timer(struct decision *d, const char *kind, const char *key, const char *name)
{
    change_timer(d, (struct timer_change){kind, key, name, 0});
}

static void change_entry(struct decision *d, struct index_change change)
{
    for (size_t i = 0; i < d->entry_count; i++) {
        struct index_change *known = &d->entries[i];
        if (str_same(known->index, change.index) && str_same(known->group, change.group) &&
            str_same(known->member, change.member)) {
            *known = change;
            return;
        }
    }
    if (!is_full(d, d->entry_count, DECISION_ENTRIES_MAX)) {
        d->entries[d->entry_count++] = change;
    }
}

void index_put(struct decision *d, const char *index, const char *group, const char *member, int64_t sort)
{
    change_entry(d, (struct index_change){index, group, member, sort, false});
}

void index_remove(struct decision *d, const char *index, const char *group, const char *member)
{
    change_entry(d, (struct index_change){index, group, member, 0, true});
}

void reply(struct decision *d, const ProtobufCMessage *message)
{
    d->reply = message;
}

const char *identity_key(struct decision *d, const char *text)
{
    uint8_t hash[16];
    char spelt[ID_FRESH_SIZE];
    MUST(d->identity_hash != NULL);
    d->identity_hash(d->identity_hash_context, text, strlen(text), hash);
    id_spell(spelt, hash);
    return text_of(d, "k%s", spelt);
}
