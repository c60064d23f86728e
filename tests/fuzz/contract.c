/* Fuzzes the crossing of every message of the contract: three octets choose the message and how much is believed. */
#include "tests/fuzz/crossing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    const struct contract_message *type = &CONTRACT.messages[input_pair(&input) % CONTRACT.n_messages];
    const struct crossing *crossing = input_crossing(&input);
    must_cross(type->descriptor, crossing, input, fuzz_arena());
    return 0;
}
