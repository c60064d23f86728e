#define _GNU_SOURCE /* nftw */

#include "tests/support/redis_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORDS_MAX = 64,
    START_MS = 20000,
    STEP_MS = 5,
};

static void give_up(const char *sentence)
{
    fprintf(stderr, "redis fixture: %s\n", sentence);
    exit(1);
}

static void run(const struct redis_fixture *fixture, const char *const *extra)
{
    const char *words[WORDS_MAX] = {"redis-server", "--port", "0", "--unixsocket", fixture->socket, "--dir",
        fixture->dir, "--appendonly", "yes", "--appendfsync", "always", "--maxmemory", "1gb", "--maxmemory-policy",
        "noeviction", "--save", "", "--auto-aof-rewrite-percentage", "0", "--logfile", "redis.log", "--daemonize",
        "no"};
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    for (size_t i = 0; extra != NULL && extra[i] != NULL && count + 1 < WORDS_MAX; i++) {
        words[count++] = extra[i];
    }
    /* Ends with the test even when the test is killed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp("redis-server", (char *const *)words);
    _exit(127);
}

/* A socket that takes a connection and answers PING with PONG, not LOADING. */
static bool answers(const struct redis_fixture *fixture)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char answer[16] = {0};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", fixture->socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && write(fd, "PING\r\n", 6) == 6 &&
                read(fd, answer, sizeof answer - 1) > 0 && strncmp(answer, "+PONG", 5) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

static void wait_until_it_answers(struct redis_fixture *fixture)
{
    for (int waited = 0; waited < START_MS; waited += STEP_MS) {
        if (answers(fixture)) {
            return;
        }
        if (waitpid(fixture->pid, NULL, WNOHANG) == fixture->pid) {
            fixture->pid = 0;
            give_up("redis-server ended at once: is it installed, are its settings right?");
        }
        nanosleep(&(struct timespec){0, STEP_MS * 1000000L}, NULL);
    }
    give_up("redis-server does not answer");
}

void redis_fixture_restart(struct redis_fixture *fixture, const char *const *extra)
{
    unlink(fixture->socket); /* a killed one leaves it behind */
    fixture->pid = fork();
    if (fixture->pid < 0) {
        give_up("could not fork");
    }
    if (fixture->pid == 0) {
        run(fixture, extra);
    }
    wait_until_it_answers(fixture);
}

void redis_fixture_start(struct redis_fixture *fixture, const char *const *extra)
{
    *fixture = (struct redis_fixture){0};
    snprintf(fixture->dir, sizeof fixture->dir, "/tmp/casebus-redis-XXXXXX");
    if (mkdtemp(fixture->dir) == NULL) {
        give_up("could not make a folder in /tmp");
    }
    snprintf(fixture->socket, sizeof fixture->socket, "%s/redis.sock", fixture->dir);
    snprintf(fixture->address, sizeof fixture->address, "unix:%.70s", fixture->socket);
    redis_fixture_restart(fixture, extra);
}

void redis_fixture_kill(struct redis_fixture *fixture)
{
    if (fixture->pid > 0) {
        kill(fixture->pid, SIGKILL);
        waitpid(fixture->pid, NULL, 0);
        fixture->pid = 0;
    }
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    return remove(path);
}

void redis_fixture_stop(struct redis_fixture *fixture)
{
    redis_fixture_kill(fixture);
    if (fixture->dir[0] != '\0') {
        nftw(fixture->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    }
    fixture->dir[0] = '\0';
}
