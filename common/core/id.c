#include "common/core/id.h"

#include "common/core/hash.h"
#include "common/core/must.h"
#include "common/core/slice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char ALPHABET[] = "0123456789abcdefghjkmnpqrstvwxyz";

#define PREFIX_DIGITS 3 /* of a root id that says its partition: "0a7-" */

static void digest_of(uint8_t out[static HASH_SIZE], const char *purpose, const char *command_id, uint64_t n)
{
    struct hash hash;
    hash_init(&hash);
    hash_add_part(&hash, purpose, strlen(purpose));
    hash_add_part(&hash, command_id, strlen(command_id));
    hash_add_number(&hash, n);
    hash_done(&hash, out);
}

void id_fresh(char out[static ID_FRESH_SIZE], const char *command_id, uint64_t n)
{
    uint8_t digest[HASH_SIZE];
    digest_of(digest, "id", command_id, n);
    id_spell(out, digest);
}

void id_root_fresh(char out[static ID_ROOT_FRESH_SIZE], const char *command_id, uint64_t n)
{
    uint8_t digest[HASH_SIZE];
    digest_of(digest, "root", command_id, n);
    snprintf(out, ID_ROOT_FRESH_SIZE, "%03x-", digest[0] % PARTITIONS);
    id_spell(out + PREFIX_DIGITS + 1, digest);
}

bool id_under(char out[static ID_SIZE], const char *root_id, char letter, uint64_t n)
{
    char text[ID_SIZE];
    int size = snprintf(text, sizeof text, "%s.%c%" PRIu64, root_id, letter, n);
    if (size < 0 || size >= ID_SIZE) {
        return false;
    }
    memcpy(out, text, (size_t)size + 1);
    return true;
}

void id_spell(char out[static ID_FRESH_SIZE], const uint8_t bytes[static 16])
{
    /* 26 characters hold 130 bits: two zero bits stand before the 128. */
    uint32_t pending = 0;
    int bits = 2;
    size_t size = 0;
    for (int i = 0; i < 16; i++) {
        pending = pending << 8 | bytes[i];
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out[size++] = ALPHABET[pending >> bits & 31];
        }
    }
    MUST(bits == 0 && size == ID_FRESH_SIZE - 1);
    out[size] = '\0';
}

static bool may_stand_in_id(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c == '.' || c == '_' || c == '-';
}

bool id_is_valid(const char *id)
{
    if (id == NULL || !(ascii_is_letter(id[0]) || ascii_is_digit(id[0]))) {
        return false;
    }
    size_t size = 1;
    while (size <= ID_LENGTH_MAX && may_stand_in_id(id[size])) {
        size++;
    }
    return size <= ID_LENGTH_MAX && id[size] == '\0';
}

/* The partition that the id itself says; -1 when it says none. */
static int said_partition(const char *root_id)
{
    int partition = 0;
    for (int i = 0; i < PREFIX_DIGITS; i++) {
        char c = root_id[i];
        if (c >= '0' && c <= '9') {
            partition = partition * 16 + (c - '0');
        } else if (c >= 'a' && c <= 'f') {
            partition = partition * 16 + (c - 'a' + 10);
        } else {
            return -1;
        }
    }
    return root_id[PREFIX_DIGITS] == '-' && partition < PARTITIONS ? partition : -1;
}

uint32_t partition_of(const char *tenant, const char *root_id)
{
    int said = said_partition(root_id);
    if (said >= 0) {
        return (uint32_t)said;
    }
    struct hash hash;
    uint8_t digest[HASH_SIZE];
    hash_init(&hash);
    hash_add(&hash, tenant, strlen(tenant));
    hash_add(&hash, "|", 1);
    hash_add(&hash, root_id, strlen(root_id));
    hash_done(&hash, digest);
    return digest[0] % PARTITIONS;
}
