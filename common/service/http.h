/* Health and metrics of a process over HTTP: /live, /ready and /metrics, for probes and Prometheus. Off unless a port
 * is set, and on the loopback address unless another is set. Only GET and HEAD, no bodies, a few connections at a time.
 */
#ifndef CASEBUS_SERVICE_HTTP_H
#define CASEBUS_SERVICE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/service/loop.h"
#include "common/service/metrics.h"

/* What the pages ask for. */
struct http_pages {
    void *user;
    bool (*ready)(void *user, struct why *why); /* `why` completes "not ready: ..." */
    void (*refresh)(void *user);                /* before /metrics is written: set the gauges; may be NULL */
    const struct metrics *metrics;
};

struct http;

/* Serves on `address`:`port` (0: the system chooses one, see http_port) as a source of the loop. UNAVAILABLE when it
 * cannot listen. */
enum fault http_start(
    struct loop *loop, const char *address, uint16_t port, struct http_pages pages, struct http **out, struct why *why);
void http_stop(struct http **http);
uint16_t http_port(const struct http *http);

#endif
