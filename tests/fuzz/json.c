/* Fuzzes what people and files write. Whatever json_check() lets through json-c can read, and what json-c writes of it is
 * right again and the same; what becomes a message is written and read again as the same message, and its octets cross. */
#include <string.h>

#include "common/contract/json.h"
#include "common/core/must.h"
#include "tests/fuzz/crossing.h"

static void must_agree(const char *text, size_t size, struct arena *arena)
{
    struct why why = {""};
    struct json_object *tree = NULL, *again = NULL;
    enum fault checked = json_check(text, size, &JSON_LIMITS, arena, &why);
    MUST(json_parse(text, size, &JSON_LIMITS, arena, &why, &tree) == checked);
    if (checked != FAULT_NONE) {
        must_say_why(&why);
        return;
    }
    size_t written = 0;
    const char *plain = json_object_to_json_string_length(tree, JSON_C_TO_STRING_PLAIN, &written);
    MUST(json_parse(plain, written, &JSON_LIMITS, arena, &why, &again) == FAULT_NONE);
    MUST(json_object_equal(tree, again));
    json_object_put(again);
    json_object_put(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct arena *arena = fuzz_arena();
    const struct contract_message *type = &CONTRACT.messages[input_pair(&input) % CONTRACT.n_messages];
    const char *text = (const char *)input.at;
    must_agree(text, input.size, arena);
    struct why why = {""};
    ProtobufCMessage *message = NULL;
    if (json_cross(type, text, input.size, arena, &why, &message) != FAULT_NONE) {
        must_say_why(&why);
        return 0;
    }
    must_survive_json(message, arena);
    struct packed packed = contract_pack(message, arena);
    ProtobufCMessage *again = NULL;
    MUST(contract_unpack(type->descriptor, packed.data, packed.size, &CROSSING_REFERENCE, arena, &why, &again) ==
         FAULT_NONE);
    must_be_same(message, again, arena);
    return 0;
}
