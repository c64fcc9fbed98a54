/*
 * pthread_rwlock_*: as mutex.c, in two modes. The try functions differ from the waiting ones where the caller
 * itself is the writer (EBUSY, not EDEADLK), which wait_for passes through; the timed ones check their
 * arguments first, so calls with odd ones are passed through untouched.
 */
#include <errno.h>

#include "preload/account.h"
#include "preload/thread.h"

struct attempt {
    enum { LOCK, TIMEDLOCK, CLOCKLOCK } how;
    enum msc_lock_mode mode;
    clockid_t clock;
    const struct timespec *deadline;
};

static int try(pthread_rwlock_t *rwlock, enum msc_lock_mode mode)
{
    return mode == MSC_MODE_SHARED ? real()->pthread_rwlock_tryrdlock(rwlock)
                                   : real()->pthread_rwlock_trywrlock(rwlock);
}

static int block(pthread_rwlock_t *rwlock, const struct attempt *attempt)
{
    bool is_read = attempt->mode == MSC_MODE_SHARED;
    switch (attempt->how) {
    case LOCK:
        return is_read ? real()->pthread_rwlock_rdlock(rwlock) : real()->pthread_rwlock_wrlock(rwlock);
    case TIMEDLOCK:
        return is_read ? real()->pthread_rwlock_timedrdlock(rwlock, attempt->deadline)
                       : real()->pthread_rwlock_timedwrlock(rwlock, attempt->deadline);
    case CLOCKLOCK:
        return is_read ? real()->pthread_rwlock_clockrdlock(rwlock, attempt->clock, attempt->deadline)
                       : real()->pthread_rwlock_clockwrlock(rwlock, attempt->clock, attempt->deadline);
    }
    __builtin_unreachable();
}

static void took(pthread_rwlock_t *rwlock, enum msc_lock_mode mode)
{
    operations_count();
    account_hold_begins(rwlock, mode);
    account_took(rwlock, mode, 0);
}

__attribute__((noinline)) static int wait_for(pthread_rwlock_t *rwlock, const struct attempt *attempt,
                                              const void *frame)
{
    if (rwlock_writer(rwlock) == thread_id() || !contention_wanted())
        return block(rwlock, attempt);
    struct contention_how how = {
        .mode = attempt->mode, .kind = MSC_LOCK_RWLOCK, .owner = &rwlock->__data.__cur_writer, .lock = rwlock};
    struct contention_wait wait;
    thread_expect_events();
    contention_join(contention_enroll(rwlock, MSC_LOCK_RWLOCK, frame), &how, frame, &wait);
    int result = block(rwlock, attempt);
    if (result == 0)
        account_hold_begins(rwlock, attempt->mode);
    if (result == 0)
        contention_acquire(&wait);
    else
        contention_give_up(&wait, result == ETIMEDOUT ? MSC_WAIT_TIMEOUT : MSC_WAIT_ERROR);
    operations_count();
    return result;
}

static bool is_watched(const pthread_rwlock_t *rwlock, const struct attempt *attempt)
{
    if (!account_on() || rwlock_is_shared(rwlock))
        return false;
    if (attempt->how == LOCK)
        return true;
    bool has_clock = attempt->how == TIMEDLOCK || attempt->clock == CLOCK_REALTIME || attempt->clock == CLOCK_MONOTONIC;
    const struct timespec *deadline = attempt->deadline;
    return has_clock && deadline && deadline->tv_sec >= 0 && deadline->tv_nsec >= 0 && deadline->tv_nsec < 1000000000;
}

/* Inline, so that the frame is the hook's. */
static inline __attribute__((always_inline)) int lock(pthread_rwlock_t *rwlock, const struct attempt *attempt)
{
    if (!is_watched(rwlock, attempt))
        return block(rwlock, attempt);
    int tried = try(rwlock, attempt->mode);
    if (__builtin_expect(tried == EBUSY, 0))
        return wait_for(rwlock, attempt, STACK_HERE());
    if (tried == 0)
        took(rwlock, attempt->mode);
    return tried;
}

