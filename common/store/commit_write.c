#include "common/store/commit_build.h"

#include <stdio.h>
#include <string.h>

#include "common/core/must.h"
#include "common/store/big_endian.h"
#include "common/store/body.h"
#include "common/store/keyname.h"
#include "common/store/timers.h"

/* The order of keys and arguments is drawn at `commit` in casebus.lua; this file is its other half. */

enum {
    PLAN_SIZE = 5 + 8 + 7 + FINGERPRINT_SIZE + RECORD_ID_SIZE,
    KEY_HINT = 96, /* bytes of a key or name */
};

static size_t count_entries(const struct commit *commit, bool removed)
{
    size_t count = 0;
    for (size_t i = 0; i < commit->entry_count; i++) {
        count += commit->entries[i].remove == removed;
    }
    return count;
}

static bool uses_timers(const struct commit *commit)
{
    return commit->timer_count + commit->cancel_count > 0 || commit->handled_timer != NULL;
}

static bool uses_lanes(const struct commit *commit)
{
    return commit->task_count > 0 || commit->handled_lane != NULL;
}

static size_t key_count(const struct commit *commit)
{
    const struct commit_build *build = commit->build;
    return 1 + (size_t)build->has_command + commit->state_count + commit->guard_count + (size_t)build->has_record +
           (size_t)uses_timers(commit) + (size_t)uses_lanes(commit) + (commit->handled_lane != NULL) +
           commit->task_count + commit->entry_count;
}

static size_t argument_count(const struct commit *commit)
{
    const struct commit_build *build = commit->build;
    return 2 + (size_t)build->has_command + (commit->inbox_group != NULL) + (commit->handled_timer != NULL ? 2u : 0u) +
           (commit->handled_lane != NULL ? 2u : 0u) + (build->has_record ? 3u : 0u) + commit->state_count +
           2 * commit->timer_count + commit->cancel_count + 2 * commit->task_count + 2 * count_entries(commit, false) +
           count_entries(commit, true);
}

static size_t size_hint(const struct commit *commit)
{
    const struct commit_build *build = commit->build;
    size_t size =
        (key_count(commit) + argument_count(commit)) * KEY_HINT + 2 * build->record.size + build->sealed_reply.size;
    for (size_t i = 0; i < commit->task_count; i++) {
        size += commit->tasks[i].body.size;
    }
    return size;
}

static void add_name(struct redis *redis, const struct keyname *name)
{
    redis_add(redis, name->text, name->size);
}

/* ---- keys ---- */

static void add_entry_keys(struct redis *redis, const struct commit *commit, bool removed)
{
    struct keyname name;
    for (size_t i = 0; i < commit->entry_count; i++) {
        const struct commit_entry *entry = &commit->entries[i];
        if (entry->remove == removed) {
            add_name(redis, keyname_index(&name, commit->partition, commit->service, entry->index, commit->tenant,
                                entry->group == NULL ? "" : entry->group));
        }
    }
}

static void add_aggregate_keys(struct redis *redis, const struct commit *commit)
{
    struct keyname name;
    for (size_t i = 0; i < commit->state_count; i++) {
        add_name(redis, keyname_aggregate(&name, commit->partition, commit->service, commit->states[i].kind,
                            commit->tenant, commit->states[i].id));
    }
    for (size_t i = 0; i < commit->guard_count; i++) {
        const struct commit_guard *guard = &commit->guards[i];
        add_name(
            redis, keyname_aggregate(&name, commit->partition, guard->service, guard->kind, commit->tenant, guard->id));
    }
}

static void add_keys(struct redis *redis, const struct commit *commit)
{
    const struct commit_build *build = commit->build;
    struct keyname name;
    add_name(redis, keyname_root(&name, commit->partition, commit->tenant, commit->root));
    if (build->has_command) {
        add_name(redis, keyname_command(&name, commit->partition, commit->tenant, commit->command_id));
    }
    add_aggregate_keys(redis, commit);
    if (build->has_record) {
        add_name(redis, keyname_log(&name, commit->partition));
    }
    if (uses_timers(commit)) {
        add_name(redis, keyname_timers(&name, commit->partition));
    }
    if (uses_lanes(commit)) {
        add_name(redis, keyname_lanes(&name, commit->partition));
    }
    if (commit->handled_lane != NULL) {
        add_name(redis, keyname_lane(&name, commit->partition, commit->handled_lane));
    }
    for (size_t i = 0; i < commit->task_count; i++) {
        add_name(redis, keyname_lane(&name, commit->partition, commit->tasks[i].dest));
    }
    add_entry_keys(redis, commit, false);
    add_entry_keys(redis, commit, true);
}

/* ---- arguments ---- */

static void add_plan(struct redis *redis, const struct commit *commit)
{
    const struct commit_build *build = commit->build;
    uint8_t *at = redis_add_space(redis, PLAN_SIZE);
    *at++ = build->has_command;
    *at++ = build->has_record;
    *at++ = commit->inbox_group != NULL;
    *at++ = commit->handled_timer != NULL;
    *at++ = commit->handled_lane != NULL;
    at = put_u64(at, commit->inbox_sequence);
    *at++ = (uint8_t)commit->state_count;
    *at++ = (uint8_t)commit->guard_count;
    *at++ = (uint8_t)commit->timer_count;
    *at++ = (uint8_t)commit->cancel_count;
    *at++ = (uint8_t)commit->task_count;
    *at++ = (uint8_t)count_entries(commit, false);
    *at++ = (uint8_t)count_entries(commit, true);
    memcpy(at, commit->fingerprint, FINGERPRINT_SIZE);
    memcpy(at + FINGERPRINT_SIZE, build->root.head, RECORD_ID_SIZE);
}

