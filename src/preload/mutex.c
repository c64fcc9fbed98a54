/*
 * pthread_mutex_* and mtx_*, which in glibc are the same thing under two names.
 *
 *     lock     trylock first: without contention that is all. Only EBUSY goes on to wait_for: it joins the
 *              waiters, blocks in the real function, and is the holder or gives up
 *     unlock   if others wait or waited: the release is settled, then the real unlock, then it is told
 *
 * trylock and lock differ in nothing but in waiting, with two exceptions: an errorcheck mutex that the caller
 * holds is EBUSY for the one and EDEADLK for the other (wait_for passes that through), and the arguments of
 * the timed functions, which are checked now before, now after: calls with odd ones are passed through untouched.
 */
#include <errno.h>

#include "preload/account.h"
#include "preload/thread.h"

/* How a call blocks. */
struct attempt {
    enum { LOCK, TIMEDLOCK, CLOCKLOCK, MTX_LOCK, MTX_TIMEDLOCK } how;
    clockid_t clock;
    const struct timespec *deadline;
};

static int block(pthread_mutex_t *mutex, const struct attempt *attempt)
{
    switch (attempt->how) {
    case LOCK:
        return real()->pthread_mutex_lock(mutex);
    case TIMEDLOCK:
        return real()->pthread_mutex_timedlock(mutex, attempt->deadline);
    case CLOCKLOCK:
        return real()->pthread_mutex_clocklock(mutex, attempt->clock, attempt->deadline);
    case MTX_LOCK:
        return real()->mtx_lock((mtx_t *)mutex);
    case MTX_TIMEDLOCK:
        return real()->mtx_timedlock((mtx_t *)mutex, attempt->deadline);
    }
    __builtin_unreachable();
}

static inline bool is_c11(const struct attempt *attempt)
{
    return attempt->how == MTX_LOCK || attempt->how == MTX_TIMEDLOCK;
}

/* In both vocabularies. */
static bool is_held(int result)
{
    return result == 0 || result == EOWNERDEAD;
}

static enum msc_wait_result wait_result(int result)
{
    return result == ETIMEDOUT || result == thrd_timedout ? MSC_WAIT_TIMEOUT : MSC_WAIT_ERROR;
}

static inline void took(pthread_mutex_t *mutex, uint64_t tried_ns)
{
    operations_count();
    if (!mutex_is_new(mutex))
        return;
    account_hold_begins(mutex, MSC_MODE_EXCLUSIVE);
    account_took(mutex, MSC_MODE_EXCLUSIVE, tried_ns);
}

__attribute__((noinline)) static int wait_for(pthread_mutex_t *mutex, const struct attempt *attempt, const void *frame)
{
    bool fails = mutex_has_type(mutex, KIND_ERRORCHECK) && mutex_owner(mutex) == thread_id();
    if (fails || !contention_wanted())
        return block(mutex, attempt);
    struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE,
                                 .kind = is_c11(attempt) ? MSC_LOCK_MTX : MSC_LOCK_MUTEX,
                                 .owner = mutex_owner_word(mutex),
                                 .lock = mutex};
    struct contention_wait wait;
    thread_expect_events();
    contention_join(contention_enroll(mutex, how.kind, frame), &how, frame, &wait);
    int result = block(mutex, attempt);
    if (is_held(result))
        account_hold_begins(mutex, MSC_MODE_EXCLUSIVE);
    if (result == EOWNERDEAD)
        wait.result = MSC_WAIT_OWNER_DIED;
    if (is_held(result))
        contention_acquire(&wait);
    else
        contention_give_up(&wait, wait_result(result));
    operations_count();
    return result;
}

/* After a trylock that returned `tried`. */
static inline int lock_tried(pthread_mutex_t *mutex, const struct attempt *attempt, int tried, uint64_t tried_ns,
                             const void *frame)
{
    if (tried == (is_c11(attempt) ? (int)thrd_busy : EBUSY))
        return wait_for(mutex, attempt, frame);
    if (is_held(tried))
        took(mutex, tried_ns);
    return tried;
}

static int lock(pthread_mutex_t *mutex, const struct attempt *attempt, const void *frame)
{
    uint64_t tried_ns = account_tries(mutex);
    int tried = is_c11(attempt) ? real_table.mtx_trylock((mtx_t *)mutex) : real_table.pthread_mutex_trylock(mutex);
    return lock_tried(mutex, attempt, tried, tried_ns, frame);
}

static inline bool is_watched(const pthread_mutex_t *mutex)
{
    return account_on() && !account_is_shared(mutex);
}

static bool is_plain(const struct timespec *deadline)
{
    return deadline && deadline->tv_sec >= 0 && deadline->tv_nsec >= 0 && deadline->tv_nsec < 1000000000;
}

/* --- pthread --------------------------------------------------------------------------------------------- */

/*
 * Lock and unlock are what every program calls most. Where nobody traces, and at the unlock of a lock that nobody ever
 * waited for, they are a jump to the real function, without a frame of their own (-momit-leaf-frame-pointer; the table
 * has these two from the beginning). They jump to the functions below, too, whose caller is therefore theirs. Code
 * that is not optimised calls them instead: stacks begin with the hook then, which readers leave out
 * (model/user_leaf.h).
 */

static const struct attempt plain_lock = {.how = LOCK};

__attribute__((noinline)) static int lock_fully(pthread_mutex_t *mutex, const void *frame)
{
    return lock(mutex, &plain_lock, frame);
}

__attribute__((noinline)) static int lock_tried_fully(pthread_mutex_t *mutex, int tried, const void *frame)
{
    return lock_tried(mutex, &plain_lock, tried, 0, frame);
}

