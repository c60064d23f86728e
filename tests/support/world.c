#include "tests/support/world.h"

#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "common/contract/json.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/decide.h"
#include "common/service/sealing.h"
#include "common/store/record.h"

#include "tests/support/world_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct bytes keep_bytes(struct world *world, struct bytes bytes)
{
    return bytes_of(arena_memdup(&world->arena, bytes.at, bytes.size), bytes.size);
}

/* ---- The store in memory ---- */

static struct world_kept *find_kept(struct world *world, const char *key)
{
    for (size_t i = 0; i < world->kept_count; i++) {
        if (str_same(world->kept[i].key, key)) {
            return &world->kept[i];
        }
    }
    return NULL;
}

static const char *key_of(
    struct world *world, const char *service, const char *kind, const char *tenant, const char *id)
{
    return arena_printf(&world->arena, "%s:%s:%s:%s", service, kind, tenant, id);
}

static struct world_root *require_root(struct world *world, const char *id)
{
    for (size_t i = 0; i < world->root_count; i++) {
        if (str_same(world->roots[i].id, id)) {
            return &world->roots[i];
        }
    }
    MUST(world->root_count < WORLD_KEPT_MAX);
    world->roots[world->root_count] = (struct world_root){.id = arena_strdup(&world->arena, id)};
    return &world->roots[world->root_count++];
}

static struct world_command *find_command(struct world *world, const char *id)
{
    for (size_t i = 0; id != NULL && i < world->command_count; i++) {
        if (str_same(world->commands[i].id, id)) {
            return &world->commands[i];
        }
    }
    return NULL;
}

static void carry_out_load(struct world *world, struct load *load)
{
    if (load->root != NULL) {
        const struct world_root *root = require_root(world, load->root);
        load->root_state = root->state;
        load->inbox = load->group != NULL ? root->inbox : 0;
    }
    const struct world_command *known = find_command(world, load->command_id);
    if (known != NULL) {
        load->seen = true;
        memcpy(load->fingerprint, known->fingerprint, FINGERPRINT_SIZE);
        load->reply = known->reply;
        load->sequence = known->sequence;
    }
    for (size_t i = 0; i < load->count; i++) {
        struct load_aggregate *wanted = &load->aggregates[i];
        const struct world_kept *kept =
            find_kept(world, key_of(world, wanted->service, wanted->kind, load->tenant, wanted->id));
        if (kept != NULL) {
            wanted->stamp = kept->stamp;
            wanted->schema = 1;
            wanted->body = kept->body;
        }
    }
}

static bool is_current(struct world *world, const char *key, const struct stamp *expected)
{
    const struct world_kept *kept = find_kept(world, key);
    return kept == NULL ? expected->version == 0 : kept->stamp.version == expected->version;
}

static bool all_current(struct world *world, const struct commit *commit)
{
    for (size_t i = 0; i < commit->state_count; i++) {
        const struct commit_state *state = &commit->states[i];
        if (!is_current(
                world, key_of(world, commit->service, state->kind, commit->tenant, state->id), &state->expected)) {
            return false;
        }
    }
    for (size_t i = 0; i < commit->guard_count; i++) {
        const struct commit_guard *guard = &commit->guards[i];
        if (!is_current(
                world, key_of(world, guard->service, guard->kind, commit->tenant, guard->id), &guard->expected)) {
            return false;
        }
    }
    return true;
}

static void put(struct world *world, const char *key, struct bytes body)
{
    struct world_kept *kept = find_kept(world, key);
    if (kept == NULL) {
        MUST(world->kept_count < WORLD_KEPT_MAX);
        kept = &world->kept[world->kept_count++];
        *kept = (struct world_kept){.key = key};
    }
    kept->stamp.version++;
    kept->body = keep_bytes(world, body);
}

