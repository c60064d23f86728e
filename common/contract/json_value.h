/* Single values between JSON and the memory of a message: numbers, words, text, base64. Used by json_read.c and
 * json_write.c only. */
#ifndef CASEBUS_CONTRACT_JSON_VALUE_H
#define CASEBUS_CONTRACT_JSON_VALUE_H

#include "common/core/arena.h"

#include <json-c/json.h>
#include <protobuf-c/protobuf-c.h>

/* Writes the value to `out`, which has the size of a value of the field. NULL when it went well, otherwise what is
 * wrong with it, in words that follow a path. Text and bytes are copied out of the budget. Not for messages. */
const char *json_value_read(
    const ProtobufCFieldDescriptor *field, struct json_object *value, struct budget *budget, void *out);

/* The value as a tree of its own. Not for messages. */
struct json_object *json_value_write(const ProtobufCFieldDescriptor *field, const void *value);

#endif
