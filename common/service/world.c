/* The runtime's port on the real world. */
#include "common/service/host.h"

#include "common/core/clock.h"
#include "common/core/must.h"
#include "common/service/log.h"

/* ---- The store ---- */

static enum fault load(void *context, struct load *request)
{
    return load_send(&((struct host *)context)->store, request);
}

static enum fault commit(void *context, struct commit *const *commits, size_t count, struct why *why)
{
    return commit_send_many(&((struct host *)context)->store, commits, count, why);
}

static enum fault scan(void *context, struct index_scan *request)
{
    return index_scan_send(&((struct host *)context)->store, request);
}

static enum fault walk(void *context, struct log_walk *request)
{
    return log_walk_send(&((struct host *)context)->store, request);
}

static enum fault page(void *context, struct log_page *request)
{
    return log_page_send(&((struct host *)context)->store, request);
}

static size_t prepare_store(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    struct shards *shards = ((struct host *)user)->store.shards;
    size_t count = 0;
    (void)now;
    MUST(room >= shards_count(shards));
    for (size_t i = 0; i < shards_count(shards); i++) {
        struct redis *redis = shards_at(shards, i);
        if (redis_fd(redis) >= 0) {
            items[count++] = (zmq_pollitem_t){
                .fd = redis_fd(redis), .events = (short)(ZMQ_POLLIN | (redis_wants_write(redis) ? ZMQ_POLLOUT : 0))};
        }
    }
    int64_t next = shards_next_tick_ms(shards);
    *wake_ms = next < *wake_ms ? next : *wake_ms;
    return count;
}

static void drain_store(void *user, struct loop_now now, const zmq_pollitem_t *items, size_t count)
{
    struct host *host = user;
    struct shards *shards = host->store.shards;
    host->now = now;
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; items[i].revents != 0 && s < shards_count(shards); s++) {
            struct redis *redis = shards_at(shards, s);
            if (redis_fd(redis) != items[i].fd) {
                continue;
            }
            if ((items[i].revents & (ZMQ_POLLIN | ZMQ_POLLERR)) != 0) {
                redis_on_readable(redis);
            }
            if ((items[i].revents & ZMQ_POLLOUT) != 0 && redis_fd(redis) == items[i].fd) {
                redis_on_writable(redis);
            }
            break;
        }
    }
    store_tick(&host->store, now.monotonic_ms);
}

/* ---- Brokers ---- */

static void answer(void *context, const struct outgoing *out)
{
    struct host *host = context;
    brokers_answer(host->brokers, host->now, out);
}

static int64_t now_us(void *context)
{
    (void)context;
    return clock_monotonic_us();
}

/* ---- The turn's end: decide, then everything leaves ---- */

static size_t prepare_turn(void *user, struct loop_now now, zmq_pollitem_t *items, size_t room, int64_t *wake_ms)
{
    int64_t wake = runtime_wake_ms(((struct host *)user)->runtime);
    (void)now, (void)items, (void)room;
    *wake_ms = wake < *wake_ms ? wake : *wake_ms;
    return 0;
}

static void flush(void *user, struct loop_now now)
{
    struct host *host = user;
    host->now = now;
    runtime_turn(host->runtime, now);
    store_flush(&host->store);
    brokers_flush(host->brokers);
}

/* ---- Reports ---- */

static enum log_level level_of(const struct report *report)
{
    return report->fault == FAULT_INTERNAL ? LOG_ERROR : fault_may_retry(report->fault) ? LOG_WARN : LOG_INFO;
}

static void count(struct host *host, const struct report *report)
{
    char labels[256];
    snprintf(labels, sizeof labels, "kind=\"%s\",outcome=\"%s\"", report->kind, fault_word(report->fault));
    metric_add(
        metrics_find(host->metrics, METRIC_COUNTER, "casebus_calls_total", "Calls by kind and outcome.", labels), 1);
    snprintf(labels, sizeof labels, "kind=\"%s\"", report->kind);
    metric_observe(metrics_find(host->metrics, METRIC_HISTOGRAM, "casebus_call_seconds",
                       "From the record that asks to the one that answers.", labels),
        report->took_us);
}

