#include "tests/support/world_task.h"

#include "common/bus/task.h"

bool world_task_parse(struct bytes task, struct bytes *envelope, struct bytes *body)
{
    struct record record;
    if (!task_parse(task.at, task.size, &record)) {
        return false;
    }
    *envelope = bytes_of(record.envelope, record.envelope_size);
    *body = bytes_of(record.body, record.body_size);
    return true;
}
