/* One field of any message, by reflection: whoever knows no message by name (rules, JSON, command line, gateway, time
 * line) reads and writes fields through these. No allocation; what is set is borrowed. */
#ifndef CASEBUS_CONTRACT_FIELD_H
#define CASEBUS_CONTRACT_FIELD_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many values the field holds: 0 or 1 of a singular one, any number of a list. */
size_t field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Address of the value, `index` < field_count(): char *const *, ProtobufCMessage *const *, const int32_t *, ... */
const void *field_value(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, size_t index);

/* Octets of one value in memory. */
size_t field_value_size(const ProtobufCFieldDescriptor *field);

/* Marks a singular field as present and gives the address to write its value to. The other members of its oneof become
 * absent. */
void *field_set(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Makes the array of `count` values the list's own; borrowed. */
void field_set_list(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, void *values, size_t count);

/* Makes the field absent, or the list empty. */
void field_clear(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Typed reading of singular fields by name. An absent one, or one of another type, is `otherwise`. Integers of every
 * width and enums read as int64. */
int64_t field_integer(const ProtobufCMessage *message, const char *name, int64_t otherwise);
const ProtobufCMessage *field_message(const ProtobufCMessage *message, const char *name);

#endif
