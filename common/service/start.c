/* From settings to a process that can run; whatever is wrong is said in one sentence and nothing is left half done. */
#include "common/service/host.h"

#include "common/contract/contract.h"
#include "common/core/entropy.h"
#include "common/core/must.h"
#include "common/core/slice.h"
#include "common/service/log.h"
#include "common/store/start.h"

#define CALLS_LIMIT 4096

static bool is_durability(const char *value, struct why *why)
{
    why_set(why, "neither always nor everysec");
    return str_same(value, "always") || str_same(value, "everysec");
}

static bool is_call_count(const char *value, struct why *why)
{
    uint64_t number = 0;
    why_set(why, "not a whole number from 1 to %d", CALLS_LIMIT);
    return slice_parse_uint(slice_of(value), CALLS_LIMIT, &number) && number > 0;
}

const struct setting SETTINGS_SERVICE[] = {
    {"calls", "1024", "calls in flight at most; beyond, callers hear OVERLOADED", is_call_count},
    {"credits", "256", "calls that one broker may have in flight here", is_call_count},
    {"durability", "always", "appendfsync that the store must have: always, or everysec for demos", is_durability},
    {"start-ms", "30000", "how long to wait for the store when starting", setting_is_number},
    {"drain-ms", "10000", "how long to finish what is under way when stopping", setting_is_number},
    {0},
};

static enum fault open_keys(struct host *host, struct why *why)
{
    const char *names[TENANTS_MAX];
    size_t count = tenants_count(host->tenants);
    for (size_t i = 0; i < count; i++) {
        names[i] = tenants_at(host->tenants, i)->name;
    }
    return keys_open(settings_text(host->settings, "keys"), names, count, &host->keys, why);
}

static enum fault trust_signers(struct host *host, struct why *why)
{
    const char *paths[SETTING_LIST_MAX];
    size_t count = settings_list(host->settings, "actor-keys", paths);
    for (size_t i = 0; i < count; i++) {
        enum fault fault = actor_trust_load(&host->trust, paths[i], why);
        if (fault != FAULT_NONE) {
            return fault;
        }
    }
    return FAULT_NONE;
}

static enum fault open_store(struct host *host, struct why *why)
{
    enum fault fault = store_init(&host->store, settings_text(host->settings, "redis"), host->keys, why);
    if (fault != FAULT_NONE) {
        return fault;
    }
    host->has_store = true;
    struct start_settings check = {.timeout_ms = settings_number(host->settings, "start-ms"),
        .allow_everysec = str_same(settings_text(host->settings, "durability"), "everysec")};
    return start_check(&host->store, &check, why);
}

/* ---- Brokers ---- */

static void receive(void *user, struct loop_now now, const struct incoming *record)
{
    struct host *host = user;
    host->now = now;
    runtime_receive(host->runtime, now, record);
}

static void drained(void *user, struct loop_now now)
{
    (void)now;
    loop_end(((struct host *)user)->loop);
}

static void add_wants(struct host *host, Casebus__Hello *hello)
{
    size_t count = 0;
    for (const struct reaction *row = host->service->reactions; row != NULL && row->event != NULL; row++) {
        count++;
    }
    const char **wants = ARENA_ARRAY(&host->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        wants[i] = contract_of(host->service->reactions[i].event)->subject;
    }
    hello->n_wants = count;
    hello->wants = (void *)wants;
}

static enum fault open_brokers(struct host *host, struct why *why)
{
    const char *endpoints[SETTING_LIST_MAX];
    const char *serves[] = {host->service->name, "ops"};
    Casebus__Hello hello = CASEBUS__HELLO__INIT;
    hello.has_kind = 1;
    hello.kind = CASEBUS__PEER_KIND__PEER_KIND_SERVICE;
    hello.instance = (char *)host->instance;
    hello.service = (char *)host->service->name;
    hello.version = (char *)CASEBUS_VERSION;
    hello.has_contract_hash = 1;
    hello.contract_hash = (ProtobufCBinaryData){CONTRACT_HASH_SIZE, (uint8_t *)CONTRACT.hash};
    hello.serves = (void *)serves;
    hello.n_serves = ARRAY_LENGTH(serves);
    hello.group = (char *)host->service->name;
    hello.has_credit_messages = 1;
    hello.credit_messages = (uint32_t)settings_number(host->settings, "credits");
    add_wants(host, &hello);
    struct brokers_options options = {.endpoints = endpoints,
        .endpoint_count = settings_list(host->settings, "brokers", endpoints),
        .hello = &hello,
        .user = host,
        .receive = receive,
        .drained = drained};
    if (options.endpoint_count == 0) {
        why_set(why, "brokers names no endpoint");
        return FAULT_INVALID;
    }
    return brokers_new(&options, loop_now(), &host->brokers, why);
}

