/*
 * Locks that are not ours, found by their address: see "Locks that are not ours" in contention.h. Start reading at
 * contention_enroll.
 *
 * Many are never destroyed: a std::mutex has nothing to destroy. So when the table is full, the entry that was idle
 * longest is evicted: its totals go out as if the lock had been destroyed, and if that is contended again, it gets
 * another entry and another generation. Nobody may join a word that is being evicted:
 *
 *     evictor      word: 0 -> PAGE_WORD_GONE        only if nobody waits and no holder has anything to tell
 *                  out of the bucket                whoever takes it out, evictor or destroyer, gives it back
 *                  totals out, entry free
 *     waiter       joins the word: refused if it is gone. Joined, it looks whether the entry is still its lock's (it
 *                  will be as long as the waiter is in the word), and leaves if it is not: counted as lost
 */
#include "base/clock.h"
#include "runtime/contention.h"
#include "runtime/entries.h"
#include "runtime/forks.h"
#include "runtime/object.h"

enum { WAYS = 4, WAY_BITS = 16, WAY_MASK = 0xffff };

_Static_assert(PAGE_LOCKS <= WAY_MASK + 1, "the number of an entry fits");
_Static_assert(CONTENTION_BUCKETS == 1 << (64 - 52), "contention_bucket yields them");

_Atomic uint64_t contention_index[CONTENTION_BUCKETS];

struct page_lock *contention_look_up(const void *lock, uint64_t bucket)
{
    for (; bucket; bucket >>= WAY_BITS) {
        struct page_lock *entry = &page.locks[(bucket & WAY_MASK) % PAGE_LOCKS];
        if ((bucket & WAY_MASK) && atomic_load_explicit(&entry->lock, memory_order_relaxed) == (uintptr_t)lock)
            return entry;
    }
    return NULL;
}

/* Puts `entry` into the lock's bucket. Returns it, or the one that another thread put there, or NULL: full. */
static struct page_lock *bucket_add(const void *lock, struct page_lock *entry)
{
    _Atomic uint64_t *place = &contention_index[contention_bucket(lock)];
    uint64_t bucket = atomic_load_explicit(place, memory_order_acquire);
    uint64_t with;
    do {
        struct page_lock *known_already = contention_look_up(lock, bucket);
        if (known_already)
            return known_already;
        unsigned way = 0;
        while (way < WAYS && bucket >> way * WAY_BITS & WAY_MASK)
            way++;
        if (way == WAYS)
            return NULL;
        with = bucket | (uint64_t)entry_index(entry) << way * WAY_BITS;
    } while (!atomic_compare_exchange_weak_explicit(place, &bucket, with, memory_order_acq_rel, memory_order_acquire));
    return entry;
}

/* False: it is not there any more; then the entry is somebody else's to give back. */
static bool bucket_remove(const void *lock, uint32_t index)
{
    _Atomic uint64_t *place = &contention_index[contention_bucket(lock)];
    uint64_t bucket = atomic_load_explicit(place, memory_order_relaxed);
    uint64_t without;
    do {
        without = bucket;
        for (unsigned way = 0; way < WAYS; way++)
            if ((bucket >> way * WAY_BITS & WAY_MASK) == index)
                without &= ~((uint64_t)WAY_MASK << way * WAY_BITS);
        if (without == bucket)
            return false;
    } while (
        !atomic_compare_exchange_weak_explicit(place, &bucket, without, memory_order_acq_rel, memory_order_relaxed));
    return true;
}

/* --- Eviction ------------------------------------------------------------------------------------------------ */

static const uint64_t idle_least_ns = 10000000, idle_enough_ns = 1000000000;

static uint64_t relaxed(_Atomic uint64_t *field)
{
    return atomic_load_explicit(field, memory_order_relaxed);
}

/* How long nobody waited for the lock; 0 = somebody does, or it cannot be evicted. Acquire: since when, as of a word of
 * 0. */
