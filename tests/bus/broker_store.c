#include "tests/bus/broker_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/core/must.h"
#include "common/service/names.h"
#include "common/service/sealing.h"
#include "common/store/start.h"
#include "tests/store/store_fixture.h"

struct broker_store {
    struct store_fixture fixture;
    unsigned commits;
};

struct broker_store *broker_store_start(void)
{
    struct broker_store *store = calloc(1, sizeof *store);
    MUST(store);
    store_fixture_start(&store->fixture, NULL);
    return store;
}

void broker_store_stop(struct broker_store **store)
{
    store_fixture_stop(&(*store)->fixture);
    free(*store);
    *store = NULL;
}

const char *broker_store_address(const struct broker_store *store)
{
    return store->fixture.redis.address;
}

void broker_store_kill(struct broker_store *store)
{
    redis_fixture_kill(&store->fixture.redis);
}

void broker_store_restart(struct broker_store *store)
{
    redis_fixture_restart(&store->fixture.redis, NULL);
    store_fixture_reconnect(&store->fixture);
}

static void commit_next(struct broker_store *store, struct commit *commit)
{
    arena_reset(&store->fixture.arena);
    assert_int_equal(commit_now(&store->fixture, commit), COMMIT_COMMITTED);
}

void broker_store_event(struct broker_store *store, const char *root, const char *subject)
{
    char id[32], root_id[32];
    snprintf(id, sizeof id, "cmd-%u", ++store->commits);
    snprintf(root_id, sizeof root_id, "00a-%s", root);
    struct commit_event event = {subject, bytes_of_text("what happened")};
    struct commit commit = commit_of(&store->fixture, id);
    commit.root = root_id;
    commit.event_count = 1;
    commit.events = &event;
    commit_next(store, &commit);
}

static struct sealing about(const char *kind, const char *lane, const char *subject)
{
    return (struct sealing){.tenant = DEMO, .kind = kind, .id = "task-1", .subject = subject, .lane = lane};
}

void broker_store_task(struct broker_store *store, const char *lane, const char *subject, const void *body, size_t size)
{
    char id[32];
    uint8_t packed[512];
    struct arena arena;
    arena_init(&arena, 0);
    snprintf(id, sizeof id, "cmd-%u", ++store->commits);
    Casebus__Envelope envelope = CASEBUS__ENVELOPE__INIT;
    envelope.id = "task-1";
    envelope.subject = subject;
    envelope.tenant = DEMO;
    envelope.root = ROOT;
    envelope.key = "auth-1";
    envelope.kind = "authorization";
    envelope.asker = "claims";
    struct sealing sealing = about("task", lane, subject);
    struct task_parts parts = {.verb = VERB_TASK, .tenant = DEMO, .root = ROOT};
    parts.envelope = bytes_of(packed, casebus__envelope__pack(&envelope, packed));
    parts.body = sealing_seal(store->fixture.keys, &sealing, bytes_of(body, size), &arena);
    struct commit_task task = {lane, task_pack(&parts, &arena)};
    struct commit commit = commit_of(&store->fixture, id);
    commit.task_count = 1;
    commit.tasks = &task;
    commit_next(store, &commit);
    arena_done(&arena);
}

void broker_store_lane_key(struct broker_store *store, const char *payer, const char *folder)
{
    char path[256];
    struct why why;
    snprintf(path, sizeof path, "%s/%s.lane", folder, payer);
    assert_int_equal(keys_export_lane(store->fixture.keys, DEMO, payer, path, &why), FAULT_NONE);
}

size_t broker_store_open(
    struct broker_store *store, const char *lane, const char *subject, const void *sealed, size_t size, uint8_t *out)
{
    struct arena arena;
    struct bytes clear = {0};
    arena_init(&arena, 0);
    struct sealing sealing = about("decided", lane, subject);
    bool opens = sealing_open(store->fixture.keys, &sealing, bytes_of(sealed, size), &arena, &clear);
    if (opens) {
        memcpy(out, clear.at, clear.size);
    }
    arena_done(&arena);
    return opens ? clear.size : 0;
}
