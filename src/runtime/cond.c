/*
 * See mapscope/cond.h and, for the accounting, "Condition variables" in contention.h.
 *
 * Whoever signals does not know whom it wakes, and need not: of those who wait, one more is waking up, since now.
 * So there are two numbers: how many wait unsignalled, and of the others when each was signalled, without a name. A
 * waiter that comes back takes one of these times. However they are matched, the sum of the waits is right.
 */
#include <mapscope/cond.h>

#include <errno.h>

#include "base/clock.h"
#include "runtime/own_lock.h"
#include "runtime/stack.h"
#include "runtime/thread.h"
#include "runtime/wakeup.h"

enum { SIGNALS = 6, COUNT_SHIFT = 48 };
#define TIME_MASK ((UINT64_C(1) << COUNT_SHIFT) - 1)

/* What msc_cond is behind its public face. All is a hint to others but for whoever holds the mutex. */
struct cond {
    pthread_cond_t real;
    msc_mutex *_Atomic mutex;
    _Atomic uint32_t waiting;            /* not signalled yet */
    _Atomic uint32_t entering;           /* tid of the last one that began to wait; 0 = it came back */
    _Atomic uint64_t signalled[SIGNALS]; /* how many are on their way back (16 bits) since when; 0 = free */
};

_Static_assert(sizeof(struct cond) == sizeof(msc_cond), "the public storage fits");
_Static_assert(_Alignof(struct cond) == _Alignof(msc_cond), "the public storage is aligned");

static struct cond *cond_of(msc_cond *public)
{
    return (struct cond *)(void *)public;
}

/* --- Who waits, who is on the way back --------------------------------------------------------------------- */

/* Up to `most` of those who wait are waiting no more. Returns how many. */
static uint32_t take_waiting(struct cond *cond, uint32_t most)
{
    uint32_t waiting = atomic_load_explicit(&cond->waiting, memory_order_relaxed);
    uint32_t taken;
    do {
        taken = waiting < most ? waiting : most;
    } while (taken && !atomic_compare_exchange_weak_explicit(&cond->waiting, &waiting, waiting - taken,
                                                             memory_order_relaxed, memory_order_relaxed));
    return taken;
}

/* False: there is no room for one more time. */
static bool put_signalled(struct cond *cond, uint64_t time_ns, uint32_t count)
{
    for (int i = 0; i < SIGNALS; i++) {
        uint64_t free = 0;
        if (atomic_compare_exchange_strong_explicit(&cond->signalled[i], &free,
                                                    (uint64_t)count << COUNT_SHIFT | (time_ns & TIME_MASK),
                                                    memory_order_relaxed, memory_order_relaxed))
            return true;
    }
    return false;
}

/* When somebody was signalled who did not come back yet; 0: there is nobody. `now_ns` completes the 48 bits. */
static uint64_t take_signalled(struct cond *cond, uint64_t now_ns)
{
    for (int i = 0; i < SIGNALS; i++) {
        uint64_t cell = atomic_load_explicit(&cond->signalled[i], memory_order_relaxed);
        while (cell) {
            uint64_t left = cell >> COUNT_SHIFT == 1 ? 0 : cell - (UINT64_C(1) << COUNT_SHIFT);
            if (atomic_compare_exchange_weak_explicit(&cond->signalled[i], &cell, left, memory_order_relaxed,
                                                      memory_order_relaxed))
                return now_ns - ((now_ns - cell) & TIME_MASK);
        }
    }
    return 0;
}

/* --- Signals ------------------------------------------------------------------------------------------------ */

/* Its registered waiter may not wait yet, and miss a signal that comes without the mutex. */
static bool is_entering(struct cond *cond, const msc_mutex *mutex)
{
    const int *holder = own_mutex_holder(&mutex->msc_real);
    uint32_t entering = atomic_load_explicit(&cond->entering, memory_order_relaxed);
    return entering && holder && (uint32_t)__atomic_load_n(holder, __ATOMIC_RELAXED) == entering;
}

/* Lets up to `most` waiters join the word of their mutex, before they are woken. */
static struct wakeup join_woken(struct cond *cond, uint16_t most)
{
    struct wakeup wakeup = {0};
    msc_mutex *mutex = atomic_load_explicit(&cond->mutex, memory_order_acquire);
    if (!mutex || atomic_load_explicit(&cond->waiting, memory_order_relaxed) == 0 || is_entering(cond, mutex))
        return wakeup;
    struct page_lock *entry = lock_contended(own_lock_id(&mutex->msc_id));
    uint32_t count = entry ? take_waiting(cond, most) : 0;
    uint64_t time_ns = count ? contention_relock_join_many(entry, (uint16_t)count) : 0;
    if (time_ns && put_signalled(cond, time_ns, count)) {
        wakeup_add(&wakeup, entry, time_ns, count);
        return wakeup;
    }
    while (time_ns && count-- > 0) /* they come back unseen */
        contention_relock_cancel(entry, time_ns);
    return wakeup;
}

int msc_cond_signal(msc_cond *public)
{
    struct cond *cond = cond_of(public);
    struct wakeup wakeup = join_woken(cond, 1);
    msc_guard++;
    int error = pthread_cond_signal(&cond->real);
    msc_guard--;
    wakeup_tell(cond, &wakeup, STACK_HERE());
    return -error;
}

