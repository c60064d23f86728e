/* Who is who in a bundle: every way in which one resource may speak of another, sorted, so that a reference costs a
 * binary search whatever its form. */
#ifndef CLI_FHIR_REFS_H
#define CLI_FHIR_REFS_H

#include "services/cli/fhir_read.h"

struct ref {
    const char *name; /* fullUrl, Type/id, or Type?identifier=system|value */
    struct json_object *resource;
    size_t entry;
    bool unique; /* a fullUrl: two entries may not share it */
};

struct refs {
    struct ref *refs; /* sorted by name, entry */
    size_t count;
};

/* Reads the names of all entries. Refuses two resources of one fullUrl. */
void refs_init(struct refs *refs, struct reader *r, const struct node *entries);

/* Follows `node`, a Reference, from within `resource`. NULL when it is absent, has no `reference`, or leads out of the
 * bundle; the last is counted. */
struct json_object *refs_follow(
    const struct refs *refs, struct reader *r, const struct node *resource, const struct node *node);

/* The resourceType of a resource, or "". */
const char *resource_type(struct json_object *resource);

#endif
