/* A link: one DEALER to one broker or edge, with the rules of link_core.h around it.
 *
 * The owner's loop, once per turn:
 *
 *     zmq_poll(items with link_poll_item(link), until min(own timers, link_wake_ms(link)));
 *     while ((event = link_next(link, now_ms, &record)) != LINK_NOTHING)
 *         ... handle; link_send() as needed
 *     link_flush(link);    one frame for all that was sent in this turn
 *
 * link_next() must be called until it says LINK_NOTHING, also when the poll reported nothing for this link: it drives
 * heartbeats, and ZMQ_FD is edge-triggered, so that an event noticed by an earlier send or receive is never reported
 * again. zmq_poll looks at ZMQ_EVENTS itself and is level-triggered; whoever puts link_fd() into an epoll set must run
 * the loop above once more before blocking whenever link_is_readable() after the flush.
 *
 * One thread owns a link. Addresses are ZeroMQ endpoints (tcp://, ipc://). No routing id is ever set, nothing queues
 * while the broker is away (ZMQ_IMMEDIATE), a frame above FRAME_MAX is refused by the socket. */
#ifndef BUS_LINK_H
#define BUS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zmq.h>

#include "common/bus/frame.h"
#include "common/bus/link_core.h"
#include "common/core/fault.h"
#include "proto/envelope.pb-c.h"

#define LINK_LINGER_MS 2000 /* how long a drained link may still deliver its last frame */
#define WIRE_MAJOR     1    /* CBP/1 */
#define CONTRACT_MAJOR 1    /* of proto/ */

struct link_options {
    const char *endpoint; /* required */
    /* Required: kind and instance. The link sets wire_major, and where they are unset contract_major, credit_messages
     * (LINK_CREDITS) and heartbeat_ms. Packed by link_new(), not kept. */
    const Casebus__Hello *hello;
    void *zmq;                   /* context; NULL: bus_context() */
    uint32_t connect_timeout_ms; /* 0: the system's */
};

struct link;

/* The one ZeroMQ context of this process, made at the first call. */
void *bus_context(void);
/* Ends it; after every link and socket of it is closed. Blocks until lingering frames are gone. */
void bus_done(void);

/* INVALID when the endpoint cannot be used or the HELLO breaks a ceiling. Connecting itself never fails here. */
enum fault link_new(const struct link_options *options, int64_t now_ms, struct why *why, struct link **out);
void link_free(struct link **link);

/* The next thing that happened, LINK_NOTHING when all is handled. `out` is filled at LINK_RECORD (CMD, REP, EVT, ...
 * whatever is not the link's own) and at LINK_REFUSED (the RESET; its envelope is an Outcome); it is lent until the
 * next call. */
enum link_event link_next(struct link *link, int64_t now_ms, struct record *out);

/* Queues a record for the next flush. False when there is no session, when the window is closed for a record that asks,
 * when it breaks a ceiling, or when the socket does not take what is queued already. An answer needs no window. */
bool link_send(struct link *link, int64_t now_ms, const struct record *record);

/* Hands everything queued to the socket as few frames. What the socket does not take stays queued. */
void link_flush(struct link *link);

/* Says BYE: the broker sends nothing new, the answers owed may still be sent. LINK_DRAINED follows. */
void link_drain(struct link *link, int64_t now_ms);

const struct link_core *link_core_of(const struct link *link);
const char *link_endpoint(const struct link *link);
int64_t link_wake_ms(const struct link *link);
zmq_pollitem_t link_poll_item(const struct link *link); /* Asks for POLLOUT only while something waits to be sent. */
int link_fd(const struct link *link);
bool link_is_readable(const struct link *link);

/* What went over this link since link_new(). */
struct link_counts {
    uint64_t frames_in, frames_out, records_in, records_out, bytes_in, bytes_out;
    uint64_t bad_frames; /* refused by frame_begin(), or of more than one ZeroMQ part */
    uint64_t stale;      /* records outside a session, dropped */
    uint64_t sessions;
};
struct link_counts link_counts(const struct link *link);

#endif
