/* One connected insurer at the edge: its session, the lanes it takes, and its own link to the broker.
 *
 * An insurer has a link of its own, so that what it does not take, or takes too slowly, waits for it alone. Tags and credits pass
 * through: what the insurer owes to the edge, the link owes to the broker. When either side is lost, so is the other; the
 * insurer greets again, and its open tasks come again. */
#ifndef BROKER_INSURER_H
#define BROKER_INSURER_H

#include "common/bus/frame.h"
#include "common/bus/link.h"
#include "common/store/keys.h"
#include "services/broker/list.h"

enum { INSURERS_MAX = 256, INSURER_LANES_MAX = 256 };

struct insurer {
    struct list node;
    uint32_t peer;
    uint64_t session;
    const char **lanes;
    size_t lane_count;
    struct link *link;
    struct frame out; /* records for the insurer, sent as one frame at the end of the turn */
    int64_t heard_ms, said_ms;
    bool lost;
};

/* Opens its link. NULL with `why` when the lanes are no payer's lanes, a key is missing, or the broker cannot be linked.
 * This is the seam of CURVE: with it, the lanes must also be those of the key that the connection proved. */
struct insurer *insurer_new(uint32_t peer, uint64_t session, const Casebus__Hello *hello, const char *broker,
    struct keys *keys, int64_t now_ms, struct why *why);
void insurer_free(struct insurer **insurer);

void insurer_say(struct insurer *insurer, int64_t now_ms, const struct record *record);

/* A record of the insurer, after its HELLO. */
void insurer_hear(struct insurer *insurer, struct keys *keys, int64_t now_ms, const struct record *record);

/* What the broker sent for it. */
void insurer_serve(struct insurer *insurer, struct keys *keys, int64_t now_ms);

#endif
