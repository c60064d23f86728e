#include "common/store/seal.h"

#include <sodium.h>
#include <string.h>

#include "common/core/entropy.h"
#include "common/core/must.h"
#include "common/store/big_endian.h"

enum {
    XCHACHA20_POLY1305 = 1,
    NONCE_AT = 5,
    NONCE_SIZE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    CIPHERTEXT_AT = NONCE_AT + NONCE_SIZE,
    TAG_BYTES = crypto_aead_xchacha20poly1305_ietf_ABYTES,
};

_Static_assert(SEAL_OVERHEAD == CIPHERTEXT_AT + TAG_BYTES, "the layout that the header draws");
_Static_assert(KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key of the cipher");

struct about_bytes {
    size_t size;
    uint8_t at[SEAL_ABOUT_MAX];
};

static void about_add(struct about_bytes *bytes, const char *text)
{
    size_t size = strlen(text);
    MUST(bytes->size + 2 + size <= sizeof bytes->at);
    put_u16(bytes->at + bytes->size, (uint16_t)size);
    memcpy(bytes->at + bytes->size + 2, text, size);
    bytes->size += 2 + size;
}

/* Every text behind its size, so that no two different things have the same bytes. */
static void about_encode(const struct seal_about *about, struct about_bytes *out)
{
    put_u64(out->at, about->version);
    out->size = 8;
    about_add(out, about->tenant);
    about_add(out, about->kind);
    about_add(out, about->id);
    about_add(out, about->part);
}

void seal(const struct key *key, const struct seal_about *about, struct bytes clear, uint8_t *out)
{
    struct about_bytes bytes;
    about_encode(about, &bytes);
    out[0] = XCHACHA20_POLY1305;
    put_u32(out + 1, key->epoch);
    entropy_fill(out + NONCE_AT, NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + CIPHERTEXT_AT, NULL, clear.at, clear.size, bytes.at, bytes.size, NULL, out + NONCE_AT, key->bytes);
}

bool seal_open(const struct key *key, const struct seal_about *about, struct bytes sealed, uint8_t *out)
{
    uint32_t epoch;
    if (!seal_epoch(sealed, &epoch) || epoch != key->epoch) {
        return false;
    }
    struct about_bytes bytes;
    about_encode(about, &bytes);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.at + CIPHERTEXT_AT,
               sealed.size - CIPHERTEXT_AT, bytes.at, bytes.size, sealed.at + NONCE_AT, key->bytes) == 0;
}

bool seal_epoch(struct bytes sealed, uint32_t *out)
{
    if (sealed.size < SEAL_OVERHEAD || sealed.at[0] != XCHACHA20_POLY1305) {
        return false;
    }
    *out = get_u32(sealed.at + 1);
    return true;
}
