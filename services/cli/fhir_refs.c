#include "services/cli/fhir_refs.h"

#include "common/core/slice.h"
#include "services/cli/fhir.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 8 /* identifiers of one resource by which it may be referred to */

const char *resource_type(struct json_object *resource)
{
    struct json_object *type = NULL;
    if (!json_object_is_type(resource, json_type_object) ||
        !json_object_object_get_ex(resource, "resourceType", &type) || !json_object_is_type(type, json_type_string)) {
        return "";
    }
    return json_object_get_string(type);
}

static int compare_refs(const void *a, const void *b)
{
    const struct ref *one = a, *other = b;
    int by_name = strcmp(one->name, other->name);
    return by_name != 0 ? by_name : (one->entry > other->entry) - (one->entry < other->entry);
}

static void add_ref(struct refs *refs, const char *name, struct json_object *resource, size_t entry, bool unique)
{
    refs->refs[refs->count++] = (struct ref){name, resource, entry, unique};
}

static void add_identifiers(struct refs *refs, struct reader *r, const struct node *resource, size_t entry)
{
    const char *type = resource_type(resource->json);
    struct node list = node_get(r, resource, "identifier");
    if (!json_object_is_type(list.json, json_type_array)) {
        return; /* a single identifier, as some resources have: nobody is referred to by it */
    }
    size_t count = node_count(r, &list);
    for (size_t i = 0; i < count && i < NAMES_MAX; i++) {
        struct node item = node_item(r, &list, i);
        const char *system = node_text_of(r, &item, "system"), *value = node_text_of(r, &item, "value");
        if (value != NULL) {
            add_ref(refs, arena_printf(r->scratch, "%s?identifier=%s|%s", type, system == NULL ? "" : system, value),
                resource->json, entry, false);
        }
    }
}

static void refuse_doubles(const struct refs *refs, struct reader *r, const struct node *entries)
{
    for (size_t i = 1; i < refs->count; i++) {
        const struct ref *one = &refs->refs[i - 1], *other = &refs->refs[i];
        if (one->unique && other->unique && strcmp(one->name, other->name) == 0) {
            struct node entry = node_item(r, entries, other->entry);
            struct node url = node_get(r, &entry, "fullUrl");
            node_refuse(r, &url, "is also that of entry[%zu]", one->entry);
            return;
        }
    }
}

void refs_init(struct refs *refs, struct reader *r, const struct node *entries)
{
    size_t count = node_count(r, entries);
    *refs = (struct refs){.refs = ARENA_ARRAY(r->scratch, struct ref, count * (NAMES_MAX + 2))};
    for (size_t i = 0; i < count && !r->refused; i++) {
        struct node entry = node_item(r, entries, i);
        struct node resource = node_get(r, &entry, "resource");
        if (!node_is_there(&resource)) {
            continue;
        }
        const char *url = node_text_of(r, &entry, "fullUrl"), *id = node_text_of(r, &resource, "id");
        if (url != NULL) {
            add_ref(refs, url, resource.json, i, true);
        }
        if (id != NULL) {
            add_ref(refs, arena_printf(r->scratch, "%s/%s", resource_type(resource.json), id), resource.json, i, false);
        }
        add_identifiers(refs, r, &resource, i);
    }
    if (r->refused) {
        return;
    }
    qsort(refs->refs, refs->count, sizeof(struct ref), compare_refs);
    refuse_doubles(refs, r, entries);
}

static struct json_object *find(const struct refs *refs, const char *name)
{
    size_t low = 0, high = refs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(refs->refs[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < refs->count && strcmp(refs->refs[low].name, name) == 0;
    return found ? refs->refs[low].resource : NULL;
}

/* `https://server/fhir/Patient/7/_history/2` -> `Patient/7`; NULL when there is no such tail. */
static const char *tail_of(struct reader *r, const char *reference)
{
    const char *history = strstr(reference, "/_history/");
    const char *whole =
        history == NULL ? reference : arena_strndup(r->scratch, reference, (size_t)(history - reference));
    const char *id = strrchr(whole, '/');
    if (id == NULL) {
        return NULL;
    }
    const char *type = id;
    while (type > whole && type[-1] != '/') {
        type--;
    }
    return type;
}

static struct json_object *find_contained(struct reader *r, const struct node *resource, const char *id)
{
    struct node list = node_get(r, resource, "contained");
    size_t count = node_count(r, &list);
    for (size_t i = 0; i < count; i++) {
        struct node item = node_item(r, &list, i);
        if (str_same(node_text_of(r, &item, "id"), id)) {
            return item.json;
        }
    }
    return NULL;
}

struct json_object *refs_follow(
    const struct refs *refs, struct reader *r, const struct node *resource, const struct node *node)
{
    const char *reference = node_text_of(r, node, "reference");
    if (reference == NULL) {
        return NULL;
    }
    struct json_object *found;
    if (reference[0] == '#') {
        found = find_contained(r, resource, reference + 1);
    } else {
        found = find(refs, reference);
        const char *tail = found == NULL && strchr(reference, '?') == NULL ? tail_of(r, reference) : NULL;
        if (tail != NULL) {
            found = find(refs, tail);
        }
    }
    r->out->tally.unresolved += found == NULL;
    return found;
}
