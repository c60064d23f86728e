/* A mail server for tests: real SMTP on loopback, in threads of its own, on a port that the system chooses. It does what the test
 * told it, on many connections at a time, and keeps what it was given byte for byte.
 *
 * What it notes down is read after smtp_stop(). */
#ifndef SUPPORT_SMTP_SERVER_H
#define SUPPORT_SMTP_SERVER_H

#include <pthread.h>
#include <stddef.h>

enum smtp_conduct {
    SMTP_ACCEPTS,
    SMTP_BUSY,              /* 421 instead of a greeting, and the end */
    SMTP_REFUSES_RECIPIENT, /* 550 */
    SMTP_DELAYS_RECIPIENT,  /* 450 */
    SMTP_REFUSES_TEXT,      /* 554 once it has the whole text */
    SMTP_DELAYS_TEXT,       /* 451 likewise */
    SMTP_DROPS_BEFORE_TEXT, /* cuts the line instead of 354 */
    SMTP_DROPS_AFTER_TEXT,  /* cuts it instead of the last word */
    SMTP_SILENT_AFTER_TEXT, /* never says the last word */
};

enum { SMTP_TALKS_MAX = 32, SMTP_MAILS_MAX = 16, SMTP_TEXT_MAX = 16 << 10, SMTP_LINE_MAX = 1024 };

struct smtp_mail {
    char from[SMTP_LINE_MAX], to[SMTP_LINE_MAX]; /* the commands' lines */
    char text[SMTP_TEXT_MAX];                    /* without the dots of transparency and the final one */
    size_t size;
};

struct smtp_server {
    enum smtp_conduct conduct;
    int listener, stop[2];
    pthread_t thread;
    char url[64];
    pthread_mutex_t lock; /* of what follows */
    unsigned connections;
    unsigned envelopes; /* MAIL FROM heard */
    unsigned nagged;    /* lines that came while it was silent */
    struct smtp_mail mails[SMTP_MAILS_MAX];
    unsigned count; /* mails whose whole text came, whatever it was told of them */
};

void smtp_start(struct smtp_server *server, enum smtp_conduct conduct);
void smtp_stop(struct smtp_server *server);

#endif
