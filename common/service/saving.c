/* What was decided becomes a commit. */
#include "common/service/call.h"

#include "common/contract/guard.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/names.h"
#include "common/service/sealing.h"

#include <string.h>

/* ---- The reply that is kept: u32 size of the Outcome, big endian | Outcome | body ---- */

static struct bytes reply_join(struct bytes outcome, struct bytes body, struct arena *arena)
{
    uint8_t *joined = arena_alloc(arena, 4 + outcome.size + body.size);
    for (int i = 0; i < 4; i++) {
        joined[i] = (uint8_t)(outcome.size >> (24 - 8 * i));
    }
    memcpy(joined + 4, outcome.at, outcome.size);
    if (body.size > 0) {
        memcpy(joined + 4 + outcome.size, body.at, body.size);
    }
    return bytes_of(joined, 4 + outcome.size + body.size);
}

bool reply_split(struct bytes kept, struct arena *arena, Casebus__Outcome **outcome, struct bytes *body)
{
    size_t size = 0;
    for (size_t i = 0; i < 4 && kept.size >= 4; i++) {
        size = size << 8 | kept.at[i];
    }
    ProtobufCMessage *message = NULL;
    if (kept.size < 4 || size > kept.size - 4 ||
        contract_unpack(&casebus__outcome__descriptor, kept.at + 4, size, &CROSSING_STATE, arena, NULL, &message) !=
            FAULT_NONE) {
        return false;
    }
    *outcome = (Casebus__Outcome *)message;
    *body = bytes_of(kept.at + 4 + size, kept.size - 4 - size);
    return true;
}

static struct bytes pack(struct call *call, const ProtobufCMessage *message)
{
    struct packed packed = contract_pack(message, &call->arena);
    return bytes_of(packed.data, packed.size);
}

/* States stand in the order of the known. */
static bool is_written(const struct commit *commit, const struct known *first)
{
    return commit->state_count > 0 && str_same(commit->states[0].kind, first->kind) &&
           str_same(commit->states[0].id, first->key);
}

/* Everything but the sequence, which only the commit knows. */
static struct bytes reply_of(struct call *call)
{
    const struct decision *d = call->d;
    Casebus__Outcome outcome = CASEBUS__OUTCOME__INIT;
    outcome.root = (char *)d->root;
    outcome.durability = (char *)call->runtime->options.durability;
    outcome.has_committed_at_ms = 1;
    outcome.committed_at_ms = d->now_ms;
    if (d->known_count > 0) {
        const struct known *first = &d->known[0];
        outcome.key = (char *)first->key;
        outcome.has_version = 1;
        outcome.version = first->version + (is_written(&call->commit, first) ? 1 : 0);
    }
    if (d->reply != NULL) {
        outcome.body_type = (char *)d->reply->descriptor->name;
        call->body = pack(call, d->reply);
    }
    return reply_join(pack(call, &outcome.base), call->body, &call->arena);
}

/* ---- Aggregates ---- */

static bool is_unchanged(const struct known *known, struct bytes body)
{
    return known->exists && known->body_size == body.size && memcmp(known->body, body.at, body.size) == 0;
}

/* Touched and changed: written. Touched and not, or only seen: must still be what it was. Elsewhere: advice. */
static void add_aggregates(struct call *call)
{
    struct decision *d = call->d;
    struct commit *commit = &call->commit;
    struct commit_state *states = ARENA_ARRAY(&call->arena, struct commit_state, d->known_count);
    struct commit_guard *guards = ARENA_ARRAY(&call->arena, struct commit_guard, d->known_count);
    for (size_t i = 0; i < d->known_count; i++) {
        const struct known *known = &d->known[i];
        struct bytes body = known->touched ? pack(call, known->state) : (struct bytes){0};
        if (known->touched && !is_unchanged(known, body)) {
            states[commit->state_count++] =
                (struct commit_state){known->kind, known->key, call->stamps[i], known->row->schema, body};
        } else if (known->asked && known->loaded && partition_of(d->tenant, known->root) == call->partition) {
            guards[commit->guard_count++] =
                (struct commit_guard){known->service, known->kind, known->key, call->stamps[i]};
        }
    }
    commit->states = states;
    commit->guards = guards;
}

static void add_events(struct call *call)
{
    const struct decision *d = call->d;
    struct commit_event *events = ARENA_ARRAY(&call->arena, struct commit_event, d->event_count);
    for (size_t i = 0; i < d->event_count; i++) {
        events[i] = (struct commit_event){contract_of(d->events[i]->descriptor)->subject, pack(call, d->events[i])};
    }
    call->commit.event_count = d->event_count;
    call->commit.events = events;
}

