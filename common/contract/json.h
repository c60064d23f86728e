/* JSON <-> messages by reflection, in the JSON mapping of proto3: lowerCamel names, enums by name, int64 as strings,
 * bytes in base64, absent fields left out. What people and files write passes here, so reading is strict and says
 * where:
 *
 *     line 3, column 12: key "birthDate" is given twice
 *     patient.birthdate: no such field in casebus.intake.v1.Patient
 *
 * Read: lowerCamel or original names; enums by name or number; integers as numbers or strings; base64 or base64url,
 * padded or not; null means absent. Refused: unknown fields, duplicate keys, NUL, lone surrogates, bad UTF-8, NaN and
 * Infinity outside of strings, numbers out of range, null inside lists, text after the value, more than the ceilings
 * below.
 *
 * FORM and the other rules are not looked at here: call rules_check() next, or json_cross(), which does. */
#ifndef CASEBUS_CONTRACT_JSON_H
#define CASEBUS_CONTRACT_JSON_H

#include "common/contract/contract.h"
#include "common/core/arena.h"
#include "common/core/fault.h"

#include <json-c/json.h>
#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#define JSON_SIZE_MAX    ((size_t)4 << 20)
#define JSON_DEPTH_MAX   32                 /* Objects and lists inside one another, the outermost counted. */
#define JSON_VALUES_MAX  (128u << 10)       /* json-c takes up to 800 octets for an empty object. */
#define JSON_MESSAGE_MAX ((size_t)16 << 20) /* Octets of a message in memory. */

/* What a text may be. */
struct json_limits {
    size_t size;     /* Octets. */
    unsigned depth;  /* At most 64. */
    unsigned values; /* Objects, lists, strings, numbers and words in all. */
};
extern const struct json_limits JSON_LIMITS; /* Those above. */

/* Checks that the text is one strict JSON value (RFC 8259) within the limits, without NUL and lone
 * surrogates, every whole number within 64 bits, no key twice in an object. Linear, but for sorting the keys of each
 * object. INVALID with line and column. Scratch memory comes from `arena`. */
enum fault json_check(
    const char *text, size_t size, const struct json_limits *limits, struct arena *arena, struct why *why);

/* json_check(), then the tree. The caller owns `out` and ends it with json_object_put(). Numbers keep their exact text.
 */
enum fault json_parse(const char *text, size_t size, const struct json_limits *limits, struct arena *arena,
    struct why *why, struct json_object **out);

/* The text as a message of `type`, in `arena`. INVALID with place and path. */
enum fault json_read(const struct contract_message *type, const char *text, size_t size, struct arena *arena,
    struct why *why, ProtobufCMessage **out);

/* A tree as a message of `type`, in `arena`; the tree may go afterwards. INVALID with the path. */
enum fault json_read_tree(const struct contract_message *type, struct json_object *tree, struct arena *arena,
    struct why *why, ProtobufCMessage **out);

/* json_read() and rules_check(): for whatever a person wrote. */
enum fault json_cross(const struct contract_message *type, const char *text, size_t size, struct arena *arena,
    struct why *why, ProtobufCMessage **out);

enum json_style {
    JSON_LINE,   /* No white space. */
    JSON_PRETTY, /* Two spaces, one field a line. */
};

/* The message as text in `arena`, NUL-terminated. Unknown fields are not shown. */
const char *json_write(const ProtobufCMessage *message, enum json_style style, struct arena *arena);

/* The message as a tree; the caller owns it. */
struct json_object *json_write_tree(const ProtobufCMessage *message);

#endif
