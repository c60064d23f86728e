#include "tests/bench/propose.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/core/clock.h"
#include "common/core/id.h"

#include "tests/bench/shape.h"

enum {
    BODY_MAX = 2048,
    POLL_MS = 20000,
};

static uint64_t MADE; /* cases so far; with the process id they are new in every store */

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

void propose_case_id(char out[static ID_SIZE])
{
    MADE++;
    snprintf(
        out, ID_SIZE, "%03x-bench%d-%012llx", (unsigned)(MADE % PARTITIONS), (int)getpid(), (unsigned long long)MADE);
}

void propose_fill(Scheduling__ProposeAppointment *command, const char *case_id)
{
    scheduling__propose_appointment__init(command);
    command->case_id = case_id;
    command->has_kind = 1;
    command->kind = PLANNING__APPOINTMENT_KIND__APPOINTMENT_KIND_HOME_VISIT;
    command->title = "follow-up visit with the heart failure clinic after discharge";
    command->specialty = "cardiology";
    command->has_minutes = 1;
    command->minutes = 30;
    command->has_due_at_ms = 1;
    command->due_at_ms = clock_wall_ms() + 7 * 24 * 3600 * INT64_C(1000);
}

/* ---- Through the bus ---- */

void propose_one(struct cli *cli)
{
    Scheduling__ProposeAppointment command;
    char case_id[ID_SIZE];
    uint8_t body[BODY_MAX];
    struct why why = {""};
    propose_case_id(case_id);
    propose_fill(&command, case_id);
    struct client_call call = {.subject = "scheduling.ProposeAppointment",
        .root = case_id,
        .body = {body, scheduling__propose_appointment__pack(&command, body)},
        .timeout_ms = POLL_MS};
    if (client_submit(cli->client, &call, false, &why) != FAULT_NONE) {
        give_up(call.subject, why.text);
    }
}

double propose_reply_us(struct cli *cli)
{
    struct client_result result;
    if (!client_poll(cli->client, POLL_MS, &result)) {
        give_up("scheduling.ProposeAppointment", "no reply in time");
    }
    if (result.fault != FAULT_NONE) {
        give_up("scheduling.ProposeAppointment", result.why.text);
    }
    double took_us = (double)result.took_us;
    client_result_done(&result);
    return took_us;
}

void propose_many(struct cli *cli, size_t count, size_t depth, struct proposing *out)
{
    double from = seconds_now();
    size_t sent = 0;
    for (size_t done = 0; done < count; done++) {
        while (sent < count && sent - done < depth) {
            propose_one(cli);
            sent++;
        }
        double took_us = propose_reply_us(cli);
        if (out->took_us != NULL) {
            out->took_us[done] = took_us;
        }
    }
    out->per_second = (double)count / (seconds_now() - from);
}
