/* casebus dead list | retry ID | skip ID REASON: deliveries that were given up, and what an operator does about them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/contract/json.h"
#include "proto/broker.pb-c.h"
#include "services/cli/cli.h"

static int print_letters(struct cli *cli, const Broker__DeadLetters *letters)
{
    if (cli->options.json) {
        puts(json_write(&letters->base, JSON_LINE, &cli->arena));
        return EXIT_DONE;
    }
    for (size_t i = 0; i < letters->n_letters; i++) {
        const Broker__DeadLetter *one = letters->letters[i];
        printf("%s%s%s\n  to %s: %s of %s, record %" PRIu64 ", attempt %" PRIu32 ", %s UTC\n  ", say_bold(cli), one->id,
            say_plain(cli), one->group, one->subjects ? one->subjects : "?", one->root ? one->root : "?", one->sequence,
            one->attempts, say_clock(&cli->arena, "UTC", one->at_ms));
        say_wrapped(one->why ? one->why : "no reason was kept", 2, 80);
    }
    printf("%zu dead letter%s\n", letters->n_letters, letters->n_letters == 1 ? "" : "s");
    return EXIT_DONE;
}

static int ask_broker(struct cli *cli, const char *subject, const ProtobufCMessage *question)
{
    int status = session_open(cli);
    if (status != EXIT_DONE) {
        return status;
    }
    struct answered answered;
    struct asked asked = {.subject = subject, .body = question, .role = CASEBUS__ROLE__ROLE_OPERATOR};
    if (session_ask(cli, &asked, &answered) != FAULT_NONE) {
        return say_fault(cli, subject, &answered);
    }
    Broker__DeadLetters none = BROKER__DEAD_LETTERS__INIT;
    return print_letters(cli, answered.reply ? (const Broker__DeadLetters *)answered.reply : &none);
}

int word_dead(struct cli *cli)
{
    const char *verb = cli->word_count > 0 ? cli->words[0] : "";
    if (strcmp(verb, "list") == 0 && cli->word_count == 1) {
        Broker__ListDead question = BROKER__LIST_DEAD__INIT;
        question.group = cli->options.group;
        return ask_broker(cli, "broker.ListDead", &question.base);
    }
    if (strcmp(verb, "retry") == 0 && cli->word_count == 2) {
        Broker__RetryDead question = BROKER__RETRY_DEAD__INIT;
        question.id = cli->words[1];
        return ask_broker(cli, "broker.RetryDead", &question.base);
    }
    if (strcmp(verb, "skip") == 0 && cli->word_count == 3) {
        Broker__SkipDead question = BROKER__SKIP_DEAD__INIT;
        question.id = cli->words[1];
        question.reason = cli->words[2];
        return ask_broker(cli, "broker.SkipDead", &question.base);
    }
    return say_wrong(EXIT_USAGE, "usage: casebus dead list | retry ID | skip ID REASON");
}
