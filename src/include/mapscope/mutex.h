/*
 * msc_mutex: a mutex that can tell who makes whom wait.
 *
 *     static msc_mutex sessions_lock = MSC_MUTEX_INITIALIZER_NAMED("sessions");
 *
 *     int error = msc_mutex_lock(&sessions_lock);
 *     if (error)
 *         return error;                                        // negative errno
 *     ...
 *     msc_mutex_unlock(&sessions_lock);
 *
 * A pthread mutex of the default kind (not recursive, not robust), with its costs and its rules. While
 * somebody traces, each wait is recorded with the waiter's stack, and each release that others waited for
 * with the releaser's stack and exactly the time that it cost all of them: what `mapscope convert` turns
 * into a mutex profile and a block profile. Tracing may begin and end at any time.
 *
 * Threads: as a pthread mutex. Not for signal handlers. After fork the child owns what its thread held.
 *
 * Cost: without contention, traced or not, 2 ns more than pthread's lock and unlock, and 6 ns in a program with
 * one thread, where glibc's lock leaves atomics out and its trylock does not (bench/mutex); no clock, no system
 * call. A mutex that others waited for once costs a load more at each end. With contention
 * while traced: three clock reads, two of them while the mutex is held; both stacks are taken while it is not.
 */
#ifndef MAPSCOPE_MUTEX_H
#define MAPSCOPE_MUTEX_H

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <mapscope/lock.h>

MSC_BEGIN_DECLS

/* Yours to place, the library's to look into: neither copy nor move it. Size and members may change until 1.0. */
typedef struct msc_mutex {
    pthread_mutex_t msc_real;
    struct msc_lock_id msc_id;
} msc_mutex;

/* For a mutex with static storage. `name` is shown in traces: a constant string. */
#define MSC_MUTEX_INITIALIZER MSC_MUTEX_INITIALIZER_NAMED(NULL)
/* clang-format off */
#define MSC_MUTEX_INITIALIZER_NAMED(name) {PTHREAD_MUTEX_INITIALIZER, MSC_LOCK_ID_INITIALIZER(name, 1)}
/* clang-format on */

/*
 * Makes an unlocked mutex out of any memory. `name` is borrowed for as long as the process lives: a constant
 * string, or NULL for none. Returns 0, or the negative of what pthread_mutex_init reports.
 */
MSC_API int msc_mutex_init(msc_mutex *mutex, const char *name);

/* Ends an unlocked mutex that nobody waits for; its totals go into the trace. 0, or -EBUSY (it is locked). */
MSC_API int msc_mutex_destroy(msc_mutex *mutex);

/* Waits until the mutex is the caller's. Returns 0, or the negative of what pthread_mutex_lock reports. */
static inline int msc_mutex_lock(msc_mutex *mutex);

/* 0: the mutex is the caller's. -EBUSY: it is locked; that is no contention, nothing is recorded. */
static inline int msc_mutex_trylock(msc_mutex *mutex);

/*
 * Waits until CLOCK_REALTIME reaches `deadline`, as pthread_mutex_timedlock does. 0: the mutex is the
 * caller's. -ETIMEDOUT: it is not, and the wait is recorded as timed out. -EINVAL: tv_nsec is out of range.
 */
static inline int msc_mutex_timedlock(msc_mutex *mutex, const struct timespec *deadline);

/* Gives the mutex up. Only by the thread that locked it. Returns 0. */
static inline int msc_mutex_unlock(msc_mutex *mutex);

/*
 * The uncontended path, inline because calling a function costs more than what is done here. The rest of it
 * is the library's and not called by hand: `_wait` after trylock said EBUSY (NULL = no deadline), `_overtake`
 * once the mutex is held but others wait, `_settle` in place of the real unlock; both also where holds are timed.
 */
MSC_API int msc_mutex_wait(msc_mutex *mutex, const struct timespec *deadline);
MSC_API void msc_mutex_overtake(msc_mutex *mutex);
MSC_API int msc_mutex_settle(msc_mutex *mutex);

/* pthread_mutex_trylock, but not libmapscope-preload's, which would count what is counted here once more. Not by hand.
 */
typedef int msc_mutex_try_fn(pthread_mutex_t *mutex);
extern MSC_API msc_mutex_try_fn *msc_mutex_try;

/* 0, or what pthread_mutex_trylock reports. */
MSC_LOCK_INLINE int msc_mutex_take(msc_mutex *mutex)
{
    int error = msc_mutex_try(&mutex->msc_real);
    if (__builtin_expect(error != 0, 0))
        return error;
    /* Written by the holder alone, looked at by others: atomic, but no atomic increment. */
    __atomic_store_n(&mutex->msc_id.msc_holds, mutex->msc_id.msc_holds + 1, __ATOMIC_RELAXED);
    if (msc_lock_is_waited_for(&mutex->msc_id) || __builtin_expect(msc_lock_holds_timed, 0))
        msc_mutex_overtake(mutex);
    return 0;
}

MSC_LOCK_INLINE int msc_mutex_lock(msc_mutex *mutex)
{
    return msc_mutex_timedlock(mutex, NULL);
}

MSC_LOCK_INLINE int msc_mutex_trylock(msc_mutex *mutex)
{
    return -msc_mutex_take(mutex);
}

MSC_LOCK_INLINE int msc_mutex_timedlock(msc_mutex *mutex, const struct timespec *deadline)
{
    int error = msc_mutex_take(mutex);
    return error == EBUSY ? msc_mutex_wait(mutex, deadline) : -error;
}

MSC_LOCK_INLINE int msc_mutex_unlock(msc_mutex *mutex)
{
    if (msc_lock_is_to_settle(&mutex->msc_id) || __builtin_expect(msc_lock_holds_timed, 0))
        return msc_mutex_settle(mutex);
    return pthread_mutex_unlock(&mutex->msc_real); /* 0, always, for this kind */
}

MSC_END_DECLS

#endif
