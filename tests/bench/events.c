/* From the commit of a command to the commit of the service that reacts to its event, at half of what the suite can do,
 * beside the time from command to reply in the same minute.
 *
 * The command is scheduling.CancelAppointment; planning reacts to AppointmentCancelled. Both commits change the root's
 * key, and the store itself says when, to the microsecond: it tells this program of every changed key (CLIENT TRACKING,
 * broadcast), after the change is on the disk. */
#define _GNU_SOURCE /* ppoll */

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/core/clock.h"
#include "common/core/must.h"
#include "proto/scheduling.pb-c.h"
#include "tests/bench/propose.h"
#include "tests/bench/shape.h"
#include "tests/bench/suite.h"

enum {
    COMMANDS = 4000, /* of one measurement */
    LEAST = 40,
    DEPTH = 64,
    BODY_MAX = 1024,
    REPLY_MS = 20000,
    PREPARE_SCALE = 2, /* the saturation run sends so many times as many */
};

struct case_seen {
    char id[ID_SIZE];
    unsigned times; /* its root changed since the measurement began */
    int64_t committed_us;
};

struct run {
    struct cli *cli;
    redisContext *told, *tracking; /* what the store says; who asked for it */
    struct case_seen *cases;
    size_t count;
    uint64_t first; /* number of the first case: its id ends in its number */
    size_t replied, reacted;
    double *reply_us, *reaction_us;
};

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* ---- What the store says ---- */

static void track(struct run *run, const char *socket)
{
    run->told = redisConnectUnix(socket);
    run->tracking = redisConnectUnix(socket);
    MUST(run->told != NULL && run->tracking != NULL && run->told->err == 0 && run->tracking->err == 0);
    redisReply *id = redisCommand(run->told, "CLIENT ID");
    MUST(id != NULL && id->type == REDIS_REPLY_INTEGER);
    redisReply *subscribed = redisCommand(run->told, "SUBSCRIBE __redis__:invalidate");
    redisReply *on = redisCommand(run->tracking, "CLIENT TRACKING ON REDIRECT %lld BCAST", id->integer);
    if (on == NULL || on->type == REDIS_REPLY_ERROR) {
        give_up("CLIENT TRACKING", on != NULL ? on->str : "no answer");
    }
    freeReplyObject(id);
    freeReplyObject(subscribed);
    freeReplyObject(on);
}

static void untrack(struct run *run)
{
    redisFree(run->told);
    redisFree(run->tracking);
}

/* `{tag}:root:<tenant>:<case id>` of a case of this run; NULL for any other key. */
static struct case_seen *case_of_key(struct run *run, const char *key)
{
    const char *root = strstr(key, "}:root:");
    const char *id = root != NULL ? strrchr(root, ':') : NULL;
    const char *number = id != NULL ? strrchr(id, '-') : NULL;
    uint64_t n = number != NULL ? strtoull(number + 1, NULL, 16) : 0;
    if (n < run->first || n - run->first >= run->count || strcmp(run->cases[n - run->first].id, id + 1) != 0) {
        return NULL;
    }
    return &run->cases[n - run->first];
}

/* The first change is the command's commit, the second the reaction's. */
static void see_key(struct run *run, const char *key, int64_t now_us)
{
    struct case_seen *seen = case_of_key(run, key);
    if (seen == NULL) {
        return;
    }
    seen->times++;
    if (seen->times == 1) {
        seen->committed_us = now_us;
    } else if (seen->times == 2) {
        run->reaction_us[run->reacted++] = (double)(now_us - seen->committed_us);
    }
}

static void hear(struct run *run, int64_t wait_us)
{
    struct pollfd ready = {run->told->fd, POLLIN, 0};
    struct timespec wait = {wait_us / 1000000, wait_us % 1000000 * 1000};
    if (ppoll(&ready, 1, &wait, NULL) <= 0) {
        return;
    }
    int64_t now_us = clock_monotonic_us();
    MUST(redisBufferRead(run->told) == REDIS_OK);
    void *got = NULL;
    while (redisGetReplyFromReader(run->told, &got) == REDIS_OK && got != NULL) {
        const redisReply *reply = got;
        const redisReply *keys = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 ? reply->element[2] : NULL;
        for (size_t i = 0; keys != NULL && keys->type == REDIS_REPLY_ARRAY && i < keys->elements; i++) {
            see_key(run, keys->element[i]->str, now_us);
        }
        freeReplyObject(got);
    }
}

/* ---- Commands ---- */

static void submit(struct run *run, const struct case_seen *of, const char *subject, const uint8_t *body, size_t size)
{
    struct why why = {""};
    struct client_call call = {.subject = subject, .root = of->id, .body = {body, size}, .timeout_ms = REPLY_MS};
    if (client_submit(run->cli->client, &call, false, &why) != FAULT_NONE) {
        give_up(subject, why.text);
    }
}

static void appointment_of(const struct case_seen *of, char out[ID_SIZE + 2])
{
    snprintf(out, ID_SIZE + 2, "%s.a", of->id);
}

