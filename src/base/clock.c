/* See clock.h. */
#include "base/clock.h"

#include <time.h>

clock_source_fn *clock_source = clock_monotonic_ns;

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
