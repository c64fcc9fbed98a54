/*
 * Who makes whom wait at a lock: exact charges from one 64-bit word (contention_word.h), without a list of waiters.
 *
 * The word says how many wait and how much of their waiting nobody was charged with (contention_word.h). A release is
 * charged what is unsettled then; what is unsettled at an acquisition is hand-off, since nobody held the lock. The
 * waits that ended add up to the charges and hand-offs settled plus what is unsettled, to the nanosecond.
 *
 * The word and all that goes with it is the lock's entry in the shared page (base/page_layout.h, locks.h).
 * The lock is not ours: whoever owns it (mutex.c, rwlock.c, cond.c; src/preload for everybody else's) calls in
 * here where its own trylock failed, or where the entry is active. All of a lock that is not ours:
 *
 *     int lock(pthread_mutex_t *m)
 *     {
 *         uint64_t tried_ns = contention_time_to_try(contention_of(m));
 *         int error = real_trylock(m);
 *         struct page_lock *entry = contention_of(m);
 *         if (error == EBUSY && contention_wanted()) {
 *             struct contention_wait wait;
 *             contention_join(contention_enroll(m, kind, frame), &how, frame, &wait);
 *             error = real_lock(m);
 *             error ? contention_give_up(&wait, result) : contention_acquire(&wait);
 *         } else if (error == 0 && entry) {
 *             contention_overtake(entry, MSC_MODE_EXCLUSIVE, tried_ns);
 *         }
 *         return error;
 *     }
 *
 *     int unlock(pthread_mutex_t *m)
 *     {
 *         struct page_lock *entry = contention_of(m);
 *         if (!entry || !contention_to_settle(entry))
 *             return real_unlock(m);
 *         struct contention_release release;
 *         contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
 *         int error = real_unlock(m);
 *         contention_tell(&release, frame);
 *         return error;
 *     }
 *
 * While the lock is held that is two changes of the word, a look at the clock each, and plain stores to two lines:
 * exclusive holders are alone. The draws, the releaser's stack and both events come after the real unlock, for the
 * wait too that led to the hold: until then it stays in the waiter's slot, which `tell` names.
 *
 * It is for the caller to know that a release will succeed and is the last one of its thread (recursive
 * locks): what is settled stays settled. `frame` is the public function's STACK_HERE.
 *
 * Threads: any number of waiters; the functions marked "holder" only by a thread that holds the lock. No lock,
 * no allocation, errno is kept. Tracing may be switched at any time: what is in a word is settled all the same.
 */
#ifndef MSC_RUNTIME_CONTENTION_H
#define MSC_RUNTIME_CONTENTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/page_layout.h"
#include "runtime/emit.h"
#include "runtime/event.h"
#include "runtime/page.h"
#include "runtime/private.h"

/* --- Locks that are not ours ------------------------------------------------------------------------------- */

enum { CONTENTION_BUCKETS = 4096 };

/* Each bucket: up to four numbers of entries, 16 bits each. 0 = none of these locks was ever contended. */
extern _Atomic uint64_t contention_index[CONTENTION_BUCKETS] MSC_PRIVATE_DATA;

static inline uint32_t contention_bucket(const void *lock)
{
    return (uint32_t)((uintptr_t)lock * UINT64_C(0x9e3779b97f4a7c15) >> 52);
}

MSC_PRIVATE struct page_lock *contention_look_up(const void *lock, uint64_t bucket);

/* page.locks, for hooks outside of this library. */
extern struct page contention_page MSC_PRIVATE_DATA;

/* The lock's entry, or NULL: nobody ever waited for it. About 1 ns if there is none, 2 ns if there is. */
static inline struct page_lock *contention_of(const void *lock)
{
    uint64_t bucket = atomic_load_explicit(&contention_index[contention_bucket(lock)], memory_order_acquire);
    if (__builtin_expect(bucket == 0, 1))
        return NULL;
    struct page_lock *first = &contention_page.locks[bucket % PAGE_LOCKS]; /* 0: of others, without an address */
    return atomic_load_explicit(&first->lock, memory_order_relaxed) == (uintptr_t)lock
               ? first
               : contention_look_up(lock, bucket);
}

/*
 * The same, with a new entry if there is none: before a wait. `kind`: enum msc_lock_kind. NULL: no room; the
 * functions below take that, and count what is lost.
 */
MSC_PRIVATE struct page_lock *contention_enroll(const void *lock, uint32_t kind, const void *frame);

/* The entry (NULL: nothing) stays this lock's until it is destroyed. Others may lose theirs while nobody waits:
 * foreign.c. */
MSC_PRIVATE void contention_pin(const struct page_lock *entry);

/* The lock was destroyed, or is being initialised: what was known of this address was another lock. */
MSC_PRIVATE void contention_retire(const void *lock);

/* --- Waiters ----------------------------------------------------------------------------------------------- */

/*
 * 0: nobody wanted it yet, and no entry is in use. 1 for good from the first time on that there is a shared page, or
 * that an event of locks is seen to be listened to: what is in a word must go on being settled whatever the gates say.
 */
extern _Atomic int contention_on MSC_PRIVATE_DATA;

/* msc_gates, for hooks outside of this library. */
extern union msc_gate contention_gates[MSC_EVENT_COUNT] MSC_PRIVATE_DATA;

static inline int contention_gate(enum msc_event event)
{
    return atomic_load_explicit(&contention_gates[event].state.on, memory_order_relaxed);
}

