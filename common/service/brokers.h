/* The brokers that a service is linked to: one link each, all of them used at the same time.
 *
 * Records that ask something of us go to `receive`; what the service answers leaves on the link, and in the session,
 * that asked. An answer for a session that is over is dropped: the broker has given that call up already. */
#ifndef CASEBUS_SERVICE_BROKERS_H
#define CASEBUS_SERVICE_BROKERS_H

#include "common/core/fault.h"
#include "common/service/wire.h"
#include "proto/envelope.pb-c.h"

#define BROKERS_MAX 16

struct brokers_options {
    const char *const *endpoints;
    size_t endpoint_count; /* 1..BROKERS_MAX */
    const Casebus__Hello *hello;
    void *user;
    void (*receive)(void *user, struct loop_now now, const struct incoming *record);
    void (*drained)(void *user, struct loop_now now); /* after brokers_drain(): no link owes or awaits anything */
};

struct brokers;

enum fault brokers_new(
    const struct brokers_options *options, struct loop_now now, struct brokers **out, struct why *why);
void brokers_free(struct brokers **brokers);

/* Polls and drains as a source of the loop; brokers_flush() is the owner's to call, at the end of its turn. */
struct loop_source brokers_source(struct brokers *brokers);
void brokers_flush(struct brokers *brokers);

void brokers_answer(struct brokers *brokers, struct loop_now now, const struct outgoing *answer);

/* Says BYE everywhere: nothing new comes, what is under way is still answered. */
void brokers_drain(struct brokers *brokers, struct loop_now now);

size_t brokers_ready(const struct brokers *brokers); /* links with a session */

struct brokers_counts {
    uint64_t records_in, records_out, bytes_in, bytes_out, bad_frames, sessions;
    uint64_t late; /* answers whose session was over */
};
struct brokers_counts brokers_counts(const struct brokers *brokers);

#endif
