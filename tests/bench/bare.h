/* A bare pipelined client of the commit function: makes the commits that the command of shape.h makes, with nothing
 * around them. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <stddef.h>

struct bare;

/* At that store, with `depth` commits in flight at a time. */
struct bare *bare_new(const char *address, const char *keys_folder, size_t depth);
void bare_free(struct bare **bare);

/* Commits `count` times; returns commits per second. */
double bare_run(struct bare *bare, size_t count);

#endif