static void write_all(struct world *world, struct commit *commit)
{
    struct world_root *root = require_root(world, commit->root);
    for (size_t i = 0; i < commit->state_count; i++) {
        put(world, key_of(world, commit->service, commit->states[i].kind, commit->tenant, commit->states[i].id),
            commit->states[i].body);
    }
    if (commit->state_count + commit->event_count + commit->task_count > 0) {
        root->state.sequence++;
        root->state.last = (struct stream_id){(uint64_t)world->now.wall_ms, root->state.sequence};
    }
    if (commit->inbox_group != NULL) {
        root->inbox = commit->inbox_sequence;
    }
    if (commit->command_id[0] != '\0') {
        struct world_command *command = &world->commands[world->command_count++];
        *command = (struct world_command){.id = arena_strdup(&world->arena, commit->command_id),
            .reply = keep_bytes(world, commit->reply),
            .sequence = root->state.sequence};
        memcpy(command->fingerprint, commit->fingerprint, FINGERPRINT_SIZE);
    }
    commit->root_after = root->state;
}

static enum commit_outcome judge(struct world *world, struct commit *commit)
{
    const struct world_command *known = find_command(world, commit->command_id);
    if (world->answer_commits_with_set > 0) {
        world->answer_commits_with_set--;
        return world->answer_commits_with;
    }
    if (known != NULL) {
        bool same = memcmp(known->fingerprint, commit->fingerprint, FINGERPRINT_SIZE) == 0;
        commit->answer = known->reply;
        commit->answer_sequence = known->sequence;
        return same ? COMMIT_DUP : COMMIT_CONFLICT;
    }
    if (commit->inbox_group != NULL && require_root(world, commit->root)->inbox >= commit->inbox_sequence) {
        return COMMIT_APPLIED;
    }
    if (world->lose_races > 0) {
        world->lose_races--;
        return COMMIT_STALE;
    }
    return all_current(world, commit) ? COMMIT_COMMITTED : COMMIT_STALE;
}

void world_store(struct world *world)
{
    size_t loads = world->load_count, commits = world->commit_count, scans = world->scan_count;
    struct load *load_list[WORLD_QUEUE_MAX];
    struct commit *commit_list[WORLD_QUEUE_MAX];
    struct index_scan *scan_list[WORLD_QUEUE_MAX];
    memcpy(load_list, world->loads, sizeof load_list);
    memcpy(commit_list, world->commits, sizeof commit_list);
    memcpy(scan_list, world->scans, sizeof scan_list);
    world->load_count = world->commit_count = world->scan_count = 0;
    for (size_t i = 0; i < loads; i++) {
        carry_out_load(world, load_list[i]);
        load_list[i]->done(load_list[i]);
    }
    for (size_t i = 0; i < scans; i++) {
        scan_list[i]->done(scan_list[i]);
    }
    for (size_t i = 0; i < commits; i++) {
        commit_list[i]->outcome = judge(world, commit_list[i]);
        if (commit_list[i]->outcome == COMMIT_COMMITTED) {
            write_all(world, commit_list[i]);
        }
        world->commits_done++;
        commit_list[i]->done(commit_list[i]);
    }
}

/* ---- The port ---- */

static enum fault send_load(void *context, struct load *load)
{
    struct world *world = context;
    if (world->is_down) {
        return FAULT_UNAVAILABLE;
    }
    world->loads[world->load_count++] = load;
    world->loads_seen++;
    return FAULT_NONE;
}

/* What tests look at must outlive the call whose arena it lies in. */
static void keep_last(struct world *world, const struct commit *commit)
{
    struct arena *arena = &world->arena;
    struct commit_task *tasks = ARENA_ARRAY(arena, struct commit_task, commit->task_count);
    for (size_t i = 0; i < commit->task_count; i++) {
        tasks[i] =
            (struct commit_task){arena_strdup(arena, commit->tasks[i].dest), keep_bytes(world, commit->tasks[i].body)};
    }
    world->last = *commit;
    world->last.actor_id = arena_strdup(arena, commit->actor_id);
    world->last.cause = arena_strdup(arena, commit->cause);
    world->last.inbox_group = arena_strdup(arena, commit->inbox_group);
    world->last.handled_timer = arena_strdup(arena, commit->handled_timer);
    world->last.handled_lane = arena_strdup(arena, commit->handled_lane);
    world->last.tasks = tasks;
}

