/* The broker, without sockets, clock or randomness: broker_step(broker, now, input), then take what it says to peers and asks of
 * the store.
 *
 * It knows its peers (links.c), routes their commands and questions (route.c), delivers what the log holds to subscriber groups
 * in order (deliver.c), brings tasks and due timers to whoever handles them (lanes.c, timers.c), all of that only in the
 * partitions whose lease it holds (leases.c). It forgets everything when it ends; what must not be forgotten is in Redis.
 *
 * What it never does: open a body, keep the only copy of anything acknowledged, wait.
 *
 * All memory it needs is bounded by `struct broker_limits`. Bytes given in an input are lent for that step. */
#ifndef BROKER_CORE_H
#define BROKER_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/verb.h"
#include "common/store/head.h"

enum {
    BROKER_PARTITIONS = 256,
    BROKER_NAME_SIZE = 97,  /* an id or a name, with its NUL */
    BROKER_LANE_SIZE = 256, /* the name of a task lane, with its NUL */
    BROKER_WHY_SIZE = 256,
    BROKER_PAGE = 128, /* records, tasks or timers asked for at a time */
};

struct broker_limits {
    uint32_t peers;       /* links at a time */
    uint32_t calls;       /* commands and questions under way, queued ones too */
    uint32_t deliveries;  /* events, tasks and timers under way */
    uint32_t queue_calls; /* waiting for one service */
    uint32_t queue_bytes;
    uint32_t queue_age_ms; /* a command that waited so long is refused OVERLOADED */
    uint32_t ttl_ms;       /* of a command that names none */
    uint32_t ttl_max_ms;
    uint32_t credits;      /* records that a peer may have under way with us */
    uint32_t credit_bytes; /* of what a peer works on at a time */
    uint32_t heartbeat_ms;
    uint32_t ack_ms;       /* a delivery not answered for so long counts as failed */
    uint32_t attempts;     /* failed deliveries of one record before it is dead */
    uint32_t put_offs;     /* deliveries put off, for want of room or of the store, that together count as one failed */
    uint32_t links_lost;   /* links lost with the same record before it is dead */
    uint32_t retry_min_ms; /* first pause before a failed delivery is tried again; doubles */
    uint32_t retry_max_ms;
    uint32_t window;        /* records under way per partition and group, or lane */
    uint32_t held_bytes;    /* of records kept while they are under way, for one group or service */
    uint32_t lane_bytes;    /* the same for one insurer or channel ... */
    uint32_t outside_bytes; /* ... and for all of them */
    uint32_t out_bytes;     /* waiting to be sent to one peer; beyond it the link is cut */
    uint32_t lease_ms;
    uint32_t poll_ms; /* log and lanes are looked at so often without a bell */
    uint32_t timer_poll_ms;
    uint32_t cursor_ms; /* handled positions are written so often */
};

/* The defaults, for one machine. */
struct broker_limits broker_limits_default(void);

/* Figures since the start, named as metrics are. */
#define BROKER_COUNTERS(X)                                                                                             \
    X(frames, "frames received")                                                                                       \
    X(frames_dropped, "frames that were no frames, or came from where none may come")                                  \
    X(records_stray, "records of peers without a session, answered with RESET")                                        \
    X(commands, "commands and questions routed")                                                                       \
    X(commands_refused, "commands refused before any effect: UNAVAILABLE, OVERLOADED, EXPIRED")                        \
    X(commands_unknown, "commands whose outcome is unknown to us: the link or the time was lost")                      \
    X(replies_late, "answers to what nobody waits for any more")                                                       \
    X(stale_tag, "answers whose tag is not under way on that link")                                                    \
    X(events, "events delivered and handled")                                                                          \
    X(redelivered, "deliveries sent again")                                                                            \
    X(tasks, "tasks handed over")                                                                                      \
    X(timers, "due timers handed over")                                                                                \
    X(dead, "records given up and kept as dead letters")                                                               \
    X(fenced, "writes refused because another broker holds the lease")                                                 \
    X(links_made, "sessions opened")                                                                                   \
    X(links_lost, "sessions lost with work in them, or by silence")                                                    \
    X(link_suspect, "links that went silent")                                                                          \
    X(credit_starved, "times that work waited because no instance had a credit left")                                  \
    X(store_lost, "times the store went away")

