/* A process that runs a service: settings, store, brokers and HTTP around the runtime's core. Inside service_main(). */
#ifndef CASEBUS_SERVICE_HOST_H
#define CASEBUS_SERVICE_HOST_H

#include "common/service/brokers.h"
#include "common/service/http.h"
#include "common/service/reference.h"
#include "common/service/runtime.h"
#include "common/service/settings.h"
#include "common/store/store.h"

struct host {
    const struct service *service;
    struct settings *settings;
    struct arena arena; /* lives as long as the process */
    const char *instance;
    struct tenants *tenants;
    struct keys *keys;
    struct actor_trust trust;
    struct reference *reference;
    struct store store;
    bool has_store;
    struct loop *loop;
    struct brokers *brokers;
    struct runtime *runtime;
    struct runtime_port port;
    struct http *http;
    struct metrics *metrics;
    struct loop_now now;
    bool draining;
};

extern const struct setting SETTINGS_SERVICE[];

/* start.c: everything up to the point where the loop can run. A fault with its sentence otherwise. */
enum fault host_start(struct host *host, struct why *why);
void host_stop(struct host *host);

/* world.c: the port of the runtime, the sources of the loop, readiness, the report of a call. */
void host_connect(struct host *host);
bool host_is_ready(void *user, struct why *why);
void host_refresh_metrics(void *user);

#endif
