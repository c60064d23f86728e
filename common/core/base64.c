#include "common/core/base64.h"

#include <sodium.h>

bool base64_read(void *out, size_t room, const char *text, size_t size, int variant, size_t *out_size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] >= 0x80) {
            return false;
        }
    }
    return sodium_base642bin(out, room, text, size, NULL, out_size, NULL, variant) == 0;
}
