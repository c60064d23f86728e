/* The log record: what one commit did to one root. It is the write's audit row, the event that is delivered, and what
 * every version can be rebuilt from.
 *
 *     "CR" format u8 0 | u32 header size | u32 events size | u32 change size | header | events | change
 *
 * The header is clear and holds ids and words only. The events part is sealed as one. The change part is the sealed
 * bodies of the aggregates after the commit, in the header's order, exactly as they are kept in their keys.
 *
 * Chain: a record's id is the 16-byte BLAKE2b of (id of the root's record before | the record's bytes). The root
 * keeps the id of its last record, each aggregate the id of the record that wrote it, each record the id before. So one
 * altered byte anywhere is found by whoever reads on. Numbers are big endian. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "common/core/arena.h"
#include "common/core/fault.h"
#include "common/store/bytes.h"
#include "common/store/head.h"
#include "common/store/keys.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RECORD_AGGREGATES_MAX = 64,
    RECORD_EVENTS_MAX = 64,
    RECORD_SIZE_MAX = 8 << 20, /* bytes */
    TRACE_ID_SIZE = 16,
};

struct record_aggregate {
    const char *kind; /* `<service>:<kind>` is what its key and seal say; here the kind alone */
    const char *id;
    uint64_t version; /* after the commit */
    uint32_t schema;
    struct bytes sealed; /* in the change part */
};

struct record_header {
    const char *root;
    const char *tenant;
    const char *service;
    const char *command_id; /* of the command, or of the command that a timer, task or event became */
    const char *cause;      /* what led to it: id of an event, timer or command; "" when a person did */
    const char *actor_id;   /* the originating actor, never a name */
    uint32_t actor_role;
    bool simulated; /* the actor was a simulated person */
    int64_t at_ms;  /* the decision's now */
    uint32_t schema;
    uint32_t key_epoch;
    uint8_t trace_id[TRACE_ID_SIZE];
    uint64_t sequence; /* of the root, from 1 without gaps */
    uint8_t previous_id[RECORD_ID_SIZE];
    struct stream_id previous; /* where the record before stands in the log; {0, 0} for the first */
    size_t aggregate_count;
    struct record_aggregate *aggregates;
    size_t event_count;
    const char **subjects; /* `<service>.<Message>` of each event */
};

struct record {
    struct record_header header;
    struct bytes bytes;         /* the whole record */
    struct bytes sealed_events; /* empty when there are none */
};

/* Encodes into the arena. `sealed_events` is put in as it is; the aggregates bring their sealed bodies. INVALID when a
 * count, a string or the whole is above its limit. */
enum fault record_encode(const struct record_header *header, struct bytes sealed_events, struct arena *arena,
    struct bytes *out, struct why *why);

/* Decodes: strings and arrays in the arena, sealed parts lent from `bytes`. INTERNAL when it is no whole record. */
enum fault record_decode(struct bytes bytes, struct arena *arena, struct record *out, struct why *why);

void record_id(
    const uint8_t previous_id[static RECORD_ID_SIZE], struct bytes bytes, uint8_t out[static RECORD_ID_SIZE]);

/* Whether `record` has this id and names this id before it. */
bool record_follows(const struct record *record, const uint8_t id[static RECORD_ID_SIZE]);

/* Opens the events part: event i has subject i and body out[i], in the arena. INTERNAL when it does not verify,
 * UNAVAILABLE when its key is unknown here. */
enum fault record_open_events(
    const struct record *record, const struct keys *keys, struct arena *arena, struct bytes *out, struct why *why);

/* Opens aggregate i as it was after this record. */
enum fault record_open_state(const struct record *record, size_t i, const struct keys *keys, struct arena *arena,
    struct bytes *out, struct why *why);

/* Seals the events of a record that will be `sequence` of its root. */
struct bytes record_seal_events(const struct key *key, const char *tenant, const char *root, uint64_t sequence,
    size_t count, const struct bytes *bodies, struct arena *arena);

#endif
