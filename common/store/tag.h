/* The 256 partitions' hash tags, slot-aligned: the tag of partition p hashes to a Redis Cluster slot in
 * [p * 64, p * 64 + 63], so that partitions spread over nodes as evenly as slots do, and moving one moves a slot range.
 */
#ifndef STORE_TAG_H
#define STORE_TAG_H

#include "common/core/id.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SLOTS_PER_PARTITION = 64,
    TAG_SIZE = 12, /* bytes, with the closing NUL */
};

/* The tag without braces, e.g. `p0a.1f3`. Lives as long as the process. */
const char *partition_tag(uint32_t partition);

/* CRC16 (XMODEM) mod 16384 of `key`, or of what stands between its first braces: what CLUSTER KEYSLOT answers. */
uint32_t key_slot(const char *key, size_t size);

#endif
