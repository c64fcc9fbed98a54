/*
 * The least that an exact account of one contended mutex costs, for bench/preload.sh: the word of
 * runtime/contention_word.h and nothing else. No totals, no events, no second lock, no page; nobody gives up. Two looks
 * at the clock a turn, of which the one before the acquisition is out of the hold; a swap only where a waiter comes or
 * goes. The clock is the processor's counter, taken for ns: the scale costs what it costs.
 *
 * What our hooks cost beyond this is theirs; below it, no interposer can be exact.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

typedef int function(pthread_mutex_t *);

static function *real_lock, *real_trylock, *real_unlock;

/* In one cache line. */
static struct {
    _Alignas(64) _Atomic uint64_t word; /* waiters in the upper 16 bits, sum of their times */
    uint64_t paid, charge, handoff;     /* the holder's */
} entry;

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

static inline uint64_t now(void)
{
#ifdef __x86_64__
    return __builtin_ia32_rdtsc();
#else
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
#endif
}

static inline uint64_t load(void)
{
    return atomic_load_explicit(&entry.word, memory_order_acquire);
}

static uint64_t unsettled(uint64_t word, uint64_t time)
{
    uint64_t owed = ((word >> WAITERS_SHIFT) * time - word - entry.paid) & SUM_MASK;
    return owed >> (WAITERS_SHIFT - 1) ? 0 : owed;
}

/* A waiter comes (1), or goes with the mutex (-1). */
static void swap(int joining)
{
    uint64_t old = load(), new, owed;
    do {
        uint64_t time = now(), waiters = (old >> WAITERS_SHIFT) + (uint64_t)joining;
        owed = joining < 0 ? unsettled(old, time) : 0;
        new = waiters << WAITERS_SHIFT | ((joining < 0 ? waiters * time : old + time) & SUM_MASK);
    } while (
        !atomic_compare_exchange_weak_explicit(&entry.word, &old, new, memory_order_acq_rel, memory_order_acquire));
    if (joining > 0)
        return;
    entry.paid = 0;
    entry.handoff += owed;
}

static void settle(uint64_t time, uint64_t *account)
{
    uint64_t owed = unsettled(load(), time);
    entry.paid += owed;
    *account += owed;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    uint64_t tried = load() ? now() : 0;
    int result = real_trylock(mutex);
    if (result == EBUSY) {
        swap(1);
        result = real_lock(mutex);
        swap(-1);
    } else if (load()) {
        settle(tried ? tried : now(), &entry.handoff);
    }
    return result;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    return real_trylock(mutex);
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (load())
        settle(now(), &entry.charge);
    return real_unlock(mutex);
}
