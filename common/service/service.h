/* A service: tables of pure functions. The only thing that a service's folder exports is one `const struct service`.
 *
 * The runtime does the rest, once for all services: receive, guard, authorise, load, decide, commit, reply, log, count.
 */
#ifndef CASEBUS_SERVICE_SERVICE_H
#define CASEBUS_SERVICE_SERVICE_H

#include <stddef.h>

#include "common/service/decision.h"

/* Rules, as the runtime calls them. `state` is the aggregate that the contract names: zeroed and with its ids set when
 * the command creates it, else as stored; NULL for a query of a missing aggregate. */
typedef enum fault command_rule(struct decision *d, void *state, const void *command);
typedef enum fault reaction_rule(struct decision *d, const void *event);
typedef enum fault timer_rule(struct decision *d, void *state, const char *name, int64_t due_at_ms);
/* What is settled already is NONE without a change; REFUSED leaves the task in its lane, for a better answer. */
typedef enum fault answer_rule(struct decision *d, void *state, const void *answer);
typedef enum fault query_rule(struct decision *d, const void *state, const void *query);

struct command {
    const struct ProtobufCMessageDescriptor *message;
    command_rule *rule;
};
struct reaction {
    const struct ProtobufCMessageDescriptor *event;
    reaction_rule *rule;
};
struct timer {
    const char *kind; /* Aggregate kind; every timer of that kind goes to this rule. */
    timer_rule *rule;
};
struct answer {
    const struct ProtobufCMessageDescriptor *message; /* Of payer.proto or channel answers. */
    const char *kind;                                 /* Aggregate that takes it. */
    answer_rule *rule;
};
struct query {
    const struct ProtobufCMessageDescriptor *message;
    query_rule *rule;
};
/* Another service's aggregate that this one may see(). */
struct read {
    const char *service;
    const char *kind;
};
/* Reference data: files under the setting `seeds`, each the JSON of a message. */
struct reference_file {
    const struct ProtobufCMessageDescriptor *message;
    const char *path; /* "reference/phq-9.json", or a folder ending in "/". */
};

struct service {
    const char *name;
    const struct command *commands;
    const struct reaction *reactions;
    const struct timer *timers;
    const struct answer *answers;
    const struct query *queries;
    const struct read *reads;
    const struct reference_file *references;
};

/* Rows. Each table ends with an empty row: {0}. The rule's own types are checked at compile time by the conditional,
 * which has no effect at run time:
 *
 *     COMMAND(Intake__AcceptReferral, intake__accept_referral__descriptor, Intake__Referral, accept_referral) */
#define COMMAND(Message, descriptor, State, rule)                                                                      \
    {                                                                                                                  \
        &(descriptor), (command_rule *)(1 ? (rule) : (enum fault(*)(struct decision *, State *, const Message *))0)    \
    }
#define REACTION(Event, descriptor, rule)                                                                              \
    {                                                                                                                  \
        &(descriptor), (reaction_rule *)(1 ? (rule) : (enum fault(*)(struct decision *, const Event *))0)              \
    }
#define TIMER(kind, State, rule)                                                                                       \
    {                                                                                                                  \
        (kind), (timer_rule *)(1 ? (rule) : (enum fault(*)(struct decision *, State *, const char *, int64_t))0)       \
    }
#define ANSWER(Message, descriptor, kind, State, rule)                                                                 \
    {                                                                                                                  \
        &(descriptor), (kind),                                                                                         \
            (answer_rule *)(1 ? (rule) : (enum fault(*)(struct decision *, State *, const Message *))0)                \
    }
#define QUERY(Message, descriptor, State, rule)                                                                        \
    {                                                                                                                  \
        &(descriptor),                                                                                                 \
            (query_rule *)(1 ? (rule) : (enum fault(*)(struct decision *, const State *, const Message *))0)           \
    }

/* Runs the service until SIGTERM. Returns the exit status. The whole of a service's main.c. */
int service_main(const struct service *service, int argc, char **argv);

#endif
