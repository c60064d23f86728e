/* The only place that reads clocks. Rules do not include this: they get `now` as a fact of the call. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);      /* UTC since 1970; may step */
int64_t clock_monotonic_ms(void); /* since some start; never goes back */
int64_t clock_monotonic_us(void);

#endif
