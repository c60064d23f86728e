/* One call of a client under way: what it sends, and what each answer, loss or lapse of time makes of it. No socket
 * here; client.c sends what waits and brings what came.
 *
 *      WAITING -- sent --> SENT -- final outcome, time over --> DONE
 *         ^                 |
 *         '--- its time --- RESTING <-- link lost, an answer that may come out otherwise */
#ifndef BUS_FLIGHT_H
#define BUS_FLIGHT_H

#include "common/bus/client.h"
#include "common/bus/frame.h"

#define FLIGHT_REST_MIN_MS 25
#define FLIGHT_REST_MAX_MS 2000
#define FLIGHT_ANSWER_MS                                                                                               \
    100 /* at most so much earlier than we does the broker give up, so that its answer comes in time */
#define FLIGHT_ACTOR_MORE_MS 30000 /* the actor's signature outlives the call by this */
#define FLIGHT_PROOF_MAX     288   /* bytes that signing adds to an envelope */

enum flight_state { FLIGHT_FREE, FLIGHT_WAITING, FLIGHT_SENT, FLIGHT_RESTING, FLIGHT_DONE };

struct flight {
    enum flight_state state;
    struct client_result result; /* everything below lends from its arena */
    struct record record;        /* as it is sent each time, but for tag and ttl */
    const char *tenant;
    const char *subject;
    const struct actor_key *unsigned_by; /* signs before the first sending; NULL: nobody, or done */
    struct actor_hash leaf;
    bool query;
    bool once;
    bool prompt;
    bool may_be_done; /* was sent, and nothing since has promised that it had no effect */
    int link;         /* on which it was sent last; -1: none */
    unsigned rests;
    int64_t deadline_ms; /* of the call */
    int64_t due_ms;      /* RESTING: when it waits again */
    int64_t began_us;
    struct flight *next; /* of the list it is in */
};

/* Makes the command id, packs the envelope, seals the body. INVALID when a part is missing or too large; nothing is
 * kept then. */
enum fault flight_begin(struct flight *flight, const struct client_options *options, const struct client_call *call,
    bool query, int64_t now_ms, struct why *why);

/* Signs the actors of 1..ACTOR_LEAVES_MAX flights, all to be signed by the same key, together. */
void flights_sign(struct flight *const *flights, unsigned count);

/* What is left for a broker to answer in; 0: too late to send. */
uint32_t flight_ttl_ms(const struct flight *flight, int64_t now_ms);

void flight_sent(struct flight *flight, int link);

/* An answer came: the call is done, or rests and is sent again. */
void flight_answered(struct flight *flight, const struct body_seal *seal, const struct record *answer, int64_t now_ms);

/* The link it was sent on is lost. */
void flight_lost(struct flight *flight, int64_t now_ms);

/* Its time is over. */
void flight_expired(struct flight *flight);

#endif
