/* The key ring and the seals. No Redis. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/core/must.h"
#include "common/store/keys.h"
#include "common/store/seal.h"

enum {
    STARTERS = 8,
};

static const char *const TENANTS[] = {"demo", "other"};
static char DIR_PATH[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(DIR_PATH, sizeof DIR_PATH, "/tmp/casebus-keys-XXXXXX");
    return mkdtemp(DIR_PATH) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const FILES[] = {"root.key", "tenants.keys", "acme.lane", "beta.lane"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LENGTH(FILES); i++) {
        snprintf(path, sizeof path, "%s/%s", DIR_PATH, FILES[i]);
        unlink(path);
    }
    return rmdir(DIR_PATH); /* fails when something else was left behind */
}

static struct keys *open_ring(void)
{
    struct why why = {""};
    struct keys *keys = NULL;
    if (keys_open(DIR_PATH, TENANTS, ARRAY_LENGTH(TENANTS), &keys, &why) != FAULT_NONE) {
        fail_msg("%s", why.text);
    }
    return keys;
}

static void path_of(char out[128], const char *file)
{
    snprintf(out, 128, "%s/%s", DIR_PATH, file);
}

static void keys_are_made_once_and_found_again(void **state)
{
    (void)state;
    struct keys *first = open_ring();
    struct keys *second = open_ring();
    const struct key *a = keys_current(first, KEY_STORE, "demo");
    const struct key *b = keys_current(second, KEY_STORE, "demo");
    assert_memory_equal(a->bytes, b->bytes, KEY_SIZE);
    assert_int_equal(a->epoch, 1);
    char path[128];
    struct stat about;
    path_of(path, "root.key");
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0400);
    keys_close(&first);
    keys_close(&second);
}

static void every_use_tenant_and_payer_has_a_key_of_its_own(void **state)
{
    (void)state;
    struct keys *keys = open_ring();
    const struct key *all[] = {keys_current(keys, KEY_STORE, "demo"), keys_current(keys, KEY_BUS, "demo"),
        keys_current(keys, KEY_INDEX, "demo"), keys_current(keys, KEY_STORE, "other"),
        keys_lane(keys, "demo", "acme", 0), keys_lane(keys, "demo", "beta", 0), keys_lane(keys, "other", "acme", 0)};
    for (size_t i = 0; i < ARRAY_LENGTH(all); i++) {
        assert_non_null(all[i]);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(all[i]->bytes, all[j]->bytes, KEY_SIZE);
        }
    }
    assert_ptr_equal(keys_lane(keys, "demo", "acme", 0), all[4]);
    assert_null(keys_current(keys, KEY_STORE, "nobody"));
    assert_null(keys_find(keys, KEY_STORE, "demo", 2));
    assert_null(keys_lane(keys, "nobody", "acme", 0));
    keys_close(&keys);
}

/* Each starter writes the store key that it got into the pipe. */
static void start_one(int go, int out)
{
    char byte;
    struct keys *keys = NULL;
    struct why why;
    if (read(go, &byte, 1) != 0 || keys_open(DIR_PATH, TENANTS, 2, &keys, &why) != FAULT_NONE) {
        _exit(1);
    }
    const struct key *key = keys_current(keys, KEY_STORE, "other");
    _exit(write(out, key->bytes, KEY_SIZE) == KEY_SIZE ? 0 : 1);
}

static void eight_processes_that_start_at_once_get_the_same_keys(void **state)
{
    (void)state;
    int go[2], out[2];
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(out), 0);
    for (int i = 0; i < STARTERS; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(go[1]);
            start_one(go[0], out[1]);
        }
    }
    close(go[1]); /* the end of file lets all of them go at once */
    uint8_t first[KEY_SIZE], next[KEY_SIZE];
    for (int i = 0; i < STARTERS; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
        assert_int_equal(read(out[0], i == 0 ? first : next, KEY_SIZE), KEY_SIZE);
        assert_memory_equal(i == 0 ? first : next, first, KEY_SIZE);
    }
    close(go[0]);
    close(out[0]);
    close(out[1]);
    struct keys *keys = open_ring();
    assert_memory_equal(keys_current(keys, KEY_STORE, "other")->bytes, first, KEY_SIZE);
    keys_close(&keys);
}

