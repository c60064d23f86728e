/* casebus keys init: makes what is missing of the root file, the tenants' keys, and the pair that signs for persons. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

int word_keys(struct cli *cli)
{
    if (cli->word_count != 1 || strcmp(cli->words[0], "init") != 0) {
        return say_wrong(EXIT_USAGE, "usage: casebus keys init");
    }
    int status = make_tenant_keys(cli);
    return status == EXIT_DONE ? make_actor_keys(cli) : status;
}