/* ---- Timers and index entries ---- */

static void add_timers(struct call *call)
{
    const struct decision *d = call->d;
    struct commit *commit = &call->commit;
    struct commit_timer *sets = ARENA_ARRAY(&call->arena, struct commit_timer, d->timer_count);
    struct commit_timer *cancels = ARENA_ARRAY(&call->arena, struct commit_timer, d->timer_count);
    for (size_t i = 0; i < d->timer_count; i++) {
        const struct timer_change *from = &d->timers[i];
        struct commit_timer timer = {from->kind, from->key, from->name, from->due_at_ms};
        if (from->due_at_ms > 0) {
            sets[commit->timer_count++] = timer;
        } else {
            cancels[commit->cancel_count++] = timer;
        }
    }
    commit->timers = sets;
    commit->cancels = cancels;
}

static void add_entries(struct call *call)
{
    const struct decision *d = call->d;
    struct commit_entry *entries = ARENA_ARRAY(&call->arena, struct commit_entry, d->entry_count);
    for (size_t i = 0; i < d->entry_count; i++) {
        const struct index_change *from = &d->entries[i];
        entries[i] = (struct commit_entry){.index = from->index,
            .group = from->group != NULL ? from->group : "",
            .member = from->member,
            .sort = from->sort,
            .remove = from->remove};
    }
    call->commit.entry_count = d->entry_count;
    call->commit.entries = entries;
}

/* ---- Tasks ---- */

static void fill_task_envelope(struct call *call, const struct task *task, Casebus__Envelope *envelope)
{
    const struct decision *d = call->d;
    envelope->id = (char *)task->id;
    envelope->subject = (char *)task->subject;
    envelope->tenant = (char *)d->tenant;
    envelope->root = (char *)task->root;
    envelope->key = (char *)task->key;
    envelope->kind = (char *)task->kind;
    envelope->asker = task->kind != NULL ? (char *)d->service : NULL;
    envelope->actor_id = (char *)d->actor.id;
    envelope->has_actor_role = 1;
    envelope->actor_role = CASEBUS__ROLE__ROLE_SYSTEM;
    envelope->has_actor_simulated = 1;
    envelope->actor_simulated = d->actor.simulated;
    envelope->has_issued_at_ms = 1;
    envelope->issued_at_ms = d->now_ms;
    envelope->cause = (char *)d->command_id;
    if (call->trace_id != NULL) {
        envelope->has_trace_id = 1;
        envelope->trace_id = (ProtobufCBinaryData){TRACE_ID_SIZE, (uint8_t *)call->trace_id};
    }
}

/* A command is sealed as a client would seal it, and proven; a question under the key of its lane. */
static struct bytes pack_task(struct call *call, const struct task *task)
{
    struct keys *keys = call->runtime->options.keys;
    bool is_question = task->kind != NULL;
    uint8_t proof[SYSTEM_PROOF_SIZE];
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    fill_task_envelope(call, task, &envelope);
    if (!is_question && system_prove(keys, &envelope, proof)) {
        envelope.has_actor_signature = 1;
        envelope.actor_signature = (ProtobufCBinaryData){sizeof proof, proof};
    }
    struct sealing about = {.tenant = call->d->tenant,
        .kind = is_question ? "task" : "command",
        .id = task->id,
        .subject = task->subject,
        .lane = is_question ? task->lane : NULL};
    struct bytes sealed = sealing_seal(keys, &about, pack(call, task->body), &call->arena);
    if (sealed.at == NULL) {
        return sealed;
    }
    struct task_parts parts = {.verb = is_question ? VERB_TASK : VERB_CMD,
        .tenant = envelope.tenant,
        .root = task->root,
        .envelope = pack(call, &envelope.base),
        .body = sealed};
    return task_pack(&parts, &call->arena);
}

static enum fault add_tasks(struct call *call)
{
    const struct decision *d = call->d;
    struct commit_task *tasks = ARENA_ARRAY(&call->arena, struct commit_task, d->task_count);
    for (size_t i = 0; i < d->task_count; i++) {
        tasks[i] = (struct commit_task){d->tasks[i].lane, pack_task(call, &d->tasks[i])};
        if (tasks[i].body.at == NULL) {
            return call_fail(call, FAULT_INTERNAL, "a task for %s cannot be packed or sealed", d->tasks[i].lane);
        }
    }
    call->commit.task_count = d->task_count;
    call->commit.tasks = tasks;
    return FAULT_NONE;
}

