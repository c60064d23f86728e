/* The only place that makes randomness. Rules do not include this: their fresh ids come from the command id (id.h). */
#ifndef CORE_ENTROPY_H
#define CORE_ENTROPY_H

#include "common/core/id.h"

#include <stddef.h>

void entropy_fill(void *out, size_t size);

/* A fresh id for a command or message that a client makes: 128 random bits, 26 characters. */
void id_random(char out[static ID_FRESH_SIZE]);

#endif
