/*
 * Who makes whom wait at a lock: exact charges from one 64-bit word, without a list of waiters.
 *
 * The word holds nwait, the number of waiters (16 bits), and sum (48 bits, modulo 2^48): for each waiter the
 * time up to which its waiting is accounted for. At any time t the waiting not accounted for yet is
 *
 *     unsettled(t) = nwait * t - sum
 *
 * and each thing that can happen at t is one change of the word, by compare-and-swap:
 *
 *     a waiter joins       nwait + 1, sum + t         unsettled(t) stays
 *     a waiter gives up    nwait - 1, sum - t         unsettled(t) stays: the holder still owes it
 *     the holder releases  sum = nwait * t            unsettled(t) is its charge
 *     a waiter acquires    the same, then it leaves   unsettled(t) is hand-off: nobody held the lock
 *     another one acquires (the lock was free and others waited): the same without leaving
 *
 * Two waiters from 100 and 130 on, one hold until 200, acquired by the first at 203:
 *
 *     join 100   (1, 100)
 *     join 130   (2, 230)
 *     release    (2, 400)    charge 2 * 200 - 230 = 170 = 100 + 70
 *     acquire    (1, 203)    hand-off 2 * 203 - 400 = 6
 *
 * Conservation: a waiter adds t when it leaves and takes t away when it joins, so whatever the order of all
 * changes, the waits that ended add up to the charges and hand-offs settled plus what is unsettled, to the
 * nanosecond. The clock is read after the word was loaded and before it is swapped, again on each retry:
 * every time in the word is in the past, and no charge is negative. The word is 0 if nobody waits and
 * nothing is owed. Modulo 2^48 ns, a charge may be 78 hours of waiting; 65535 threads may wait at once.
 *
 * The lock is not ours: a mutex (mutex.c) calls in here where its own trylock failed, or where the word is
 * not 0. `lock` is its address and `frame` the public function's STACK_HERE.
 *
 * Threads: any number of waiters; the functions marked "holder" only by the thread that holds the lock. No
 * lock, no allocation. Tracing may be switched at any time: what is in the word is settled all the same.
 */
#ifndef MSC_RUNTIME_CONTENTION_H
#define MSC_RUNTIME_CONTENTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/emit.h"
#include "runtime/event.h"
#include "runtime/locks.h"
#include "runtime/thread.h"

struct wait_slot; /* a wait that ended, until its own unlock emits it */

/* A lock's part of its accounting; all zero is a valid start. Uncontended operations touch the first line only. */
struct contention {
    _Atomic uint64_t word;
    struct wait_slot *wait; /* holder's: not NULL if something is to be told of this hold at its release */
    struct lock_id id;
    _Atomic uint64_t first_ns; /* when the word ceased to be 0; 0 = not written yet */
    uint64_t since_ns;         /* holder's: others waited already when it acquired the lock; 0 = nobody */
    uint64_t handoff_ns;       /* holder's: settled when it acquired the lock */
    _Atomic uint32_t forks;    /* thread_forks that all this belongs to */
    uint16_t kind;             /* enum msc_lock_kind */
    uint16_t hold_forks;       /* holder's: thread_forks when it set `wait` */
};

/* A blocked acquisition, on the stack of the waiter. */
struct contention_wait {
    uint64_t begin_ns;
    bool joined;
    struct wait_slot *slot; /* NULL: this wait has no event */
};

/* What the end of a hold has to tell, copied before the real unlock. */
struct contention_release {
    struct msc_ev_lock_release event; /* not to be told if neither charge nor hand-off */
    struct wait_slot *wait;
};

/* Is a blocked acquisition to be measured? */
static inline bool contention_wanted(void)
{
    return !thread_self.in_hook && (msc_gate_on(MSC_EVENT_LOCK_WAIT) || msc_gate_on(MSC_EVENT_LOCK_RELEASE) ||
                                    msc_gate_on(MSC_EVENT_LOCK_TOTALS));
}

/* Before blocking. `owner_tid`: the holder, 0 = unknown. The rest of *wait is for the two functions below. */
void contention_join(struct contention *lock_state, const void *lock, uint32_t owner_tid, const void *frame,
                     struct contention_wait *wait);

/* Holder: the wait ended with the lock. */
void contention_acquire(struct contention *lock_state, struct contention_wait *wait);

/* The wait ended without the lock; emits its event. */
void contention_give_up(struct contention *lock_state, struct contention_wait *wait, enum msc_wait_result result);

/* Holder: settles what was found unsettled by an acquisition that did not wait (here). */
void contention_overtake(struct contention *lock_state);

/* Holder, to be called after each acquisition that did not go through contention_acquire. */
static inline void contention_count(struct contention *lock_state)
{
    uint64_t holds = atomic_load_explicit(&lock_state->id.hold_seq, memory_order_relaxed) + 1;
    atomic_store_explicit(&lock_state->id.hold_seq, holds, memory_order_relaxed);
    if (__builtin_expect(atomic_load_explicit(&lock_state->word, memory_order_relaxed) != 0, 0))
        contention_overtake(lock_state);
}

/* Holder: must the release go through the two functions below? */
static inline bool contention_to_settle(const struct contention *lock_state)
{
    return __builtin_expect(
        atomic_load_explicit(&lock_state->word, memory_order_relaxed) != 0 || lock_state->wait != NULL, 0);
}

/* Holder, before the real unlock. */
void contention_release(struct contention *lock_state, const void *lock, struct contention_release *release);

/* After the real unlock: the lock may be gone. Samples and emits. */
void contention_tell(struct contention_release *release, const void *frame);

#endif
