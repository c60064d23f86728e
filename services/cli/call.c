/* casebus call SUBJECT [JSON | @FILE | -]: any command or question of the contract, by reflection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/contract/json.h"
#include "common/core/slice.h"
#include "services/cli/cli.h"

/* Reads a stream to its end, at most JSON_SIZE_MAX and one more. NULL when it cannot be read. */
static char *read_all(struct arena *arena, FILE *in, size_t *out_size)
{
    size_t room = 64 << 10;
    char *text = malloc(room);
    size_t size = 0;
    while (text && size <= JSON_SIZE_MAX) {
        size_t got = fread(text + size, 1, room - size, in);
        size += got;
        if (got == 0) {
            break;
        }
        if (size == room) {
            room *= 2;
            char *more = realloc(text, room);
            if (!more) {
                free(text);
                return NULL;
            }
            text = more;
        }
    }
    char *kept = text && !ferror(in) ? arena_memdup(arena, text, size + (size < room)) : NULL;
    free(text);
    *out_size = size;
    return kept;
}

/* The JSON that a word names: itself, a file, or standard input. NULL after saying what is wrong. */
static const char *read_body(struct cli *cli, const char *word, size_t *out_size)
{
    if (!word) {
        *out_size = 2;
        return "{}";
    }
    if (word[0] != '@' && strcmp(word, "-") != 0) {
        *out_size = strlen(word);
        return word;
    }
    FILE *in = word[0] == '@' ? fopen(word + 1, "r") : stdin;
    if (!in) {
        say_wrong(EXIT_USAGE, "%s cannot be opened: %m", word + 1);
        return NULL;
    }
    char *text = read_all(&cli->arena, in, out_size);
    if (in != stdin) {
        fclose(in);
    }
    if (!text || *out_size > JSON_SIZE_MAX) {
        say_wrong(EXIT_USAGE, "%s %s", word, text ? "is larger than 4 MiB" : "cannot be read");
        return NULL;
    }
    return text;
}

static int print_answer(const struct cli *cli, const struct answered *answered)
{
    struct arena *arena = (struct arena *)&cli->arena;
    if (answered->reply) {
        puts(json_write(answered->reply, cli->options.json ? JSON_LINE : JSON_PRETTY, arena));
    } else if (cli->options.json) {
        puts(answered->outcome ? json_write(&answered->outcome->base, JSON_LINE, arena) : "{}");
    }
    if (!cli->options.json) {
        const Casebus__Outcome *outcome = answered->outcome;
        bool again = outcome && outcome->repeated_command;
        fprintf(stderr, "%s%s%s in %.1f ms, id %s%s%s\n", say_dim(cli), again ? "done before" : "done",
            outcome && outcome->durability ? " and kept" : "", (double)answered->took_us / 1000, answered->id,
            outcome && outcome->root ? ", root " : "", outcome && outcome->root ? outcome->root : "");
        fputs(say_plain(cli), stderr);
    }
    return EXIT_DONE;
}

int word_call(struct cli *cli)
{
    if (cli->word_count < 1 || cli->word_count > 2) {
        return say_wrong(EXIT_USAGE, "usage: casebus call SUBJECT [JSON | @FILE | -]");
    }
    const char *subject = cli->words[0];
    const struct contract_command *command = contract_find_command(subject);
    const struct contract_query *query = contract_find_query(subject);
    if (!command && !query) {
        return say_wrong(
            EXIT_USAGE, "%s is no command or question of the contract; casebus contract list shows them", subject);
    }
    size_t size = 0;
    const char *text = read_body(cli, cli->word_count == 2 ? cli->words[1] : NULL, &size);
    if (!text) {
        return EXIT_USAGE;
    }
    struct why why = {0};
    ProtobufCMessage *body = NULL;
    if (json_cross(command ? command->message : query->message, text, size, &cli->arena, &why, &body) != FAULT_NONE) {
        return say_wrong(EXIT_USAGE, "%s: %s", subject, why.text);
    }
    int status = session_open(cli);
    if (status != EXIT_DONE) {
        return status;
    }
    struct answered answered;
    if (session_ask(cli, &(struct asked){.subject = subject, .body = body, .id = cli->options.id}, &answered) !=
        FAULT_NONE) {
        return say_fault(cli, subject, &answered);
    }
    return print_answer(cli, &answered);
}
