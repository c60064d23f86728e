#include "tests/support/smtp_server.h"

#include "common/core/must.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct talk {
    struct smtp_server *server;
    int fd;
    pthread_t thread;
    struct smtp_mail mail; /* on its way */
    char buffer[SMTP_LINE_MAX];
    size_t size, at;
};

/* Whether something can be read of it; false when the test ends first. */
static bool comes(const struct smtp_server *server, int fd)
{
    struct pollfd polls[] = {{.fd = server->stop[0], .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    MUST(poll(polls, 2, -1) > 0);
    return polls[0].revents == 0;
}

static int next_byte(struct talk *talk)
{
    if (talk->at == talk->size) {
        ssize_t got = comes(talk->server, talk->fd) ? recv(talk->fd, talk->buffer, sizeof talk->buffer, 0) : 0;
        if (got <= 0) {
            return -1;
        }
        talk->size = (size_t)got;
        talk->at = 0;
    }
    return (unsigned char)talk->buffer[talk->at++];
}

/* With its CRLF; false at the end of the talk. */
static bool next_line(struct talk *talk, char line[static SMTP_LINE_MAX])
{
    size_t size = 0;
    int byte = 0;
    while (byte != '\n') {
        byte = next_byte(talk);
        if (byte < 0) {
            return false;
        }
        MUST(size + 1 < SMTP_LINE_MAX);
        line[size++] = (char)byte;
    }
    line[size] = '\0';
    return true;
}

static bool say(const struct talk *talk, const char *line)
{
    return send(talk->fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
}

static bool take_text(struct talk *talk, struct smtp_mail *mail)
{
    char line[SMTP_LINE_MAX];
    while (next_line(talk, line)) {
        if (strcmp(line, ".\r\n") == 0) {
            return true;
        }
        const char *text = line[0] == '.' ? line + 1 : line;
        MUST(mail->size + strlen(text) < SMTP_TEXT_MAX);
        memcpy(mail->text + mail->size, text, strlen(text) + 1);
        mail->size += strlen(text);
    }
    return false;
}

static void count(struct smtp_server *server, unsigned *what)
{
    pthread_mutex_lock(&server->lock);
    *what += 1;
    pthread_mutex_unlock(&server->lock);
}

/* The last word on a mail; false: none. */
static bool judge(struct talk *talk)
{
    char line[SMTP_LINE_MAX];
    switch (talk->server->conduct) {
    case SMTP_REFUSES_TEXT:
        return say(talk, "554 5.7.1 no\r\n");
    case SMTP_DELAYS_TEXT:
        return say(talk, "451 4.3.0 later\r\n");
    case SMTP_DROPS_AFTER_TEXT:
        return false;
    case SMTP_SILENT_AFTER_TEXT:
        while (next_line(talk, line)) {
            count(talk->server, &talk->server->nagged);
        }
        return false;
    case SMTP_ACCEPTS:
    case SMTP_BUSY:
    case SMTP_REFUSES_RECIPIENT:
    case SMTP_DELAYS_RECIPIENT:
    case SMTP_DROPS_BEFORE_TEXT:
        break;
    }
    return say(talk, "250 2.0.0 taken\r\n");
}

static bool answer_recipient(const struct talk *talk)
{
    switch (talk->server->conduct) {
    case SMTP_REFUSES_RECIPIENT:
        return say(talk, "550 5.1.1 nobody here\r\n");
    case SMTP_DELAYS_RECIPIENT:
        return say(talk, "450 4.2.1 later\r\n");
    case SMTP_ACCEPTS:
    case SMTP_BUSY:
    case SMTP_REFUSES_TEXT:
    case SMTP_DELAYS_TEXT:
    case SMTP_DROPS_BEFORE_TEXT:
    case SMTP_DROPS_AFTER_TEXT:
    case SMTP_SILENT_AFTER_TEXT:
        break;
    }
    return say(talk, "250 2.1.5 ok\r\n");
}

static void keep(struct talk *talk)
{
    struct smtp_server *server = talk->server;
    pthread_mutex_lock(&server->lock);
    MUST(server->count < SMTP_MAILS_MAX);
    server->mails[server->count++] = talk->mail;
    pthread_mutex_unlock(&server->lock);
}

static bool answer_data(struct talk *talk)
{
    if (talk->server->conduct == SMTP_DROPS_BEFORE_TEXT || !say(talk, "354 go on\r\n") ||
        !take_text(talk, &talk->mail)) {
        return false;
    }
    keep(talk);
    return judge(talk);
}

static bool answer_command(struct talk *talk, const char *line)
{
    struct smtp_mail *mail = &talk->mail;
    if (strncasecmp(line, "MAIL FROM:", 10) == 0) {
        *mail = (struct smtp_mail){0};
        count(talk->server, &talk->server->envelopes);
        snprintf(mail->from, sizeof mail->from, "%s", line);
        return say(talk, "250 2.1.0 ok\r\n");
    }
    if (strncasecmp(line, "RCPT TO:", 8) == 0) {
        snprintf(mail->to, sizeof mail->to, "%s", line);
        return answer_recipient(talk);
    }
    if (strncasecmp(line, "DATA", 4) == 0) {
        return answer_data(talk);
    }
    if (strncasecmp(line, "QUIT", 4) == 0) {
        say(talk, "221 2.0.0 bye\r\n");
        return false;
    }
    return say(talk, "250 tests.example\r\n");
}

static void *serve(void *context)
{
    struct talk *talk = context;
    char line[SMTP_LINE_MAX];
    bool busy = talk->server->conduct == SMTP_BUSY;
    bool on = say(talk, busy ? "421 4.3.2 busy\r\n" : "220 tests.example ESMTP\r\n") && !busy;
    while (on && next_line(talk, line)) {
        on = answer_command(talk, line);
    }
    close(talk->fd);
    return NULL;
}

static void *run(void *context)
{
    struct smtp_server *server = context;
    struct talk *talks[SMTP_TALKS_MAX];
    unsigned count_of_talks = 0;
    while (comes(server, server->listener)) {
        MUST(count_of_talks < SMTP_TALKS_MAX);
        struct talk *talk = talks[count_of_talks++] = calloc(1, sizeof *talk);
        MUST(talk != NULL);
        *talk = (struct talk){.server = server, .fd = accept(server->listener, NULL, NULL)};
        MUST(talk->fd >= 0 && pthread_create(&talk->thread, NULL, serve, talk) == 0);
        count(server, &server->connections);
    }
    for (unsigned i = 0; i < count_of_talks; i++) {
        MUST(pthread_join(talks[i]->thread, NULL) == 0);
        free(talks[i]);
    }
    return NULL;
}

void smtp_start(struct smtp_server *server, enum smtp_conduct conduct)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    server->conduct = conduct;
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(server->listener >= 0 && pipe(server->stop) == 0);
    MUST(bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(server->listener, 16) == 0);
    MUST(getsockname(server->listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(server->url, sizeof server->url, "smtp://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    MUST(pthread_create(&server->thread, NULL, run, server) == 0);
}

void smtp_stop(struct smtp_server *server)
{
    MUST(write(server->stop[1], "", 1) == 1);
    MUST(pthread_join(server->thread, NULL) == 0);
    close(server->stop[0]);
    close(server->stop[1]);
    close(server->listener);
    pthread_mutex_destroy(&server->lock);
}
