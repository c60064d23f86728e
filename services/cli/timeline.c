/* casebus case timeline CASE: what happened to a case, told to a person on one screen.
 *
 * What one person (or the suite by itself) did within a minute is one paragraph; events of one kind that come together are one sentence.
 * When that is more than a screen, notices are only counted; when it still is, the beginning and the end are told, and how much lies
 * between. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/contract/json.h"
#include "common/contract/line.h"
#include "common/core/instant.h"
#include "common/core/slice.h"
#include "services/cli/cli.h"

enum {
    LINE_WIDTH = 80,
    TEXT_COLUMN = 17,
    LINES_MAX = 40,
    BEGINNING_LINES = 12,  /* told of the beginning where not all fits */
    PARAGRAPH_BYTES = 320, /* a longer one is not gone on with */
    FOLD_MS = 600000,      /* notices to one person within so long are one sentence */
};

/* A paragraph. */
struct told {
    int64_t at_ms;
    const char *who;
    const char *text;
    size_t events;
    size_t lines;
};

struct telling {
    struct cli *cli;
    const Intake__Case *about;
    struct told *paragraphs;
    size_t count;
    bool without_notices; /* they are only counted, because not all fits */
    size_t notices;
};

/* ---- Sentences ---- */

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

/* How many events of this kind come together from here on. */
static size_t run_of(const struct history *history, size_t from)
{
    size_t count = 1;
    if (history->events[from].folded > 0) {
        return count + history->events[from].folded;
    }
    while (from + count < history->count && history->events[from + count].row == history->events[from].row &&
           history->events[from + count].at_ms - history->events[from].at_ms < MINUTE_MS) {
        count++;
    }
    return count;
}

/* After a name goes a small letter, else a sentence begins with a capital one. */
static const char *sentence(const struct telling *t, const struct happened *h, size_t run, bool begins)
{
    struct arena *arena = &t->cli->arena;
    const char *line = line_write(h->event, arena);
    int64_t due_at_ms = event_due(h);
    const char *more = run > 1 ? arena_printf(arena, " (and %zu more)", run - 1) : "";
    const char *due =
        due_at_ms ? arena_printf(arena, "; next due %s", say_clock(arena, t->about->zone, due_at_ms)) : "";
    return arena_printf(
        arena, "%c%s%s%s", begins ? ascii_upper(line[0]) : line[0], line + (line[0] != '\0'), more, due);
}

/* ---- Paragraphs ---- */

static bool goes_on(const struct told *last, const struct happened *h, const char *actor)
{
    return last->at_ms / MINUTE_MS == h->at_ms / MINUTE_MS && str_same(last->who, actor) &&
           strlen(last->text) < PARAGRAPH_BYTES;
}

static void tell(struct telling *t, const struct happened *h, size_t run)
{
    const char *actor = who(t->cli, t->about, h);
    struct told *last = t->count > 0 ? &t->paragraphs[t->count - 1] : NULL;
    bool joined = last && !t->cli->options.all && goes_on(last, h, actor);
    const char *text = sentence(t, h, run, joined || actor[0] == '\0');
    if (joined) {
        last->text = arena_printf(&t->cli->arena, "%s. %s", last->text, text);
        last->events += run;
    } else {
        t->paragraphs[t->count++] = (struct told){.at_ms = h->at_ms, .who = actor, .text = text, .events = run};
    }
}

/* What makes two notices one of a kind: why somebody was not told, else who was told. NULL for every other event. */
static const char *fold_key(const struct happened *h)
{
    const char *recipient = contract_string_field(h->event, "recipient");
    const char *why = recipient ? contract_string_field(h->event, "why") : NULL;
    return why ? why : recipient;
}

/* The earlier event that this one is one more of: somebody was told, or not told, something else a moment ago; NULL when it stands
 * alone. What the person was told of stands in the time line anyway. */
static struct happened *one_more_of(struct history *history, size_t kept, const struct happened *h)
{
    const char *key = fold_key(h);
    for (size_t i = kept; key && i-- > 0 && h->at_ms - history->events[i].at_ms < FOLD_MS;) {
        struct happened *earlier = &history->events[i];
        if (earlier->row == h->row && str_same(fold_key(earlier), key)) {
            return earlier;
        }
    }
    return NULL;
}

