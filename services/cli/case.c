/* casebus case show | timeline CASE: where a case stands, for a person; what happened to it is in timeline.c. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/contract/json.h"
#include "common/core/slice.h"
#include "services/cli/cli.h"

int read_case(struct cli *cli, const char *case_id, const Intake__Case **out)
{
    Intake__ReadCase question = INTAKE__READ_CASE__INIT;
    question.case_id = case_id;
    struct answered answered;
    if (session_ask(cli, &(struct asked){.subject = "intake.ReadCase", .body = &question.base}, &answered) !=
        FAULT_NONE) {
        return say_fault(cli, case_id, &answered);
    }
    *out = (const Intake__Case *)answered.reply;
    return EXIT_DONE;
}

/* ---- show ---- */

static void print_due(struct cli *cli, const Intake__Case *c, const char *what, const char *title, int64_t due_at_ms)
{
    printf("  %-8s %-16s %s\n", what, due_at_ms ? say_clock(&cli->arena, c->zone, due_at_ms) : "", title ? title : "");
}

static void print_case(struct cli *cli, const Intake__Case *c)
{
    const ProtobufCEnumValue *state = protobuf_c_enum_descriptor_get_value(&intake__case_state__descriptor, c->state);
    char word[40] = "";
    snprintf(word, sizeof word, "%s", state ? state->name + strlen("CASE_STATE_") : "");
    ascii_lower_all(word);
    printf("%s%s%s, born %s, %s; case %s\n", say_bold(cli), c->patient_name, say_plain(cli),
        c->birth_date ? c->birth_date : "?", c->patient_state ? c->patient_state : "state unknown", word);
    if (c->programme) {
        printf("  programme  %s\n", c->programme);
    }
    if (c->manager_name) {
        printf("  manager    %s\n", c->manager_name);
    }
    for (size_t i = 0; c->screening && i < c->screening->n_scores; i++) {
        const Intake__Score *score = c->screening->scores[i];
        if (score->not_computable) {
            printf("  score      %s not computable: %s\n", score->name, score->not_computable);
        } else {
            printf("  score      %s %" PRIu32 " %s\n", score->name, score->value, score->band ? score->band : "");
        }
    }
    for (size_t i = 0; i < c->n_clocks; i++) {
        if (c->clocks[i]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING ||
            c->clocks[i]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_OVERDUE) {
            print_due(cli, c, "clock", c->clocks[i]->name, c->clocks[i]->due_at_ms);
        }
    }
    for (size_t i = 0; i < c->n_work; i++) {
        if (c->work[i]->state == CASEBUS__WORK_STATE__WORK_STATE_OPEN) {
            print_due(cli, c, "to do", c->work[i]->title, c->work[i]->due_at_ms);
        }
    }
}

static int show(struct cli *cli, const char *case_id)
{
    const Intake__Case *c = NULL;
    int status = read_case(cli, case_id, &c);
    if (status != EXIT_DONE) {
        return status;
    }
    if (cli->options.json) {
        puts(json_write(&c->base, JSON_LINE, &cli->arena));
    } else {
        print_case(cli, c);
    }
    return EXIT_DONE;
}

int word_case(struct cli *cli)
{
    const char *verb = cli->word_count == 2 ? cli->words[0] : "";
    bool told = strcmp(verb, "timeline") == 0;
    if (!told && strcmp(verb, "show") != 0) {
        return say_wrong(EXIT_USAGE, "usage: casebus case show | timeline CASE");
    }
    int status = session_open(cli);
    if (status != EXIT_DONE) {
        return status;
    }
    return told ? show_timeline(cli, cli->words[1]) : show(cli, cli->words[1]);
}