static void on_report(void *context, const struct report *report)
{
    struct host *host = context;
    struct log_line line;
    log_begin(&line, level_of(report), host->now.wall_ms, report->method);
    log_word(&line, "kind", report->kind);
    log_word(&line, "tenant", report->tenant);
    log_word(&line, "actor", report->actor);
    log_word(&line, "case", report->root);
    log_word(&line, "id", report->id);
    log_word(&line, "outcome", fault_word(report->fault));
    if (report->repeated) {
        log_word(&line, "repeated", "yes");
    }
    log_number(&line, "ms", report->took_us / 1000);
    log_end(&line);
    count(host, report);
}

/* ---- Health ---- */

bool host_is_ready(void *user, struct why *why)
{
    struct host *host = user;
    if (host->draining) {
        why_set(why, "it is being stopped");
        return false;
    }
    if (!shards_are_ready(host->store.shards)) {
        why_set(why, "the store is not connected");
        return false;
    }
    if (brokers_ready(host->brokers) == 0) {
        why_set(why, "no broker has welcomed it");
        return false;
    }
    return true;
}

static void gauge(struct host *host, const char *name, const char *help, const char *labels, uint64_t value)
{
    metric_set(metrics_find(host->metrics, METRIC_GAUGE, name, help, labels), (int64_t)value);
}

static void counter(struct host *host, const char *name, const char *help, const char *labels, uint64_t value)
{
    metric_set(metrics_find(host->metrics, METRIC_COUNTER, name, help, labels), (int64_t)value);
}

static void refresh_store(struct host *host)
{
    const struct store_counts *counts = &host->store.counts;
    static const char NAME[] = "casebus_commits_total", HELP[] = "Commits by outcome.";
    counter(host, NAME, HELP, "outcome=\"committed\"", counts->committed);
    counter(host, NAME, HELP, "outcome=\"duplicate\"", counts->duplicates);
    counter(host, NAME, HELP, "outcome=\"conflict\"", counts->conflicts);
    counter(host, NAME, HELP, "outcome=\"stale\"", counts->stale);
    counter(host, NAME, HELP, "outcome=\"applied\"", counts->applied);
    counter(host, NAME, HELP, "outcome=\"unknown\"", counts->unknown);
    counter(host, NAME, HELP, "outcome=\"overloaded\"", counts->overloaded);
    counter(host, NAME, HELP, "outcome=\"unavailable\"", counts->unavailable);
    counter(host, "casebus_commits_rehashed_total", "Commits chained anew to a root that had moved on.", "",
        counts->rehashed);
    counter(host, "casebus_store_corrupt_total", "Bodies and records that did not verify.", "", counts->corrupt);
    gauge(host, "casebus_store_ready", "1 while the store is connected.", "", shards_are_ready(host->store.shards));
}

void host_refresh_metrics(void *user)
{
    struct host *host = user;
    struct brokers_counts counts = brokers_counts(host->brokers);
    refresh_store(host);
    gauge(
        host, "casebus_calls_in_flight", "Calls received and not yet answered.", "", runtime_in_flight(host->runtime));
    gauge(host, "casebus_brokers_ready", "Brokers that this instance has a session with.", "",
        brokers_ready(host->brokers));
    counter(host, "casebus_records_total", "Records on the links.", "direction=\"in\"", counts.records_in);
    counter(host, "casebus_records_total", "Records on the links.", "direction=\"out\"", counts.records_out);
    counter(host, "casebus_bad_frames_total", "Frames refused as a whole.", "", counts.bad_frames);
    counter(host, "casebus_late_answers_total", "Answers whose session was over.", "", counts.late);
    counter(host, "casebus_log_errors_total", "Lines of level error.", "", log_count(LOG_ERROR));
}

void host_connect(struct host *host)
{
    host->port = (struct runtime_port){.context = host,
        .load = load,
        .commit = commit,
        .scan = scan,
        .walk = walk,
        .page = page,
        .answer = answer,
        .report = on_report,
        .now_us = now_us};
    loop_add(host->loop, (struct loop_source){.user = host, .prepare = prepare_store, .drain = drain_store});
    loop_add(host->loop, brokers_source(host->brokers));
    loop_add(host->loop, (struct loop_source){.user = host, .prepare = prepare_turn, .flush = flush});
}
