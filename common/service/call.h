/* Inside the runtime: one call, from the record that asked for it to the one that answers it. */
#ifndef CASEBUS_SERVICE_CALL_H
#define CASEBUS_SERVICE_CALL_H

#include "common/bus/actor.h"
#include "common/service/decide.h"
#include "common/service/habits.h"
#include "common/service/runtime.h"
#include "proto/envelope.pb-c.h"

#define REPLY_MAX                                                                                                      \
    (((size_t)1 << 20) - 8192) /* bytes of a reply or answer: what a frame takes beside head and Outcome */

struct pages;

enum call_kind {
    CALL_COMMAND,
    CALL_TIMER,  /* a due timer */
    CALL_ANSWER, /* of a payer or channel */
    CALL_EVENT,  /* all reactions to one record of the log */
    CALL_QUERY,
    CALL_READ_ROOT, /* ops.ReadRoot and ops.ReadEvents: answered from the log, here for every service */
    CALL_READ_EVENTS,
};

struct call {
    struct runtime *runtime;
    struct arena arena;
    struct call *next;      /* of those ready, or of the pool */
    struct call *next_turn; /* of those whose turn it is, in a bucket */
    struct call *behind;    /* waits for this one: same root */
    struct call *last_behind;

    /* Who waits for it. */
    enum call_kind kind;
    enum verb verb;
    uint32_t link;
    uint64_t session;
    uint64_t tag;
    uint32_t epoch;
    uint16_t delivered_from; /* partition of an EVT */
    int64_t started_us;
    int64_t deadline_ms;   /* monotonic */
    int64_t held_until_ms; /* EVENT */
    int64_t again_at_ms;   /* while held */

    /* What it is. */
    const Casebus__Envelope *envelope;
    const struct tenant *tenant;
    const char *subject;
    uint64_t root_number;
    uint32_t partition;
    const ProtobufCMessage *message;
    const struct contract_command *contract;
    const struct contract_query *question;
    const struct command *command;
    const struct timer *timer;
    const struct answer *answer;
    const struct query *query;
    struct reacted *reacted;
    size_t reacted_count;
    uint64_t record_sequence; /* EVENT: what the inbox mark becomes */
    uint8_t fingerprint[FINGERPRINT_SIZE];
    const uint8_t *trace_id; /* 16 bytes or NULL */

    /* How far it is. */
    struct decision *d;
    struct stamp stamps[DECISION_AGGREGATES_MAX]; /* beside d->known */
    struct root_state root_state;
    bool root_loaded;
    bool refused;     /* a timer: what is committed is its removal alone */
    unsigned waiting; /* requests under way */
    unsigned rounds;
    unsigned races;
    enum fault fault; /* of loading */
    struct commit commit;
    struct bytes body; /* of the reply, clear */
    bool repeated;
    struct bytes kept; /* the stored reply of an earlier delivery */
    uint64_t kept_sequence;
    struct pages *reading; /* READ_EVENTS */
};

struct runtime {
    struct runtime_options options;
    struct call *ready, *last_ready;
    struct call *held; /* events that could not be handled yet */
    bool draining;
    struct call *pool;
    unsigned pooled;
    unsigned in_flight;
    struct call **buckets;   /* calls whose turn it is, by root */
    struct commit **commits; /* gathered in this turn; the calls are their users */
    size_t commit_count;
    struct actor_memory signers; /* bundles of commands whose signature was checked */
    struct habits habits;
    struct loop_now now;
};

/* runtime.c */
void call_ready(struct call *call);
void call_end(struct call *call);
enum fault call_fail(struct call *call, enum fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* turns.c */
void turns_init(struct runtime *runtime);
void turns_done(struct runtime *runtime);             /* frees the calls that had or awaited a turn */
bool call_in_order(const struct call *call);          /* it has to wait for its root */
void turn_enter(struct call *call);                   /* made ready now, or when those before it are done */
void turn_leave(struct call *call);                   /* the next one's turn */
bool call_hold(struct call *call, uint32_t after_ms); /* an event, to be tried again; false: held long enough */
void turns_release(struct runtime *runtime);          /* held events whose time has come */

/* accept.c: what the record says becomes the call. A fault is the answer. */
enum fault call_accept(struct call *call, const struct incoming *record);

/* What the tenant gives a decision: name, zone, and the keyed hash of identifiers. */
void call_fill_tenant(struct call *call);

/* accept_event.c: *nothing when no row reacts to any of the record's events. */
enum fault call_accept_event(struct call *call, const struct incoming *record, bool *nothing);

/* loading.c: asks for everything that is not there yet. False when nothing could be sent: call->fault says why. */
bool call_load(struct call *call);

/* saving.c: builds the commit of what was decided, and gathers it. */
enum fault call_save(struct call *call);
bool reply_split(struct bytes kept, struct arena *arena, Casebus__Outcome **outcome, struct bytes *body);

/* answering.c */
void call_answer(struct call *call, enum fault fault);

/* ops_read.c */
void call_read_log(struct call *call);

#endif
