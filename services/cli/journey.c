#include "services/cli/journey.h"

#include <stdio.h>
#include <string.h>

#include "common/core/clock.h"
#include "common/core/slice.h"

enum { LINE_WIDTH = 80, TOLD_COLUMN = 27, PATIENCE_MS = 60000 };

/* One line per stage; what broke is said whole. */
static void print_stage(const struct journey *j, const char *name, enum stage_end end, double seconds)
{
    const struct cli *cli = j->cli;
    printf("  %s%-14s%s %6.2f s  ", say_bold(cli), name, say_plain(cli), seconds);
    if (end == STAGE_BROKE) {
        printf("%sfailed: ", say_red(cli));
        say_wrapped(j->told ? j->told : "", TOLD_COLUMN, LINE_WIDTH);
        fputs(say_plain(cli), stdout);
    } else {
        say_cut(j->told ? j->told : "", LINE_WIDTH - TOLD_COLUMN);
    }
    fflush(stdout);
}

static void print_progress(const struct journey *j, const char *name)
{
    if (j->cli->terminal && !j->cli->options.json) {
        printf("  %-14s ...\r", name);
        fflush(stdout);
    }
}

/* The name without its folder, as a person knows the file. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_json(const struct journey *j, enum stage_end end, double seconds)
{
    printf("{\"file\":\"%s\",\"end\":\"%s\",\"programme\":\"%s\",\"case\":\"%s\",\"seconds\":%.3f,\"complete\":%s}\n",
        base_name(j->path), j->end ? j->end : "", j->programme ? j->programme : "", j->case_id ? j->case_id : "",
        seconds, end == STAGE_BROKE ? "false" : "true");
    fflush(stdout);
}

/* Runs the stages in their order until one ends the journey. */
static enum stage_end run_stages(struct journey *j, bool quiet)
{
    enum stage_end end = STAGE_NEXT;
    for (size_t i = 0; i < STAGE_COUNT && end == STAGE_NEXT; i++) {
        int64_t from_ms = clock_monotonic_ms();
        j->told = NULL;
        if (!quiet) {
            print_progress(j, STAGES[i].name);
        }
        end = STAGES[i].run(j);
        if (!quiet && (j->told || end != STAGE_NEXT)) {
            print_stage(j, STAGES[i].name, end, (double)(clock_monotonic_ms() - from_ms) / 1000);
        }
    }
    return end;
}

static int run_journey(struct cli *cli, const struct fhir_reference *reference, const char *path)
{
    uint32_t patience_ms = cli->options.timeout_ms ? cli->options.timeout_ms : PATIENCE_MS;
    struct journey j = {.cli = cli, .path = path, .patience_ms = patience_ms};
    bool quiet = cli->options.json || cli->word_count > 1;
    int64_t from_ms = clock_monotonic_ms();
    struct why why = {0};
    if (fhir_import_file(path, reference, clock_wall_ms(), &cli->arena, &j.import, &why) != FAULT_NONE) {
        return say_wrong(EXIT_USAGE, "%s: %s", path, why.text);
    }
    if (!quiet) {
        printf("%s%s%s\n", say_bold(cli), base_name(path), say_plain(cli));
    }
    enum stage_end end = run_stages(&j, quiet);
    double seconds = (double)(clock_monotonic_ms() - from_ms) / 1000;
    if (cli->options.json) {
        print_json(&j, end, seconds);
    } else if (quiet) {
        printf("%-13s %-15s %6.2f s  %s%s%s\n", end == STAGE_BROKE ? "FAILED" : j.end, j.programme ? j.programme : "",
            seconds, base_name(path), end == STAGE_BROKE ? ": " : "", end == STAGE_BROKE ? j.told : "");
        fflush(stdout);
    } else if (end != STAGE_BROKE) {
        printf("  end: %s%s%s in %.2f s%s%s\n", j.end, j.programme ? ", " : "", j.programme ? j.programme : "", seconds,
            j.case_id ? "; case " : "", j.case_id ? j.case_id : "");
    }
    return end == STAGE_BROKE ? j.exit_status : EXIT_DONE;
}

int word_journey(struct cli *cli)
{
    if (cli->word_count == 0) {
        return say_wrong(EXIT_USAGE, "usage: casebus journey FILE...");
    }
    struct why why = {0};
    struct fhir_reference reference;
    if (importer_reference(cli, &reference, &why) != FAULT_NONE) {
        return say_wrong(EXIT_USAGE, "%s", why.text);
    }
    int status = session_open(cli);
    if (status != EXIT_DONE) {
        return status;
    }
    if (!session_is_synthetic(cli)) {
        return say_wrong(EXIT_REFUSED, "a journey gives simulated answers; tenant %s is not marked synthetic in %s",
            cli->tenant, settings_text(cli->settings, "tenants"));
    }
    int worst = EXIT_DONE;
    for (size_t i = 0; i < cli->word_count; i++) {
        status = run_journey(cli, &reference, cli->words[i]);
        worst = status > worst ? status : worst;
    }
    return worst;
}
