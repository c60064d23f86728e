/* casebus import fhir FILE...: what the bundles say, as the referrals they would make. Sends nothing. */
#include <stdio.h>
#include <string.h>

#include "common/contract/json.h"
#include "common/core/clock.h"
#include "services/cli/cli.h"
#include "services/cli/fhir.h"

static void print_tally(const char *path, const struct fhir_import *import)
{
    const struct fhir_tally *t = &import->tally;
    if (import->kind == FHIR_DIRECTORY) {
        printf("%s: directory of %zu practitioners, %zu organizations, %zu places\n", path, t->practitioners,
            t->organizations, t->places);
        return;
    }
    printf("%s: %zu entries, %zu used, %zu ignored; %zu conditions, %zu active, %zu unmapped;\n"
           "  %zu inpatient and %zu emergency encounters, %zu observations kept; %zu references lead out\n",
        path, t->entries, t->used, t->ignored, t->conditions, t->active, t->unmapped, t->inpatient, t->emergency,
        t->observations, t->unresolved);
    for (size_t i = 0; i < import->n_odd; i++) {
        printf("  left out: %s\n", import->odd[i]);
    }
    if (import->n_odd_more > 0) {
        printf("  and %zu more\n", import->n_odd_more);
    }
}

static int import_file(struct cli *cli, const struct fhir_reference *reference, const char *path)
{
    struct why why = {0};
    struct fhir_import import;
    if (fhir_import_file(path, reference, clock_wall_ms(), &cli->arena, &import, &why) != FAULT_NONE) {
        return say_wrong(EXIT_USAGE, "%s: %s", path, why.text);
    }
    if (cli->options.json) {
        puts(import.referral ? json_write(&import.referral->base, JSON_LINE, &cli->arena) : "{}");
    } else {
        print_tally(path, &import);
    }
    return EXIT_DONE;
}

int word_import(struct cli *cli)
{
    if (cli->word_count < 2 || strcmp(cli->words[0], "fhir") != 0) {
        return say_wrong(EXIT_USAGE, "usage: casebus import fhir FILE...");
    }
    struct why why = {0};
    struct fhir_reference reference;
    if (importer_reference(cli, &reference, &why) != FAULT_NONE) {
        return say_wrong(EXIT_USAGE, "%s", why.text);
    }
    int worst = EXIT_DONE;
    for (size_t i = 1; i < cli->word_count; i++) {
        int status = import_file(cli, &reference, cli->words[i]);
        worst = status > worst ? status : worst;
    }
    return worst;
}
