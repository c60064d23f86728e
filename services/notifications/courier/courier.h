/* The courier: the process that hands notices to the outside world, as mail.
 *
 * It takes tasks of the lanes `channel/<tenant>/email`, which stay on their lane until the answer is committed, so a task may come
 * more than once: after a lost link, a killed courier, a restarted broker. A mail that was handed over is not handed over again:
 *
 *     task -> journal says nothing   -> "begun" is on the disk -> sent -> outcome is on the disk -> answered
 *          -> journal says outcome   -> the same answer again
 *          -> journal says begun     -> unknown: it may have been sent, so it is not sent again (promise P9)
 *
 * What is sent is what notifications wrote for open channels. Nothing of it is logged: no address, no subject, no text. */
#ifndef CASEBUS_COURIER_H
#define CASEBUS_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/core/arena.h"
#include "common/core/fault.h"
#include "proto/notifications.pb-c.h"

enum {
    SENDING_MAX = 16,   /* mails on their way at a time */
    JOURNAL_DAYS = 8,   /* a task that is older has long been answered: commands are remembered for 7 days */
    MAIL_LINE_MAX = 76, /* RFC 2045, 6.7 and 6.8 */
    MAIL_BYTES_MAX = 64 << 10,
};

/* ---- mail.c ---- */

struct mail_head {
    const char *from;      /* bare address */
    const char *from_name; /* UTF-8 */
    const char *domain;    /* of message ids */
    int64_t at_ms;
};

/* The message as it goes over the wire (RFC 5322, 2045, 2047): CRLF, 7-bit, the text in base64. The same question gives the same
 * Message-ID. NULL when an address is none: control characters, spaces, more or less than one @. In the arena. */
const char *mail_write(
    const struct mail_head *head, const Notifications__SendQuestion *question, struct arena *arena, size_t *out_size);

/* Whether a text is one bare address that can be put on a line of a header or of SMTP without becoming another line. */
bool mail_address_is_sane(const char *address);

/* ---- journal.c ---- */

struct journal;

enum journal_state { JOURNAL_NOTHING, JOURNAL_BEGUN, JOURNAL_ENDED };

/* Opens the journal, made where it is missing; entries older than JOURNAL_DAYS are left out for good. UNAVAILABLE with a sentence,
 * also while another courier holds it: each keeps its own. */
enum fault journal_open(const char *path, int64_t now_ms, struct journal **out, struct why *why);
void journal_close(struct journal **journal);

/* What is known of a task; `outcome` and `code` are set when it ended. */
enum journal_state journal_find(
    const struct journal *journal, const char *task_id, Notifications__SendOutcome *outcome, uint32_t *code);

/* On the disk before it returns; false when it could not be written: then nothing may be sent. A temporary outcome forgets the task, so
 * that the same one may be tried again. */
bool journal_begin(struct journal *journal, const char *task_id, int64_t now_ms);
bool journal_end(
    struct journal *journal, const char *task_id, Notifications__SendOutcome outcome, uint32_t code, int64_t now_ms);

/* ---- post.c ---- */

/* Where mail goes: `smtp://host:port`, `smtps://...`, or `folder:/path`, where every mail becomes a file. */
struct post_options {
    const char *url;
    const char *user; /* empty: no login */
    const char *password;
    const char *from;
    bool require_tls; /* refuse a server that does not offer STARTTLS */
    uint32_t timeout_s;
};

struct post;

/* One mail's end. `code` is the server's reply code, 0 when there was none. */
typedef void posted(void *user, Notifications__SendOutcome outcome, uint32_t code);

enum fault post_new(const struct post_options *options, struct why *why, struct post **out);
void post_free(struct post **post); /* Mails under way end UNKNOWN when their text was handed over, else TEMPORARY. */

/* Begins to send; `done` is called once, perhaps from within. The text is copied. */
void post_send(struct post *post, const char *to, const char *text, size_t size, posted *done, void *user);

/* Goes on with whatever can go on. Then: what to poll for, and how long at most (ms, -1: nothing under way). */
void post_step(struct post *post);
struct post_poll {
    int fd;
    bool read, write;
};
size_t post_polls(const struct post *post, struct post_poll *out, size_t room, long *out_wait_ms);
unsigned post_under_way(const struct post *post);

#endif
