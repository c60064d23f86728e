/* The courier's parts: a mail on the wire, a real mail server on loopback in all its moods, and the journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/core/instant.h"
#include "common/core/slice.h"
#include "services/notifications/courier/courier.h"
#include "tests/support/smtp_server.h"

#define OUTCOME(word) NOTIFICATIONS__SEND_OUTCOME__SEND_OUTCOME_##word
#define NOW_MS        INT64_C(1795316400000) /* Sun 2026-11-22 03:00:00 UTC */

static struct arena arena;
static struct smtp_server server;
static char folder[] = "/tmp/casebus-courier-XXXXXX";
static char journal_path[64];

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    snprintf(journal_path, sizeof journal_path, "%s/journal", folder);
    return 0;
}

static int done(void **state)
{
    (void)state;
    char lock[80];
    snprintf(lock, sizeof lock, "%s.lock", journal_path);
    unlink(lock);
    unlink(journal_path);
    rmdir(folder);
    arena_done(&arena);
    return 0;
}

static const char *write_mail(const char *to, const char *subject, const char *body, size_t *size)
{
    Notifications__SendQuestion question = NOTIFICATIONS__SEND_QUESTION__INIT;
    struct mail_head head = {"care@example.org", "Casebus Care", "example.org", NOW_MS};
    question.message_id = "m1";
    question.to = to;
    question.to_name = "Jane";
    question.subject = subject;
    question.body = body;
    question.language = "es";
    return mail_write(&head, &question, &arena, size);
}

/* ---- The text ---- */

/* The oracle of these octets is Python's email package. */
static const char WHOLE[] = "Date: Sun, 22 Nov 2026 03:00:00 +0000\r\n"
                            "@ID@"
                            "From: =?UTF-8?B?Q2FzZWJ1cyBDYXJl?= <care@example.org>\r\n"
                            "To: <jane@example.org>\r\n"
                            "Subject: =?UTF-8?B?VGllbmUgdW5hIGNpdGEgbWHDsWFuYQ==?=\r\n"
                            "MIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=utf-8\r\n"
                            "Content-Transfer-Encoding: base64\r\n"
                            "Content-Language: es\r\n"
                            "Auto-Submitted: auto-generated\r\n"
                            "\r\n"
                            "wr9QcmVndW50YXM/IExsYW1lIGFsIDEtODAwLTU1NS0wMTAwLgouCkFkacOzcy4=\r\n";

#define SUBJECT "Tiene una cita mañana"
#define BODY    "¿Preguntas? Llame al 1-800-555-0100.\n.\nAdiós."

/* Whether the text is WHOLE, with a Message-ID of our domain in its place. */
static bool is_whole(const char *text, size_t size)
{
    const char *mark = strstr(WHOLE, "@ID@"), *rest = mark + strlen("@ID@");
    size_t before = (size_t)(mark - WHOLE);
    const char *id_end = size > before ? strstr(text + before, "\r\n") : NULL;
    return id_end && memcmp(text, WHOLE, before) == 0 && str_starts_with(text + before, "Message-ID: <") &&
           memcmp(id_end - strlen("@example.org>"), "@example.org>", strlen("@example.org>")) == 0 &&
           size == (size_t)(id_end + 2 - text) + strlen(rest) && memcmp(id_end + 2, rest, strlen(rest)) == 0;
}

static void a_mail_is_written_as_the_rfcs_say(void **state)
{
    (void)state;
    size_t size = 0, again = 0;
    const char *text = write_mail("jane@example.org", SUBJECT, BODY, &size);
    assert_true(is_whole(text, size));
    assert_string_equal(write_mail("jane@example.org", SUBJECT, BODY, &again), text);
}

static void no_address_becomes_another_header(void **state)
{
    (void)state;
    static const char *const BAD[] = {"", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\r\nBcc: x@y", "a@b\nX: y",
        "a@b,c@d", "<a@b>", "a@b\tc", "Jane <a@b>", "\"a\"@b", "a@b\x7f", "a@ñ"};
    size_t size = 0;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        print_message("  %zu\n", i);
        assert_null(write_mail(BAD[i], "s", "b", &size));
    }
}

