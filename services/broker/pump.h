/* Carries what the core asks of the store to Redis, and the answers back. One turn's asks leave together. */
#ifndef BROKER_PUMP_H
#define BROKER_PUMP_H

#include "common/store/store.h"
#include "services/broker/core.h"

struct pump;

/* Borrows both. */
struct pump *pump_new(struct store *store, struct broker *broker, const char *owner, uint32_t lease_ms);
void pump_free(struct pump **pump); /* After store_done(): nothing may be unanswered any more. */

/* Tells the core whether the store can be reached, then sends what it asks. */
void pump_turn(struct pump *pump, int64_t now_ms);

#endif
