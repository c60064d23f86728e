/* Questions of operators that the broker answers itself: what it sees, and the dead letters.
 *
 *     broker.ReadStatus   what is linked, queued, under way, parked
 *     broker.ListDead     the dead letters of a group, or of all
 *     broker.RetryDead    delivers the root again from the dead record on
 *     broker.SkipDead     gives the record up for the group and goes on behind it
 *
 * Their bodies travel clear: a broker has no key of any tenant. Refused to who does not say a role that the contract allows. */
#ifndef BROKER_OPERATORS_H
#define BROKER_OPERATORS_H

#include "common/bus/actor.h"
#include "common/store/store.h"
#include "services/broker/core.h"

struct operators;

struct operators *operators_new(struct store *store, struct broker *broker, const struct actor_trust *trust);
void operators_free(struct operators **operators);

/* Takes the questions that came, and sends what must be read for them. */
void operators_turn(struct operators *operators, int64_t wall_ms);

#endif
