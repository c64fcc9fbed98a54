/*
 * The word of a lock: how many wait for it, and how much of their waiting nobody has been charged with yet.
 *
 * It holds nwait, the number of waiters (16 bits), and sum (48 bits, modulo 2^48): for each waiter the time up to which
 * its waiting is accounted for. Beside it lies paid, what was accounted for without touching the word. At any time t
 * the waiting not accounted for yet is
 *
 *     unsettled(t) = nwait * t - sum - paid
 *
 * and this is what can happen at t:
 *
 *     a waiter joins       nwait + 1, sum + t        unsettled(t) stays             word_join
 *     a waiter gives up    nwait - 1, sum - t        unsettled(t) stays: the holder still owes it     word_leave
 *     a holder releases    paid + unsettled(t)       unsettled(t) is its charge     word_settle
 *     a waiter acquires    sum = nwait * t, paid = 0, then it leaves     unsettled(t) is hand-off: nobody held the lock
 *     another one acquires (the lock was free and others waited): as a release      unsettled(t) is hand-off
 *     a reader joins readers that hold the lock: a waiter leaves as if it gave up; else nothing
 *
 * Two waiters from 100 and 130 on, one hold until 200, acquired by the first at 203:
 *
 *     join 100   (1, 100)
 *     join 130   (2, 230)
 *     release    (2, 230) paid 170     charge 2 * 200 - 230 = 170 = 100 + 70
 *     acquire    (1, 203) paid 0       hand-off 2 * 203 - 230 - 170 = 6
 *
 * Conservation: a waiter adds t when it leaves and takes t away when it joins, and what is settled is added to paid or
 * taken out of the sum. So whatever the order of all changes, the waits that ended add up to the charges and hand-offs
 * settled plus what is unsettled, to the nanosecond.
 *
 * Who writes. Waiters come and go at any time, so the word changes by compare-and-swap. paid is the exclusive holder's:
 * to settle, he loads the word and adds to paid, with plain stores to a line that is his, and the others' swaps are not
 * in his way. Three cases take a swap as well: the last waiter is gone, and the word becomes 0 (0 = nobody waits and
 * nothing is owed: all that an uncontended lock looks at); a lock that readers hold has several holders, and its paid
 * stays 0; and somebody is giving up at this moment:
 *
 *     waiter     leaving + 1     reads the clock     leaves the word     leaving - 1
 *     holder     reads the clock     nobody is leaving?     the word     pays
 *
 * A holder that sees nobody leaving either finds him gone from the word, or has read an earlier time than he will, and
 * charges none of what that one does not wait. A holder that sees him swaps, and then he reads the clock again.
 *
 * The word and the time go together: if the word changed while the clock was read, it is read again. But not by who
 * read it before he had the lock, to have it out of his hold: another may join or settle in between, and what then
 * seems to be less than nothing, by some ns, is left to the next who settles. No charge is negative. Modulo 2^48 ns, a
 * charge may be 77 hours of waiting; 65535 threads may wait at once.
 *
 * Any thread; no lock, no allocation.
 */
#ifndef MSC_RUNTIME_CONTENTION_WORD_H
#define MSC_RUNTIME_CONTENTION_WORD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/page_layout.h"
#include "base/tsc_clock.h"
#include "runtime/event.h"

/* One change of the word, at one instant. */
struct change {
    uint64_t now_ns;
    uint64_t settled_ns; /* of waiting */
    uint32_t waiters;    /* after */
};

/* `count` waiters join. False: nothing changed, since there are too many, or the entry is not the lock's any more. */
bool word_join(struct page_lock *entry, uint16_t count, struct change *out);

/* A waiter leaves, without the lock or as a reader among readers: the holder owes what it waited. */
void word_leave(struct page_lock *entry, struct change *out);

/* A waiter leaves as of `until_ns`, which is past and not before the last settlement: what followed never was. */
void word_leave_at(struct page_lock *entry, uint64_t until_ns);

/* Holder, by a swap: settles, and `leaving` (0 or 1) waiters leave with the lock. */
void word_settle_by_swap(struct page_lock *entry, uint32_t leaving, struct change *out);

/* Of one holder at a time? */
static inline bool word_is_exclusive(struct page_lock *entry)
{
    return atomic_load_explicit(&entry->kind, memory_order_relaxed) != MSC_LOCK_RWLOCK;
}

static inline void word_note_settled(struct page_lock *entry, uint64_t now_ns)
{
    if (atomic_load_explicit(&entry->settled_ns, memory_order_relaxed) < now_ns)
        atomic_store_explicit(&entry->settled_ns, now_ns, memory_order_relaxed);
}

static inline uint64_t word_load(struct page_lock *entry)
{
    return atomic_load_explicit(&entry->word, memory_order_acquire);
}

/* The word, and a time at which it was that: `tried_ns`, or now. `leaving` is looked at in between. */
static inline uint64_t word_at_a_time(struct page_lock *entry, uint64_t tried_ns, uint64_t *now_ns, uint32_t *leaving)
{
    uint64_t word, again = word_load(entry);
    do {
        word = again;
        *now_ns = tried_ns ? tried_ns : tsc_clock_ns();
        struct page_lock *then = clock_before(*now_ns, entry);
        *leaving = atomic_load_explicit(&then->leaving, memory_order_acquire);
        again = word_load(then);
    } while (__builtin_expect(again != word, 0));
    return word;
}

/*
 * Holder: settles as of `tried_ns`, which he read when he was about to acquire the lock; 0 = as of now.
 *
 * Acquire: the clock of those who joined was read before. Relaxed: paid is the holder's, and the lock hands it on.
 */
static inline void word_settle(struct page_lock *entry, uint64_t tried_ns, struct change *out)
{
    uint64_t now_ns;
    uint32_t leaving, waiters;
    uint64_t word = word_at_a_time(entry, tried_ns, &now_ns, &leaving);
    waiters = page_word_waiters(word);
    if (waiters == 0 || waiters == PAGE_WAITERS_MAX || leaving != 0 || !word_is_exclusive(entry)) {
        word_settle_by_swap(entry, 0, out);
        return;
    }
    uint64_t paid_ns = atomic_load_explicit(&entry->paid_ns, memory_order_relaxed);
    *out = (struct change){now_ns, page_word_unsettled(word, paid_ns, now_ns), waiters};
    atomic_store_explicit(&entry->paid_ns, paid_ns + out->settled_ns, memory_order_relaxed);
    word_note_settled(entry, now_ns);
}

#endif