/* For hooks, at each acquisition: LTTng opens its gates without telling anybody. */
static inline bool contention_is_on(void)
{
    if (atomic_load_explicit(&contention_on, memory_order_relaxed))
        return true;
    if (__builtin_expect((contention_gate(MSC_EVENT_LOCK_WAIT) | contention_gate(MSC_EVENT_LOCK_RELEASE) |
                          contention_gate(MSC_EVENT_LOCK_HOLD) | contention_gate(MSC_EVENT_LOCK_TOTALS)) == 0,
                         1))
        return false;
    atomic_store_explicit(&contention_on, 1, memory_order_relaxed);
    return true;
}

/* Is a blocked acquisition to be measured? Not inside of the runtime itself. */
MSC_PRIVATE bool contention_wanted(void);

struct contention_how {
    enum msc_lock_mode mode;
    enum msc_lock_kind kind; /* as in lock_wait */
    const int *owner;        /* where the lock keeps its holder's tid, read at once; NULL = unknown */
    const void *lock;        /* its address, if its entry came from contention_enroll */
};

/* A blocked acquisition, on the stack of the waiter. */
struct contention_wait {
    struct page_lock *entry; /* NULL: measured, but lost */
    struct page_wait *slot;  /* NULL: this wait has no event */
    uint64_t begin_ns;
    struct contention_how how;
    enum msc_wait_result result; /* ACQUIRED; may be set to OWNER_DIED before contention_acquire */
    bool joined, wants_slot;
};

/* Before blocking. The rest of *wait is for one of the two below. */
MSC_PRIVATE void contention_join(struct page_lock *entry, const struct contention_how *how, const void *frame,
                                 struct contention_wait *wait);

/* Holder: the wait ended with the lock. */
MSC_PRIVATE void contention_acquire(struct contention_wait *wait);

/* The wait ended without the lock (timeout, cancellation, error); emits its event. */
MSC_PRIVATE void contention_give_up(struct contention_wait *wait, enum msc_wait_result result);

/* --- Holders ----------------------------------------------------------------------------------------------- */

/*
 * Holder: an acquisition that did not wait (here) found the word not 0. `tried_ns`: the clock, read right before, in
 * the order contention_time_to_try, trylock, contention_overtake; 0 = not read.
 */
MSC_PRIVATE void contention_overtake_active(struct page_lock *entry, enum msc_lock_mode mode, uint64_t tried_ns);

static inline void contention_overtake(struct page_lock *entry, enum msc_lock_mode mode, uint64_t tried_ns)
{
    if (__builtin_expect(atomic_load_explicit(&entry->word, memory_order_relaxed) != 0, 0))
        contention_overtake_active(entry, mode, tried_ns);
}

/* The clock of whoever is about to try a lock that others wait for: what it takes to ask is not in the hold. Else 0. */
MSC_PRIVATE uint64_t contention_now(void);

static inline uint64_t contention_time_to_try(struct page_lock *entry)
{
    return entry && __builtin_expect(atomic_load_explicit(&entry->word, memory_order_relaxed) != 0, 0)
               ? contention_now()
               : 0;
}

/* Shared holds of this thread that have something to tell. */
extern __thread uint32_t contention_shared_holds __attribute__((tls_model("initial-exec"))) MSC_PRIVATE_DATA;

/* Holder: must the release go through the two functions below? Of a shared hold too. */
static inline bool contention_to_settle(struct page_lock *entry)
{
    return atomic_load_explicit(&entry->word, memory_order_relaxed) != 0 ||
           atomic_load_explicit(&entry->tell, memory_order_relaxed) != 0 || contention_shared_holds != 0;
}

/* What the end of a hold has to tell; the lock may be gone by then. */
struct contention_release {
    struct msc_ev_lock_release event; /* but for weight and stack */
    struct page_wait *slot;           /* of the wait that led to this hold; NULL: there was none */
};

/* Holder, before the real unlock. `last`: nobody holds the lock afterwards (true for exclusive holds). */
MSC_PRIVATE void contention_release(struct page_lock *entry, enum msc_lock_mode mode, bool last,
                                    struct contention_release *release);

/* After the real unlock: the lock may be gone. Samples and emits. */
MSC_PRIVATE void contention_tell(struct contention_release *release, const void *frame);

/* Nobody will release the exclusive hold that is on (its thread died, or the lock is gone): tells of the wait for it.
 */
void contention_abandon(struct page_lock *entry);

/* --- Condition variables ------------------------------------------------------------------------------------- */

/*
 * Waiting for a signal is no contention; getting the mutex back is. glibc does both in one call, so the one
 * who signals lets the waiter join the mutex's word (how many, and which: the caller's business):
 *
 *     waiter      contention_relock_begin    with the mutex still held, before the real wait
 *     signaller   contention_relock_join     for each one that it wakes; returns the time, 0 = not joined
 *     waiter      contention_relock_end      with the mutex held again, and the time that it joined at, or 0
 *
 * The first may also come right before the last, for one that joined: then there is a stack only if it is needed.
 *
 * The wait counts up to the last release of the mutex: what follows is the time to wake up, which nobody's
 * critical section is to blame for. If nobody held the mutex since the signal there was no contention.
 */
MSC_PRIVATE void contention_relock_begin(struct page_lock *mutex, const struct contention_how *how, const void *frame,
                                         struct contention_wait *wait);
MSC_PRIVATE uint64_t contention_relock_join(struct page_lock *mutex);
uint64_t contention_relock_join_many(struct page_lock *mutex,
                                     uint16_t count); /* at one time; 0: too many, none joined */
MSC_PRIVATE void contention_relock_end(struct contention_wait *wait, uint64_t begin_ns);

/* By whoever joined for a waiter that came back by itself at the same moment: as if it had not joined. */
MSC_PRIVATE void contention_relock_cancel(struct page_lock *mutex, uint64_t begin_ns);

#endif