struct broker_counters {
#define BROKER_COUNTER(name, help) uint64_t name;
    BROKER_COUNTERS(BROKER_COUNTER)
#undef BROKER_COUNTER
};

/* A record of the log, a task of a lane or a due timer, as the store layer decoded it. All lent. */
struct stored {
    struct stream_id id;         /* log and lanes */
    int64_t at_ms;               /* log: committed; timer: due */
    const char *tenant, *root;   /* log, timer */
    uint64_t sequence;           /* log: of the root */
    const char *const *subjects; /* log: the events in it */
    unsigned subject_count;
    const char *service, *kind, *key, *name; /* timer: owner, aggregate and name */
    const uint8_t *bytes; /* log: the record. lane: the task (common/bus/task.h). timer: its member */
    uint32_t size;
};

/* A root whose delivery to a group stopped at a dead record. */
struct kept_parked {
    const char *tenant, *root;
    struct stream_id from; /* the log is read from here on, this one included ... */
    uint64_t sequence;     /* ... but what comes before this one is handled */
    bool draining;         /* an operator let it go on */
};

enum broker_input_kind {
    INPUT_TIME,    /* nothing but time passed */
    INPUT_FRAME,   /* a peer sent `bytes` */
    INPUT_GONE,    /* a peer cannot be reached any more */
    INPUT_SUSPECT, /* a peer's connection broke: ask it */
    INPUT_STORE_UP,
    INPUT_STORE_DOWN, /* nothing asked before will be answered; `why` */
    INPUT_LEASED,     /* `epoch` of the lease, 0 when another broker has it */
    INPUT_KEPT,       /* where a group stands in a partition, and its parked roots */
    INPUT_LOG,        /* records, oldest first; `more`: there may be more behind */
    INPUT_LANES,      /* `names` of the lanes in use */
    INPUT_TASKS,
    INPUT_TIMERS,  /* due ones, soonest first */
    INPUT_WRITTEN, /* an ask that writes was carried out, or not */
    INPUT_FAILED,  /* an ask that reads could not be answered */
    INPUT_DRAIN,   /* take nothing new, finish what is under way, tell the peers */
};

enum written { WRITTEN, WRITE_FENCED, WRITE_FAILED };

struct broker_ask;

struct broker_input {
    enum broker_input_kind kind;
    uint32_t peer;        /* FRAME, GONE, SUSPECT */
    const uint8_t *bytes; /* FRAME */
    size_t size;
    const char *why;              /* STORE_DOWN */
    const struct broker_ask *ask; /* all from LEASED to FAILED: what was asked */
    uint32_t epoch;               /* LEASED */
    int64_t until_ms;             /* LEASED: our clock when it was asked for, plus its length */
    struct stream_id at;          /* KEPT: everything up to here is handled. LOG: the last one read */
    const struct stored *items;   /* LOG, TASKS, TIMERS */
    unsigned count;
    bool more;
    const char *const *names; /* LANES */
    unsigned name_count;
    const struct kept_parked *parked; /* KEPT */
    unsigned parked_count;
    int64_t next_in_ms;   /* TIMERS: when the next one will be due */
    enum written outcome; /* WRITTEN */
    uint32_t attempts;    /* WRITTEN of ATTEMPT: so far */
};