static void a_root_file_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct keys *keys = open_ring();
    keys_close(&keys);
    char path[128];
    path_of(path, "root.key");
    static const mode_t WIDE[] = {0440, 0404, 0644, 0420};
    for (size_t i = 0; i < ARRAY_LENGTH(WIDE); i++) {
        struct why why = {""};
        chmod(path, WIDE[i]);
        assert_int_equal(keys_open(DIR_PATH, TENANTS, 2, &keys, &why), FAULT_REFUSED);
        assert_non_null(strstr(why.text, "0400"));
        assert_null(keys);
    }
    chmod(path, 0400);
    keys = open_ring();
    keys_close(&keys);
}

static void a_lost_root_file_is_never_made_anew(void **state)
{
    (void)state;
    struct keys *keys = open_ring();
    keys_close(&keys);
    char path[128];
    struct why why = {""};
    path_of(path, "root.key");
    unlink(path);
    assert_int_equal(keys_open(DIR_PATH, TENANTS, 2, &keys, &why), FAULT_REFUSED);
    assert_non_null(strstr(why.text, "missing"));
    assert_int_not_equal(access(path, F_OK), 0);
}

static void replace(const char *file, mode_t mode, const char *text)
{
    char path[128];
    path_of(path, file);
    unlink(path);
    int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void the_root_of_another_house_does_not_open_the_tenants(void **state)
{
    (void)state;
    struct keys *keys = open_ring();
    keys_close(&keys);
    struct why why = {""};
    replace("root.key", 0400, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n");
    assert_int_equal(keys_open(DIR_PATH, TENANTS, 2, &keys, &why), FAULT_REFUSED);
    assert_non_null(strstr(why.text, "line 1"));
    replace("root.key", 0400, "too short\n");
    assert_int_equal(keys_open(DIR_PATH, TENANTS, 2, &keys, &why), FAULT_REFUSED);
}

static void a_tenant_is_added_and_the_others_keep_their_keys(void **state)
{
    (void)state;
    struct keys *keys = open_ring();
    struct key before = *keys_current(keys, KEY_STORE, "demo");
    keys_close(&keys);
    struct why why = {""};
    static const char *const MORE[] = {"third", "demo"};
    assert_int_equal(keys_open(DIR_PATH, MORE, 2, &keys, &why), FAULT_NONE);
    assert_memory_equal(keys_current(keys, KEY_STORE, "demo")->bytes, before.bytes, KEY_SIZE);
    assert_non_null(keys_current(keys, KEY_STORE, "third"));
    assert_non_null(keys_current(keys, KEY_STORE, "other")); /* known from the file, though not named */
    keys_close(&keys);
    static const char *const BAD[] = {"two words"};
    assert_int_equal(keys_open(DIR_PATH, BAD, 1, &keys, &why), FAULT_REFUSED);
}

static void read_tenants_file(char *text, size_t size)
{
    char path[128];
    path_of(path, "tenants.keys");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    fclose(file);
}

/* An editor may leave it so; what is added then must not run into the line before. */
static void a_tenant_is_added_behind_an_open_line(void **state)
{
    (void)state;
    static const char *const MORE[] = {"third"};
    char text[2048];
    struct keys *keys = open_ring();
    keys_close(&keys);
    read_tenants_file(text, sizeof text);
    text[strlen(text) - 1] = '\0';
    replace("tenants.keys", 0600, text);
    assert_int_equal(keys_open(DIR_PATH, MORE, 1, &keys, NULL), FAULT_NONE);
    struct key third = *keys_current(keys, KEY_STORE, "third");
    keys_close(&keys);
    assert_int_equal(keys_open(DIR_PATH, MORE, 1, &keys, NULL), FAULT_NONE);
    assert_memory_equal(keys_current(keys, KEY_STORE, "third")->bytes, third.bytes, KEY_SIZE);
    assert_non_null(keys_current(keys, KEY_STORE, "other"));
    keys_close(&keys);
}

static void a_line_with_anything_but_its_three_words_is_refused(void **state)
{
    (void)state;
    static const char *const TAILS[] = {
        " more\n", " \n", "0\n", "\r\n", "\nother 1\n", "\nother 0 00\n", "\n two words\n"};
    char text[2048], altered[4096];
    struct keys *keys = open_ring();
    keys_close(&keys);
    read_tenants_file(text, sizeof text);
    text[strlen(text) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LENGTH(TAILS); i++) {
        struct why why = {""};
        snprintf(altered, sizeof altered, "%s%s", text, TAILS[i]);
        replace("tenants.keys", 0600, altered);
        assert_int_equal(keys_open(DIR_PATH, TENANTS, 2, &keys, &why), FAULT_REFUSED);
        assert_non_null(strstr(why.text, "cannot open line "));
    }
    replace("tenants.keys", 0600, text);
    keys = open_ring();
    keys_close(&keys);
}

static void an_edge_holds_its_lanes_and_nothing_else(void **state)
{
    (void)state;
    struct keys *keys = open_ring(), *edge = NULL;
    struct why why = {""};
    char path[128];
    path_of(path, "acme.lane");
    assert_int_equal(keys_export_lane(keys, "demo", "acme", path, &why), FAULT_NONE);
    assert_int_equal(keys_export_lane(keys, "demo", "acme", path, &why), FAULT_NONE);
    assert_int_equal(keys_open_lane_only(DIR_PATH, &edge, &why), FAULT_NONE);
    const struct key *lane = keys_lane(edge, "demo", "acme", 0);
    assert_non_null(lane);
    assert_memory_equal(lane->bytes, keys_lane(keys, "demo", "acme", 0)->bytes, KEY_SIZE);
    assert_int_equal(lane->epoch, 1);
    assert_null(keys_lane(edge, "demo", "beta", 0));
    assert_null(keys_current(edge, KEY_STORE, "demo"));
    assert_null(keys_current(edge, KEY_BUS, "demo"));
    keys_close(&edge);
    replace("beta.lane", 0400, "not a lane");
    assert_int_equal(keys_open_lane_only(DIR_PATH, &edge, &why), FAULT_REFUSED);
    chmod(path, 0444);
    assert_int_equal(keys_open_lane_only(DIR_PATH, &edge, &why), FAULT_REFUSED);
    keys_close(&keys);
}

static void a_look_up_hash_is_the_same_for_the_same_value_only(void **state)
{
    (void)state;
    struct keys *keys = open_ring();
    uint8_t a[LOOKUP_HASH_SIZE], b[LOOKUP_HASH_SIZE];
    struct bytes mrn = bytes_of_text("MRN-1");
    assert_int_equal(keys_lookup_hash(keys, "demo", "person", mrn, a), FAULT_NONE);
    assert_int_equal(keys_lookup_hash(keys, "demo", "person", mrn, b), FAULT_NONE);
    assert_memory_equal(a, b, sizeof a);
    keys_lookup_hash(keys, "other", "person", mrn, b);
    assert_memory_not_equal(a, b, sizeof a);
    keys_lookup_hash(keys, "demo", "member", mrn, b);
    assert_memory_not_equal(a, b, sizeof a);
    keys_lookup_hash(keys, "demo", "person", bytes_of_text("MRN-2"), b);
    assert_memory_not_equal(a, b, sizeof a);
    assert_int_equal(keys_lookup_hash(keys, "nobody", "person", mrn, b), FAULT_NOT_FOUND);
    keys_close(&keys);
}

/* ---- seals ---- */

static const struct seal_about ABOUT = {"demo", "intake:referral", "r1", 3, "state"};
static const char CLEAR[] = "a body that nobody else may read";

static void a_sealed_body_opens_where_it_belongs(void **state)
{
    (void)state;
    struct keys *keys = open_ring();
    const struct key *key = keys_current(keys, KEY_STORE, "demo");
    uint8_t sealed[sizeof CLEAR + SEAL_OVERHEAD], again[sizeof sealed], clear[sizeof CLEAR];
    seal(key, &ABOUT, bytes_of(CLEAR, sizeof CLEAR), sealed);
    assert_true(seal_open(key, &ABOUT, bytes_of(sealed, sizeof sealed), clear));
    assert_memory_equal(clear, CLEAR, sizeof CLEAR);
    seal(key, &ABOUT, bytes_of(CLEAR, sizeof CLEAR), again);
    assert_memory_not_equal(sealed, again, sizeof sealed); /* a nonce of its own each time */
    uint32_t epoch = 0;
    assert_true(seal_epoch(bytes_of(sealed, sizeof sealed), &epoch));
    assert_int_equal(epoch, 1);
    uint8_t empty[SEAL_OVERHEAD];
    seal(key, &ABOUT, bytes_of(NULL, 0), empty);
    assert_true(seal_open(key, &ABOUT, bytes_of(empty, sizeof empty), clear));
    keys_close(&keys);
}

static void a_body_moved_elsewhere_does_not_open(void **state)
{
    (void)state;
    static const struct seal_about OTHERS[] = {
        {"other", "intake:referral", "r1", 3, "state"},
        {"demo", "intake:person", "r1", 3, "state"},
        {"demo", "intake:referral", "r2", 3, "state"},
        {"demo", "intake:referral", "r1", 4, "state"},
        {"demo", "intake:referral", "r1", 3, "reply"},
        {"demo", "intake:referralr1", "", 3, "state"}, /* the same letters, cut elsewhere */
        {"demoi", "ntake:referral", "r1", 3, "state"},
    };
    struct keys *keys = open_ring();
    const struct key *key = keys_current(keys, KEY_STORE, "demo");
    uint8_t sealed[sizeof CLEAR + SEAL_OVERHEAD], clear[sizeof CLEAR];
    seal(key, &ABOUT, bytes_of(CLEAR, sizeof CLEAR), sealed);
    for (size_t i = 0; i < ARRAY_LENGTH(OTHERS); i++) {
        assert_false(seal_open(key, &OTHERS[i], bytes_of(sealed, sizeof sealed), clear));
    }
    assert_false(seal_open(keys_current(keys, KEY_BUS, "demo"), &ABOUT, bytes_of(sealed, sizeof sealed), clear));
    assert_false(seal_open(keys_current(keys, KEY_STORE, "other"), &ABOUT, bytes_of(sealed, sizeof sealed), clear));
    keys_close(&keys);
}

static void one_altered_or_missing_byte_does_not_open(void **state)
{
    (void)state;
    struct keys *keys = open_ring();
    const struct key *key = keys_current(keys, KEY_STORE, "demo");
    uint8_t sealed[sizeof CLEAR + SEAL_OVERHEAD], clear[sizeof CLEAR];
    seal(key, &ABOUT, bytes_of(CLEAR, sizeof CLEAR), sealed);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 0x10;
        assert_false(seal_open(key, &ABOUT, bytes_of(sealed, sizeof sealed), clear));
        sealed[i] ^= 0x10;
        assert_false(seal_open(key, &ABOUT, bytes_of(sealed, i), clear));
    }
    assert_true(seal_open(key, &ABOUT, bytes_of(sealed, sizeof sealed), clear));
    keys_close(&keys);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        TEST(keys_are_made_once_and_found_again),
        TEST(every_use_tenant_and_payer_has_a_key_of_its_own),
        TEST(eight_processes_that_start_at_once_get_the_same_keys),
        TEST(a_root_file_that_others_may_read_is_refused),
        TEST(a_lost_root_file_is_never_made_anew),
        TEST(the_root_of_another_house_does_not_open_the_tenants),
        TEST(a_tenant_is_added_and_the_others_keep_their_keys),
        TEST(a_tenant_is_added_behind_an_open_line),
        TEST(a_line_with_anything_but_its_three_words_is_refused),
        TEST(an_edge_holds_its_lanes_and_nothing_else),
        TEST(a_look_up_hash_is_the_same_for_the_same_value_only),
        TEST(a_sealed_body_opens_where_it_belongs),
        TEST(a_body_moved_elsewhere_does_not_open),
        TEST(one_altered_or_missing_byte_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
