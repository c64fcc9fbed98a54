/* See contention.h. Start reading at contention_join and contention_acquire. */
#include "runtime/contention.h"

#include <linux/futex.h>

#include "base/tsc_clock.h"
#include "runtime/contention_hold.h"
#include "runtime/contention_tell.h"
#include "runtime/contention_word.h"
#include "runtime/emit.h"
#include "runtime/forks.h"
#include "runtime/locks.h"
#include "runtime/page.h"
#include "runtime/waits.h"

_Atomic int contention_on;

bool contention_wanted(void)
{
    if (msc_guard || atomic_load_explicit(&page.header.control.off, memory_order_relaxed))
        return false;
    return page_is_shared() || msc_gate_on(MSC_EVENT_LOCK_WAIT) || msc_gate_on(MSC_EVENT_LOCK_RELEASE) ||
           msc_gate_on(MSC_EVENT_LOCK_TOTALS);
}

/* --- Waiters --------------------------------------------------------------------------------------------- */

/* Whoever reads the page from outside wants the waiters, a tracer their events. */
static bool slot_wanted(void)
{
    return page_is_shared() || msc_gate_on(MSC_EVENT_LOCK_WAIT);
}

static void wait_prepare(struct page_lock *entry, const struct contention_how *how, const void *frame,
                         enum page_wait_phase phase, struct contention_wait *wait)
{
    *wait = (struct contention_wait){.entry = entry, .how = *how, .wants_slot = slot_wanted()};
    if (entry && wait->wants_slot)
        wait->slot = waits_claim(entry, how, frame, phase);
}

/*
 * The word is not 0 now, so that whoever acquires the lock registers as its holder: the lock's own word for it is
 * right unless somebody was faster, and then the entry's is.
 */
static uint32_t note_holder(struct page_lock *entry, const int *owner)
{
    uint32_t noted = atomic_load_explicit(&entry->holder, memory_order_relaxed);
    uint32_t tid = owner ? (uint32_t)__atomic_load_n(owner, __ATOMIC_RELAXED) & FUTEX_TID_MASK : 0;
    if (tid && atomic_compare_exchange_strong_explicit(&entry->holder, &noted, tid, memory_order_relaxed,
                                                       memory_order_relaxed))
        return tid;
    return noted;
}

void contention_join(struct page_lock *entry, const struct contention_how *how, const void *frame,
                     struct contention_wait *wait)
{
    struct change change;
    wait_prepare(entry, how, frame, PAGE_WAIT_FILLING, wait);
    if (entry && atomic_load_explicit(&entry->word, memory_order_relaxed) == 0) {
        atomic_store_explicit(&entry->is_free, 0, memory_order_relaxed);
        atomic_store_explicit(&entry->holder, 0, memory_order_relaxed);
    }
    wait->joined = entry && word_join(entry, 1, &change);
    if (wait->joined && how->lock && atomic_load_explicit(&entry->lock, memory_order_relaxed) != (uintptr_t)how->lock) {
        word_leave_at(entry, change.now_ns); /* evicted before we came: another lock's */
        wait->joined = false;
    }
    wait->begin_ns = wait->joined ? change.now_ns : tsc_clock_ns();
    if (!wait->joined) {
        if (wait->slot)
            waits_free(wait->slot);
        wait->slot = NULL;
        wait->entry = how->lock ? NULL : entry;
        return;
    }
    uint32_t owner = note_holder(entry, how->owner);
    if (wait->slot)
        waits_begin(wait->slot, wait->begin_ns, owner);
}

static void count_unslotted(struct contention_wait *wait, uint64_t wait_ns)
{
    if (wait->wants_slot && !wait->slot)
        lock_add_unslotted(wait->entry, wait_ns);
}

/* When the wait ended: between two looks at the clock there may be a step back (base/tsc_clock.h). */
static uint64_t end_of(const struct contention_wait *wait, uint64_t now_ns)
{
    return now_ns > wait->begin_ns ? now_ns : wait->begin_ns;
}

/* With the lock, whose hold `hold_seq` begins. */
static void wait_end(struct contention_wait *wait, uint64_t now_ns, uint64_t hold_seq)
{
    uint64_t end_ns = end_of(wait, now_ns), wait_ns = end_ns - wait->begin_ns;
    lock_add_wait(wait->entry, wait->how.mode, wait_ns, hold_seq);
    count_unslotted(wait, wait_ns);
    if (wait->slot)
        waits_end(wait->slot, end_ns, hold_seq, wait->result);
}

