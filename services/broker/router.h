/* The ROUTER socket of a broker or edge: frames in, frames out, and the connections that broke.
 *
 * A peer is named by the number in the routing id that ZeroMQ gives it; a routing id of a peer's own choosing is dropped, and so
 * is a message of more than one frame. Sending never waits and never drops: what is not taken is said so. */
#ifndef BROKER_ROUTER_H
#define BROKER_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "common/core/fault.h"

struct router;

/* Binds every endpoint. UNAVAILABLE with a sentence when one cannot be. */
enum fault router_open(
    void *zmq, const char *const *endpoints, size_t count, int frame_bytes_max, struct router **out, struct why *why);
void router_close(struct router **router);

/* The items to poll: the socket and its monitor. */
size_t router_items(struct router *router, zmq_pollitem_t *items);

enum router_event {
    ROUTER_NOTHING,
    ROUTER_FRAME,
    ROUTER_BAD,    /* something that no peer of ours sends; it is dropped already */
    ROUTER_BROKEN, /* the connection of `peer` broke */
};

struct router_frame {
    uint32_t peer;
    const uint8_t *bytes; /* lent until the next call */
    size_t size;
};

/* What came in, without waiting. */
enum router_event router_next(struct router *router, struct router_frame *out);

enum router_sent { ROUTER_SENT, ROUTER_FULL, ROUTER_GONE };
enum router_sent router_send(struct router *router, uint32_t peer, const void *bytes, size_t size);

/* The address really bound, for endpoints with a port of the system's choice. */
const char *router_endpoint(const struct router *router);

#endif
