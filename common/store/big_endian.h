/* Numbers as they stand in heads, seals and records: most significant byte first. */
#ifndef STORE_BIG_ENDIAN_H
#define STORE_BIG_ENDIAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint8_t *put_u16(uint8_t *at, uint16_t value)
{
    value = htobe16(value);
    return (uint8_t *)memcpy(at, &value, sizeof value) + sizeof value;
}

static inline uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    value = htobe32(value);
    return (uint8_t *)memcpy(at, &value, sizeof value) + sizeof value;
}

static inline uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    value = htobe64(value);
    return (uint8_t *)memcpy(at, &value, sizeof value) + sizeof value;
}

static inline uint16_t get_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return be16toh(value);
}

static inline uint32_t get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return be32toh(value);
}

static inline uint64_t get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return be64toh(value);
}

#endif
