/* The tenants of this installation: the setting `tenants` names a file with one section each.
 *
 *     [demo]
 *     zone = America/New_York
 *     synthetic = yes
 *
 * Commands of simulated persons are refused in a tenant that is not synthetic. */
#ifndef CASEBUS_SERVICE_TENANTS_H
#define CASEBUS_SERVICE_TENANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/core/fault.h"

#define TENANTS_MAX 128

struct tenant {
    const char *name;
    const char *zone; /* IANA */
    bool synthetic;
};

struct tenants;

/* UNAVAILABLE when the file cannot be read; INVALID, with the place, when a name, zone or word in it is not right, or
 * it names none. */
enum fault tenants_load(const char *path, struct tenants **out, struct why *why);
void tenants_free(struct tenants **tenants);

const struct tenant *tenants_find(const struct tenants *tenants, const char *name); /* NULL: none of that name */
size_t tenants_count(const struct tenants *tenants);
const struct tenant *tenants_at(const struct tenants *tenants, size_t i);

#endif
