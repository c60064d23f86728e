#include "tests/support/stage.h"

#include "common/bus/link.h"
#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "common/contract/json.h"
#include "common/core/clock.h"
#include "common/core/slice.h"
#include "common/service/sealing.h"
#include "proto/ops.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 256

static void die(const char *what, const char *detail)
{
    fprintf(stderr, "stage: %s: %s\n", what, detail);
    abort();
}

/* ---- Bodies ---- */

static enum fault seal_body(void *context, const struct body_about *about, struct body in, struct arena *arena,
    struct why *why, struct body *out)
{
    struct sealing sealing = {.tenant = about->tenant, .kind = about->kind, .id = about->id, .subject = about->subject};
    struct bytes sealed = sealing_seal(context, &sealing, (struct bytes){in.bytes, in.size}, arena);
    (void)why;
    *out = (struct body){sealed.at, sealed.size};
    return sealed.at != NULL ? FAULT_NONE : FAULT_UNAVAILABLE;
}

static enum fault open_body(void *context, const struct body_about *about, struct body in, struct arena *arena,
    struct why *why, struct body *out)
{
    struct sealing sealing = {.tenant = about->tenant, .kind = about->kind, .id = about->id, .subject = about->subject};
    struct bytes clear;
    (void)why;
    if (!sealing_open(context, &sealing, (struct bytes){in.bytes, in.size}, arena, &clear)) {
        return FAULT_INTERNAL;
    }
    *out = (struct body){clear.at, clear.size};
    return FAULT_NONE;
}

/* ---- Processes ---- */

