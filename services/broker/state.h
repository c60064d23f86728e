/* What the broker's stories share: who is linked, who serves what, what is under way. Private to services/broker.
 *
 *     peer      one linked process and its session
 *     crew      the peers that share a duty: answer the subjects of a service, handle the events of a group
 *     errand    one record entrusted to a peer, or waiting to be; either a call (from a caller, who waits for its answer)
 *               or a delivery (from the store, which keeps it until it is handled)
 *     strand    the deliveries of one root to one consumer, in order; only its first is ever under way
 *     feed      where deliveries come from: the log of a partition for one group, a lane of a partition, its timers */
#ifndef BROKER_STATE_H
#define BROKER_STATE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus/frame.h"
#include "services/broker/core.h"
#include "services/broker/list.h"
#include "services/broker/map.h"
#include "services/broker/peek.h"
#include "services/broker/pool.h"
#include "services/broker/wheel.h"

enum {
    CREWS_MAX = 4096,    /* services and lanes */
    CREW_PEERS_MAX = 64, /* instances */
    PEER_SERVES_MAX = 8,
    GROUPS_MAX = 16,
    CLASSES = 4,       /* of commands: enum record_class */
    LANE_WINDOW = 256, /* tasks read at a time */
};

enum deadline_owner { DUE_PEER, DUE_ERRAND, DUE_PARTITION };

struct crew;
struct partition;
struct strand;
struct task_lane;
struct group;

enum peer_state { PEER_READY, PEER_SUSPECT, PEER_LEAVING };

struct parcel {
    struct list node;
    struct frame frame;
};

struct peer {
    struct list all;
    struct list dirty; /* in broker.dirty while frames wait */
    uint32_t id;       /* how the transport names it */
    uint64_t session;  /* its tag in broker.peer_pool */
    enum peer_state state;
    int kind; /* Casebus__PeerKind */
    char instance[BROKER_NAME_SIZE];
    char service[BROKER_NAME_SIZE];
    char version[33];
    uint8_t contract[8]; /* first bytes of its contract's hash */
    uint64_t weight;     /* hash of the instance id */
    struct crew *serves[PEER_SERVES_MAX];
    unsigned serves_count;
    struct group *group;
    char **lanes; /* patterns */
    unsigned lane_count;
    uint32_t window; /* records it takes at a time */
    uint32_t in_flight, in_flight_bytes;
    const struct errand *suspect; /* in its hand: an event that was in another's when that was lost */
    struct list errands;
    struct list parcels;
    size_t out_bytes;
    struct deadline quiet;
    int64_t heard_ms, said_ms, linked_wall_ms;
    uint64_t handled;
};

struct call_queue {
    struct list calls;
    unsigned share; /* turns left before the next class has its turn */
};

struct crew {
    char name[BROKER_LANE_SIZE];
    struct peer *peers[CREW_PEERS_MAX];
    unsigned peer_count;
    struct call_queue queues[CLASSES];
    unsigned queued, queued_bytes;
    struct list ready;     /* strands whose first delivery could go now */
    bool deliveries_first; /* whose turn it is between calls and deliveries */
    bool outside;          /* an insurer or channel */
    size_t held_bytes;     /* of the deliveries it has in hand or will be given */
    struct list busy;      /* in broker.busy while something waits */
};

struct group {
    struct crew crew; /* crew.name is the group's */
    uint64_t *wants;  /* hashes of event subjects, sorted */
    unsigned want_count;
    unsigned number; /* place in broker.groups, bit in masks */
    uint64_t handled;
};

enum errand_kind { ERRAND_CALL, ERRAND_DELIVERY };

struct errand {
    struct list node; /* of the peer's errands, or of a crew's queue */
    struct deadline deadline;
    enum errand_kind kind;
    uint64_t tag;
    struct peer *peer; /* who works on it; NULL while it waits */
    uint32_t bytes;
};

struct call {
    struct errand errand;
    struct crew *crew;
    uint64_t caller; /* session; 0: nobody waits any more */
    uint64_t caller_tag;
    uint64_t root;
    int64_t arrived_ms, expires_ms;
    uint8_t verb, class;
    uint8_t *copy; /* the whole record, while it is queued */
    uint32_t copy_size;
};

