#include "common/store/delivery.h"

#include <stdio.h>
#include <string.h>

#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/store/keyname.h"
#include "common/store/reply.h"

/* Splits `tenant:root`. */
static bool read_member(struct arena *arena, const redisReply *reply, const char **tenant, const char **root)
{
    const char *colon = reply_is_string(reply) ? memchr(reply->str, ':', reply->len) : NULL;
    if (colon == NULL) {
        return false;
    }
    *tenant = arena_strndup(arena, reply->str, (size_t)(colon - reply->str));
    *root = arena_strndup(arena, colon + 1, reply->len - (size_t)(colon + 1 - reply->str));
    return true;
}

/* `p 12 1700000000000-0`: state, first unhandled sequence, stream id. */
static bool read_parked_entry(const redisReply *reply, struct parked *out)
{
    if (!reply_is_string(reply)) {
        return false;
    }
    struct slice rest = {reply->str, reply->len}, state, sequence, at;
    bool good = slice_take_field(&rest, ' ', &state) && slice_take_field(&rest, ' ', &sequence) &&
                slice_take_field(&rest, ' ', &at) && slice_parse_uint(sequence, UINT64_MAX, &out->sequence) &&
                stream_id_parse(at.at, at.size, &out->at);
    out->draining = good && slice_equal(state, SLICE("d"));
    return good && (out->draining || slice_equal(state, SLICE("p")));
}

static void spoil(struct delivery_state *state, enum fault fault)
{
    if (fault == FAULT_INTERNAL) {
        state->store->counts.corrupt++;
    }
    if (state->fault == FAULT_NONE) {
        state->fault = fault;
    }
}

static void answered(struct delivery_state *state)
{
    if (--state->waiting == 0) {
        state->done(state);
    }
}

static void on_cursor(void *user, const redisReply *reply)
{
    struct delivery_state *state = user;
    if (reply_is_string(reply)) {
        state->has_cursor = stream_id_parse(reply->str, reply->len, &state->cursor);
        if (!state->has_cursor) {
            spoil(state, FAULT_INTERNAL);
        }
    } else if (reply == NULL || reply->type != REDIS_REPLY_NIL) {
        spoil(state, FAULT_UNAVAILABLE);
    }
    answered(state);
}

static void on_parked(void *user, const redisReply *reply)
{
    struct delivery_state *state = user;
    if (!reply_is_array(reply, 0)) {
        spoil(state, FAULT_UNAVAILABLE);
        answered(state);
        return;
    }
    state->parked = ARENA_ARRAY(state->arena, struct parked, reply->elements / 2);
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        struct parked *parked = &state->parked[state->parked_count];
        if (read_member(state->arena, reply->element[i], &parked->tenant, &parked->root) &&
            read_parked_entry(reply->element[i + 1], parked)) {
            state->parked_count++;
        } else {
            spoil(state, FAULT_INTERNAL);
        }
    }
    answered(state);
}

/* [field, value, field, value, ...] as cb_dead writes them. */
static bool read_letter(struct arena *arena, const redisReply *entry, struct dead_letter *out)
{
    int64_t sequence, attempts;
    if (!reply_is_array(entry, 2) || !reply_is_string(entry->element[0]) || !reply_is_array(entry->element[1], 10) ||
        !stream_id_parse(entry->element[0]->str, entry->element[0]->len, &out->id)) {
        return false;
    }
    redisReply *const *field = entry->element[1]->element;
    if (!read_member(arena, field[1], &out->tenant, &out->root) || !reply_number(field[3], &sequence) ||
        !reply_is_string(field[5]) || !stream_id_parse(field[5]->str, field[5]->len, &out->at) ||
        !reply_is_string(field[7]) || !reply_number(field[9], &attempts)) {
        return false;
    }
    out->sequence = (uint64_t)sequence;
    out->reason = arena_strndup(arena, field[7]->str, field[7]->len);
    out->attempts = (uint64_t)attempts;
    out->at_ms = (int64_t)out->id.ms;
    return true;
}

static void on_letters(void *user, const redisReply *reply)
{
    struct delivery_state *state = user;
    if (!reply_is_array(reply, 0)) {
        spoil(state, FAULT_UNAVAILABLE);
        answered(state);
        return;
    }
    state->letters = ARENA_ARRAY(state->arena, struct dead_letter, reply->elements);
    for (size_t i = 0; i < reply->elements; i++) {
        if (read_letter(state->arena, reply->element[i], &state->letters[state->letter_count])) {
            state->letter_count++;
        } else {
            spoil(state, FAULT_INTERNAL);
        }
    }
    answered(state);
}

/* XREVRANGE + - COUNT 1: empty when the log is. */
static void on_log_end(void *user, const redisReply *reply)
{
    struct delivery_state *state = user;
    if (!reply_is_array(reply, 0)) {
        spoil(state, FAULT_UNAVAILABLE);
    } else if (reply->elements > 0) {
        const redisReply *entry = reply->element[0];
        if (!reply_is_array(entry, 2) || !reply_is_string(entry->element[0]) ||
            !stream_id_parse(entry->element[0]->str, entry->element[0]->len, &state->log_end)) {
            spoil(state, FAULT_INTERNAL);
        }
    }
    answered(state);
}

static void forget_answer(struct delivery_state *state, struct store *store)
{
    state->store = store;
    state->fault = FAULT_NONE;
    state->waiting = state->letters_max > 0 ? 4 : 3;
    state->has_cursor = false;
    state->cursor = state->log_end = (struct stream_id){0, 0};
    state->parked_count = state->letter_count = 0;
}

static struct bytes key(const struct keyname *name)
{
    return bytes_of(name->text, name->size);
}

enum fault delivery_state_send(struct store *store, struct delivery_state *state)
{
    struct redis *redis = shard_of(store->shards, state->partition);
    enum fault fault = redis_room(redis, 4, 8 * KEYNAME_LENGTH_MAX);
    if (fault != FAULT_NONE) {
        return fault;
    }
    forget_answer(state, store);
    struct keyname cursors, parked, dead, log;
    char max[24];
    snprintf(max, sizeof max, "%zu", state->letters_max);
    struct bytes get[] = {
        bytes_of_text("HGET"), key(keyname_cursors(&cursors, state->partition)), bytes_of_text(state->group)};
    struct bytes all[] = {bytes_of_text("HGETALL"), key(keyname_parked(&parked, state->partition, state->group))};
    struct bytes letters[] = {bytes_of_text("XRANGE"), key(keyname_dead(&dead, state->partition, state->group)),
        bytes_of_text("-"), bytes_of_text("+"), bytes_of_text("COUNT"), bytes_of_text(max)};
    struct bytes last[] = {bytes_of_text("XREVRANGE"), key(keyname_log(&log, state->partition)), bytes_of_text("+"),
        bytes_of_text("-"), bytes_of_text("COUNT"), bytes_of_text("1")};
    MUST(redis_send(redis, ARRAY_LENGTH(get), get, on_cursor, state) == FAULT_NONE);
    MUST(redis_send(redis, ARRAY_LENGTH(all), all, on_parked, state) == FAULT_NONE);
    if (state->letters_max > 0) {
        MUST(redis_send(redis, ARRAY_LENGTH(letters), letters, on_letters, state) == FAULT_NONE);
    }
    MUST(redis_send(redis, ARRAY_LENGTH(last), last, on_log_end, state) == FAULT_NONE);
    return FAULT_NONE;
}
