/* What crosses between the links and the runtime's core: a record that came in, and one that goes out. */
#ifndef CASEBUS_SERVICE_WIRE_H
#define CASEBUS_SERVICE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus/verb.h"
#include "common/service/loop.h"
#include "common/store/bytes.h"

/* What a record on a link says. Bytes are lent for the call of runtime_receive(). */
struct incoming {
    uint32_t link;
    uint64_t session; /* of the link: an answer is for this session alone */
    enum verb verb;   /* CMD, EVT, QRY or ANSWER */
    uint64_t tag;
    uint32_t ttl_ms;
    uint32_t epoch;
    uint16_t partition;
    bool sealed;
    struct bytes envelope;
    struct bytes body;
};

/* What is to be sent back. Bytes are lent for the call of the port. */
struct outgoing {
    uint32_t link;
    uint64_t session;
    enum verb verb; /* REP, QRS, ACK or NAK */
    enum status status;
    uint64_t tag;
    uint32_t ttl_ms; /* not again before so long */
    uint32_t epoch;
    uint16_t partition;
    bool bell;       /* the partition has a new record */
    bool bell_lanes; /* and a new task */
    bool repeat;     /* the stored answer of an earlier commit */
    bool sealed;
    struct bytes envelope; /* an Outcome; empty for ACK */
    struct bytes body;
};

#endif
