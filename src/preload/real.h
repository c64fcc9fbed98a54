/*
 * The functions behind our hooks: what the program would have called without us.
 *
 *     HOOK int pthread_mutex_trylock(pthread_mutex_t *mutex)
 *     {
 *         return real()->pthread_mutex_trylock(mutex);
 *     }
 *
 * They are looked up by the library's constructor, which runs before every other one (-z initfirst); a hook
 * that is called earlier still looks them up itself, but for a mutex' lock and unlock, which go to the C library's
 * then. A lookup that succeeds allocates nothing and calls no
 * hook. If it is interrupted by one all the same (an allocator that locks while it is being looked up), that
 * one gets the C library's own mutex functions, which the linker has bound.
 *
 * Thread safety: any thread, any time; the table is the same for all once it is complete.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <threads.h>

#define HOOK __attribute__((visibility("default")))

/* X(name): everything that is hooked. */
#define REAL_FUNCTIONS(X)                                                                                              \
    X(pthread_mutex_init)                                                                                              \
    X(pthread_mutex_destroy)                                                                                           \
    X(pthread_mutex_lock)                                                                                              \
    X(pthread_mutex_trylock)                                                                                           \
    X(pthread_mutex_timedlock)                                                                                         \
    X(pthread_mutex_clocklock)                                                                                         \
    X(pthread_mutex_unlock)                                                                                            \
    X(pthread_rwlock_init)                                                                                             \
    X(pthread_rwlock_destroy)                                                                                          \
    X(pthread_rwlock_rdlock)                                                                                           \
    X(pthread_rwlock_tryrdlock)                                                                                        \
    X(pthread_rwlock_timedrdlock)                                                                                      \
    X(pthread_rwlock_clockrdlock)                                                                                      \
    X(pthread_rwlock_wrlock)                                                                                           \
    X(pthread_rwlock_trywrlock)                                                                                        \
    X(pthread_rwlock_timedwrlock)                                                                                      \
    X(pthread_rwlock_clockwrlock)                                                                                      \
    X(pthread_rwlock_unlock)                                                                                           \
    X(pthread_cond_wait)                                                                                               \
    X(pthread_cond_timedwait)                                                                                          \
    X(pthread_cond_clockwait)                                                                                          \
    X(pthread_cond_signal)                                                                                             \
    X(pthread_cond_broadcast)                                                                                          \
    X(pthread_spin_init)                                                                                               \
    X(pthread_spin_destroy)                                                                                            \
    X(pthread_spin_lock)                                                                                               \
    X(pthread_spin_trylock)                                                                                            \
    X(pthread_spin_unlock)                                                                                             \
    X(mtx_init)                                                                                                        \
    X(mtx_destroy)                                                                                                     \
    X(mtx_lock)                                                                                                        \
    X(mtx_trylock)                                                                                                     \
    X(mtx_timedlock)                                                                                                   \
    X(mtx_unlock)                                                                                                      \
    X(cnd_wait)                                                                                                        \
    X(cnd_timedwait)                                                                                                   \
    X(cnd_signal)                                                                                                      \
    X(cnd_broadcast)                                                                                                   \
    X(pthread_create)                                                                                                  \
    X(pthread_setname_np)                                                                                              \
    X(thrd_create)

struct real {
#define REAL_MEMBER(name) __typeof__(name) *name;
    REAL_FUNCTIONS(REAL_MEMBER)
#undef REAL_MEMBER
};

extern struct real real_table;
extern atomic_bool real_ready; /* release when the table is complete, pairs with the acquire of real() */

void real_resolve(void);

static inline const struct real *real(void)
{
    if (__builtin_expect(!atomic_load_explicit(&real_ready, memory_order_acquire), 0))
        real_resolve();
    return &real_table;
}

/*
 * Whether hooks may do more than pass through. Constant once the table is complete, and not before true: release and
 * acquire, so that who sees it needs not ask real().
 */
extern atomic_bool real_is_usable;

static inline bool real_usable(void)
{
    return atomic_load_explicit(&real_is_usable, memory_order_acquire);
}

/* What a reader of the recording is to know: texts, constant once the table is complete, NULL behind the last. */
extern const char *real_notes[];

#endif
