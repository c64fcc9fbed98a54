/* See contention.h. Start reading at word_change. */
#include "runtime/contention.h"

#include <linux/futex.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/emit.h"
#include "runtime/locks.h"
#include "runtime/page.h"
#include "runtime/sampler.h"
#include "runtime/stack.h"
#include "runtime/thread.h"
#include "runtime/waits.h"

_Atomic int contention_on;

bool contention_wanted(void)
{
    if (msc_guard || atomic_load_explicit(&page.header.control.off, memory_order_relaxed))
        return false;
    return page_is_shared() || msc_gate_on(MSC_EVENT_LOCK_WAIT) || msc_gate_on(MSC_EVENT_LOCK_RELEASE) ||
           msc_gate_on(MSC_EVENT_LOCK_TOTALS);
}

/* --- The word ------------------------------------------------------------------------------------------- */

/* One change of the word, at one instant. */
struct change {
    uint64_t now_ns;
    uint64_t unsettled_ns; /* before */
    uint32_t waiters;      /* after */
};

/* Whatever tells of a time since when the word is not 0 is 0 whenever the word is: cleared before the swap. */
static void forget_times(struct page_lock *entry)
{
    atomic_store_explicit(&entry->first_ns, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->settled_ns, 0, memory_order_relaxed);
}

/*
 * Settles if asked to, then lets `joining` (-1, 0, or more) waiters join. False: nothing changed, since there are too
 * many waiters, or the entry is not the lock's any more.
 *
 * Acquire: our clock is read after the clock reads that the word's times come from. Release: for the next
 * change's acquire.
 */
static inline bool word_change(struct page_lock *entry, bool settle, int joining, struct change *out)
{
    uint64_t old = atomic_load_explicit(&entry->word, memory_order_acquire);
    uint64_t new;
    do {
        uint64_t now = clock_now_ns();
        uint64_t waiters = page_word_waiters(old);
        uint64_t sum = old & PAGE_SUM_MASK;
        *out = (struct change){now, 0, 0};
        if (old == PAGE_WORD_GONE || (joining > 0 && waiters + (uint64_t)joining > PAGE_WAITERS_MAX))
            return false;
        *out = (struct change){now, page_word_unsettled(old, now), 0};
        if (settle)
            sum = waiters * now;
        waiters += (uint64_t)joining;
        sum += (uint64_t)joining * now;
        out->waiters = (uint32_t)waiters;
        new = waiters << PAGE_WAITERS_SHIFT | (sum & PAGE_SUM_MASK);
        if (new == 0)
            forget_times(entry);
    } while (
        !atomic_compare_exchange_weak_explicit(&entry->word, &old, new, memory_order_acq_rel, memory_order_acquire));
    atomic_store_explicit(&entry->last_ns, out->now_ns, memory_order_relaxed);
    if (joining > 0 && old == 0)
        atomic_store_explicit(&entry->first_ns, out->now_ns, memory_order_relaxed);
    if (settle && new != 0 && atomic_load_explicit(&entry->settled_ns, memory_order_relaxed) < out->now_ns)
        atomic_store_explicit(&entry->settled_ns, out->now_ns, memory_order_relaxed);
    return true;
}

/* A waiter leaves as of `until_ns`: what follows never was. */
static void word_leave_at(struct page_lock *entry, uint64_t until_ns)
{
    uint64_t old = atomic_load_explicit(&entry->word, memory_order_acquire);
    uint64_t new;
    do {
        new = ((uint64_t)page_word_waiters(old) - 1) << PAGE_WAITERS_SHIFT | ((old - until_ns) & PAGE_SUM_MASK);
        if (new == 0)
            forget_times(entry);
    } while (
        !atomic_compare_exchange_weak_explicit(&entry->word, &old, new, memory_order_acq_rel, memory_order_acquire));
}

/* --- Who holds it ---------------------------------------------------------------------------------------- */

/* Exclusive holders keep what their release has to tell in the entry, readers here: there are several of them. */
enum { SHARED_HOLDS = 4 };

struct hold {
    struct page_lock *entry;
    uint64_t gen;
    struct page_wait *slot; /* NULL = none */
    uint64_t handoff_ns;
};

static __thread struct hold shared_holds[SHARED_HOLDS] __attribute__((tls_model("initial-exec")));
__thread uint32_t contention_shared_holds;

static uint64_t gen_of(struct page_lock *entry)
{
    return atomic_load_explicit(&entry->gen, memory_order_relaxed);
}

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

static void set_holder(struct page_lock *entry, uint32_t tid, enum msc_lock_mode mode)
{
    atomic_store_explicit(&entry->holder, tid, memory_order_relaxed);
    atomic_store_explicit(&entry->mode, (uint32_t)mode, memory_order_relaxed);
}

