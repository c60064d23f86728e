/* What any process has: its log, its metrics, its loop and its pages. */
#include "common/core/slice.h"
#include "common/service/http.h"
#include "common/service/log.h"
#include "common/service/loop.h"
#include "common/service/metrics.h"
#include "common/service/tenants.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- Log ---- */

static void read_line(int descriptor, char *out, size_t size)
{
    ssize_t got = read(descriptor, out, size - 1);
    assert_true(got > 0);
    out[got] = '\0';
}

static void a_log_line_has_ids_and_words_and_no_free_text(void **unused)
{
    (void)unused;
    int pipes[2];
    char line[1024];
    struct log_line log;
    assert_int_equal(pipe(pipes), 0);
    log_open("intake", LOG_INFO, pipes[1]);
    log_begin(&log, LOG_INFO, INT64_C(1795316400000), "intake.EnrolCase");
    log_word(&log, "actor", "n1");
    log_word(&log, "case", "0a7-abc");
    log_word(&log, "note", "Mrs. Ng has a cough");
    log_word(&log, "nothing", "");
    log_word(&log, "line", "a\nlevel=error");
    log_number(&log, "ms", 3);
    log_end(&log);
    read_line(pipes[0], line, sizeof line);
    assert_string_equal(line,
        "time=2026-11-22T03:00:00.000Z level=info service=intake method=intake.EnrolCase actor=n1 "
        "case=0a7-abc note=? line=? ms=3\n");
    log_open("-", LOG_INFO, STDERR_FILENO);
    close(pipes[0]);
    close(pipes[1]);
}

static void lines_below_the_level_are_counted_and_not_written(void **unused)
{
    (void)unused;
    int pipes[2];
    char line[256];
    struct log_line log;
    uint64_t before = log_count(LOG_INFO);
    assert_int_equal(pipe(pipes), 0);
    log_open("x", LOG_WARN, pipes[1]);
    log_begin(&log, LOG_INFO, 0, "quiet");
    log_end(&log);
    log_begin(&log, LOG_WARN, 0, "loud");
    log_end(&log);
    read_line(pipes[0], line, sizeof line);
    assert_non_null(strstr(line, "method=loud"));
    assert_null(strstr(line, "quiet"));
    assert_int_equal(log_count(LOG_INFO), before + 1);
    log_open("-", LOG_INFO, STDERR_FILENO);
    close(pipes[0]);
    close(pipes[1]);
}

/* ---- Metrics ---- */