static uint64_t idle_ns(struct page_lock *entry, uint64_t now_ns)
{
    struct entry_own *own = &entry_own[entry_index(entry)];
    uint64_t gen = atomic_load_explicit(&entry->gen, memory_order_acquire);
    if (gen == 0 || gen == PAGE_GEN_CLAIMED || atomic_load_explicit(&entry->word, memory_order_acquire) != 0 ||
        atomic_load_explicit(&entry->tell, memory_order_relaxed) != 0 ||
        atomic_load_explicit(&own->id, memory_order_relaxed) ||
        atomic_load_explicit(&own->is_pinned, memory_order_relaxed))
        return 0;
    uint32_t units = page_coarse(now_ns) - atomic_load_explicit(&entry->idle_since, memory_order_relaxed);
    return units <= INT32_MAX ? page_coarse_ns(units) : 0; /* else: after now_ns */
}

static struct page_lock *longest_idle(uint64_t from)
{
    uint64_t now_ns = clock_now_ns(), most_ns = idle_least_ns;
    uint32_t limit = page_limits.locks - 1;
    struct page_lock *found = NULL;
    for (uint64_t i = from; i < from + ENTRY_PROBES && limit > 0 && most_ns < idle_enough_ns; i++) {
        struct page_lock *entry = &page.locks[1 + i % limit];
        uint64_t ns = idle_ns(entry, now_ns);
        if (ns >= most_ns) {
            found = entry;
            most_ns = ns;
        }
    }
    return found;
}

/*
 * Acquire: a hold that something is to be told of has written `tell` before its word became 0. If the entry went to
 * another lock since it was looked at, that lock's word is left as it was.
 */
static bool evict(struct page_lock *entry)
{
    uint64_t gen = atomic_load_explicit(&entry->gen, memory_order_acquire), free = 0, gone = PAGE_WORD_GONE;
    const void *lock = (const void *)(uintptr_t)relaxed(&entry->lock);
    if (!atomic_compare_exchange_strong_explicit(&entry->word, &free, gone, memory_order_acq_rel, memory_order_relaxed))
        return false;
    if (relaxed(&entry->gen) != gen || atomic_load_explicit(&entry->tell, memory_order_relaxed) != 0) {
        atomic_compare_exchange_strong_explicit(&entry->word, &gone, 0, memory_order_acq_rel, memory_order_relaxed);
        return false;
    }
    if (!bucket_remove(lock, entry_index(entry)))
        return false;
    entry_retire(entry);
    atomic_fetch_add_explicit(&page.header.losses.locks_evicted, 1, memory_order_relaxed);
    return true;
}

static struct page_lock *claim_or_evict(uint64_t gen)
{
    struct page_lock *entry = entry_claim(gen);
    struct page_lock *victim = entry || !page_tables() ? NULL : longest_idle(gen);
    if (victim && evict(victim))
        entry = entry_claim(gen);
    if (!entry)
        atomic_fetch_add_explicit(&page.header.losses.locks_unlisted, 1, memory_order_relaxed);
    return entry;
}

/* --- Life ---------------------------------------------------------------------------------------------------- */

struct page_lock *contention_enroll(const void *lock, uint32_t kind, const void *frame)
{
    struct page_lock *entry = contention_of(lock);
    if (entry)
        return entry;
    uint64_t gen = object_generation();
    entry = claim_or_evict(gen);
    if (!entry)
        return NULL;
    const uintptr_t *caller = frame;
    entry_fill(entry, &(struct lock_kind){.lock = (uintptr_t)lock, .site = caller ? caller[1] : 0, .kind = kind}, NULL);
    atomic_store_explicit(&entry->idle_since, page_coarse(clock_now_ns()), memory_order_relaxed);
    entry_publish(entry, gen);
    struct page_lock *found = bucket_add(lock, entry);
    if (found != entry)
        entry_give_back(entry);
    if (!found)
        atomic_fetch_add_explicit(&page.header.losses.locks_unlisted, 1, memory_order_relaxed);
    return found;
}

void contention_pin(const struct page_lock *entry)
{
    if (!entry)
        return;
    atomic_store_explicit(&entry_own[entry_index(entry)].is_pinned, true, memory_order_relaxed);
}

void contention_retire(const void *lock)
{
    struct page_lock *entry = contention_of(lock);
    if (entry && bucket_remove(lock, entry_index(entry)))
        entry_retire(entry);
}

static void in_child(void)
{
    for (uint32_t i = 0; i < CONTENTION_BUCKETS; i++)
        atomic_store_explicit(&contention_index[i], 0, memory_order_relaxed);
}

static struct fork_handler fork_handler = {.in_child = in_child};

__attribute__((constructor)) static void foreign_prepare(void)
{
    forks_at_child(&fork_handler);
}
