/* A broker for tests: a ROUTER on ipc:// in a thread of its own, that welcomes who says HELLO, resets who did not,
 * answers PING and BYE, and asks the test's rule about everything else. The rule runs in the peer's thread; what it
 * notes down is read by the test after peer_stop(), or through atomics. */
#ifndef TESTS_BUS_PEER_H
#define TESTS_BUS_PEER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/bus/frame.h"
#include "proto/envelope.pb-c.h"

#define PEER_LINKS_MAX   16
#define PEER_ROUTING_MAX 32

struct peer;
typedef void peer_rule(struct peer *peer, const struct record *record, void *context);

struct peer {
    char folder[64], endpoint[96];
    peer_rule *rule;
    void *context;
    uint32_t window;           /* given in WELCOME */
    bool welcomes_in_envelope; /* where WELCOME carries its message, instead of in the body */
    peer_rule *greet;          /* asked at HELLO instead of welcoming, if there is one */

    pthread_t thread;
    void *router, *control, *stop;
    uint8_t known[PEER_LINKS_MAX][PEER_ROUTING_MAX]; /* routing ids with a session; the first byte is the size */
    unsigned known_count;
    uint8_t from[PEER_ROUTING_MAX]; /* of the frame being handled */
    struct frame out;               /* answers to it, sent as one frame when it is done */
    uint64_t sessions;

    atomic_uint hellos, byes, pings, frames, records, strays;
};

void peer_start(struct peer *peer, peer_rule *rule, void *context);
void peer_stop(struct peer *peer); /* Ends the thread and removes the socket. */

/* For rules. */
void peer_say(struct peer *peer, const struct record *record);
void peer_welcome(struct peer *peer, const struct record *hello);
void peer_reset(struct peer *peer, enum status status, const char *why); /* and forgets the link */
void peer_say_raw(struct peer *peer, const void *bytes, size_t size, bool more);
/* The answer to a CMD, QRY or ANSWER; `outcome` may be NULL. */
void peer_answer(struct peer *peer, const struct record *asked, enum status status, const Casebus__Outcome *outcome,
    const char *body);
/* As if the broker's process had ended and a new one come: sockets, sessions, everything anew at the same address. */
void peer_die_and_return(struct peer *peer);

#endif
