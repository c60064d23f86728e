/* casebus events [--case CASE] [--follow]: what happened lately, in order per root. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "common/contract/guard.h"
#include "common/contract/json.h"
#include "common/contract/line.h"
#include "proto/ops.pb-c.h"
#include "services/cli/cli.h"

enum { FOLLOW_EVERY_MS = 250 };

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = FOLLOW_EVERY_MS * 1000000L}, NULL);
}

static void print_event(struct cli *cli, const Ops__RecordView *record, const Ops__EventView *view)
{
    const struct contract_event *row = contract_find_event(view->subject ? view->subject : "");
    struct why why;
    ProtobufCMessage *event = NULL;
    if (row) {
        contract_unpack(
            row->message->descriptor, view->body.data, view->body.len, &CROSSING_STATE, &cli->arena, &why, &event);
    }
    if (cli->options.json) {
        printf("{\"root\":\"%s\",\"sequence\":%" PRIu64 ",\"atMs\":\"%" PRId64 "\",\"subject\":\"%s\",\"event\":%s}\n",
            record->root, record->sequence, record->at_ms, view->subject,
            event ? json_write(event, JSON_LINE, &cli->arena) : "null");
        return;
    }
    const char *line = event ? line_write(event, &cli->arena) : NULL;
    printf("%s %s%-32s%s %s %" PRIu64 "  %s\n", say_clock(&cli->arena, NULL, record->at_ms), say_bold(cli),
        view->subject, say_plain(cli), record->root, record->sequence, line ? line : "");
}

static void print_records(struct cli *cli, const Ops__RootRecords *records)
{
    for (size_t i = 0; i < records->n_records; i++) {
        for (size_t e = 0; e < records->records[i]->n_events; e++) {
            print_event(cli, records->records[i], records->records[i]->events[e]);
        }
    }
    fflush(stdout);
}

/* One answer; the positions it gives are where the next question goes on. */
static int ask_page(
    struct cli *cli, const char *subject, const ProtobufCMessage *question, const Ops__RootRecords **out)
{
    struct answered answered;
    struct asked asked = {.subject = subject, .body = question};
    if (session_ask(cli, &asked, &answered) != FAULT_NONE || !answered.reply) {
        return say_fault(cli, "events", &answered);
    }
    *out = (const Ops__RootRecords *)answered.reply;
    print_records(cli, *out);
    return EXIT_DONE;
}

static int events_of_case(struct cli *cli)
{
    Ops__ReadRoot question = OPS__READ_ROOT__INIT;
    question.root = cli->options.case_id;
    question.has_after_sequence = 1;
    int status = EXIT_DONE;
    for (bool more = true; more && status == EXIT_DONE;) {
        const Ops__RootRecords *page = NULL;
        status = ask_page(cli, "ops.ReadRoot", &question.base, &page);
        if (page && page->n_records > 0) {
            question.after_sequence = page->records[page->n_records - 1]->sequence;
        } else if (cli->options.follow) {
            wait_a_little();
        }
        more = cli->options.follow || (page && page->more && page->n_records > 0);
    }
    return status;
}

static int events_of_all(struct cli *cli)
{
    Ops__ReadEvents question = OPS__READ_EVENTS__INIT;
    int status = EXIT_DONE;
    for (bool more = true; more && status == EXIT_DONE;) {
        const Ops__RootRecords *page = NULL;
        status = ask_page(cli, "ops.ReadEvents", &question.base, &page);
        if (page) {
            question.n_after = page->n_positions;
            question.after = page->positions;
        }
        if (page && page->n_records == 0 && cli->options.follow) {
            wait_a_little();
        }
        more = cli->options.follow || (page && page->more);
    }
    return status;
}

int word_events(struct cli *cli)
{
    if (cli->word_count != 0) {
        return say_wrong(EXIT_USAGE, "usage: casebus events [--case CASE] [--follow]");
    }
    int status = session_open(cli);
    if (status != EXIT_DONE) {
        return status;
    }
    return cli->options.case_id ? events_of_case(cli) : events_of_all(cli);
}
