/*
 * The trace clock: CLOCK_MONOTONIC in nanoseconds, the clock that LTTng stamps events with.
 * Async-signal-safe, any thread; about 20 ns a read through the vdso. Tests put their own source in.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

typedef uint64_t clock_source_fn(void);

/* The source in use; never NULL. Replace it only while no other thread reads it. */
extern clock_source_fn *clock_source;

uint64_t clock_monotonic_ns(void);

static inline uint64_t clock_now_ns(void)
{
    return clock_source();
}

#endif
