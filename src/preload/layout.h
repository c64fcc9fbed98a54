/*
 * What glibc keeps in the locks of its ABI (bits/struct_mutex.h, bits/struct_rwlock.h, nptl/pthreadP.h): who
 * owns one, how deep, and what its unlock would do. Nothing is written.
 *
 * Owners are hints unless they are the caller: only a thread itself makes and unmakes itself the owner.
 */
#ifndef PRELOAD_LAYOUT_H
#define PRELOAD_LAYOUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Bits of pthread_mutex_t's __data.__kind. */
enum {
    KIND_RECURSIVE = 1,
    KIND_ERRORCHECK = 2,
    KIND_TYPE = 3, /* mask; 0 = normal, 3 = adaptive */
    KIND_ROBUST = 16,
    KIND_INHERIT = 32,
    KIND_SHARED = 128,
};

enum { LOCK_TID_MASK = 0x3fffffff }; /* of __lock, where the kernel takes part: robust and priority-inheriting */
enum { RWLOCK_READERS_SHIFT = 3 };   /* of pthread_rwlock_t's __data.__readers */
enum { COND_SHARED = 1, COND_WAITERS_SHIFT = 3 }; /* of pthread_cond_t's __data.__wrefs */

static inline int mutex_kind(const pthread_mutex_t *mutex)
{
    return __atomic_load_n(&mutex->__data.__kind, __ATOMIC_RELAXED);
}

/* glibc sets the bit of process-shared mutexes in robust ones too. A destroyed one has every bit. */
static inline bool mutex_seems_shared(const pthread_mutex_t *mutex)
{
    return mutex_kind(mutex) & KIND_SHARED;
}

static inline bool mutex_is_robust(const pthread_mutex_t *mutex)
{
    return mutex_kind(mutex) & KIND_ROBUST;
}

static inline bool mutex_has_type(const pthread_mutex_t *mutex, int type)
{
    return (mutex_kind(mutex) & KIND_TYPE) == type;
}

/* Where it keeps its owner's tid; of __lock, only LOCK_TID_MASK. */
static inline const int *mutex_owner_word(const pthread_mutex_t *mutex)
{
    return mutex_kind(mutex) & (KIND_ROBUST | KIND_INHERIT) ? &mutex->__data.__lock : &mutex->__data.__owner;
}

static inline uint32_t mutex_owner(const pthread_mutex_t *mutex)
{
    return (uint32_t)__atomic_load_n(mutex_owner_word(mutex), __ATOMIC_RELAXED) & LOCK_TID_MASK;
}

/* After a successful lock: was the mutex free before, and not the caller's? */
static inline bool mutex_is_new(const pthread_mutex_t *mutex)
{
    return !mutex_has_type(mutex, KIND_RECURSIVE) || mutex->__data.__count == 1;
}

/* Whether an unlock by the thread `tid` would free the mutex, rather than fail or go one level up. */
static inline bool mutex_is_freed_by(const pthread_mutex_t *mutex, uint32_t tid)
{
    if (mutex_has_type(mutex, KIND_RECURSIVE))
        return mutex_owner(mutex) == tid && mutex->__data.__count == 1;
    if (mutex_has_type(mutex, KIND_ERRORCHECK) || (mutex_kind(mutex) & (KIND_ROBUST | KIND_INHERIT)))
        return mutex_owner(mutex) == tid;
    return __atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED) != 0;
}

static inline bool rwlock_is_shared(const pthread_rwlock_t *rwlock)
{
    return rwlock->__data.__shared != 0;
}

/* The thread that holds it for writing; 0 = none. */
static inline uint32_t rwlock_writer(const pthread_rwlock_t *rwlock)
{
    return (uint32_t)__atomic_load_n(&rwlock->__data.__cur_writer, __ATOMIC_RELAXED);
}

/* How many threads hold it for reading, or are about to. */
static inline uint32_t rwlock_readers(const pthread_rwlock_t *rwlock)
{
    return __atomic_load_n(&rwlock->__data.__readers, __ATOMIC_RELAXED) >> RWLOCK_READERS_SHIFT;
}

static inline bool cond_is_shared(const pthread_cond_t *cond)
{
    return __atomic_load_n(&cond->__data.__wrefs, __ATOMIC_RELAXED) & COND_SHARED;
}

static inline bool cond_has_waiters(const pthread_cond_t *cond)
{
    return __atomic_load_n(&cond->__data.__wrefs, __ATOMIC_RELAXED) >> COND_WAITERS_SHIFT != 0;
}

#endif
