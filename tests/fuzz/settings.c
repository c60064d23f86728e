/* Fuzzes settings files and tenants files. Every setting that is taken from a file has passed its check and reads the
 * same when it is given as an argument instead; every tenant has an id and a zone that exists. */
#include <string.h>

#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/zone.h"
#include "common/service/settings.h"
#include "common/service/tenants.h"
#include "tests/fuzz/crossing.h"

static const struct setting *const TABLES[] = {SETTINGS_COMMON, NULL};

static enum settings_outcome load(const char *argument, struct settings **out, struct why *why)
{
    char *argv[] = {(char *)"fuzz", (char *)argument, NULL};
    return settings_load("fuzz", TABLES, false, 2, argv, NULL, out, why);
}

static void must_be_right(const struct settings *settings, struct arena *arena)
{
    for (const struct setting *row = SETTINGS_COMMON; row->name != NULL; row++) {
        const char *value = settings_text(settings, row->name);
        struct settings *given = NULL;
        struct why why = {""};
        MUST(strlen(value) <= SETTING_BYTES_MAX);
        if (strcmp(row->name, "config") == 0 || strcmp(value, row->fallback != NULL ? row->fallback : "") == 0) {
            continue;
        }
        MUST(row->check == NULL || row->check(value, &why));
        MUST(load(arena_printf(arena, "--%s=%s", row->name, value), &given, &why) == SETTINGS_READY);
        MUST(strcmp(settings_text(given, row->name), value) == 0);
        settings_free(&given);
    }
}

static void read_settings(struct input input, struct arena *arena)
{
    const char *path = fuzz_file("settings.conf", 0600, input.at, input.size);
    struct settings *settings = NULL;
    struct why why = {""};
    const char *list[SETTING_LIST_MAX];
    enum settings_outcome outcome = load(arena_printf(arena, "--config=%s", path), &settings, &why);
    MUST(outcome != SETTINGS_HELP && (outcome == SETTINGS_READY) == (settings != NULL));
    if (outcome != SETTINGS_READY) {
        must_say_why(&why);
        return;
    }
    must_be_right(settings, arena);
    MUST(settings_list(settings, "brokers", list) <= SETTING_LIST_MAX);
    settings_free(&settings);
}

static void read_tenants(struct input input)
{
    const char *path = fuzz_file("tenants.conf", 0600, input.at, input.size);
    struct tenants *tenants = NULL;
    struct why why = {""};
    if (tenants_load(path, &tenants, &why) != FAULT_NONE) {
        must_say_why(&why);
        return;
    }
    MUST(tenants_count(tenants) > 0 && tenants_count(tenants) <= TENANTS_MAX);
    for (size_t i = 0; i < tenants_count(tenants); i++) {
        const struct tenant *tenant = tenants_at(tenants, i);
        MUST(id_is_valid(tenant->name) && zone_find(tenant->zone) != NULL);
        MUST(tenants_find(tenants, tenant->name) == tenant);
    }
    tenants_free(&tenants);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct arena *arena = fuzz_arena();
    if (input_byte(&input) % 2 == 0) {
        read_settings(input, arena);
    } else {
        read_tenants(input);
    }
    return 0;
}