static void no_subject_becomes_another_header_and_no_line_is_too_long(void **state)
{
    (void)state;
    static const char *const SUBJECTS[] = {"a\r\nBcc: x@y.z", "\r\n\r\nbody", "",
        "ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú ñandú"};
    size_t size = 0;
    for (size_t i = 0; i < sizeof SUBJECTS / sizeof SUBJECTS[0]; i++) {
        const char *text = write_mail("jane@example.org", SUBJECTS[i], BODY, &size);
        unsigned headers = 0;
        bool head = true;
        for (const char *line = text; *line; line = strstr(line, "\r\n") + 2) {
            size_t length = (size_t)(strstr(line, "\r\n") - line);
            assert_true(length <= 78);
            head = head && length > 0;
            headers += head && line[0] != ' ';
            for (size_t c = 0; c < length; c++) {
                assert_true(line[c] >= ' ' && line[c] <= '~');
            }
        }
        assert_int_equal(headers, 10);
    }
}

/* ---- The server ---- */

struct end {
    unsigned times;
    Notifications__SendOutcome outcome;
    uint32_t code;
};

static void note_end(void *user, Notifications__SendOutcome outcome, uint32_t code)
{
    struct end *end = user;
    *end = (struct end){end->times + 1, outcome, code};
}

static void drive(struct post *post, const struct end *ends, unsigned count)
{
    unsigned ended = 0;
    while (ended < count) {
        struct post_poll polls[16];
        struct pollfd fds[16];
        long wait_ms = -1;
        post_step(post);
        size_t n = post_polls(post, polls, 16, &wait_ms);
        for (size_t i = 0; i < n; i++) {
            fds[i] =
                (struct pollfd){polls[i].fd, (short)((polls[i].read ? POLLIN : 0) | (polls[i].write ? POLLOUT : 0)), 0};
        }
        ended = 0;
        for (unsigned i = 0; i < count; i++) {
            ended += ends[i].times;
        }
        if (ended < count) {
            poll(fds, n, wait_ms < 0 || wait_ms > 100 ? 100 : (int)wait_ms);
        }
    }
}

static struct post *open_post(const char *url, bool tls, uint32_t timeout_s)
{
    struct post_options options = {url, "", "", "care@example.org", tls, timeout_s};
    struct post *post = NULL;
    struct why why;
    assert_int_equal(post_new(&options, &why, &post), FAULT_NONE);
    return post;
}

static struct end send_one(const char *url, bool tls, uint32_t timeout_s)
{
    struct end end = {0};
    size_t size = 0;
    const char *text = write_mail("jane@example.org", SUBJECT, BODY, &size);
    struct post *post = open_post(url, tls, timeout_s);
    post_send(post, "jane@example.org", text, size, note_end, &end);
    drive(post, &end, 1);
    assert_int_equal(post_under_way(post), 0);
    post_free(&post);
    assert_int_equal(end.times, 1);
    return end;
}

static void an_accepted_mail_arrives_byte_for_byte(void **state)
{
    (void)state;
    smtp_start(&server, SMTP_ACCEPTS);
    struct end end = send_one(server.url, false, 20);
    smtp_stop(&server);
    assert_int_equal(end.outcome, OUTCOME(ACCEPTED));
    assert_int_equal(server.count, 1);
    assert_true(is_whole(server.mails[0].text, server.mails[0].size));
    assert_string_equal(server.mails[0].from, "MAIL FROM:<care@example.org>\r\n");
    assert_string_equal(server.mails[0].to, "RCPT TO:<jane@example.org>\r\n");
}