static void metrics_are_written_as_prometheus_reads_them(void **unused)
{
    (void)unused;
    struct metrics *metrics = metrics_new();
    struct text text;
    metric_add(metrics_find(metrics, METRIC_COUNTER, "casebus_calls_total", "Calls.", "outcome=\"OK\""), 2);
    metric_set(metrics_find(metrics, METRIC_GAUGE, "casebus_in_flight", "Now.", ""), 5);
    metric_add(metrics_find(metrics, METRIC_COUNTER, "casebus_calls_total", "Calls.", "outcome=\"REFUSED\""), 1);
    struct metric *seconds = metrics_find(metrics, METRIC_HISTOGRAM, "casebus_call_seconds", "Time.", "");
    metric_observe(seconds, 400);
    metric_observe(seconds, 1500);
    metric_observe(seconds, 60000000);
    text_init(&text, TEXT_PAGE_BYTES);
    metrics_write(metrics, &text);
    assert_true(str_starts_with(text.at, "# HELP casebus_calls_total Calls.\n"
                                         "# TYPE casebus_calls_total counter\n"
                                         "casebus_calls_total{outcome=\"OK\"} 2\n"
                                         "casebus_calls_total{outcome=\"REFUSED\"} 1\n"
                                         "# HELP casebus_in_flight Now.\n"
                                         "# TYPE casebus_in_flight gauge\n"
                                         "casebus_in_flight 5\n"));
    assert_non_null(strstr(text.at, "casebus_call_seconds_bucket{le=\"0.000500\"} 1\n"));
    assert_non_null(strstr(text.at, "casebus_call_seconds_bucket{le=\"0.002000\"} 2\n"));
    assert_non_null(strstr(text.at, "casebus_call_seconds_bucket{le=\"10.000000\"} 2\n"));
    assert_non_null(strstr(text.at, "casebus_call_seconds_bucket{le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text.at, "casebus_call_seconds_sum 60.001900\ncasebus_call_seconds_count 3\n"));
    text_done(&text);
    metrics_free(&metrics);
}

static void the_number_of_series_is_bounded(void **unused)
{
    (void)unused;
    struct metrics *metrics = metrics_new();
    char label[32];
    for (int i = 0; i < METRICS_MAX + 10; i++) {
        snprintf(label, sizeof label, "n=\"%d\"", i);
        metric_add(metrics_find(metrics, METRIC_COUNTER, "casebus_many_total", "Many.", label), 1);
    }
    struct metric *overflow = metrics_find(metrics, METRIC_COUNTER, "casebus_other_total", "Other.", "");
    assert_int_equal(metric_value(overflow), 10);
    metric_observe(metrics_find(metrics, METRIC_HISTOGRAM, "casebus_more_seconds", "More.", ""), 1);
    metrics_free(&metrics);
}

/* ---- Loop ---- */

struct seen {
    struct loop *loop;
    char order[16];
    unsigned turns;
};

static void note(struct seen *seen, char what)
{
    size_t size = strlen(seen->order);
    if (size + 1 < sizeof seen->order) {
        seen->order[size] = what;
    }
}

static void on_first(void *user, struct loop_now now)
{
    (void)now;
    note(user, '1');
}

static void on_second(void *user, struct loop_now now)
{
    (void)now;
    note(user, '2');
    loop_end(((struct seen *)user)->loop);
}

static void drain(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    (void)now, (void)items, (void)count;
    ((struct seen *)user)->turns++;
}

static void on_stop(void *user, struct loop_now now)
{
    (void)now;
    note(user, 's');
    loop_end(((struct seen *)user)->loop);
}

static void timers_fire_in_their_order_and_never_early(void **unused)
{
    (void)unused;
    struct seen seen = {0};
    struct why why = {0};
    assert_int_equal(loop_new(&seen.loop, &why), FAULT_NONE);
    loop_add(seen.loop, (struct loop_source){.user = &seen, .drain = drain});
    int64_t begun_ms = loop_now().monotonic_ms;
    assert_true(loop_at(seen.loop, begun_ms + 8, on_second, &seen));
    assert_true(loop_at(seen.loop, begun_ms + 4, on_first, &seen));
    loop_run(seen.loop);
    assert_string_equal(seen.order, "12");
    assert_true(loop_now().monotonic_ms >= begun_ms + 8);
    loop_free(&seen.loop);
}

static void a_signal_asks_to_stop(void **unused)
{
    (void)unused;
    struct seen seen = {0};
    struct why why = {0};
    assert_int_equal(loop_new(&seen.loop, &why), FAULT_NONE);
    loop_on_stop(seen.loop, on_stop, &seen);
    kill(getpid(), SIGTERM);
    loop_run(seen.loop);
    assert_string_equal(seen.order, "s");
    loop_free(&seen.loop);
}

/* ---- Pages ---- */

struct pages {
    struct loop *loop;
    int client;
    char got[4096];
    size_t size;
    bool is_ready;
    const char *ask;
    uint16_t port;
};

static bool is_ready(void *user, struct why *why)
{
    why_set(why, "the store is not connected");
    return ((struct pages *)user)->is_ready;
}

static size_t prepare_client(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    (void)now, (void)room, (void)wake_ms;
    items[0] = (zmq_pollitem_t){.fd = ((struct pages *)user)->client, .events = ZMQ_POLLIN};
    return 1;
}

static void drain_client(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    struct pages *pages = user;
    (void)now, (void)count;
    if ((items[0].revents & (ZMQ_POLLIN | ZMQ_POLLERR)) == 0) {
        return;
    }
    ssize_t got = read(pages->client, pages->got + pages->size, sizeof pages->got - 1 - pages->size);
    pages->size += got > 0 ? (size_t)got : 0;
    if (got <= 0) {
        loop_end(pages->loop);
    }
}

/* Asks the pages in a loop of their own; the answer stands in `got`. */
static void ask(struct pages *pages, const char *request)
{
    struct metrics *metrics = metrics_new();
    struct http *http = NULL;
    struct why why = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    metric_set(metrics_find(metrics, METRIC_GAUGE, "casebus_in_flight", "Now.", ""), 5);
    memset(pages->got, 0, sizeof pages->got);
    pages->size = 0;
    assert_int_equal(loop_new(&pages->loop, &why), FAULT_NONE);
    struct http_pages served = {.user = pages, .ready = is_ready, .metrics = metrics};
    assert_int_equal(http_start(pages->loop, "127.0.0.1", 0, served, &http, &why), FAULT_NONE);
    pages->client = socket(AF_INET, SOCK_STREAM, 0);
    at.sin_port = htons(http_port(http));
    assert_int_equal(connect(pages->client, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(write(pages->client, request, strlen(request)), (ssize_t)strlen(request));
    loop_add(pages->loop, (struct loop_source){.user = pages, .prepare = prepare_client, .drain = drain_client});
    loop_run(pages->loop);
    close(pages->client);
    http_stop(&http);
    loop_free(&pages->loop);
    metrics_free(&metrics);
}

static void health_and_metrics_are_served(void **unused)
{
    (void)unused;
    static const struct {
        const char *request;
        bool is_ready;
        const char *status, *body;
    } ROWS[] = {
        {"GET /live HTTP/1.0\r\n\r\n", false, "200", "live\n"},
        {"GET /ready HTTP/1.0\r\n\r\n", true, "200", "ready\n"},
        {"GET /ready HTTP/1.0\r\n\r\n", false, "503", "not ready: the store is not connected\n"},
        {"GET /metrics HTTP/1.0\r\n\r\n", true, "200", "casebus_in_flight 5\n"},
        {"GET /else HTTP/1.0\r\n\r\n", true, "404", "/live /ready /metrics\n"},
        {"PUT /live HTTP/1.0\r\n\r\n", true, "405", "only GET\n"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct pages pages = {.is_ready = ROWS[i].is_ready};
        ask(&pages, ROWS[i].request);
        assert_true(pages.size > 12);
        assert_memory_equal(pages.got + 9, ROWS[i].status, 3);
        assert_true(str_ends_with(pages.got, ROWS[i].body));
    }
}

/* ---- Tenants ---- */

static void tenants_are_read_or_refused_with_their_place(void **unused)
{
    (void)unused;
    static const struct {
        const char *file;
        enum fault fault;
        const char *says;
    } ROWS[] = {
        {"[demo]\nzone = America/New_York\nsynthetic = yes\n[b]\n", FAULT_NONE, ""},
        {"", FAULT_INVALID, "names no tenant"},
        {"[demo]\nzone = Mars/Olympus\n", FAULT_INVALID, "tenant demo: \"zone = Mars/Olympus\" is not understood"},
        {"[demo]\nsynthetic = maybe\n", FAULT_INVALID, "tenant demo: \"synthetic = maybe\" is not understood"},
        {"[de mo]\nzone = Etc/UTC\n", FAULT_INVALID, "\"de mo\" cannot be a tenant"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        char path[] = "/tmp/casebus-tenants-XXXXXX";
        struct tenants *tenants = NULL;
        struct why why = {0};
        int descriptor = mkstemp(path);
        assert_int_equal(write(descriptor, ROWS[i].file, strlen(ROWS[i].file)), (ssize_t)strlen(ROWS[i].file));
        close(descriptor);
        assert_int_equal(tenants_load(path, &tenants, &why), ROWS[i].fault);
        assert_true(str_ends_with(why.text, ROWS[i].says));
        if (tenants != NULL) {
            assert_true(tenants_find(tenants, "demo")->synthetic);
            assert_null(tenants_find(tenants, "nobody"));
        }
        tenants_free(&tenants);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_line_has_ids_and_words_and_no_free_text),
        cmocka_unit_test(lines_below_the_level_are_counted_and_not_written),
        cmocka_unit_test(metrics_are_written_as_prometheus_reads_them),
        cmocka_unit_test(the_number_of_series_is_bounded),
        cmocka_unit_test(timers_fire_in_their_order_and_never_early),
        cmocka_unit_test(a_signal_asks_to_stop),
        cmocka_unit_test(health_and_metrics_are_served),
        cmocka_unit_test(tenants_are_read_or_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
