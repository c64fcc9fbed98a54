/*
 * How long contended mutexes are held, seen from behind whatever else is preloaded: from the return of the real lock to
 * the call of the real unlock. What hooks do while they hold the lock is in it, what they do before and after is not.
 *
 * For bench/preload hold, which asks for the median.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { HOLDS_MAX = 1 << 20, CONTENDED = 2 };

static double holds[HOLDS_MAX];
static _Atomic unsigned hold_count;
static __thread uint64_t begin_ns __attribute__((tls_model("initial-exec")));

int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_trylock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
double hold_median_ns(void);

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

typedef int function(pthread_mutex_t *);

static function *next(_Atomic(function *) *known, const char *name)
{
    function *found = atomic_load_explicit(known, memory_order_relaxed);
    if (!found) {
        found = (function *)dlsym(RTLD_NEXT, name);
        atomic_store_explicit(known, found, memory_order_relaxed);
    }
    return found;
}

static int took(int result)
{
    if (result == 0)
        begin_ns = now_ns();
    return result;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static _Atomic(function *) real;
    return took(next(&real, __func__)(mutex));
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    static _Atomic(function *) real;
    return took(next(&real, __func__)(mutex));
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    static _Atomic(function *) real;
    bool is_contended = __atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED) == CONTENDED;
    uint64_t end_ns = now_ns(); /* its fence waits for that line, as the unlock will */
    if (is_contended) {
        unsigned index = atomic_fetch_add_explicit(&hold_count, 1, memory_order_relaxed);
        if (index < HOLDS_MAX)
            holds[index] = (double)(end_ns - begin_ns);
    }
    return next(&real, __func__)(mutex);
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Once no lock is taken any more. */
double hold_median_ns(void)
{
    unsigned count = hold_count < HOLDS_MAX ? hold_count : HOLDS_MAX;
    qsort(holds, count, sizeof *holds, by_value);
    return count ? holds[count / 2] : -1;
}