static void what_becomes_of_a_mail_follows_the_last_word(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum smtp_conduct conduct;
        Notifications__SendOutcome outcome;
        uint32_t code; /* 0: any */
        unsigned texts;
    } ROWS[] = {
        {"busy", SMTP_BUSY, OUTCOME(TEMPORARY), 421, 0},
        {"no such recipient", SMTP_REFUSES_RECIPIENT, OUTCOME(PERMANENT), 550, 0},
        {"recipient later", SMTP_DELAYS_RECIPIENT, OUTCOME(TEMPORARY), 450, 0},
        {"text refused", SMTP_REFUSES_TEXT, OUTCOME(PERMANENT), 554, 1},
        {"text later", SMTP_DELAYS_TEXT, OUTCOME(TEMPORARY), 451, 1},
        {"cut before the text", SMTP_DROPS_BEFORE_TEXT, OUTCOME(TEMPORARY), 0, 0},
        {"cut after the text", SMTP_DROPS_AFTER_TEXT, OUTCOME(UNKNOWN), 0, 1},
        {"silent after the text", SMTP_SILENT_AFTER_TEXT, OUTCOME(UNKNOWN), 0, 1},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        print_message("  %s\n", ROWS[i].name);
        smtp_start(&server, ROWS[i].conduct);
        struct end end = send_one(server.url, false, ROWS[i].conduct == SMTP_SILENT_AFTER_TEXT ? 1 : 20);
        smtp_stop(&server);
        assert_int_equal(end.outcome, ROWS[i].outcome);
        assert_true(ROWS[i].code == 0 || end.code == ROWS[i].code);
        assert_int_equal(server.count, ROWS[i].texts);
        assert_int_equal(server.connections, 1); /* Nothing is sent again by itself. */
        assert_int_equal(server.nagged, 0); /* Nor is a silent server asked to say goodbye, while all others wait. */
    }
}

static void nobody_at_the_port_means_later(void **state)
{
    (void)state;
    smtp_start(&server, SMTP_ACCEPTS);
    smtp_stop(&server); /* Its port is free now. */
    assert_int_equal(send_one(server.url, false, 20).outcome, OUTCOME(TEMPORARY));
}

static void where_tls_is_required_a_server_without_it_learns_nothing(void **state)
{
    (void)state;
    smtp_start(&server, SMTP_ACCEPTS);
    struct end end = send_one(server.url, true, 20);
    smtp_stop(&server);
    assert_int_equal(end.outcome, OUTCOME(TEMPORARY));
    assert_int_equal(server.connections, 1);
    assert_int_equal(server.envelopes, 0);
}

static void many_mails_go_at_a_time_and_each_ends_once(void **state)
{
    (void)state;
    enum { COUNT = 8 };
    struct end ends[COUNT] = {0};
    size_t size = 0;
    const char *text = write_mail("jane@example.org", SUBJECT, BODY, &size);
    smtp_start(&server, SMTP_ACCEPTS);
    struct post *post = open_post(server.url, false, 20);
    for (unsigned i = 0; i < COUNT; i++) {
        post_send(post, "jane@example.org", text, size, note_end, &ends[i]);
    }
    drive(post, ends, COUNT);
    post_free(&post);
    smtp_stop(&server);
    assert_int_equal(server.count, COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(ends[i].times, 1);
        assert_int_equal(ends[i].outcome, OUTCOME(ACCEPTED));
    }
}

static void what_was_not_begun_ends_temporary_when_the_courier_ends(void **state)
{
    (void)state;
    struct end end = {0};
    smtp_start(&server, SMTP_ACCEPTS);
    struct post *post = open_post(server.url, false, 20);
    post_send(post, "jane@example.org", "x\r\n", 3, note_end, &end);
    post_free(&post);
    smtp_stop(&server);
    assert_int_equal(end.times, 1);
    assert_int_equal(end.outcome, OUTCOME(TEMPORARY));
    assert_int_equal(server.count, 0);
}

static void an_address_of_another_protocol_is_refused(void **state)
{
    (void)state;
    struct post_options options = {"http://127.0.0.1/", "", "", "care@example.org", false, 1};
    struct post *post = NULL;
    struct why why;
    assert_int_equal(post_new(&options, &why, &post), FAULT_INVALID);
}

/* ---- The journal ---- */

static struct journal *open_journal(int64_t now_ms)
{
    struct journal *journal = NULL;
    struct why why;
    assert_int_equal(journal_open(journal_path, now_ms, &journal, &why), FAULT_NONE);
    return journal;
}

