/* A client of the bus: asks services through one or more brokers, for programs that are not services themselves
 * (command line, tests, load).
 *
 * A call makes the command id (or takes the caller's) and keeps to it: whatever ends without a final outcome -- broker
 * lost, UNAVAILABLE, OVERLOADED, UNKNOWN, EXPIRED -- is sent again under the same id, with jittered backoff, through
 * whichever broker is ready, until the call's own deadline. So a command has one effect however often it was sent. At
 * the deadline the outcome is UNKNOWN if the command ever left this process without a promise that nothing was done,
 * else the last refusal.
 *
 * Bodies are sealed and opened by the caller's hooks; without hooks they travel clear (tests, payers behind the edge).
 * A client belongs to one thread. The blocking calls are the pipelined ones, waited for. */
#ifndef BUS_CLIENT_H
#define BUS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/actor.h"
#include "common/bus/frame.h"
#include "common/bus/verb.h"
#include "common/core/arena.h"
#include "common/core/fault.h"
#include "common/core/id.h"

#define CLIENT_ENDPOINTS_MAX 8
#define CLIENT_FLIGHT_MAX    4096  /* calls under way in one client */
#define CLIENT_TIMEOUT_MS    10000 /* where a call names none */
#define CLIENT_BODY_MAX      (FRAME_MAX - RECORD_HEAD - ENVELOPE_MAX - STAMP_MAX)

/* What a body on the bus belongs to: the associated data of its seal. Kinds: `command` and its `reply`, `query` and its
 * `answer`, and the sentence of a `refusal`. All of them of a call name the id and subject of the call, so a reply cannot be given to another question.
 */
struct body_about {
    const char *tenant;
    const char *kind;
    const char *id;
    const char *subject;
};

struct body {
    const uint8_t *bytes;
    size_t size;
};

/* How bodies are sealed and opened. `out` lies in `arena`, or is `in` itself. A fault ends the call with that fault. */
struct body_seal {
    void *context;
    enum fault (*seal)(void *context, const struct body_about *about, struct body in, struct arena *arena,
        struct why *why, struct body *out);
    enum fault (*open)(void *context, const struct body_about *about, struct body in, struct arena *arena,
        struct why *why, struct body *out);
};

/* Who acts, and the key that proves it; without a key the envelope names the actor unsigned. The key is lent until the
 * client is freed: calls that leave together are signed together, when they leave. */
struct client_actor {
    const char *id;
    Casebus__Role role;
    bool simulated;
    const struct actor_key *key;
};

struct client_options {
    const char *const *endpoints; /* 1..CLIENT_ENDPOINTS_MAX brokers, tried in turn */
    unsigned endpoint_count;
    const char *tenant;
    const char *version;       /* of the program; shown by `status` */
    struct client_actor actor; /* of calls that name none */
    struct body_seal seal;     /* zero: bodies travel clear */
    unsigned flight_max;       /* calls under way at a time; 0: 256 */
};

/* One call. Strings and body are lent until the call is submitted; zero means "not given". */
struct client_call {
    const char *subject; /* required: `<service>.<Message>` */
    struct body body;    /* the packed message */
    const char *id;      /* command id; made when not given */
    const char *tenant;  /* the client's when not given */
    const char *root, *key, *cause;
    uint64_t expect_version;
    uint32_t timeout_ms;
    enum record_class class;
    const struct client_actor *actor; /* the client's when not given */
    const uint8_t *trace_id;          /* 16 bytes */
    bool once;                        /* send at most once: no repeat by this client */
    bool prompt;                      /* UNAVAILABLE ends it: who asks would rather know now than wait */
    void *context;                    /* comes back with the result */
};

/* What became of a call. Everything lies in the result's arena, until client_result_done(). */
struct client_result {
    enum fault fault; /* NONE: done, `reply` is the opened body */
    struct why why;   /* of a fault */
    struct body reply;
    const Casebus__Outcome *outcome; /* the answer's envelope; NULL when no answer came */
    char id[ID_SIZE];                /* of the command: ask again with it after UNKNOWN */
    unsigned sent;                   /* how often it left this process */
    int64_t took_us;
    void *context;
    struct arena arena;
};

struct client;

/* Connects in the background. INVALID when an endpoint cannot be used. */
enum fault client_new(const struct client_options *options, struct why *why, struct client **out);
void client_free(struct client **client);

/* Waits until a broker has welcomed this client. UNAVAILABLE when none has within the time. */
enum fault client_wait(struct client *client, uint32_t timeout_ms, struct why *why);

/* Sends a command and waits for its outcome; returns result->fault. */
enum fault client_call(struct client *client, const struct client_call *call, struct client_result *out);

/* The same for a question. It changes nothing, so it is repeated freely and never ends UNKNOWN. */
enum fault client_query(struct client *client, const struct client_call *call, struct client_result *out);

/* Pipelined: starts a call. OVERLOADED when flight_max are under way; INVALID when it breaks a ceiling of the bus. */
enum fault client_submit(struct client *client, const struct client_call *call, bool query, struct why *why);

/* The next call that ended, whichever; false when none did within the time, or none is under way. */
bool client_poll(struct client *client, uint32_t timeout_ms, struct client_result *out);

/* Calls under way: submitted, not yet handed out by client_poll(). */
unsigned client_in_flight(const struct client *client);

void client_result_done(struct client_result *result);

#endif
