#define _GNU_SOURCE /* pipe2 */

#include "tests/support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/core/clock.h"
#include "common/core/slice.h"

enum {
    WORDS_MAX = 128,
    RUN_TIMEOUT_S = 120,
    GONE_MS = 20000,
    STEP_MS = 2,
};

static const char *const SERVICES[] = {"intake", "planning", "scheduling", "claims", "notifications", NULL};
static const char *const OUTER[] = {"payer", "courier", NULL};

static void wait_a_step(void)
{
    nanosleep(&(struct timespec){0, STEP_MS * 1000000L}, NULL);
}

static double now_s(void)
{
    return (double)clock_monotonic_ms() / 1000;
}

const char *suite_path(struct suite *suite, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *name = arena_vprintf(&suite->arena, format, args);
    va_end(args);
    return arena_printf(&suite->arena, "%s/%s", suite->var, name);
}

static const char *build_folder(void)
{
    const char *build = getenv("SUITE_BUILD");
    return build ? build : "build/dev";
}

static bool was_built(const char *process)
{
    char path[512];
    snprintf(path, sizeof path, "%s/bin/casebus-%s", build_folder(), process);
    return access(path, X_OK) == 0;
}

bool suite_is_whole(void)
{
    return was_built("claims") && was_built("notifications") && was_built("payer");
}

/* ---- Start and stop ---- */

/* The processes of a list that were built, as deploy/suite.sh wants them. */
static void export_built(const char *name, const char *const *processes)
{
    char list[256] = "";
    for (size_t i = 0; processes[i]; i++) {
        if (was_built(processes[i])) {
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", list[0] ? " " : "", processes[i]);
        }
    }
    setenv(name, list, 1);
}

static void write_tenants(const struct suite *suite)
{
    char path[64];
    snprintf(path, sizeof path, "%s/tenants.conf", suite->var);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(
        "[demo]\nzone = America/New_York\nsynthetic = yes\n\n[" SUITE_REAL_TENANT "]\nzone = America/Chicago\n", file);
    for (int i = 0; i < SUITE_TWINS; i++) {
        fprintf(file, "\n[twin-%d]\nzone = America/New_York\nsynthetic = yes\n", i);
    }
    fclose(file);
}

/* Waits for the end of the pipe, which comes when the test ends or stops the suite, and clears up. */
static void guard(const struct suite *suite, int pipe_end)
{
    char byte;
    char command[256];
    setsid();
    while (read(pipe_end, &byte, 1) < 0 && errno == EINTR) {
    }
    snprintf(command, sizeof command, "deploy/down >/dev/null 2>&1; rm -rf '%s'", suite->var);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static void post_guardian(struct suite *suite)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    suite->guardian = fork();
    assert_true(suite->guardian >= 0);
    if (suite->guardian == 0) {
        close(ends[1]);
        guard(suite, ends[0]);
    }
    close(ends[0]);
    suite->guard = ends[1];
}

static void must_work(struct suite *suite, const char *command)
{
    if (system(command) != 0) {
        char tail[256];
        snprintf(tail, sizeof tail, "tail -n 5 %s/log/*/current >&2", suite->var);
        if (system(tail) != 0) {
            fputs("no logs\n", stderr);
        }
        fail_msg("%s failed", command);
    }
}

void suite_start(struct suite *suite)
{
    *suite = (struct suite){.var = "/tmp/casebus-suite-XXXXXX"};
    arena_init(&suite->arena, (size_t)1 << 30);
    assert_non_null(mkdtemp(suite->var));
    setenv("SUITE_BUILD", build_folder(), 1);
    setenv("SUITE_VAR", suite->var, 1);
    export_built("SUITE_SERVICES", SERVICES);
    export_built("SUITE_OUTER", OUTER);
    write_tenants(suite);
    post_guardian(suite);
    must_work(suite, "deploy/start");
    must_work(suite, "deploy/casebus seed seeds/demo/*.json >/dev/null");
}

void suite_insure(struct suite *suite, const char *tenant)
{
    assert_true(suite->insurer_count < SUITE_TWINS);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* Ends with the test, also when the test is killed. */
        const char *program = arena_printf(&suite->arena, "%s/bin/casebus-payer", build_folder());
        const char *edges = arena_printf(&suite->arena, "--edges=ipc://%s/run/edge.sock", suite->var);
        const char *of_tenant = arena_printf(&suite->arena, "--tenant=%s", tenant);
        execl(program, program, edges, of_tenant, "--seeds=seeds", "--log-level=warn", (char *)NULL);
        _exit(127);
    }
    suite->insurers[suite->insurer_count++] = pid;
}

void suite_stop(struct suite *suite)
{
    for (size_t i = 0; i < suite->insurer_count; i++) {
        kill(suite->insurers[i], SIGKILL);
        waitpid(suite->insurers[i], NULL, 0);
    }
    close(suite->guard);
    waitpid(suite->guardian, NULL, 0);
    arena_done(&suite->arena);
}

void suite_forget(struct suite *suite)
{
    arena_reset(&suite->arena);
}

/* ---- Running the command line ---- */

static const char *file_of_run(struct suite *suite, unsigned number, const char *what)
{
    return suite_path(suite, "run-%u.%s", number, what);
}

