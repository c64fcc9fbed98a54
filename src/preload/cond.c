/*
 * pthread_cond_* and cnd_*. Waiting for a signal is no contention; what is: the hold that the wait ends, and
 * the way back to the mutex (relock.h).
 *
 *     wait     the mutex's hold is settled and told, both before the real function gives it up: within the
 *              hold, since afterwards there is none of us to do it until the signal comes
 *     signal   before the real one: the waiter counts as waiting for its mutex; after it: the event (wakeup.h)
 *
 * Cancelled, a waiter has its mutex again when our handler runs, before those of the program.
 */
#include <errno.h>

#include "preload/account.h"
#include "preload/relock.h"
#include "preload/thread.h"

struct attempt {
    enum { WAIT, TIMEDWAIT, CLOCKWAIT, CND_WAIT, CND_TIMEDWAIT } how;
    clockid_t clock;
    const struct timespec *deadline;
};

static int block(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct attempt *attempt)
{
    switch (attempt->how) {
    case WAIT:
        return real()->pthread_cond_wait(cond, mutex);
    case TIMEDWAIT:
        return real()->pthread_cond_timedwait(cond, mutex, attempt->deadline);
    case CLOCKWAIT:
        return real()->pthread_cond_clockwait(cond, mutex, attempt->clock, attempt->deadline);
    case CND_WAIT:
        return real()->cnd_wait((cnd_t *)cond, (mtx_t *)mutex);
    case CND_TIMEDWAIT:
        return real()->cnd_timedwait((cnd_t *)cond, (mtx_t *)mutex, attempt->deadline);
    }
    __builtin_unreachable();
}

/* Its arguments are in order, so that the real function will give the mutex up. */
static bool is_watched(const pthread_cond_t *cond, const pthread_mutex_t *mutex, const struct attempt *attempt)
{
    if (!account_on() || account_is_shared(mutex) || cond_is_shared(cond) || !mutex_is_freed_by(mutex, thread_id()))
        return false;
    if (attempt->how == WAIT || attempt->how == CND_WAIT)
        return true;
    if (attempt->how == CLOCKWAIT && attempt->clock != CLOCK_REALTIME && attempt->clock != CLOCK_MONOTONIC)
        return false;
    const struct timespec *deadline = attempt->deadline;
    return deadline && deadline->tv_sec >= 0 && deadline->tv_nsec >= 0 && deadline->tv_nsec < 1000000000;
}

static void release(pthread_mutex_t *mutex, enum msc_lock_kind kind, const void *frame)
{
    struct page_lock *entry = account_owing(mutex);
    struct contention_release release;
    struct msc_ev_lock_hold hold;
    if (entry) {
        contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
        contention_tell(&release, frame);
    }
    account_hold_ends(mutex, kind, MSC_MODE_EXCLUSIVE, frame, &hold);
    if (hold.weight)
        holds_tell(&hold, frame);
}

/* A wait under way. */
struct waiting {
    pthread_mutex_t *mutex;
    struct relock *relock; /* NULL = not tracked */
    const void *frame;
};

/* The thread is the mutex's holder again, and wanted to be since `begin_ns`. */
static void relocked(const struct waiting *waiting, struct page_lock *entry, uint64_t begin_ns)
{
    struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_COND};
    struct contention_wait wait = {.entry = entry, .how = how};
    if (atomic_load_explicit(&entry->settled_ns, memory_order_relaxed) > begin_ns) /* somebody held it up */
        contention_relock_begin(entry, &how, waiting->frame, &wait);
    contention_relock_end(&wait, begin_ns);
}

/* The thread is the mutex's holder again, unless nobody will ever be. */
static void come_back(const struct waiting *waiting, int result)
{
    uint64_t begin_ns = waiting->relock ? relock_leave(waiting->relock, result == 0) : 0;
    struct page_lock *entry = contention_of(waiting->mutex);
    operations_count();
    if (result != ENOTRECOVERABLE)
        account_hold_begins(waiting->mutex, MSC_MODE_EXCLUSIVE);
    if (entry && begin_ns && result == ENOTRECOVERABLE)
        contention_relock_cancel(entry, begin_ns);
    else if (entry && begin_ns)
        relocked(waiting, entry, begin_ns);
    else if (entry && result != ENOTRECOVERABLE)
        contention_overtake(entry, MSC_MODE_EXCLUSIVE, 0);
}

