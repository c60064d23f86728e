/* casebus seed FILE...: each file is a JSON list of {"subject": ..., "as": ..., "body": {...}}, sent in order. The command id is made of
 * subject and body, so that what was sent before has no second effect. */
#include <stdio.h>
#include <string.h>

#include "common/contract/json.h"
#include "common/contract/rules.h"
#include "common/core/hash.h"
#include "common/core/slice.h"
#include "services/cli/cli.h"

struct seed {
    const char *subject;
    Casebus__Role role;
    ProtobufCMessage *body;
};

static const char *text_member(struct json_object *row, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(row, name, &value) && json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : NULL;
}

/* False after saying what is wrong with the row. */
static bool take_row(struct cli *cli, const char *path, size_t place, struct json_object *row, struct seed *out)
{
    struct json_object *body = NULL;
    const char *subject = json_object_is_type(row, json_type_object) ? text_member(row, "subject") : NULL;
    const struct contract_command *command = subject ? contract_find_command(subject) : NULL;
    if (!command || !json_object_object_get_ex(row, "body", &body)) {
        say_wrong(EXIT_USAGE, "%s: row %zu wants a subject that is a command, and a body", path, place + 1);
        return false;
    }
    const char *as = text_member(row, "as");
    const ProtobufCEnumValue *role =
        as ? protobuf_c_enum_descriptor_get_value_by_name(&casebus__role__descriptor, as) : NULL;
    struct why why = {0};
    ProtobufCMessage *message = NULL;
    if (json_read_tree(command->message, body, &cli->arena, &why, &message) != FAULT_NONE ||
        rules_check(message, &why) != FAULT_NONE) {
        say_wrong(EXIT_USAGE, "%s: row %zu: %s", path, place + 1, why.text);
        return false;
    }
    *out =
        (struct seed){command->subject, role ? (Casebus__Role)role->value : CASEBUS__ROLE__ROLE_ADMINISTRATOR, message};
    return true;
}

static const char *seed_id(struct cli *cli, const struct seed *seed)
{
    size_t size = protobuf_c_message_get_packed_size(seed->body);
    uint8_t *bytes = arena_alloc(&cli->arena, size + 1);
    protobuf_c_message_pack(seed->body, bytes);
    struct hash hash;
    uint8_t digest[HASH_SIZE];
    hash_init(&hash);
    hash_add_part(&hash, seed->subject, strlen(seed->subject));
    hash_add_part(&hash, bytes, size);
    hash_done(&hash, digest);
    char *id = arena_alloc(&cli->arena, ID_FRESH_SIZE);
    id_spell(id, digest);
    return id;
}

static int send_row(struct cli *cli, const struct seed *seed, bool *out_new)
{
    struct answered answered;
    struct asked asked = {.subject = seed->subject,
        .body = seed->body,
        .id = seed_id(cli, seed),
        .role = seed->role,
        .actor_id = "seed",
        .patient = true};
    if (session_ask(cli, &asked, &answered) != FAULT_NONE) {
        return say_fault(cli, seed->subject, &answered);
    }
    *out_new = !(answered.outcome && answered.outcome->repeated_command);
    return EXIT_DONE;
}

static struct json_object *read_file(struct cli *cli, const char *path)
{
    FILE *in = fopen(path, "r");
    if (!in) {
        say_wrong(EXIT_USAGE, "%s cannot be opened: %m", path);
        return NULL;
    }
    char *text = arena_alloc(&cli->arena, JSON_SIZE_MAX + 1);
    size_t size = fread(text, 1, JSON_SIZE_MAX + 1, in);
    fclose(in);
    struct why why = {0};
    struct json_object *tree = NULL;
    if (json_parse(text, size, &JSON_LIMITS, &cli->arena, &why, &tree) != FAULT_NONE) {
        say_wrong(EXIT_USAGE, "%s: %s", path, why.text);
        return NULL;
    }
    if (!json_object_is_type(tree, json_type_array)) {
        json_object_put(tree);
        say_wrong(EXIT_USAGE, "%s: a list of commands is wanted", path);
        return NULL;
    }
    return tree;
}

static int seed_file(struct cli *cli, const char *path)
{
    struct json_object *tree = read_file(cli, path);
    if (!tree) {
        return EXIT_USAGE;
    }
    size_t count = json_object_array_length(tree);
    size_t fresh = 0;
    int status = EXIT_DONE;
    for (size_t i = 0; i < count && status == EXIT_DONE; i++) {
        struct seed seed;
        bool is_new = false;
        status = take_row(cli, path, i, json_object_array_get_idx(tree, i), &seed) ? send_row(cli, &seed, &is_new)
                                                                                   : EXIT_USAGE;
        fresh += is_new;
    }
    json_object_put(tree);
    if (status == EXIT_DONE) {
        printf("%s: %zu of %zu new\n", path, fresh, count);
    }
    return status;
}

int word_seed(struct cli *cli)
{
    if (cli->word_count == 0) {
        return say_wrong(EXIT_USAGE, "usage: casebus seed FILE...");
    }
    int status = session_open(cli);
    for (size_t i = 0; i < cli->word_count && status == EXIT_DONE; i++) {
        status = seed_file(cli, cli->words[i]);
    }
    return status;
}