void contention_acquire(struct contention_wait *wait)
{
    struct page_lock *entry = wait->entry;
    if (!wait->joined) {
        lock_add_unlocked(entry, end_of(wait, tsc_clock_ns()) - wait->begin_ns);
        if (entry) {
            lock_next_hold(entry, wait->how.mode);
            hold_overtake(entry, wait->how.mode, 0);
        }
        return;
    }
    struct hold hold = {.entry = entry, .slot = wait->slot};
    __builtin_prefetch((void *)(uintptr_t)&entry->charge_ns, 1); /* the other line that the last holder had */
    uint64_t now_ns = hold_begin(&hold, wait->how.mode, true);
    wait_end(wait, now_ns, lock_next_hold(entry, wait->how.mode));
    hold_keep(&hold, wait->how.mode);
}

void contention_give_up(struct contention_wait *wait, enum msc_wait_result result)
{
    if (!wait->joined) {
        lock_add_unlocked(wait->entry, end_of(wait, tsc_clock_ns()) - wait->begin_ns);
        return;
    }
    struct change change;
    word_leave(wait->entry, &change);
    uint64_t end_ns = end_of(wait, change.now_ns);
    lock_add_vain(wait->entry, end_ns - wait->begin_ns);
    count_unslotted(wait, end_ns - wait->begin_ns);
    if (!wait->slot)
        return;
    waits_end(wait->slot, end_ns, 0, result);
    tell_now(wait->entry, wait->slot);
}

uint64_t contention_now(void)
{
    return tsc_clock_ns();
}

/* --- Condition variables ----------------------------------------------------------------------------------- */

/* The last settlement, if it was after `begin_ns`; else that. */
static uint64_t settled_after(struct page_lock *entry, uint64_t begin_ns)
{
    uint64_t settled_ns = atomic_load_explicit(&entry->settled_ns, memory_order_relaxed);
    return settled_ns > begin_ns ? settled_ns : begin_ns;
}

void contention_relock_begin(struct page_lock *mutex, const struct contention_how *how, const void *frame,
                             struct contention_wait *wait)
{
    wait_prepare(mutex, how, frame, PAGE_WAIT_SIGNAL, wait);
}

uint64_t contention_relock_join_many(struct page_lock *mutex, uint16_t count)
{
    struct change change;
    return word_join(mutex, count, &change) ? change.now_ns : 0;
}

uint64_t contention_relock_join(struct page_lock *mutex)
{
    return contention_relock_join_many(mutex, 1);
}

/* What a holder was charged with meanwhile stays with him: a wait in vain, which nobody tells of. */
void contention_relock_cancel(struct page_lock *mutex, uint64_t begin_ns)
{
    uint64_t until_ns = settled_after(mutex, begin_ns);
    word_leave_at(mutex, until_ns);
    if (until_ns == begin_ns)
        return;
    lock_add_vain(mutex, until_ns - begin_ns);
    lock_add_unslotted(mutex, until_ns - begin_ns);
}

/* Holder: nobody settles beside us, so what the waiter added to the word is known: the time of the last settlement. */
void contention_relock_end(struct contention_wait *wait, uint64_t begin_ns)
{
    struct page_lock *entry = wait->entry;
    if (!entry)
        return;
    uint64_t until_ns = settled_after(entry, begin_ns);
    if (begin_ns)
        word_leave_at(entry, until_ns);
    wait->begin_ns = begin_ns;
    wait->how.mode = MSC_MODE_EXCLUSIVE;
    struct hold hold = {.entry = entry};
    bool blocked = begin_ns && until_ns > begin_ns;
    uint64_t hold_seq = lock_next_hold(entry, MSC_MODE_EXCLUSIVE);
    if (wait->slot && blocked) {
        waits_begin(wait->slot, begin_ns, 0);
        hold.slot = wait->slot;
    } else if (wait->slot) {
        waits_free(wait->slot);
    }
    if (blocked)
        wait_end(wait, until_ns, hold_seq);
    if (blocked || atomic_load_explicit(&entry->word, memory_order_relaxed) != 0) {
        hold_begin(&hold, MSC_MODE_EXCLUSIVE, false);
        hold_keep(&hold, MSC_MODE_EXCLUSIVE);
    }
}

__attribute__((constructor(101))) static void contention_prepare(void)
{
    static struct fork_handler handler = {.in_child = tsc_clock_forget};
    forks_at_child(&handler);
    tsc_clock_prepare();
}
