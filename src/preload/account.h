/*
 * Between the hooks and the runtime's accounting (runtime/contention.h): what every hook asks on its way.
 *
 * All inline and without a call: the uncontended path of a lock and its unlock is these few loads, the real
 * trylock and the real unlock. Cost: bench/preload.
 */
#ifndef PRELOAD_ACCOUNT_H
#define PRELOAD_ACCOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "preload/layout.h"
#include "preload/operations.h"
#include "preload/real.h"
#include "runtime/contention.h"
#include "runtime/holds.h"
#include "runtime/stack.h"

/* May locks be looked at? Not within the runtime and its tracer, whose locks are not the program's. */
static inline bool account_may(void)
{
    return real_usable() && !msc_guard;
}

/* And does anybody want it? */
static inline bool account_on(void)
{
    return contention_is_on() && account_may();
}

/* Did nobody ever wait for a lock of its bucket, and are no holds timed? Then there is nothing to do but to count. */
static inline bool account_is_quiet(const void *lock)
{
    uint64_t bucket = atomic_load_explicit(&contention_index[contention_bucket(lock)], memory_order_relaxed);
    return __builtin_expect(!bucket && !msc_lock_holds_timed, 1);
}

/* Before trying to acquire it: the time, if others wait for it; else 0. */
static inline uint64_t account_tries(const void *lock)
{
    return contention_time_to_try(contention_of(lock));
}

/* After an acquisition that did not wait; `tried_ns` from account_tries, or 0. */
static inline void account_took(const void *lock, enum msc_lock_mode mode, uint64_t tried_ns)
{
    struct page_lock *entry = contention_of(lock);
    if (__builtin_expect(entry != NULL, 0))
        contention_overtake(entry, mode, tried_ns);
}

/* Before a release: NULL, or what has to be settled. */
static inline struct page_lock *account_owing(const void *lock)
{
    if (!atomic_load_explicit(&contention_on, memory_order_relaxed))
        return NULL;
    struct page_lock *entry = contention_of(lock);
    return __builtin_expect(entry != NULL, 0) && contention_to_settle(entry) && !msc_guard ? entry : NULL;
}

/* First of all after an acquisition, whether it waited or not: the hold begins. */
static inline void account_hold_begins(const void *lock, enum msc_lock_mode mode)
{
    if (__builtin_expect(msc_lock_holds_timed, 0))
        holds_begin(lock, mode);
}

/* Before a release, last of all: to be told after it if event->weight is not 0. */
static inline void account_hold_ends(const void *lock, enum msc_lock_kind kind, enum msc_lock_mode mode,
                                     const void *frame, struct msc_ev_lock_hold *event)
{
    event->weight = 0;
    if (msc_lock_holds_timed)
        holds_end(lock, mode, event);
    if (event->weight)
        holds_describe(contention_enroll(lock, kind, frame), kind, event);
}

/* Is there nothing to do at a release but the real one? */
static inline bool account_is_idle(const struct page_lock *owing)
{
    return __builtin_expect(!owing && !msc_lock_holds_timed, 1);
}

/*
 * A process-shared mutex is left alone. A robust one looks like that in any case: the private ones among them got
 * an entry when they were initialised.
 */
static inline bool account_is_shared(const pthread_mutex_t *mutex)
{
    return __builtin_expect(mutex_seems_shared(mutex), 0) && !(mutex_is_robust(mutex) && contention_of(mutex));
}

#endif