static enum fault send_commits(void *context, struct commit *const *commits, size_t count, struct why *why)
{
    struct world *world = context;
    if (world->is_down) {
        why_set(why, "redis is down");
        return FAULT_UNAVAILABLE;
    }
    for (size_t i = 0; i < count; i++) {
        if (str_same(commits[i]->command_id, "too-large")) { /* As the store: none of them is sent. */
            why_set(why, "a body is too large");
            return FAULT_INVALID;
        }
    }
    for (size_t i = 0; i < count; i++) {
        world->commits[world->commit_count++] = commits[i];
        keep_last(world, commits[i]);
    }
    world->commits_seen += (unsigned)count;
    world->batches_seen++;
    world->most_together =
        world->commit_count > world->most_together ? (unsigned)world->commit_count : world->most_together;
    return FAULT_NONE;
}

static enum fault send_scan(void *context, struct index_scan *scan)
{
    struct world *world = context;
    world->scans[world->scan_count++] = scan;
    return FAULT_NONE;
}

static void open_answer_body(struct world *world, const struct outgoing *out, struct world_answer *answer)
{
    for (size_t i = 0; out->body.size > 0 && i < world->sent_count; i++) {
        if (world->sent[i].tag != out->tag) {
            continue;
        }
        struct sealing about = {.tenant = "demo",
            .kind = out->verb == VERB_QRS ? "answer" : "reply",
            .id = world->sent[i].id,
            .subject = world->sent[i].subject};
        MUST(out->sealed);
        MUST(sealing_open(world->keys, &about, out->body, &world->arena, &answer->body));
    }
}

static const struct world_sent *sent_as(const struct world *world, uint64_t tag)
{
    static const struct world_sent NONE = {.id = "", .subject = "", .tenant = ""};
    for (size_t i = 0; i < world->sent_count; i++) {
        if (world->sent[i].tag == tag) {
            return &world->sent[i];
        }
    }
    return &NONE;
}

/* As who asked would: a client with its tenant's key, the edge with the lane's. */
static const char *open_why(struct world *world, const struct world_answer *answer)
{
    const Casebus__Outcome *outcome = answer->outcome;
    const struct world_sent *sent = sent_as(world, answer->tag);
    if (!outcome->has_sealed_why || (outcome->lane == NULL && sent->tag == 0)) {
        return outcome->why != NULL ? outcome->why : "";
    }
    struct sealing about = {.tenant = sent->tenant, .kind = "refusal", .id = sent->id, .subject = sent->subject};
    if (outcome->lane != NULL) {
        about = (struct sealing){
            .tenant = "demo", .kind = "refusal", .id = outcome->task, .subject = "", .lane = outcome->lane};
    }
    struct bytes clear, sealed = {outcome->sealed_why.data, outcome->sealed_why.len};
    MUST(sealing_open(world->keys, &about, sealed, &world->arena, &clear));
    return arena_strndup(&world->arena, (const char *)clear.at, clear.size);
}

static void take_answer(void *context, const struct outgoing *out)
{
    struct world *world = context;
    MUST(world->answer_count < WORLD_ANSWERS_MAX);
    struct world_answer *answer = &world->answers[world->answer_count++];
    *answer = (struct world_answer){.verb = out->verb,
        .status = out->status,
        .tag = out->tag,
        .ttl_ms = out->ttl_ms,
        .repeat = out->repeat,
        .bell = out->bell,
        .bell_lanes = out->bell_lanes};
    ProtobufCMessage *outcome = NULL;
    struct bytes envelope = keep_bytes(world, out->envelope);
    MUST(contract_unpack(&casebus__outcome__descriptor, envelope.at, envelope.size, &CROSSING_EVENT, &world->arena,
             NULL, &outcome) == FAULT_NONE);
    answer->outcome = (const Casebus__Outcome *)outcome;
    answer->fault = answer->outcome->fault != NULL ? answer->outcome->fault : "";
    answer->why = open_why(world, answer);
    open_answer_body(world, out, answer);
}

