#include "common/store/store.h"

#include "common/store/delivery.h"

enum fault store_init(struct store *store, const char *address, struct keys *keys, struct why *why)
{
    *store = (struct store){.shards = shards_new(address), .keys = keys};
    if (store->shards == NULL) {
        why_set(why, "cannot use %s as the address of redis: it is neither unix:PATH nor tcp:HOST:PORT", address);
        return FAULT_UNAVAILABLE;
    }
    return FAULT_NONE;
}

void store_done(struct store *store)
{
    shards_free(&store->shards);
    delivery_forget(store);
}

void store_tick(struct store *store, int64_t monotonic_ms)
{
    shards_tick(store->shards, monotonic_ms);
}

void store_flush(struct store *store)
{
    shards_flush(store->shards);
}
