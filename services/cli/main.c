#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/reference.h"
#include "services/cli/cli.h"

extern char **environ;

struct word {
    const char *name;
    const char *usage;
    const char *help;
    int (*run)(struct cli *cli);
};

static const struct word WORDS[] = {
    {"status", "status", "services, instances, queues, dead letters", word_status},
    {"call", "call SUBJECT [JSON | @FILE | -]", "send one command or question", word_call},
    {"contract", "contract list | show NAME", "what may be sent, and its rules", word_contract},
    {"import", "import fhir FILE...", "read bundles and print the referrals they make; sends nothing", word_import},
    {"journey", "journey FILE...", "carry patients through every service (synthetic tenants only)", word_journey},
    {"case", "case show | timeline CASE", "where a case stands; what happened to it", word_case},
    {"events", "events [--case CASE] [--follow]", "what happened lately, in order", word_events},
    {"dead", "dead list | retry ID | skip ID REASON", "deliveries that were given up", word_dead},
    {"seed", "seed FILE...", "send the commands of seed files; sending them again changes nothing", word_seed},
    {"keys", "keys init | lanes DIR", "make the keys that are missing; give an edge its lane keys", word_keys},
};

static const struct setting SETTINGS[] = {
    {"actor-secret", "/var/lib/casebus/keys/actor.key", "secret key that signs for the person at the command line",
        setting_is_given},
    {0},
};
static const struct setting *const TABLES[] = {SETTINGS_COMMON, SETTINGS, NULL};

static void print_usage(FILE *out)
{
    fputs("usage: casebus WORD ... [options]\n\n", out);
    for (size_t i = 0; i < ARRAY_LENGTH(WORDS); i++) {
        fprintf(out, "  %-38s %s\n", WORDS[i].usage, WORDS[i].help);
    }
    fputs("\noptions\n"
          "  --as ROLE[:ID]     who acts, e.g. nurse:n17 (default nurse)\n"
          "  --id ID            command id: the same id and content again has no second effect\n"
          "  --timeout SECONDS  how long to wait (default 10, a stage of a journey 60)\n"
          "  --tenant NAME      default: the first of the tenants' file\n"
          "  --json             one JSON value per line\n"
          "  --all              also the small steps of a time line\n"
          "  --simulated        a program plays this person (synthetic tenants only)\n"
          "\nexit status: 0 done, 1 refused, 2 wrong usage or input, 3 unknown, 4 unavailable\n"
          "settings (also in a file and as CASEBUS_NAME): casebus --help settings\n",
        out);
}

static int print_settings(void)
{
    struct text text;
    text_init(&text, TEXT_PAGE_BYTES);
    settings_help("casebus", "WORD ... [options]", TABLES, &text);
    fputs(text.at, stdout);
    text_done(&text);
    return EXIT_DONE;
}

/* Options that are the command line's own; what is left are words and settings. */
struct option {
    const char *name;
    const char **text;
    bool *flag;
};

static bool take_seconds(const char *text, uint32_t *out_ms)
{
    uint64_t seconds = 0;
    if (!slice_parse_uint(slice_of(text), 86400, &seconds) || seconds == 0) {
        return false;
    }
    *out_ms = (uint32_t)seconds * 1000;
    return true;
}

/* Moves the options out of argv. False after saying what is wrong. */
static bool take_options(struct cli_options *options, int *argc, char **argv)
{
    const char *timeout = NULL;
    const struct option rows[] = {
        {"--id", &options->id, NULL},
        {"--as", &options->as, NULL},
        {"--tenant", &options->tenant, NULL},
        {"--case", &options->case_id, NULL},
        {"--group", &options->group, NULL},
        {"--timeout", &timeout, NULL},
        {"--json", NULL, &options->json},
        {"--follow", NULL, &options->follow},
        {"--all", NULL, &options->all},
        {"--simulated", NULL, &options->simulated},
        {"--help", NULL, &options->help},
    };
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const struct option *row = NULL;
        for (size_t r = 0; r < ARRAY_LENGTH(rows) && !row; r++) {
            row = strcmp(argv[i], rows[r].name) == 0 ? &rows[r] : NULL;
        }
        if (!row) {
            argv[kept++] = argv[i];
        } else if (row->flag) {
            *row->flag = true;
        } else if (i + 1 < *argc) {
            *row->text = argv[++i];
        } else {
            say_wrong(EXIT_USAGE, "%s wants a value after it", argv[i]);
            return false;
        }
    }
    *argc = kept;
    argv[kept] = NULL;
    if (timeout && !take_seconds(timeout, &options->timeout_ms)) {
        say_wrong(EXIT_USAGE, "--timeout is \"%s\": a number of seconds from 1 to 86400 is wanted", timeout);
        return false;
    }
    return true;
}

static int run_word(struct cli *cli)
{
    size_t count = settings_words(cli->settings, &cli->words);
    if (count == 0) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    const char *name = cli->words[0];
    cli->words++;
    cli->word_count = count - 1;
    for (size_t i = 0; i < ARRAY_LENGTH(WORDS); i++) {
        if (strcmp(WORDS[i].name, name) != 0) {
            continue;
        }
        if (cli->options.help) {
            printf("usage: casebus %s\n       %s\n", WORDS[i].usage, WORDS[i].help);
            return EXIT_DONE;
        }
        return WORDS[i].run(cli);
    }
    return say_wrong(EXIT_USAGE, "there is no word \"%s\"; casebus --help lists them", name);
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    if (!take_options(&cli.options, &argc, argv)) {
        return EXIT_USAGE;
    }
    if (cli.options.help && argc == 1) {
        print_usage(stdout);
        return EXIT_DONE;
    }
    if (cli.options.help && argc == 2 && strcmp(argv[1], "settings") == 0) {
        return print_settings();
    }
    struct why why = {0};
    if (settings_load("casebus", TABLES, true, argc, argv, environ, &cli.settings, &why) != SETTINGS_READY) {
        return say_wrong(EXIT_USAGE, "%s", why.text);
    }
    cli.terminal = isatty(STDOUT_FILENO);
    cli.colour = cli.terminal && !getenv("NO_COLOR");
    arena_init(&cli.arena, (size_t)1 << 30);
    int status = run_word(&cli);
    session_close(&cli);
    reference_free(&cli.reference);
    arena_done(&cli.arena);
    settings_free(&cli.settings);
    return status;
}
