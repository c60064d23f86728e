/* What Redis should never answer: a server of this process says it, and every request is answered once, with a fault
 * or without what makes no sense. No Redis. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/core/must.h"
#include "common/store/commit.h"
#include "common/store/index_scan.h"
#include "common/store/lane.h"
#include "common/store/timers.h"

#define FOLDER_SIZE 64
#define REPEAT      64 /* answers for the partitions of one link */

struct world {
    char folder[FOLDER_SIZE];
    int server;
    int peers[8];
    struct keys *keys;
    struct store store;
    struct arena arena;
    unsigned answered;
};

static int begin(void **state)
{
    static struct world w;
    static const char *const TENANTS[] = {"demo"};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char address[sizeof at.sun_path + 8];
    w = (struct world){.folder = "/tmp/casebus-answers-XXXXXX"};
    assert_non_null(mkdtemp(w.folder));
    snprintf(at.sun_path, sizeof at.sun_path, "%s/socket", w.folder);
    snprintf(address, sizeof address, "unix:%s", at.sun_path);
    w.server = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(w.server, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(w.server, ARRAY_LENGTH(w.peers)), 0);
    arena_init(&w.arena, 0);
    assert_int_equal(keys_open(w.folder, TENANTS, 1, &w.keys, NULL), FAULT_NONE);
    assert_int_equal(store_init(&w.store, address, w.keys, NULL), FAULT_NONE);
    store_tick(&w.store, 1);
    assert_true(shards_count(w.store.shards) <= ARRAY_LENGTH(w.peers));
    for (size_t i = 0; i < shards_count(w.store.shards); i++) {
        w.peers[i] = accept(w.server, NULL, NULL);
        assert_true(w.peers[i] >= 0);
    }
    *state = &w;
    return 0;
}

static int done(void **state)
{
    static const char *const FILES[] = {"socket", "root.key", "tenants.keys"};
    struct world *w = *state;
    size_t links = shards_count(w->store.shards);
    store_done(&w->store);
    keys_close(&w->keys);
    arena_done(&w->arena);
    for (size_t i = 0; i < links; i++) {
        close(w->peers[i]);
    }
    close(w->server);
    for (size_t i = 0; i < ARRAY_LENGTH(FILES); i++) {
        char path[FOLDER_SIZE + 16];
        snprintf(path, sizeof path, "%s/%s", w->folder, FILES[i]);
        unlink(path);
    }
    return rmdir(w->folder);
}

static void say(struct world *w, size_t link, const char *answer, size_t size)
{
    struct redis *redis = shards_at(w->store.shards, link);
    assert_int_equal(send(w->peers[link], answer, size, MSG_NOSIGNAL), size);
    redis_on_readable(redis);
}

static void count_commit(struct commit *commit)
{
    ((struct world *)commit->user)->answered++;
}

static void several_commits_that_get_one_answer_are_unknown(void **state)
{
    static const char *const ANSWERS[] = {
        "$-1\r\n", ":1\r\n", "$4\r\nC5-1\r\n", "*1\r\n$1\r\nX\r\n", "*1\r\n$2\r\nS9\r\n"};
    static const struct commit_event EVENT = {.subject = "intake.CaseClosed"};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(ANSWERS); i++) {
        struct commit commits[2], *both[] = {&commits[0], &commits[1]};
        for (size_t k = 0; k < ARRAY_LENGTH(commits); k++) {
            commits[k] = (struct commit){.tenant = "demo",
                .service = "intake",
                .root = "000-a",
                .command_id = "c",
                .cause = "",
                .actor_id = "n1",
                .event_count = 1,
                .events = &EVENT,
                .arena = &w->arena,
                .done = count_commit,
                .user = w};
        }
        w->answered = 0;
        assert_int_equal(commit_send_many(&w->store, both, 2, NULL), FAULT_NONE);
        say(w, 0, ANSWERS[i], strlen(ANSWERS[i]));
        assert_int_equal(w->answered, 2);
        assert_int_equal(commits[1].outcome, COMMIT_UNKNOWN);
        assert_true(commits[0].why.text[0] != '\0' && commits[1].why.text[0] != '\0');
    }
}

static void count_load(struct load *load)
{
    ((struct world *)load->user)->answered++;
}

