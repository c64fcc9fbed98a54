/*
 * One planned hold for each way to wait: a holder makes one other thread wait HOLD_MS. Prints what a recording
 * must say of each, by the program's own clock (tests/e2e/test_preload.sh compares):
 *
 *     NAME ADDRESS CHARGE_NS WAIT_NS RESULT HOLD_NS     the holder's charge, the waiter's wait, 0 acquired or 1
 *                                                       timed out; how long the holder had the lock
 *
 * All cases run beside each other and mostly sleep, but for the spin lock.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

enum { HOLD_MS = 150, DEADLINE_MS = 100, EXPIRY_MS = 1000, FAR_MS = 20000 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void sleep_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time)) {
    }
}

static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += ms % 1000 * 1000000;
    time.tv_sec += ms / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

struct plan {
    const char *name;
    void (*init)(struct plan *);
    void (*hold)(struct plan *);
    void (*let_go)(struct plan *);
    int (*want)(struct plan *); /* blocks; 0, or what ETIMEDOUT is */
    void (*leave)(struct plan *);
    int type, robust, protocol, mtx_type;
    long deadline_ms;
    union {
        pthread_mutex_t mutex;
        pthread_rwlock_t rwlock;
        pthread_spinlock_t spin;
        mtx_t mtx;
    } lock;
    union {
        pthread_cond_t cond;
        cnd_t cnd;
    } condition;
    void (*wake)(struct plan *); /* NULL: there is no condition variable */
    atomic_bool wants, woken;
    uint64_t began_ns, took_ns, released_ns, ended_ns; /* the waiter's, the holder's, the holder's, the waiter's */
    int result;
};

/* --- Mutexes ------------------------------------------------------------------------------------------------ */

static void mutex_init(struct plan *p)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, p->type);
    pthread_mutexattr_setrobust(&attributes, p->robust);
    pthread_mutexattr_setprotocol(&attributes, p->protocol);
    pthread_mutex_init(&p->lock.mutex, &attributes);
    pthread_cond_init(&p->condition.cond, NULL);
}

static void mutex_hold(struct plan *p)
{
    pthread_mutex_lock(&p->lock.mutex);
}

static void mutex_let_go(struct plan *p)
{
    pthread_mutex_unlock(&p->lock.mutex);
}

static int mutex_lock(struct plan *p)
{
    return pthread_mutex_lock(&p->lock.mutex);
}

static int mutex_timedlock(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_REALTIME, p->deadline_ms);
    return pthread_mutex_timedlock(&p->lock.mutex, &time);
}

static int mutex_clocklock(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_MONOTONIC, p->deadline_ms);
    return pthread_mutex_clocklock(&p->lock.mutex, CLOCK_MONOTONIC, &time);
}

/* An inner unlock frees nothing, and so owes nothing. */
static void mutex_hold_deep(struct plan *p)
{
    pthread_mutex_lock(&p->lock.mutex);
    pthread_mutex_lock(&p->lock.mutex);
}

static void mutex_let_go_deep(struct plan *p)
{
    pthread_mutex_unlock(&p->lock.mutex);
    pthread_mutex_lock(&p->lock.mutex);
    pthread_mutex_unlock(&p->lock.mutex);
    pthread_mutex_unlock(&p->lock.mutex);
}

/* --- Reader-writer locks ------------------------------------------------------------------------------------ */

static void rwlock_init(struct plan *p)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, p->type);
    pthread_rwlock_init(&p->lock.rwlock, &attributes);
}

static void rwlock_hold_read(struct plan *p)
{
    pthread_rwlock_rdlock(&p->lock.rwlock);
}

static void rwlock_hold_write(struct plan *p)
{
    pthread_rwlock_wrlock(&p->lock.rwlock);
}

static void rwlock_let_go(struct plan *p)
{
    pthread_rwlock_unlock(&p->lock.rwlock);
}

