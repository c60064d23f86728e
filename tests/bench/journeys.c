/* Whole journeys per second, and how much memory every process of the suite holds after them.
 *
 * Many patients are carried at a time by the stages that `casebus journey` runs, each by a process of its own: the two
 * patients of seeds/bundles again and again, each time as another person. A journey that breaks ends the benchmark. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/contract/json.h"
#include "common/core/clock.h"
#include "common/core/entropy.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "proto/scheduling.pb-c.h"
#include "services/cli/journey.h"
#include "tests/bench/figures.h"
#include "tests/bench/suite.h"

enum {
    JOURNEYS = 200, /* of one measurement */
    JOURNEYS_LEAST = 2,
    WORKERS = 4,       /* patients at a time */
    STAFF_COPIES = 24, /* so that nobody waits for a free hour */
    PATIENCE_MS = 60000,
};

static const char *const SERVICES[] = {
    "intake", "planning", "scheduling", "claims", "notifications", "courier", "payer"};
static const char *const BUNDLES[] = {"seeds/bundles/rosa-quintanar.json", "seeds/bundles/harlan-pruitt-osei.json"};

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

/* ---- Who is carried ---- */

/* The same facts, another person: another document, other identifiers, another name. */
static void make_another(struct journey *j, size_t number)
{
    Intake__ReceiveReferral *referral = j->import.referral;
    Intake__PatientFacts *patient = (Intake__PatientFacts *)referral->patient;
    struct arena *arena = &j->cli->arena;
    char random[ID_FRESH_SIZE];
    id_random(random);
    referral->source_document_hash = arena_strdup(arena, random);
    patient->family_name = arena_printf(arena, "%s %zu %s", patient->family_name, number, random + 18);
    for (size_t i = 0; i < patient->n_identifiers; i++) {
        Casebus__Identifier *identifier = (Casebus__Identifier *)patient->identifiers[i];
        identifier->value = arena_printf(arena, "%.90s-%s", identifier->value, random + 10);
    }
}

static void carry(struct suite *suite, size_t number)
{
    struct cli cli;
    struct fhir_reference reference;
    struct why why = {""};
    suite_join(suite, &cli);
    if (importer_reference(&cli, &reference, &why) != FAULT_NONE) {
        give_up("reference data", why.text);
    }
    struct journey j = {.cli = &cli, .path = BUNDLES[number % ARRAY_LENGTH(BUNDLES)], .patience_ms = PATIENCE_MS};
    if (fhir_import_file(j.path, &reference, clock_wall_ms(), &cli.arena, &j.import, &why) != FAULT_NONE) {
        give_up(j.path, why.text);
    }
    make_another(&j, number);
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        enum stage_end end = STAGES[i].run(&j);
        if (end == STAGE_BROKE) {
            give_up(STAGES[i].name, j.told != NULL ? j.told : "broke");
        } else if (end == STAGE_ENDED) {
            break;
        }
    }
    suite_leave(&cli);
}

/* One worker: every WORKERS-th journey. */
static pid_t send_worker(struct suite *suite, size_t first, size_t count)
{
    pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (size_t n = first; n < count; n += WORKERS) {
            carry(suite, n);
        }
        _exit(0);
    }
    return pid;
}

static double carry_many(struct suite *suite, size_t count)
{
    pid_t workers[WORKERS];
    double from = seconds_now();
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = send_worker(suite, i, count);
    }
    bool good = true;
    for (size_t i = 0; i < WORKERS; i++) {
        int status = 0;
        MUST(waitpid(workers[i], &status, 0) == workers[i]);
        good = good && status == 0;
    }
    if (!good) {
        give_up("journeys", "not every one came to its end");
    }
    return (double)count / (seconds_now() - from);
}

/* ---- Who cares for them ---- */

static struct json_object *read_json(const char *path)
{
    struct json_object *tree = json_object_from_file(path);
    if (tree == NULL) {
        give_up(path, json_util_get_last_err());
    }
    return tree;
}