enum feed_kind { FEED_LOG, FEED_LANE, FEED_TIMERS };

/* Where deliveries come from, and how far they are. */
struct feed {
    enum feed_kind kind;
    struct partition *partition;
    struct crew *crew;      /* who takes them; TIMERS: NULL, each timer names its service */
    struct group *group;    /* LOG */
    struct task_lane *lane; /* LANE */
    struct list unfinished; /* deliveries in order */
    unsigned count;
    struct stream_id read;  /* deliveries were made of everything up to here */
    struct stream_id acked; /* LOG: the store knows */
    bool known;             /* LOG: the store said where the group stands */
    bool kept_asked;        /* LOG: it is being asked */
    bool ack_asked;
};

/* One stored thing, shared by the groups it is delivered to. What it points to lies behind it in the same memory. */
struct entry {
    unsigned refs;
    struct stream_id id;       /* TIMERS: due time and hash of its name */
    struct stream_id previous; /* LOG: the record before it in the log */
    int64_t at_ms;
    uint64_t root_hash, sequence;
    uint32_t total_size;
    const char *tenant, *root;
    const char *service, *kind, *key, *name;
    const uint8_t *bytes;
    uint32_t size;
};

enum stage {
    STAGE_WAITS, /* behind another of its strand, or for an instance */
    STAGE_SENT,
    STAGE_PAUSED, /* failed; goes again at its deadline */
    STAGE_DYING,  /* the store is asked to keep it as dead */
};

struct delivery {
    struct errand errand;
    struct list in_feed, in_strand;
    struct feed *feed;
    struct strand *strand;
    struct entry *entry;
    enum stage stage;
    unsigned failed, lost, sent, put_off;
};

/*     LIVE --a record died--> PARKED --an operator: retry, skip--> DRAINING --caught up with the feed--> LIVE
 *                               ^------------a record died------------' */
enum standing { LIVE, PARKED, DRAINING };

struct strand {
    uint64_t tag, key;
    struct feed *feed;
    struct crew *crew;
    uint64_t root_hash; /* TIMERS: of root and service */
    struct list ready;  /* in its crew's ready list while its first could go */
    struct list deliveries;
    struct list aside; /* in the partition's list unless LIVE */
    enum standing standing;
    struct stream_id read; /* DRAINING: the log is read up to here */
    uint64_t sequence;     /* DRAINING: what comes before is handled */
    char *tenant, *root;   /* unless LIVE */
};

struct task_lane {
    struct list node;
    char name[BROKER_LANE_SIZE];
    struct feed feed;
    bool asked, again;
};

struct partition {
    uint32_t number, epoch;
    bool held; /* the lease is ours, until ... */
    int64_t until_ms;
    bool lease_asked, log_asked, lanes_asked, timers_asked;
    bool log_again, lanes_again; /* rung while a reading was under way, that may have missed it */
    unsigned timers_passed;      /* due ones already looked at in this round of pages */
    bool drain_turn;             /* the next reading of the log is for a draining root */
    unsigned unacked;            /* records handled since the positions were last written */
    int64_t renew_ms, log_ms, lanes_ms, timers_ms, cursor_ms; /* next look */
    struct feed logs[GROUPS_MAX];                             /* by group number */
    struct feed timers;
    struct list lanes;
    struct list aside;     /* strands that are not LIVE */
    struct list rung_node; /* in broker.rung when there is something new in it */
    bool released;
    struct deadline deadline;
};

struct question {
    struct list node;
    uint64_t caller, caller_tag;
    uint64_t ticket;
    uint8_t *copy;
    struct record record;
    char subject[64];
    bool lent;
};

struct stray {
    uint32_t peer;
    struct frame frame;
};

enum { STRAYS_MAX = 16 };

struct broker {
    struct broker_limits limits;
    struct broker_counters counters;
    char name[BROKER_NAME_SIZE];
    int64_t now_ms, wall_ms;
    bool store_ready, draining;
    char store_why[BROKER_WHY_SIZE];
    struct wheel wheel;

