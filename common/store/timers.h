/* Due timers of a partition, for the broker that owns it. A timer stays until the commit that handles it. */
#ifndef STORE_TIMERS_H
#define STORE_TIMERS_H

#include "common/core/arena.h"
#include "common/store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TIMERS_MAX = 1024, /* in one answer */
};

struct due_timer {
    const char *member; /* as the commit that handles it must name it */
    int64_t due_ms;
    const char *service;
    const char *kind;
    const char *tenant;
    const char *root;
    const char *id;
    const char *name;
};

struct timers_due {
    /* asked */
    uint32_t partition;
    size_t count_max; /* <= TIMERS_MAX */
    size_t skip;      /* pass over so many of the due: the next page */
    struct arena *arena;
    void (*done)(struct timers_due *due);
    void *user;
    /* answered */
    enum fault fault; /* NONE, UNAVAILABLE */
    int64_t now_ms;   /* Redis's clock, that decides what is due */
    int64_t next_ms;  /* when the first one that is not due yet will be; INT64_MAX when there is none */
    size_t count;
    struct due_timer *timers; /* in due order */
};

enum fault timers_due_send(struct store *store, struct timers_due *due);

/* `service:kind:tenant:root:id:name`, the member. */
const char *timer_member(struct arena *arena, const char *service, const char *kind, const char *tenant,
    const char *root, const char *id, const char *name);
/* Splits a member; strings in the arena. False when it is none. */
bool timer_parse(struct arena *arena, const char *member, size_t size, struct due_timer *out);

#endif
