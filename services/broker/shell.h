/* The broker's process: one ROUTER socket and one pipeline to Redis in one loop, around the core. */
#ifndef BROKER_SHELL_H
#define BROKER_SHELL_H

#include "common/core/fault.h"
#include "common/service/settings.h"

extern const struct setting BROKER_SETTINGS[];

/* Runs until SIGTERM and its drain. Returns the exit status. */
int broker_main(const struct settings *settings);

#endif
