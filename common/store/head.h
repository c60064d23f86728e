/* The 40-byte clear head of an aggregate in Redis, before its sealed body. Big endian:
 *
 *     0 "CB"   2 format u8   3 0   4 schema u32   8 version u64   16 record id (16)   32 key epoch u32   36 0 u32
 *
 * Bytes 8..31 are the stamp: the version, and the id of the log record that wrote it. A commit names the stamp that it
 * expects of every aggregate it writes or relies on; all zero says that there is none yet. */
#ifndef STORE_HEAD_H
#define STORE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/store/bytes.h"

enum {
    RECORD_ID_SIZE = 16,
    HEAD_SIZE = 40,
    STAMP_SIZE = 24,
    STAMP_OFFSET = 8,
};

/* A position in a stream of Redis. {0, 0} is before all. */
struct stream_id {
    uint64_t ms;
    uint64_t n;
};

enum {
    STREAM_ID_TEXT_SIZE = 42, /* "18446744073709551615-18446744073709551615" with its NUL */
};

/* Writes `ms-n`; returns its length. */
size_t stream_id_format(struct stream_id id, char out[STREAM_ID_TEXT_SIZE]);
/* False when it is not `ms-n`. */
bool stream_id_parse(const char *text, size_t size, struct stream_id *out);
int stream_id_compare(struct stream_id a, struct stream_id b);

struct stamp {
    uint64_t version; /* 0: there is no such aggregate yet */
    uint8_t record_id[RECORD_ID_SIZE];
};

struct head {
    uint32_t schema;
    uint32_t key_epoch;
    struct stamp stamp;
};

void head_encode(const struct head *head, uint8_t out[HEAD_SIZE]);
/* False when the bytes are too short or no head of a known format. */
bool head_decode(struct bytes blob, struct head *out);
void stamp_encode(const struct stamp *stamp, uint8_t out[STAMP_SIZE]);

#endif
