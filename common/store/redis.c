#include "common/store/redis.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/core/arena.h"
#include "common/core/must.h"
#include "common/store/reply.h"

enum {
    READ_SIZE = 64 << 10,
    REPLY_SIZE_MAX = 256 << 20, /* one reply, as objects */
    ARGUMENT_EXTRA = 16,        /* `$<size>\r\n` and `\r\n` around an argument */
};

enum link_state {
    LINK_DOWN,
    LINK_CONNECTING,
    LINK_READY,
};

struct pending {
    redis_reply_fn *fn;
    void *user;
    int64_t deadline_ms;
};

/* Commands waiting for their reply, oldest first: a ring whose capacity is a power of two. */
struct pending_ring {
    struct pending *items;
    size_t capacity;
    size_t first;
    size_t count;
};

struct redis {
    char *address;
    enum link_state state;
    int fd;
    int64_t now_ms;
    int64_t retry_at_ms;
    int64_t pause_ms;
    int64_t deadline_ms;
    uint64_t losses;

    uint8_t *out; /* [out_sent, out_size) waits to be written */
    size_t out_size;
    size_t out_sent;
    size_t out_capacity;

    struct pending_ring pending;
    struct arena reply_arena;
    redisReader *reader;
};

static void ring_push(struct pending_ring *ring, struct pending item)
{
    if (ring->count == ring->capacity) {
        size_t capacity = ring->capacity == 0 ? 64 : 2 * ring->capacity;
        struct pending *items = malloc(capacity * sizeof *items);
        MUST(items != NULL);
        for (size_t i = 0; i < ring->count; i++) {
            items[i] = ring->items[(ring->first + i) & (ring->capacity - 1)];
        }
        free(ring->items);
        *ring = (struct pending_ring){items, capacity, 0, ring->count};
    }
    ring->items[(ring->first + ring->count++) & (ring->capacity - 1)] = item;
}

static struct pending ring_take(struct pending_ring *ring)
{
    struct pending item = ring->items[ring->first];
    ring->first = (ring->first + 1) & (ring->capacity - 1);
    ring->count--;
    return item;
}

struct redis *redis_new(const char *address)
{
    bool is_unix = strncmp(address, "unix:", 5) == 0 && strlen(address + 5) < sizeof((struct sockaddr_un *)0)->sun_path;
    bool is_tcp = strncmp(address, "tcp:", 4) == 0 && strrchr(address + 4, ':') != NULL;
    if (!is_unix && !is_tcp) {
        return NULL;
    }
    struct redis *redis = calloc(1, sizeof *redis);
    MUST(redis != NULL);
    redis->address = strdup(address);
    MUST(redis->address != NULL);
    redis->fd = -1;
    redis->pause_ms = REDIS_RECONNECT_MIN_MS;
    redis->deadline_ms = REDIS_DEADLINE_MS;
    arena_init(&redis->reply_arena, REPLY_SIZE_MAX);
    return redis;
}

/* Ends the connection: what is pending gets NULL, and a pause begins that the next connection has to wait for. */
static void lose(struct redis *redis)
{
    if (redis->state == LINK_READY) {
        redis->losses++;
    }
    if (redis->fd >= 0) {
        close(redis->fd);
    }
    redis->fd = -1;
    redis->state = LINK_DOWN;
    redis->out_size = redis->out_sent = 0;
    redis->retry_at_ms = redis->now_ms + redis->pause_ms;
    redis->pause_ms = redis->pause_ms * 2 > REDIS_RECONNECT_MAX_MS ? REDIS_RECONNECT_MAX_MS : redis->pause_ms * 2;
    if (redis->reader != NULL) {
        redisReaderFree(redis->reader);
        redis->reader = NULL;
    }
    arena_reset(&redis->reply_arena);
    while (redis->pending.count > 0) {
        struct pending item = ring_take(&redis->pending);
        item.fn(item.user, NULL);
    }
}

void redis_drop(struct redis *redis)
{
    lose(redis);
}

