/* casebus-payer: the reference insurer as a process. Takes tasks from the edge, answers them, and waits for the next.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bus/payer_link.h"
#include "common/core/clock.h"
#include "common/core/must.h"
#include "common/service/log.h"
#include "common/service/settings.h"
#include "services/payer/payer.h"

enum {
    MEMORY_FACTS = 1 << 18, /* of members, grants and answers: about 64 MiB when all are there */
    WAIT_MS = 500,
    HELP_BYTES_MAX = 16384,
    LATER_MS = 5000,                      /* a question that cannot be read now comes again after so long */
    OUTGOING_MAX = PAYER_ANSWERS_MAX / 2, /* below what the link holds: an answer that is given finds room */
};

static const struct setting SETTINGS[] = {
    {"config", "", "settings file with lines name = value", NULL},
    {"edges", "ipc:///run/casebus/edge.sock", "endpoints of the network's edges, separated by commas",
        setting_is_given},
    {"tenant", "demo", "the network whose members are asked about", setting_is_id},
    {"payers", PAYER_ANY, "payer ids to answer for, separated by commas; * is every one that nobody else answers for",
        setting_is_given},
    {"seeds", "/usr/share/casebus/seeds", "folder of the reference data: the book of plans", setting_is_given},
    {"log-level", "info", "debug, info, warn or error", setting_is_level},
    {0},
};

/* An answer on its way: kept until it has settled, and given again until then. A decision that follows a pended answer
 * is given when that one has settled. */
struct outgoing {
    char token[PAYER_TOKEN_SIZE]; /* "": free */
    const char *subject;
    uint8_t *bodies[2];
    size_t sizes[2];
    int stage; /* the body that is under way */
    bool given;
};

struct process {
    struct payer_link *link;
    const Insurers__Payers *book;
    struct memory *memory;
    struct arena call;
    struct outgoing *outgoing;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static void log_task(const char *what, enum log_level level, const char *subject, const char *outcome)
{
    struct log_line line;
    log_begin(&line, level, clock_wall_ms(), what);
    log_word(&line, "subject", subject);
    log_word(&line, "outcome", outcome);
    log_end(&line);
}

/* ---- Answers on their way ---- */

static struct outgoing *find_outgoing(struct process *p, const char *token)
{
    for (size_t i = 0; i < OUTGOING_MAX; i++) {
        if (strcmp(p->outgoing[i].token, token) == 0) {
            return &p->outgoing[i];
        }
    }
    return NULL;
}

static void forget(struct outgoing *answer)
{
    free(answer->bodies[0]);
    free(answer->bodies[1]);
    *answer = (struct outgoing){0};
}

static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size + 1); /* an empty answer is one too */
    MUST(copy);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

static void give(struct process *p, struct outgoing *answer)
{
    struct why why = {0};
    struct body body = {answer->bodies[answer->stage], answer->sizes[answer->stage]};
    answer->given = payer_answer(p->link, answer->token, answer->subject, body, &why) == FAULT_NONE;
}

/* What could not be given, or was given and not taken. */
static void give_waiting(struct process *p)
{
    for (size_t i = 0; i < OUTGOING_MAX; i++) {
        if (p->outgoing[i].token[0] != '\0' && !p->outgoing[i].given) {
            give(p, &p->outgoing[i]);
        }
    }
}

/* False when no place is left: then the task is put off. A task that comes again begins anew. */
static bool send_answers(struct process *p, const struct payer_task *task, const struct answers *answers)
{
    struct outgoing *answer = find_outgoing(p, task->token);
    answer = answer ? answer : find_outgoing(p, "");
    if (!answer) {
        return false;
    }
    forget(answer);
    memcpy(answer->token, task->token, sizeof answer->token);
    answer->subject = answers->subject;
    answer->bodies[0] = copy_of(answers->now, answers->now_size);
    answer->sizes[0] = answers->now_size;
    if (answers->then) {
        answer->bodies[1] = copy_of(answers->then, answers->then_size);
        answer->sizes[1] = answers->then_size;
    }
    give(p, answer);
    return true;
}

static void settled(struct process *p, const struct payer_outcome *outcome)
{
    struct outgoing *answer = find_outgoing(p, outcome->token);
    bool refused = fault_is_refusal(outcome->fault);
    log_task("settled", refused ? LOG_WARN : LOG_INFO, answer ? answer->subject : NULL, fault_word(outcome->fault));
    if (!answer) {
        return;
    }
    if (outcome->fault != FAULT_NONE && !refused) {
        answer->given = false; /* Again with the next quiet moment. */
    } else if (outcome->fault == FAULT_NONE && answer->stage == 0 && answer->bodies[1]) {
        answer->stage = 1;
        give(p, answer);
    } else {
        forget(answer);
    }
}

