/* Why a call has no result.
 *
 * One table gives each fault its name in C, its word on the wire, the bus status it counts as, its HTTP status, and
 * whether sending the same command (same id, same content) again may help. Adding a fault is adding a line.
 *
 * An outcome of the trade, such as a denied claim line, is not a fault but a value in the result. A bug of ours is not
 * a fault either: it meets MUST(). */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include <stdbool.h>

/* clang-format off */
/*       name         word on the wire  bus status   HTTP  again   what it says */
#define FAULT_MAP(X)                                                                                                   \
    X(NONE,           "OK",             NONE,        200,  false,  "done")                                             \
    X(REFUSED,        "REFUSED",        REFUSED,     422,  false,  "a rule of the trade says no")                      \
    X(INVALID,        "INVALID",        REFUSED,     400,  false,  "the message breaks the contract")                  \
    X(FORBIDDEN,      "FORBIDDEN",      REFUSED,     403,  false,  "the actor's role does not allow it")               \
    X(NOT_FOUND,      "NOT_FOUND",      REFUSED,     404,  false,  "what it speaks of does not exist")                 \
    X(CONFLICT,       "CONFLICT",       REFUSED,     409,  false,  "the same command id came with other content")      \
    X(STALE,          "STALE",          REFUSED,     412,  false,  "the expected version is no longer the current one") \
    X(OVERLOADED,     "OVERLOADED",     OVERLOADED,  429,  true,   "no room now, and nothing was done")                \
    X(UNAVAILABLE,    "UNAVAILABLE",    UNAVAILABLE, 503,  true,   "nobody can do it now, and nothing was done")       \
    X(EXPIRED,        "EXPIRED",        EXPIRED,     504,  true,   "its time ran out before anything was done")        \
    X(UNKNOWN,        "UNKNOWN",        UNKNOWN,     502,  true,   "it may or may not have been done; the same id tells") \
    X(INTERNAL,       "INTERNAL",       UNAVAILABLE, 500,  false,  "something of ours is broken and a person must act") \
    X(WANT,           "WANT",           UNAVAILABLE, 500,  false,  "inside the runtime: a decision asked for what is not loaded")
/* clang-format on */

enum fault {
#define X(name, word, status, http, again, says) FAULT_##name,
    FAULT_MAP(X)
#undef X
        FAULT_COUNT,
};

/* The word on the wire, in logs and in metrics. */
const char *fault_word(enum fault fault);

/* Finds the fault with this word. False, and `out` untouched, for a word nobody knows and for WANT, which never leaves
 * a process. */
bool fault_from_word(const char *word, enum fault *out);

/* One of the six statuses of the bus: NONE, REFUSED, UNKNOWN, OVERLOADED, UNAVAILABLE, EXPIRED. */
enum fault fault_status(enum fault fault);

int fault_http(enum fault fault);

/* Whether the same command, sent again with the same id, may come out otherwise. */
bool fault_may_retry(enum fault fault);

/* Whether it is a final no: nothing was done, and the same command will be refused again. */
bool fault_is_refusal(enum fault fault);

/* What the fault says, for help texts and reference pages. */
const char *fault_meaning(enum fault fault);

/* The reason, for the person who will read it: one sentence, lower case, no full stop, no function names, with the
 * value complained of; "could not" if it may work next time, "cannot" if it never will. Always one line of valid UTF-8:
 * control characters and bytes that are no text, which a stranger may have sent, become question marks. */
#define WHY_SIZE 256

struct why {
    char text[WHY_SIZE];
};

/* Writes the sentence, cut on a code-point boundary when it is too long. Accepts NULL, for callers who do not ask why.
 */
void why_set(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
