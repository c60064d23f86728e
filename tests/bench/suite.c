#define _GNU_SOURCE /* readlink of /proc/self/exe */

#include "tests/bench/suite.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/bus/link.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "proto/broker.pb-c.h"
#include "tests/bench/figures.h"

enum {
    START_S = 60,
    LOOK_EVERY_MS = 20,
    STOP_S = 20,
};

extern char **environ;

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* ---- Where things are ---- */

static const char *binary_of(const char *name, char out[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", own, sizeof own - 1);
    MUST(size > 0);
    own[size] = '\0';
    snprintf(out, PATH_MAX, "%.3900s/%s%s", dirname(own), strcmp(name, "casebus") == 0 ? "" : "casebus-", name);
    return out;
}

bool suite_has(const char *name)
{
    char path[PATH_MAX];
    return access(binary_of(name, path), X_OK) == 0;
}

/* The repository: this program's sources name their files from it, and it is run from there. */
static const char *seeds_folder(char out[PATH_MAX])
{
    if (realpath("seeds", out) == NULL) {
        give_up("seeds", "is no folder here: benchmarks run from the root of the repository");
    }
    return out;
}

static unsigned free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    MUST(fd >= 0 && bind(fd, (struct sockaddr *)&at, size) == 0 && getsockname(fd, (struct sockaddr *)&at, &size) == 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* ---- Settings and keys ---- */

static void write_settings(struct suite *suite)
{
    char path[PATH_MAX], seeds[PATH_MAX];
    snprintf(path, sizeof path, "%s/tenants.conf", suite->dir);
    FILE *tenants = fopen(path, "w");
    MUST(tenants != NULL);
    fputs("[demo]\nzone = America/New_York\nsynthetic = yes\n", tenants);
    fclose(tenants);
    snprintf(path, sizeof path, "%s/lanes", suite->dir);
    MUST(mkdir(path, 0700) == 0);
    snprintf(suite->config, sizeof suite->config, "%s/casebus.conf", suite->dir);
    snprintf(suite->endpoint, sizeof suite->endpoint, "ipc://%s/broker.sock", suite->dir);
    snprintf(suite->tcp, sizeof suite->tcp, "tcp://127.0.0.1:%u", free_port());
    FILE *config = fopen(suite->config, "w");
    MUST(config != NULL);
    fprintf(config,
        "brokers = %s\nredis = %s\ntenants = %s/tenants.conf\nkeys = %s/keys\nactor-keys = %s/keys/actor.pub\nseeds = "
        "%s\n"
        "log-level = warn\n[casebus]\nactor-secret = %s/keys/actor.key\n[broker]\nbrokers = %s,%s\nedge = "
        "ipc://%s/edge.sock\n"
        "lanes = %s/lanes\n[courier]\nmail-url = folder:%s/mail\njournal = %s/courier.journal\n",
        suite->endpoint, suite->redis.address, suite->dir, suite->dir, suite->dir, seeds_folder(seeds), suite->dir,
        suite->endpoint, suite->tcp, suite->dir, suite->dir, suite->dir, suite->dir);
    fclose(config);
    setenv("CASEBUS_CONFIG", suite->config, 1);
}

static void run_keys(const char *word, const char *folder)
{
    char path[PATH_MAX];
    pid_t pid = fork();
    if (pid == 0) {
        execl(binary_of("casebus", path), "casebus", "keys", word, folder, NULL);
        _exit(127);
    }
    int status = 0;
    MUST(waitpid(pid, &status, 0) == pid);
    if (status != 0) {
        give_up("casebus keys", "did not end well");
    }
}

static void make_keys(const struct suite *suite)
{
    char lanes[PATH_MAX];
    snprintf(lanes, sizeof lanes, "%s/lanes", suite->dir);
    run_keys("init", NULL);
    run_keys("lanes", lanes);
}

/* ---- Processes ---- */

/* An insurer is an outsider: it knows its edge and its own book of plans, nothing else of this installation. */
static void become_insurer(const struct suite *suite, const char *path)
{
    char edges[PATH_MAX], seeds[PATH_MAX], at_seeds[PATH_MAX + 16];
    snprintf(edges, sizeof edges, "--edges=ipc://%s/edge.sock", suite->dir);
    snprintf(at_seeds, sizeof at_seeds, "--seeds=%s", seeds_folder(seeds));
    unsetenv("CASEBUS_CONFIG");
    execl(path, path, edges, at_seeds, NULL);
}

static void become(const struct suite *suite, const char *name)
{
    char path[PATH_MAX];
    bool is_edge = strcmp(name, "edge") == 0;
    binary_of(is_edge ? "broker" : name, path);
    if (strcmp(name, "payer") == 0) {
        become_insurer(suite, path);
    } else {
        execl(path, path, is_edge ? "--role=edge" : NULL, NULL);
    }
    _exit(127);
}

static pid_t spawn(const struct suite *suite, const char *name, const char *preload)
{
    char log[PATH_MAX];
    snprintf(log, sizeof log, "%s/%s.log", suite->dir, name);
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        int fd = open(log, O_CREAT | O_WRONLY | O_APPEND, 0600);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* Ends with the benchmark even when that is killed. */
        dup2(fd, STDERR_FILENO);
        dup2(fd, STDOUT_FILENO);
        if (preload != NULL) {
            setenv("LD_PRELOAD", preload, 1);
        }
        become(suite, name);
    }
    return pid;
}

static void add(struct suite *suite, const char *name, const char *preload)
{
    MUST(suite->count < SUITE_PROCESSES_MAX);
    suite->processes[suite->count++] = (struct suite_process){name, spawn(suite, name, preload)};
}

void suite_start(struct suite *suite, const char *preload)
{
    *suite = (struct suite){.count = 0};
    redis_fixture_start(&suite->redis, NULL);
    snprintf(suite->dir, sizeof suite->dir, "%s", suite->redis.dir);
    write_settings(suite);
    make_keys(suite);
    add(suite, "broker", preload);
}

void suite_run(struct suite *suite, const char *name)
{
    add(suite, name, NULL);
}

pid_t suite_pid(const struct suite *suite, const char *name)
{
    for (size_t i = 0; i < suite->count; i++) {
        if (strcmp(suite->processes[i].name, name) == 0) {
            return suite->processes[i].pid;
        }
    }
    return 0;
}

void suite_stop(struct suite *suite)
{
    for (size_t i = suite->count; i > 0; i--) {
        kill(suite->processes[i - 1].pid, SIGTERM);
    }
    double until = seconds_now() + STOP_S;
    for (size_t i = suite->count; i > 0; i--) {
        pid_t pid = suite->processes[i - 1].pid;
        while (waitpid(pid, NULL, WNOHANG) == 0) {
            nanosleep(&(struct timespec){0, LOOK_EVERY_MS * 1000000L}, NULL);
            if (seconds_now() > until) {
                kill(pid, SIGKILL);
            }
        }
    }
    redis_fixture_stop(&suite->redis);
}

/* ---- Readiness ---- */

static bool serves(const Broker__Status *status, const char *name)
{
    for (size_t i = 0; i < status->n_instances; i++) {
        if (status->instances[i]->service != NULL && strcmp(status->instances[i]->service, name) == 0) {
            return true;
        }
    }
    return strcmp(name, "broker") == 0;
}

static bool is_ready(const struct suite *suite, struct cli *cli)
{
    Broker__ReadStatus question = BROKER__READ_STATUS__INIT;
    struct answered answered;
    struct asked asked = {.subject = "broker.ReadStatus", .body = &question.base, .role = CASEBUS__ROLE__ROLE_OPERATOR};
    if (session_ask(cli, &asked, &answered) != FAULT_NONE || answered.reply == NULL) {
        return false;
    }
    const Broker__Status *status = (const Broker__Status *)answered.reply;
    bool ready = status->store_ready && status->leases == 256;
    for (size_t i = 0; i < suite->count; i++) {
        /* The broker sees an insurer as its link of the edge. */
        const char *name = suite->processes[i].name;
        ready = ready && serves(status, strcmp(name, "payer") == 0 ? "edge" : name);
    }
    return ready;
}

void suite_wait(struct suite *suite)
{
    struct cli cli;
    suite_join(suite, &cli);
    double until = seconds_now() + START_S;
    while (!is_ready(suite, &cli)) {
        if (seconds_now() > until) {
            give_up("the suite", "was not ready in time");
        }
        nanosleep(&(struct timespec){0, LOOK_EVERY_MS * 1000000L}, NULL);
    }
    suite_leave(&cli);
}

/* ---- Sessions ---- */

static const struct setting SETTINGS[] = {{"actor-secret", NULL, "key of the person", setting_is_given}, {0}};
static const struct setting *const TABLES[] = {SETTINGS_COMMON, SETTINGS, NULL};

void suite_join(struct suite *suite, struct cli *cli)
{
    (void)suite;
    struct why why = {""};
    char *argv[] = {(char *)"casebus", NULL};
    *cli = (struct cli){.options = {.timeout_ms = START_S * 1000, .as = "scheduler:bench", .simulated = true}};
    if (settings_load("casebus", TABLES, false, 1, argv, environ, &cli->settings, &why) != SETTINGS_READY) {
        give_up("settings", why.text);
    }
    arena_init(&cli->arena, (size_t)1 << 30);
    double until = seconds_now() + START_S;
    while (session_open(cli) != EXIT_DONE) {
        if (seconds_now() > until) {
            give_up("the broker", "could not be reached");
        }
        session_close(cli);
    }
}

void suite_leave(struct cli *cli)
{
    session_close(cli);
    arena_done(&cli->arena);
    settings_free(&cli->settings);
}
