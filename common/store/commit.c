#include "common/store/commit.h"

#include "common/store/commit_build.h"

#include <string.h>

#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/store/body.h"

#define SORT_MAX (INT64_C(1) << 53) /* what the sort keys of Redis hold exactly */

static bool lists_fit(const struct commit *commit)
{
    return commit->state_count + commit->guard_count <= COMMIT_LIST_MAX && commit->event_count <= COMMIT_LIST_MAX &&
           commit->timer_count + commit->cancel_count <= COMMIT_LIST_MAX && commit->task_count <= COMMIT_LIST_MAX &&
           commit->entry_count <= COMMIT_LIST_MAX;
}

static bool sort_keys_fit(const struct commit *commit)
{
    for (size_t i = 0; i < commit->timer_count; i++) {
        if (commit->timers[i].due_ms < 0 || commit->timers[i].due_ms > SORT_MAX) {
            return false;
        }
    }
    for (size_t i = 0; i < commit->entry_count; i++) {
        const struct commit_entry *entry = &commit->entries[i];
        if (!entry->remove && (entry->sort < -SORT_MAX || entry->sort > SORT_MAX)) {
            return false;
        }
    }
    return true;
}

static enum fault check(const struct store *store, const struct commit *commit, struct why *why)
{
    MUST(commit->partition < PARTITIONS);
    MUST(commit->inbox_group == NULL || commit->inbox_sequence > 0);
    if (!lists_fit(commit)) {
        why_set(why, "cannot commit for %s: a list has more than %d entries", commit->root, COMMIT_LIST_MAX);
        return FAULT_INVALID;
    }
    if (!sort_keys_fit(commit)) {
        why_set(why, "cannot commit for %s: a due time or sort key is beyond 53 bits", commit->root);
        return FAULT_INVALID;
    }
    if (store->keys == NULL || keys_current(store->keys, KEY_STORE, commit->tenant) == NULL) {
        why_set(why, "cannot commit for %s: there is no key for tenant %s", commit->root, commit->tenant);
        return FAULT_INVALID;
    }
    return FAULT_NONE;
}

static bool needs_record(const struct commit *commit)
{
    return commit->state_count + commit->event_count + commit->timer_count + commit->cancel_count + commit->task_count +
               commit->entry_count >
           0;
}

static void seal_states(struct commit *commit, struct commit_build *build)
{
    build->aggregates = ARENA_ARRAY(commit->arena, struct record_aggregate, commit->state_count);
    for (size_t i = 0; i < commit->state_count; i++) {
        const struct commit_state *state = &commit->states[i];
        uint64_t version = state->expected.version + 1;
        struct seal_about about =
            about_state(commit->arena, commit->service, state->kind, commit->tenant, state->id, version);
        struct bytes sealed = body_seal(build->key, &about, state->body, commit->arena);
        build->aggregates[i] = (struct record_aggregate){state->kind, state->id, version, state->schema, sealed};
    }
}

enum fault commit_prepare(struct store *store, struct commit *commit, struct why *why)
{
    enum fault fault = check(store, commit, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    struct commit_build *build = ARENA_NEW(commit->arena, struct commit_build);
    build->store = store;
    build->key = keys_current(store->keys, KEY_STORE, commit->tenant);
    build->has_record = needs_record(commit);
    build->has_command = !str_is_empty(commit->command_id);
    build->bodies = ARENA_ARRAY(commit->arena, struct bytes, commit->event_count);
    for (size_t i = 0; i < commit->event_count; i++) {
        build->bodies[i] = commit->events[i].body;
    }
    seal_states(commit, build);
    if (build->has_command) {
        struct seal_about about = about_reply(commit->tenant, commit->command_id);
        build->sealed_reply = body_seal(build->key, &about, commit->reply, commit->arena);
    }
    commit->build = build;
    commit->answer = bytes_of(NULL, 0);
    commit->answer_sequence = 0;
    commit->why.text[0] = '\0';
    return commit_chain(commit, &commit->expected_root, why);
}

static struct record_header header_of(const struct commit *commit, const char **subjects)
{
    const struct commit_build *build = commit->build;
    struct record_header header = {
        .root = commit->root,
        .tenant = commit->tenant,
        .service = commit->service,
        .command_id = build->has_command ? commit->command_id : "",
        .cause = commit->cause == NULL ? "" : commit->cause,
        .actor_id = commit->actor_id,
        .actor_role = commit->actor_role,
        .simulated = commit->simulated,
        .at_ms = commit->at_ms,
        .schema = commit->schema,
        .key_epoch = build->key->epoch,
        .sequence = build->root.sequence + 1,
        .previous = build->root.last,
        .aggregate_count = commit->state_count,
        .aggregates = build->aggregates,
        .event_count = commit->event_count,
        .subjects = subjects,
    };
    memcpy(header.trace_id, commit->trace_id, TRACE_ID_SIZE);
    memcpy(header.previous_id, build->root.head, RECORD_ID_SIZE);
    return header;
}

enum fault commit_chain(struct commit *commit, const struct root_state *root, struct why *why)
{
    struct commit_build *build = commit->build;
    build->root = *root;
    if (!build->has_record) {
        return FAULT_NONE;
    }
    const char *subjects[COMMIT_LIST_MAX];
    for (size_t i = 0; i < commit->event_count; i++) {
        subjects[i] = commit->events[i].subject;
    }
    struct bytes events = bytes_of(NULL, 0);
    if (commit->event_count > 0) {
        events = record_seal_events(build->key, commit->tenant, commit->root, root->sequence + 1, commit->event_count,
            build->bodies, commit->arena);
    }
    struct record_header header = header_of(commit, subjects);
    enum fault fault = record_encode(&header, events, commit->arena, &build->record, why);
    if (fault == FAULT_NONE) {
        record_id(root->head, build->record, build->record_id);
    }
    return fault;
}
