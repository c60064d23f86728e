/* The rules of one link to one broker, without socket or clock: what came in goes into link_step(), what to do comes
 * out.
 *
 *                 WELCOME of the latest HELLO              drain: says BYE
 *      GREETING --------------------------------> READY -------------------> DRAINING
 *          ^                                        |                            |
 *          '------ RESET, three silent intervals ---'                            | BYE of the broker, or an interval
 *          |                                                                     | without anything in flight,
 *          '----- drain ---------------------> CLOSED <--------------------------'   or RESET, or silence
 *
 * A link session lives from WELCOME to LINK_LOST. Whatever was in flight in it is void on this side at LINK_LOST:
 * commands of unknown outcome are repeated under their command id, deliveries come again.
 *
 * Heartbeats: any record counts as a sign of life. Who has said nothing for an interval says PING; a PING is answered
 * by a PONG. Credits: the broker's window (WELCOME, then CREDIT) limits the records of ours that wait for an answer.
 * Every record that asks is answered once, also after a CANCEL, so neither side loses count. */
#ifndef BUS_LINK_CORE_H
#define BUS_LINK_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bus/verb.h"

#define LINK_HEARTBEAT_MS     1000 /* where WELCOME names none */
#define LINK_HEARTBEAT_MIN_MS 100
#define LINK_HEARTBEAT_MAX_MS 60000
#define LINK_SILENCE          3   /* intervals after which a session is lost */
#define LINK_HELLO_MIN_MS     100 /* between two HELLOs; doubles up to LINK_HELLO_MAX_MS while nobody answers */
#define LINK_HELLO_MAX_MS     2000
#define LINK_CREDITS          64 /* where HELLO or WELCOME names none */

enum link_state { LINK_GREETING, LINK_READY, LINK_DRAINING, LINK_CLOSED };

enum link_event {
    LINK_NOTHING,
    LINK_UP,      /* a session began: ask, and be asked */
    LINK_RECORD,  /* a record for the owner */
    LINK_LEAVING, /* the broker drains: it answers what it has and takes nothing new */
    LINK_LOST,    /* the session ended; the link greets again by itself */
    LINK_REFUSED, /* the broker will not have this HELLO (version, rights): greeted again, slowly */
    LINK_DRAINED, /* the drain asked for is complete */
};

/* State of a link. Zeroed memory is not valid: link_init(). */
struct link_core {
    enum link_state state;
    bool leaving; /* the broker said BYE */
    uint32_t heartbeat_ms;
    uint32_t backoff_ms; /* until the next HELLO */
    uint32_t window;     /* records of ours that may wait for an answer at a time */
    uint32_t awaited;    /* records of ours that wait for an answer */
    uint32_t owed;       /* records of the broker that wait for ours */
    uint64_t session;    /* given by the broker; 0: none */
    uint64_t hello_tag;  /* of the latest HELLO */
    int64_t hello_ms;    /* when the latest HELLO was said */
    int64_t hello_at_ms; /* when to say the next one */
    int64_t bye_ms;      /* DRAINING: when BYE was said */
    int64_t heard_ms;
    int64_t said_ms;
};

enum link_input_kind {
    LINK_TICK,  /* time has passed */
    LINK_HEARD, /* a record came in */
    LINK_SAID,  /* the owner sends a record */
    LINK_DRAIN, /* the owner wants to leave */
};

struct link_input {
    enum link_input_kind kind;
    enum verb verb;        /* HEARD, SAID */
    enum status status;    /* HEARD RESET */
    uint64_t tag;          /* HEARD: WELCOME and PING (to be repeated), CREDIT (the window) */
    uint64_t session;      /* HEARD WELCOME */
    uint32_t heartbeat_ms; /* HEARD WELCOME; 0: not named */
    uint32_t window;       /* HEARD WELCOME; 0: not named */
};

struct link_output {
    enum link_event event;
    enum verb say;   /* send this record now: HELLO, PING, PONG or BYE; VERB_NONE: nothing */
    uint64_t tag;    /* of the record to say */
    int64_t wake_ms; /* TICK again not later than this; INT64_MAX: never */
};

void link_init(struct link_core *core, int64_t now_ms);
struct link_output link_step(struct link_core *core, int64_t now_ms, const struct link_input *input);

/* A new command, question or answer-later may be sent: ready, window open, broker not leaving. */
bool link_may_ask(const struct link_core *core);

#endif