static void a_root_that_makes_no_sense_is_a_fault(void **state)
{
    static const struct {
        const char *answer;
        enum fault fault;
    } ROWS[] = {
        {"*3\r\n$-1\r\n$-1\r\n$-1\r\n", FAULT_NONE},
        {"*3\r\n$1\r\n7\r\n$16\r\n0123456789abcdef\r\n$3\r\n5-1\r\n", FAULT_NONE},
        {":1\r\n", FAULT_UNAVAILABLE},
        {"*2\r\n:1\r\n:2\r\n", FAULT_UNAVAILABLE},
        {"*3\r\n$2\r\n-7\r\n$16\r\n0123456789abcdef\r\n$3\r\n5-1\r\n", FAULT_INTERNAL},
        {"*3\r\n$2\r\n 7\r\n$16\r\n0123456789abcdef\r\n$3\r\n5-1\r\n", FAULT_INTERNAL},
        {"*3\r\n$20\r\n99999999999999999999\r\n$16\r\n0123456789abcdef\r\n$3\r\n5-1\r\n", FAULT_INTERNAL},
        {"*3\r\n:1\r\n:2\r\n:3\r\n", FAULT_INTERNAL},
    };
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct load load = {.tenant = "demo", .root = "000-a", .arena = &w->arena, .done = count_load, .user = w};
        w->answered = 0;
        assert_int_equal(load_send(&w->store, &load), FAULT_NONE);
        say(w, 0, ROWS[i].answer, strlen(ROWS[i].answer));
        assert_int_equal(w->answered, 1);
        assert_int_equal(load.fault, ROWS[i].fault);
        assert_true((load.why.text[0] != '\0') == (load.fault != FAULT_NONE));
    }
}

static void count_scan(struct index_scan *scan)
{
    ((struct world *)scan->user)->answered++;
}

static void an_index_whose_members_are_no_texts_is_unavailable(void **state)
{
    static const char *const ANSWERS[] = {
        "*2\r\n$-1\r\n$1\r\n1\r\n", "*2\r\n:1\r\n:2\r\n", "*2\r\n$1\r\na\r\n$3\r\n1\0b\r\n"};
    static const size_t SIZES[] = {16, 12, 20};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(ANSWERS); i++) {
        struct index_scan scan = {.service = "intake",
            .index = "open",
            .group = "",
            .tenant = "demo",
            .max = INT64_MAX,
            .count_max = 10,
            .arena = &w->arena,
            .done = count_scan,
            .user = w};
        w->answered = 0;
        assert_int_equal(index_scan_send(&w->store, &scan), FAULT_NONE);
        for (size_t n = 0; n < REPEAT * shards_count(w->store.shards); n++) {
            say(w, n % shards_count(w->store.shards), ANSWERS[i], SIZES[i]);
        }
        assert_int_equal(w->answered, 1);
        assert_int_equal(scan.fault, FAULT_UNAVAILABLE);
    }
}

static void a_list_that_says_it_is_endless_ends_the_connection(void **state)
{
    static const char ANSWER[] = "*26000000\r\n$-1\r\n";
    struct world *w = *state;
    struct load load = {.tenant = "demo", .root = "000-a", .arena = &w->arena, .done = count_load, .user = w};
    assert_int_equal(load_send(&w->store, &load), FAULT_NONE);
    say(w, 0, ANSWER, sizeof ANSWER - 1);
    assert_int_equal(w->answered, 1);
    assert_int_equal(load.fault, FAULT_UNAVAILABLE);
    assert_int_equal(redis_losses(shards_at(w->store.shards, 0)), 1);
}

static void count_lanes(struct lanes *lanes)
{
    ((struct world *)lanes->user)->answered++;
}

static void a_lane_without_a_name_is_left_out(void **state)
{
    static const char ANSWER[] = "*3\r\n$-1\r\n$6\r\nintake\r\n:1\r\n";
    struct world *w = *state;
    struct lanes lanes = {.arena = &w->arena, .done = count_lanes, .user = w};
    assert_int_equal(lanes_send(&w->store, &lanes), FAULT_NONE);
    say(w, 0, ANSWER, sizeof ANSWER - 1);
    assert_int_equal(w->answered, 1);
    assert_int_equal(lanes.count, 1);
    assert_string_equal(lanes.dests[0], "intake");
}

static void a_timer_is_split_into_its_six_names_or_not_at_all(void **state)
{
    static const struct {
        const char *member;
        size_t size;
        bool good;
    } ROWS[] = {
        {"intake:case_file:demo:r:k:first-contact", 39, true},
        {"intake:case_file:demo:r:k", 25, false},
        {"intake:case_file:demo:r:k:n:more", 32, false},
        {"intake:case_file:demo::k:n", 26, false},
        {"intake:case_file:demo:r:k:n\0x", 29, false},
        {"", 0, false},
    };
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LENGTH(ROWS); i++) {
        struct due_timer timer;
        assert_int_equal(timer_parse(&w->arena, ROWS[i].member, ROWS[i].size, &timer), ROWS[i].good);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, done)
    const struct CMUnitTest tests[] = {
        TEST(several_commits_that_get_one_answer_are_unknown),
        TEST(a_root_that_makes_no_sense_is_a_fault),
        TEST(an_index_whose_members_are_no_texts_is_unavailable),
        TEST(a_list_that_says_it_is_endless_ends_the_connection),
        TEST(a_lane_without_a_name_is_left_out),
        TEST(a_timer_is_split_into_its_six_names_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