static int rdlock(struct plan *p)
{
    return pthread_rwlock_rdlock(&p->lock.rwlock);
}

static int wrlock(struct plan *p)
{
    return pthread_rwlock_wrlock(&p->lock.rwlock);
}

static int timedrdlock(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_REALTIME, p->deadline_ms);
    return pthread_rwlock_timedrdlock(&p->lock.rwlock, &time);
}

static int timedwrlock(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_REALTIME, p->deadline_ms);
    return pthread_rwlock_timedwrlock(&p->lock.rwlock, &time);
}

static int clockrdlock(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_MONOTONIC, p->deadline_ms);
    return pthread_rwlock_clockrdlock(&p->lock.rwlock, CLOCK_MONOTONIC, &time);
}

static int clockwrlock(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_MONOTONIC, p->deadline_ms);
    return pthread_rwlock_clockwrlock(&p->lock.rwlock, CLOCK_MONOTONIC, &time);
}

/* --- C11, spin locks ------------------------------------------------------------------------------------------ */

static void c11_init(struct plan *p)
{
    mtx_init(&p->lock.mtx, p->mtx_type);
    cnd_init(&p->condition.cnd);
}

static void c11_hold(struct plan *p)
{
    mtx_lock(&p->lock.mtx);
}

static void c11_let_go(struct plan *p)
{
    mtx_unlock(&p->lock.mtx);
}

static int c11_lock(struct plan *p)
{
    return mtx_lock(&p->lock.mtx);
}

static int c11_timedlock(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_REALTIME, p->deadline_ms);
    return mtx_timedlock(&p->lock.mtx, &time);
}

static void spin_init(struct plan *p)
{
    pthread_spin_init(&p->lock.spin, PTHREAD_PROCESS_PRIVATE);
}

static void spin_hold(struct plan *p)
{
    pthread_spin_lock(&p->lock.spin);
}

static void spin_let_go(struct plan *p)
{
    pthread_spin_unlock(&p->lock.spin);
}

static int spin_lock(struct plan *p)
{
    return pthread_spin_lock(&p->lock.spin);
}

/* --- Condition variables: the way back to the mutex counts, from the signal on ------------------------------------ */

static int cond_wait(struct plan *p)
{
    int result = 0;
    while (!p->woken && !result)
        result = pthread_cond_wait(&p->condition.cond, &p->lock.mutex);
    return result;
}

static int cond_timedwait(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_REALTIME, p->deadline_ms);
    int result = 0;
    while (!p->woken && !result)
        result = pthread_cond_timedwait(&p->condition.cond, &p->lock.mutex, &time);
    return result;
}

static int cond_clockwait(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_MONOTONIC, FAR_MS);
    int result = 0;
    while (!p->woken && !result)
        result = pthread_cond_clockwait(&p->condition.cond, &p->lock.mutex, CLOCK_MONOTONIC, &time);
    return result;
}

static int c11_wait(struct plan *p)
{
    int result = thrd_success;
    while (!p->woken && result == thrd_success)
        result = cnd_wait(&p->condition.cnd, &p->lock.mtx);
    return result;
}

static int c11_timedwait(struct plan *p)
{
    struct timespec time = in_ms(CLOCK_REALTIME, p->deadline_ms);
    int result = thrd_success;
    while (!p->woken && result == thrd_success)
        result = cnd_timedwait(&p->condition.cnd, &p->lock.mtx, &time);
    return result;
}

static void cond_signal(struct plan *p)
{
    pthread_cond_signal(&p->condition.cond);
}

static void cond_broadcast(struct plan *p)
{
    pthread_cond_broadcast(&p->condition.cond);
}

static void c11_signal(struct plan *p)
{
    cnd_signal(&p->condition.cnd);
}

static void c11_broadcast(struct plan *p)
{
    cnd_broadcast(&p->condition.cnd);
}

static void nobody(struct plan *p)
{
    (void)p;
}

/* --- The plans ------------------------------------------------------------------------------------------------------
 */

