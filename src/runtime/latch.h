/*
 * The mutex of the concurrent maps, for sections of some ten nanoseconds.
 *
 *     latch_lock(&shard->latch);
 *     int error = locked_apply(flavour, shard->core, op);
 *     latch_unlock(&shard->latch);
 *
 *     holder   0 = free, else the tid of who has it      asleep   1: who frees it must wake one
 *
 * Taking it is one compare-and-swap, freeing it two plain accesses: less than half of what pthread's mutex takes, which
 * takes as long as what it guards here. The store that frees it may pass the load of `asleep`, so there is a heavy
 * barrier (barrier.h) between the two accesses of who is about to sleep:
 *
 *     unlock     holder = 0; asleep? wake one            sleeper   asleep = 1; holder? sleep while asleep is 1
 *
 * One of the two sees the other. Who wakes one sets `asleep` to 0 before, and who was woken sets it again when the
 * latch is his, or when he sleeps again: so there is one wake for each sleep, and none is forgotten.
 *
 * Waiting: to sleep and be woken takes a thousand sections. So who finds it held stays away for a while, then watches
 * it for some sections, to catch it free, and sleeps only when that failed some times. The while is some microseconds
 * where the next section will want the same latch: in it the holder gets a hundred sections done with the data in its
 * own cache, where taking turns would move it between processors each time. Where the map has many latches (shards) it
 * is 0.2 us. Only who sleeps is seen in the contention profiles: waiting for a mutex
 * with the map's name, which belongs to the map.
 *
 * Not fair, not recursive. It may be looked at after it was freed: whoever destroys the map comes when no call is under
 * way. Any thread; not for signal handlers; no cancellation point. Cost: bench/flavours.
 */
#ifndef MSC_RUNTIME_LATCH_H
#define MSC_RUNTIME_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/barrier.h"
#include "runtime/futex.h"
#include "runtime/own_lock.h"
#include "runtime/thread.h"

struct flavour;

struct latch {
    _Atomic uint32_t holder, asleep;
    struct msc_lock_id id;
    const struct flavour *map; /* to which it belongs */
};

void latch_init(struct latch *latch, const struct flavour *map);

/* Nobody holds it or waits for it. */
void latch_fini(struct latch *latch);

int latch_wait(struct latch *latch, uint64_t deadline_ns);
void latch_overtake(struct latch *latch);
void latch_settle(struct latch *latch);
void latch_wake(struct latch *latch);

/* Without the accounting, as latch_free is. */
static inline bool latch_take(struct latch *latch)
{
    uint32_t holder = 0, tid = thread_self.tid;
    if (__builtin_expect(tid == 0, 0))
        tid = thread_tid();
    return atomic_compare_exchange_strong_explicit(&latch->holder, &holder, tid, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* Holder: counts the hold. Others look at the number: atomic, but no atomic increment. */
static inline void latch_taken(struct latch *latch)
{
    __atomic_store_n(&latch->id.msc_holds, latch->id.msc_holds + 1, __ATOMIC_RELAXED);
    if (msc_lock_is_waited_for(&latch->id) || __builtin_expect(msc_lock_holds_timed, 0))
        latch_overtake(latch);
}

/* At most until CLOCK_MONOTONIC reaches deadline_ns (FUTEX_FOREVER = none). 0 with the latch, or -ETIMEDOUT. */
static inline int latch_lock_until(struct latch *latch, uint64_t deadline_ns)
{
    if (__builtin_expect(!latch_take(latch), 0))
        return latch_wait(latch, deadline_ns);
    latch_taken(latch);
    return 0;
}

static inline void latch_lock(struct latch *latch)
{
    latch_lock_until(latch, FUTEX_FOREVER);
}

static inline void latch_free(struct latch *latch)
{
    atomic_store_explicit(&latch->holder, 0, memory_order_release);
    barrier_light(); /* pairs with barrier_heavy in sleep_until */
    if (__builtin_expect(atomic_load_explicit(&latch->asleep, memory_order_relaxed) != 0, 0))
        latch_wake(latch);
}

static inline void latch_unlock(struct latch *latch)
{
    if (msc_lock_is_to_settle(&latch->id) || __builtin_expect(msc_lock_holds_timed, 0))
        latch_settle(latch);
    else
        latch_free(latch);
}

#endif