/* Keeps the events to be told, in place. */
static void keep_told(struct telling *t, struct history *history)
{
    const struct cli *cli = t->cli;
    size_t kept = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct happened *h = &history->events[i];
        bool told = h->row->line[0] != '\0' && (cli->options.all || !h->row->minor);
        if (told && t->without_notices && fold_key(h)) {
            t->notices++;
            continue;
        }
        struct happened *earlier = told && !cli->options.all ? one_more_of(history, kept, h) : NULL;
        if (earlier) {
            earlier->folded++;
        } else if (told) {
            history->events[kept++] = *h;
        }
    }
    history->count = kept;
}

static const char *paragraph(const struct telling *t, const struct told *told)
{
    return arena_printf(&t->cli->arena, "%s%s", told->who, told->text);
}

static size_t lines_of(const struct telling *t)
{
    size_t lines = t->notices > 0;
    for (size_t i = 0; i < t->count; i++) {
        lines += t->paragraphs[i].lines;
    }
    return lines;
}

static void gather(struct telling *t, struct history history)
{
    struct happened *events = ARENA_ARRAY(&t->cli->arena, struct happened, history.count + 1);
    memcpy(events, history.events, history.count * sizeof *events);
    history.events = events;
    keep_told(t, &history);
    t->count = 0;
    t->paragraphs = ARENA_ARRAY(&t->cli->arena, struct told, history.count + 1);
    for (size_t i = 0; i < history.count;) {
        size_t run = t->cli->options.all ? 1 : run_of(&history, i);
        tell(t, &history.events[i], run);
        i += history.events[i].folded > 0 ? 1 : run;
    }
    for (size_t i = 0; i < t->count; i++) {
        t->paragraphs[i].lines = say_height(paragraph(t, &t->paragraphs[i]), TEXT_COLUMN, LINE_WIDTH);
    }
}

/* ---- What fits ---- */

/* The paragraphs [from, to) that are left out, so that the rest and a line about them fit on a screen; none when all fits. */
static void leave_out(const struct telling *t, size_t *from, size_t *to)
{
    *from = *to = t->count;
    if (lines_of(t) <= LINES_MAX || t->cli->options.all) {
        return;
    }
    size_t kept = 0;
    for (*from = 0; *from < t->count && kept + t->paragraphs[*from].lines <= BEGINNING_LINES;) {
        kept += t->paragraphs[(*from)++].lines;
    }
    for (*to = t->count; *to > *from && kept + t->paragraphs[*to - 1].lines < LINES_MAX;) {
        kept += t->paragraphs[--*to].lines;
    }
}

static void print_paragraphs(const struct telling *t)
{
    size_t from, to, hidden = 0;
    leave_out(t, &from, &to);
    for (size_t i = 0; i < t->count; i++) {
        const struct told *told = &t->paragraphs[i];
        hidden += i >= from && i < to ? told->events : 0;
        if (i + 1 == to && hidden > 0) {
            printf("%*s... %zu more; --all tells them\n", TEXT_COLUMN, "", hidden);
        }
        if (i < from || i >= to) {
            printf(
                "%s%s%s  ", say_dim(t->cli), say_clock(&t->cli->arena, t->about->zone, told->at_ms), say_plain(t->cli));
            say_wrapped(paragraph(t, told), TEXT_COLUMN, LINE_WIDTH);
        }
    }
    if (t->notices > 0) {
        printf("%*s%zu notices, given or withheld; --all tells them\n", TEXT_COLUMN, "", t->notices);
    }
}

static void print_json_line(struct cli *cli, const struct happened *h)
{
    printf("{\"sequence\":%" PRIu64 ",\"atMs\":\"%" PRId64
           "\",\"service\":\"%s\",\"subject\":\"%s\",\"actor\":\"%s\",\"simulated\":%s,\"event\":%s}\n",
        h->sequence, h->at_ms, h->service ? h->service : "", h->row->subject, h->actor_id ? h->actor_id : "",
        h->simulated ? "true" : "false", json_write(h->event, JSON_LINE, &cli->arena));
}

int show_timeline(struct cli *cli, const char *case_id)
{
    struct telling t = {.cli = cli};
    struct history history = {.root = case_id};
    struct why why = {0};
    int status = read_case(cli, case_id, &t.about);
    if (status != EXIT_DONE) {
        return status;
    }
    enum fault fault = history_read(cli, &history, &why);
    if (fault != FAULT_NONE) {
        return say_wrong((enum exit_status)exit_status_of(fault), "%s: %s", case_id, why.text);
    }
    if (!cli->options.json) {
        gather(&t, history);
        if (lines_of(&t) > LINES_MAX && !cli->options.all) {
            t.without_notices = true;
            gather(&t, history);
        }
        print_paragraphs(&t);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < history.count; i++) {
        print_json_line(cli, &history.events[i]);
    }
    return EXIT_DONE;
}
