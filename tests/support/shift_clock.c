/* Preloaded into a process of a test, this shifts its wall clock by $SHIFT_CLOCK_S seconds. The monotonic clock stays as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *out)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real) {
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    }
    int status = real(clock, out);
    const char *shift = getenv("SHIFT_CLOCK_S");
    if (status == 0 && clock == CLOCK_REALTIME && shift) {
        out->tv_sec += atol(shift);
    }
    return status;
}
