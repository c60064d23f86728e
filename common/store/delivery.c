#include "common/store/delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "common/store/keyname.h"
#include "common/store/library.h"
#include "common/store/reply.h"

enum {
    MEMBER_SIZE = 2 * ID_SIZE,       /* tenant:root */
    ATTEMPT_SIZE = MEMBER_SIZE + 24, /* tenant:root:sequence */
    KEYS_MAX = 4,
};

/* Whom a reply belongs to. Kept by the store for the next one, once it is answered. */
struct question {
    struct store *store;
    struct redis *redis;
    struct question *next;
    union {
        lease_fn *lease;
        delivery_fn *delivery;
        attempt_fn *attempt;
    } fn;
    void *user;
};

/* A function call that is being written: name, keys, then `arguments` arguments that the caller adds. */
struct call {
    const char *function;
    size_t key_count;
    struct keyname keys[KEYS_MAX];
    size_t arguments;
};

static enum fault call_begin(struct store *store, uint32_t partition, const struct call *call)
{
    struct redis *redis = shard_of(store->shards, partition);
    size_t argc = 3 + call->key_count + call->arguments;
    enum fault fault = redis_begin(redis, argc, argc * KEYNAME_LENGTH_MAX);
    if (fault != FAULT_NONE) {
        return fault;
    }
    redis_add_text(redis, "FCALL");
    redis_add_text(redis, call->function);
    redis_add_int(redis, (int64_t)call->key_count);
    for (size_t i = 0; i < call->key_count; i++) {
        redis_add(redis, call->keys[i].text, call->keys[i].size);
    }
    return FAULT_NONE;
}

/* The two arguments that every fenced function begins with. */
static void add_lease(struct redis *redis, const struct lease *lease)
{
    redis_add_text(redis, lease->owner);
    redis_add_int(redis, (int64_t)lease->epoch);
}

static void add_stream_id(struct redis *redis, struct stream_id id)
{
    char text[STREAM_ID_TEXT_SIZE];
    redis_add(redis, text, stream_id_format(id, text));
}

static void add_member(struct redis *redis, const struct delivery_record *record)
{
    char member[MEMBER_SIZE];
    int size = snprintf(member, sizeof member, "%s:%s", record->tenant, record->root);
    MUST(size > 0 && (size_t)size < sizeof member);
    redis_add(redis, member, (size_t)size);
}

static void call_end(struct store *store, struct redis *redis, redis_reply_fn *on_reply, struct question question)
{
    struct question *kept = store->questions;
    if (kept != NULL) {
        store->questions = kept->next;
    } else {
        kept = malloc(sizeof *kept);
        MUST(kept != NULL);
    }
    *kept = question;
    kept->store = store;
    kept->redis = redis;
    redis_end(redis, on_reply, kept);
}

static struct question take_question(void *user)
{
    struct question *kept = user, question = *kept;
    kept->next = kept->store->questions;
    kept->store->questions = kept;
    return question;
}

void delivery_forget(struct store *store)
{
    while (store->questions != NULL) {
        struct question *next = store->questions->next;
        free(store->questions);
        store->questions = next;
    }
}

static enum delivery_outcome outcome_of(const redisReply *reply)
{
    if (reply_is_fault(reply, "FENCED")) {
        return DELIVERY_FENCED;
    }
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        return DELIVERY_UNAVAILABLE;
    }
    return reply->integer == 0 ? DELIVERY_GONE : DELIVERY_DONE;
}

static void on_outcome(void *user, const redisReply *reply)
{
    struct question question = take_question(user);
    question.fn.delivery(question.user, outcome_of(reply));
}

/* ---- leases ---- */

static bool read_lease(const redisReply *reply, struct lease_answer *out)
{
    int64_t epoch;
    if (!reply_is_array(reply, 4) || !reply_is_string(reply->element[0]) || !reply_number(reply->element[1], &epoch) ||
        !reply_number(reply->element[2], &out->now_ms) || !reply_number(reply->element[3], &out->until_ms)) {
        return false;
    }
    out->epoch = (uint64_t)epoch;
    snprintf(out->owner, sizeof out->owner, "%s", reply->element[0]->str);
    return true;
}

