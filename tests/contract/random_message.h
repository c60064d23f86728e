/* Random messages of any descriptor, for tests. The same seed gives the same message on every machine. */
#ifndef CASEBUS_TESTS_RANDOM_MESSAGE_H
#define CASEBUS_TESTS_RANDOM_MESSAGE_H

#include "common/core/arena.h"

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

/* From SUITE_SEED, or else from the clock; prints it, so that a failure can be had again. */
struct dice dice_from_environment(void);

uint64_t dice_next(struct dice *dice);
uint64_t dice_below(struct dice *dice, uint64_t limit);

/* A message whose fields are there by chance, at most `depth` messages deep, within the wire's rules. */
ProtobufCMessage *random_message(
    struct dice *dice, const ProtobufCMessageDescriptor *descriptor, unsigned depth, struct arena *arena);

#endif