    struct pool peer_pool, call_pool, delivery_pool, strand_pool;
    struct map peers;   /* mix64(peer id) -> struct peer */
    struct map strands; /* key -> struct strand */
    struct list peer_list;
    struct list dirty; /* peers with frames to send */
    struct list busy;  /* crews with something waiting */
    struct list rung;  /* partitions with something new */
    struct list stuck; /* those whose socket took no more in this turn */
    struct list idle_parcels;
    struct stray strays[STRAYS_MAX];
    unsigned stray_count, stray_next;

    struct map crews; /* hash of the name -> struct crew */
    struct crew **crew_list;
    unsigned crew_count;
    struct group *groups[GROUPS_MAX];
    unsigned group_count;

    struct partition *partitions;
    size_t outside_bytes; /* held for crews outside, all together */
    unsigned leases;
    struct list questions;
    uint64_t tickets;

    struct broker_ask *asks; /* ring */
    unsigned ask_room, ask_first, ask_count;
};

/* links.c: sessions. */
struct peer *peer_find(struct broker *b, uint32_t id);
struct peer *peer_of_session(struct broker *b, uint64_t session);
void links_frame(struct broker *b, const struct broker_input *in);
void links_suspect(struct broker *b, struct peer *peer);
void links_due(struct broker *b, struct peer *peer);
void links_drain(struct broker *b);
void link_lose(struct broker *b, struct peer *peer);
bool peer_takes(const struct peer *peer, uint32_t bytes, const struct broker_limits *limits);
bool peer_takes_lane(const struct peer *peer, const char *lane);

/* outbox.c: what leaves. */
void outbox_add(struct broker *b, struct peer *peer, const struct record *record);
void outbox_reset(struct broker *b, uint32_t peer_id, uint64_t tag, enum status status, const char *why);
void outbox_drop(struct broker *b, struct peer *peer);
void outbox_done(struct broker *b);
void answer_caller(struct broker *b, uint64_t session, uint64_t tag, uint8_t verb, enum status status,
    uint32_t retry_after_ms, const char *fault, const char *why);

/* crews.c: who serves what, and who of them. */
struct crew *crew_find(struct broker *b, const char *name, size_t size);
struct crew *crew_require(struct broker *b, const char *name);
void crew_init(struct crew *crew, const char *name);
void crew_has_work(struct broker *b, struct crew *crew); /* It waits for a credit. */
bool crew_join(struct crew *crew, struct peer *peer);
void crew_leave(struct crew *crew, struct peer *peer);
struct peer *crew_choose(const struct broker *b, const struct crew *crew, uint64_t root, uint32_t bytes);
bool crew_is_manned(const struct crew *crew);
bool crew_is_full(const struct broker *b, const struct crew *crew); /* No more is read for it. */
void crew_hold(struct broker *b, struct crew *crew, const struct entry *entry);
void crew_let_go(struct broker *b, struct crew *crew, const struct entry *entry);
struct group *group_require(struct broker *b, const char *name);
void group_want(struct group *group, const char *const *subjects, size_t count);
bool group_wants(const struct group *group, const struct stored *item);
void crew_work(struct broker *b, struct crew *crew); /* hands out what waits, as credits allow */
void peer_has_credit(struct broker *b, struct peer *peer);

/* errands.c */
void errand_init(struct errand *errand, enum errand_kind kind, uint64_t tag);
void errand_entrust(struct errand *errand, struct peer *peer, uint32_t bytes);
void errand_return(struct errand *errand); /* Gives the credit back. */
struct errand *errand_find(struct broker *b, uint64_t tag);
uint64_t errand_slot(const struct errand *errand); /* Its tag in its pool. */

/* route.c: commands and questions. */
void route_call(struct broker *b, struct peer *caller, const struct record *record);
void route_reply(struct broker *b, struct peer *worker, struct call *call, const struct record *record);
void route_cancel(struct broker *b, struct peer *caller, const struct record *record);
void route_due(struct broker *b, struct call *call);
void route_lost(struct broker *b, struct call *call);
bool route_next(struct broker *b, struct crew *crew);
void route_abandon(struct broker *b, struct crew *crew, const char *why);

