/* The broker's side towards Redis as one source of the loop: connections, pump and operators' questions. */
#ifndef BROKER_STORE_SIDE_H
#define BROKER_STORE_SIDE_H

#include "common/bus/actor.h"
#include "common/core/fault.h"
#include "common/service/loop.h"
#include "services/broker/core.h"

struct store_side;

/* Connects, checks the store's settings and loads the functions; waits up to `wait_ms` for it. `trust`, lent, says whose word it
 * takes on who an operator is. The faults are start_check's. */
enum fault store_side_new(const char *address, bool allow_everysec, struct broker *broker, const char *owner,
    uint32_t lease_ms, int64_t wait_ms, const struct actor_trust *trust, struct store_side **out, struct why *why);
void store_side_free(struct store_side **side);

/* Borrowed by the loop. */
void store_side_join(struct store_side *side, struct loop *loop);

#endif
