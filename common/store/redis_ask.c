#include "common/store/redis.h"

#include <poll.h>
#include <stdarg.h>

#include "common/core/clock.h"
#include "common/core/must.h"
#include "common/store/reply.h"

enum {
    WORDS_MAX = 32,
};

struct asked {
    bool sent;
    bool answered;
    redisReply *reply;
};

static void keep_reply(void *user, const redisReply *reply)
{
    struct asked *asked = user;
    asked->answered = true;
    asked->reply = reply == NULL ? NULL : reply_copy(reply);
}

/* One turn of a loop of its own, that ends at `until_ms` at the latest. */
static void turn(struct redis *redis, int64_t until_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    redis_flush(redis);
    int64_t wake_ms = redis_next_tick_ms(redis) < until_ms ? redis_next_tick_ms(redis) : until_ms;
    short events = (short)(POLLIN | (redis_wants_write(redis) ? POLLOUT : 0));
    struct pollfd poller = {redis_fd(redis), events, 0};
    poll(&poller, 1, wake_ms > now_ms ? (int)(wake_ms - now_ms) : 0);
    if (poller.revents & POLLOUT) {
        redis_on_writable(redis);
    }
    if (poller.revents & (POLLIN | POLLHUP | POLLERR)) {
        redis_on_readable(redis);
    }
}

redisReply *redis_ask_blocking(struct redis *redis, int64_t timeout_ms, size_t argc, const struct bytes *argv)
{
    struct asked asked = {false, false, NULL};
    int64_t until_ms = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        int64_t now_ms = clock_monotonic_ms();
        redis_tick(redis, now_ms);
        if (!asked.sent) {
            asked.sent = redis_send(redis, argc, argv, keep_reply, &asked) == FAULT_NONE;
        }
        if (asked.answered) {
            return asked.reply;
        }
        if (now_ms >= until_ms) {
            break;
        }
        turn(redis, until_ms);
    }
    if (asked.sent) {
        /* The answer would come to a dead stack frame: the connection ends, as it does for every late reply. */
        redis_drop(redis);
    }
    return asked.reply;
}

redisReply *redis_ask_words(struct redis *redis, int64_t timeout_ms, ...)
{
    struct bytes argv[WORDS_MAX];
    size_t argc = 0;
    va_list words;
    va_start(words, timeout_ms);
    for (const char *word = va_arg(words, const char *); word != NULL; word = va_arg(words, const char *)) {
        MUST(argc < WORDS_MAX);
        argv[argc++] = bytes_of_text(word);
    }
    va_end(words);
    return redis_ask_blocking(redis, timeout_ms, argc, argv);
}
