/* Allocations per command in a whole running broker: links, routing, and delivery from the log with all its asking of
 * the store. Counted between a smaller and a larger number of commands, so that start-up and growth to the working size
 * do not count. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/core/must.h"
#include "tests/bench/counts.h"
#include "tests/bench/propose.h"
#include "tests/bench/suite.h"

enum {
    COMMANDS = 10000,
    LEAST = 64,
    DEPTH = 64,
};

static const volatile struct allocations *map_counts(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    MUST(fd >= 0 && ftruncate(fd, sizeof(struct allocations)) == 0);
    const void *at = mmap(NULL, sizeof(struct allocations), PROT_READ, MAP_SHARED, fd, 0);
    MUST(at != MAP_FAILED);
    close(fd);
    return at;
}

int main(int argc, char **argv)
{
    struct suite suite;
    struct cli cli;
    char path[] = "/tmp/casebus-allocations-XXXXXX", library[PATH_MAX];
    MUST(argc == 2 && realpath(argv[1], library) != NULL);
    close(mkstemp(path));
    setenv("BENCH_ALLOCATIONS", path, 1);
    const volatile struct allocations *counts = map_counts(path);
    suite_start(&suite, library);
    unsetenv("BENCH_ALLOCATIONS");
    suite_run(&suite, "scheduling");
    suite_wait(&suite);
    suite_join(&suite, &cli);
    struct row ours = {
        .bench = "allocations", .unit = "allocations", .bar = 2, .smaller_is_better = true, .fsync = "always"};
    struct row zmq = {.bench = "allocations", .unit = "allocations", .fsync = "always"};
    snprintf(
        ours.name, sizeof ours.name, "our allocations in the broker per command and its event, %d in flight", DEPTH);
    snprintf(zmq.name, sizeof zmq.name, "ZeroMQ's allocations in the broker per command, %d in flight", DEPTH);
    size_t commands = bench_scaled(COMMANDS, LEAST);
    struct proposing proposing = {0};
    propose_many(&cli, commands, DEPTH, &proposing);
    for (size_t pair = 0; pair < bench_pairs(); pair++) {
        uint64_t ours_before = counts->ours, zmq_before = counts->zmq;
        propose_many(&cli, commands, DEPTH, &proposing);
        row_add(&ours, (double)(counts->ours - ours_before) / (double)commands, 0);
        row_add(&zmq, (double)(counts->zmq - zmq_before) / (double)commands, 0);
    }
    row_print(&ours);
    row_print(&zmq);
    suite_leave(&cli);
    suite_stop(&suite);
    unlink(path);
    return 0;
}