/* strands.c: order per root, redelivery, poison. */
void feed_init(struct feed *feed, enum feed_kind kind, struct partition *partition);
void feed_clear(struct broker *b, struct feed *feed);
struct entry *entry_new(const struct stored *item, uint64_t root_hash);
void entry_drop(struct entry *entry);
struct strand *strand_find(struct broker *b, const struct feed *feed, uint64_t root_hash);
struct strand *strand_require(struct broker *b, struct feed *feed, struct crew *crew, uint64_t root_hash);
void strand_settle(struct broker *b, struct strand *strand);
bool strand_add(struct broker *b, struct strand *strand, struct entry *entry);
void strand_empty(struct broker *b, struct strand *strand);
bool crew_deliver(struct broker *b, struct crew *crew);
void delivery_done(struct broker *b, struct delivery *delivery);
void delivery_failed(struct broker *b, struct delivery *delivery, uint32_t after_ms);
void delivery_put_off(struct broker *b, struct delivery *delivery, uint32_t after_ms);
void delivery_lost(struct broker *b, struct delivery *delivery, bool blamed);
void delivery_counted(struct broker *b, const struct broker_input *in);
void delivery_due(struct broker *b, struct delivery *delivery);
void delivery_answer(struct broker *b, struct delivery *delivery, const struct record *record);
void delivery_send(struct broker *b, struct delivery *delivery, struct peer *peer, struct record *record);

/* deliver.c: the log to its groups. */
void deliver_joined(struct broker *b, struct group *group);
void deliver_ask_kept(struct broker *b, struct partition *p, struct group *group);
void deliver_kept(struct broker *b, struct partition *p, const struct broker_input *in);
void deliver_poll(struct broker *b, struct partition *p);
void deliver_log(struct broker *b, struct partition *p, const struct broker_input *in);
void deliver_cursors(struct broker *b, struct partition *p);
void deliver_written(struct broker *b, struct partition *p, const struct broker_input *in);
bool deliver_event(struct broker *b, struct delivery *delivery, struct peer *peer);
struct group *group_find(struct broker *b, const char *name);

/* park.c: dead records and the roots that wait behind them. */
void park_kill(struct broker *b, struct delivery *delivery);
void park_dead(struct broker *b, struct partition *p, const struct broker_input *in);
void park_restore(struct broker *b, struct feed *feed, const struct kept_parked *parked);
struct strand *park_next_to_drain(struct partition *p);
void park_drained(struct broker *b, struct strand *strand, const struct broker_input *in);
void park_settle(struct broker *b, struct strand *strand);
void park_clear(struct broker *b, struct partition *p);

/* lanes.c, timers.c: tasks and due timers. */
void lanes_poll(struct broker *b, struct partition *p);
void lanes_found(struct broker *b, struct partition *p, const struct broker_input *in);
void lanes_tasks(struct broker *b, struct partition *p, const struct broker_input *in);
void lanes_joined(struct broker *b, struct peer *peer);
void lanes_left(struct broker *b, struct peer *peer);
void lanes_written(struct broker *b, struct partition *p, const struct broker_input *in);
bool lanes_deliver(struct broker *b, struct delivery *delivery, struct peer *peer);
void lanes_final(struct broker *b, struct delivery *delivery);
void lanes_clear(struct broker *b, struct partition *p);
struct task_lane *lane_find(struct partition *p, const char *name);
void timers_poll(struct broker *b, struct partition *p);
void timers_due(struct broker *b, struct partition *p, const struct broker_input *in);
bool timers_deliver(struct broker *b, struct delivery *delivery, struct peer *peer);

/* leases.c: whose partitions, and when each is looked at. */
void leases_start(struct broker *b);
void leases_due(struct broker *b, struct partition *p);
void leases_got(struct broker *b, struct partition *p, const struct broker_input *in);
void lease_lose(struct broker *b, struct partition *p);
void leases_store_up(struct broker *b);
void leases_store_down(struct broker *b);
void leases_release(struct broker *b);
void leases_rung(struct broker *b);
bool partition_is_ours(const struct broker *b, const struct partition *p);
void partition_ring(struct broker *b, uint32_t number, bool lanes);
void partition_look(struct broker *b, struct partition *p); /* Sets when to look at it next. */

/* status.c: what the broker says about itself. */
bool status_is_ours(const char *service, size_t size);
void status_question(struct broker *b, struct peer *caller, const struct record *record, const struct peek *peek);

/* asks.c: what is wanted of the store. */
struct broker_ask *ask_new(struct broker *b, const struct partition *p, enum broker_ask_kind kind);

#endif
