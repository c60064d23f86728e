/* The suite for a benchmark: a store, a broker and services as processes of this one, in a folder of their own, with
 * the settings of production. Its processes end with it. Whatever does not start ends the benchmark with a sentence. */
#ifndef BENCH_SUITE_H
#define BENCH_SUITE_H

#include <stddef.h>
#include <sys/types.h>

#include "common/bus/client.h"
#include "common/service/settings.h"
#include "services/cli/cli.h"
#include "tests/support/redis_fixture.h"

enum {
    SUITE_PROCESSES_MAX = 12,
};

struct suite_process {
    const char *name; /* `broker`, `scheduling`, ...: as in the binary's name */
    pid_t pid;
};

struct suite {
    struct redis_fixture redis; /* fsync always */
    char dir[56];               /* sockets, keys, settings, logs; the fixture's own */
    char config[80];
    char endpoint[128]; /* of the broker, on ipc */
    char tcp[64];       /* the same on tcp; the system chose the port */
    struct suite_process processes[SUITE_PROCESSES_MAX];
    size_t count;
};

/* Starts the store and a broker, makes keys and settings. `preload` is a library for LD_PRELOAD of the broker, or NULL.
 */
void suite_start(struct suite *suite, const char *preload);

/* Starts `casebus-<name>`, found beside this program; `edge` is the broker in that role. */
void suite_run(struct suite *suite, const char *name);

/* Returns once the broker counts an instance of every service started, and is ready. */
void suite_wait(struct suite *suite);

/* Whether there is a binary of that name in this build. */
bool suite_has(const char *name);

pid_t suite_pid(const struct suite *suite, const char *name);
void suite_stop(struct suite *suite);

/* A session at the suite, as the command line has one. `cli->client` may be used in a pipelined way too. */
void suite_join(struct suite *suite, struct cli *cli);
void suite_leave(struct cli *cli);

#endif
