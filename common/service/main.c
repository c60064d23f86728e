#include "common/service/host.h"

#include "common/service/log.h"

#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

enum { EXIT_DONE = 0, EXIT_CANNOT_RUN = 1, EXIT_USAGE = 2 };

/* No core file and no debugger may show what a service holds. The leak check of a sanitizer needs to look, though. */
static void hide_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    prctl(PR_SET_DUMPABLE, 0);
#endif
}

static int print_help(const char *program, const struct setting *const *tables)
{
    struct text text;
    text_init(&text, TEXT_PAGE_BYTES);
    settings_help(program, "[--name=value ...]", tables, &text);
    fputs(text.at, stdout);
    text_done(&text);
    return EXIT_DONE;
}

static void say(const struct host *host, const char *what)
{
    struct log_line line;
    log_begin(&line, LOG_INFO, loop_now().wall_ms, what);
    log_word(&line, "instance", host->instance);
    log_end(&line);
}

static int run(struct host *host, const char *program)
{
    struct why why = {0};
    arena_init(&host->arena, 0);
    log_open(host->service->name, log_level_of(settings_text(host->settings, "log-level")), STDERR_FILENO);
    enum fault fault = host_start(host, &why);
    if (fault == FAULT_NONE) {
        say(host, "start");
        loop_run(host->loop);
        say(host, "stop");
    } else {
        fprintf(stderr, "%s: %s\n", program, why.text);
    }
    host_stop(host);
    arena_done(&host->arena);
    return fault == FAULT_NONE ? EXIT_DONE : EXIT_CANNOT_RUN;
}

int service_main(const struct service *service, int argc, char **argv)
{
    const struct setting *const tables[] = {SETTINGS_COMMON, SETTINGS_SERVICE, NULL};
    struct host host = {.service = service};
    struct why why = {0};
    char program[64];
    int status = EXIT_USAGE;
    snprintf(program, sizeof program, "casebus-%s", service->name);
    hide_memory();
    switch (settings_load(service->name, tables, false, argc, argv, environ, &host.settings, &why)) {
    case SETTINGS_HELP:
        return print_help(program, tables);
    case SETTINGS_WRONG:
        fprintf(stderr, "%s: %s\n", program, why.text);
        return EXIT_USAGE;
    case SETTINGS_READY:
        status = run(&host, program);
        break;
    }
    settings_free(&host.settings);
    return status;
}
