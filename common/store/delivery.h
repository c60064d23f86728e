/* What a broker writes: leases, cursors, attempts, dead letters and parked roots, and the removal of delivered tasks.
 * All of it is fenced: it happens only under the lease, named by owner and epoch, that the partition has now.
 *
 * A parked root does not hold up the cursor of its group. Its entry moves like this, and in no other way:
 *
 *     (none) --cb_dead--> parked at its first unhandled record
 *     parked --retry (an operator)--> draining, from the same record
 *     parked --skip (an operator)---> draining, from the record after; the skipped one counts as handled for ever
 *     draining --drain_to--> draining, further on        draining --drain_to the end--> (none)
 *     draining --cb_dead--> parked again
 *
 * While a root is parked or draining the broker does not deliver it from the live tail; draining, it delivers it from
 * the log, starting at the entry's stream id, until that has caught up with the tail. */
#ifndef STORE_DELIVERY_H
#define STORE_DELIVERY_H

#include "common/core/arena.h"
#include "common/core/id.h"
#include "common/store/head.h"
#include "common/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct lease {
    const char *owner; /* this broker's instance id; borrowed */
    uint64_t epoch;    /* grows with every change of owner */
};

/* What every request below comes back with. */
enum delivery_outcome {
    DELIVERY_DONE,
    DELIVERY_FENCED,      /* another owner or epoch: stop delivering this partition at once */
    DELIVERY_UNAVAILABLE, /* Redis down, or the answer was lost: harmless, do it again */
    DELIVERY_GONE,        /* what it speaks of is not there (any more) */
};

struct lease_answer {
    enum delivery_outcome outcome; /* FENCED: somebody else holds it */
    uint64_t epoch;
    int64_t now_ms;      /* Redis's clock */
    int64_t until_ms;    /* the lease's end on that clock */
    char owner[ID_SIZE]; /* who holds it */
};

typedef void lease_fn(void *user, const struct lease_answer *answer);
typedef void delivery_fn(void *user, enum delivery_outcome outcome);

/* Takes or renews the lease of a partition for `ttl_ms` on Redis's clock; 0 gives it up. */
enum fault lease_send(
    struct store *store, uint32_t partition, const char *owner, int64_t ttl_ms, lease_fn *fn, void *user);

struct cursor {
    const char *group;
    struct stream_id at; /* all records up to here, this one included, are handled or parked */
};

/* Moves the cursors of several groups. */
enum fault cursors_send(struct store *store, uint32_t partition, const struct lease *lease, size_t count,
    const struct cursor *cursors, delivery_fn *fn, void *user);

struct delivery_record {
    const char *group;
    const char *tenant;
    const char *root;
    uint64_t sequence;
    struct stream_id at;
};

/* Counts a failed attempt; the number so far comes to the callback. */
typedef void attempt_fn(void *user, enum delivery_outcome outcome, uint64_t attempts);
enum fault attempt_send(struct store *store, uint32_t partition, const struct lease *lease,
    const struct delivery_record *record, attempt_fn *fn, void *user);

/* Writes the dead letter and parks the root. `reason` is a coded word (fault_word), never a sentence: it is kept in
 * clear. */
enum fault dead_send(struct store *store, uint32_t partition, const struct lease *lease,
    const struct delivery_record *record, const char *reason, delivery_fn *fn, void *user);

/* Operators: not fenced, idempotent. `letter` is the dead letter's stream id. GONE when the root is not parked for the
 * group. */
enum fault dead_retry_send(struct store *store, uint32_t partition, const struct delivery_record *record,
    struct stream_id letter, delivery_fn *fn, void *user);
enum fault dead_skip_send(struct store *store, uint32_t partition, const struct delivery_record *record,
    struct stream_id letter, delivery_fn *fn, void *user);

/* The draining root has handled all before `record`, its next; or has caught up (`record->sequence` 0): the entry goes.
 */
enum fault drain_to_send(struct store *store, uint32_t partition, const struct lease *lease,
    const struct delivery_record *record, delivery_fn *fn, void *user);

/* Removes a delivered task from its lane. */
enum fault task_done_send(struct store *store, uint32_t partition, const struct lease *lease, const char *dest,
    struct stream_id task, delivery_fn *fn, void *user);

struct parked {
    const char *tenant;
    const char *root;
    bool draining;
    uint64_t sequence;   /* the first unhandled */
    struct stream_id at; /* read the log from here, this position included; lower sequences are handled */
};

struct dead_letter {
    struct stream_id id;
    const char *tenant;
    const char *root;
    uint64_t sequence;
    struct stream_id at; /* the record in the log */
    const char *reason;
    uint64_t attempts;
    int64_t at_ms;
};

/* What a new owner reads first, for its groups: cursors, parked roots; and what operators list. */
struct delivery_state {
    /* asked */
    uint32_t partition;
    const char *group;
    size_t letters_max; /* 0: dead letters not wanted */
    struct arena *arena;
    void (*done)(struct delivery_state *state);
    void *user;
    /* answered */
    enum fault fault; /* NONE, UNAVAILABLE, INTERNAL: something in there is not ours; the rest is here */
    bool has_cursor;
    struct stream_id cursor;
    size_t parked_count;
    struct parked *parked;
    size_t letter_count;
    struct dead_letter *letters; /* oldest first */
    struct stream_id log_end;    /* the last record's position */
    /* inside */
    struct store *store;
    int waiting;
};

enum fault delivery_state_send(struct store *store, struct delivery_state *state);

/* Gives back the memory of questions that were answered; store_done() does it. */
void delivery_forget(struct store *store);

#endif
