/* The stage as it runs at a customer's, small: a Redis, a broker and services as processes of their own, in a folder of
 * the test's own, and a client that signs and seals. For tests of the whole; processes may be killed and started again
 * at any time.
 *
 * Needs the programs in build/<preset>/bin (SUITE_BUILD). What the processes said stands in <dir>/<name>.log, which is
 * shown when the stage could not be started. */
#ifndef SUPPORT_STAGE_H
#define SUPPORT_STAGE_H

#include <sys/types.h>

#include "common/bus/client.h"
#include "tests/support/redis_fixture.h"

#define STAGE_PROCESSES_MAX 12
#define STAGE_ENDPOINT_SIZE 96
#define STAGE_WAIT_MS       20000 /* how long anything may take before a test gives up */

struct keys;

struct stage_process {
    const char *name; /* "broker", "intake", ... */
    pid_t pid;        /* 0: not running */
};

struct stage {
    char dir[64];
    char broker[STAGE_ENDPOINT_SIZE];
    struct redis_fixture redis;
    struct stage_process processes[STAGE_PROCESSES_MAX];
    size_t process_count;
    struct keys *keys;
    struct actor_key signer;
    struct client *client;
    struct arena arena;
    unsigned calls;
};

/* Starts Redis, the broker and the services named in a NULL-ended list, and waits for the broker. */
void stage_start(struct stage *stage, const char *const *services);
void stage_stop(struct stage *stage);

/* A signal to a process, and its end: the exit status, or 128 + the signal. */
int stage_end(struct stage *stage, const char *name, int signal);
/* Starts it again, on the same data. */
void stage_restart(struct stage *stage, const char *name);

/* One call and its outcome. `id` NULL: made. The reply, unpacked, lies in the stage's arena; NULL when there is none.
 */
struct stage_call {
    const char *subject;
    const char *json;
    const char *id;
    Casebus__Role role;
    bool query;
    uint32_t timeout_ms; /* 0: STAGE_WAIT_MS */
};
struct stage_outcome {
    enum fault fault;
    const char *why;
    const char *root;
    uint64_t sequence;
    bool repeated;
    const ProtobufCMessage *reply;
};
struct stage_outcome stage_ask(struct stage *stage, struct stage_call call);

/* Whether the time line of a root has an event of this subject, asked until it has, or until STAGE_WAIT_MS are over. */
bool stage_sees(struct stage *stage, const char *root, const char *event);
size_t stage_count(struct stage *stage, const char *root, const char *event);

#endif