#define MUTEX .init = mutex_init, .hold = mutex_hold, .let_go = mutex_let_go, .leave = mutex_let_go
#define DEEP .init = mutex_init, .hold = mutex_hold_deep, .let_go = mutex_let_go_deep, .leave = mutex_let_go
#define RWLOCK(how) .init = rwlock_init, .hold = rwlock_hold_##how, .let_go = rwlock_let_go, .leave = rwlock_let_go
#define C11 .init = c11_init, .hold = c11_hold, .let_go = c11_let_go, .leave = c11_let_go
#define SOON .deadline_ms = DEADLINE_MS
#define LATE .deadline_ms = FAR_MS
#define WOKEN_BY(how) .wake = how
#define EXPIRES .deadline_ms = EXPIRY_MS, .wake = nobody

static struct plan plans[] = {
    {.name = "mutex", MUTEX, .want = mutex_lock},
    {.name = "errorcheck", MUTEX, .want = mutex_lock, .type = PTHREAD_MUTEX_ERRORCHECK},
    {.name = "adaptive", MUTEX, .want = mutex_lock, .type = PTHREAD_MUTEX_ADAPTIVE_NP},
    {.name = "robust", MUTEX, .want = mutex_lock, .robust = PTHREAD_MUTEX_ROBUST},
    {.name = "inherit", MUTEX, .want = mutex_lock, .protocol = PTHREAD_PRIO_INHERIT},
    {.name = "recursive", DEEP, .want = mutex_lock, .type = PTHREAD_MUTEX_RECURSIVE},
    {.name = "timedlock", MUTEX, .want = mutex_timedlock, LATE},
    {.name = "timedlock-late", MUTEX, .want = mutex_timedlock, SOON},
    {.name = "clocklock", MUTEX, .want = mutex_clocklock, LATE},
    {.name = "clocklock-late", MUTEX, .want = mutex_clocklock, SOON},
    {.name = "rdlock", RWLOCK(write), .want = rdlock},
    {.name = "wrlock-behind-reader", RWLOCK(read), .want = wrlock},
    {.name = "wrlock-behind-writer", RWLOCK(write), .want = wrlock},
    {.name = "wrlock-preferred", RWLOCK(read), .want = wrlock, .type = PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP},
    {.name = "timedrdlock", RWLOCK(write), .want = timedrdlock, LATE},
    {.name = "timedrdlock-late", RWLOCK(write), .want = timedrdlock, SOON},
    {.name = "timedwrlock", RWLOCK(read), .want = timedwrlock, LATE},
    {.name = "timedwrlock-late", RWLOCK(read), .want = timedwrlock, SOON},
    {.name = "clockrdlock", RWLOCK(write), .want = clockrdlock, LATE},
    {.name = "clockrdlock-late", RWLOCK(write), .want = clockrdlock, SOON},
    {.name = "clockwrlock", RWLOCK(write), .want = clockwrlock, LATE},
    {.name = "clockwrlock-late", RWLOCK(read), .want = clockwrlock, SOON},
    {.name = "mtx", C11, .want = c11_lock},
    {.name = "mtx-recursive", C11, .want = c11_lock, .mtx_type = mtx_recursive},
    {.name = "mtx-timedlock", C11, .want = c11_timedlock, LATE, .mtx_type = mtx_timed},
    {.name = "mtx-timedlock-late", C11, .want = c11_timedlock, SOON, .mtx_type = mtx_timed},
    {.name = "cond-signal", MUTEX, .want = cond_wait, WOKEN_BY(cond_signal)},
    {.name = "cond-broadcast", MUTEX, .want = cond_wait, WOKEN_BY(cond_broadcast)},
    {.name = "cond-timedwait", MUTEX, .want = cond_timedwait, LATE, WOKEN_BY(cond_signal)},
    {.name = "cond-timedwait-late", MUTEX, .want = cond_timedwait, EXPIRES},
    {.name = "cond-clockwait", MUTEX, .want = cond_clockwait, WOKEN_BY(cond_signal)},
    {.name = "cnd-wait", C11, .want = c11_wait, WOKEN_BY(c11_signal)},
    {.name = "cnd-broadcast", C11, .want = c11_wait, WOKEN_BY(c11_broadcast)},
    {.name = "cnd-timedwait", C11, .want = c11_timedwait, LATE, WOKEN_BY(c11_signal), .mtx_type = mtx_timed},
    {.name = "cnd-timedwait-late", C11, .want = c11_timedwait, EXPIRES, .mtx_type = mtx_timed},
};
enum { PLANS = sizeof plans / sizeof plans[0] };

