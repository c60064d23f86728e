/* Task lanes of a partition: which are not empty, and what is in one. Tasks are opaque here. */
#ifndef STORE_LANE_H
#define STORE_LANE_H

#include "common/core/arena.h"
#include "common/store/bytes.h"
#include "common/store/head.h"
#include "common/store/store.h"

enum {
    LANE_PAGE_MAX = 1024, /* tasks */
    LANES_MAX = 4096,     /* lanes of a partition in one answer */
};

struct lanes {
    /* asked */
    uint32_t partition;
    struct arena *arena;
    void (*done)(struct lanes *lanes);
    void *user;
    /* answered */
    enum fault fault; /* NONE, UNAVAILABLE */
    size_t count;
    const char **dests;
};

enum fault lanes_send(struct store *store, struct lanes *lanes);

struct lane_task {
    struct stream_id id;
    struct bytes body;
};

struct lane_page {
    /* asked */
    uint32_t partition;
    const char *dest;
    struct stream_id after;
    size_t count_max; /* <= LANE_PAGE_MAX */
    struct arena *arena;
    void (*done)(struct lane_page *page);
    void *user;
    /* answered */
    enum fault fault; /* NONE, UNAVAILABLE */
    size_t count;
    struct lane_task *tasks;
};

enum fault lane_page_send(struct store *store, struct lane_page *page);

#endif
