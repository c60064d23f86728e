/* The store of a broker's test: what services would have committed. Bus and store headers cannot be named together, so the test
 * of the process knows the store through this only. */
#ifndef TESTS_BUS_BROKER_STORE_H
#define TESTS_BUS_BROKER_STORE_H

#include <stddef.h>
#include <stdint.h>

struct broker_store;

struct broker_store *broker_store_start(void);
void broker_store_stop(struct broker_store **store);
const char *broker_store_address(const struct broker_store *store);
void broker_store_kill(struct broker_store *store);
void broker_store_restart(struct broker_store *store);

/* One commit with one event on root `00a-<root>`. */
void broker_store_event(struct broker_store *store, const char *root, const char *subject);

/* A task of claims' on a lane of an insurer, sealed with its key; `body` is the packed question. */
void broker_store_task(
    struct broker_store *store, const char *lane, const char *subject, const void *body, size_t size);

/* Writes the lane key of an insurer into `folder`, for an edge. */
void broker_store_lane_key(struct broker_store *store, const char *payer, const char *folder);

/* Opens what an insurer decided on that task. Returns its size, 0 when it does not open. */
size_t broker_store_open(
    struct broker_store *store, const char *lane, const char *subject, const void *sealed, size_t size, uint8_t *out);

#endif
