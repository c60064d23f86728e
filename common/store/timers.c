#include "common/store/timers.h"

#include <string.h>

#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/store/keyname.h"
#include "common/store/reply.h"

const char *timer_member(struct arena *arena, const char *service, const char *kind, const char *tenant,
    const char *root, const char *id, const char *name)
{
    return arena_printf(arena, "%s:%s:%s:%s:%s:%s", service, kind, tenant, root, id, name);
}

bool timer_parse(struct arena *arena, const char *member, size_t size, struct due_timer *out)
{
    struct slice rest = {member, size};
    const char *fields[6];
    if (size == 0 || memchr(member, '\0', size) != NULL) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(fields); i++) {
        struct slice field;
        if (!slice_take_field(&rest, ':', &field) || field.size == 0) {
            return false;
        }
        fields[i] = arena_strndup(arena, field.at, field.size);
    }
    if (rest.at != NULL) {
        return false;
    }
    *out = (struct due_timer){
        .member = arena_strndup(arena, member, size),
        .service = fields[0],
        .kind = fields[1],
        .tenant = fields[2],
        .root = fields[3],
        .id = fields[4],
        .name = fields[5],
    };
    return true;
}

/* now, next, [member, due, member, due, ...] */
static bool read_due(struct timers_due *due, const redisReply *reply)
{
    if (!reply_is_array(reply, 3) || !reply_number(reply->element[0], &due->now_ms) ||
        !reply_number(reply->element[1], &due->next_ms) || !reply_is_array(reply->element[2], 0)) {
        return false;
    }
    if (due->next_ms < 0) {
        due->next_ms = INT64_MAX;
    }
    const redisReply *list = reply->element[2];
    due->timers = ARENA_ARRAY(due->arena, struct due_timer, list->elements / 2);
    for (size_t i = 0; i + 1 < list->elements; i += 2) {
        const redisReply *member = list->element[i];
        struct due_timer *timer = &due->timers[due->count];
        /* What is no timer of ours is left alone: nothing of ours can have written it. */
        if (reply_is_string(member) && timer_parse(due->arena, member->str, member->len, timer) &&
            reply_number(list->element[i + 1], &timer->due_ms)) {
            due->count++;
        }
    }
    return true;
}

static void on_due(void *user, const redisReply *reply)
{
    struct timers_due *due = user;
    due->fault = read_due(due, reply) ? FAULT_NONE : FAULT_UNAVAILABLE;
    due->done(due);
}

enum fault timers_due_send(struct store *store, struct timers_due *due)
{
    MUST(due->count_max <= TIMERS_MAX);
    struct redis *redis = shard_of(store->shards, due->partition);
    struct keyname name;
    keyname_timers(&name, due->partition);
    enum fault fault = redis_begin(redis, 6, name.size + 96);
    if (fault != FAULT_NONE) {
        return fault;
    }
    due->count = 0;
    redis_add_text(redis, "FCALL");
    redis_add_text(redis, "cb_timers_due");
    redis_add_text(redis, "1");
    redis_add(redis, name.text, name.size);
    redis_add_int(redis, (int64_t)due->count_max);
    redis_add_int(redis, (int64_t)due->skip);
    redis_end(redis, on_due, due);
    return FAULT_NONE;
}