static void propose(struct run *run, struct case_seen *of)
{
    Scheduling__ProposeAppointment command;
    char appointment[ID_SIZE + 2];
    uint8_t body[BODY_MAX];
    appointment_of(of, appointment);
    propose_fill(&command, of->id);
    command.appointment_id = appointment;
    submit(run, of, "scheduling.ProposeAppointment", body, scheduling__propose_appointment__pack(&command, body));
}

static void cancel(struct run *run, struct case_seen *of)
{
    Scheduling__CancelAppointment command = SCHEDULING__CANCEL_APPOINTMENT__INIT;
    char appointment[ID_SIZE + 2];
    uint8_t body[BODY_MAX];
    appointment_of(of, appointment);
    command.appointment_id = appointment;
    command.case_id = of->id;
    command.why = "the patient is away";
    submit(run, of, "scheduling.CancelAppointment", body, scheduling__cancel_appointment__pack(&command, body));
}

static bool take_reply(struct run *run, uint32_t wait_ms)
{
    struct client_result result;
    if (!client_poll(run->cli->client, wait_ms, &result)) {
        return false;
    }
    if (result.fault != FAULT_NONE) {
        give_up("scheduling", result.why.text);
    }
    run->reply_us[run->replied++] = (double)result.took_us;
    client_result_done(&result);
    return true;
}

static void prepare(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        propose_case_id(run->cases[i].id);
        propose(run, &run->cases[i]);
        while (client_in_flight(run->cli->client) >= DEPTH) {
            take_reply(run, REPLY_MS);
        }
    }
    while (client_in_flight(run->cli->client) > 0) {
        take_reply(run, REPLY_MS);
    }
    run->first = strtoull(strrchr(run->cases[0].id, '-') + 1, NULL, 16);
}

/* Sends at an even pace, and listens meanwhile, until every case was reacted to. */
static void pace(struct run *run, double per_second)
{
    int64_t began_us = clock_monotonic_us(), until_us = 0;
    run->replied = run->reacted = 0;
    for (size_t sent = 0; run->reacted < run->count || run->replied < run->count;) {
        int64_t now_us = clock_monotonic_us();
        int64_t due_us = began_us + (int64_t)((double)sent * 1e6 / per_second);
        while (sent < run->count && due_us <= now_us && client_in_flight(run->cli->client) < DEPTH * 2) {
            cancel(run, &run->cases[sent++]);
            due_us = began_us + (int64_t)((double)sent * 1e6 / per_second);
            until_us = now_us + REPLY_MS * INT64_C(1000);
        }
        while (client_in_flight(run->cli->client) > 0 && take_reply(run, 0)) {
        }
        hear(run, sent < run->count && due_us - now_us < 200 ? (due_us > now_us ? due_us - now_us : 0) : 200);
        if (sent == run->count && now_us > until_us) {
            give_up("planning", "did not react in time");
        }
    }
}

static void report(struct suite *suite, struct cli *cli)
{
    struct run run = {.cli = cli, .count = bench_scaled(COMMANDS, LEAST)};
    run.cases = calloc(run.count, sizeof *run.cases);
    run.reply_us = calloc(run.count, sizeof *run.reply_us);
    run.reaction_us = calloc(run.count, sizeof *run.reaction_us);
    MUST(run.cases != NULL && run.reply_us != NULL && run.reaction_us != NULL);
    struct row p50 = {.bench = "events", .unit = "us", .limit_is = "p50 of the reply", .fsync = "always"}, p99 = p50;
    struct row rate = {.bench = "events", .unit = "/s", .fsync = "always", .name = "half load: commands per second"};
    snprintf(p50.name, sizeof p50.name, "p50 from commit to the reacting commit, half load");
    snprintf(p99.name, sizeof p99.name, "p99 from commit to the reacting commit, half load");
    p99.limit_is = "p99 of the reply";
    for (size_t pair = 0; pair < bench_pairs(); pair++) {
        struct proposing full = {0};
        propose_many(cli, PREPARE_SCALE * run.count, DEPTH, &full);
        run.replied = 0;
        memset(run.cases, 0, run.count * sizeof *run.cases);
        prepare(&run);
        track(&run, suite->redis.socket);
        pace(&run, full.per_second / 2);
        untrack(&run);
        row_add(&rate, full.per_second / 2, 0);
        row_add(&p50, percentile_of(run.reaction_us, run.count, 50), percentile_of(run.reply_us, run.count, 50));
        row_add(&p99, percentile_of(run.reaction_us, run.count, 99), percentile_of(run.reply_us, run.count, 99));
    }
    row_print(&rate);
    row_print(&p50);
    row_print(&p99);
    free(run.cases);
    free(run.reply_us);
    free(run.reaction_us);
}

int main(void)
{
    struct suite suite;
    struct cli cli;
    suite_start(&suite, NULL);
    suite_run(&suite, "scheduling");
    suite_run(&suite, "planning");
    suite_wait(&suite);
    suite_join(&suite, &cli);
    report(&suite, &cli);
    suite_leave(&cli);
    suite_stop(&suite);
    return 0;
}
