/*
 * The trace clock from the processor's counter: CLOCK_MONOTONIC's scale at half of its price (10 ns instead of 22; for
 * bench/preload, which shows what that is worth). For who holds a lock that others wait for.
 *
 * A straight line leads from counter to nanoseconds. tsc_clock_refresh draws the next one, where the last one is at
 * that moment, and so steep that 20 ms later it meets CLOCK_MONOTONIC:
 *
 *     ns      next line, from here on .'      a line ends after 50 ms: who reads the clock later, or while a line is
 *      |                         . '          being drawn, gets CLOCK_MONOTONIC itself
 *      |           last line . '
 *      |_________________________________ counter
 *
 * So it runs on without a step and never back. It is off by what one can see of the other clock in one look (some 10
 * ns) and by how much the kernel changed the pace since the last line (500 ppm at most: 25 us in 50 ms). In a minute of
 * 28 million reads on a machine with other work it was off by 67 ns at most, by less than 20 in all but 8000. If it is
 * off by more than 100 us (the machine slept, or was moved), it begins anew. Between a line and CLOCK_MONOTONIC there
 * may be a step of that size: intervals can come out negative by it. Nor does it wait for the loads before it: where
 * the order counts, clock_fence and clock_before (base/clock.h).
 *
 * Only where the counter is the kernel's clock as well: invariant, and the clock source named "tsc". Elsewhere, and
 * until tsc_clock_prepare and two refreshes, it is CLOCK_MONOTONIC.
 *
 * Async-signal-safe, any thread; no lock, no allocation, errno is kept.
 */
#ifndef BASE_TSC_CLOCK_H
#define BASE_TSC_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* --- A line ------------------------------------------------------------------------------------------------------ */

enum { TSC_RATE_SHIFT = 32 };

struct tsc_line {
    _Atomic uint32_t changes; /* odd: it is being drawn */
    _Atomic uint64_t from_tsc, from_ns;
    _Atomic uint64_t rate;  /* ns a tick, << TSC_RATE_SHIFT */
    _Atomic uint64_t ticks; /* that it is long; 0 = there is none */
};

/* Acquire: before what is loaded next, `changes` for the second time. */
static inline uint64_t tsc_line_load(_Atomic uint64_t *field)
{
    return atomic_load_explicit(field, memory_order_acquire);
}

/* Where the line is after so many ticks. */
static inline uint64_t tsc_line_along(struct tsc_line *line, uint64_t ticks)
{
    __extension__ typedef unsigned __int128 product;
    return tsc_line_load(&line->from_ns) + (uint64_t)((product)ticks * tsc_line_load(&line->rate) >> TSC_RATE_SHIFT);
}

/* The time at which the counter says `tsc`; 0: the line does not go there, or is being drawn. */
static inline uint64_t tsc_line_at(struct tsc_line *line, uint64_t tsc)
{
    uint32_t changes = atomic_load_explicit(&line->changes, memory_order_acquire);
    uint64_t ticks = tsc - tsc_line_load(&line->from_tsc), ns = tsc_line_along(line, ticks);
    bool is_on_it = ticks < tsc_line_load(&line->ticks) && changes % 2 == 0;
    bool is_whole = atomic_load_explicit(&line->changes, memory_order_relaxed) == changes;
    return __builtin_expect(is_on_it && is_whole, 1) ? ns : 0;
}

/* A look at both clocks. */
struct tsc_look {
    uint64_t tsc, ns;
};

typedef struct tsc_look tsc_look_fn(void);

/* What lines are drawn with. */
struct tsc_drawer {
    struct tsc_look anchor; /* to which the pace is measured, up to a second ago */
    struct tsc_look second; /* the next one to be that */
    struct tsc_look last;
};

/* Draws the next line, as of now. One thread at a time. Returns when that is, ns. */
uint64_t tsc_line_draw(struct tsc_line *line, struct tsc_drawer *drawer, tsc_look_fn *look_now);

/* --- The clock --------------------------------------------------------------------------------------------------- */

extern struct tsc_line tsc_clock_line;

#ifdef __x86_64__
static inline uint64_t tsc_clock_ticks(void)
{
    return __builtin_ia32_rdtsc();
}
#else
static inline uint64_t tsc_clock_ticks(void)
{
    return 0;
}
#endif

/* A test's clock_source is this clock, too. */
static inline uint64_t tsc_clock_ns(void)
{
    uint64_t ns = clock_source == clock_monotonic_ns ? tsc_line_at(&tsc_clock_line, tsc_clock_ticks()) : 0;
    return __builtin_expect(ns != 0, 1) ? ns : clock_source();
}

/* Once, from a constructor: finds out whether the counter can be used. A few system calls. */
void tsc_clock_prepare(void);

/* In a forked child: begins anew. */
void tsc_clock_forget(void);

/* Draws a line if the last one is 5 ms old at `now_ns`. Outside of holds: 0.2 us then, else a load. */
void tsc_clock_draw(void);
extern _Atomic uint64_t tsc_clock_next_ns; /* when the next is due; UINT64_MAX = never */

static inline void tsc_clock_refresh(uint64_t now_ns)
{
    if (__builtin_expect(now_ns >= tsc_line_load(&tsc_clock_next_ns), 0))
        tsc_clock_draw();
}

#endif