static void on_lease(void *user, const redisReply *reply)
{
    struct question question = take_question(user);
    struct lease_answer answer = {.outcome = DELIVERY_UNAVAILABLE};
    /* Leases are asked for over and over: from here a broker mends a store that lost its functions. */
    if (library_is_missing(reply)) {
        library_repair(question.redis, &question.store->repairing);
    }
    if (reply_is_array(reply, 5) && read_lease(reply, &answer)) {
        answer.outcome = reply->element[4]->integer == 1 ? DELIVERY_DONE : DELIVERY_FENCED;
    }
    question.fn.lease(question.user, &answer);
}

enum fault lease_send(
    struct store *store, uint32_t partition, const char *owner, int64_t ttl_ms, lease_fn *fn, void *user)
{
    struct call call = {.function = "cb_lease", .key_count = 1, .arguments = 2};
    keyname_lease(&call.keys[0], partition);
    enum fault fault = call_begin(store, partition, &call);
    if (fault == FAULT_NONE) {
        struct redis *redis = shard_of(store->shards, partition);
        redis_add_text(redis, owner);
        redis_add_int(redis, ttl_ms);
        call_end(store, redis, on_lease, (struct question){.fn.lease = fn, .user = user});
    }
    return fault;
}

/* ---- what a lease allows ---- */

enum fault cursors_send(struct store *store, uint32_t partition, const struct lease *lease, size_t count,
    const struct cursor *cursors, delivery_fn *fn, void *user)
{
    MUST(count > 0);
    struct call call = {.function = "cb_ack", .key_count = 2, .arguments = 2 + 2 * count};
    keyname_lease(&call.keys[0], partition);
    keyname_cursors(&call.keys[1], partition);
    enum fault fault = call_begin(store, partition, &call);
    if (fault == FAULT_NONE) {
        struct redis *redis = shard_of(store->shards, partition);
        add_lease(redis, lease);
        for (size_t i = 0; i < count; i++) {
            redis_add_text(redis, cursors[i].group);
            add_stream_id(redis, cursors[i].at);
        }
        call_end(store, redis, on_outcome, (struct question){.fn.delivery = fn, .user = user});
    }
    return fault;
}

static void on_attempt(void *user, const redisReply *reply)
{
    struct question question = take_question(user);
    enum delivery_outcome outcome = outcome_of(reply);
    question.fn.attempt(question.user, outcome, outcome == DELIVERY_DONE ? (uint64_t)reply->integer : 0);
}

enum fault attempt_send(struct store *store, uint32_t partition, const struct lease *lease,
    const struct delivery_record *record, attempt_fn *fn, void *user)
{
    struct call call = {.function = "cb_attempt", .key_count = 2, .arguments = 3};
    keyname_lease(&call.keys[0], partition);
    keyname_attempts(&call.keys[1], partition, record->group);
    enum fault fault = call_begin(store, partition, &call);
    if (fault == FAULT_NONE) {
        struct redis *redis = shard_of(store->shards, partition);
        char attempt[ATTEMPT_SIZE];
        int size = snprintf(
            attempt, sizeof attempt, "%s:%s:%llu", record->tenant, record->root, (unsigned long long)record->sequence);
        MUST(size > 0 && (size_t)size < sizeof attempt);
        add_lease(redis, lease);
        redis_add(redis, attempt, (size_t)size);
        call_end(store, redis, on_attempt, (struct question){.fn.attempt = fn, .user = user});
    }
    return fault;
}

