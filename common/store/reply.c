#include "common/store/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "common/core/slice.h"

/* A list says its length before anything of it has come, and is given room for that. */
enum {
    ELEMENTS_MAX = 1 << 20,
};

static redisReply *reply_new(const redisReadTask *task)
{
    redisReply *reply = arena_try_alloc(task->privdata, sizeof *reply);
    if (reply == NULL) {
        return NULL;
    }
    memset(reply, 0, sizeof *reply);
    reply->type = task->type;
    if (task->parent != NULL) {
        redisReply *parent = task->parent->obj;
        parent->element[task->idx] = reply;
    }
    return reply;
}

static void *new_string(const redisReadTask *task, char *text, size_t size)
{
    redisReply *reply = reply_new(task);
    char *copy = reply == NULL ? NULL : arena_try_alloc(task->privdata, size + 1);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    reply->str = copy;
    reply->len = size;
    return reply;
}

static void *new_array(const redisReadTask *task, int elements)
{
    redisReply *reply = elements > ELEMENTS_MAX ? NULL : reply_new(task);
    if (reply == NULL || elements <= 0) {
        return reply;
    }
    size_t size = (size_t)elements * sizeof(redisReply *);
    reply->element = arena_try_alloc(task->privdata, size);
    if (reply->element == NULL) {
        return NULL;
    }
    memset(reply->element, 0, size);
    reply->elements = (size_t)elements;
    return reply;
}

static void *new_integer(const redisReadTask *task, long long value)
{
    redisReply *reply = reply_new(task);
    if (reply != NULL) {
        reply->integer = value;
    }
    return reply;
}

static void *new_nil(const redisReadTask *task)
{
    redisReply *reply = reply_new(task);
    if (reply != NULL) {
        reply->type = REDIS_REPLY_NIL; /* the task says what it would have been */
    }
    return reply;
}

/* The arena's reset does it. */
static void free_nothing(void *reply UNUSED) {}

redisReader *reply_reader_new(struct arena *arena)
{
    static redisReplyObjectFunctions functions = {new_string, new_array, new_integer, new_nil, free_nothing};
    redisReader *reader = redisReaderCreateWithFunctions(&functions);
    MUST(reader != NULL);
    reader->privdata = arena;
    return reader;
}

redisReply *reply_copy(const redisReply *reply)
{
    redisReply *copy = calloc(1, sizeof *copy);
    MUST(copy != NULL);
    *copy = *reply;
    if (reply->str != NULL) {
        copy->str = malloc(reply->len + 1);
        MUST(copy->str != NULL);
        memcpy(copy->str, reply->str, reply->len + 1);
    }
    if (reply->elements > 0) {
        copy->element = calloc(reply->elements, sizeof *copy->element);
        MUST(copy->element != NULL);
        for (size_t i = 0; i < reply->elements; i++) {
            copy->element[i] = reply_copy(reply->element[i]);
        }
    }
    return copy;
}

bool reply_is_error(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_ERROR;
}

bool reply_is_array(const redisReply *reply, size_t elements_min)
{
    return reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements >= elements_min;
}

bool reply_is_string(const redisReply *reply)
{
    return reply != NULL && reply->type == REDIS_REPLY_STRING;
}

bool reply_is_fault(const redisReply *reply, const char *word)
{
    return reply_is_error(reply) && strncmp(reply->str, word, strlen(word)) == 0;
}

bool reply_number(const redisReply *reply, int64_t *out)
{
    if (reply == NULL) {
        return false;
    }
    if (reply->type == REDIS_REPLY_INTEGER) {
        *out = reply->integer;
        return true;
    }
    if (reply->type != REDIS_REPLY_STRING || reply->len == 0) {
        return false;
    }
    bool signed_digits = reply->str[0] == '-' || ascii_is_digit(reply->str[0]);
    char *end = NULL;
    errno = 0;
    long long value = strtoll(reply->str, &end, 10);
    if (!signed_digits || errno != 0 || end != reply->str + reply->len) {
        return false;
    }
    *out = value;
    return true;
}