static void send_row(struct cli *cli, struct json_object *row)
{
    const char *subject = json_object_get_string(json_object_object_get(row, "subject"));
    const char *body = json_object_to_json_string(json_object_object_get(row, "body"));
    const struct contract_message *type = contract_find_message(subject);
    struct why why = {""};
    ProtobufCMessage *message = NULL;
    struct answered answered;
    struct asked asked = {.subject = subject, .role = CASEBUS__ROLE__ROLE_ADMINISTRATOR, .actor_id = "bench"};
    if (type == NULL || json_cross(type, body, strlen(body), &cli->arena, &why, &message) != FAULT_NONE) {
        give_up(subject, why.text);
    }
    asked.body = message;
    if (session_ask(cli, &asked, &answered) != FAULT_NONE) {
        give_up(subject, answered.why.text);
    }
}

/* The demo's providers, each many times, so that there is a free hour for everybody; the demo's team with room for all.
 */
static void staff(struct suite *suite)
{
    struct cli cli;
    suite_join(suite, &cli);
    struct json_object *providers = read_json("seeds/demo/providers.json"), *teams = read_json("seeds/demo/teams.json");
    for (size_t i = 0; i < json_object_array_length(providers); i++) {
        struct json_object *row = json_object_array_get_idx(providers, i), *body = json_object_object_get(row, "body");
        struct json_object *id = json_object_object_get(body, "resourceId");
        char *name = id != NULL ? arena_strdup(&cli.arena, json_object_get_string(id)) : NULL;
        for (size_t copy = 0; name != NULL && copy < STAFF_COPIES; copy++) {
            json_object_object_add(
                body, "resourceId", json_object_new_string(arena_printf(&cli.arena, "%s-%zu", name, copy)));
            send_row(&cli, row);
        }
    }
    for (size_t i = 0; i < json_object_array_length(teams); i++) {
        send_row(&cli, json_object_array_get_idx(teams, i));
    }
    json_object_put(providers);
    json_object_put(teams);
    suite_leave(&cli);
}

/* ---- Memory ---- */

/* Proportional set size in KiB: a page that n processes share counts as an n-th for each. */
static double pss_kib(pid_t pid)
{
    char path[64], line[256];
    double kib = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        give_up(path, strerror(errno));
    }
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Pss: %lf kB", &kib) != 1) {
    }
    fclose(file);
    return kib;
}

static void report_memory(const struct suite *suite, size_t journeys)
{
    struct row all = {.bench = "journeys", .unit = "MiB", .bar = 64, .smaller_is_better = true, .fsync = "always"};
    double sum = 0;
    for (size_t i = 0; i < suite->count; i++) {
        struct row one = {.bench = "journeys", .unit = "MiB", .fsync = "always"};
        snprintf(one.name, sizeof one.name, "PSS of %s after %zu journeys", suite->processes[i].name, journeys);
        double mib = pss_kib(suite->processes[i].pid) / 1024;
        row_add(&one, mib, 0);
        row_print(&one);
        sum += mib;
    }
    snprintf(all.name, sizeof all.name, "PSS of the whole suite without redis after %zu journeys", journeys);
    row_add(&all, sum, 0);
    row_print(&all);
}

/* ---- The run ---- */

static bool have_all(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(SERVICES); i++) {
        if (!suite_has(SERVICES[i])) {
            fprintf(
                stderr, "bench: there is no casebus-%s in this build, so no journey comes to its end\n", SERVICES[i]);
            return false;
        }
    }
    return true;
}

int main(void)
{
    struct suite suite;
    struct row rate = {.bench = "journeys", .unit = "/s", .fsync = "always"};
    if (!have_all()) {
        return 1;
    }
    suite_start(&suite, NULL);
    suite_run(&suite, "edge");
    for (size_t i = 0; i < ARRAY_LENGTH(SERVICES); i++) {
        suite_run(&suite, SERVICES[i]);
    }
    suite_wait(&suite);
    staff(&suite);
    size_t count = bench_scaled(JOURNEYS, JOURNEYS_LEAST);
    snprintf(rate.name, sizeof rate.name, "whole journeys, %d patients at a time", WORKERS);
    for (size_t i = 0; i < bench_pairs(); i++) {
        row_add(&rate, carry_many(&suite, count), 0);
    }
    row_print(&rate);
    report_memory(&suite, count * bench_pairs());
    suite_stop(&suite);
    return 0;
}
