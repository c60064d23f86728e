#include "common/store/tag.h"

#include <stdio.h>
#include <string.h>

#include "common/core/must.h"

enum {
    SLOTS = PARTITIONS * SLOTS_PER_PARTITION,
};

static uint16_t crc16(const char *at, size_t size)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint16_t)((uint8_t)at[i] << 8);
        for (int bit = 0; bit < 8; bit++) {
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
        }
    }
    return crc;
}

uint32_t key_slot(const char *key, size_t size)
{
    const char *open = memchr(key, '{', size);
    if (open != NULL) {
        const char *inside = open + 1;
        const char *close = memchr(inside, '}', size - (size_t)(inside - key));
        if (close != NULL && close > inside) {
            return crc16(inside, (size_t)(close - inside)) % SLOTS;
        }
    }
    return crc16(key, size) % SLOTS;
}

/* The first of p00.0, p00.1, ... that hashes into the partition's range: about 256 tries. */
static void find_tag(uint32_t partition, char out[TAG_SIZE])
{
    for (uint32_t n = 0; n <= 0xfffff; n++) {
        int size = snprintf(out, TAG_SIZE, "p%02x.%x", partition & 0xff, n);
        if (key_slot(out, (size_t)size) / SLOTS_PER_PARTITION == partition) {
            return;
        }
    }
    MUST_NOT_REACH();
}

const char *partition_tag(uint32_t partition)
{
    static char tags[PARTITIONS][TAG_SIZE];
    MUST(partition < PARTITIONS);
    if (tags[partition][0] == '\0') {
        find_tag(partition, tags[partition]);
    }
    return tags[partition];
}