/* What the broker wants of the store. One of a kind is under way per partition at a time (and per lane, group, letter). */
enum broker_ask_kind {
    ASK_LEASE,   /* take or renew */
    ASK_RELEASE, /* give up; not answered */
    ASK_KEPT,    /* where group `name` stands -> KEPT */
    ASK_LOG,     /* `count` records after `after` -> LOG */
    ASK_LANES,   /* -> LANES */
    ASK_TASKS,   /* `count` tasks of lane `name` after `after` -> TASKS */
    ASK_TIMERS,  /* `count` timers due, `sequence` of them passed over -> TIMERS */
    /* From here on they write. */
    ASK_CURSOR,    /* group `name` has handled everything up to `after` -> WRITTEN */
    ASK_TASK_DONE, /* take task `after` out of lane `name` -> WRITTEN */
    ASK_ATTEMPT,   /* count a failed delivery -> WRITTEN with `attempts` so far */
    ASK_DEAD,      /* record `after` of (tenant, root) is dead for group `name`, its root is parked -> WRITTEN */
    ASK_UNPARK,    /* the root has caught up and is delivered live again -> WRITTEN */
};

struct broker_ask {
    enum broker_ask_kind kind;
    uint32_t partition;
    uint32_t epoch;
    uint32_t count;
    struct stream_id after;
    uint64_t sequence;             /* ATTEMPT, DEAD, UNPARK; TIMERS */
    uint64_t ticket;               /* the broker's own */
    char name[BROKER_LANE_SIZE];   /* group or lane */
    char tenant[BROKER_NAME_SIZE]; /* ATTEMPT, DEAD, UNPARK */
    char root[BROKER_NAME_SIZE];
    char why[BROKER_WHY_SIZE]; /* DEAD: a coded word, and the events that it is about */
};

struct broker;
struct frame;
struct Broker__Status;

/* `name` is this broker's instance id, `seed` anything that differs from start to start. Never fails (memory: MUST). */
struct broker *broker_new(const struct broker_limits *limits, const char *name, uint64_t seed, int64_t now_ms);
void broker_free(struct broker **broker);

/* Monotonic milliseconds in `now_ms`; wall time is given apart, for WELCOME and status. */
void broker_step(struct broker *broker, int64_t now_ms, const struct broker_input *input);
void broker_set_wall(struct broker *broker, int64_t wall_ms);

/* When to step again at the latest. */
int64_t broker_wake_ms(const struct broker *broker);

/* Frames that want to leave. broker_frame() lends the oldest one of the next peer; after it was sent call broker_frame_sent(),
 * when the socket does not take it now broker_frame_later(). False when there is none (left). broker_frames_again() starts over. */
bool broker_frame(struct broker *broker, uint32_t *out_peer, const struct frame **out);
void broker_frame_sent(struct broker *broker);
void broker_frame_later(struct broker *broker);
void broker_frames_again(struct broker *broker);

/* The next thing to ask of the store; false when there is none. */
bool broker_ask(struct broker *broker, struct broker_ask *out);

/* Questions the broker answers itself but needs the store for (dead letters): the shell takes them, and says the answer. */
struct broker_question {
    uint64_t ticket;
    const char *subject; /* `broker.ListDead` ... */
    const uint8_t *envelope, *body;
    uint32_t envelope_size, body_size;
    bool sealed; /* the body; the broker has no key to open it */
};
bool broker_question(struct broker *broker, struct broker_question *out);
void broker_answer(struct broker *broker, uint64_t ticket, enum status status, const char *fault, const char *why,
    const char *body_type, const uint8_t *body, uint32_t body_size);

/* An operator let a parked root go on, and the store knows: it drains from now. */
void broker_unpark(struct broker *broker, uint32_t partition, const char *group, const struct kept_parked *parked);

/* Peers, groups, lanes and figures; all but the dead letters, which the store counts. In `arena`, and lent from the broker. */
struct arena;
void broker_status(struct broker *broker, struct arena *arena, struct Broker__Status *out);

const struct broker_counters *broker_counters(const struct broker *broker);
bool broker_is_drained(
    const struct broker *broker); /* After INPUT_DRAIN: nothing is under way and nothing waits to be sent. */
bool broker_store_is_ready(const struct broker *broker);
unsigned broker_leases(const struct broker *broker);

#endif
