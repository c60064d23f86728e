/* casebus status: the whole on one screen. */
#include <inttypes.h>
#include <stdio.h>

#include "common/contract/json.h"
#include "proto/broker.pb-c.h"
#include "services/cli/cli.h"

static double seconds_since(int64_t at_ms, int64_t now_ms)
{
    return at_ms ? (double)(now_ms - at_ms) / 1000 : 0;
}

static void print_instances(const struct cli *cli, const Broker__Status *status)
{
    printf("\n%s%-14s %-28s %-9s %9s %10s%s\n", say_bold(cli), "service", "instance", "state", "in flight", "handled",
        say_plain(cli));
    for (size_t i = 0; i < status->n_instances; i++) {
        const Broker__InstanceStatus *one = status->instances[i];
        printf("%-14s %-28.28s %-9s %9" PRIu32 " %10" PRIu64 "\n",
            one->service && one->service[0] ? one->service : one->kind, one->instance, one->state, one->in_flight,
            one->handled);
    }
}

static void print_groups(const struct cli *cli, const Broker__Status *status)
{
    if (status->n_groups > 0) {
        printf("\n%s%-14s %8s %14s %9s %8s %6s%s\n", say_bold(cli), "events to", "waiting", "oldest", "in flight",
            "parked", "dead", say_plain(cli));
    }
    for (size_t i = 0; i < status->n_groups; i++) {
        const Broker__GroupStatus *one = status->groups[i];
        printf("%-14s %8" PRIu64 " %12.1f s %9" PRIu32 " %s%8" PRIu32 " %6" PRIu32 "%s\n", one->group, one->lag,
            seconds_since(one->oldest_unhandled_at_ms, status->now_ms), one->in_flight,
            one->parked + one->dead ? say_red(cli) : "", one->parked, one->dead, say_plain(cli));
    }
}

static void print_lanes(const struct cli *cli, const Broker__Status *status)
{
    if (status->n_lanes > 0) {
        printf(
            "\n%s%-40s %8s %9s %12s%s\n", say_bold(cli), "tasks to", "waiting", "in flight", "oldest", say_plain(cli));
    }
    for (size_t i = 0; i < status->n_lanes; i++) {
        const Broker__LaneStatus *one = status->lanes[i];
        printf("%-40.40s %8" PRIu32 " %9" PRIu32 " %10.1f s\n", one->lane, one->waiting, one->in_flight,
            seconds_since(one->oldest_at_ms, status->now_ms));
    }
}

int word_status(struct cli *cli)
{
    int status = session_open(cli);
    if (status != EXIT_DONE) {
        return status;
    }
    Broker__ReadStatus question = BROKER__READ_STATUS__INIT;
    struct asked asked = {.subject = "broker.ReadStatus", .body = &question.base, .role = CASEBUS__ROLE__ROLE_OPERATOR};
    struct answered answered;
    if (session_ask(cli, &asked, &answered) != FAULT_NONE || !answered.reply) {
        return say_fault(cli, "status", &answered);
    }
    const Broker__Status *seen = (const Broker__Status *)answered.reply;
    if (cli->options.json) {
        puts(json_write(&seen->base, JSON_LINE, &cli->arena));
        return EXIT_DONE;
    }
    printf("broker %s %s, store %s%s%s%s, %" PRIu32 " of 256 partitions, %" PRIu64 " commands, %" PRIu64
           " events, %" PRIu32 " queued\n",
        seen->broker, seen->version ? seen->version : "", seen->store_ready ? say_green(cli) : say_red(cli),
        seen->store_ready ? "ready"
        : seen->store_why ? seen->store_why
                          : "not ready",
        say_plain(cli), "", seen->leases, seen->commands, seen->events, seen->queued);
    if (seen->frames_dropped > 0) {
        printf("%s%" PRIu64 " frames dropped: they were none of ours%s\n", say_red(cli), seen->frames_dropped,
            say_plain(cli));
    }
    print_instances(cli, seen);
    print_groups(cli, seen);
    print_lanes(cli, seen);
    return EXIT_DONE;
}