static void add_stamps(struct redis *redis, const struct commit *commit)
{
    uint8_t *at = redis_add_space(redis, STAMP_SIZE * (commit->state_count + commit->guard_count));
    for (size_t i = 0; i < commit->state_count; i++, at += STAMP_SIZE) {
        stamp_encode(&commit->states[i].expected, at);
    }
    for (size_t i = 0; i < commit->guard_count; i++, at += STAMP_SIZE) {
        stamp_encode(&commit->guards[i].expected, at);
    }
}

static void add_remembered(struct redis *redis, const struct commit *commit)
{
    const struct commit_build *build = commit->build;
    uint8_t *at = redis_add_space(redis, REMEMBERED_HEAD_SIZE + build->sealed_reply.size);
    memcpy(at, commit->fingerprint, FINGERPRINT_SIZE);
    at = put_u64(at + FINGERPRINT_SIZE, build->has_record ? build->root.sequence + 1 : 0);
    memcpy(at, build->sealed_reply.at, build->sealed_reply.size);
}

static void add_handled(struct redis *redis, const struct commit *commit)
{
    if (commit->inbox_group != NULL) {
        redis_add_text(redis, commit->inbox_group);
    }
    if (commit->handled_timer != NULL) {
        redis_add_int(redis, commit->handled_due_ms);
        redis_add_text(redis, commit->handled_timer);
    }
    if (commit->handled_lane != NULL) {
        char id[STREAM_ID_TEXT_SIZE];
        redis_add(redis, id, stream_id_format(commit->handled_task, id));
        redis_add_text(redis, commit->handled_lane);
    }
}

static void add_states(struct redis *redis, const struct commit *commit)
{
    const struct commit_build *build = commit->build;
    for (size_t i = 0; i < commit->state_count; i++) {
        const struct record_aggregate *aggregate = &build->aggregates[i];
        struct head head = {aggregate->schema, build->key->epoch, {aggregate->version, {0}}};
        memcpy(head.stamp.record_id, build->record_id, RECORD_ID_SIZE);
        uint8_t *at = redis_add_space(redis, HEAD_SIZE + aggregate->sealed.size);
        head_encode(&head, at);
        memcpy(at + HEAD_SIZE, aggregate->sealed.at, aggregate->sealed.size);
    }
}

static void add_timer(struct redis *redis, const struct commit *commit, const struct commit_timer *timer)
{
    redis_add_text(redis, timer_member(commit->arena, commit->service, timer->kind, commit->tenant, commit->root,
                              timer->id, timer->name));
}

static void add_lists(struct redis *redis, const struct commit *commit)
{
    for (size_t i = 0; i < commit->timer_count; i++) {
        redis_add_int(redis, commit->timers[i].due_ms);
        add_timer(redis, commit, &commit->timers[i]);
    }
    for (size_t i = 0; i < commit->cancel_count; i++) {
        add_timer(redis, commit, &commit->cancels[i]);
    }
    for (size_t i = 0; i < commit->task_count; i++) {
        redis_add_text(redis, commit->tasks[i].dest);
        redis_add(redis, commit->tasks[i].body.at, commit->tasks[i].body.size);
    }
    for (size_t i = 0; i < commit->entry_count; i++) {
        if (!commit->entries[i].remove) {
            redis_add_int(redis, commit->entries[i].sort);
            redis_add_text(redis, commit->entries[i].member);
        }
    }
    for (size_t i = 0; i < commit->entry_count; i++) {
        if (commit->entries[i].remove) {
            redis_add_text(redis, commit->entries[i].member);
        }
    }
}

static void add_arguments(struct redis *redis, const struct commit *commit)
{
    const struct commit_build *build = commit->build;
    add_plan(redis, commit);
    add_stamps(redis, commit);
    if (build->has_command) {
        add_remembered(redis, commit);
    }
    add_handled(redis, commit);
    if (build->has_record) {
        redis_add(redis, build->record.at, build->record.size);
        redis_add(redis, build->record_id, RECORD_ID_SIZE);
        redis_add_int(redis, (int64_t)build->root.sequence + 1);
    }
    add_states(redis, commit);
    add_lists(redis, commit);
}

enum fault commit_write(struct redis *redis, struct commit *first, redis_reply_fn *fn)
{
    size_t keys = 0, arguments = 0, size = 0;
    for (const struct commit *commit = first; commit != NULL; commit = commit->build->next) {
        keys += key_count(commit);
        arguments += argument_count(commit);
        size += size_hint(commit);
    }
    enum fault fault = redis_begin(redis, 3 + keys + arguments, size);
    if (fault != FAULT_NONE) {
        return fault;
    }
    redis_add(redis, "FCALL", 5);
    redis_add(redis, "cb_commit", 9);
    redis_add_int(redis, (int64_t)keys);
    for (const struct commit *commit = first; commit != NULL; commit = commit->build->next) {
        add_keys(redis, commit);
    }
    for (const struct commit *commit = first; commit != NULL; commit = commit->build->next) {
        add_arguments(redis, commit);
    }
    redis_end(redis, fn, first);
    return FAULT_NONE;
}
