/* Reads the log: a page of a partition for delivery, or one root's records backwards for its time line. */
#ifndef STORE_LOG_READ_H
#define STORE_LOG_READ_H

#include "common/core/arena.h"
#include "common/store/head.h"
#include "common/store/load.h"
#include "common/store/record.h"
#include "common/store/store.h"

enum {
    LOG_PAGE_MAX = 1024,  /* records */
    LOG_WALK_MAX = 65536, /* records */
};

struct log_entry {
    struct stream_id at;
    struct record record;
    bool corrupt; /* not a whole record: `record` is empty; what to do is the reader's decision */
};

struct log_page {
    /* asked */
    uint32_t partition;
    struct stream_id after; /* read on from here, without it */
    size_t count_max;       /* <= LOG_PAGE_MAX */
    struct arena *arena;
    void (*done)(struct log_page *page);
    void *user;
    /* answered */
    enum fault fault; /* NONE, UNAVAILABLE */
    struct why why;
    size_t count; /* < count_max: this was the end */
    struct log_entry *entries;
    /* inside */
    struct store *store;
};

enum fault log_page_send(struct store *store, struct log_page *page);

/* Walks a root back from `from` (its root_state), one record per round trip by the stream id that each record names,
 * and verifies the chain as it goes. Ends at the root's first record, at `count_max`, or where the log was trimmed. */
struct log_walk {
    /* asked */
    uint32_t partition;
    const char *tenant;
    const char *root;
    struct root_state from; /* of at least one record */
    size_t count_max;       /* <= LOG_WALK_MAX */
    struct arena *arena;
    void (*done)(struct log_walk *walk);
    void *user;
    /* answered */
    enum fault fault; /* NONE, UNAVAILABLE, INTERNAL: the chain breaks, `why` says where */
    struct why why;
    bool complete; /* the root's first record was reached */
    size_t count;
    struct log_entry *entries; /* newest first */
    /* inside */
    struct store *store;
    struct root_state next;
};

enum fault log_walk_send(struct store *store, struct log_walk *walk);

#endif
