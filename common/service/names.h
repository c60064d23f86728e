/* Two things that are made of parts of other layers which cannot be named together: a task as it lies in its lane, and
 * a timer's member. */
#ifndef CASEBUS_SERVICE_NAMES_H
#define CASEBUS_SERVICE_NAMES_H

#include "common/bus/verb.h"
#include "common/core/arena.h"
#include "common/store/bytes.h"

struct task_parts {
    enum verb verb; /* CMD or TASK */
    const char *tenant;
    const char *root;
    struct bytes envelope;
    struct bytes body;
};

/* One record (bus/task.h). Empty when it is more than a frame may hold. */
struct bytes task_pack(const struct task_parts *parts, struct arena *arena);

/* `service:kind:tenant:root:id:name`. */
const char *timer_name(struct arena *arena, const char *service, const char *kind, const char *tenant, const char *root,
    const char *id, const char *name);

/* Affinity of a root, as in the header of a record; 0 for none. */
uint64_t root_number(const char *tenant, const char *root);

#endif
