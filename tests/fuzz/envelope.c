/* Fuzzes what a stranger says first, before anything is known of him: the messages of envelope.proto. */
#include "common/core/must.h"
#include "proto/envelope.pb-c.h"
#include "tests/fuzz/crossing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const ProtobufCMessageDescriptor *const TYPES[] = {
        &casebus__envelope__descriptor,
        &casebus__outcome__descriptor,
        &casebus__hello__descriptor,
        &casebus__welcome__descriptor,
    };
    struct input input = {data, size};
    const ProtobufCMessageDescriptor *type = TYPES[input_byte(&input) % ARRAY_LENGTH(TYPES)];
    const struct crossing *crossing = input_crossing(&input);
    must_cross(type, crossing, input, fuzz_arena());
    return 0;
}
