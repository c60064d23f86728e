#include "common/service/names.h"

#include "common/bus/frame.h"
#include "common/store/timers.h"

struct bytes task_pack(const struct task_parts *parts, struct arena *arena)
{
    struct record record = {
        .verb = (uint8_t)parts->verb,
        .flags = RECORD_SEALED,
        .root = record_root(parts->tenant, parts->root),
        .envelope = parts->envelope.at,
        .envelope_size = (uint32_t)parts->envelope.size,
        .body = parts->body.at,
        .body_size = (uint32_t)parts->body.size,
    };
    if (!record_fits(&record)) {
        return (struct bytes){0};
    }
    uint8_t *bytes = arena_alloc(arena, record_size(&record));
    record_write(&record, bytes);
    return bytes_of(bytes, record_size(&record));
}

const char *timer_name(struct arena *arena, const char *service, const char *kind, const char *tenant, const char *root,
    const char *id, const char *name)
{
    return timer_member(arena, service, kind, tenant, root, id, name);
}

uint64_t root_number(const char *tenant, const char *root)
{
    return record_root(tenant, root);
}