/* ---- The commit ---- */

static void on_committed(struct commit *commit);

static const char *event_id(struct call *call)
{
    char id[ID_SIZE];
    return id_under(id, call->d->root, 'e', call->record_sequence) ? arena_strdup(&call->arena, id) : "";
}

static void fill_commit(struct call *call)
{
    const struct decision *d = call->d;
    struct commit made = {
        .partition = call->partition,
        .tenant = d->tenant,
        .service = d->service,
        .root = d->root,
        .expected_root = call->root_state,
        .command_id = call->kind == CALL_COMMAND || call->kind == CALL_ANSWER ? d->command_id : "",
        .cause = "",
        .actor_id = d->actor.id,
        .actor_role = (uint32_t)d->actor.role,
        .simulated = d->actor.simulated,
        .at_ms = d->now_ms,
        .schema = 1,
        .handled_timer = call->commit.handled_timer,
        .handled_due_ms = call->commit.handled_due_ms,
        .handled_lane = call->commit.handled_lane,
        .handled_task = call->commit.handled_task,
        .arena = &call->arena,
        .done = on_committed,
        .user = call,
    };
    call->body = (struct bytes){0}; /* Of a run before a lost race. */
    memcpy(made.fingerprint, call->fingerprint, sizeof made.fingerprint);
    if (call->trace_id != NULL) {
        memcpy(made.trace_id, call->trace_id, TRACE_ID_SIZE);
    }
    if (call->kind == CALL_EVENT) {
        made.inbox_group = d->service;
        made.inbox_sequence = call->record_sequence;
        made.cause = event_id(call);
    } else if (call->kind == CALL_TIMER || call->kind == CALL_ANSWER) {
        made.cause = d->command_id;
    } else if (call->envelope->cause != NULL) {
        made.cause = call->envelope->cause;
    }
    call->commit = made;
}

enum fault call_save(struct call *call)
{
    fill_commit(call);
    if (!call->refused) {
        add_aggregates(call);
        add_events(call);
        add_timers(call);
        add_entries(call);
        enum fault fault = add_tasks(call);
        if (fault != FAULT_NONE) {
            return fault;
        }
        call->commit.reply = reply_of(call);
        if (call->body.size > REPLY_MAX) {
            return call_fail(call, FAULT_INTERNAL, "the reply of %s is larger than a frame may be", call->subject);
        }
    }
    call->runtime->commits[call->runtime->commit_count++] = &call->commit;
    return FAULT_NONE;
}

/* ---- What became of it ---- */

static void lost_race(struct call *call)
{
    if (++call->races >= RUNTIME_RACES_MAX) {
        call_answer(call,
            call_fail(call, FAULT_OVERLOADED, "others changed %s at the same time, again and again", call->d->root));
        return;
    }
    decide_forget(call->d);
    call->root_loaded = false;
    call->refused = false;
    call->fault = FAULT_NONE;
    call_ready(call);
}

static void on_committed(struct commit *commit)
{
    struct call *call = commit->user;
    switch (commit->outcome) {
    case COMMIT_COMMITTED:
        call_answer(call, call->refused ? call->fault : FAULT_NONE);
        return;
    case COMMIT_DUP:
        call->repeated = true;
        call->kept = commit->answer;
        call->kept_sequence = commit->answer_sequence;
        call_answer(call, FAULT_NONE);
        return;
    case COMMIT_APPLIED:
        call->repeated = true;
        call_answer(call, FAULT_NONE);
        return;
    case COMMIT_STALE:
        lost_race(call);
        return;
    case COMMIT_CONFLICT:
        call_answer(
            call, call_fail(call, FAULT_CONFLICT, "the id %s came before with other content", call->d->command_id));
        return;
    case COMMIT_UNKNOWN:
        call_answer(call, call_fail(call, FAULT_UNKNOWN, "%s", commit->why.text));
        return;
    case COMMIT_OVERLOADED:
        call_answer(call, call_fail(call, FAULT_OVERLOADED, "%s", commit->why.text));
        return;
    case COMMIT_UNAVAILABLE:
        call_answer(call, call_fail(call, FAULT_UNAVAILABLE, "%s", commit->why.text));
        return;
    }
    MUST_NOT_REACH();
}
