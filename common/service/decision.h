/* A decision: what a rule may know, and what it may do.
 *
 * A rule is a pure function of the state, the message and the facts of the call that stand here. It either refuses and
 * changes nothing, or succeeds and changes everything it should: the state copy it was given, other aggregates of the
 * same service and root that it asked for, events, tasks, timers, index entries and one reply. It does no I/O and reads
 * no clock, so the runtime may run it again: after a lost race, or after loading something it asked for with see() or
 * touch().
 *
 * Everything lives in the call's arena. Nothing here outlives the call. */
#ifndef CASEBUS_SERVICE_DECISION_H
#define CASEBUS_SERVICE_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/arena.h"
#include "common/core/fault.h"
#include "proto/options.pb-c.h"

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;
struct contract_aggregate;
struct read;
struct reference;

enum {
    DECISION_EVENTS_MAX = 32,
    DECISION_TASKS_MAX = 64,
    DECISION_TIMERS_MAX = 64,
    DECISION_ENTRIES_MAX = 32,
    DECISION_AGGREGATES_MAX = 256,
    DECISION_PAGES_MAX = 8,
    DECISION_PAGE_LINES_MAX = 1000, /* Entries of one page of an index. */
};

/* Who acts, and for whom: the originating person, also when a service acts on what that person caused. */
struct actor {
    const char *id;
    Casebus__Role role; /* ROLE_SYSTEM when a service acts on an event, a timer, a task or an answer. */
    bool simulated;     /* A program plays this person. Marked in every record that keeps the answer. */
};

/* A timer to set or, with due_at_ms 0, to cancel. It belongs to an aggregate and has a name of its own there. */
struct timer_change {
    const char *kind; /* Of the aggregate, e.g. "appointment". */
    const char *key;
    const char *name;
    int64_t due_at_ms;
};

/* A command to any aggregate of any service, or a question on a lane to the outside. Leaves with the commit. */
struct task {
    const char *lane;    /* Service name, `payer/<tenant>/<payer>` or `channel/<tenant>/<channel>`. */
    const char *id;      /* Command id, made of this command's id: a second delivery has no second effect. */
    const char *subject; /* `<service>.<Message>`, or the full name of the question's message. */
    const char *root;
    const char *kind; /* Aggregate that takes the answer of a question; NULL for a command. */
    const char *key;
    const struct ProtobufCMessage *body;
};

/* An index entry to put or, with remove, to take out. Sorted by `sort`, found by `index` and `group`. */
struct index_change {
    const char *index; /* e.g. "caseload". */
    const char *group; /* e.g. a case manager's id: one sorted set per index and group. */
    const char *member;
    int64_t sort;
    bool remove;
};

/* An aggregate that the decision looks at or changes, the one it was given included. Rules reach it by see(), touch()
 * and require(); the runtime fills it in (decide.h). */
struct known {
    const char *service;
    const char *kind;
    const char *root;
    const char *key;
    const struct contract_aggregate *row;
    bool asked;   /* By a rule, in this run or an earlier one; otherwise a guess of the runtime (habits.h). */
    bool touched; /* May be changed: belongs to the commit. Otherwise only seen. */
    bool loaded;
    bool exists;
    bool made;    /* Was missing and is made by this decision. */
    bool foreign; /* The key exists, under another root: nobody's to see or to make here. */
    uint64_t version;
    const uint8_t *body; /* As loaded, packed. */
    size_t body_size;
    struct ProtobufCMessage *state;
};

/* A page of an index, from the smallest sort key on, over all partitions. */
struct index_line {
    const char *member;
    int64_t sort;
};
struct index_page {
    const char *index;
    const char *group;
    size_t limit;
    bool loaded;
    size_t count;
    const struct index_line *lines;
};

struct decision {
    /* The facts of the call. */
    struct arena *arena;
    const char *service;
    const char *tenant;
    const char *root;       /* The unit of order that this commit belongs to. */
    const char *command_id; /* Of the command, or made of the event, timer or task. */
    const char *subject;
    int64_t now_ms; /* Fixed at the first decision, never before the aggregate's last. */
    struct actor actor;
    const char *tenant_zone; /* IANA. */
    const struct reference *reference;
    const struct read *reads; /* What see() may look at outside of the own service. */

    /* Outcome. */
    struct why why;
    bool wants;    /* Something was asked for that is not loaded: the runtime loads it and decides again. */
    bool too_much; /* More than one commit may hold was asked for or made: the whole is refused, whatever the rule says.
                    */
    const struct ProtobufCMessage *reply;

    /* What the rule did. */
    const struct ProtobufCMessage *events[DECISION_EVENTS_MAX];
    size_t event_count;
    struct task tasks[DECISION_TASKS_MAX];
    size_t task_count;
    struct timer_change timers[DECISION_TIMERS_MAX];
    size_t timer_count;
    struct index_change entries[DECISION_ENTRIES_MAX];
    size_t entry_count;
    struct known known[DECISION_AGGREGATES_MAX];
    size_t known_count;
    struct index_page pages[DECISION_PAGES_MAX];
    size_t page_count;

