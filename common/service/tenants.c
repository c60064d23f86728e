#include "common/service/tenants.h"

#include "common/core/arena.h"
#include "common/core/id.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/core/zone.h"

#include <ini.h>
#include <stdlib.h>

struct tenants {
    struct arena arena;
    struct tenant rows[TENANTS_MAX];
    size_t count;
};

struct file {
    struct tenants *tenants;
    const char *path;
    struct why *why;
    bool wrong;
};

static struct tenant *require_tenant(struct file *file, const char *name)
{
    struct tenants *tenants = file->tenants;
    for (size_t i = 0; i < tenants->count; i++) {
        if (str_same(tenants->rows[i].name, name)) {
            return &tenants->rows[i];
        }
    }
    if (tenants->count == TENANTS_MAX || !id_is_valid(name)) {
        why_set(file->why, "%s: \"%s\" cannot be a tenant", file->path, name);
        file->wrong = true;
        return NULL;
    }
    tenants->rows[tenants->count] = (struct tenant){.name = arena_strdup(&tenants->arena, name), .zone = "Etc/UTC"};
    return &tenants->rows[tenants->count++];
}

static bool put(struct file *file, struct tenant *tenant, const char *name, const char *value)
{
    if (str_same(name, "zone")) {
        tenant->zone = arena_strdup(&file->tenants->arena, value);
        return zone_find(value) != NULL;
    }
    if (str_same(name, "synthetic")) {
        tenant->synthetic = str_same(value, "yes");
        return tenant->synthetic || str_same(value, "no");
    }
    return false;
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
    struct file *file = user;
    if (file->wrong) {
        return 1;
    }
    struct tenant *tenant = require_tenant(file, section);
    if (tenant != NULL && !put(file, tenant, name, value)) {
        why_set(file->why, "%s: tenant %s: \"%s = %s\" is not understood", file->path, section, name, value);
        file->wrong = true;
    }
    return 1;
}

static enum fault read_file(struct tenants *tenants, const char *path, struct why *why)
{
    struct file file = {tenants, path, why, false};
    int line = ini_parse(path, on_line, &file);
    if (line < 0) {
        why_set(why, "could not read the tenants file %s", path);
        return FAULT_UNAVAILABLE;
    }
    if (!file.wrong && (line > 0 || tenants->count == 0)) {
        why_set(why, line > 0 ? "%s: line %d is not understood" : "%s names no tenant", path, line);
        return FAULT_INVALID;
    }
    return file.wrong ? FAULT_INVALID : FAULT_NONE;
}

enum fault tenants_load(const char *path, struct tenants **out, struct why *why)
{
    struct tenants *tenants = calloc(1, sizeof *tenants);
    MUST(tenants != NULL);
    arena_init(&tenants->arena, 0);
    enum fault fault = read_file(tenants, path, why);
    if (fault == FAULT_NONE) {
        *out = tenants;
    } else {
        tenants_free(&tenants);
    }
    return fault;
}

void tenants_free(struct tenants **tenants)
{
    if (*tenants != NULL) {
        arena_done(&(*tenants)->arena);
        free(*tenants);
        *tenants = NULL;
    }
}

const struct tenant *tenants_find(const struct tenants *tenants, const char *name)
{
    for (size_t i = 0; name != NULL && i < tenants->count; i++) {
        if (str_same(tenants->rows[i].name, name)) {
            return &tenants->rows[i];
        }
    }
    return NULL;
}

size_t tenants_count(const struct tenants *tenants)
{
    return tenants->count;
}

const struct tenant *tenants_at(const struct tenants *tenants, size_t i)
{
    MUST(i < tenants->count);
    return &tenants->rows[i];
}