enum fault dead_send(struct store *store, uint32_t partition, const struct lease *lease,
    const struct delivery_record *record, const char *reason, delivery_fn *fn, void *user)
{
    struct call call = {.function = "cb_dead", .key_count = 4, .arguments = 6};
    keyname_lease(&call.keys[0], partition);
    keyname_dead(&call.keys[1], partition, record->group);
    keyname_parked(&call.keys[2], partition, record->group);
    keyname_attempts(&call.keys[3], partition, record->group);
    enum fault fault = call_begin(store, partition, &call);
    if (fault == FAULT_NONE) {
        struct redis *redis = shard_of(store->shards, partition);
        add_lease(redis, lease);
        add_member(redis, record);
        redis_add_int(redis, (int64_t)record->sequence);
        add_stream_id(redis, record->at);
        redis_add_text(redis, reason);
        call_end(store, redis, on_outcome, (struct question){.fn.delivery = fn, .user = user});
    }
    return fault;
}

enum fault drain_to_send(struct store *store, uint32_t partition, const struct lease *lease,
    const struct delivery_record *record, delivery_fn *fn, void *user)
{
    struct call call = {.function = "cb_drain", .key_count = 2, .arguments = 5};
    keyname_lease(&call.keys[0], partition);
    keyname_parked(&call.keys[1], partition, record->group);
    enum fault fault = call_begin(store, partition, &call);
    if (fault == FAULT_NONE) {
        struct redis *redis = shard_of(store->shards, partition);
        add_lease(redis, lease);
        add_member(redis, record);
        redis_add_int(redis, (int64_t)record->sequence);
        add_stream_id(redis, record->at);
        call_end(store, redis, on_outcome, (struct question){.fn.delivery = fn, .user = user});
    }
    return fault;
}

enum fault task_done_send(struct store *store, uint32_t partition, const struct lease *lease, const char *dest,
    struct stream_id task, delivery_fn *fn, void *user)
{
    struct call call = {.function = "cb_task_done", .key_count = 3, .arguments = 4};
    keyname_lease(&call.keys[0], partition);
    keyname_lane(&call.keys[1], partition, dest);
    keyname_lanes(&call.keys[2], partition);
    enum fault fault = call_begin(store, partition, &call);
    if (fault == FAULT_NONE) {
        struct redis *redis = shard_of(store->shards, partition);
        add_lease(redis, lease);
        redis_add_text(redis, dest);
        add_stream_id(redis, task);
        call_end(store, redis, on_outcome, (struct question){.fn.delivery = fn, .user = user});
    }
    return fault;
}

/* ---- what operators may do ---- */

enum fault dead_retry_send(struct store *store, uint32_t partition, const struct delivery_record *record,
    struct stream_id letter, delivery_fn *fn, void *user)
{
    struct call call = {.function = "cb_retry", .key_count = 2, .arguments = 2};
    keyname_dead(&call.keys[0], partition, record->group);
    keyname_parked(&call.keys[1], partition, record->group);
    enum fault fault = call_begin(store, partition, &call);
    if (fault == FAULT_NONE) {
        struct redis *redis = shard_of(store->shards, partition);
        add_stream_id(redis, letter);
        add_member(redis, record);
        call_end(store, redis, on_outcome, (struct question){.fn.delivery = fn, .user = user});
    }
    return fault;
}

enum fault dead_skip_send(struct store *store, uint32_t partition, const struct delivery_record *record,
    struct stream_id letter, delivery_fn *fn, void *user)
{
    struct call call = {.function = "cb_skip", .key_count = 3, .arguments = 4};
    keyname_dead(&call.keys[0], partition, record->group);
    keyname_parked(&call.keys[1], partition, record->group);
    keyname_root(&call.keys[2], partition, record->tenant, record->root);
    enum fault fault = call_begin(store, partition, &call);
    if (fault == FAULT_NONE) {
        struct redis *redis = shard_of(store->shards, partition);
        add_stream_id(redis, letter);
        add_member(redis, record);
        redis_add_text(redis, record->group);
        redis_add_int(redis, (int64_t)record->sequence);
        call_end(store, redis, on_outcome, (struct question){.fn.delivery = fn, .user = user});
    }
    return fault;
}