    uint32_t fresh_count; /* Ids made so far, those of tasks included. */

    /* Keyed hash of an identifier, so that look-ups never store it in the clear. Set by the runtime; tests give their
     * own. */
    void (*identity_hash)(void *context, const char *text, size_t length, uint8_t out[16]);
    void *identity_hash_context;
};

/* Refuses with one sentence for the person who reads it: lower case, no full stop, the reason and the value complained
 * of. */
enum fault refuse(struct decision *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same when something is not there. */
enum fault refuse_missing(struct decision *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A new message of the descriptor in the call's arena, with its defaults. Strings put into it must live in the arena or
 * longer. */
void *make(struct decision *d, const struct ProtobufCMessageDescriptor *descriptor);
#define MAKE(d, Type, descriptor) ((Type *)make((d), &(descriptor)))

/* Text in the call's arena. */
char *text_of(struct decision *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A deep copy of the message in the call's arena. */
void *copy_of(struct decision *d, const struct ProtobufCMessage *message);

/* Appends one element to a repeated message or string field: APPEND(d, plan, goals, goal). The old array is left to the
 * arena. */
void *append_slot(struct decision *d, void *array, size_t *count, size_t element_size);
#define APPEND(d, message, field, value)                                                                               \
    do {                                                                                                               \
        (message)->field = append_slot((d), (message)->field, &(message)->n_##field, sizeof *(message)->field);        \
        (message)->field[(message)->n_##field - 1] = (value);                                                          \
    } while (0)

/* Sets an optional scalar whatever its value. Where the value is not zero, plain assignment is enough: before a message
 * is packed the runtime marks every scalar that is not zero as present. */
#define SET(message, field, value) ((void)((message)->has_##field = 1, (message)->field = (value)))

/* A fresh id: the same again when the same command is decided again. A root id carries its partition. */
const char *fresh_id(struct decision *d);
const char *fresh_root_id(struct decision *d);

/* Emits a fact of the past. The message belongs to the decision's own service. */
void emit(struct decision *d, const struct ProtobufCMessage *event);

/* Sends a command to any aggregate; its root and key are read from the fields that the contract names. Delivered at
 * least once, in no order relative to other roots; deduplicated by its id. */
void tell(struct decision *d, const struct ProtobufCMessage *command);

/* Puts a question on the lane of an insurer or channel. The answer reaches the aggregate `kind` `key` of this root as
 * an answer. */
void ask(
    struct decision *d, const char *lane, const char *kind, const char *key, const struct ProtobufCMessage *question);
const char *payer_lane(struct decision *d, const char *payer_id);
const char *channel_lane(struct decision *d, const char *channel);

/* Sets the timer of an aggregate of this root; a timer of the same name is replaced. It fires once, never early. */
void set_timer(struct decision *d, const char *kind, const char *key, const char *name, int64_t due_at_ms);
void cancel_timer(struct decision *d, const char *kind, const char *key, const char *name);

void index_put(struct decision *d, const char *index, const char *group, const char *member, int64_t sort);
void index_remove(struct decision *d, const char *index, const char *group, const char *member);

/* The one reply. */
void reply(struct decision *d, const struct ProtobufCMessage *message);

/* Looks at an aggregate `service`.`kind`, declared in READS where the service is another. NULL when it does not exist,
 * and also until it is loaded: then d->wants is set and the rule returns FAULT_WANT. Guarded by version in the same
 * partition, advisory elsewhere.
 *
 *     const Intake__Case *c = see(d, "intake", "case", cmd->case_id, cmd->case_id);
 *     if (d->wants) {
 *         return FAULT_WANT;
 *     } */
const void *see(struct decision *d, const char *service, const char *kind, const char *root, const char *key);

/* The same for an aggregate of the own service under this decision's root, to be changed. */
void *touch(struct decision *d, const char *kind, const char *key);

/* The same, made where it does not exist; `*made` tells which. The descriptor comes from the contract. */
void *require(struct decision *d, const char *kind, const char *key, bool *made);

/* Whether this state, as given or got from touch() or require(), did not exist before this decision. */
bool is_new(const struct decision *d, const void *state);

/* Up to `limit` entries of the group in the order of their sort keys, over all partitions. For queries: what it tells
 * may be older than what see() tells. NULL until loaded, as with see(). */
const struct index_page *index_page(struct decision *d, const char *index, const char *group, size_t limit);

/* A message of the reference data by its id, or NULL; `reference_each` walks all of one descriptor, from *cursor = 0.
 */
const void *reference_find(
    const struct decision *d, const struct ProtobufCMessageDescriptor *descriptor, const char *id);
const void *reference_each(
    const struct decision *d, const struct ProtobufCMessageDescriptor *descriptor, size_t *cursor);

/* A keyed hash as an id, for look-ups by identifier: "k" and 26 characters. */
const char *identity_key(struct decision *d, const char *text);

#endif
