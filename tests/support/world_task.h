/* A task as it lies in its lane, taken apart: away from world.c, because frames and log records cannot be named
 * together. */
#ifndef SUPPORT_WORLD_TASK_H
#define SUPPORT_WORLD_TASK_H

#include <stdbool.h>

#include "common/store/bytes.h"

bool world_task_parse(struct bytes task, struct bytes *envelope, struct bytes *body);

#endif
