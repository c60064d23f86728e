/* Rows of a service's tables. The tables have tens of rows: a walk is quicker than what would make it quicker. */
#include "common/service/decide.h"

#include "common/core/slice.h"

const struct command *service_command(const struct service *service, const ProtobufCMessageDescriptor *message)
{
    for (const struct command *row = service->commands; row != NULL && row->message != NULL; row++) {
        if (row->message == message) {
            return row;
        }
    }
    return NULL;
}

const struct reaction *service_reaction(const struct service *service, const ProtobufCMessageDescriptor *event)
{
    for (const struct reaction *row = service->reactions; row != NULL && row->event != NULL; row++) {
        if (row->event == event) {
            return row;
        }
    }
    return NULL;
}

const struct timer *service_timer(const struct service *service, const char *kind)
{
    for (const struct timer *row = service->timers; row != NULL && row->kind != NULL; row++) {
        if (str_same(row->kind, kind)) {
            return row;
        }
    }
    return NULL;
}

const struct answer *service_answer(
    const struct service *service, const char *kind, const ProtobufCMessageDescriptor *message)
{
    for (const struct answer *row = service->answers; row != NULL && row->message != NULL; row++) {
        if (row->message == message && str_same(row->kind, kind)) {
            return row;
        }
    }
    return NULL;
}

const struct query *service_query(const struct service *service, const ProtobufCMessageDescriptor *message)
{
    for (const struct query *row = service->queries; row != NULL && row->message != NULL; row++) {
        if (row->message == message) {
            return row;
        }
    }
    return NULL;
}
