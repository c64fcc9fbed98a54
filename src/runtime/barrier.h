/*
 * Memory barriers of which one side is cheap: for a flag that many set often and one reads seldom, in both directions.
 *
 *     often      word = 0; barrier_light(); flag?            a compiler barrier
 *     seldom     flag = 1; barrier_heavy(); word?            every thread of the process passes a full barrier
 *
 * At least one of the two sees the other. Where membarrier(2) is there, the light side pays nothing; else both pass a
 * full barrier. Any thread. After fork in both processes.
 *
 * Cost of the heavy one: an interrupt of every processor that runs the process, some microseconds.
 * Source: liburcu; membarrier(2).
 */
#ifndef MSC_RUNTIME_BARRIER_H
#define MSC_RUNTIME_BARRIER_H

#include <stdatomic.h>
#include <stdbool.h>

/* membarrier is there. Constant after the constructor, except in tests. */
extern bool barrier_is_asymmetric __attribute__((visibility("hidden")));

/* Of the calling thread; in a form that thread sanitizers have. */
static inline void barrier_full(void)
{
#ifdef __SANITIZE_THREAD__
    _Atomic int word = 0;
    atomic_fetch_add_explicit(&word, 1, memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

static inline void barrier_light(void)
{
    if (__builtin_expect(barrier_is_asymmetric, 1))
        atomic_signal_fence(memory_order_seq_cst);
    else
        barrier_full();
}

/* False: the kernel refused. */
bool barrier_heavy(void);

#endif
