/* Reply objects of hiredis's reader, made in an arena instead of one by one on the heap: one reset frees a reply. */
#ifndef STORE_REPLY_H
#define STORE_REPLY_H

#include "common/core/arena.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

/* A reader whose replies live in `arena`, which must outlive it. It fails on a list of more than 2^20 elements. */
redisReader *reply_reader_new(struct arena *arena);

/* A copy on the heap, for freeReplyObject. */
redisReply *reply_copy(const redisReply *reply);

bool reply_is_error(const redisReply *reply);
bool reply_is_array(const redisReply *reply, size_t elements_min);
bool reply_is_string(const redisReply *reply);

/* Whether it is an error that begins with this word, e.g. "OOM". */
bool reply_is_fault(const redisReply *reply, const char *word);

/* A whole number, sent as one or as text. False when it is neither. */
bool reply_number(const redisReply *reply, int64_t *out);

#endif
