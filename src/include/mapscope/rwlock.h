/*
 * msc_rwlock: a reader-writer lock that can tell who makes whom wait. See mutex.h.
 *
 *     static msc_rwlock table_lock = MSC_RWLOCK_INITIALIZER_NAMED("table");
 *
 *     msc_rwlock_rdlock(&table_lock);         msc_rwlock_wrlock(&table_lock);
 *     ...                                     ...
 *     msc_rwlock_unlock(&table_lock);         msc_rwlock_unlock(&table_lock);
 *
 * A pthread rwlock of the default kind (readers are preferred), with its costs and its rules. Who unlocks while
 * others wait, reader or writer, is charged the time that they waited since the last such unlock, or since they
 * came: of several readers each has its part.
 *
 * Threads: as a pthread rwlock. Not for signal handlers.
 *
 * Cost: without contention, traced or not, a call and what pthread's trylock costs more than its lock.
 */
#ifndef MAPSCOPE_RWLOCK_H
#define MAPSCOPE_RWLOCK_H

#include <stdint.h>
#include <time.h>

#include <mapscope/lock.h>

MSC_BEGIN_DECLS

/* Yours to place, the library's to look into: neither copy nor move it. Size and members may change until 1.0. */
typedef struct msc_rwlock {
    uint64_t msc_real[8]; /* a pthread_rwlock_t, which strict C11 does not know; all zero is its initialiser */
    struct msc_lock_id msc_id;
    uint32_t msc_writer; /* written by a writer that holds it: 1 = held exclusively */
} msc_rwlock;

/* For a lock with static storage. `name` is shown in traces: a constant string. */
#define MSC_RWLOCK_INITIALIZER MSC_RWLOCK_INITIALIZER_NAMED(NULL)
/* clang-format off */
#define MSC_RWLOCK_INITIALIZER_NAMED(name) {{0}, MSC_LOCK_ID_INITIALIZER(name, 0), 0}
/* clang-format on */

/* As msc_mutex_init. */
MSC_API int msc_rwlock_init(msc_rwlock *lock, const char *name);

/* As msc_mutex_destroy. */
MSC_API int msc_rwlock_destroy(msc_rwlock *lock);

/* Waits until the caller may read, or write. 0, or the negative of what pthread reports (-EDEADLK, -EAGAIN). */
MSC_API int msc_rwlock_rdlock(msc_rwlock *lock);
MSC_API int msc_rwlock_wrlock(msc_rwlock *lock);

/* 0, or -EBUSY, which is no contention: nothing is recorded. */
MSC_API int msc_rwlock_tryrdlock(msc_rwlock *lock);
MSC_API int msc_rwlock_trywrlock(msc_rwlock *lock);

/* Wait until CLOCK_REALTIME reaches `deadline`; -ETIMEDOUT then. */
MSC_API int msc_rwlock_timedrdlock(msc_rwlock *lock, const struct timespec *deadline);
MSC_API int msc_rwlock_timedwrlock(msc_rwlock *lock, const struct timespec *deadline);

/* Gives it up, as reader or writer. Only by a thread that locked it. Returns 0. */
MSC_API int msc_rwlock_unlock(msc_rwlock *lock);

MSC_END_DECLS

#endif
