/*
 * msc_cond: a condition variable for msc_mutex.
 *
 *     static msc_cond not_empty = MSC_COND_INITIALIZER;
 *
 *     msc_mutex_lock(&queue_lock);
 *     while (queue_is_empty())
 *         msc_cond_wait(&not_empty, &queue_lock);
 *     ...
 *     msc_mutex_unlock(&queue_lock);
 *
 * A pthread condition variable, with its costs and its rules (cancellation too). Waiting for the signal is never
 * contention. Getting the mutex back is: that wait begins at the signal, and whoever holds the mutex until it is
 * released is charged. Not seen is the way back after a timeout, and a signal that came without the mutex held
 * at the very moment that the waiter began to wait.
 *
 * Threads: as a pthread condition variable. All waiters use the same mutex at a time.
 *
 * Cost: some ns a call while nobody traces. Traced: a signal with a waiter reads the clock.
 */
#ifndef MAPSCOPE_COND_H
#define MAPSCOPE_COND_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include <mapscope/mutex.h>

MSC_BEGIN_DECLS

/* Yours to place, the library's to look into: neither copy nor move it. Size and members may change until 1.0. */
typedef struct msc_cond {
    pthread_cond_t msc_real;
    msc_mutex *msc_mutex_used; /* by those who wait now */
    uint64_t msc_state[7];
} msc_cond;

/* For a condition variable with static storage. */
/* clang-format off */
#define MSC_COND_INITIALIZER {PTHREAD_COND_INITIALIZER, NULL, {0}}
/* clang-format on */

/* Timed waits go by CLOCK_REALTIME. 0, or the negative of what pthread_cond_init reports. */
MSC_API int msc_cond_init(msc_cond *cond);

/* The same, but timed waits go by CLOCK_MONOTONIC. */
MSC_API int msc_cond_init_monotonic(msc_cond *cond);

/* Nobody may wait. Returns 0. */
MSC_API int msc_cond_destroy(msc_cond *cond);

/* As pthread_cond_wait and pthread_cond_timedwait: 0, or -ETIMEDOUT, -EINVAL. A wait may end without a signal. */
MSC_API int msc_cond_wait(msc_cond *cond, msc_mutex *mutex);
MSC_API int msc_cond_timedwait(msc_cond *cond, msc_mutex *mutex, const struct timespec *deadline);

/* Wake one waiter at least; all of them. Return 0. */
MSC_API int msc_cond_signal(msc_cond *cond);
MSC_API int msc_cond_broadcast(msc_cond *cond);

MSC_END_DECLS

#endif