static struct plan spin_plan = {.name = "spin",
                                .init = spin_init,
                                .hold = spin_hold,
                                .let_go = spin_let_go,
                                .want = spin_lock,
                                .leave = spin_let_go};

static void *be_waiter(void *plan)
{
    struct plan *p = plan;
    if (p->wake) {
        p->hold(p);
        p->wants = true; /* seen by a holder that has the mutex: once we wait */
        p->result = p->want(p);
    } else {
        p->began_ns = now_ns();
        p->wants = true;
        p->result = p->want(p);
    }
    p->ended_ns = now_ns();
    if (p->result == 0 || p->wake)
        p->leave(p);
    return NULL;
}

static bool try(struct plan *p)
{
    return p->init == c11_init ? mtx_trylock(&p->lock.mtx) == thrd_success : pthread_mutex_trylock(&p->lock.mutex) == 0;
}

/* The waiter has the mutex until it waits at the condition: then it is ours, without any contention. */
static void take_over(struct plan *p)
{
    while (!p->wants || !try(p))
        sleep_ms(1);
    p->took_ns = now_ns();
    sleep_ms(HOLD_MS / 2); /* nobody wants the mutex: costs nothing */
    p->woken = p->wake != nobody;
    p->began_ns = now_ns();
    p->wake(p);
}

static void *be_holder(void *plan)
{
    struct plan *p = plan;
    pthread_t waiter;
    p->init(p);
    if (!p->wake)
        p->hold(p);
    p->took_ns = now_ns();
    if (pthread_create(&waiter, NULL, be_waiter, p))
        exit(EXIT_FAILURE);
    if (p->wake)
        take_over(p);
    while (!p->wants)
        sleep_ms(1);
    sleep_ms(p->wake == nobody ? EXPIRY_MS + HOLD_MS : HOLD_MS);
    p->released_ns = now_ns();
    p->let_go(p);
    pthread_join(waiter, NULL);
    return NULL;
}

static void print(const struct plan *p)
{
    uint64_t end_ns = p->result ? p->ended_ns : p->released_ns;
    if (p->wake == nobody) { /* its deadline came while the mutex was held: only the C library knows */
        if (!p->result || p->ended_ns < p->released_ns)
            exit(EXIT_FAILURE);
        printf("%s %p 0 0 1 %" PRIu64 "\n", p->name, (void *)(uintptr_t)&p->lock, p->released_ns - p->took_ns);
        return;
    }
    printf("%s %p %" PRIu64 " %" PRIu64 " %d %" PRIu64 "\n", p->name, (void *)(uintptr_t)&p->lock, end_ns - p->began_ns,
           (p->wake ? p->released_ns : p->ended_ns) - p->began_ns, p->result != 0, p->released_ns - p->took_ns);
}

int main(void)
{
    pthread_t holders[PLANS];
    be_holder(&spin_plan);
    print(&spin_plan);
    for (int i = 0; i < PLANS; i++)
        if (pthread_create(&holders[i], NULL, be_holder, &plans[i]))
            return EXIT_FAILURE;
    for (int i = 0; i < PLANS; i++) {
        pthread_join(holders[i], NULL);
        print(&plans[i]);
    }
    return EXIT_SUCCESS;
}
