/* How keys are named in Redis. Every key carries its partition's tag in braces:
 *
 *     {T}:<service>:<kind>:<tenant>:<id>   aggregate        string: clear head, sealed body (head.h)
 *     {T}:root:<tenant>:<root>             root             hash: s sequence, h head, l last stream id, in:<group>
 *     {T}:cmd:<tenant>:<command id>        idempotency      string: fingerprint, sequence, sealed reply; 7 days
 *     {T}:log                              log              stream: field r = record (record.h)
 *     {T}:cur                              cursors          hash: group -> stream id
 *     {T}:own                              lease            hash: o owner, e epoch, u until ms
 *     {T}:tm                               timers           zset: due ms, service:kind:tenant:root:id:name
 *     {T}:tx:<dest>                        task lane        stream: field t = task
 *     {T}:txi                              lanes in use     zset: dest
 *     {T}:ix:<service>:<index>:<tenant>:<group>  index      zset: sort key, member
 *     {T}:rt:<group>                       attempts         hash: root:sequence -> n
 *     {T}:pk:<group>                       parked roots     hash: tenant:root -> state, first unhandled sequence,
 * stream id {T}:dl:<group>                       dead letters     stream
 *
 * Ids, kinds, services and tenants have a checked form without `:` and braces (core/id.h); a name is written here and
 * parsed nowhere. */
#ifndef STORE_KEYNAME_H
#define STORE_KEYNAME_H

#include <stddef.h>
#include <stdint.h>

enum {
    KEYNAME_LENGTH_MAX = 511, /* bytes */
};

/* A key name in place: made on the stack, lent to the command that is being written. */
struct keyname {
    size_t size;
    char text[KEYNAME_LENGTH_MAX + 1];
};

const struct keyname *keyname_aggregate(struct keyname *name, uint32_t partition, const char *service, const char *kind,
    const char *tenant, const char *id);
const struct keyname *keyname_root(struct keyname *name, uint32_t partition, const char *tenant, const char *root);
const struct keyname *keyname_command(
    struct keyname *name, uint32_t partition, const char *tenant, const char *command_id);
const struct keyname *keyname_log(struct keyname *name, uint32_t partition);
const struct keyname *keyname_cursors(struct keyname *name, uint32_t partition);
const struct keyname *keyname_lease(struct keyname *name, uint32_t partition);
const struct keyname *keyname_timers(struct keyname *name, uint32_t partition);
const struct keyname *keyname_lane(struct keyname *name, uint32_t partition, const char *dest);
const struct keyname *keyname_lanes(struct keyname *name, uint32_t partition);
const struct keyname *keyname_index(struct keyname *name, uint32_t partition, const char *service, const char *index,
    const char *tenant, const char *group);
const struct keyname *keyname_attempts(struct keyname *name, uint32_t partition, const char *group);
const struct keyname *keyname_parked(struct keyname *name, uint32_t partition, const char *group);
const struct keyname *keyname_dead(struct keyname *name, uint32_t partition, const char *group);

#endif
