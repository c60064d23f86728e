/* The insurer's side of the edge: registers payer ids, takes tasks, gives answers.
 *
 * A task is durable on the network's side until its answer is committed there. It is delivered at least once: again
 * after a lost link, and to any instance registered for the same payer id. An answer names the task by its token, not
 * by the connection it came on, so it may be given days later, by another process. Giving the same answer twice is
 * harmless; what came first counts. Bodies are messages of payer.proto, clear inside the encrypted connection.
 *
 * One thread owns a payer link. */
#ifndef BUS_PAYER_LINK_H
#define BUS_PAYER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bus/client.h"

#define PAYER_TOKEN_SIZE  1536 /* with the NUL */
#define PAYER_IDS_MAX     256
#define PAYER_ANY         "*"   /* as a payer id: every one that nobody registered by name */
#define PAYER_ANSWERS_MAX 1024  /* given and not yet settled */
#define PAYER_ANSWER_MS   30000 /* after which an answer that nobody settled is to be given again */

struct payer_options {
    const char *const *endpoints; /* 1..CLIENT_ENDPOINTS_MAX edges */
    unsigned endpoint_count;
    const char *tenant;           /* the network whose members these are */
    const char *const *payer_ids; /* 1..PAYER_IDS_MAX */
    unsigned payer_id_count;
    const char *version; /* of the insurer's program */
    uint32_t credits;    /* tasks ready to be held at a time; 0: LINK_CREDITS */
};

/* One task, lent until the next payer_next(). */
struct payer_task {
    char token[PAYER_TOKEN_SIZE]; /* names the task, for ever */
    const char *tenant;
    const char *payer_id;
    const char *subject; /* `payer.<Message>` */
    const char *id;      /* of the request; the same at each delivery */
    unsigned attempt;    /* which delivery this is, from 1 */
    struct body body;
    /* Of the bus: on which link, in which session and under which tag it came. */
    unsigned link;
    uint64_t session, tag;
    uint32_t epoch;
};

enum payer_event {
    PAYER_NOTHING, /* the time is over */
    PAYER_TASK,
    PAYER_SETTLED, /* the outcome of an answer: see payer_outcome */
    PAYER_UP,      /* registered at an edge */
    PAYER_LOST,    /* an edge was lost: its open tasks come again */
    PAYER_REFUSED, /* an edge will not register this: `why` says it */
};

/* What became of an answer. NONE: committed, the task is gone. REFUSED: it breaks the contract or the task was settled
 * otherwise. Anything else: give it again. */
struct payer_outcome {
    char token[PAYER_TOKEN_SIZE];
    enum fault fault;
    struct why why;
};

struct payer_link;

enum fault payer_link_new(const struct payer_options *options, struct why *why, struct payer_link **out);
void payer_link_free(struct payer_link **link);

/* Waits for the next event. Fills in the one of `task`, `outcome` that it speaks of; PAYER_REFUSED fills in `outcome`.
 */
enum payer_event payer_next(
    struct payer_link *link, uint32_t timeout_ms, struct payer_task *task, struct payer_outcome *outcome);

/* Answers a task, now or days after it came. `subject` names the answer's message. The outcome follows as
 * PAYER_SETTLED; the answer leaves with the next payer_next(). UNAVAILABLE when no edge takes it now; INVALID when the
 * token is none or the answer breaks a ceiling. */
enum fault payer_answer(
    struct payer_link *link, const char *token, const char *subject, struct body body, struct why *why);

/* The task just taken is kept by the caller and will be answered later: gives its credit back, so that others can come.
 * It comes again after a lost link. UNAVAILABLE when its link was lost already. */
enum fault payer_keep(struct payer_link *link, const struct payer_task *task, struct why *why);

/* The task just taken cannot be handled now: it comes again, here or elsewhere, after `delay_ms`. */
enum fault payer_later(struct payer_link *link, const struct payer_task *task, uint32_t delay_ms, struct why *why);

#endif
