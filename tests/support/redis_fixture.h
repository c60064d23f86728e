/* A Redis of a test's own: a process on a unix socket in a temporary folder, with the settings of production
 * (append-only file, fsync always, a memory limit, no eviction). Ended by its process id; nothing is left behind. */
#ifndef SUPPORT_REDIS_FIXTURE_H
#define SUPPORT_REDIS_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#define REDIS_FIXTURE_PATH_SIZE 80 /* a unix socket's path is short */

struct redis_fixture {
    pid_t pid; /* 0 while it is down */
    char dir[REDIS_FIXTURE_PATH_SIZE - 24];
    char socket[REDIS_FIXTURE_PATH_SIZE];
    char address[REDIS_FIXTURE_PATH_SIZE]; /* `unix:<socket>`, for store_init and redis_new */
};

/* Starts it and waits until it answers. `extra` holds further settings as a NULL-ended list of words, e.g.
 * {"--maxmemory", "4mb", NULL}; NULL for none. Ends the process with a sentence when there is no redis-server. */
void redis_fixture_start(struct redis_fixture *fixture, const char *const *extra);

/* As a crash (SIGKILL), and back on the same files and socket. */
void redis_fixture_kill(struct redis_fixture *fixture);
void redis_fixture_restart(struct redis_fixture *fixture, const char *const *extra);

/* Stops it and removes its folder. */
void redis_fixture_stop(struct redis_fixture *fixture);

#endif
