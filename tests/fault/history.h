/* Everything that a suite's store holds after a storm, read behind the suite's back and checked as a whole:
 *
 *   log          each root's records are 1, 2, 3 ... without gap, each names the one before, none was altered
 *   aggregates   each one's versions are 1, 2, 3 ... without gap
 *   commands     each command id made one record at most
 *   calendars    no two bookings of a day overlap, each booked appointment stands in one calendar once, and the other way round
 *   timers       each running clock of a case and each reminder to come still has its timer
 *   claims       each line and each claim balances: billed = paid + adjusted + denied + patient + open
 *   notices      each (event, rule, recipient, channel) was told once
 *
 * Fails the test with the first thing that does not hold. */
#ifndef TESTS_FAULT_HISTORY_H
#define TESTS_FAULT_HISTORY_H

#include <stddef.h>

#include "tests/support/suite.h"

struct history_counts {
    size_t records, roots, aggregates, bookings, timers, claims, notices;
};

struct history_counts history_check(struct suite *suite);

#endif