/*
 * Is what is unsettled hand-off? Not for a reader that comes to readers who hold the lock: they settle it when they
 * release it. From here on the entry is not evicted (foreign.c): release, by the change of the word that follows.
 */
static bool hold_takes_over(struct page_lock *entry, enum msc_lock_mode mode)
{
    if (mode == MSC_MODE_SHARED)
        return atomic_exchange_explicit(&entry->is_free, 0, memory_order_relaxed);
    if (atomic_load_explicit(&entry->tell, memory_order_relaxed) != 0)
        contention_abandon(entry);
    atomic_store_explicit(&entry->tell, PAGE_TELL_NOTHING, memory_order_relaxed);
    atomic_store_explicit(&entry->is_free, 0, memory_order_relaxed);
    return true;
}

/* Begins a hold, while `joining` (-1, 0) waiters leave. Returns when. */
static uint64_t hold_begin(struct page_lock *entry, enum msc_lock_mode mode, int joining, struct hold *out)
{
    struct change change;
    bool settle = hold_takes_over(entry, mode);
    word_change(entry, settle, joining, &change);
    out->handoff_ns = settle ? change.unsettled_ns : 0;
    lock_add(&entry->handoff_ns, mode, out->handoff_ns);
    set_holder(entry, thread_tid(), mode);
    return change.now_ns;
}

static void tell_now(struct page_lock *entry, struct page_wait *slot);

/* What the release of this hold is to find. */
static void hold_keep(struct page_lock *entry, enum msc_lock_mode mode, const struct hold *hold)
{
    if (mode == MSC_MODE_EXCLUSIVE) {
        atomic_store_explicit(&entry->handoff_of_hold_ns, hold->handoff_ns, memory_order_relaxed);
        atomic_store_explicit(&entry->tell, hold->slot ? waits_index(hold->slot) + 1 : PAGE_TELL_NOTHING,
                              memory_order_relaxed);
        return;
    }
    if ((hold->slot || hold->handoff_ns) && !shared_hold_push(hold) && hold->slot)
        tell_now(entry, hold->slot);
}

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

static void overtake(struct page_lock *entry, enum msc_lock_mode mode)
{
    struct hold hold = {entry, gen_of(entry), NULL, 0};
    hold_begin(entry, mode, 0, &hold);
    hold_keep(entry, mode, &hold);
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
    wait->joined = entry && word_change(entry, false, 1, &change);
    if (wait->joined && how->lock && atomic_load_explicit(&entry->lock, memory_order_relaxed) != (uintptr_t)how->lock) {
        word_leave_at(entry, change.now_ns); /* evicted before we came: another lock's */
        wait->joined = false;
    }
    wait->begin_ns = wait->joined ? change.now_ns : clock_now_ns();
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

/* With the lock, whose hold `hold_seq` begins. */
static void wait_end(struct contention_wait *wait, uint64_t end_ns, uint64_t hold_seq)
{
    uint64_t wait_ns = end_ns - wait->begin_ns;
    lock_add_wait(wait->entry, wait->how.mode, wait_ns, hold_seq);
    count_unslotted(wait, wait_ns);
    if (wait->slot)
        waits_end(wait->slot, end_ns, hold_seq, wait->result);
}

void contention_acquire(struct contention_wait *wait)
{
    struct page_lock *entry = wait->entry;
    if (!wait->joined) {
        lock_add_unlocked(entry, clock_now_ns() - wait->begin_ns);
        if (entry) {
            lock_next_hold(entry, wait->how.mode);
            overtake(entry, wait->how.mode);
        }
        return;
    }
    struct hold hold = {entry, gen_of(entry), wait->slot, 0};
    uint64_t now_ns = hold_begin(entry, wait->how.mode, -1, &hold);
    wait_end(wait, now_ns, lock_next_hold(entry, wait->how.mode));
    hold_keep(entry, wait->how.mode, &hold);
}

void contention_give_up(struct contention_wait *wait, enum msc_wait_result result)
{
    if (!wait->joined) {
        lock_add_unlocked(wait->entry, clock_now_ns() - wait->begin_ns);
        return;
    }
    struct change change;
    word_change(wait->entry, false, -1, &change);
    lock_add_vain(wait->entry, change.now_ns - wait->begin_ns);
    count_unslotted(wait, change.now_ns - wait->begin_ns);
    if (!wait->slot)
        return;
    waits_end(wait->slot, change.now_ns, 0, result);
    tell_now(wait->entry, wait->slot);
}

/* --- Condition variables ----------------------------------------------------------------------------------- */

void contention_relock_begin(struct page_lock *mutex, const struct contention_how *how, const void *frame,
                             struct contention_wait *wait)
{
    wait_prepare(mutex, how, frame, PAGE_WAIT_SIGNAL, wait);
}

uint64_t contention_relock_join_many(struct page_lock *mutex, uint16_t count)
{
    struct change change;
    return word_change(mutex, false, count, &change) ? change.now_ns : 0;
}

uint64_t contention_relock_join(struct page_lock *mutex)
{
    return contention_relock_join_many(mutex, 1);
}

void contention_relock_cancel(struct page_lock *mutex, uint64_t begin_ns)
{
    word_leave_at(mutex, begin_ns);
}

/* Holder: nobody settles beside us, so what the waiter added to the word is known: the time of the last settlement. */
void contention_relock_end(struct contention_wait *wait, uint64_t begin_ns)
{
    struct page_lock *entry = wait->entry;
    if (!entry)
        return;
    uint64_t until_ns = atomic_load_explicit(&entry->settled_ns, memory_order_relaxed);
    if (until_ns < begin_ns)
        until_ns = begin_ns;
    if (begin_ns)
        word_leave_at(entry, until_ns);
    wait->begin_ns = begin_ns;
    wait->how.mode = MSC_MODE_EXCLUSIVE;
    struct hold hold = {entry, gen_of(entry), NULL, 0};
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
        hold_begin(entry, MSC_MODE_EXCLUSIVE, 0, &hold);
        hold_keep(entry, MSC_MODE_EXCLUSIVE, &hold);
    }
}

