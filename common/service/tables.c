/* What is checked before a service says that it is ready: the tables and the contract say the same. */
#include "common/service/runtime.h"

#include "common/core/slice.h"
#include "common/service/decide.h"

static enum fault wrong(struct why *why, const struct service *service, const char *name, const char *says)
{
    why_set(why, "%s: %s %s", service->name, name, says);
    return FAULT_REFUSED;
}

static enum fault check_rows(const struct service *service, struct why *why)
{
    for (const struct command *row = service->commands; row != NULL && row->message != NULL; row++) {
        const struct contract_message *message = contract_of(row->message);
        if (message->kind != CONTRACT_COMMAND || !str_same(message->command->service, service->name)) {
            return wrong(why, service, message->name, "has a row but is no command of this service");
        }
        if (message->command->aggregate == NULL) {
            return wrong(why, service, message->name, "works on no aggregate");
        }
    }
    for (const struct query *row = service->queries; row != NULL && row->message != NULL; row++) {
        const struct contract_message *message = contract_of(row->message);
        if (message->kind != CONTRACT_QUERY || !str_same(message->query->service, service->name)) {
            return wrong(why, service, message->name, "has a row but is no question to this service");
        }
    }
    for (const struct reaction *row = service->reactions; row != NULL && row->event != NULL; row++) {
        if (contract_of(row->event)->kind != CONTRACT_EVENT) {
            return wrong(why, service, row->event->name, "has a reaction but is no event");
        }
    }
    return FAULT_NONE;
}

static enum fault check_kinds(const struct service *service, struct why *why)
{
    for (const struct timer *row = service->timers; row != NULL && row->kind != NULL; row++) {
        if (contract_aggregate(service->name, row->kind) == NULL) {
            return wrong(why, service, row->kind, "has a timer but is no aggregate of this service");
        }
    }
    for (const struct answer *row = service->answers; row != NULL && row->message != NULL; row++) {
        if (contract_aggregate(service->name, row->kind) == NULL) {
            return wrong(why, service, row->kind, "takes an answer but is no aggregate of this service");
        }
    }
    for (const struct read *row = service->reads; row != NULL && row->service != NULL; row++) {
        const struct contract_aggregate *aggregate = contract_aggregate(row->service, row->kind);
        if (aggregate == NULL || !aggregate->readable) {
            return wrong(why, service, row->kind, "is read but is no readable aggregate");
        }
    }
    return FAULT_NONE;
}

static enum fault check_contract(
    const struct service *service, const struct contract_service *contract, struct why *why)
{
    for (size_t i = 0; i < contract->n_commands; i++) {
        if (service_command(service, contract->commands[i].message->descriptor) == NULL) {
            return wrong(why, service, contract->commands[i].subject, "is in the contract but has no rule");
        }
    }
    for (size_t i = 0; i < contract->n_queries; i++) {
        if (service_query(service, contract->queries[i].message->descriptor) == NULL) {
            return wrong(why, service, contract->queries[i].subject, "is in the contract but has no rule");
        }
    }
    return FAULT_NONE;
}

enum fault runtime_check_tables(const struct service *service, struct why *why)
{
    const struct contract_service *contract = contract_find_service(service->name);
    if (contract == NULL) {
        return wrong(why, service, service->name, "is no service of the contract");
    }
    enum fault fault = check_rows(service, why);
    fault = fault == FAULT_NONE ? check_kinds(service, why) : fault;
    return fault == FAULT_NONE ? check_contract(service, contract, why) : fault;
}