static void take_report(void *context, const struct report *report)
{
    struct world *world = context;
    struct report *kept = &world->reports[world->report_count++];
    *kept = *report;
    kept->method = arena_strdup(&world->arena, report->method);
    kept->why = arena_strdup(&world->arena, report->why);
}

static int64_t now_us(void *context)
{
    return ((struct world *)context)->now.monotonic_ms * 1000;
}

/* ---- Beginning and end ---- */

static void write_tenants(const char *path)
{
    FILE *file = fopen(path, "we");
    MUST(file != NULL);
    fputs("[demo]\nzone = America/New_York\nsynthetic = yes\n[real]\nzone = America/Chicago\nsynthetic = no\n", file);
    fclose(file);
}

static void make_keys(struct world *world)
{
    static const char *const TENANTS[] = {"demo", "real"};
    struct why why = {0};
    char path[128], public_path[128];
    snprintf(path, sizeof path, "%s/keys", world->dir);
    MUST(keys_open(path, TENANTS, ARRAY_LENGTH(TENANTS), &world->keys, &why) == FAULT_NONE);
    snprintf(path, sizeof path, "%s/actor.key", world->dir);
    snprintf(public_path, sizeof public_path, "%s/actor.pub", world->dir);
    MUST(actor_key_make(path, public_path, &why) == FAULT_NONE);
    MUST(actor_key_load(path, &why, &world->signer) == FAULT_NONE);
    MUST(actor_trust_load(&world->trust, public_path, &why) == FAULT_NONE);
}

void world_begin(struct world *world, const struct service *service, unsigned calls_max)
{
    char path[128];
    struct why why = {0};
    memset(world, 0, sizeof *world);
    arena_init(&world->arena, 0);
    snprintf(world->dir, sizeof world->dir, "/tmp/casebus-world-XXXXXX");
    MUST(mkdtemp(world->dir) != NULL);
    snprintf(path, sizeof path, "%s/tenants.conf", world->dir);
    write_tenants(path);
    MUST(tenants_load(path, &world->tenants, &why) == FAULT_NONE);
    make_keys(world);
    world->now = (struct loop_now){.monotonic_ms = 1000, .wall_ms = WORLD_NOW_MS};
    world->port = (struct runtime_port){.context = world,
        .load = send_load,
        .commit = send_commits,
        .scan = send_scan,
        .answer = take_answer,
        .report = take_report,
        .now_us = now_us};
    struct runtime_options options = {.service = service,
        .port = &world->port,
        .tenants = world->tenants,
        .keys = world->keys,
        .trust = &world->trust,
        .durability = "always",
        .calls_max = calls_max};
    world->runtime = runtime_new(&options);
}

void world_done(struct world *world)
{
    static const char *const FILES[] = {
        "tenants.conf", "actor.key", "actor.pub", "keys/root.key", "keys/tenants.keys", "keys/lock", "keys"};
    MUST(runtime_in_flight(world->runtime) == 0);
    runtime_free(&world->runtime);
    tenants_free(&world->tenants);
    keys_close(&world->keys);
    arena_done(&world->arena);
    for (size_t i = 0; i < ARRAY_LENGTH(FILES); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", world->dir, FILES[i]);
        (void)remove(path);
    }
    (void)remove(world->dir);
}

/* ---- Calls ---- */

static uint64_t tags;

static uint64_t receive(struct world *world, enum verb verb, const Casebus__Envelope *envelope, struct bytes body,
    bool sealed, uint32_t ttl_ms)
{
    struct packed packed = {0};
    if (envelope != NULL) {
        packed = contract_pack(&envelope->base, &world->arena);
    }
    struct incoming in = {.session = 1,
        .verb = verb,
        .tag = ++tags,
        .ttl_ms = ttl_ms,
        .sealed = sealed,
        .envelope = {packed.data, packed.size},
        .body = body};
    runtime_receive(world->runtime, world->now, &in);
    return in.tag;
}

