/* Reads an index over all partitions at once: a pipelined scatter, merged in the order of sort key, then member. */
#ifndef STORE_INDEX_SCAN_H
#define STORE_INDEX_SCAN_H

#include "common/core/arena.h"
#include "common/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    INDEX_PAGE_MAX = 1000, /* entries in one answer */
};

struct index_entry {
    uint32_t partition;
    int64_t sort;
    const char *member;
};

struct index_scan {
    /* asked */
    const char *service;
    const char *index;
    const char *group; /* "" when the index has none */
    const char *tenant;
    int64_t min, max; /* sort keys, both included */
    bool descending;
    size_t count_max; /* <= INDEX_PAGE_MAX */
    struct arena *arena;
    void (*done)(struct index_scan *scan);
    void *user;
    /* answered */
    enum fault fault; /* NONE; UNAVAILABLE when any partition did not answer */
    size_t count;
    struct index_entry *entries;
    /* inside */
    size_t waiting;
    struct index_part *parts;
};

enum fault index_scan_send(struct store *store, struct index_scan *scan);

#endif
