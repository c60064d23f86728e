#include "common/core/hash.h"

#include "common/core/hex.h"
#include "tests/unit/test.h"

#include <string.h>

/* Digests by Python's hashlib.blake2b(..., digest_size=16, key=...). */
static void digests_are_blake2b(void **state UNUSED)
{
    static const struct {
        const char *text, *plain, *keyed;
    } ROWS[] = {
        {"", "cae66941d9efbd404e4d88758ea67670", "3daf97bce7888fd59773c66bf647459c"},
        {"abc", "cf4ab791c62b8d2b2109c90275287816", "1a64be47e4729d951c302ee543f97cf3"},
        {"demo|person-1", "bd5cb93a930d5df14cb4b2bb50af2a2e", "bc4e195227f52792c7b23a581d6271d5"},
        {"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "a838c58b985551205df88cdbb16ec53d", "3434f5580358c04e3d6b9a909b218263"},
    };
    uint8_t key[HASH_KEY_SIZE];
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        uint8_t digest[HASH_SIZE];
        char hex[HEX_SIZE(HASH_SIZE)];
        hash_bytes(digest, ROWS[i].text, strlen(ROWS[i].text));
        hex_encode(hex, digest, sizeof digest);
        assert_string_equal(hex, ROWS[i].plain);
        hash_keyed(digest, key, ROWS[i].text, strlen(ROWS[i].text));
        hex_encode(hex, digest, sizeof digest);
        assert_string_equal(hex, ROWS[i].keyed);
    }
}

static void short_digests_are_the_start_of_long_ones(void **state UNUSED)
{
    uint8_t whole[HASH_SIZE], start[HASH_SHORT_SIZE];
    hash_bytes(whole, "case", 4);
    hash_short(start, "case", 4);
    assert_memory_equal(start, whole, sizeof start);
    uint64_t number = 0;
    for (int i = 0; i < 8; i++) {
        number += (uint64_t)whole[i] << 8 * i;
    }
    assert_true(hash_number("case", 4) == number);
}

static void pieces_hash_as_the_whole_and_parts_do_not(void **state UNUSED)
{
    struct hash hash;
    uint8_t whole[HASH_SIZE], pieces[HASH_SIZE];
    hash_bytes(whole, "abc", 3);
    hash_init(&hash);
    hash_add(&hash, "ab", 2);
    hash_add(&hash, "", 0);
    hash_add(&hash, "c", 1);
    hash_done(&hash, pieces);
    assert_memory_equal(pieces, whole, sizeof whole);

    uint8_t ab_c[HASH_SIZE], a_bc[HASH_SIZE];
    hash_init(&hash);
    hash_add_part(&hash, "ab", 2);
    hash_add_part(&hash, "c", 1);
    hash_done(&hash, ab_c);
    hash_init(&hash);
    hash_add_part(&hash, "a", 1);
    hash_add_part(&hash, "bc", 2);
    hash_done(&hash, a_bc);
    assert_memory_not_equal(ab_c, a_bc, sizeof ab_c);
    assert_memory_not_equal(ab_c, whole, sizeof ab_c);
}

static void a_keyed_hash_in_pieces_equals_the_one_at_once(void **state UNUSED)
{
    uint8_t key[HASH_KEY_SIZE] = {7};
    uint8_t other[HASH_KEY_SIZE] = {8};
    uint8_t once[HASH_SIZE], pieces[HASH_SIZE];
    struct hash hash;
    hash_keyed(once, key, "MBI", 3);
    hash_init_keyed(&hash, key);
    hash_add(&hash, "MBI", 3);
    hash_done(&hash, pieces);
    assert_memory_equal(once, pieces, sizeof once);
    hash_keyed(pieces, other, "MBI", 3);
    assert_memory_not_equal(once, pieces, sizeof once);
}

static void hexadecimal_goes_there_and_back(void **state UNUSED)
{
    static const char *const WRONG[] = {"", "0", "00f", "00ff0", "00fg", "0x00", " 00f", "00FFAA"};
    uint8_t bytes[2] = {9, 9};
    for (size_t i = 0; i < ARRAY_LENGTH(WRONG); i++) {
        ASSERT_ROW(WRONG[i], !hex_decode(bytes, sizeof bytes, WRONG[i]));
        ASSERT_ROW(WRONG[i], bytes[0] == 9 && bytes[1] == 9);
    }
    assert_true(hex_decode(bytes, sizeof bytes, "0aFf"));
    assert_memory_equal(bytes, "\x0a\xff", 2);
    char text[HEX_SIZE(2)];
    hex_encode(text, bytes, sizeof bytes);
    assert_string_equal(text, "0aff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_blake2b),
        cmocka_unit_test(short_digests_are_the_start_of_long_ones),
        cmocka_unit_test(pieces_hash_as_the_whole_and_parts_do_not),
        cmocka_unit_test(a_keyed_hash_in_pieces_equals_the_one_at_once),
        cmocka_unit_test(hexadecimal_goes_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