__attribute__((noinline)) static int lock_watched(pthread_mutex_t *mutex)
{
    if (!account_may() || account_is_shared(mutex))
        return real()->pthread_mutex_lock(mutex);
    if (!account_is_quiet(mutex))
        return lock_fully(mutex, STACK_HERE());
    int tried = real_table.pthread_mutex_trylock(mutex);
    if (__builtin_expect(tried || !account_is_quiet(mutex), 0))
        return lock_tried_fully(mutex, tried, STACK_HERE());
    operations_count();
    return 0;
}

HOOK int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    return contention_is_on() ? lock_watched(mutex) : real_table.pthread_mutex_lock(mutex);
}

HOOK int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict deadline)
{
    if (!is_watched(mutex) || !is_plain(deadline))
        return real()->pthread_mutex_timedlock(mutex, deadline);
    struct attempt attempt = {.how = TIMEDLOCK, .deadline = deadline};
    return lock(mutex, &attempt, STACK_HERE());
}

HOOK int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock,
                                 const struct timespec *restrict deadline)
{
    if (!is_watched(mutex) || !is_plain(deadline) || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
        return real()->pthread_mutex_clocklock(mutex, clock, deadline);
    struct attempt attempt = {.how = CLOCKLOCK, .clock = clock, .deadline = deadline};
    return lock(mutex, &attempt, STACK_HERE());
}

HOOK int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    int result = real()->pthread_mutex_trylock(mutex);
    if (is_held(result) && is_watched(mutex))
        took(mutex, 0);
    return result;
}

__attribute__((noinline)) static int settle(struct page_lock *entry, pthread_mutex_t *mutex, bool is_mtx,
                                            const void *frame)
{
    struct contention_release release;
    struct msc_ev_lock_hold hold = {.weight = 0};
    bool is_freed = !account_is_shared(mutex) && mutex_is_freed_by(mutex, thread_id());
    if (is_freed && entry)
        contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
    if (is_freed)
        account_hold_ends(mutex, is_mtx ? MSC_LOCK_MTX : MSC_LOCK_MUTEX, MSC_MODE_EXCLUSIVE, frame, &hold);
    int result = is_mtx ? real()->mtx_unlock((mtx_t *)mutex) : real()->pthread_mutex_unlock(mutex);
    if (is_freed && entry)
        contention_tell(&release, frame);
    if (hold.weight)
        holds_tell(&hold, frame);
    return result;
}

__attribute__((noinline)) static int unlock_fully(pthread_mutex_t *mutex)
{
    struct page_lock *entry = account_owing(mutex);
    return account_is_idle(entry) ? real()->pthread_mutex_unlock(mutex) : settle(entry, mutex, false, STACK_HERE());
}

HOOK int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    bool is_quiet = !atomic_load_explicit(&contention_on, memory_order_relaxed) || account_is_quiet(mutex);
    return is_quiet ? real_table.pthread_mutex_unlock(mutex) : unlock_fully(mutex);
}

static bool is_private(const pthread_mutexattr_t *attributes)
{
    int shared;
    return pthread_mutexattr_getpshared(attributes, &shared) == 0 && shared == PTHREAD_PROCESS_PRIVATE;
}

/* Memory that is a new mutex, or none any more: its address is another lock's from now on. */
HOOK int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    contention_retire(mutex);
    int result = real()->pthread_mutex_init(mutex, attributes);
    if (result == 0 && attributes && mutex_is_robust(mutex) && is_private(attributes) && account_may())
        contention_pin(contention_enroll(mutex, MSC_LOCK_MUTEX, STACK_HERE())); /* account_is_shared asks for that */
    return result;
}

HOOK int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    int result = real()->pthread_mutex_destroy(mutex);
    if (result == 0)
        contention_retire(mutex);
    return result;
}

/* --- C11 -------------------------------------------------------------------------------------------------- */

static pthread_mutex_t *mutex_of(mtx_t *mtx)
{
    return (pthread_mutex_t *)mtx;
}

HOOK int mtx_lock(mtx_t *mtx)
{
    if (!is_watched(mutex_of(mtx)))
        return real()->mtx_lock(mtx);
    struct attempt attempt = {.how = MTX_LOCK};
    return lock(mutex_of(mtx), &attempt, STACK_HERE());
}

HOOK int mtx_timedlock(mtx_t *restrict mtx, const struct timespec *restrict deadline)
{
    if (!is_watched(mutex_of(mtx)) || !is_plain(deadline))
        return real()->mtx_timedlock(mtx, deadline);
    struct attempt attempt = {.how = MTX_TIMEDLOCK, .deadline = deadline};
    return lock(mutex_of(mtx), &attempt, STACK_HERE());
}

HOOK int mtx_trylock(mtx_t *mtx)
{
    int result = real()->mtx_trylock(mtx);
    if (result == thrd_success && is_watched(mutex_of(mtx)))
        took(mutex_of(mtx), 0);
    return result;
}

HOOK int mtx_unlock(mtx_t *mtx)
{
    struct page_lock *entry = account_owing(mtx);
    return account_is_idle(entry) ? real()->mtx_unlock(mtx) : settle(entry, mutex_of(mtx), true, STACK_HERE());
}

HOOK int mtx_init(mtx_t *mtx, int type)
{
    contention_retire(mtx);
    return real()->mtx_init(mtx, type);
}

HOOK void mtx_destroy(mtx_t *mtx)
{
    real()->mtx_destroy(mtx);
    contention_retire(mtx);
}
