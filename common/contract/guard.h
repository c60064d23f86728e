/* The crossing: foreign bytes become a message, or are refused with one sentence.
 *
 * protobuf-c trusts its input: a singular submessage repeated on the wire costs cubic time, a megabyte of empty
 * submessages becomes 88, nesting has no floor, and a string with a NUL reads as its first half. So every byte that was
 * not packed by this process passes the guard first: one linear scan against the descriptor, without allocation, that
 * predicts what unpacking will cost and refuses what is malformed, ambiguous or too much. Only then is it unpacked,
 * into an arena, and meets the rules of its fields (rules.h). What has crossed is right, and nobody checks again.
 *
 * Refused by the guard, whatever the policy: malformed varints, lengths, tags and wire types; groups; a field of a wire
 * type that is not its own; a number out of the field's range; a singular field given twice, or two members of one
 * oneof; a string with a NUL or that is not UTF-8; an enum value that nobody named; more than the ceilings of `struct
 * guard_limits`. */
#ifndef CASEBUS_CONTRACT_GUARD_H
#define CASEBUS_CONTRACT_GUARD_H

#include "common/core/arena.h"
#include "common/core/fault.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_DEPTH_MAX            8     /* Messages inside one another, the outermost counted. */
#define GUARD_FIELDS_MAX           4096  /* Of what outsiders, peers and the bus send. */
#define GUARD_FIELDS_CALL_MAX      16384 /* A referral may bring a whole history: 512 conditions, 256 encounters. */
#define GUARD_FIELDS_STATE_MAX     65536 /* Our own store. */
#define GUARD_FIELDS_REFERENCE_MAX 262144
#define GUARD_UNKNOWN_MAX          64
#define GUARD_SIZE_MAX             ((size_t)1 << 20)
#define GUARD_SIZE_REFERENCE_MAX   ((size_t)16 << 20)
#define GUARD_SPARE_SIZE           ((size_t)1 << 20) /* Predicted allocation may be this plus GUARD_GROWTH times the input. */
#define GUARD_GROWTH               4

struct guard_limits {
    uint32_t depth;
    uint32_t fields;  /* In the whole tree, unknown ones counted. */
    uint32_t unknown; /* Fields that the descriptor does not know, in the whole tree. */
    size_t size;      /* Octets of input. */
};

/* What the scan found out. */
struct guard_sum {
    size_t predicted_size; /* Upper bound of what unpacking will take from its allocator. */
    uint32_t fields;
    uint32_t unknown;
};

/* Scans `size` octets as one message of `descriptor`.
 *
 * INVALID with the path of the field in `why`. `sum` may be NULL. */
enum fault guard_scan(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t size,
    const struct guard_limits *limits, struct why *why, struct guard_sum *sum);

/* What becomes of fields that the descriptor does not know. */
enum unknown_fields {
    UNKNOWN_DROPPED,
    UNKNOWN_KEPT,
    UNKNOWN_REFUSED,
};

/* How much is believed of where bytes come from. */
struct crossing {
    const char *name;
    struct guard_limits limits;
    enum unknown_fields unknown;
    bool rules; /* The rules of the fields are checked too. */
};

extern const struct crossing
    CROSSING_CALL; /* Commands, queries: unknown fields refused; they carry a wish we would lose. */
extern const struct crossing
    CROSSING_EVENT; /* Events, replies, envelopes: from newer peers too; unknown fields dropped. */
extern const struct crossing CROSSING_STATE; /* Our own store: unknown fields kept; rules held when it was written. */
extern const struct crossing CROSSING_PAYER; /* Outsiders: unknown fields dropped. */
extern const struct crossing CROSSING_REFERENCE; /* Files of seeds/reference: large, unknown fields refused. */

/* Guard, unpack, rules. The message and all it holds lie in `arena`; nobody frees it, and never with
 * protobuf_c_message_free_unpacked. `out` is untouched when it fails.
 *
 * INVALID with the path of the field in `why`. */
enum fault contract_unpack(const ProtobufCMessageDescriptor *descriptor, const void *data, size_t size,
    const struct crossing *crossing, struct arena *arena, struct why *why, ProtobufCMessage **out);

/* Packs into the arena. Never refuses: a message that does not pack is a bug. */
struct packed {
    uint8_t *data;
    size_t size;
};
struct packed contract_pack(const ProtobufCMessage *message, struct arena *arena);

/* A copy of its own in `arena`, unknown fields included. */
ProtobufCMessage *contract_copy(const ProtobufCMessage *message, struct arena *arena);

#endif