/* --- Holders --------------------------------------------------------------------------------------------- */

void contention_overtake_active(struct page_lock *entry, enum msc_lock_mode mode)
{
    if (!atomic_load_explicit(&entry->counts_ops, memory_order_relaxed)) /* else it counts every hold itself */
        lock_next_hold(entry, mode);
    overtake(entry, mode);
}

/*
 * Since the last settlement, or the first waiter if there was none since. That waiter may not have written its
 * time yet: then their average, which is exact if there is only one.
 */
static uint64_t contended_ns(const struct change *change, uint64_t since_ns)
{
    if (change->unsettled_ns == 0)
        return 0;
    if (since_ns == 0 || since_ns > change->now_ns)
        return change->unsettled_ns / (change->waiters ? change->waiters : 1);
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
    word_change(entry, true, 0, &change);
    lock_add(&entry->charge_ns, mode, change.unsettled_ns);
    *event = (struct msc_ev_lock_release){
        .lock = atomic_load_explicit(&entry->lock, memory_order_relaxed),
        .lock_gen = gen_of(entry),
        .name = lock_name(entry),
        .kind = atomic_load_explicit(&entry->kind, memory_order_relaxed),
        .mode = (uint32_t)mode,
        .release_ns = change.now_ns,
        .contended_ns = contended_ns(&change, since_ns),
        .charge_ns = change.unsettled_ns,
        .waiters = change.waiters,
        .hold_seq = lock_hold(entry),
    };
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

/* --- Telling --------------------------------------------------------------------------------------------- */

static void tell_wait(struct page_wait *slot, uint64_t lock, const char *name)
{
    uint64_t weight = msc_gate_on(MSC_EVENT_LOCK_WAIT) ? sampler_draw(waits_length(slot)) : 0;
    if (weight) {
        uintptr_t pcs[MSC_STACK_MAX];
        struct msc_ev_lock_wait event;
        waits_describe(slot, &event);
        event.lock = lock;
        event.name = name;
        event.weight = weight;
        event.stack = waits_stack(slot, pcs);
        msc_emit(MSC_EVENT_LOCK_WAIT, &event);
    }
    waits_free(slot);
}

static void tell_now(struct page_lock *entry, struct page_wait *slot)
{
    tell_wait(slot, atomic_load_explicit(&entry->lock, memory_order_relaxed), lock_name(entry));
}

void contention_tell(struct contention_release *release, const void *frame)
{
    struct msc_ev_lock_release *event = &release->event;
    if (release->slot)
        tell_wait(release->slot, event->lock, event->name);
    uint64_t contended_ns = event->charge_ns + event->handoff_ns;
    if (contended_ns == 0 || !msc_gate_on(MSC_EVENT_LOCK_RELEASE))
        return;
    event->weight = sampler_draw(contended_ns);
    if (event->weight == 0)
        return;
    uintptr_t pcs[MSC_STACK_MAX];
    event->stack = stack_capture_from(pcs, frame);
    msc_emit(MSC_EVENT_LOCK_RELEASE, event);
}
