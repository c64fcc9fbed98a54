/* See contention_hold.h. Start reading at contention_overtake_active and contention_release. */
#include "runtime/contention_hold.h"

#include <string.h>

#include "runtime/contention_tell.h"
#include "runtime/contention_word.h"
#include "runtime/locks.h"
#include "runtime/thread.h"
#include "runtime/waits.h"

static uint64_t gen_of(struct page_lock *entry)
{
    return atomic_load_explicit(&entry->gen, memory_order_relaxed);
}

/* --- Of several holders at once ---------------------------------------------------------------------------- */

enum { SHARED_HOLDS = 4 };

static __thread struct hold shared_holds[SHARED_HOLDS] __attribute__((tls_model("initial-exec")));
__thread uint32_t contention_shared_holds;

/* False: this thread holds too many others. */
static bool shared_hold_push(const struct hold *hold)
{
    if (contention_shared_holds == SHARED_HOLDS)
        return false;
    shared_holds[contention_shared_holds++] = *hold;
    return true;
}

/* A lock that is gone, or is a parent's, has nothing to tell; a slot that is still this thread's is free again. */
static void shared_hold_forget(const struct hold *hold)
{
    if (hold->slot && hold->slot->gen == hold->gen && hold->slot->tid == thread_tid())
        waits_free(hold->slot);
}

/* The latest one of this entry, or an empty one; what belongs to locks that are gone, or to a parent, goes. */
static struct hold shared_hold_pop(struct page_lock *entry)
{
    for (uint32_t i = contention_shared_holds; i-- > 0;) {
        struct hold hold = shared_holds[i];
        bool stale = gen_of(hold.entry) != hold.gen;
        if (!stale && hold.entry != entry)
            continue;
        contention_shared_holds--;
        memmove(&shared_holds[i], &shared_holds[i + 1], (contention_shared_holds - i) * sizeof hold);
        if (!stale)
            return hold;
        shared_hold_forget(&hold);
    }
    return (struct hold){0};
}

/* --- Beginning --------------------------------------------------------------------------------------------- */

static void set_holder(struct page_lock *entry, uint32_t tid, enum msc_lock_mode mode)
{
    atomic_store_explicit(&entry->holder, tid, memory_order_relaxed);
    atomic_store_explicit(&entry->mode, (uint8_t)mode, memory_order_relaxed);
}

/*
 * Is what is unsettled hand-off? Not for a reader that comes to readers who hold the lock: they settle it when they
 * release it. From here on the entry is not evicted (foreign.c): release, by the change of the word that follows.
 */
static bool hold_takes_over(struct page_lock *entry, enum msc_lock_mode mode)
{
    if (mode == MSC_MODE_SHARED)
        return atomic_exchange_explicit(&entry->is_free, 0, memory_order_relaxed);
    if (__builtin_expect(atomic_load_explicit(&entry->tell, memory_order_relaxed) != 0, 0))
        contention_abandon(entry);
    atomic_store_explicit(&entry->tell, PAGE_TELL_NOTHING, memory_order_relaxed);
    atomic_store_explicit(&entry->is_free, 0, memory_order_relaxed);
    return true;
}

static void hold_began(struct hold *hold, enum msc_lock_mode mode, uint64_t handoff_ns)
{
    hold->handoff_ns = handoff_ns;
    if (handoff_ns)
        lock_add(&hold->entry->handoff_ns, mode, handoff_ns);
    set_holder(hold->entry, thread_tid(), mode);
}

uint64_t hold_begin(struct hold *hold, enum msc_lock_mode mode, bool waited)
{
    struct change change = {0};
    hold->gen = gen_of(hold->entry);
    if (hold_takes_over(hold->entry, mode))
        word_settle_by_swap(hold->entry, waited, &change);
    else if (waited)
        word_leave(hold->entry, &change);
    hold_began(hold, mode, change.settled_ns);
    return change.now_ns;
}

void hold_keep(const struct hold *hold, enum msc_lock_mode mode)
{
    if (mode == MSC_MODE_EXCLUSIVE) {
        atomic_store_explicit(&hold->entry->handoff_of_hold_ns, hold->handoff_ns, memory_order_relaxed);
        atomic_store_explicit(&hold->entry->tell, hold->slot ? waits_index(hold->slot) + 1 : PAGE_TELL_NOTHING,
                              memory_order_relaxed);
        return;
    }
    if ((hold->slot || hold->handoff_ns) && !shared_hold_push(hold) && hold->slot)
        tell_now(hold->entry, hold->slot);
}