HOOK int pthread_rwlock_rdlock(pthread_rwlock_t *rwlock)
{
    return lock(rwlock, &(struct attempt){.how = LOCK, .mode = MSC_MODE_SHARED});
}

HOOK int pthread_rwlock_wrlock(pthread_rwlock_t *rwlock)
{
    return lock(rwlock, &(struct attempt){.how = LOCK, .mode = MSC_MODE_EXCLUSIVE});
}

HOOK int pthread_rwlock_timedrdlock(pthread_rwlock_t *restrict rwlock, const struct timespec *restrict deadline)
{
    return lock(rwlock, &(struct attempt){.how = TIMEDLOCK, .mode = MSC_MODE_SHARED, .deadline = deadline});
}

HOOK int pthread_rwlock_timedwrlock(pthread_rwlock_t *restrict rwlock, const struct timespec *restrict deadline)
{
    return lock(rwlock, &(struct attempt){.how = TIMEDLOCK, .mode = MSC_MODE_EXCLUSIVE, .deadline = deadline});
}

HOOK int pthread_rwlock_clockrdlock(pthread_rwlock_t *restrict rwlock, clockid_t clock,
                                    const struct timespec *restrict deadline)
{
    return lock(rwlock, &(struct attempt){CLOCKLOCK, MSC_MODE_SHARED, clock, deadline});
}

HOOK int pthread_rwlock_clockwrlock(pthread_rwlock_t *restrict rwlock, clockid_t clock,
                                    const struct timespec *restrict deadline)
{
    return lock(rwlock, &(struct attempt){CLOCKLOCK, MSC_MODE_EXCLUSIVE, clock, deadline});
}

static inline int try_only(pthread_rwlock_t *rwlock, enum msc_lock_mode mode)
{
    int result = try(rwlock, mode);
    if (result == 0 && account_on() && !rwlock_is_shared(rwlock))
        took(rwlock, mode);
    return result;
}

HOOK int pthread_rwlock_tryrdlock(pthread_rwlock_t *rwlock)
{
    return try_only(rwlock, MSC_MODE_SHARED);
}

HOOK int pthread_rwlock_trywrlock(pthread_rwlock_t *rwlock)
{
    return try_only(rwlock, MSC_MODE_EXCLUSIVE);
}

/* glibc tells readers from the writer in the same way. */
__attribute__((noinline)) static int settle(struct page_lock *entry, pthread_rwlock_t *rwlock, const void *frame)
{
    if (rwlock_is_shared(rwlock))
        return real()->pthread_rwlock_unlock(rwlock);
    bool is_writer = rwlock_writer(rwlock) == thread_id();
    enum msc_lock_mode mode = is_writer ? MSC_MODE_EXCLUSIVE : MSC_MODE_SHARED;
    struct contention_release release;
    struct msc_ev_lock_hold hold;
    if (entry)
        contention_release(entry, mode, is_writer || rwlock_readers(rwlock) == 1, &release);
    account_hold_ends(rwlock, MSC_LOCK_RWLOCK, mode, frame, &hold);
    int result = real()->pthread_rwlock_unlock(rwlock);
    if (entry)
        contention_tell(&release, frame);
    if (hold.weight)
        holds_tell(&hold, frame);
    return result;
}

HOOK int pthread_rwlock_unlock(pthread_rwlock_t *rwlock)
{
    struct page_lock *entry = account_owing(rwlock);
    return account_is_idle(entry) ? real()->pthread_rwlock_unlock(rwlock) : settle(entry, rwlock, STACK_HERE());
}

HOOK int pthread_rwlock_init(pthread_rwlock_t *restrict rwlock, const pthread_rwlockattr_t *restrict attributes)
{
    contention_retire(rwlock);
    return real()->pthread_rwlock_init(rwlock, attributes);
}

HOOK int pthread_rwlock_destroy(pthread_rwlock_t *rwlock)
{
    int result = real()->pthread_rwlock_destroy(rwlock);
    if (result == 0)
        contention_retire(rwlock);
    return result;
}