/* ---- Tasks ---- */

static void put_off(struct process *p, const struct payer_task *task, const char *subject)
{
    struct why why = {0};
    (void)payer_later(p->link, task, LATER_MS, &why); /* With its link lost it comes again anyway. */
    log_task("put-off", LOG_WARN, subject, "LATER");
}

static void take(struct process *p, const struct payer_task *task)
{
    struct why why = {0};
    struct answers answers;
    struct insurer in = {
        .payer = book_find(p->book, task->payer_id), .memory = p->memory, .arena = &p->call, .now_ms = clock_wall_ms()};
    enum fault fault = answer_question(&in, task->subject, task->id, task->body.bytes, task->body.size, &answers, &why);
    if (fault != FAULT_NONE || !send_answers(p, task, &answers)) {
        put_off(p, task, task->subject);
    } else {
        log_task("answered", LOG_INFO, task->subject, fault_word(FAULT_NONE));
    }
    arena_reset(&p->call);
}

static void serve(struct process *p)
{
    struct payer_task task;
    struct payer_outcome outcome;
    while (!stopping) {
        switch (payer_next(p->link, WAIT_MS, &task, &outcome)) {
        case PAYER_TASK:
            take(p, &task);
            break;
        case PAYER_SETTLED:
            settled(p, &outcome);
            break;
        case PAYER_UP:
            log_task("edge", LOG_INFO, NULL, "UP");
            give_waiting(p);
            break;
        case PAYER_LOST:
            log_task("edge", LOG_WARN, NULL, "LOST");
            break;
        case PAYER_REFUSED:
            fprintf(stderr, "casebus-payer: the edge refuses: %s\n", outcome.why.text);
            break;
        case PAYER_NOTHING:
            give_waiting(p);
            break;
        }
    }
}

/* ---- Start ---- */

static bool open_link(struct process *p, const struct settings *settings, struct why *why)
{
    const char *edges[SETTING_LIST_MAX], *payers[SETTING_LIST_MAX];
    struct payer_options options = {.endpoints = edges, .payer_ids = payers, .version = "reference"};
    options.endpoint_count = (unsigned)settings_list(settings, "edges", edges);
    options.payer_id_count = (unsigned)settings_list(settings, "payers", payers);
    options.tenant = settings_text(settings, "tenant");
    return payer_link_new(&options, why, &p->link) == FAULT_NONE;
}

static int run(const struct settings *settings)
{
    struct why why = {0};
    struct arena book;
    struct process p = {.memory = memory_new(MEMORY_FACTS), .outgoing = calloc(OUTGOING_MAX, sizeof(struct outgoing))};
    MUST(p.outgoing);
    arena_init(&book, 0);
    arena_init(&p.call, 0);
    bool ready = book_load(settings_text(settings, "seeds"), &book, &p.book, &why) == FAULT_NONE &&
                 open_link(&p, settings, &why);
    if (ready) {
        serve(&p);
        payer_link_free(&p.link);
    } else {
        fprintf(stderr, "casebus-payer: %s\n", why.text);
    }
    for (size_t i = 0; i < OUTGOING_MAX; i++) {
        forget(&p.outgoing[i]);
    }
    free(p.outgoing);
    memory_free(&p.memory);
    arena_done(&p.call);
    arena_done(&book);
    return ready ? 0 : 1;
}

int main(int argc, char **argv)
{
    extern char **environ;
    static const struct setting *const TABLES[] = {SETTINGS, NULL};
    struct settings *settings = NULL;
    struct why why = {0};
    struct sigaction action = {.sa_handler = on_signal};
    switch (settings_load("payer", TABLES, false, argc, argv, environ, &settings, &why)) {
    case SETTINGS_HELP: {
        struct text text;
        text_init(&text, HELP_BYTES_MAX);
        settings_help("casebus-payer", "[--name=value ...]", TABLES, &text);
        fputs(text.at, stdout);
        text_done(&text);
        return 0;
    }
    case SETTINGS_WRONG:
        fprintf(stderr, "casebus-payer: %s\n", why.text);
        return 2;
    case SETTINGS_READY:
        break;
    }
    log_open("payer", log_level_of(settings_text(settings, "log-level")), STDERR_FILENO);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    int status = run(settings);
    settings_free(&settings);
    return status;
}
