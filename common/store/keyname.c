#include "common/store/keyname.h"

#include <stdarg.h>
#include <string.h>

#include "common/core/must.h"
#include "common/store/tag.h"

static void add(struct keyname *name, const char *piece)
{
    size_t size = strlen(piece);
    MUST(name->size + size <= KEYNAME_LENGTH_MAX);
    memcpy(name->text + name->size, piece, size + 1);
    name->size += size;
}

/* `{T}` and the pieces, each behind a colon. NULL ends them. */
static const struct keyname *spell(struct keyname *name, uint32_t partition, ...)
{
    name->size = 0;
    add(name, "{");
    add(name, partition_tag(partition));
    add(name, "}");
    va_list pieces;
    va_start(pieces, partition);
    for (const char *piece = va_arg(pieces, const char *); piece != NULL; piece = va_arg(pieces, const char *)) {
        add(name, ":");
        add(name, piece);
    }
    va_end(pieces);
    return name;
}

const struct keyname *keyname_aggregate(
    struct keyname *name, uint32_t partition, const char *service, const char *kind, const char *tenant, const char *id)
{
    return spell(name, partition, service, kind, tenant, id, NULL);
}

const struct keyname *keyname_root(struct keyname *name, uint32_t partition, const char *tenant, const char *root)
{
    return spell(name, partition, "root", tenant, root, NULL);
}

const struct keyname *keyname_command(
    struct keyname *name, uint32_t partition, const char *tenant, const char *command_id)
{
    return spell(name, partition, "cmd", tenant, command_id, NULL);
}

const struct keyname *keyname_log(struct keyname *name, uint32_t partition)
{
    return spell(name, partition, "log", NULL);
}

const struct keyname *keyname_cursors(struct keyname *name, uint32_t partition)
{
    return spell(name, partition, "cur", NULL);
}

const struct keyname *keyname_lease(struct keyname *name, uint32_t partition)
{
    return spell(name, partition, "own", NULL);
}

const struct keyname *keyname_timers(struct keyname *name, uint32_t partition)
{
    return spell(name, partition, "tm", NULL);
}

const struct keyname *keyname_lane(struct keyname *name, uint32_t partition, const char *dest)
{
    return spell(name, partition, "tx", dest, NULL);
}

const struct keyname *keyname_lanes(struct keyname *name, uint32_t partition)
{
    return spell(name, partition, "txi", NULL);
}

const struct keyname *keyname_index(struct keyname *name, uint32_t partition, const char *service, const char *index,
    const char *tenant, const char *group)
{
    return spell(name, partition, "ix", service, index, tenant, group, NULL);
}

const struct keyname *keyname_attempts(struct keyname *name, uint32_t partition, const char *group)
{
    return spell(name, partition, "rt", group, NULL);
}

const struct keyname *keyname_parked(struct keyname *name, uint32_t partition, const char *group)
{
    return spell(name, partition, "pk", group, NULL);
}

const struct keyname *keyname_dead(struct keyname *name, uint32_t partition, const char *group)
{
    return spell(name, partition, "dl", group, NULL);
}