static struct bytes body_of_json(struct world *world, const char *subject, const char *json)
{
    const struct contract_message *row = contract_find_message(subject);
    ProtobufCMessage *message = NULL;
    struct why why = {0};
    if (row == NULL || json == NULL) {
        return (struct bytes){0};
    }
    MUST(json_read(row, json, strlen(json), &world->arena, &why, &message) == FAULT_NONE);
    struct packed packed = contract_pack(message, &world->arena);
    return bytes_of(packed.data, packed.size);
}

uint64_t world_call(struct world *world, struct world_call call)
{
    static unsigned count;
    struct actor_proof proof;
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    const char *id = call.id != NULL ? call.id : arena_printf(&world->arena, "call-%u", ++count);
    envelope.id = (char *)id;
    envelope.subject = (char *)call.subject;
    envelope.tenant = (char *)(call.tenant != NULL ? call.tenant : "demo");
    envelope.root = (char *)call.root;
    envelope.lane = (char *)call.lane;
    envelope.actor_id = (char *)"n1";
    envelope.has_actor_role = 1;
    envelope.actor_role = call.role != 0 ? call.role : CASEBUS__ROLE__ROLE_NURSE;
    envelope.has_actor_simulated = 1;
    envelope.actor_simulated = call.simulated;
    envelope.has_issued_at_ms = envelope.has_expires_at_ms = 1;
    envelope.issued_at_ms = world->now.wall_ms;
    envelope.expires_at_ms = world->now.wall_ms + 60000;
    envelope.has_expect_version = call.expect_version > 0;
    envelope.expect_version = call.expect_version;
    if (!call.unsigned_actor) {
        MUST(actor_sign(&world->signer, &envelope, &proof));
    }
    struct bytes clear = body_of_json(world, call.subject, call.json);
    struct sealing about = {
        .tenant = envelope.tenant, .kind = call.query ? "query" : "command", .id = id, .subject = call.subject};
    struct bytes body =
        call.clear_body || clear.size == 0 ? clear : sealing_seal(world->keys, &about, clear, &world->arena);
    world->sent[world->sent_count++] = (struct world_sent){tags + 1, id, call.subject, envelope.tenant};
    return receive(world, call.query ? VERB_QRY : VERB_CMD, &envelope, body, !call.clear_body, call.ttl_ms);
}

uint64_t world_timer(
    struct world *world, const char *root, const char *kind, const char *key, const char *name, int64_t due_ms)
{
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.id = (char *)"timer-1";
    envelope.subject = (char *)"intake.timer";
    envelope.tenant = (char *)"demo";
    envelope.root = (char *)root;
    envelope.kind = (char *)kind;
    envelope.key = (char *)key;
    envelope.timer = (char *)name;
    envelope.has_due_at_ms = 1;
    envelope.due_at_ms = due_ms;
    return receive(world, VERB_CMD, &envelope, (struct bytes){0}, false, 0);
}

uint64_t world_event(
    struct world *world, const char *root, uint64_t sequence, const ProtobufCMessage *const *events, size_t count)
{
    struct bytes *bodies = ARENA_ARRAY(&world->arena, struct bytes, count);
    const char **subjects = ARENA_ARRAY(&world->arena, const char *, count);
    const struct key *key = keys_current(world->keys, KEY_STORE, "demo");
    struct bytes record;
    struct why why = {0};
    for (size_t i = 0; i < count; i++) {
        settle((ProtobufCMessage *)events[i]);
        struct packed packed = contract_pack(events[i], &world->arena);
        bodies[i] = bytes_of(packed.data, packed.size);
        subjects[i] = contract_of(events[i]->descriptor)->subject;
    }
    struct record_header header = {.root = root,
        .tenant = "demo",
        .service = "intake",
        .command_id = "c-1",
        .cause = "",
        .actor_id = "n1",
        .actor_role = CASEBUS__ROLE__ROLE_NURSE,
        .at_ms = world->now.wall_ms,
        .schema = 1,
        .key_epoch = key->epoch,
        .sequence = sequence,
        .event_count = count,
        .subjects = subjects};
    struct bytes sealed = record_seal_events(key, "demo", root, sequence, count, bodies, &world->arena);
    MUST(record_encode(&header, sealed, &world->arena, &record, &why) == FAULT_NONE);
    return receive(world, VERB_EVT, NULL, record, true, 0);
}

