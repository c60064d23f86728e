/* Runs a rule: the part of a call between "everything asked for is loaded" and "what is to be committed".
 *
 * Pure, like the rules it calls. The runtime and the tests of rules run the same loop around it:
 *
 *     while ((fault = decide_command(d, row, message)) == FAULT_WANT) {
 *         load every known and every page that is not loaded yet: decide_give(), decide_give_page();
 *     }
 *
 * Each run begins anew, with the states as they were loaded, and with the same ids. */
#ifndef CASEBUS_SERVICE_DECIDE_H
#define CASEBUS_SERVICE_DECIDE_H

#include "common/contract/contract.h"
#include "common/service/decision.h"
#include "common/service/service.h"

/* Makes a decision in `arena` for a service. The caller fills in the facts of the call. */
struct decision *decide_new(struct arena *arena, const struct service *service);

/* Fills in the ids that a creating command leaves open: a fresh root, and a fresh key under it. Then d->root is set.
 *
 * INVALID when the command names no root and does not create. */
enum fault decide_ids(struct decision *d, const struct contract_command *row, struct ProtobufCMessage *command);

/* Each gives WANT while something is not loaded; NONE: what the decision holds is to be committed; else the refusal,
 * and nothing is. After NONE every message in it is settled: scalars that are not zero are marked as present. */
enum fault decide_command(struct decision *d, const struct command *row, const struct ProtobufCMessage *command);
enum fault decide_reaction(struct decision *d, const struct reaction *row, const struct ProtobufCMessage *event);
enum fault decide_timer(
    struct decision *d, const struct timer *row, const char *key, const char *name, int64_t due_at_ms);
enum fault decide_answer(
    struct decision *d, const struct answer *row, const char *key, const struct ProtobufCMessage *answer);
enum fault decide_query(struct decision *d, const struct query *row, const struct ProtobufCMessage *query);

/* One event of a record, its rule, and how the rule refused it if it did. */
struct reacted {
    const struct reaction *row;
    const struct ProtobufCMessage *event;
    enum fault fault;
    struct why why;
};

/* Reacts to all events of a record as one decision. A refusal is a fact about that event: it is noted, and the rest is
 * decided as if the event had not been there. WANT or NONE; or a fault that concerns the whole. */
enum fault decide_record(struct decision *d, struct reacted *events, size_t count);

/* Gives what was loaded: `body` NULL when there is none. The body stays where it is for the life of the decision.
 *
 * INTERNAL when the body does not unpack, UNAVAILABLE when its shape is newer than this program. */
enum fault decide_give(
    struct decision *d, struct known *known, const uint8_t *body, size_t size, uint64_t version, uint32_t schema);
void decide_give_page(struct index_page *page, const struct index_line *lines, size_t count);

/* The states as they were loaded, without what a run of a rule did to them. */
void decide_restore(struct decision *d);

/* Forgets what was loaded, after a lost race: everything that was asked for is to be loaded anew. */
void decide_forget(struct decision *d);

/* The aggregate among the known ones, or a new one that is not loaded. NULL, and d->too_much, when there is no room. */
struct known *decide_known(
    struct decision *d, const char *service, const char *kind, const char *root, const char *key);

/* Rows of a service's tables by what came in; NULL when there is none. */
const struct command *service_command(const struct service *service, const struct ProtobufCMessageDescriptor *message);
const struct reaction *service_reaction(const struct service *service, const struct ProtobufCMessageDescriptor *event);
const struct timer *service_timer(const struct service *service, const char *kind);
const struct answer *service_answer(
    const struct service *service, const char *kind, const struct ProtobufCMessageDescriptor *message);
const struct query *service_query(const struct service *service, const struct ProtobufCMessageDescriptor *message);

/* Marks every optional scalar that is not zero as present, in the whole tree: rules assign plainly, packing looks at
 * `has_`. */
void settle(struct ProtobufCMessage *message);

#endif