static void cancelled(void *waiting)
{
    come_back(waiting, 0); /* it may have eaten a signal */
}

static int wait_watched(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct attempt *attempt, const void *frame)
{
    bool is_cnd = attempt->how == CND_WAIT || attempt->how == CND_TIMEDWAIT;
    enum msc_lock_kind kind = is_cnd ? MSC_LOCK_MTX : MSC_LOCK_MUTEX;
    release(mutex, kind, frame);
    struct waiting waiting = {mutex, relock_enter(cond, mutex, kind), frame};
    int result;
    pthread_cleanup_push(cancelled, &waiting);
    result = block(cond, mutex, attempt);
    pthread_cleanup_pop(0);
    come_back(&waiting, result);
    return result;
}

/* Inline, so that the frame is the hook's. */
static inline __attribute__((always_inline)) int wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                                      const struct attempt *attempt)
{
    if (!is_watched(cond, mutex, attempt))
        return block(cond, mutex, attempt);
    return wait_watched(cond, mutex, attempt, STACK_HERE());
}

HOOK int pthread_cond_wait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex)
{
    return wait(cond, mutex, &(struct attempt){.how = WAIT});
}

HOOK int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                                const struct timespec *restrict deadline)
{
    return wait(cond, mutex, &(struct attempt){.how = TIMEDWAIT, .deadline = deadline});
}

HOOK int pthread_cond_clockwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex, clockid_t clock,
                                const struct timespec *restrict deadline)
{
    return wait(cond, mutex, &(struct attempt){.how = CLOCKWAIT, .clock = clock, .deadline = deadline});
}

HOOK int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    return wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, &(struct attempt){.how = CND_WAIT});
}

HOOK int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex, const struct timespec *restrict deadline)
{
    return wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex,
                &(struct attempt){.how = CND_TIMEDWAIT, .deadline = deadline});
}

static inline bool wakes_somebody(const pthread_cond_t *cond)
{
    return account_on() && cond_has_waiters(cond) && !cond_is_shared(cond);
}

typedef int wake_fn(pthread_cond_t *);

__attribute__((noinline)) static int wake(pthread_cond_t *cond, bool all, wake_fn *wake_really, const void *frame)
{
    struct wakeup wakeup = relock_wake(cond, all, frame);
    int result = wake_really(cond);
    wakeup_tell(cond, &wakeup, frame);
    return result;
}

HOOK int pthread_cond_signal(pthread_cond_t *cond)
{
    return wakes_somebody(cond) ? wake(cond, false, real()->pthread_cond_signal, STACK_HERE())
                                : real()->pthread_cond_signal(cond);
}

HOOK int pthread_cond_broadcast(pthread_cond_t *cond)
{
    return wakes_somebody(cond) ? wake(cond, true, real()->pthread_cond_broadcast, STACK_HERE())
                                : real()->pthread_cond_broadcast(cond);
}

static int signal_cnd(pthread_cond_t *cond)
{
    return real()->cnd_signal((cnd_t *)cond);
}

static int broadcast_cnd(pthread_cond_t *cond)
{
    return real()->cnd_broadcast((cnd_t *)cond);
}

HOOK int cnd_signal(cnd_t *cnd)
{
    pthread_cond_t *cond = (pthread_cond_t *)cnd;
    return wakes_somebody(cond) ? wake(cond, false, signal_cnd, STACK_HERE()) : signal_cnd(cond);
}

HOOK int cnd_broadcast(cnd_t *cnd)
{
    pthread_cond_t *cond = (pthread_cond_t *)cnd;
    return wakes_somebody(cond) ? wake(cond, true, broadcast_cnd, STACK_HERE()) : broadcast_cnd(cond);
}
