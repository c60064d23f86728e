/* Several links to brokers of one network, waited for together: what client and payer link have in common. */
#ifndef BUS_LINKS_H
#define BUS_LINKS_H

#include "common/bus/client.h"
#include "common/bus/link.h"

struct links {
    struct link *at[CLIENT_ENDPOINTS_MAX];
    unsigned count;
    unsigned turn; /* where the next choice begins */
};

/* INVALID when an endpoint cannot be used; nothing is open then. */
enum fault links_open(struct links *links, const char *const *endpoints, unsigned count, const Casebus__Hello *hello,
    int64_t now_ms, struct why *why);

/* Says goodbye on every link and closes it; what was queued still leaves. */
void links_close(struct links *links, int64_t now_ms);

/* Flushes, then waits until something may have happened, `until_ms` at the latest. */
void links_wait(struct links *links, int64_t until_ms);
void links_flush(struct links *links);

/* The link that may ask and has the fewest questions open, another than `avoid` if there is one; -1: none may. */
int links_choose(struct links *links, int avoid);

/* A session is open on one of them. */
bool links_are_up(const struct links *links);

#endif
