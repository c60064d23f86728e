/* The runtime's core: what came in goes into runtime_receive(), what is to be done comes out through the port. No
 * sockets, no Redis, no clock: the loop gives it the time, and a simulator may stand in for everything around it.
 *
 *     received -> waits for its root -> decides <-> loads -> commits -> answered
 *                                          ^-- lost the race: forgets, loads and decides again (three times at most)
 *
 * Calls of one root are carried out one after the other, in the order in which they came; calls of different roots
 * together. Everything asked for in a turn leaves in the turn's end: loads in one flush, commits of a partition in one
 * call. */
#ifndef CASEBUS_SERVICE_RUNTIME_H
#define CASEBUS_SERVICE_RUNTIME_H

#include "common/bus/actor.h"
#include "common/service/service.h"
#include "common/service/tenants.h"
#include "common/service/wire.h"
#include "common/store/commit.h"
#include "common/store/index_scan.h"
#include "common/store/load.h"
#include "common/store/log_read.h"

enum {
    RUNTIME_RACES_MAX = 3,       /* lost races, then OVERLOADED */
    RUNTIME_ROUNDS_MAX = 16,     /* of loading what a rule asks for; more is a fault of the rule */
    RUNTIME_PARTITIONS_MAX = 64, /* partitions that one round looks into; the rest waits for the next */
    RUNTIME_TTL_MS = 10000,      /* where a record names none */
    RUNTIME_HOLD_MS =
        20000, /* how long an event is tried again here before the broker hears NAK: its attempts are for poison */
    RUNTIME_EARLY_MS = 5000, /* by which a due timer may be ahead of our clock */
};

/* What became of a call, for the log line and the metrics. Words and ids only. */
struct report {
    const char *kind;   /* command, timer, answer, event, query, reaction */
    const char *method; /* subject, or timer name */
    const char *tenant;
    const char *actor;
    const char *root;
    const char *id;
    enum fault fault;
    bool repeated;
    int64_t took_us;
    const char *why; /* for a caller with the right to know; never logged */
};

/* The world. Loads, scans, walks and pages are answered by their own `done`, later; a fault says that `done` will not
 * be called. */
struct runtime_port {
    void *context;
    enum fault (*load)(void *context, struct load *load);
    enum fault (*commit)(void *context, struct commit *const *commits, size_t count, struct why *why);
    enum fault (*scan)(void *context, struct index_scan *scan);
    enum fault (*walk)(void *context, struct log_walk *walk);
    enum fault (*page)(void *context, struct log_page *page);
    void (*answer)(void *context, const struct outgoing *answer);
    void (*report)(void *context, const struct report *report);
    int64_t (*now_us)(void *context); /* monotonic, for durations alone */
};

/* Borrowed for the life of the runtime. */
struct runtime_options {
    const struct service *service;
    const struct runtime_port *port;
    const struct tenants *tenants;
    struct keys *keys;
    const struct actor_trust *trust;
    const struct reference *reference;
    const char *durability; /* the word that replies carry */
    unsigned calls_max;     /* in flight; beyond: OVERLOADED */
};

struct runtime;

struct runtime *runtime_new(const struct runtime_options *options);
void runtime_free(struct runtime **runtime); /* calls in flight are dropped; the port must not answer them any more */

void runtime_receive(struct runtime *runtime, struct loop_now now, const struct incoming *record);

/* Goes on with every call whose answers have come, and sends what the turn has gathered. */
void runtime_turn(struct runtime *runtime, struct loop_now now);

unsigned runtime_in_flight(const struct runtime *runtime);

/* When runtime_turn() has to be called at the latest (monotonic); INT64_MAX when only an answer can move it. */
int64_t runtime_wake_ms(const struct runtime *runtime);

/* From now on nothing is held back: what cannot be done now is given back. */
void runtime_drain(struct runtime *runtime);

/* Checks the tables against the contract: every command, readable row and query of the service's .proto has its rule,
 * and every rule its place in the contract. REFUSED with the first that is wrong. */
enum fault runtime_check_tables(const struct service *service, struct why *why);

#endif
