/* A command that costs what most commands cost, as often as wanted: scheduling.ProposeAppointment, each for a case of
 * its own. Its commit writes two aggregates (appointment and agenda), one event, and the idempotency record with the
 * reply. */
#ifndef BENCH_SHAPE_H
#define BENCH_SHAPE_H

#include "common/core/id.h"
#include "proto/scheduling.pb-c.h"

/* The id of a case that was never there, each in the next partition. */
void propose_case_id(char out[static ID_SIZE]);

/* The command; it lends `case_id`. */
void propose_fill(Scheduling__ProposeAppointment *command, const char *case_id);

#endif