/* ---- Stopping ---- */

static void give_up(void *user, struct loop_now now)
{
    struct host *host = user;
    struct log_line line;
    log_begin(&line, LOG_WARN, now.wall_ms, "stop");
    log_number(&line, "unfinished", runtime_in_flight(host->runtime));
    log_end(&line);
    loop_end(host->loop);
}

static void on_stop(void *user, struct loop_now now)
{
    struct host *host = user;
    host->draining = true;
    runtime_drain(host->runtime);
    brokers_drain(host->brokers, now);
    loop_at(host->loop, now.monotonic_ms + settings_number(host->settings, "drain-ms"), give_up, host);
}

/* ---- All ---- */

static void name_instance(struct host *host)
{
    char random[ID_FRESH_SIZE];
    const char *given = settings_text(host->settings, "instance");
    id_random(random);
    host->instance = given[0] != '\0' ? given : arena_printf(&host->arena, "%s-%.8s", host->service->name, random);
}

static void make_runtime(struct host *host)
{
    struct runtime_options options = {
        .service = host->service,
        .port = &host->port,
        .tenants = host->tenants,
        .keys = host->keys,
        .trust = &host->trust,
        .reference = host->reference,
        .durability = settings_text(host->settings, "durability"),
        .calls_max = (unsigned)settings_number(host->settings, "calls"),
    };
    host->runtime = runtime_new(&options);
}

static enum fault serve_http(struct host *host, struct why *why)
{
    uint16_t port = (uint16_t)settings_number(host->settings, "http-port");
    struct http_pages pages = {
        .user = host, .ready = host_is_ready, .refresh = host_refresh_metrics, .metrics = host->metrics};
    return port == 0
               ? FAULT_NONE
               : http_start(host->loop, settings_text(host->settings, "http-address"), port, pages, &host->http, why);
}

enum fault host_start(struct host *host, struct why *why)
{
    enum fault fault = FAULT_NONE;
    name_instance(host);
    host->metrics = metrics_new();
    host->now = loop_now();
    (void)((fault = runtime_check_tables(host->service, why)) != FAULT_NONE ||
           (fault = tenants_load(settings_text(host->settings, "tenants"), &host->tenants, why)) != FAULT_NONE ||
           (fault = open_keys(host, why)) != FAULT_NONE || (fault = trust_signers(host, why)) != FAULT_NONE ||
           (fault = reference_load(host->service->references, settings_text(host->settings, "seeds"), &host->reference,
                why)) != FAULT_NONE ||
           (fault = open_store(host, why)) != FAULT_NONE || (fault = loop_new(&host->loop, why)) != FAULT_NONE ||
           (fault = open_brokers(host, why)) != FAULT_NONE || (fault = serve_http(host, why)) != FAULT_NONE);
    if (fault == FAULT_NONE) {
        host_connect(host);
        make_runtime(host);
        loop_on_stop(host->loop, on_stop, host);
    }
    return fault;
}

/* The store goes first: what it still had to answer has no one to be answered to any more. */
void host_stop(struct host *host)
{
    http_stop(&host->http);
    if (host->has_store) {
        store_done(&host->store);
    }
    brokers_free(&host->brokers);
    runtime_free(&host->runtime);
    loop_free(&host->loop);
    reference_free(&host->reference);
    tenants_free(&host->tenants);
    keys_close(&host->keys);
    metrics_free(&host->metrics);
}
