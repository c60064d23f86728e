#include "common/core/id.h"

#include "common/core/entropy.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

/* Spelled by Python from hashlib.blake2b over the framed purpose, command id and number. */
static void deciding_again_makes_the_same_ids(void **state UNUSED)
{
    static const struct {
        const char *command_id;
        uint64_t n;
        const char *fresh, *root;
    } ROWS[] = {
        {"c-1", 0, "64cvyz6rz0rs3m1scpfh3sn0bt", "037-1qmpnsnxa3jfpcd9x7y22qpse6"},
        {"c-1", 1, "7zh5fh9392fkv9j8ffn5k63bee", "0b1-5h2vkaphecc6ntyqm96q0yj9t4"},
        {"c-2", 0, "32gm6p3p6nr44gfdvakgx6nnsd", "0da-6te3z3p48fp3weenthwn1s6tm6"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        char fresh[ID_FRESH_SIZE];
        char root[ID_ROOT_FRESH_SIZE];
        id_fresh(fresh, ROWS[i].command_id, ROWS[i].n);
        id_root_fresh(root, ROWS[i].command_id, ROWS[i].n);
        assert_string_equal(fresh, ROWS[i].fresh);
        assert_string_equal(root, ROWS[i].root);
        assert_int_equal(partition_of("any tenant", root), strtoul(root, NULL, 16));
        assert_true(id_is_valid(fresh) && id_is_valid(root));
    }
}

static void sixteen_bytes_spell_in_order(void **state UNUSED)
{
    char text[ID_FRESH_SIZE];
    uint8_t bytes[16] = {0};
    id_spell(text, bytes);
    assert_string_equal(text, "00000000000000000000000000");
    bytes[15] = 1;
    id_spell(text, bytes);
    assert_string_equal(text, "00000000000000000000000001");
    memset(bytes, 0xff, sizeof bytes);
    id_spell(text, bytes);
    assert_string_equal(text, "7zzzzzzzzzzzzzzzzzzzzzzzzz");
}

static void a_root_lives_where_its_id_says_or_where_it_hashes_to(void **state UNUSED)
{
    static const struct {
        const char *name, *tenant, *id;
        uint32_t partition;
    } ROWS[] = {
        {"first partition", "demo", "000-abc", 0},
        {"last partition", "demo", "0ff-abc", 255},
        {"tenant plays no part", "other", "0a7-abc", 0xa7},
        {"hashed with its tenant", "demo", "person-1", 189},
        {"hashed with another tenant", "other", "person-1", 126},
        {"no partition 256", "demo", "100-x", 218},
        {"capital digits say nothing", "demo", "0A7-x", 199},
        {"the hyphen is part of it", "demo", "0a7x", 41},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        ASSERT_ROW(ROWS[i].name, partition_of(ROWS[i].tenant, ROWS[i].id) == ROWS[i].partition);
    }
    /* Shorter than a prefix: nothing is read past the end. */
    static const char *const SHORT[] = {"", "0", "0a", "0a7"};
    for (size_t i = 0; i < ARRAY_LENGTH(SHORT); i++) {
        char *exact = strdup(SHORT[i]);
        ASSERT_ROW(SHORT[i], partition_of("demo", exact) < PARTITIONS);
        free(exact);
    }
}

static void fresh_roots_spread_over_all_partitions(void **state UNUSED)
{
    enum { ROOTS = 256 * 100 };
    static int counts[PARTITIONS];
    for (uint64_t n = 0; n < ROOTS; n++) {
        char root[ID_ROOT_FRESH_SIZE];
        id_root_fresh(root, "spread", n);
        counts[partition_of("demo", root)]++;
    }
    for (int i = 0; i < PARTITIONS; i++) {
        /* Six standard deviations around 100; the draw is fixed, so this holds for ever. */
        assert_in_range(counts[i], 40, 160);
    }
}

static void ids_cannot_break_keys_lines_or_paths(void **state UNUSED)
{
    static const struct {
        const char *id;
        bool valid;
    } ROWS[] = {
        {"a", true},
        {"7", true},
        {"0a7-64cvyz.v3", true},
        {"A_b-C.d", true},
        {"", false},
        {".hidden", false},
        {"-x", false},
        {"_x", false},
        {"a:b", false},
        {"a{b}", false},
        {"a b", false},
        {"a/b", false},
        {"a|b", false},
        {"a\nb", false},
        {"a=b", false},
        {"Mejía", false},
        {"a*", false},
        {"a\"", false},
        {NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        ASSERT_ROW(ROWS[i].id == NULL ? "NULL" : ROWS[i].id, id_is_valid(ROWS[i].id) == ROWS[i].valid);
    }
    char longest[ID_LENGTH_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[ID_LENGTH_MAX + 1] = '\0';
    assert_false(id_is_valid(longest));
    longest[ID_LENGTH_MAX] = '\0';
    assert_true(id_is_valid(longest));
}

static void things_hang_under_their_root(void **state UNUSED)
{
    char out[ID_SIZE];
    assert_true(id_under(out, "0a7-abc", 'v', 12));
    assert_string_equal(out, "0a7-abc.v12");
    char root[ID_SIZE];
    memset(root, 'a', ID_LENGTH_MAX);
    root[ID_LENGTH_MAX - 3] = '\0';
    assert_true(id_under(out, root, 'v', 7));
    assert_true(id_is_valid(out));
    assert_false(id_under(out, root, 'w', 17));
    assert_int_equal(out[ID_LENGTH_MAX - 2], 'v');
}

static void random_ids_do_not_come_twice(void **state UNUSED)
{
    char first[ID_FRESH_SIZE];
    char second[ID_FRESH_SIZE];
    id_random(first);
    id_random(second);
    assert_true(id_is_valid(first) && strlen(first) == ID_FRESH_SIZE - 1);
    assert_string_not_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deciding_again_makes_the_same_ids),
        cmocka_unit_test(sixteen_bytes_spell_in_order),
        cmocka_unit_test(a_root_lives_where_its_id_says_or_where_it_hashes_to),
        cmocka_unit_test(fresh_roots_spread_over_all_partitions),
        cmocka_unit_test(ids_cannot_break_keys_lines_or_paths),
        cmocka_unit_test(things_hang_under_their_root),
        cmocka_unit_test(random_ids_do_not_come_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
