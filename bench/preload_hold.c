/*
 * How long a mutex is held that another thread waits for, seen from behind whatever else is preloaded: from the return
 * of the real lock to the call of the real unlock. What hooks do while they hold the lock is in it, what they do before
 * and after is not. A thread waits from the call of the real, blocking, lock until it returns.
 *
 * For bench/preload hold and woken, which ask for the medians: of all these holds; of those whose holder had waited
 * himself, so that what he touches lies in the cache of another processor, if anywhere.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { HOLDS_MAX = 1 << 20, THREADS = 8, WAIT_NS = 1000 /* no lock takes that long without waiting */ };

struct holds {
    double ns[HOLDS_MAX];
    _Atomic unsigned count;
};

static struct holds all, woken;
static struct {
    _Alignas(64) _Atomic bool waits;
} threads[THREADS];

static _Atomic unsigned thread_count;
static __thread struct {
    uint64_t begin_ns;
    bool was_waiting;
    unsigned number; /* from 1 on */
} own __attribute__((tls_model("initial-exec")));

int pthread_mutex_lock(pthread_mutex_t *mutex);
int pthread_mutex_trylock(pthread_mutex_t *mutex);
int pthread_mutex_unlock(pthread_mutex_t *mutex);
double hold_median_ns(bool woken_only);

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

static void wait_begins(void)
{
    if (own.number == 0)
        own.number = atomic_fetch_add(&thread_count, 1) % THREADS + 1;
    atomic_store_explicit(&threads[own.number - 1].waits, true, memory_order_relaxed);
    own.begin_ns = now_ns();
}

static void wait_ends(void)
{
    uint64_t end_ns = now_ns();
    own.was_waiting = end_ns - own.begin_ns > WAIT_NS;
    atomic_store_explicit(&threads[own.number - 1].waits, false, memory_order_relaxed);
    own.begin_ns = now_ns();
}

static bool somebody_waits(void)
{
    for (unsigned i = 0; i < THREADS && i < thread_count; i++)
        if (atomic_load_explicit(&threads[i].waits, memory_order_relaxed))
            return true;
    return false;
}

static void note(struct holds *holds, uint64_t ns)
{
    unsigned index = atomic_fetch_add_explicit(&holds->count, 1, memory_order_relaxed);
    if (index < HOLDS_MAX)
        holds->ns[index] = (double)ns;
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static _Atomic(function *) real;
    wait_begins();
    int result = next(&real, __func__)(mutex);
    wait_ends();
    return result;
}

int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    static _Atomic(function *) real;
    int result = next(&real, __func__)(mutex);
    own.was_waiting = false;
    if (result == 0)
        own.begin_ns = now_ns();
    return result;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    static _Atomic(function *) real;
    (void)__atomic_load_n(&mutex->__data.__lock, __ATOMIC_RELAXED);
    uint64_t end_ns = now_ns(); /* its fence waits for that line, as the unlock will */
    if (somebody_waits()) {
        note(&all, end_ns - own.begin_ns);
        if (own.was_waiting)
            note(&woken, end_ns - own.begin_ns);
    }
    return next(&real, __func__)(mutex);
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Once no lock is taken any more. */
double hold_median_ns(bool woken_only)
{
    struct holds *holds = woken_only ? &woken : &all;
    unsigned count = holds->count < HOLDS_MAX ? holds->count : HOLDS_MAX;
    qsort(holds->ns, count, sizeof *holds->ns, by_value);
    return count ? holds->ns[count / 2] : -1;
}