static const char *read_whole(struct suite *suite, const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = arena_alloc(&suite->arena, size + 1);
    text[fread(text, 1, size, file)] = '\0';
    fclose(file);
    return text;
}

static const char *take_whole(struct suite *suite, const char *path)
{
    const char *text = read_whole(suite, path);
    unlink(path);
    return text;
}

static void replace(int fd, const char *path, int flags)
{
    int opened = open(path, flags, 0600);
    if (opened < 0 || dup2(opened, fd) < 0) {
        _exit(127);
    }
}

static _Noreturn void become(struct suite *suite, unsigned number, struct suite_call call)
{
    char program[512];
    const char *words[WORDS_MAX] = {program};
    snprintf(program, sizeof program, "%s/bin/casebus", build_folder());
    for (size_t i = 0; call.words[i] && i + 2 < WORDS_MAX; i++) {
        words[i + 1] = call.words[i];
    }
    setenv("CASEBUS_CONFIG", suite_path(suite, "casebus.conf"), 1);
    for (size_t i = 0; call.env && call.env[i]; i++) {
        putenv((char *)call.env[i]);
    }
    replace(STDIN_FILENO, call.input ? file_of_run(suite, number, "in") : "/dev/null", O_RDONLY);
    replace(STDOUT_FILENO, file_of_run(suite, number, "out"), O_WRONLY | O_CREAT | O_TRUNC);
    replace(STDERR_FILENO, file_of_run(suite, number, "err"), O_WRONLY | O_CREAT | O_TRUNC);
    alarm(RUN_TIMEOUT_S);
    execv(program, (char *const *)words);
    _exit(127);
}

struct running suite_begin(struct suite *suite, struct suite_call call)
{
    struct running running = {.number = ++suite->runs, .started = now_s()};
    if (call.input) {
        FILE *file = fopen(file_of_run(suite, running.number, "in"), "w");
        assert_non_null(file);
        fputs(call.input, file);
        fclose(file);
    }
    running.pid = fork();
    assert_true(running.pid >= 0);
    if (running.pid == 0) {
        become(suite, running.number, call);
    }
    return running;
}

bool suite_is_running(struct running *running)
{
    siginfo_t about = {0};
    return waitid(P_PID, (id_t)running->pid, &about, WEXITED | WNOHANG | WNOWAIT) == 0 && about.si_pid == 0;
}

const char *suite_heard(struct suite *suite, const struct running *running)
{
    return read_whole(suite, file_of_run(suite, running->number, "out"));
}

struct ran suite_end(struct suite *suite, struct running *running)
{
    int status = 0;
    waitpid(running->pid, &status, 0);
    unlink(file_of_run(suite, running->number, "in"));
    return (struct ran){
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .out = take_whole(suite, file_of_run(suite, running->number, "out")),
        .err = take_whole(suite, file_of_run(suite, running->number, "err")),
        .seconds = now_s() - running->started,
    };
}

struct ran suite_call(struct suite *suite, struct suite_call call)
{
    struct running running = suite_begin(suite, call);
    return suite_end(suite, &running);
}

/* ---- Breaking it ---- */

pid_t suite_pid(const struct suite *suite, const char *process)
{
    char path[128];
    int pid = 0;
    snprintf(path, sizeof path, "%s/service/%s/supervise/pid", suite->var, process);
    FILE *file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%d", &pid) != 1) {
            pid = 0;
        }
        fclose(file);
    }
    return pid;
}

static void wait_until_gone(const char *process, pid_t pid)
{
    int64_t until_ms = clock_monotonic_ms() + GONE_MS;
    while (kill(pid, 0) == 0) {
        if (clock_monotonic_ms() > until_ms) {
            fail_msg("%s does not end", process);
        }
        wait_a_step();
    }
}

void suite_kill(const struct suite *suite, const char *process)
{
    pid_t pid = suite_pid(suite, process);
    if (pid > 0 && kill(pid, SIGKILL) == 0) {
        wait_until_gone(process, pid);
    }
}

static void order(const struct suite *suite, const char *what, const char *process)
{
    char command[256];
    snprintf(command, sizeof command, "sv -w 30 %s %s/service/%s >/dev/null", what, suite->var, process);
    if (system(command) != 0) {
        fail_msg("%s failed", command);
    }
}

void suite_down(const struct suite *suite, const char *process)
{
    order(suite, "force-stop", process);
}

void suite_up(const struct suite *suite, const char *process)
{
    order(suite, "start", process);
}

void suite_wait_ready(const struct suite *suite)
{
    (void)suite;
    if (system("deploy/start") != 0) {
        fail_msg("the suite did not get ready again");
    }
}

/* ---- Reading what was said ---- */

const char *said(struct suite *suite, const char *from, const char *name)
{
    const char *key = arena_printf(&suite->arena, "\"%s\":", name);
    const char *at = strstr(from, key);
    if (!at) {
        return NULL;
    }
    at += strlen(key);
    return *at == '"' ? arena_strndup(&suite->arena, at + 1, strcspn(at + 1, "\""))
                      : arena_strndup(&suite->arena, at, strcspn(at, ",}]\n"));
}

size_t times_said(const char *text, const char *part)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
        count++;
    }
    return count;
}
