/* See relock.h. Entries of a condition variable lie in the bucket of its address. */
#include "preload/relock.h"

#include <stdatomic.h>
#include <stddef.h>

#include "runtime/contention.h"

enum { BUCKETS = 64, ENTRIES = 64 };

/*
 * state: what an entry is in the low two bits. WAITING has a number that is given once, so that a signaller
 * which was overtaken finds another state than it saw; WOKEN has the time.
 */
enum { FREE, CLAIMED, WAITING, WOKEN, STATE_MASK = 3, STATE_BITS = 2 };

struct relock {
    _Atomic uint64_t state; /* release after the rest is written, acquire before it is read */
    const void *_Atomic cond;
    const void *_Atomic mutex;
    _Atomic uint32_t kind; /* enum msc_lock_kind, of the mutex */
};

struct bucket {
    _Atomic uint32_t used; /* entries below it may be taken */
    struct relock entries[ENTRIES];
};

static struct bucket buckets[BUCKETS];
static _Atomic uint64_t numbers;

static struct bucket *bucket_of(const void *cond)
{
    return &buckets[((uintptr_t)cond * UINT64_C(0x9e3779b97f4a7c15)) >> 58];
}
_Static_assert(BUCKETS == 1 << (64 - 58), "bucket_of takes so many bits");

static uint64_t new_number(void)
{
    return atomic_fetch_add_explicit(&numbers, 1, memory_order_relaxed) << STATE_BITS | WAITING;
}

static bool change(struct relock *relock, uint64_t from, uint64_t to)
{
    return atomic_compare_exchange_strong_explicit(&relock->state, &from, to, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

static void raise_used(struct bucket *bucket, uint32_t used)
{
    uint32_t now = atomic_load_explicit(&bucket->used, memory_order_relaxed);
    while (now < used && !atomic_compare_exchange_weak_explicit(&bucket->used, &now, used, memory_order_release,
                                                                memory_order_relaxed)) {
    }
}

struct relock *relock_enter(const void *cond, const pthread_mutex_t *mutex, enum msc_lock_kind kind)
{
    struct bucket *bucket = bucket_of(cond);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        struct relock *relock = &bucket->entries[i];
        if (atomic_load_explicit(&relock->state, memory_order_relaxed) != FREE || !change(relock, FREE, CLAIMED))
            continue;
        atomic_store_explicit(&relock->cond, cond, memory_order_relaxed);
        atomic_store_explicit(&relock->mutex, mutex, memory_order_relaxed);
        atomic_store_explicit(&relock->kind, kind, memory_order_relaxed);
        atomic_store_explicit(&relock->state, new_number(), memory_order_release);
        raise_used(bucket, i + 1);
        return relock;
    }
    return NULL;
}

/* The next entry of `cond` in that state, from *at on; NULL = there is none. */
static struct relock *next(const void *cond, uint64_t tag, uint32_t *at, uint64_t *state)
{
    struct bucket *bucket = bucket_of(cond);
    uint32_t used = atomic_load_explicit(&bucket->used, memory_order_acquire);
    while (*at < used) {
        struct relock *relock = &bucket->entries[(*at)++];
        *state = atomic_load_explicit(&relock->state, memory_order_acquire);
        if ((*state & STATE_MASK) == tag && atomic_load_explicit(&relock->cond, memory_order_relaxed) == cond)
            return relock;
    }
    return NULL;
}

/* The time at which another waiter was marked, who goes on waiting. 0 = none was. */
static uint64_t take_mark(const void *cond)
{
    uint64_t state;
    struct relock *relock;
    for (uint32_t at = 0; (relock = next(cond, WOKEN, &at, &state)) != NULL;)
        if (change(relock, state, new_number()))
            return state >> STATE_BITS;
    return 0;
}

uint64_t relock_leave(struct relock *relock, bool was_signalled)
{
    const void *cond = atomic_load_explicit(&relock->cond, memory_order_relaxed);
    uint64_t state = atomic_exchange_explicit(&relock->state, FREE, memory_order_acq_rel);
    if ((state & STATE_MASK) == WOKEN)
        return state >> STATE_BITS;
    return was_signalled ? take_mark(cond) : 0;
}

struct wakeup relock_wake(const void *cond, bool all, const void *frame)
{
    struct wakeup wakeup = {0};
    uint64_t state;
    struct relock *relock;
    for (uint32_t at = 0; (relock = next(cond, WAITING, &at, &state)) != NULL;) {
        const void *mutex = atomic_load_explicit(&relock->mutex, memory_order_relaxed);
        uint32_t kind = atomic_load_explicit(&relock->kind, memory_order_relaxed);
        struct page_lock *entry = contention_enroll(mutex, kind, frame);
        uint64_t begin_ns = entry ? contention_relock_join(entry) : 0;
        if (begin_ns == 0)
            break;
        bool is_evicted = contention_of(mutex) != entry; /* before it joined */
        if (is_evicted || !change(relock, state, begin_ns << STATE_BITS | WOKEN)) {
            contention_relock_cancel(entry, begin_ns); /* it came back by itself meanwhile */
            continue;
        }
        wakeup_add(&wakeup, entry, begin_ns, 1);
        if (!all)
            break;
    }
    return wakeup;
}

static void in_child(void)
{
    for (struct bucket *bucket = buckets; bucket < buckets + BUCKETS; bucket++) {
        for (uint32_t i = 0; i < atomic_load_explicit(&bucket->used, memory_order_relaxed); i++)
            atomic_store_explicit(&bucket->entries[i].state, FREE, memory_order_relaxed);
        atomic_store_explicit(&bucket->used, 0, memory_order_relaxed);
    }
}

__attribute__((constructor)) static void relock_prepare(void)
{
    pthread_atfork(NULL, NULL, in_child);
}