static void show_log(const struct stage *stage, const char *name)
{
    char path[PATH_SIZE], line[512];
    snprintf(path, sizeof path, "%s/%s.log", stage->dir, name);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        fprintf(stderr, "%s: %s", name, line);
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* Arguments alone say everything: the environment of a test is not that of a service. */
static void become(struct stage *stage, const char *name)
{
    char program[PATH_SIZE], log[PATH_SIZE], broker[PATH_SIZE], redis[PATH_SIZE], tenants[PATH_SIZE], keys[PATH_SIZE],
        signer[PATH_SIZE];
    const char *build = getenv("SUITE_BUILD");
    snprintf(program, sizeof program, "%s/bin/casebus-%s", build != NULL ? build : "build/dev", name);
    snprintf(log, sizeof log, "%s/%s.log", stage->dir, name);
    snprintf(broker, sizeof broker, "--brokers=%s", stage->broker);
    snprintf(redis, sizeof redis, "--redis=%s", stage->redis.address);
    snprintf(tenants, sizeof tenants, "--tenants=%s/tenants.conf", stage->dir);
    snprintf(keys, sizeof keys, "--keys=%s/keys", stage->dir);
    snprintf(signer, sizeof signer, "--actor-keys=%s/actor.pub", stage->dir);
    int descriptor = open(log, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* A test that fails leaves nothing behind. */
    dup2(descriptor, STDOUT_FILENO);
    dup2(descriptor, STDERR_FILENO);
    char *const argv[] = {program, broker, redis, tenants, keys, signer, (char *)"--seeds=seeds", NULL};
    char *const environment[] = {NULL};
    execve(program, argv, environment);
    fprintf(stderr, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

static struct stage_process *find(struct stage *stage, const char *name)
{
    for (size_t i = 0; i < stage->process_count; i++) {
        if (str_same(stage->processes[i].name, name)) {
            return &stage->processes[i];
        }
    }
    die("there is no such process", name);
    return NULL;
}

void stage_restart(struct stage *stage, const char *name)
{
    struct stage_process *process = find(stage, name);
    process->pid = fork();
    if (process->pid == 0) {
        become(stage, name);
    }
}

int stage_end(struct stage *stage, const char *name, int signal)
{
    struct stage_process *process = find(stage, name);
    int status = 0;
    kill(process->pid, signal);
    if (waitpid(process->pid, &status, 0) < 0) {
        die("could not wait for", name);
    }
    process->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void add(struct stage *stage, const char *name)
{
    stage->processes[stage->process_count++] = (struct stage_process){.name = name};
    stage_restart(stage, name);
}

/* ---- Beginning and end ---- */

static void write_files(struct stage *stage)
{
    char path[PATH_SIZE], public_path[PATH_SIZE];
    struct why why = {0};
    static const char *const TENANTS[] = {"demo"};
    snprintf(path, sizeof path, "%s/tenants.conf", stage->dir);
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        die("could not write", path);
    }
    fputs("[demo]\nzone = America/New_York\nsynthetic = yes\n", file);
    fclose(file);
    snprintf(path, sizeof path, "%s/keys", stage->dir);
    if (keys_open(path, TENANTS, 1, &stage->keys, &why) != FAULT_NONE) {
        die("keys", why.text);
    }
    snprintf(path, sizeof path, "%s/actor.key", stage->dir);
    snprintf(public_path, sizeof public_path, "%s/actor.pub", stage->dir);
    if (actor_key_make(path, public_path, &why) != FAULT_NONE ||
        actor_key_load(path, &why, &stage->signer) != FAULT_NONE) {
        die("actor key", why.text);
    }
}

static void connect_client(struct stage *stage)
{
    const char *endpoints[] = {stage->broker};
    struct why why = {0};
    struct client_options options = {.endpoints = endpoints,
        .endpoint_count = 1,
        .tenant = "demo",
        .version = "test",
        .actor = {.id = "n1", .role = CASEBUS__ROLE__ROLE_NURSE, .simulated = true, .key = &stage->signer},
        .seal = {stage->keys, seal_body, open_body}};
    if (client_new(&options, &why, &stage->client) != FAULT_NONE ||
        client_wait(stage->client, STAGE_WAIT_MS, &why) != FAULT_NONE) {
        show_log(stage, "broker");
        die("no broker", why.text);
    }
}

void stage_start(struct stage *stage, const char *const *services)
{
    memset(stage, 0, sizeof *stage);
    arena_init(&stage->arena, 0);
    snprintf(stage->dir, sizeof stage->dir, "/tmp/casebus-stage-XXXXXX");
    if (mkdtemp(stage->dir) == NULL) {
        die("could not make a folder", strerror(errno));
    }
    snprintf(stage->broker, sizeof stage->broker, "ipc://%s/broker.sock", stage->dir);
    redis_fixture_start(&stage->redis, NULL);
    write_files(stage);
    add(stage, "broker");
    for (; *services != NULL; services++) {
        add(stage, *services);
    }
    connect_client(stage);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about, (void)kind, (void)walk;
    return remove(path);
}

void stage_stop(struct stage *stage)
{
    client_free(&stage->client);
    for (size_t i = stage->process_count; i-- > 0;) {
        if (stage->processes[i].pid > 0) {
            stage_end(stage, stage->processes[i].name, SIGTERM);
        }
    }
    redis_fixture_stop(&stage->redis);
    keys_close(&stage->keys);
    actor_key_wipe(&stage->signer);
    arena_done(&stage->arena);
    bus_done();
    nftw(stage->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- Calls ---- */

static struct body body_of(struct stage *stage, const char *subject, const char *json)
{
    const struct contract_message *row = contract_find_message(subject);
    ProtobufCMessage *message = NULL;
    struct why why = {0};
    if (row == NULL) {
        return (struct body){0};
    }
    if (json_cross(row, json, strlen(json), &stage->arena, &why, &message) != FAULT_NONE) {
        die(subject, why.text);
    }
    struct packed packed = contract_pack(message, &stage->arena);
    return (struct body){packed.data, packed.size};
}

static const ProtobufCMessage *unpack_reply(struct stage *stage, const struct client_result *result)
{
    const struct contract_message *row = result->outcome != NULL && result->outcome->body_type != NULL
                                             ? contract_find_message(result->outcome->body_type)
                                             : NULL;
    ProtobufCMessage *message = NULL;
    struct why why = {0};
    if (row == NULL || result->fault != FAULT_NONE) {
        return NULL;
    }
    if (contract_unpack(row->descriptor, result->reply.bytes, result->reply.size, &CROSSING_EVENT, &stage->arena, &why,
            &message) != FAULT_NONE) {
        die(row->subject, why.text);
    }
    return message;
}

static struct stage_outcome outcome_of(struct stage *stage, struct client_result *result)
{
    struct stage_outcome outcome = {.fault = result->fault,
        .why = arena_strdup(&stage->arena, result->fault != FAULT_NONE ? result->why.text : ""),
        .reply = unpack_reply(stage, result)};
    if (result->outcome != NULL) {
        outcome.root = arena_strdup(&stage->arena, result->outcome->root);
        outcome.sequence = result->outcome->sequence;
        outcome.repeated = result->outcome->repeated_command != 0;
    }
    return outcome;
}

struct stage_outcome stage_ask(struct stage *stage, struct stage_call call)
{
    struct client_actor actor = {.id = "n1",
        .role = call.role != 0 ? call.role : CASEBUS__ROLE__ROLE_NURSE,
        .simulated = true,
        .key = &stage->signer};
    struct client_call asked = {.subject = call.subject,
        .body = body_of(stage, call.subject, call.json),
        .id = call.id,
        .timeout_ms = call.timeout_ms > 0 ? call.timeout_ms : STAGE_WAIT_MS,
        .actor = &actor};
    struct client_result result;
    if (call.query) {
        client_query(stage->client, &asked, &result);
    } else {
        client_call(stage->client, &asked, &result);
    }
    struct stage_outcome outcome = outcome_of(stage, &result);
    client_result_done(&result);
    return outcome;
}

static size_t count_events(const Ops__RootRecords *records, const char *event)
{
    size_t count = 0;
    for (size_t i = 0; records != NULL && i < records->n_records; i++) {
        for (size_t e = 0; e < records->records[i]->n_events; e++) {
            count += str_same(records->records[i]->events[e]->subject, event);
        }
    }
    return count;
}

/* Asked again and again: what it takes is given back at once. */
size_t stage_count(struct stage *stage, const char *root, const char *event)
{
    struct arena kept = stage->arena;
    arena_init(&stage->arena, 0);
    const char *json = arena_printf(&stage->arena, "{\"root\": \"%s\"}", root);
    struct stage_outcome outcome =
        stage_ask(stage, (struct stage_call){.subject = "ops.ReadRoot", .json = json, .query = true});
    if (outcome.fault != FAULT_NONE && outcome.fault != FAULT_UNAVAILABLE) {
        die("ops.ReadRoot", outcome.why);
    }
    size_t count = count_events((const Ops__RootRecords *)outcome.reply, event);
    arena_done(&stage->arena);
    stage->arena = kept;
    return count;
}

bool stage_sees(struct stage *stage, const char *root, const char *event)
{
    int64_t until_ms = clock_monotonic_ms() + STAGE_WAIT_MS;
    while (clock_monotonic_ms() < until_ms) {
        if (stage_count(stage, root, event) > 0) {
            return true;
        }
    }
    for (size_t i = 0; i < stage->process_count; i++) {
        show_log(stage, stage->processes[i].name);
    }
    return false;
}
