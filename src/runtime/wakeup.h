/*
 * Who woke whom: the event cond_signal, of a signal or broadcast that made waiters of a condition variable want their
 * mutex again (contention.h, "Condition variables"). Of those that wake nobody nothing is told.
 *
 *     struct wakeup wakeup = {0};
 *     ... before the real signal, for each that it wakes: wakeup_add(&wakeup, entry, contention_relock_join(entry))
 *     pthread_cond_signal(cond);
 *     wakeup_tell(cond, &wakeup, frame);
 *
 * It is told after the real signal, while the woken thread is on its way, and where the caller holds the mutex within
 * its hold: there is no later moment that this function sees. Cost: that of an event, never sampled away, beside the
 * system call that the signal is. Any thread; no lock, no allocation, errno is kept.
 */
#ifndef MSC_RUNTIME_WAKEUP_H
#define MSC_RUNTIME_WAKEUP_H

#include <stdint.h>

#include "base/page_layout.h"
#include "runtime/private.h"

struct wakeup {
    uint64_t lock, lock_gen; /* of the mutex: it may be gone after the signal */
    uint64_t begin_ns;       /* since when the first of them wants it */
    uint32_t woken;
};

/* `count` more, who want the mutex since `begin_ns`. */
static inline void wakeup_add(struct wakeup *wakeup, struct page_lock *mutex, uint64_t begin_ns, uint32_t count)
{
    if (wakeup->woken == 0) {
        wakeup->lock = atomic_load_explicit(&mutex->lock, memory_order_relaxed);
        wakeup->lock_gen = atomic_load_explicit(&mutex->gen, memory_order_relaxed);
        wakeup->begin_ns = begin_ns;
    }
    wakeup->woken += count;
}

/* `frame`: the public function's STACK_HERE. */
MSC_PRIVATE void wakeup_tell(const void *cond, const struct wakeup *wakeup, const void *frame);

#endif