/* Nobody else settles beside an exclusive one. */
static void hold_begin_alone(struct hold *hold, uint64_t tried_ns)
{
    struct change change;
    hold_takes_over(hold->entry, MSC_MODE_EXCLUSIVE);
    word_settle(hold->entry, tried_ns, &change);
    hold_began(hold, MSC_MODE_EXCLUSIVE, change.settled_ns);
}

void hold_overtake(struct page_lock *entry, enum msc_lock_mode mode, uint64_t tried_ns)
{
    struct hold hold = {.entry = entry};
    if (mode == MSC_MODE_EXCLUSIVE)
        hold_begin_alone(&hold, tried_ns);
    else
        hold_begin(&hold, mode, false);
    hold_keep(&hold, mode);
}

void contention_overtake_active(struct page_lock *entry, enum msc_lock_mode mode, uint64_t tried_ns)
{
    if (!atomic_load_explicit(&entry->counts_ops, memory_order_relaxed)) /* else it counts every hold itself */
        lock_next_hold(entry, mode);
    hold_overtake(entry, mode, tried_ns);
}

/* --- The end ----------------------------------------------------------------------------------------------- */

static struct hold hold_of(struct page_lock *entry, enum msc_lock_mode mode)
{
    if (mode == MSC_MODE_SHARED)
        return shared_hold_pop(entry);
    uint32_t tell = atomic_load_explicit(&entry->tell, memory_order_relaxed);
    if (tell == 0)
        return (struct hold){0};
    return (struct hold){
        .slot = tell == PAGE_TELL_NOTHING ? NULL : waits_at(tell - 1),
        .handoff_ns = atomic_load_explicit(&entry->handoff_of_hold_ns, memory_order_relaxed),
    };
}

/* Everything of it was read. Release: to whoever evicts the entry now. */
static void hold_end(struct page_lock *entry, enum msc_lock_mode mode)
{
    if (mode == MSC_MODE_EXCLUSIVE)
        atomic_store_explicit(&entry->tell, 0, memory_order_release);
}

void contention_abandon(struct page_lock *entry)
{
    struct hold hold = hold_of(entry, MSC_MODE_EXCLUSIVE);
    hold_end(entry, MSC_MODE_EXCLUSIVE);
    if (hold.slot)
        tell_now(entry, hold.slot);
}

/*
 * Since the last settlement, or the first waiter if there was none since. That waiter may not have written its
 * time yet: then their average, which is exact if there is only one.
 */
static uint64_t contended_ns(const struct change *change, uint64_t since_ns)
{
    if (change->settled_ns == 0)
        return 0;
    if (since_ns == 0 || since_ns > change->now_ns)
        return change->settled_ns / (change->waiters ? change->waiters : 1);
    return change->now_ns - since_ns;
}

static uint64_t contended_since(struct page_lock *entry)
{
    uint64_t first_ns = atomic_load_explicit(&entry->first_ns, memory_order_relaxed);
    uint64_t settled_ns = atomic_load_explicit(&entry->settled_ns, memory_order_relaxed);
    return first_ns > settled_ns ? first_ns : settled_ns;
}

static void settle_charge(struct page_lock *entry, enum msc_lock_mode mode, struct msc_ev_lock_release *event)
{
    struct change change;
    uint64_t since_ns = contended_since(entry);
    if (mode == MSC_MODE_EXCLUSIVE)
        word_settle(entry, 0, &change);
    else
        word_settle_by_swap(entry, 0, &change);
    lock_add(&entry->charge_ns, mode, change.settled_ns);
    event->lock = atomic_load_explicit(&entry->lock, memory_order_relaxed);
    event->lock_gen = gen_of(entry);
    event->name = lock_name(entry);
    event->kind = atomic_load_explicit(&entry->kind, memory_order_relaxed);
    event->mode = (uint32_t)mode;
    event->release_ns = change.now_ns;
    event->contended_ns = contended_ns(&change, since_ns);
    event->charge_ns = change.settled_ns;
    event->waiters = change.waiters;
    event->hold_seq = lock_hold(entry);
}

void contention_release(struct page_lock *entry, enum msc_lock_mode mode, bool last, struct contention_release *release)
{
    struct hold hold = hold_of(entry, mode);
    release->slot = hold.slot;
    settle_charge(entry, mode, &release->event);
    release->event.handoff_ns = hold.handoff_ns;
    if (last) {
        atomic_store_explicit(&entry->holder, 0, memory_order_relaxed);
        atomic_store_explicit(&entry->is_free, 1, memory_order_relaxed);
    }
    hold_end(entry, mode);
}
