/* What is checked once, before a process says that it is ready. It waits, because there is nothing else to do yet. */
#ifndef STORE_START_H
#define STORE_START_H

#include "common/store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct start_settings {
    int64_t timeout_ms;  /* for Redis to appear, and to finish loading its data */
    bool allow_everysec; /* demos only: a power cut may lose the last second of acknowledged commits */
};

/* Waits for Redis, refuses one that could lose or evict data, and loads the function library.
 *
 * REFUSED with a sentence each: an eviction policy other than noeviction, no maxmemory, no append-only file,
 * appendfsync not always (unless everysec is allowed), a library of our name with other code. UNAVAILABLE: not reached
 * in time. */
enum fault start_check(struct store *store, const struct start_settings *settings, struct why *why);

#endif
