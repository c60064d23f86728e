#include "services/broker/router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/must.h"
#include "services/broker/map.h"

enum {
    ROUTING_SIZE = 5,  /* of an id that ZeroMQ makes: a zero, then four bytes */
    HIGH_WATER = 8192, /* frames per peer; credits are the real limit, this one must never be */
    BACKLOG = 512,
    HANDSHAKE_MS = 5000,
    HEARTBEAT_MS = 1000,
    HEARTBEAT_TIMEOUT_MS = 3000,
    LINGER_MS = 2000,
    DESCRIPTORS_MAX = 65536,
};

struct router {
    void *socket, *monitor;
    zmq_msg_t message;
    bool lent;
    uint32_t *peer_of_fd; /* whose connection a descriptor is; 0: nobody's */
    struct map known;     /* peers whose descriptor is known */
    char endpoint[256];
};

static void set(void *socket, int option, int value)
{
    MUST(zmq_setsockopt(socket, option, &value, sizeof value) == 0);
}

static void *open_socket(void *zmq, int frame_bytes_max)
{
    void *socket = zmq_socket(zmq, ZMQ_ROUTER);
    MUST(socket);
    int64_t max = frame_bytes_max;
    MUST(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof max) == 0);
    set(socket, ZMQ_ROUTER_MANDATORY, 1);
    set(socket, ZMQ_SNDTIMEO, 0);
    set(socket, ZMQ_SNDHWM, HIGH_WATER);
    set(socket, ZMQ_RCVHWM, HIGH_WATER);
    set(socket, ZMQ_LINGER, LINGER_MS);
    set(socket, ZMQ_BACKLOG, BACKLOG);
    set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS);
    set(socket, ZMQ_TCP_KEEPALIVE, 1);
    return socket;
}

/* Connections that break are seen at once through the monitor, and not only after three silent intervals. */
static void *open_monitor(void *zmq, void *socket)
{
    char name[64];
    snprintf(name, sizeof name, "inproc://router-monitor-%p", socket);
    MUST(zmq_socket_monitor(socket, name, ZMQ_EVENT_DISCONNECTED) == 0);
    void *monitor = zmq_socket(zmq, ZMQ_PAIR);
    MUST(monitor && zmq_connect(monitor, name) == 0);
    set(monitor, ZMQ_LINGER, 0);
    return monitor;
}

enum fault router_open(
    void *zmq, const char *const *endpoints, size_t count, int frame_bytes_max, struct router **out, struct why *why)
{
    struct router *router = calloc(1, sizeof *router);
    MUST(router);
    router->peer_of_fd = calloc(DESCRIPTORS_MAX, sizeof *router->peer_of_fd);
    MUST(router->peer_of_fd);
    router->socket = open_socket(zmq, frame_bytes_max);
    router->monitor = open_monitor(zmq, router->socket);
    zmq_msg_init(&router->message);
    for (size_t i = 0; i < count; i++) {
        if (zmq_bind(router->socket, endpoints[i]) != 0) {
            why_set(why, "could not listen on %s: %s", endpoints[i], zmq_strerror(errno));
            router_close(&router);
            return FAULT_UNAVAILABLE;
        }
    }
    size_t size = sizeof router->endpoint;
    zmq_getsockopt(router->socket, ZMQ_LAST_ENDPOINT, router->endpoint, &size);
    *out = router;
    return FAULT_NONE;
}

void router_close(struct router **router)
{
    if (!*router) {
        return;
    }
    zmq_socket_monitor((*router)->socket, NULL, 0);
    zmq_close((*router)->monitor);
    zmq_msg_close(&(*router)->message);
    zmq_close((*router)->socket);
    free((*router)->peer_of_fd);
    map_done(&(*router)->known);
    free(*router);
    *router = NULL;
}

size_t router_items(struct router *router, zmq_pollitem_t *items)
{
    items[0] = (zmq_pollitem_t){.socket = router->socket, .events = ZMQ_POLLIN};
    items[1] = (zmq_pollitem_t){.socket = router->monitor, .events = ZMQ_POLLIN};
    return 2;
}

static uint32_t peer_number(zmq_msg_t *routing)
{
    const uint8_t *id = zmq_msg_data(routing);
    uint32_t number = 0;
    if (zmq_msg_size(routing) == ROUTING_SIZE && id[0] == 0) {
        memcpy(&number, id + 1, sizeof number);
    }
    return number;
}

/* Reads the rest of a message that has too many frames, one frame at a time and keeping none. */
static void drop_rest(struct router *router)
{
    while (zmq_msg_more(&router->message)) {
        zmq_msg_close(&router->message);
        zmq_msg_init(&router->message);
        if (zmq_msg_recv(&router->message, router->socket, ZMQ_DONTWAIT) < 0) {
            return;
        }
    }
}

static void remember_connection(struct router *router, uint32_t peer)
{
    if (map_find(&router->known, mix64(peer))) {
        return;
    }
    map_put(&router->known, mix64(peer), router);
    int fd = zmq_msg_get(&router->message, ZMQ_SRCFD);
    if (fd >= 0 && fd < DESCRIPTORS_MAX) {
        router->peer_of_fd[fd] = peer;
    }
}

/* An event of the monitor is two frames: number and value, then an address. */
static bool next_broken(struct router *router, uint32_t *out_peer)
{
    zmq_msg_t event, address;
    zmq_msg_init(&event);
    zmq_msg_init(&address);
    bool any = zmq_msg_recv(&event, router->monitor, ZMQ_DONTWAIT) == 6 &&
               zmq_msg_recv(&address, router->monitor, ZMQ_DONTWAIT) >= 0;
    uint32_t fd = UINT32_MAX;
    if (any) {
        memcpy(&fd, (const uint8_t *)zmq_msg_data(&event) + 2, sizeof fd);
    }
    zmq_msg_close(&event);
    zmq_msg_close(&address);
    *out_peer = fd < DESCRIPTORS_MAX ? router->peer_of_fd[fd] : 0;
    if (*out_peer) {
        map_remove(&router->known, mix64(*out_peer));
        router->peer_of_fd[fd] = 0;
    }
    return any;
}

enum router_event router_next(struct router *router, struct router_frame *out)
{
    zmq_msg_close(&router->message);
    zmq_msg_init(&router->message);
    if (zmq_msg_recv(&router->message, router->socket, ZMQ_DONTWAIT) < 0) {
        return next_broken(router, &out->peer) ? ROUTER_BROKEN : ROUTER_NOTHING;
    }
    uint32_t peer = peer_number(&router->message);
    if (!zmq_msg_more(&router->message) || zmq_msg_recv(&router->message, router->socket, ZMQ_DONTWAIT) < 0) {
        return ROUTER_BAD;
    }
    if (peer == 0 || zmq_msg_more(&router->message)) {
        drop_rest(router);
        return ROUTER_BAD;
    }
    remember_connection(router, peer);
    *out = (struct router_frame){peer, zmq_msg_data(&router->message), zmq_msg_size(&router->message)};
    return ROUTER_FRAME;
}

enum router_sent router_send(struct router *router, uint32_t peer, const void *bytes, size_t size)
{
    uint8_t routing[ROUTING_SIZE] = {0};
    memcpy(routing + 1, &peer, sizeof peer);
    if (zmq_send(router->socket, routing, sizeof routing, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        return errno == EAGAIN ? ROUTER_FULL : ROUTER_GONE;
    }
    return zmq_send(router->socket, bytes, size, ZMQ_DONTWAIT) < 0 ? ROUTER_GONE : ROUTER_SENT;
}

const char *router_endpoint(const struct router *router)
{
    return router->endpoint;
}
