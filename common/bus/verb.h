/* What one record on the wire says: its verb, and the status of an answer.
 *
 * Numbers are the wire's and are never used twice. Groups of sixteen leave room for kin:
 *   0x01 the link itself   0x10 commands   0x20 events   0x30 payer tasks   0x40 flow   0x50 hints   0x60 questions
 *
 * HELLO WELCOME RESET BYE PING PONG   opens, refuses, ends and proves a link session
 * CMD REP CANCEL                      a command, its answer, "nobody waits any more"
 * EVT ACK NAK TERM                    an event; handled; again after ttl_ms; never again
 * TASK ANSWER                         work for a payer, and what the payer decided, perhaps days later
 * CREDIT                              how many records the sender is ready to have in flight
 * BELL                                broker to broker: there is something new in this partition
 * QRY QRS                             a question that changes nothing, and its answer */
#ifndef BUS_VERB_H
#define BUS_VERB_H

#include <stdbool.h>
#include <stdint.h>

#define VERBS(X)                                                                                                       \
    X(HELLO, 0x01)                                                                                                     \
    X(WELCOME, 0x02)                                                                                                   \
    X(RESET, 0x03)                                                                                                     \
    X(BYE, 0x04)                                                                                                       \
    X(PING, 0x05)                                                                                                      \
    X(PONG, 0x06)                                                                                                      \
    X(CMD, 0x10)                                                                                                       \
    X(REP, 0x11)                                                                                                       \
    X(CANCEL, 0x12)                                                                                                    \
    X(EVT, 0x20)                                                                                                       \
    X(ACK, 0x21)                                                                                                       \
    X(NAK, 0x22)                                                                                                       \
    X(TERM, 0x23)                                                                                                      \
    X(TASK, 0x30)                                                                                                      \
    X(ANSWER, 0x31)                                                                                                    \
    X(CREDIT, 0x40)                                                                                                    \
    X(BELL, 0x50)                                                                                                      \
    X(QRY, 0x60)                                                                                                       \
    X(QRS, 0x61)

enum verb {
    VERB_NONE = 0,
#define VERB_VALUE(name, number) VERB_##name = (number),
    VERBS(VERB_VALUE)
#undef VERB_VALUE
};

/* The outcome an answer (REP, QRS) carries. UNKNOWN is the only one after which an effect may or may not exist; the
 * caller repeats the same command id to learn which. OVERLOADED, UNAVAILABLE and EXPIRED promise that there was no
 * effect. RESET carries REFUSED when the same HELLO would be refused again. */
#define STATUSES(X)                                                                                                    \
    X(OK, 1)                                                                                                           \
    X(REFUSED, 2)                                                                                                      \
    X(UNKNOWN, 3)                                                                                                      \
    X(OVERLOADED, 4)                                                                                                   \
    X(UNAVAILABLE, 5)                                                                                                  \
    X(EXPIRED, 6)

enum status {
    STATUS_NONE = 0,
#define STATUS_VALUE(name, number) STATUS_##name = (number),
    STATUSES(STATUS_VALUE)
#undef STATUS_VALUE
};

/* In which order a busy broker serves commands and questions. Never reorders records of one root. */
enum record_class {
    CLASS_NORMAL = 0,
    CLASS_URGENT = 1,  /* a person waits */
    CLASS_BULK = 2,    /* imports, replays */
    CLASS_CONTROL = 3, /* operators: served even while commands are refused as OVERLOADED */
};

bool verb_is_known(uint8_t number);
bool status_is_known(uint8_t number); /* NONE included: most records have no status. */
bool class_is_known(uint8_t number);

/* The record asks for an answer on this link (CMD, EVT, TASK, ANSWER, QRY), so it takes one credit of the receiver's
 * window. */
bool verb_asks(enum verb verb);

/* The record gives such an answer (REP, ACK, NAK, TERM, QRS, and ANSWER for a TASK), so it gives the credit back. */
bool verb_answers(enum verb verb);

/* Sending the same command again may end otherwise: not after OK and REFUSED. */
bool status_may_repeat(enum status status);

const char *verb_word(enum verb verb);       /* "CMD"; "?" for a number without a name. */
const char *status_word(enum status status); /* "OK". */

#endif
