/* Fuzzes the sentences of the time line: any event of the contract, also one whose fields break their rules, is one line
 * of valid text within its limit. */
#include <string.h>

#include "common/contract/line.h"
#include "common/core/must.h"
#include "common/core/utf8.h"
#include "tests/fuzz/crossing.h"

static const struct contract_message *event_at(size_t place)
{
    static const struct contract_message *events[4096];
    static size_t count;
    if (count == 0) {
        for (size_t i = 0; i < CONTRACT.n_messages && count < ARRAY_LENGTH(events); i++) {
            if (CONTRACT.messages[i].kind == CONTRACT_EVENT) {
                events[count++] = &CONTRACT.messages[i];
            }
        }
    }
    return events[place % count];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct arena *arena = fuzz_arena();
    ProtobufCMessage *event = NULL;
    const struct contract_message *type = event_at(input_pair(&input));
    if (contract_unpack(type->descriptor, input.at, input.size, &CROSSING_STATE, arena, NULL, &event) != FAULT_NONE) {
        return 0;
    }
    const char *line = line_write(event, arena);
    MUST(strlen(line) <= LINE_SIZE_MAX && utf8_is_valid(line, strlen(line)));
    for (const char *at = line; *at != '\0'; at++) {
        MUST((unsigned char)*at >= ' ' && *at != 0x7f);
    }
    return 0;
}
