/* A running suite of a test's own: every process of deploy/start on the build under test, in a temporary folder, with the demo's
 * team and providers loaded. A test talks to it as a person does, by the command line, and breaks it by killing processes.
 *
 * A guardian process stops the suite and removes the folder when the test has ended, however it ended. */
#ifndef SUPPORT_SUITE_H
#define SUPPORT_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/core/arena.h"

/* Tenants: demo, which is loaded; one that is not marked synthetic; and twin-0, twin-1 ... like demo and empty. */
#define SUITE_REAL_TENANT "real"
#define SUITE_TWINS       8

struct suite {
    char var[32]; /* its folder: settings, keys, store, logs */
    int guard;    /* while this pipe is open the guardian waits */
    pid_t guardian;
    unsigned runs;
    pid_t insurers[SUITE_TWINS];
    size_t insurer_count;
    struct arena arena; /* what runs said; until suite_forget() */
};

/* Starts it and loads the demo. Fails the test with the reason and the end of the logs when it does not get ready. */
void suite_start(struct suite *suite);

/* Starts a reference insurer for the members of another tenant; demo has one. */
void suite_insure(struct suite *suite, const char *tenant);

/* Stops it and removes its folder. */
void suite_stop(struct suite *suite);

/* Frees what earlier runs said. */
void suite_forget(struct suite *suite);

/* ---- Running the command line ---- */

struct ran {
    int status;      /* exit status; -1 when it was killed, e.g. by the fixture after two minutes */
    const char *out; /* never NULL */
    const char *err;
    double seconds;
};

/* One `casebus WORD ...` on the suite's settings. `input` is its standard input, NULL for none; `env` more settings as NAME=value,
 * both lists NULL-ended. */
struct suite_call {
    const char *const *words;
    const char *const *env;
    const char *input;
};

struct ran suite_call(struct suite *suite, struct suite_call call);
#define SUITE_RUN(suite, ...)                                                                                          \
    suite_call((suite), (struct suite_call){.words = (const char *const[]){__VA_ARGS__, NULL}})

/* The same in two parts, to do something meanwhile. */
struct running {
    pid_t pid;
    unsigned number;
    double started;
};
struct running suite_begin(struct suite *suite, struct suite_call call);
bool suite_is_running(struct running *running);
const char *suite_heard(struct suite *suite, const struct running *running); /* what it has printed so far */
struct ran suite_end(struct suite *suite, struct running *running);

/* ---- Breaking it. Processes: redis broker intake planning scheduling claims notifications edge payer courier ---- */

/* The process, 0 while it does not run. */
pid_t suite_pid(const struct suite *suite, const char *process);

/* SIGKILL, which the supervisor answers by a new process; waits until this one is gone. */
void suite_kill(const struct suite *suite, const char *process);

/* Stops a process until suite_up(); waits until it is gone. */
void suite_down(const struct suite *suite, const char *process);
void suite_up(const struct suite *suite, const char *process);

/* Waits until every process is there and every service is known to the broker. */
void suite_wait_ready(const struct suite *suite);

/* Whether every service of the journey was built. */
bool suite_is_whole(void);

/* A path in the suite's folder, in its arena. */
const char *suite_path(struct suite *suite, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- Reading what was said ---- */

/* The value of `"name":"value"` or `"name":value` after `from`, without quotes, in the arena; NULL when there is none. */
const char *said(struct suite *suite, const char *from, const char *name);

/* How often `part` stands in `text`. */
size_t times_said(const char *text, const char *part);

#endif
