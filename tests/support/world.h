/* A world around the runtime's core that a test turns by hand: a store in memory that answers only when told to, one
 * link, a clock.
 *
 * The store keeps to the rules of common/store/commit.h as far as the runtime can see them: idempotency, inbox,
 * versions. A test can make it lose races, fail, or hold answers back. */
#ifndef SUPPORT_WORLD_H
#define SUPPORT_WORLD_H

#include "common/service/runtime.h"
#include "proto/envelope.pb-c.h"

#define WORLD_KEPT_MAX    256
#define WORLD_QUEUE_MAX   256
#define WORLD_ANSWERS_MAX 256
#define WORLD_NOW_MS      INT64_C(1795316400000)

struct world_kept {
    const char *key; /* service:kind:tenant:id */
    struct stamp stamp;
    struct bytes body;
};

struct world_command {
    const char *id;
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct bytes reply;
    uint64_t sequence;
};

struct world_root {
    const char *id;
    struct root_state state;
    uint64_t inbox;
};

/* An answer, taken apart. */
struct world_answer {
    enum verb verb;
    enum status status;
    uint64_t tag;
    uint32_t ttl_ms;
    bool repeat, bell, bell_lanes;
    const Casebus__Outcome *outcome;
    struct bytes body; /* opened */
    const char *fault; /* word, or "" */
    const char *why;   /* opened, or "" */
};

struct world {
    struct runtime *runtime;
    struct runtime_port port;
    struct tenants *tenants;
    struct keys *keys;
    struct actor_trust trust;
    struct actor_key signer;
    struct arena arena;
    struct loop_now now;
    char dir[64];

    /* The store. */
    struct world_kept kept[WORLD_KEPT_MAX];
    size_t kept_count;
    struct world_command commands[WORLD_KEPT_MAX];
    size_t command_count;
    struct world_root roots[WORLD_KEPT_MAX];
    size_t root_count;
    struct load *loads[WORLD_QUEUE_MAX];
    size_t load_count;
    struct commit *commits[WORLD_QUEUE_MAX];
    size_t commit_count;
    struct index_scan *scans[WORLD_QUEUE_MAX];
    size_t scan_count;
    unsigned lose_races;              /* so many commits to come are STALE */
    unsigned answer_commits_with_set; /* so many commits to come end with `answer_commits_with` */
    enum commit_outcome answer_commits_with;
    bool is_down; /* nothing can be sent */

    /* What happened. */
    unsigned loads_seen, commits_seen, batches_seen, commits_done, most_together;
    struct commit last; /* as it was sent */
    struct world_answer answers[WORLD_ANSWERS_MAX];
    size_t answer_count;
    struct report reports[WORLD_ANSWERS_MAX];
    size_t report_count;
    struct world_sent {
        uint64_t tag;
        const char *id, *subject, *tenant;
    } sent[WORLD_ANSWERS_MAX];
    size_t sent_count;
};

/* Tenants demo (synthetic) and real; the signer is trusted. */
void world_begin(struct world *world, const struct service *service, unsigned calls_max);
void world_done(struct world *world);

/* One call as a client would send it. Zero means "as usual": nurse n1 of demo, signed, sealed. */
struct world_call {
    const char *subject;
    const char *json;
    const char *id;
    const char *tenant;
    const char *root;
    const char *lane; /* as a broker says of a task */
    Casebus__Role role;
    bool simulated, unsigned_actor, clear_body;
    uint64_t expect_version;
    uint32_t ttl_ms;
    bool query;
};
/* Gives it to the runtime and returns its tag. Nothing is carried out before world_run(). */
uint64_t world_call(struct world *world, struct world_call call);
uint64_t world_timer(
    struct world *world, const char *root, const char *kind, const char *key, const char *name, int64_t due_ms);
/* A record of the log with one event, of another service or this one. */
uint64_t world_event(
    struct world *world, const char *root, uint64_t sequence, const ProtobufCMessage *const *events, size_t count);

/* Delivers task `i` of the last commit as a broker would, to this same runtime. `forge` changes who is said to act. */
uint64_t world_task(struct world *world, size_t i, bool forge);

/* Answers task `i` of the last commit as the edge would: opens it with its lane's key, seals the answer with the key of
 * `lane` (NULL: the same). The task itself is checked to open. */
uint64_t world_decide(struct world *world, size_t i, const char *subject, const char *json, const char *lane);

void world_turn(struct world *world);  /* the runtime's turn */
void world_store(struct world *world); /* the store answers what it was asked up to now */
void world_run(struct world *world);   /* both, until nothing moves */

/* The answer with that tag; NULL while there is none. */
const struct world_answer *world_answer(const struct world *world, uint64_t tag);
/* Stored state of an aggregate of intake in demo; NULL when there is none. */
const void *world_state(struct world *world, const char *kind, const char *id);
void world_know(struct world *world, const ProtobufCMessage *state);

#endif
