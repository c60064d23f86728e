#include "common/store/load.h"

#include <string.h>

#include "common/core/must.h"
#include "common/store/body.h"
#include "common/store/keyname.h"
#include "common/store/reply.h"

enum {
    SIZE_HINT = 96, /* bytes of a key */
};

static struct bytes reply_bytes(const redisReply *reply)
{
    return bytes_of(reply->str, reply->len);
}

/* The first fault is kept: it is the one to tell. */
static void spoil(struct load *load, enum fault fault)
{
    if (load->fault == FAULT_NONE) {
        load->fault = fault;
    }
    if (fault == FAULT_INTERNAL) {
        load->store->counts.corrupt++;
    }
}

static bool is_usable(struct load *load, const redisReply *reply, size_t elements)
{
    if (reply_is_array(reply, elements)) {
        return true;
    }
    if (load->fault == FAULT_NONE) {
        const char *said = reply_is_error(reply) ? reply->str : "it answered what was not asked";
        why_set(&load->why, "could not read from redis: %.160s", reply == NULL ? "the connection was lost" : said);
    }
    spoil(load, FAULT_UNAVAILABLE);
    return false;
}

/* ---- the root ---- */

static bool read_root(const redisReply *reply, struct root_state *out)
{
    const redisReply *sequence = reply->element[0], *head = reply->element[1], *last = reply->element[2];
    int64_t number;
    if (head->type == REDIS_REPLY_NIL) {
        return true; /* it has no record yet, perhaps an inbox mark */
    }
    if (!reply_number(sequence, &number) || number < 1 || head->len != RECORD_ID_SIZE ||
        last->type != REDIS_REPLY_STRING || !stream_id_parse(last->str, last->len, &out->last)) {
        return false;
    }
    out->sequence = (uint64_t)number;
    memcpy(out->head, head->str, RECORD_ID_SIZE);
    return true;
}

static void on_root(void *user, const redisReply *reply)
{
    struct load *load = user;
    size_t fields = load->group == NULL ? 3 : 4;
    if (is_usable(load, reply, fields)) {
        int64_t inbox = 0;
        bool good = read_root(reply, &load->root_state);
        if (fields == 4 && reply->element[3]->type != REDIS_REPLY_NIL) {
            good = good && reply_number(reply->element[3], &inbox) && inbox >= 0;
        }
        load->inbox = (uint64_t)inbox;
        if (!good) {
            why_set(&load->why, "cannot read where root %s stands: it was altered", load->root);
            spoil(load, FAULT_INTERNAL);
        }
    }
    if (load->command_id == NULL && load->count == 0) {
        load->done(load);
    }
}

static void ask_root(struct load *load, struct redis *redis)
{
    struct keyname name;
    keyname_root(&name, load->partition, load->tenant, load->root);
    MUST(redis_begin(redis, load->group == NULL ? 5 : 6, SIZE_HINT) == FAULT_NONE);
    redis_add(redis, "HMGET", 5);
    redis_add(redis, name.text, name.size);
    redis_add(redis, "s", 1);
    redis_add(redis, "h", 1);
    redis_add(redis, "l", 1);
    if (load->group != NULL) {
        uint8_t *field = redis_add_space(redis, 3 + strlen(load->group));
        memcpy(field, "in:", 3);
        memcpy(field + 3, load->group, strlen(load->group));
    }
    redis_end(redis, on_root, load);
}

/* ---- the command and the aggregates ---- */

static void read_remembered(struct load *load, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_NIL) {
        return;
    }
    struct remembered remembered;
    enum fault fault = remembered_open(
        load->store->keys, load->tenant, load->command_id, reply_bytes(reply), load->arena, &remembered, &load->why);
    if (fault != FAULT_NONE) {
        spoil(load, fault);
        return;
    }
    load->seen = true;
    memcpy(load->fingerprint, remembered.fingerprint, FINGERPRINT_SIZE);
    load->sequence = remembered.sequence;
    load->reply = remembered.reply;
}

static void read_aggregate(struct load *load, struct load_aggregate *aggregate, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_NIL) {
        return;
    }
    struct head head;
    if (!head_decode(reply_bytes(reply), &head)) {
        why_set(&load->why, "cannot read %s:%s %s: its head was altered", aggregate->service, aggregate->kind,
            aggregate->id);
        spoil(load, FAULT_INTERNAL);
        return;
    }
    struct seal_about about =
        about_state(load->arena, aggregate->service, aggregate->kind, load->tenant, aggregate->id, head.stamp.version);
    struct bytes sealed = bytes_of(reply->str + HEAD_SIZE, reply->len - HEAD_SIZE);
    enum fault fault = body_open(load->store->keys, &about, sealed, load->arena, &aggregate->body, &load->why);
    if (fault != FAULT_NONE) {
        spoil(load, fault);
        return;
    }
    aggregate->stamp = head.stamp;
    aggregate->schema = head.schema;
}

static void on_values(void *user, const redisReply *reply)
{
    struct load *load = user;
    size_t commands = load->command_id == NULL ? 0 : 1;
    if (is_usable(load, reply, commands + load->count)) {
        if (commands == 1) {
            read_remembered(load, reply->element[0]);
        }
        for (size_t i = 0; i < load->count; i++) {
            read_aggregate(load, &load->aggregates[i], reply->element[commands + i]);
        }
    }
    load->done(load);
}

static void ask_values(struct load *load, struct redis *redis)
{
    struct keyname name;
    size_t keys = load->count + (load->command_id == NULL ? 0 : 1);
    MUST(redis_begin(redis, 1 + keys, keys * SIZE_HINT) == FAULT_NONE);
    redis_add(redis, "MGET", 4);
    if (load->command_id != NULL) {
        keyname_command(&name, load->partition, load->tenant, load->command_id);
        redis_add(redis, name.text, name.size);
    }
    for (size_t i = 0; i < load->count; i++) {
        const struct load_aggregate *aggregate = &load->aggregates[i];
        keyname_aggregate(&name, load->partition, aggregate->service, aggregate->kind, load->tenant, aggregate->id);
        redis_add(redis, name.text, name.size);
    }
    redis_end(redis, on_values, load);
}

static void forget_answer(struct load *load, struct store *store)
{
    load->store = store;
    load->fault = FAULT_NONE;
    load->why.text[0] = '\0';
    load->root_state = (struct root_state){0};
    load->inbox = 0;
    load->seen = false;
    load->sequence = 0;
    load->reply = bytes_of(NULL, 0);
    for (size_t i = 0; i < load->count; i++) {
        load->aggregates[i].stamp = (struct stamp){0};
        load->aggregates[i].schema = 0;
        load->aggregates[i].body = bytes_of(NULL, 0);
    }
}

enum fault load_send(struct store *store, struct load *load)
{
    MUST(load->count <= LOAD_AGGREGATES_MAX);
    MUST(load->root != NULL || load->command_id != NULL || load->count > 0);
    struct redis *redis = shard_of(store->shards, load->partition);
    /* Each key and argument is well below KEYNAME_LENGTH_MAX; so either both commands fit or none is begun. */
    enum fault fault = redis_room(redis, 2, (load->count + 8) * KEYNAME_LENGTH_MAX);
    if (fault != FAULT_NONE) {
        return fault;
    }
    forget_answer(load, store);
    if (load->root != NULL) {
        ask_root(load, redis);
    }
    if (load->command_id != NULL || load->count > 0) {
        ask_values(load, redis);
    }
    return FAULT_NONE;
}