int msc_cond_broadcast(msc_cond *public)
{
    struct cond *cond = cond_of(public);
    struct wakeup wakeup = join_woken(cond, UINT16_MAX);
    msc_guard++;
    int error = pthread_cond_broadcast(&cond->real);
    msc_guard--;
    wakeup_tell(cond, &wakeup, STACK_HERE());
    return -error;
}

/* --- Waits -------------------------------------------------------------------------------------------------- */

struct waiter {
    struct cond *cond;
    msc_mutex *mutex;
    struct page_lock *entry; /* NULL: it is not registered */
    const void *frame;
    int error;
};

/* With the mutex held, which the real wait is about to release. What that has to tell is told now: when the wait is
   over the mutex is held again. */
static void leave_mutex(struct waiter *waiter)
{
    struct lock_id *id = own_lock_id(&waiter->mutex->msc_id);
    const struct lock_kind what = {.lock = (uintptr_t)waiter->mutex, .kind = MSC_LOCK_MUTEX};
    struct page_lock *entry = lock_contended(id);
    if (entry && contention_to_settle(entry)) {
        struct contention_release release;
        contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
        contention_tell(&release, waiter->frame);
    }
    struct msc_ev_lock_hold hold;
    own_hold_end(id, &what, MSC_MODE_EXCLUSIVE, &hold);
    if (hold.weight)
        holds_tell(&hold, waiter->frame);
    if (!contention_wanted())
        return;
    waiter->entry = lock_contend(id, &what);
    if (!waiter->entry)
        return;
    atomic_store_explicit(&waiter->cond->mutex, waiter->mutex, memory_order_release);
    atomic_store_explicit(&waiter->cond->entering, thread_tid(), memory_order_relaxed);
    atomic_fetch_add_explicit(&waiter->cond->waiting, 1, memory_order_relaxed);
}

/* When this waiter was signalled; 0: it came back by itself, or nobody knows. */
static uint64_t signalled_at(struct waiter *waiter)
{
    uint64_t now_ns = clock_now_ns();
    bool by_itself = waiter->error != 0;
    if (by_itself && take_waiting(waiter->cond, 1))
        return 0;
    uint64_t begin_ns = take_signalled(waiter->cond, now_ns);
    if (!begin_ns && !by_itself)
        take_waiting(waiter->cond, 1);
    return begin_ns;
}

/* With the mutex held again. */
static void come_back(struct waiter *waiter)
{
    uint32_t self = thread_tid();
    if (waiter->entry && msc_lock_holds_timed)
        holds_begin(waiter->mutex, MSC_MODE_EXCLUSIVE);
    if (!waiter->entry) {
        own_lock_count(own_lock_id(&waiter->mutex->msc_id));
        msc_mutex_overtake(waiter->mutex);
        return;
    }
    atomic_compare_exchange_strong_explicit(&waiter->cond->entering, &self, 0, memory_order_relaxed,
                                            memory_order_relaxed);
    uint64_t begin_ns = signalled_at(waiter);
    struct contention_wait wait = {.entry = waiter->entry};
    const struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_COND};
    if (begin_ns && atomic_load_explicit(&waiter->entry->settled_ns, memory_order_relaxed) > begin_ns)
        contention_relock_begin(waiter->entry, &how, waiter->frame, &wait);
    contention_relock_end(&wait, begin_ns);
}

static void cancelled(void *argument)
{
    struct waiter *waiter = argument;
    msc_guard--;
    waiter->error = ECANCELED;
    come_back(waiter);
}

static int wait_until(msc_cond *public, msc_mutex *mutex, const struct timespec *deadline, const void *frame)
{
    struct waiter waiter = {cond_of(public), mutex, NULL, frame, 0};
    leave_mutex(&waiter);
    msc_guard++;
    pthread_cleanup_push(cancelled, &waiter);
    waiter.error = deadline ? pthread_cond_timedwait(&waiter.cond->real, &mutex->msc_real, deadline)
                            : pthread_cond_wait(&waiter.cond->real, &mutex->msc_real);
    pthread_cleanup_pop(0);
    msc_guard--;
    come_back(&waiter);
    return -waiter.error;
}

int msc_cond_wait(msc_cond *cond, msc_mutex *mutex)
{
    return wait_until(cond, mutex, NULL, STACK_HERE());
}

int msc_cond_timedwait(msc_cond *cond, msc_mutex *mutex, const struct timespec *deadline)
{
    return wait_until(cond, mutex, deadline, STACK_HERE());
}

/* --- Life --------------------------------------------------------------------------------------------------- */

static int init(msc_cond *public, clockid_t clock)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error)
        return -error;
    *public = (msc_cond)MSC_COND_INITIALIZER;
    error = pthread_condattr_setclock(&attributes, clock);
    if (error == 0)
        error = pthread_cond_init(&public->msc_real, &attributes);
    pthread_condattr_destroy(&attributes);
    return -error;
}

int msc_cond_init(msc_cond *cond)
{
    return init(cond, CLOCK_REALTIME);
}

int msc_cond_init_monotonic(msc_cond *cond)
{
    return init(cond, CLOCK_MONOTONIC);
}

int msc_cond_destroy(msc_cond *cond)
{
    return -pthread_cond_destroy(&cond->msc_real);
}
