#include "common/core/base64.h"

#include "tests/unit/test.h"

#include <sodium.h>
#include <string.h>

static void base64_is_read_strictly(void **state UNUSED)
{
    static const struct {
        const char *name, *text, *bytes;
        int variant;
    } ROWS[] = {
        {"padded", "Y2FzZQ==", "case", sodium_base64_VARIANT_ORIGINAL},
        {"not padded", "Y2FzZQ", "case", sodium_base64_VARIANT_URLSAFE_NO_PADDING},
        {"empty", "", "", sodium_base64_VARIANT_ORIGINAL},
        {"padding that the variant has not", "Y2FzZQ==", NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING},
        {"padding missing", "Y2FzZQ", NULL, sodium_base64_VARIANT_ORIGINAL},
        {"stray bits", "Y2FzZR==", NULL, sodium_base64_VARIANT_ORIGINAL},
        {"white space", "Y2Fz ZQ==", NULL, sodium_base64_VARIANT_ORIGINAL},
        {"a byte above ASCII", "Y2Fz\xb5Q==", NULL, sodium_base64_VARIANT_ORIGINAL},
        {"more than there is room for", "Y2FzZWNhc2U=", NULL, sodium_base64_VARIANT_ORIGINAL},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        char out[5] = "";
        size_t size = 0;
        bool read = base64_read(out, 4, ROWS[i].text, strlen(ROWS[i].text), ROWS[i].variant, &size);
        ASSERT_ROW(ROWS[i].name, read == (ROWS[i].bytes != NULL));
        ASSERT_ROW(ROWS[i].name, !read || (size == strlen(ROWS[i].bytes) && memcmp(out, ROWS[i].bytes, size) == 0));
    }
}

/* libsodium takes some of them for digits. */
static void no_byte_above_ascii_is_a_digit(void **state UNUSED)
{
    for (int byte = 0x80; byte <= 0xff; byte++) {
        char text[] = {'Y', '2', 'F', (char)byte, '\0'};
        char out[4];
        size_t size = 0;
        assert_false(base64_read(out, sizeof out, text, 4, sodium_base64_VARIANT_ORIGINAL, &size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_is_read_strictly),
        cmocka_unit_test(no_byte_above_ascii_is_a_digit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
