/* See mapscope/rwlock.h: a pthread rwlock, with the accounting of contention.h where it is contended. */
#include <mapscope/rwlock.h>

#include <errno.h>
#include <pthread.h>

#include "runtime/own_lock.h"
#include "runtime/stack.h"

_Static_assert(sizeof(pthread_rwlock_t) <= sizeof((msc_rwlock *)NULL)->msc_real, "the public storage fits");

static pthread_rwlock_t *real_of(msc_rwlock *lock)
{
    return (pthread_rwlock_t *)(void *)lock->msc_real;
}

/* Where glibc keeps the writer; of readers nobody keeps a list. */
static const int *writer_of(const pthread_rwlock_t *lock)
{
#ifdef __GLIBC__
    return &lock->__data.__cur_writer;
#else
    (void)lock;
    return NULL;
#endif
}

/* The caller reads. Does nobody else? Another one may come or go at the same moment: then some ns of waiting count as
   hand-off instead of charge, or the other way round. */
static bool is_last_reader(const pthread_rwlock_t *lock)
{
#ifdef __GLIBC__
    enum { READERS_SHIFT = 3 };
    return __atomic_load_n(&lock->__data.__readers, __ATOMIC_RELAXED) >> READERS_SHIFT <= 1;
#else
    (void)lock;
    return true;
#endif
}

/* --- Acquiring ---------------------------------------------------------------------------------------------- */

static int try(msc_rwlock *lock, enum msc_lock_mode mode)
{
    int hidden = msc_lock_holds_timed; /* else the preloaded hooks time the hold as well */
    msc_guard += hidden;
    int error =
        mode == MSC_MODE_EXCLUSIVE ? pthread_rwlock_trywrlock(real_of(lock)) : pthread_rwlock_tryrdlock(real_of(lock));
    msc_guard -= hidden;
    return error;
}

static int block(msc_rwlock *lock, enum msc_lock_mode mode, const struct timespec *deadline)
{
    pthread_rwlock_t *real = real_of(lock);
    bool exclusive = mode == MSC_MODE_EXCLUSIVE;
    msc_guard++;
    int error = deadline    ? (exclusive ? pthread_rwlock_timedwrlock : pthread_rwlock_timedrdlock)(real, deadline)
                : exclusive ? pthread_rwlock_wrlock(real)
                            : pthread_rwlock_rdlock(real);
    msc_guard--;
    return error;
}

/* It is ours, without a wait that was measured. */
static void acquired(msc_rwlock *lock, enum msc_lock_mode mode)
{
    if (mode == MSC_MODE_EXCLUSIVE)
        __atomic_store_n(&lock->msc_writer, 1, __ATOMIC_RELAXED);
    if (__builtin_expect(msc_lock_holds_timed, 0))
        holds_begin(lock, mode);
    struct page_lock *entry = msc_lock_is_waited_for(&lock->msc_id) ? lock_contended(own_lock_id(&lock->msc_id)) : NULL;
    if (entry)
        contention_overtake(entry, mode, 0);
}

__attribute__((noinline)) static int wait_measured(msc_rwlock *lock, enum msc_lock_mode mode,
                                                   const struct timespec *deadline, const void *frame)
{
    const struct contention_how how = {.mode = mode, .kind = MSC_LOCK_RWLOCK, .owner = writer_of(real_of(lock))};
    struct page_lock *entry =
        lock_contend(own_lock_id(&lock->msc_id), &(struct lock_kind){.lock = (uintptr_t)lock, .kind = MSC_LOCK_RWLOCK});
    struct contention_wait wait;
    contention_join(entry, &how, frame, &wait);
    int error = block(lock, mode, deadline);
    if (error) {
        contention_give_up(&wait, error == ETIMEDOUT ? MSC_WAIT_TIMEOUT : MSC_WAIT_ERROR);
        return error;
    }
    if (mode == MSC_MODE_EXCLUSIVE)
        __atomic_store_n(&lock->msc_writer, 1, __ATOMIC_RELAXED);
    if (msc_lock_holds_timed)
        holds_begin(lock, mode);
    contention_acquire(&wait);
    return 0;
}

