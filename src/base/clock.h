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

/* What was done before is done before the clock is read: the counter of a CPU does not wait for loads. */
static inline void clock_fence(void)
{
#ifdef __x86_64__
    __builtin_ia32_lfence();
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/*
 * `what`, for loads that are to see it as it is after the clock said `now_ns`: a CPU may load ahead of its counter, but
 * not from an address that depends on it.
 */
static inline void *clock_before(uint64_t now_ns, void *what)
{
#ifdef __x86_64__
    uint64_t nothing = now_ns;
    __asm__("and $0, %0" : "+r"(nothing) : : "cc");
    return (char *)what + nothing;
#else
    (void)now_ns;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return what;
#endif
}

#endif
