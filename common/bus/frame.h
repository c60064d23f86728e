/* A frame of the bus: one ZeroMQ frame that holds 1..n records, back to back and nothing else (CBP/1, see
 * proto/README.md).
 *
 * A record is a header of fixed size, then three parts that the header gives the sizes of:
 *   stamp     who the sender is, as a broker saw it; a broker overwrites it, so nobody else can forge it
 *   envelope  casebus.v1.Envelope, packed once by the author and never packed again on its way
 *   body      the message itself, sealed: opaque to everything between its two ends
 *
 * This file moves bytes and checks sizes. It does not unpack an envelope, and it knows nothing of sockets or time.
 *
 * A frame is good as a whole or refused as a whole: frame_begin() walks every header before the first record is handed
 * out, so that no half of a bad frame ever has an effect. Records lend from the frame; nothing is copied on the way in.
 */
#ifndef BUS_FRAME_H
#define BUS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/verb.h"

#define FRAME_MAX         (1024 * 1024) /* bytes of a frame, all its records together */
#define FRAME_RECORDS_MAX 512           /* records of a frame */
#define ENVELOPE_MAX      4096          /* bytes */
#define STAMP_MAX         256           /* bytes */
#define RECORD_HEAD       48            /* bytes of the fixed header */

/* Hints of a record. Unknown bits are kept by brokers and ignored by receivers. */
enum record_flag {
    RECORD_REPEAT = 1 << 0, /* CMD: this command id was sent before. REP: the stored answer of an earlier commit. */
    RECORD_BELL = 1 << 1,   /* REP, ACK: `partition` has a new log record: worth a look. */
    RECORD_SEALED =
        1 << 2, /* The body is sealed; clear where no tenant key exists (HELLO, why of a refusal, payer links). */
    RECORD_FINAL = 1 << 3,      /* NAK: do not try this instance again. */
    RECORD_BELL_LANES = 1 << 4, /* With BELL: that record's commit put a task into a lane, too. */
};

/* One record. The three parts are lent: from the frame when it was read, from the caller when it is to be written. */
struct record {
    uint8_t verb;       /* enum verb */
    uint8_t status;     /* enum status; REP, QRS, RESET */
    uint8_t class;      /* enum record_class */
    uint8_t attempt;    /* EVT, TASK, CMD of a task: which delivery this is, from 1 */
    uint16_t flags;     /* enum record_flag */
    uint16_t partition; /* EVT, TASK, BELL, and REP with RECORD_BELL: 0..255; otherwise 0 */
    uint32_t ttl_ms;    /* CMD, QRY: what is left; 0: the broker's default. REP, NAK: not again before so long */
    uint32_t epoch;     /* EVT, TASK: the lease under which it was sent; ACK, NAK, TERM repeat it */
    uint64_t tag;  /* chosen by who asks, repeated by who answers; means nothing on another link. CREDIT: the window */
    uint64_t root; /* hash of (tenant, root id): the unit of order and affinity; 0: no root */
    const uint8_t *stamp, *envelope, *body;
    uint32_t stamp_size, envelope_size, body_size;
};

/* Why bytes are not a frame. */
#define FRAME_FAULTS(X)                                                                                                \
    X(NONE, "is a frame")                                                                                              \
    X(EMPTY, "has no record")                                                                                          \
    X(SIZE, "is larger than a frame may be")                                                                           \
    X(SHORT, "ends inside a record")                                                                                   \
    X(MAGIC, "does not begin with the magic of this protocol")                                                         \
    X(VERSION, "speaks another version of this protocol")                                                              \
    X(VERB, "has a verb nobody gave")                                                                                  \
    X(STATUS, "has a status nobody gave")                                                                              \
    X(CLASS, "has a class nobody gave")                                                                                \
    X(RESERVED, "sets a byte that must be zero")                                                                       \
    X(STAMP, "has a stamp larger than a stamp may be")                                                                 \
    X(ENVELOPE, "has an envelope larger than an envelope may be")                                                      \
    X(RECORDS, "has more records than a frame may have")

enum frame_fault {
#define FRAME_FAULT_VALUE(name, text) FRAME_##name,
    FRAME_FAULTS(FRAME_FAULT_VALUE)
#undef FRAME_FAULT_VALUE
        FRAME_FAULT_COUNT
};

const char *frame_fault_text(enum frame_fault fault);

/* Reading. The bytes stay the caller's and must outlive the records. */
struct frame_reader {
    const uint8_t *at;
    const uint8_t *end;
};

/* Checks all of `bytes`. Anything but FRAME_NONE leaves a reader that has no record. Never reads beyond `size`. */
enum frame_fault frame_begin(struct frame_reader *reader, const void *bytes, size_t size);

/* Hands out the next record; false at the end. */
bool frame_next(struct frame_reader *reader, struct record *out);

/* Writing: a buffer of records that leave together. Zeroed memory is an empty one; it grows to FRAME_MAX and is kept.
 */
struct frame {
    uint8_t *bytes;
    size_t size;
    size_t room;
    unsigned records;
};

/* Adds a copy of `record`. False, and nothing is added, when it does not fit beside what is there: send the frame
 * first. A record that does not fit into an empty frame, or breaks a ceiling, never fits: see record_fits(). */
bool frame_append(struct frame *frame, const struct record *record);

bool frame_is_empty(const struct frame *frame);
void frame_clear(struct frame *frame); /* Keeps the memory. */
void frame_done(struct frame *frame);

/* A record may be sent at all: ceilings of its parts and of the frame. */
bool record_fits(const struct record *record);

/* The value of the header's `root` field: never 0 for a root, 0 for none (NULL or ""). */
uint64_t record_root(const char *tenant, const char *root);

/* Bytes of the record on the wire. */
size_t record_size(const struct record *record);

/* Writes exactly record_size() bytes; for a caller that owns the memory (a zmq_msg_t) and sends one record. */
void record_write(const struct record *record, uint8_t *bytes);

#endif
