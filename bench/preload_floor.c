/*
 * The least that an exact account of one contended mutex costs, for bench/preload.sh: the word of runtime/contention.h
 * and nothing else, so two clock reads and two compare-and-swaps while the mutex is held. No totals, no events, no
 * second lock. What our hooks cost beyond this is theirs; below it, no interposer can be exact.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

typedef int function(pthread_mutex_t *);

static function *real_lock, *real_trylock, *real_unlock;

static _Alignas(64) _Atomic uint64_t word; /* waiters in the upper 16 bits, sum of their times */

enum { WAITERS_SHIFT = 48 };
#define SUM_MASK ((UINT64_C(1) << WAITERS_SHIFT) - 1)

int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_trylock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);

__attribute__((constructor)) static void look_up(void)
{
    real_lock = (function *)dlsym(RTLD_NEXT, "pthread_mutex_lock");
    real_trylock = (function *)dlsym(RTLD_NEXT, "pthread_mutex_trylock");
    real_unlock = (function *)dlsym(RTLD_NEXT, "pthread_mutex_unlock");
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void change(int settles, int joining)
{
    uint64_t old = atomic_load_explicit(&word, memory_order_acquire), new;
    do {
        uint64_t now = now_ns(), waiters = old >> WAITERS_SHIFT;
        uint64_t sum = (settles ? waiters * now : old) + (uint64_t)joining * now;
        new = (waiters + (uint64_t)joining) << WAITERS_SHIFT | (sum & SUM_MASK);
    } while (!atomic_compare_exchange_weak_explicit(&word, &old, new, memory_order_acq_rel, memory_order_acquire));
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    int result = real_trylock(mutex);
    if (result == EBUSY) {
        change(0, 1);
        result = real_lock(mutex);
        change(1, -1);
    } else if (atomic_load_explicit(&word, memory_order_relaxed)) {
        change(1, 0);
    }
    return result;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    return real_trylock(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (atomic_load_explicit(&word, memory_order_relaxed))
        change(1, 0);
    return real_unlock(mutex);
}
