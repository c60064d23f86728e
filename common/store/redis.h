/* One pipelined, non-blocking connection to one Redis node, over a unix socket or TCP.
 *
 * Commands are written straight into one output buffer and leave with `redis_flush`, once per turn of the caller's
 * loop; replies arrive in the order of the commands and reach the callback that was given with each. There is no
 * thread, no clock and no loop in here: the caller polls `redis_fd`, and says what time it is with `redis_tick`.
 *
 * A lost connection answers every pending command with NULL: nobody knows whether it was carried out. The connection
 * then comes back by itself, with growing pauses; nothing is ever sent twice. A command whose deadline passes ends the
 * connection, because replies have no names and everything behind it waits too.
 *
 * Limits: REDIS_OUT_MAX bytes not yet written and REDIS_PENDING_MAX commands unanswered; beyond that a command is
 * refused with OVERLOADED before anything of it is kept. */
#ifndef STORE_REDIS_H
#define STORE_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/fault.h"
#include "common/store/bytes.h"

enum {
    REDIS_OUT_MAX = 64 << 20,    /* bytes */
    REDIS_PENDING_MAX = 65536,   /* commands */
    REDIS_DEADLINE_MS = 10000,   /* unless said otherwise */
    REDIS_RECONNECT_MIN_MS = 20, /* first pause; doubles up to the next */
    REDIS_RECONNECT_MAX_MS = 2000,
};

struct redis;

/* Gets the reply of one command, lent until it returns; NULL when the connection was lost before the reply came.
 * It may send further commands, and nothing else of this header. */
typedef void redis_reply_fn(void *user, const redisReply *reply);

/* `address` is `unix:/path/to/socket` or `tcp:host:port`. Does not connect yet: `redis_tick` does.
 * NULL when the address is neither. */
struct redis *redis_new(const char *address);

/* Answers everything pending with NULL, closes and frees. Accepts NULL. */
void redis_free(struct redis **redis);

/* The deadline of every command sent from now on. */
void redis_set_deadline(struct redis *redis, int64_t deadline_ms);

const char *redis_address(const struct redis *redis);

/* -1 while there is no socket. It changes when the connection does, so ask anew each turn. */
int redis_fd(const struct redis *redis);
bool redis_is_ready(const struct redis *redis);
bool redis_wants_write(const struct redis *redis);

/* Call when poll says so. Replies are handed out from `redis_on_readable`. */
void redis_on_readable(struct redis *redis);
void redis_on_writable(struct redis *redis);

/* Connects, reconnects and watches deadlines. Call it once per turn with the caller's monotonic clock. */
void redis_tick(struct redis *redis, int64_t now_ms);

/* When `redis_tick` has to be called next at the latest; INT64_MAX when only a socket can wake it. */
int64_t redis_next_tick_ms(const struct redis *redis);

/* Writes what is waiting, as far as the socket takes it. */
void redis_flush(struct redis *redis);

/* Ends the connection now, as if it were lost. Not from a callback. */
void redis_drop(struct redis *redis);

size_t redis_pending(const struct redis *redis);  /* commands unanswered */
uint64_t redis_losses(const struct redis *redis); /* connections lost since the start */

/* Whether so many commands with so many bytes of arguments fit now: NONE, UNAVAILABLE or OVERLOADED. For who sends
 * several commands or none. */
enum fault redis_room(const struct redis *redis, size_t commands, size_t size);

/* Begins a command of exactly `argc` arguments, each added by one of the following, then ended with the callback.
 * UNAVAILABLE while not connected, OVERLOADED at the limits; then nothing was begun and nothing may be added.
 * `size_hint` is about how many bytes the arguments have. */
enum fault redis_begin(struct redis *redis, size_t argc, size_t size_hint);
void redis_add(struct redis *redis, const void *at, size_t size);
void redis_add_text(struct redis *redis, const char *text);
void redis_add_int(struct redis *redis, int64_t number);
/* Room for an argument of `size` bytes that the caller fills in before adding the next. */
uint8_t *redis_add_space(struct redis *redis, size_t size);
void redis_end(struct redis *redis, redis_reply_fn *fn, void *user);

/* The same in one call. */
enum fault redis_send(struct redis *redis, size_t argc, const struct bytes *argv, redis_reply_fn *fn, void *user);

/* Sends one command and waits for its reply, for start-up, tools and tests; other replies reach their callbacks
 * meanwhile. Connects if need be. NULL when there is none within `timeout_ms`. The reply is the caller's:
 * freeReplyObject. */
redisReply *redis_ask_blocking(struct redis *redis, int64_t timeout_ms, size_t argc, const struct bytes *argv);

/* The same for a command of plain words, ended by NULL. */
redisReply *redis_ask_words(struct redis *redis, int64_t timeout_ms, ...) __attribute__((sentinel));

#endif