void redis_free(struct redis **redis)
{
    if (*redis == NULL) {
        return;
    }
    struct redis *r = *redis;
    lose(r);
    arena_done(&r->reply_arena);
    free(r->pending.items);
    free(r->out);
    free(r->address);
    free(r);
    *redis = NULL;
}

void redis_set_deadline(struct redis *redis, int64_t deadline_ms)
{
    redis->deadline_ms = deadline_ms;
}

const char *redis_address(const struct redis *redis)
{
    return redis->address;
}

int redis_fd(const struct redis *redis)
{
    return redis->fd;
}

bool redis_is_ready(const struct redis *redis)
{
    return redis->state == LINK_READY;
}

bool redis_wants_write(const struct redis *redis)
{
    return redis->state == LINK_CONNECTING || redis->out_sent < redis->out_size;
}

size_t redis_pending(const struct redis *redis)
{
    return redis->pending.count;
}

uint64_t redis_losses(const struct redis *redis)
{
    return redis->losses;
}

/* ---- connecting ---- */

static int connect_unix(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, path); /* redis_new has measured it */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int connect_address(const struct addrinfo *to)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    if (connect(fd, to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Takes the first address of the name only: an address of Redis is a numeric one or a name of the hosts file. */
static int connect_tcp(const char *host_port)
{
    char host[256];
    const char *colon = strrchr(host_port, ':');
    if (snprintf(host, sizeof host, "%.*s", (int)(colon - host_port), host_port) >= (int)sizeof host) {
        return -1;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        return -1;
    }
    int fd = connect_address(found);
    freeaddrinfo(found);
    return fd;
}

static void become_ready(struct redis *redis)
{
    redis->state = LINK_READY;
    redis->reader = reply_reader_new(&redis->reply_arena);
}

static void start_connecting(struct redis *redis)
{
    bool is_unix = redis->address[0] == 'u';
    redis->fd = is_unix ? connect_unix(redis->address + 5) : connect_tcp(redis->address + 4);
    if (redis->fd < 0) {
        lose(redis);
    } else if (is_unix) {
        become_ready(redis);
    } else {
        redis->state = LINK_CONNECTING;
        redis->retry_at_ms = redis->now_ms + redis->deadline_ms;
    }
}

static void finish_connecting(struct redis *redis)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(redis->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        lose(redis);
    } else {
        become_ready(redis);
    }
}

void redis_tick(struct redis *redis, int64_t now_ms)
{
    redis->now_ms = now_ms;
    switch (redis->state) {
    case LINK_DOWN:
        if (now_ms >= redis->retry_at_ms) {
            start_connecting(redis);
        }
        break;
    case LINK_CONNECTING:
        if (now_ms >= redis->retry_at_ms) {
            lose(redis);
        }
        break;
    case LINK_READY:
        if (redis->pending.count > 0 && now_ms >= redis->pending.items[redis->pending.first].deadline_ms) {
            lose(redis);
        }
        break;
    }
}

int64_t redis_next_tick_ms(const struct redis *redis)
{
    if (redis->state != LINK_READY) {
        return redis->retry_at_ms;
    }
    return redis->pending.count == 0 ? INT64_MAX : redis->pending.items[redis->pending.first].deadline_ms;
}

/* ---- in and out ---- */

void redis_flush(struct redis *redis)
{
    if (redis->state != LINK_READY) {
        return;
    }
    while (redis->out_sent < redis->out_size) {
        ssize_t n = send(redis->fd, redis->out + redis->out_sent, redis->out_size - redis->out_sent, MSG_NOSIGNAL);
        if (n > 0) {
            redis->out_sent += (size_t)n;
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            lose(redis);
            return;
        }
    }
    redis->out_size = redis->out_sent = 0;
}

void redis_on_writable(struct redis *redis)
{
    if (redis->state == LINK_CONNECTING) {
        finish_connecting(redis);
    }
    redis_flush(redis);
}

/* Hands out every whole reply that the reader has. False when the bytes are no replies, or replies to nothing. */
static bool hand_out(struct redis *redis)
{
    void *object = NULL;
    while (redisReaderGetReply(redis->reader, &object) == REDIS_OK) {
        if (object == NULL) {
            return true;
        }
        if (redis->pending.count == 0) {
            return false;
        }
        redis->pause_ms = REDIS_RECONNECT_MIN_MS;
        struct pending item = ring_take(&redis->pending);
        item.fn(item.user, object);
        arena_reset(&redis->reply_arena);
    }
    return false;
}

void redis_on_readable(struct redis *redis)
{
    static char buffer[READ_SIZE];
    while (redis->state == LINK_READY) {
        ssize_t n = recv(redis->fd, buffer, sizeof buffer, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        if (n <= 0 || redisReaderFeed(redis->reader, buffer, (size_t)n) != REDIS_OK || !hand_out(redis)) {
            lose(redis);
            return;
        }
        if (n < (ssize_t)sizeof buffer) {
            return;
        }
    }
}

/* ---- commands ---- */

/* Room for `size` more bytes at the end of the output. */
static uint8_t *out_room(struct redis *redis, size_t size)
{
    if (redis->out_size + size > redis->out_capacity) {
        size_t capacity = redis->out_capacity == 0 ? READ_SIZE : redis->out_capacity;
        while (capacity < redis->out_size + size) {
            capacity *= 2;
        }
        redis->out = realloc(redis->out, capacity);
        MUST(redis->out != NULL);
        redis->out_capacity = capacity;
    }
    return redis->out + redis->out_size;
}

/* Writes `<sign><number>\r\n`. */
static void out_number(struct redis *redis, char sign, size_t number)
{
    char digits[24];
    size_t n = sizeof digits;
    digits[--n] = '\n';
    digits[--n] = '\r';
    do {
        digits[--n] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    digits[--n] = sign;
    memcpy(out_room(redis, sizeof digits), digits + n, sizeof digits - n);
    redis->out_size += sizeof digits - n;
}

enum fault redis_room(const struct redis *redis, size_t commands, size_t size)
{
    if (redis->state != LINK_READY) {
        return FAULT_UNAVAILABLE;
    }
    size_t waiting = redis->out_size - redis->out_sent;
    if (redis->pending.count + commands > REDIS_PENDING_MAX || waiting + size > REDIS_OUT_MAX) {
        return FAULT_OVERLOADED;
    }
    return FAULT_NONE;
}

enum fault redis_begin(struct redis *redis, size_t argc, size_t size_hint)
{
    enum fault fault = redis_room(redis, 1, size_hint + argc * ARGUMENT_EXTRA);
    if (fault == FAULT_NONE) {
        out_number(redis, '*', argc);
    }
    return fault;
}

uint8_t *redis_add_space(struct redis *redis, size_t size)
{
    out_number(redis, '$', size);
    uint8_t *space = out_room(redis, size + 2);
    memcpy(space + size, "\r\n", 2);
    redis->out_size += size + 2;
    return space;
}

void redis_add(struct redis *redis, const void *at, size_t size)
{
    uint8_t *space = redis_add_space(redis, size);
    if (size > 0) {
        memcpy(space, at, size);
    }
}

void redis_add_text(struct redis *redis, const char *text)
{
    redis_add(redis, text, strlen(text));
}

void redis_add_int(struct redis *redis, int64_t number)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)number);
    redis_add(redis, digits, (size_t)size);
}

void redis_end(struct redis *redis, redis_reply_fn *fn, void *user)
{
    ring_push(&redis->pending, (struct pending){fn, user, redis->now_ms + redis->deadline_ms});
}

enum fault redis_send(struct redis *redis, size_t argc, const struct bytes *argv, redis_reply_fn *fn, void *user)
{
    size_t size = 0;
    for (size_t i = 0; i < argc; i++) {
        size += argv[i].size;
    }
    enum fault fault = redis_begin(redis, argc, size);
    if (fault != FAULT_NONE) {
        return fault;
    }
    for (size_t i = 0; i < argc; i++) {
        redis_add(redis, argv[i].at, argv[i].size);
    }
    redis_end(redis, fn, user);
    return FAULT_NONE;
}
