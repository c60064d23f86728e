/* The edge's process: a ROUTER towards insurers, a link to the broker, and lane keys. Nothing else of the network is in it. */
#ifndef BROKER_EDGE_H
#define BROKER_EDGE_H

#include "common/service/settings.h"

/* Runs until SIGTERM. Returns the exit status. */
int edge_main(const struct settings *settings);

#endif
