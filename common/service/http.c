#include "common/service/http.h"

#include "common/core/must.h"
#include "common/core/slice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16
#define IDLE_S          10

struct http {
    struct MHD_Daemon *daemon;
    int epoll;
    uint16_t port;
    struct http_pages pages;
};

static void live(struct http *http, struct text *page, unsigned *status)
{
    (void)http;
    *status = MHD_HTTP_OK;
    text_add(page, "live\n");
}

static void ready(struct http *http, struct text *page, unsigned *status)
{
    struct why why = {0};
    bool is_ready = http->pages.ready(http->pages.user, &why);
    *status = is_ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
    text_addf(page, is_ready ? "ready\n" : "not ready: %s\n", why.text);
}

static void metrics(struct http *http, struct text *page, unsigned *status)
{
    if (http->pages.refresh != NULL) {
        http->pages.refresh(http->pages.user);
    }
    *status = MHD_HTTP_OK;
    metrics_write(http->pages.metrics, page);
}

static const struct {
    const char *path;
    void (*write)(struct http *http, struct text *page, unsigned *status);
} PAGES[] = {{"/live", live}, {"/ready", ready}, {"/metrics", metrics}};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, struct text *page)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(page->size, page->at, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static void write_page(struct http *http, const char *path, const char *method, struct text *page, unsigned *status)
{
    if (!str_same(method, MHD_HTTP_METHOD_GET) && !str_same(method, MHD_HTTP_METHOD_HEAD)) {
        *status = MHD_HTTP_METHOD_NOT_ALLOWED;
        text_add(page, "only GET\n");
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(PAGES); i++) {
        if (str_same(path, PAGES[i].path)) {
            PAGES[i].write(http, page, status);
            return;
        }
    }
    *status = MHD_HTTP_NOT_FOUND;
    text_add(page, "/live /ready /metrics\n");
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **context)
{
    (void)version, (void)upload, (void)context;
    if (*upload_size > 0) {
        return MHD_NO;
    }
    struct text page;
    unsigned status = MHD_HTTP_OK;
    text_init(&page, TEXT_PAGE_BYTES);
    write_page(user, path, method, &page, &status);
    enum MHD_Result queued = respond(connection, status, &page);
    text_done(&page);
    return queued;
}

/* ---- In the loop ---- */

static size_t prepare(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    struct http *http = user;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES && now.monotonic_ms + (int64_t)wait_ms < *wake_ms) {
        *wake_ms = now.monotonic_ms + (int64_t)wait_ms;
    }
    MUST(room > 0);
    items[0] = (zmq_pollitem_t){.fd = http->epoll, .events = ZMQ_POLLIN};
    return 1;
}

static void drain(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    (void)now, (void)items, (void)count;
    MHD_run(((struct http *)user)->daemon);
}

enum fault http_start(
    struct loop *loop, const char *address, uint16_t port, struct http_pages pages, struct http **out, struct why *why)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &at.sin_addr) != 1) {
        why_set(why, "http-address %s is no IPv4 address", address);
        return FAULT_INVALID;
    }
    struct http *http = calloc(1, sizeof *http);
    MUST(http != NULL);
    http->pages = pages;
    http->daemon = MHD_start_daemon(MHD_USE_EPOLL, port, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, &at,
        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_END);
    if (http->daemon == NULL) {
        why_set(why, "could not serve http on %s:%u: %s", address, (unsigned)port, strerror(errno));
        free(http);
        return FAULT_UNAVAILABLE;
    }
    http->epoll = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    http->port = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    loop_add(loop, (struct loop_source){.user = http, .prepare = prepare, .drain = drain});
    *out = http;
    return FAULT_NONE;
}

void http_stop(struct http **http)
{
    if (*http != NULL) {
        MHD_stop_daemon((*http)->daemon);
        free(*http);
        *http = NULL;
    }
}

uint16_t http_port(const struct http *http)
{
    return http->port;
}
