#include "common/store/library.h"

#include <stdio.h>
#include <string.h>

#include "common/store/reply.h"

/* casebus.lua, made into an array by the build. */
extern const uint8_t casebus_lua[];
extern const size_t casebus_lua_size;

struct bytes library_code(void)
{
    return bytes_of(casebus_lua, casebus_lua_size);
}

/* The value behind a word in a flat list of words and values. */
static const redisReply *field(const redisReply *list, const char *word)
{
    for (size_t i = 0; i + 1 < list->elements; i += 2) {
        if (reply_is_string(list->element[i]) && strcmp(list->element[i]->str, word) == 0) {
            return list->element[i + 1];
        }
    }
    return NULL;
}

enum library_presence {
    LIBRARY_ABSENT,
    LIBRARY_SAME,
    LIBRARY_OTHER,
    LIBRARY_NO_ANSWER,
};

static enum library_presence look(struct redis *redis, int64_t timeout_ms)
{
    redisReply *reply =
        redis_ask_words(redis, timeout_ms, "FUNCTION", "LIST", "LIBRARYNAME", LIBRARY_NAME, "WITHCODE", NULL);
    enum library_presence presence = LIBRARY_NO_ANSWER;
    if (reply_is_array(reply, 1) && reply_is_array(reply->element[0], 2)) {
        const redisReply *code = field(reply->element[0], "library_code");
        bool same = reply_is_string(code) && code->len == casebus_lua_size &&
                    memcmp(code->str, casebus_lua, casebus_lua_size) == 0;
        presence = same ? LIBRARY_SAME : LIBRARY_OTHER;
    } else if (reply_is_array(reply, 0)) {
        presence = LIBRARY_ABSENT;
    }
    freeReplyObject(reply);
    return presence;
}

/* What Redis answers to the load stays in `said`. */
static void load(struct redis *redis, int64_t timeout_ms, char *said, size_t said_size)
{
    struct bytes argv[] = {bytes_of_text("FUNCTION"), bytes_of_text("LOAD"), library_code()};
    redisReply *reply = redis_ask_blocking(redis, timeout_ms, 3, argv);
    snprintf(said, said_size, "%s", reply == NULL ? "no answer" : reply->str);
    freeReplyObject(reply);
}

enum fault library_require(struct redis *redis, int64_t timeout_ms, struct why *why)
{
    char said[128] = "no answer";
    enum library_presence presence = look(redis, timeout_ms);
    if (presence == LIBRARY_ABSENT) {
        /* Another process may load it at the same moment: what is there afterwards decides. */
        load(redis, timeout_ms, said, sizeof said);
        presence = look(redis, timeout_ms);
    }
    switch (presence) {
    case LIBRARY_SAME:
        return FAULT_NONE;
    case LIBRARY_OTHER:
        why_set(why, "redis holds a function library %s with other code than this version's", LIBRARY_NAME);
        return FAULT_REFUSED;
    case LIBRARY_ABSENT:
    case LIBRARY_NO_ANSWER:
        break;
    }
    why_set(why, "could not load the function library %s into redis: %s", LIBRARY_NAME, said);
    return FAULT_UNAVAILABLE;
}

static void ignore(void *user, const redisReply *reply)
{
    (void)user;
    (void)reply;
}

enum fault library_send(struct redis *redis)
{
    struct bytes argv[] = {bytes_of_text("FUNCTION"), bytes_of_text("LOAD"), library_code()};
    return redis_send(redis, 3, argv, ignore, NULL);
}

static void repaired(void *user, const redisReply *reply)
{
    (void)reply;
    *(bool *)user = false;
}

void library_repair(struct redis *redis, bool *under_way)
{
    struct bytes argv[] = {bytes_of_text("FUNCTION"), bytes_of_text("LOAD"), library_code()};
    if (!*under_way && redis_send(redis, 3, argv, repaired, under_way) == FAULT_NONE) {
        *under_way = true;
    }
}

bool library_is_missing(const redisReply *reply)
{
    return reply_is_fault(reply, "ERR Function not found");
}