uint64_t world_task(struct world *world, size_t i, bool forge)
{
    struct bytes envelope, body;
    ProtobufCMessage *message = NULL;
    MUST(world_task_parse(world->last.tasks[i].body, &envelope, &body));
    MUST(contract_unpack(&casebus__envelope__descriptor, envelope.at, envelope.size, &CROSSING_EVENT, &world->arena,
             NULL, &message) == FAULT_NONE);
    Casebus__Envelope *opened = (Casebus__Envelope *)message;
    opened->actor_id = forge ? (char *)"somebody-else" : opened->actor_id;
    return receive(world, VERB_CMD, opened, body, true, 0);
}

uint64_t world_decide(struct world *world, size_t i, const char *subject, const char *json, const char *lane)
{
    struct bytes envelope, body, clear;
    ProtobufCMessage *message = NULL;
    MUST(world_task_parse(world->last.tasks[i].body, &envelope, &body));
    MUST(contract_unpack(&casebus__envelope__descriptor, envelope.at, envelope.size, &CROSSING_EVENT, &world->arena,
             NULL, &message) == FAULT_NONE);
    Casebus__Envelope *task = (Casebus__Envelope *)message;
    struct sealing asked = {
        .tenant = "demo", .kind = "task", .id = task->id, .subject = task->subject, .lane = world->last.tasks[i].dest};
    MUST(sealing_open(world->keys, &asked, body, &world->arena, &clear));
    struct sealing answered = {.tenant = "demo",
        .kind = "decided",
        .id = task->id,
        .subject = subject,
        .lane = lane != NULL ? lane : asked.lane};
    task->subject = subject;
    task->lane = asked.lane;
    task->entry = "5-1";
    struct bytes sealed = sealing_seal(world->keys, &answered, body_of_json(world, subject, json), &world->arena);
    return receive(world, VERB_ANSWER, task, sealed, true, 0);
}

void world_turn(struct world *world)
{
    runtime_turn(world->runtime, world->now);
}

void world_run(struct world *world)
{
    do {
        world_turn(world);
        world_store(world);
        world_turn(world);
    } while (world->load_count + world->commit_count + world->scan_count > 0);
}

const struct world_answer *world_answer(const struct world *world, uint64_t tag)
{
    for (size_t i = 0; i < world->answer_count; i++) {
        if (world->answers[i].tag == tag) {
            return &world->answers[i];
        }
    }
    return NULL;
}

const void *world_state(struct world *world, const char *kind, const char *id)
{
    const struct world_kept *kept = find_kept(world, key_of(world, "intake", kind, "demo", id));
    ProtobufCMessage *state = NULL;
    if (kept == NULL) {
        return NULL;
    }
    MUST(contract_unpack(contract_aggregate("intake", kind)->message->descriptor, kept->body.at, kept->body.size,
             &CROSSING_STATE, &world->arena, NULL, &state) == FAULT_NONE);
    return state;
}

void world_know(struct world *world, const ProtobufCMessage *state)
{
    const struct contract_aggregate *row = contract_of(state->descriptor)->aggregate;
    settle((ProtobufCMessage *)state);
    struct packed packed = contract_pack(state, &world->arena);
    put(world, key_of(world, row->service, row->kind, "demo", contract_string_at(state, row->key)),
        bytes_of(packed.data, packed.size));
}
