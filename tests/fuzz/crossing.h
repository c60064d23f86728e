/* The crossing under fuzz: whatever comes in, either it is refused, or it is a message that keeps its promises. */
#ifndef TESTS_FUZZ_CROSSING_H
#define TESTS_FUZZ_CROSSING_H

#include "common/contract/contract.h"
#include "common/contract/guard.h"
#include "tests/fuzz/fuzz.h"

/* One of the crossings, by the input's next octet. */
const struct crossing *input_crossing(struct input *input);

/* NULL when it is refused. Of an accepted one it must hold:
 *   - unpacking takes no more memory than the guard foresaw;
 *   - packed and read again it is the same, octet for octet, and so is a copy;
 *   - as JSON it is written, read and found right again, and is the same. */
ProtobufCMessage *must_cross(
    const ProtobufCMessageDescriptor *type, const struct crossing *crossing, struct input bytes, struct arena *arena);

/* Written as JSON in both styles it is read again, keeps the rules, and packs to the same octets. */
void must_survive_json(const ProtobufCMessage *message, struct arena *arena);

void must_be_same(const ProtobufCMessage *a, const ProtobufCMessage *b, struct arena *arena);

/* A refusal has a sentence, in one line of valid UTF-8. */
void must_say_why(const struct why *why);

#endif