static void the_journal_remembers_across_lives(void **state)
{
    (void)state;
    Notifications__SendOutcome outcome = 0;
    uint32_t code = 0;
    struct journal *journal = open_journal(NOW_MS);
    assert_int_equal(journal_find(journal, "t1", &outcome, &code), JOURNAL_NOTHING);
    assert_true(journal_begin(journal, "begun", NOW_MS));
    assert_true(
        journal_begin(journal, "ended", NOW_MS) && journal_end(journal, "ended", OUTCOME(PERMANENT), 550, NOW_MS));
    assert_true(
        journal_begin(journal, "later", NOW_MS) && journal_end(journal, "later", OUTCOME(TEMPORARY), 451, NOW_MS));
    for (int life = 0; life < 3; life++) {
        assert_int_equal(journal_find(journal, "begun", &outcome, &code), JOURNAL_BEGUN);
        assert_int_equal(journal_find(journal, "later", &outcome, &code), JOURNAL_NOTHING);
        assert_int_equal(journal_find(journal, "ended", &outcome, &code), JOURNAL_ENDED);
        assert_int_equal(outcome, OUTCOME(PERMANENT));
        assert_int_equal(code, 550);
        journal_close(&journal);
        journal = open_journal(NOW_MS);
    }
    journal_close(&journal);
    journal = open_journal(NOW_MS + (JOURNAL_DAYS + 1) * DAY_MS);
    assert_int_equal(journal_find(journal, "ended", &outcome, &code), JOURNAL_NOTHING);
    journal_close(&journal);
}

static void a_line_cut_short_by_a_crash_is_not_believed(void **state)
{
    (void)state;
    Notifications__SendOutcome outcome = 0;
    uint32_t code = 0;
    struct journal *journal = open_journal(NOW_MS);
    assert_true(journal_begin(journal, "t1", NOW_MS));
    journal_close(&journal);
    FILE *out = fopen(journal_path, "ae");
    assert_non_null(out);
    fprintf(out, "%lld t1 1", (long long)NOW_MS);
    fclose(out);
    journal = open_journal(NOW_MS);
    assert_int_equal(journal_find(journal, "t1", &outcome, &code), JOURNAL_BEGUN);
    assert_true(journal_begin(journal, "t2", NOW_MS));
    journal_close(&journal);
    journal = open_journal(NOW_MS);
    assert_int_equal(journal_find(journal, "t2", &outcome, &code), JOURNAL_BEGUN);
    journal_close(&journal);
}

static void two_couriers_cannot_keep_one_journal(void **state)
{
    (void)state;
    struct journal *first = open_journal(NOW_MS), *second = NULL;
    struct why why;
    assert_int_equal(journal_open(journal_path, NOW_MS, &second, &why), FAULT_UNAVAILABLE);
    assert_non_null(strstr(why.text, "another courier uses the journal"));
    journal_close(&first);
    second = open_journal(NOW_MS);
    journal_close(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mail_is_written_as_the_rfcs_say, begin, done),
        cmocka_unit_test_setup_teardown(no_address_becomes_another_header, begin, done),
        cmocka_unit_test_setup_teardown(no_subject_becomes_another_header_and_no_line_is_too_long, begin, done),
        cmocka_unit_test_setup_teardown(an_accepted_mail_arrives_byte_for_byte, begin, done),
        cmocka_unit_test_setup_teardown(what_becomes_of_a_mail_follows_the_last_word, begin, done),
        cmocka_unit_test_setup_teardown(nobody_at_the_port_means_later, begin, done),
        cmocka_unit_test_setup_teardown(where_tls_is_required_a_server_without_it_learns_nothing, begin, done),
        cmocka_unit_test_setup_teardown(many_mails_go_at_a_time_and_each_ends_once, begin, done),
        cmocka_unit_test_setup_teardown(what_was_not_begun_ends_temporary_when_the_courier_ends, begin, done),
        cmocka_unit_test_setup_teardown(an_address_of_another_protocol_is_refused, begin, done),
        cmocka_unit_test_setup_teardown(the_journal_remembers_across_lives, begin, done),
        cmocka_unit_test_setup_teardown(a_line_cut_short_by_a_crash_is_not_believed, begin, done),
        cmocka_unit_test_setup_teardown(two_couriers_cannot_keep_one_journal, begin, done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
