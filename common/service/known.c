/* What a decision knows: aggregates and index pages that it asked for, and what was loaded of them. */
#include "common/service/decide.h"

#include "common/contract/guard.h"
#include "common/core/must.h"
#include "common/core/slice.h"

struct known *decide_known(struct decision *d, const char *service, const char *kind, const char *root, const char *key)
{
    for (size_t i = 0; i < d->known_count; i++) {
        struct known *known = &d->known[i];
        if (str_same(known->key, key) && str_same(known->kind, kind) && str_same(known->service, service) &&
            str_same(known->root, root)) {
            return known;
        }
    }
    const struct contract_aggregate *row = contract_aggregate(service, kind);
    MUST(row != NULL);
    if (d->known_count == DECISION_AGGREGATES_MAX) {
        d->too_much = true;
        return NULL;
    }
    struct known *known = &d->known[d->known_count++];
    *known = (struct known){
        .service = row->service,
        .kind = row->kind,
        .root = arena_strdup(d->arena, root),
        .key = arena_strdup(d->arena, key),
        .row = row,
    };
    return known;
}

static enum fault unpack(struct decision *d, struct known *known)
{
    ProtobufCMessage *state = NULL;
    struct why why = {0};
    enum fault fault = contract_unpack(
        known->row->message->descriptor, known->body, known->body_size, &CROSSING_STATE, d->arena, &why, &state);
    if (fault != FAULT_NONE) {
        why_set(&d->why, "the stored %s %s cannot be read: %s", known->kind, known->key, why.text);
        return FAULT_INTERNAL;
    }
    known->state = state;
    return FAULT_NONE;
}

enum fault decide_give(
    struct decision *d, struct known *known, const uint8_t *body, size_t size, uint64_t version, uint32_t schema)
{
    known->loaded = true;
    known->exists = version > 0;
    known->version = version;
    known->body = body;
    known->body_size = size;
    if (!known->exists) {
        return FAULT_NONE;
    }
    if (schema > known->row->schema) {
        why_set(&d->why, "%s %s was written by a newer version of %s", known->kind, known->key, known->service);
        return FAULT_UNAVAILABLE;
    }
    enum fault fault = unpack(d, known);
    if (fault == FAULT_NONE) {
        known->foreign = !str_same(contract_string_at(known->state, known->row->root), known->root);
    }
    return fault;
}

void decide_give_page(struct index_page *page, const struct index_line *lines, size_t count)
{
    page->loaded = true;
    page->lines = lines;
    page->count = count;
}

void decide_forget(struct decision *d)
{
    for (size_t i = 0; i < d->known_count; i++) {
        struct known *known = &d->known[i];
        *known = (struct known){.service = known->service,
            .kind = known->kind,
            .root = known->root,
            .key = known->key,
            .row = known->row,
            .asked = known->asked};
    }
    for (size_t i = 0; i < d->page_count; i++) {
        d->pages[i].loaded = false;
    }
}

/* What the last run changed is made new from the bytes that were loaded. */
void decide_restore(struct decision *d)
{
    for (size_t i = 0; i < d->known_count; i++) {
        struct known *known = &d->known[i];
        if (!known->touched) {
            continue;
        }
        known->touched = false;
        known->made = false;
        known->state = NULL;
        if (known->exists) {
            MUST(unpack(d, known) == FAULT_NONE); /* It did before. */
        }
    }
}

static struct known *loaded(
    struct decision *d, const char *service, const char *kind, const char *root, const char *key)
{
    MUST(root != NULL && key != NULL);
    struct known *known = decide_known(d, service, kind, root, key);
    if (known == NULL || !known->loaded) {
        d->wants = true;
    }
    if (known != NULL) {
        known->asked = true;
    }
    return known != NULL && known->loaded ? known : NULL;
}

/* A bug in a service's tables, not in its input. */
static void must_be_declared(const struct decision *d, const char *service, const char *kind)
{
    if (str_same(service, d->service)) {
        return;
    }
    const struct contract_aggregate *row = contract_aggregate(service, kind);
    MUST(row != NULL && row->readable);
    for (const struct read *read = d->reads; read != NULL && read->service != NULL; read++) {
        if (str_same(read->service, service) && str_same(read->kind, kind)) {
            return;
        }
    }
    MUST_FAIL("a rule sees an aggregate that its service does not declare in READS");
}

const void *see(struct decision *d, const char *service, const char *kind, const char *root, const char *key)
{
    must_be_declared(d, service, kind);
    const struct known *known = loaded(d, service, kind, root, key);
    return known == NULL || known->foreign ? NULL : known->state;
}

void *touch(struct decision *d, const char *kind, const char *key)
{
    struct known *known = loaded(d, d->service, kind, d->root, key);
    if (known == NULL || known->foreign || known->state == NULL) {
        return NULL;
    }
    known->touched = true;
    return known->state;
}

/* A foreign one is made too, so that the rule can go on to its end: decide.c then refuses the whole. */
void *require(struct decision *d, const char *kind, const char *key, bool *made)
{
    struct known *known = loaded(d, d->service, kind, d->root, key);
    if (made != NULL) {
        *made = false;
    }
    if (known == NULL) {
        return NULL;
    }
    if (known->state == NULL || (known->foreign && !known->touched)) {
        known->state = make(d, known->row->message->descriptor);
        contract_set_string_at(known->state, known->row->key, known->key);
        contract_set_string_at(known->state, known->row->root, known->root);
        known->made = true;
    }
    known->touched = true;
    if (made != NULL) {
        *made = known->made;
    }
    return known->state;
}

bool is_new(const struct decision *d, const void *state)
{
    for (size_t i = 0; i < d->known_count; i++) {
        if (d->known[i].state == state) {
            return d->known[i].made;
        }
    }
    MUST_FAIL("is_new() of a state that this decision does not know");
}

const struct index_page *index_page(struct decision *d, const char *index, const char *group, size_t limit)
{
    MUST(limit > 0 && limit <= DECISION_PAGE_LINES_MAX);
    for (size_t i = 0; i < d->page_count; i++) {
        struct index_page *page = &d->pages[i];
        if (str_same(page->index, index) && str_same(page->group, group) && page->limit == limit) {
            d->wants |= !page->loaded;
            return page->loaded ? page : NULL;
        }
    }
    MUST(d->page_count < DECISION_PAGES_MAX);
    d->pages[d->page_count++] = (struct index_page){
        .index = arena_strdup(d->arena, index), .group = arena_strdup(d->arena, group), .limit = limit};
    d->wants = true;
    return NULL;
}
