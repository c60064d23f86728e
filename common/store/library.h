/* The functions that run inside Redis (casebus.lua), embedded in the binary. The library's name carries its version and
 * is never replaced: other code under the same name is refused. */
#ifndef STORE_LIBRARY_H
#define STORE_LIBRARY_H

#include "common/core/fault.h"
#include "common/store/redis.h"

#define LIBRARY_NAME "casebus_v1"

/* The source, as it is loaded. */
struct bytes library_code(void);

/* Loads the library unless it is there; waits. REFUSED when the same name holds other code. */
enum fault library_require(struct redis *redis, int64_t timeout_ms, struct why *why);

/* Appends the load to the pipeline, for a node that answered "Function not found"; what is sent after it finds the
 * functions. Two processes may do so at once. */
enum fault library_send(struct redis *redis);

/* The same, once at a time: for who asks many things at once and is told by each that the library is missing. */
void library_repair(struct redis *redis, bool *under_way);

/* Whether this reply says that the library is missing. */
bool library_is_missing(const redisReply *reply);

#endif
