/* Durable commands through client, broker, service, commit and reply, beside the same commit called by a bare pipelined
 * client at the same depth. Both stores write to the disk before they answer (appendfsync always). A second row says
 * where the time of a command goes: CPU per command of each process. */
#include <stdio.h>
#include <string.h>

#include "tests/bench/bare.h"
#include "tests/bench/propose.h"
#include "tests/bench/suite.h"

enum {
    COMMANDS = 10000, /* of one measurement */
    LEAST = 64,
    PROCESSES = 4,
};

static const size_t DEPTHS[] = {16, 64, 256};

/* The processes that a command passes, in its order. */
static const char *const PROCESS_NAMES[PROCESSES] = {"client", "broker", "scheduling", "redis"};

static void read_cpu(const struct suite *suite, double out[PROCESSES])
{
    out[0] = own_cpu_seconds();
    out[1] = process_cpu_seconds(suite_pid(suite, "broker"));
    out[2] = process_cpu_seconds(suite_pid(suite, "scheduling"));
    out[3] = process_cpu_seconds(suite->redis.pid);
}

static void measure(struct suite *suite, struct cli *cli, const struct redis_fixture *other, size_t depth)
{
    char keys[128];
    size_t count = bench_scaled(COMMANDS, LEAST);
    struct row rate = {.bench = "commands",
        .unit = "/s",
        .limit_is = "bare pipelined commit",
        .bar = depth >= 64 ? 0.7 : 0,
        .fsync = "always"};
    struct row cpu[PROCESSES], bare_redis = {.bench = "commands", .unit = "us", .fsync = "always"};
    snprintf(rate.name, sizeof rate.name, "durable commands, %zu in flight", depth);
    snprintf(bare_redis.name, sizeof bare_redis.name, "CPU of redis per bare commit, %zu in flight", depth);
    for (size_t i = 0; i < PROCESSES; i++) {
        cpu[i] = (struct row){.bench = "commands", .unit = "us", .fsync = "always"};
        snprintf(cpu[i].name, sizeof cpu[i].name, "CPU of %s per command, %zu in flight", PROCESS_NAMES[i], depth);
    }
    snprintf(keys, sizeof keys, "%s/keys", suite->dir);
    struct bare *bare = bare_new(other->address, keys, depth);
    for (size_t pair = 0; pair < bench_pairs(); pair++) {
        double before[PROCESSES], after[PROCESSES], redis = process_cpu_seconds(other->pid);
        double limit = bare_run(bare, count);
        row_add(&bare_redis, (process_cpu_seconds(other->pid) - redis) / (double)count * 1e6, 0);
        struct proposing proposing = {0};
        read_cpu(suite, before);
        propose_many(cli, count, depth, &proposing);
        read_cpu(suite, after);
        row_add(&rate, proposing.per_second, limit);
        for (size_t i = 0; i < PROCESSES; i++) {
            row_add(&cpu[i], (after[i] - before[i]) / (double)count * 1e6, 0);
        }
    }
    bare_free(&bare);
    row_print(&rate);
    row_print(&bare_redis);
    for (size_t i = 0; i < PROCESSES; i++) {
        row_print(&cpu[i]);
    }
}

int main(void)
{
    struct suite suite;
    struct redis_fixture other;
    struct cli cli;
    suite_start(&suite, NULL);
    suite_run(&suite, "scheduling");
    suite_wait(&suite);
    redis_fixture_start(&other, NULL);
    suite_join(&suite, &cli);
    for (size_t i = 0; i < sizeof DEPTHS / sizeof DEPTHS[0]; i++) {
        measure(&suite, &cli, &other, DEPTHS[i]);
    }
    suite_leave(&cli);
    redis_fixture_stop(&other);
    suite_stop(&suite);
    return 0;
}
