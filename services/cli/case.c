/* casebus case show | timeline CASE: where a case stands, and what happened to it, for a person. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/contract/json.h"
#include "common/contract/line.h"
#include "common/core/clock.h"
#include "common/core/slice.h"
#include "proto/intake.pb-c.h"
#include "services/cli/cli.h"

enum { LINE_WIDTH = 80 };

static int read_case(struct cli *cli, const char *case_id, const Intake__Case **out)
{
    Intake__ReadCase question = INTAKE__READ_CASE__INIT;
    question.case_id = case_id;
    struct answered answered;
    if (session_ask(cli, &(struct asked){.subject = "intake.ReadCase", .body = &question.base}, &answered) != FAULT_NONE) {
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
    printf("%s%s%s, born %s, %s; case %s\n", say_bold(cli), c->patient_name, say_plain(cli), c->birth_date ? c->birth_date : "?",
        c->patient_state ? c->patient_state : "state unknown", word);
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
        if (c->clocks[i]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_RUNNING || c->clocks[i]->state == CASEBUS__CLOCK_STATE__CLOCK_STATE_OVERDUE) {
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

/* ---- timeline ---- */

/* Who did it: the patient and the case manager by name, others by role; nothing where the suite did it by itself. */
static const char *who(struct cli *cli, const Intake__Case *c, const struct happened *h)
{
    const char *role = say_actor(&cli->arena, h->role, false);
    const char *played = h->simulated ? " (simulated)" : "";
    if (h->role == CASEBUS__ROLE__ROLE_SYSTEM) {
        return "";
    }
    if (h->role == CASEBUS__ROLE__ROLE_PATIENT && c->patient_name) {
        return arena_printf(&cli->arena, "%s, patient%s: ", c->patient_name, played);
    }
    if (c->manager_id && h->actor_id && str_same(c->manager_id, h->actor_id)) {
        return arena_printf(&cli->arena, "%s, %s%s: ", c->manager_name, role, played);
    }
    return arena_printf(&cli->arena, "%s%s: ", role, played);
}

/* Events of one kind that come together are said as one: a sentence, and how many more. */
static size_t run_of(const struct history *history, size_t from)
{
    size_t count = 1;
    while (from + count < history->count && history->events[from + count].row == history->events[from].row &&
           history->events[from + count].at_ms - history->events[from].at_ms < 60000) {
        count++;
    }
    return count;
}

/* Keeps the events to be told, in place. */
static void keep_told(const struct cli *cli, struct history *history)
{
    size_t kept = 0;
    for (size_t i = 0; i < history->count; i++) {
        if (history->events[i].row->line[0] != '\0' && (cli->options.all || !history->events[i].row->minor)) {
            history->events[kept++] = history->events[i];
        }
    }
    history->count = kept;
}

static void print_line(struct cli *cli, const Intake__Case *c, const struct happened *h, size_t count)
{
    const char *line = line_write(h->event, &cli->arena);
    int64_t due_at_ms = event_due(h);
    const char *more = count > 1 ? arena_printf(&cli->arena, " (and %zu more)", count - 1) : "";
    const char *due = due_at_ms ? arena_printf(&cli->arena, "; next due %s", say_clock(&cli->arena, c->zone, due_at_ms)) : "";
    printf("%s%s%s  ", say_dim(cli), say_clock(&cli->arena, c->zone, h->at_ms), say_plain(cli));
    say_wrapped(arena_printf(&cli->arena, "%s%s%s%s", who(cli, c, h), line, more, due), 17, LINE_WIDTH);
}

static void print_json_line(struct cli *cli, const struct happened *h)
{
    printf("{\"sequence\":%" PRIu64 ",\"atMs\":\"%" PRId64 "\",\"service\":\"%s\",\"subject\":\"%s\",\"actor\":\"%s\",\"simulated\":%s,\"event\":%s}\n",
        h->sequence, h->at_ms, h->service ? h->service : "", h->row->subject, h->actor_id ? h->actor_id : "",
        h->simulated ? "true" : "false", json_write(h->event, JSON_LINE, &cli->arena));
}

static int timeline(struct cli *cli, const char *case_id)
{
    const Intake__Case *c = NULL;
    struct history history = {.root = case_id};
    struct why why = {0};
    int status = read_case(cli, case_id, &c);
    if (status != EXIT_DONE) {
        return status;
    }
    enum fault fault = history_read(cli, &history, &why);
    if (fault != FAULT_NONE) {
        return say_wrong((enum exit_status)exit_status_of(fault), "%s: %s", case_id, why.text);
    }
    if (!cli->options.json) {
        keep_told(cli, &history);
    }
    for (size_t i = 0; i < history.count;) {
        size_t count = cli->options.all || cli->options.json ? 1 : run_of(&history, i);
        if (cli->options.json) {
            print_json_line(cli, &history.events[i]);
        } else {
            print_line(cli, c, &history.events[i], count);
        }
        i += count;
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
    return told ? timeline(cli, cli->words[1]) : show(cli, cli->words[1]);
}
