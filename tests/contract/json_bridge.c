/* Lets json_oracle.py call the JSON of the contract. Each line of input is `write <message> <hex of bytes>` or
 * `read <message> <json>`; the answer is a line: the JSON, the hex, or `refused <why>`. */
#include "common/contract/guard.h"
#include "common/contract/json.h"
#include "common/core/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void answer_write(const struct contract_message *type, const char *hex, struct arena *arena)
{
    struct why why;
    ProtobufCMessage *message = NULL;
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = arena_alloc(arena, size);
    if (!hex_decode(bytes, size, hex)) {
        printf("refused not hex\n");
    } else if (contract_unpack(type->descriptor, bytes, size, &CROSSING_STATE, arena, &why, &message) != FAULT_NONE) {
        printf("refused %s\n", why.text);
    } else {
        printf("%s\n", json_write(message, JSON_LINE, arena));
    }
}

static void answer_read(const struct contract_message *type, const char *json, struct arena *arena)
{
    struct why why;
    ProtobufCMessage *message = NULL;
    if (json_read(type, json, strlen(json), arena, &why, &message) != FAULT_NONE) {
        printf("refused %s\n", why.text);
        return;
    }
    struct packed packed = contract_pack(message, arena);
    char *hex = arena_alloc(arena, HEX_SIZE(packed.size));
    hex_encode(hex, packed.data, packed.size);
    printf("%s\n", hex);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size = 0;
    struct arena arena;
    arena_init(&arena, 0);
    while ((size = getline(&line, &room, stdin)) > 0) {
        line[size - 1] = '\0';
        char *verb = line;
        char *name = strchr(verb, ' ');
        char *rest = name != NULL ? strchr(name + 1, ' ') : NULL;
        if (rest == NULL) {
            return 2;
        }
        *name++ = '\0';
        *rest++ = '\0';
        const struct contract_message *type = contract_find_message(name);
        if (type == NULL) {
            printf("refused no message %s\n", name);
        } else if (strcmp(verb, "write") == 0) {
            answer_write(type, rest, &arena);
        } else {
            answer_read(type, rest, &arena);
        }
        fflush(stdout);
        arena_reset(&arena);
    }
    free(line);
    arena_done(&arena);
    return 0;
}
