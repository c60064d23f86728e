/* casebus keys init: makes what is missing of the root file, the tenants' keys, and the pair that signs for persons.
 * casebus keys lanes DIR: gives the edge the lane keys of every insurer of the seeds, which is all that an edge may hold. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/service/reference.h"
#include "proto/insurers.pb-c.h"
#include "services/cli/cli.h"

static int make_tenant_keys(struct cli *cli)
{
    struct why why = {0};
    if (tenants_load(settings_text(cli->settings, "tenants"), &cli->tenants, &why) != FAULT_NONE) {
        return say_wrong(EXIT_UNAVAILABLE, "%s", why.text);
    }
    const char *names[TENANTS_MAX];
    size_t count = tenants_count(cli->tenants);
    for (size_t i = 0; i < count; i++) {
        names[i] = tenants_at(cli->tenants, i)->name;
    }
    if (keys_open(settings_text(cli->settings, "keys"), names, count, &cli->keys, &why) != FAULT_NONE) {
        return say_wrong(EXIT_UNAVAILABLE, "%s", why.text);
    }
    return EXIT_DONE;
}

static int make_actor_keys(struct cli *cli)
{
    const char *secret = settings_text(cli->settings, "actor-secret");
    const char *trusted[SETTING_LIST_MAX];
    if (access(secret, F_OK) == 0) {
        return EXIT_DONE;
    }
    if (settings_list(cli->settings, "actor-keys", trusted) == 0) {
        return say_wrong(EXIT_USAGE, "the setting actor-keys names no file for the public key");
    }
    struct why why = {0};
    if (actor_key_make(secret, trusted[0], &why) != FAULT_NONE) {
        return say_wrong(EXIT_UNAVAILABLE, "%s", why.text);
    }
    return EXIT_DONE;
}

static const struct reference_file PAYERS[] = {{&insurers__payers__descriptor, "reference/payers.json"}, {0}};

static enum fault export_lane(struct cli *cli, const char *dir, const char *tenant, const char *payer, struct why *why)
{
    return keys_export_lane(
        cli->keys, tenant, payer, arena_printf(&cli->arena, "%s/%s.%s.lane", dir, tenant, payer), why);
}

static enum fault export_payers(struct cli *cli, const char *dir, const Insurers__Payers *book, struct why *why)
{
    enum fault fault = FAULT_NONE;
    for (size_t t = 0; t < tenants_count(cli->tenants) && fault == FAULT_NONE; t++) {
        for (size_t i = 0; i < book->n_payers && fault == FAULT_NONE; i++) {
            fault = export_lane(cli, dir, tenants_at(cli->tenants, t)->name, book->payers[i]->payer_id, why);
        }
    }
    return fault;
}

static int export_lanes(struct cli *cli, const char *dir)
{
    struct why why = {0};
    struct reference *reference = NULL;
    enum fault fault = reference_load(PAYERS, settings_text(cli->settings, "seeds"), &reference, &why);
    if (fault == FAULT_NONE) {
        struct decision view = {.reference = reference};
        size_t cursor = 0;
        fault = export_payers(cli, dir, reference_each(&view, &insurers__payers__descriptor, &cursor), &why);
    }
    reference_free(&reference);
    return fault == FAULT_NONE ? EXIT_DONE : say_wrong(EXIT_UNAVAILABLE, "%s", why.text);
}

int word_keys(struct cli *cli)
{
    bool init = cli->word_count == 1 && strcmp(cli->words[0], "init") == 0;
    bool lanes = cli->word_count == 2 && strcmp(cli->words[0], "lanes") == 0;
    if (!init && !lanes) {
        return say_wrong(EXIT_USAGE, "usage: casebus keys init | lanes DIR");
    }
    int status = make_tenant_keys(cli);
    if (status != EXIT_DONE) {
        return status;
    }
    return init ? make_actor_keys(cli) : export_lanes(cli, cli->words[1]);
}