static inline __attribute__((always_inline)) int acquire(msc_rwlock *lock, enum msc_lock_mode mode,
                                                         const struct timespec *deadline, const void *frame)
{
    int error = try(lock, mode);
    if (error == EBUSY && contention_wanted())
        return -wait_measured(lock, mode, deadline, frame);
    if (error == EBUSY)
        error = block(lock, mode, deadline);
    if (error == 0)
        acquired(lock, mode);
    return -error;
}

int msc_rwlock_rdlock(msc_rwlock *lock)
{
    return acquire(lock, MSC_MODE_SHARED, NULL, STACK_HERE());
}

int msc_rwlock_wrlock(msc_rwlock *lock)
{
    return acquire(lock, MSC_MODE_EXCLUSIVE, NULL, STACK_HERE());
}

int msc_rwlock_timedrdlock(msc_rwlock *lock, const struct timespec *deadline)
{
    return acquire(lock, MSC_MODE_SHARED, deadline, STACK_HERE());
}

int msc_rwlock_timedwrlock(msc_rwlock *lock, const struct timespec *deadline)
{
    return acquire(lock, MSC_MODE_EXCLUSIVE, deadline, STACK_HERE());
}

static int try_acquire(msc_rwlock *lock, enum msc_lock_mode mode)
{
    int error = try(lock, mode);
    if (error == 0)
        acquired(lock, mode);
    return -error;
}

int msc_rwlock_tryrdlock(msc_rwlock *lock)
{
    return try_acquire(lock, MSC_MODE_SHARED);
}

int msc_rwlock_trywrlock(msc_rwlock *lock)
{
    return try_acquire(lock, MSC_MODE_EXCLUSIVE);
}

/* --- Releasing ---------------------------------------------------------------------------------------------- */

/* True: a writer held it. Its flag goes before the lock does. */
static bool clear_writer(msc_rwlock *lock)
{
    bool was_writer = __atomic_load_n(&lock->msc_writer, __ATOMIC_RELAXED);
    if (was_writer)
        __atomic_store_n(&lock->msc_writer, 0, __ATOMIC_RELAXED);
    return was_writer;
}

int msc_rwlock_unlock(msc_rwlock *lock)
{
    struct lock_id *id = own_lock_id(&lock->msc_id);
    struct page_lock *entry = lock_contended(id);
    enum msc_lock_mode mode = clear_writer(lock) ? MSC_MODE_EXCLUSIVE : MSC_MODE_SHARED;
    bool owes = entry && contention_to_settle(entry);
    if (!owes && __builtin_expect(!msc_lock_holds_timed, 1))
        return -pthread_rwlock_unlock(real_of(lock));
    struct contention_release release;
    struct msc_ev_lock_hold hold;
    if (owes)
        contention_release(entry, mode, mode == MSC_MODE_EXCLUSIVE || is_last_reader(real_of(lock)), &release);
    own_hold_end(id, &(struct lock_kind){.lock = (uintptr_t)lock, .kind = MSC_LOCK_RWLOCK}, mode, &hold);
    pthread_rwlock_unlock(real_of(lock));
    if (owes)
        contention_tell(&release, STACK_HERE());
    if (hold.weight)
        holds_tell(&hold, STACK_HERE());
    return 0;
}

/* --- Life --------------------------------------------------------------------------------------------------- */

int msc_rwlock_init(msc_rwlock *lock, const char *name)
{
    int error = pthread_rwlock_init(real_of(lock), NULL);
    if (error)
        return -error;
    lock->msc_writer = 0;
    lock->msc_id = (struct msc_lock_id)MSC_LOCK_ID_INITIALIZER(name, 0);
    lock_enroll(own_lock_id(&lock->msc_id), &(struct lock_kind){.lock = (uintptr_t)lock,
                                                                .site = (uintptr_t)__builtin_return_address(0),
                                                                .kind = MSC_LOCK_RWLOCK});
    return 0;
}

/* glibc destroys a rwlock that is held without a word: what it would say of a mutex is said here. */
int msc_rwlock_destroy(msc_rwlock *lock)
{
    int error = pthread_rwlock_trywrlock(real_of(lock));
    if (error)
        return -EBUSY;
    pthread_rwlock_unlock(real_of(lock));
    error = pthread_rwlock_destroy(real_of(lock));
    if (error == 0)
        lock_retire(own_lock_id(&lock->msc_id));
    return -error;
}
