/* The pipelined client and the tags, against a real Redis. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/core/clock.h"
#include "common/core/must.h"
#include "common/store/redis.h"
#include "common/store/reply.h"
#include "common/store/tag.h"
#include "tests/support/redis_fixture.h"

enum {
    PATIENCE_MS = 10000,
};

static struct redis_fixture REDIS;

static int start(void **state)
{
    (void)state;
    static const char *const extra[] = {"--cluster-enabled", "yes", "--enable-debug-command", "yes", NULL};
    redis_fixture_start(&REDIS, extra);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_fixture_stop(&REDIS);
    return 0;
}

static struct redis *connected(void)
{
    struct redis *redis = redis_new(REDIS.address);
    assert_non_null(redis);
    freeReplyObject(redis_ask_words(redis, PATIENCE_MS, "PING", NULL));
    assert_true(redis_is_ready(redis));
    return redis;
}

struct seen {
    size_t replies;
    size_t lost;
    int64_t last;
    bool in_order;
};

static void on_echo(void *user, const redisReply *reply)
{
    struct seen *seen = user;
    int64_t number = 0;
    if (reply == NULL) {
        seen->lost++;
        return;
    }
    seen->in_order = reply_number(reply, &number) && number == seen->last + 1;
    seen->last = number;
    seen->replies++;
}

static enum fault echo(struct redis *redis, int64_t number, struct seen *seen)
{
    enum fault fault = redis_begin(redis, 2, 64);
    if (fault == FAULT_NONE) {
        redis_add_text(redis, "ECHO");
        redis_add_int(redis, number);
        redis_end(redis, on_echo, seen);
    }
    return fault;
}

/* Turns the loop until the condition holds. */
#define TURN_UNTIL(redis, condition)                                                                                   \
    for (int64_t until = clock_monotonic_ms() + PATIENCE_MS; !(condition);) {                                          \
        assert_true(clock_monotonic_ms() < until);                                                                     \
        turn(redis);                                                                                                   \
    }

static void turn(struct redis *redis)
{
    redis_tick(redis, clock_monotonic_ms());
    redis_flush(redis);
    struct pollfd poller = {redis_fd(redis), (short)(POLLIN | (redis_wants_write(redis) ? POLLOUT : 0)), 0};
    poll(&poller, 1, 5);
    if (poller.revents & POLLOUT) {
        redis_on_writable(redis);
    }
    if (poller.revents & (POLLIN | POLLHUP | POLLERR)) {
        redis_on_readable(redis);
    }
}

static void replies_come_in_the_order_of_the_commands(void **state)
{
    (void)state;
    struct redis *redis = connected();
    struct seen seen = {.in_order = true};
    for (int64_t i = 1; i <= 20000; i++) {
        assert_int_equal(echo(redis, i, &seen), FAULT_NONE);
    }
    TURN_UNTIL(redis, redis_pending(redis) == 0);
    assert_int_equal(seen.replies, 20000);
    assert_true(seen.in_order);
    redis_free(&redis);
}

static void a_large_value_comes_back_whole(void **state)
{
    (void)state;
    struct redis *redis = connected();
    static char value[3 << 20];
    memset(value, 'v', sizeof value);
    struct bytes argv[] = {bytes_of_text("ECHO"), bytes_of(value, sizeof value)};
    redisReply *reply = redis_ask_blocking(redis, PATIENCE_MS, 2, argv);
    assert_true(reply_is_string(reply));
    assert_int_equal(reply->len, sizeof value);
    assert_memory_equal(reply->str, value, sizeof value);
    freeReplyObject(reply);
    redis_free(&redis);
}

static void a_full_pipeline_refuses_before_anything_is_kept(void **state)
{
    (void)state;
    struct redis *redis = connected();
    struct seen seen = {.in_order = true};
    for (int64_t i = 1; i <= REDIS_PENDING_MAX; i++) {
        assert_int_equal(echo(redis, i, &seen), FAULT_NONE);
    }
    assert_int_equal(echo(redis, 0, &seen), FAULT_OVERLOADED);
    assert_int_equal(redis_pending(redis), REDIS_PENDING_MAX);
    TURN_UNTIL(redis, redis_pending(redis) == 0);
    assert_true(seen.in_order);
    assert_int_equal(redis_begin(redis, 2, (size_t)REDIS_OUT_MAX + 1), FAULT_OVERLOADED);
    redis_free(&redis);
}

static void a_lost_connection_answers_all_with_nothing_and_comes_back(void **state)
{
    (void)state;
    struct redis *redis = connected();
    struct seen seen = {.in_order = true};
    for (int64_t i = 1; i <= 10; i++) {
        echo(redis, i, &seen);
    }
    redis_fixture_kill(&REDIS);
    TURN_UNTIL(redis, redis_pending(redis) == 0);
    assert_int_equal(seen.lost + seen.replies, 10);
    assert_int_equal(seen.lost, 10);
    assert_int_equal(redis_losses(redis), 1);
    assert_int_equal(echo(redis, 1, &seen), FAULT_UNAVAILABLE);
    assert_int_equal(redis_fd(redis), -1);
    static const char *const extra[] = {"--cluster-enabled", "yes", "--enable-debug-command", "yes", NULL};
    redis_fixture_restart(&REDIS, extra);
    TURN_UNTIL(redis, redis_is_ready(redis));
    seen = (struct seen){.in_order = true};
    assert_int_equal(echo(redis, 1, &seen), FAULT_NONE);
    TURN_UNTIL(redis, seen.replies == 1);
    redis_free(&redis);
}

