/* Tests of rules: a small world in which a service's rules are run exactly as the runtime runs them, without store or
 * bus.
 *
 * The world keeps aggregates; a call that succeeds changes them, so that a test can tell a story call by call. What the
 * last call did can be looked at until the next one. Every call is decided twice and must come out the same, byte for
 * byte; every message that it makes must keep the rules of the contract. Whatever breaks that ends the test with a
 * sentence.
 *
 *     struct rules r;
 *     rules_begin(&r, &INTAKE);
 *     assert_int_equal(rules_command(&r, rules_json(&r, "intake.EnrolCase", "{\"caseId\": \"c1\", ...}")), FAULT_NONE);
 *     const Intake__CaseEnrolled *enrolled = rules_event(&r, "intake.CaseEnrolled");
 *     rules_done(&r); */
#ifndef SUPPORT_RULES_H
#define SUPPORT_RULES_H

#include "common/service/decide.h"
#include "common/service/reference.h"

#define RULES_NOW_MS INT64_C(1795316400000) /* 2026-11-22T03:00:00Z: what `now` is until a test says otherwise. */

struct rules_aggregate;
struct rules_entry;

struct rules {
    /* Facts of the next call; a test may change them between calls. */
    int64_t now_ms;
    struct actor actor;     /* Nurse n1. */
    const char *tenant;     /* demo */
    const char *zone;       /* America/New_York */
    const char *command_id; /* NULL: a new one for each call, "command-1", "command-2", ... */
    const char *root;       /* Of reactions, timers and answers; NULL: "root-1". */

    /* The last call. */
    const struct decision *d;
    enum fault fault;

    /* Inside. */
    const struct service *service;
    struct arena world;
    struct arena call;
    struct reference *reference;
    struct rules_aggregate *aggregates;
    struct rules_entry *entries;
    unsigned calls;
};

void rules_begin(struct rules *r, const struct service *service);
void rules_done(struct rules *r);

/* Loads the service's reference files from `seeds`, as the runtime does. */
void rules_load_references(struct rules *r, const char *seeds);

/* Puts an aggregate of any service into the world, by the ids in its fields, over the one that is there. */
void rules_know(struct rules *r, const ProtobufCMessage *state);

/* A message of the contract, by subject or full name, from its JSON; it must keep the rules. Lives as long as the
 * world. */
void *rules_json(struct rules *r, const char *name, const char *json);

/* Calls. A command that leaves its ids open gets fresh ones, as from the runtime. */
enum fault rules_command(struct rules *r, const ProtobufCMessage *command);
enum fault rules_react(struct rules *r, const ProtobufCMessage *event);
enum fault rules_timer(struct rules *r, const char *kind, const char *key, const char *name, int64_t due_at_ms);
enum fault rules_answer(struct rules *r, const char *kind, const char *key, const ProtobufCMessage *answer);
enum fault rules_query(struct rules *r, const ProtobufCMessage *query);

/* The aggregate as it is now; NULL when there is none. Root and key are looked for by key alone. */
const void *rules_state(struct rules *r, const char *service, const char *kind, const char *key);

/* What the last call did. The first of that subject, NULL when there is none; and how many there are. */
const void *rules_event(const struct rules *r, const char *subject);
size_t rules_event_count(const struct rules *r, const char *subject);
const struct task *rules_task(const struct rules *r, const char *subject);
size_t rules_task_count(const struct rules *r, const char *subject);
const void *rules_told(const struct rules *r, const char *subject); /* Body of that task. */
const struct timer_change *rules_timer_change(const struct rules *r, const char *key, const char *name);
const struct index_change *rules_index_change(
    const struct rules *r, const char *index, const char *group, const char *member);
const void *rules_reply(const struct rules *r);
const char *rules_why(const struct rules *r);

/* Entries for index_page(): kept from calls that succeed; a test may put its own. */
void rules_index(struct rules *r, const char *index, const char *group, const char *member, int64_t sort);

#endif