static void a_late_reply_ends_the_connection(void **state)
{
    (void)state;
    struct redis *redis = connected();
    struct seen seen = {.in_order = true};
    kill(REDIS.pid, SIGSTOP);
    redis_set_deadline(redis, 30);
    redis_tick(redis, clock_monotonic_ms());
    assert_int_equal(echo(redis, 1, &seen), FAULT_NONE);
    int64_t due = redis_next_tick_ms(redis);
    redis_flush(redis);
    redis_tick(redis, due - 1);
    assert_int_equal(seen.lost, 0);
    redis_tick(redis, due);
    assert_int_equal(seen.lost, 1);
    assert_false(redis_is_ready(redis));
    kill(REDIS.pid, SIGCONT);
    redis_free(&redis);
}

static void an_answer_that_does_not_come_leaves_no_trace(void **state)
{
    (void)state;
    struct redis *redis = connected();
    kill(REDIS.pid, SIGSTOP);
    assert_null(redis_ask_words(redis, 30, "ECHO", "late", NULL));
    kill(REDIS.pid, SIGCONT);
    redisReply *reply = redis_ask_words(redis, PATIENCE_MS, "ECHO", "now", NULL);
    assert_non_null(reply);
    assert_string_equal(reply->str, "now");
    freeReplyObject(reply);
    redis_free(&redis);
}

static void an_address_is_a_unix_socket_or_tcp(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "/run/redis.sock", "tcp:localhost", "http://x",
        "unix:/a/path/that/is/longer/than/what/a/unix/socket/can/have/because/it/goes/on/and/on/and/on/and/on/and/on/"
        "and/on/for/ever/and/ever"};
    for (size_t i = 0; i < ARRAY_LENGTH(BAD); i++) {
        assert_null(redis_new(BAD[i]));
    }
    struct redis *redis = redis_new("tcp:127.0.0.1:6379");
    assert_non_null(redis);
    redis_free(&redis);
    redis_free(&redis);
}

/* A port of the system's choice, on which Redis is then asked to listen. */
static void tcp_serves_as_a_unix_socket_does(void **state)
{
    (void)state;
    struct redis *local = connected();
    char port[8], address[32] = "";
    for (int n = 20000 + getpid() % 20000, tries = 0; tries < 50 && address[0] == '\0'; n++, tries++) {
        snprintf(port, sizeof port, "%d", n);
        redisReply *reply = redis_ask_words(local, PATIENCE_MS, "CONFIG", "SET", "port", port, NULL);
        if (!reply_is_error(reply)) {
            snprintf(address, sizeof address, "tcp:127.0.0.1:%s", port);
        }
        freeReplyObject(reply);
    }
    assert_string_not_equal(address, "");
    struct redis *redis = redis_new(address);
    redisReply *reply = redis_ask_words(redis, PATIENCE_MS, "ECHO", "over tcp", NULL);
    assert_non_null(reply);
    assert_string_equal(reply->str, "over tcp");
    freeReplyObject(reply);
    redis_free(&redis);
    redis_free(&local);
}

static void redis_agrees_on_the_slot_of_every_partition(void **state)
{
    (void)state;
    struct redis *redis = connected();
    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        char key[64];
        int size = snprintf(key, sizeof key, "{%s}:log", partition_tag(partition));
        redisReply *reply = redis_ask_words(redis, PATIENCE_MS, "CLUSTER", "KEYSLOT", key, NULL);
        assert_int_equal(reply->integer, key_slot(key, (size_t)size));
        assert_in_range(reply->integer, partition * SLOTS_PER_PARTITION, partition * SLOTS_PER_PARTITION + 63);
        freeReplyObject(reply);
    }
    static const char *const KEYS[] = {"plain", "{}empty", "a{b}c", "{a", "x{y}{z}", ""};
    for (size_t i = 0; i < ARRAY_LENGTH(KEYS); i++) {
        redisReply *reply = redis_ask_words(redis, PATIENCE_MS, "CLUSTER", "KEYSLOT", KEYS[i], NULL);
        assert_int_equal(reply->integer, key_slot(KEYS[i], strlen(KEYS[i])));
        freeReplyObject(reply);
    }
    redis_free(&redis);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_come_in_the_order_of_the_commands),
        cmocka_unit_test(a_large_value_comes_back_whole),
        cmocka_unit_test(a_full_pipeline_refuses_before_anything_is_kept),
        cmocka_unit_test(a_lost_connection_answers_all_with_nothing_and_comes_back),
        cmocka_unit_test(a_late_reply_ends_the_connection),
        cmocka_unit_test(an_answer_that_does_not_come_leaves_no_trace),
        cmocka_unit_test(an_address_is_a_unix_socket_or_tcp),
        cmocka_unit_test(tcp_serves_as_a_unix_socket_does),
        cmocka_unit_test(redis_agrees_on_the_slot_of_every_partition),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
