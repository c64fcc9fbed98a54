/* See matrix.h. */
#include "matrix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

void check(int error, const char *what)
{
    if (error) {
        printf("cannot %s: %s\n", what, strerror(error));
        exit(EXIT_FAILURE);
    }
}

const char *const when_names[WHENS] = {"short", "long", "past", "before-time", "negative-ns", "too-many-ns"};

struct timespec deadline(clockid_t clock, enum when when)
{
    struct timespec time;
    clock_gettime(clock == CLOCK_MONOTONIC ? CLOCK_MONOTONIC : CLOCK_REALTIME, &time);
    time.tv_sec += when == LONG ? LONG_S : when == PAST ? -1 : 0;
    time.tv_nsec += when == SHORT ? SHORT_NS : 0;
    if (time.tv_nsec >= 1000000000) {
        time.tv_nsec -= 1000000000;
        time.tv_sec++;
    }
    if (when == BEFORE_TIME)
        time.tv_sec = -5;
    if (when == NEGATIVE_NS)
        time.tv_nsec = -1;
    if (when == TOO_MANY_NS)
        time.tv_nsec = 1000000000;
    return time;
}

static int call_mutex(void *mutex, const struct call *call, const struct timespec *time)
{
    switch (call->how) {
    case LOCK:
        return pthread_mutex_lock(mutex);
    case TRY:
        return pthread_mutex_trylock(mutex);
    case TIMED:
        return pthread_mutex_timedlock(mutex, time);
    default:
        return pthread_mutex_clocklock(mutex, call->clock, time);
    }
}

static int call_read(void *rwlock, const struct call *call, const struct timespec *time)
{
    switch (call->how) {
    case LOCK:
        return pthread_rwlock_rdlock(rwlock);
    case TRY:
        return pthread_rwlock_tryrdlock(rwlock);
    case TIMED:
        return pthread_rwlock_timedrdlock(rwlock, time);
    default:
        return pthread_rwlock_clockrdlock(rwlock, call->clock, time);
    }
}

static int call_write(void *rwlock, const struct call *call, const struct timespec *time)
{
    switch (call->how) {
    case LOCK:
        return pthread_rwlock_wrlock(rwlock);
    case TRY:
        return pthread_rwlock_trywrlock(rwlock);
    case TIMED:
        return pthread_rwlock_timedwrlock(rwlock, time);
    default:
        return pthread_rwlock_clockwrlock(rwlock, call->clock, time);
    }
}

static int call_mtx(void *mtx, const struct call *call, const struct timespec *time)
{
    switch (call->how) {
    case LOCK:
        return mtx_lock(mtx);
    case TRY:
        return mtx_trylock(mtx);
    default:
        return mtx_timedlock(mtx, time);
    }
}

call_fn *const call_fns[] = {call_mutex, call_read, call_write, call_mtx};
static const char *const class_names[] = {"", "rd", "wr", "mtx-"};

static int unlock(enum lock_class class, void *object)
{
    return class == MUTEX ? pthread_mutex_unlock(object)
           : class == MTX ? mtx_unlock(object)
                          : pthread_rwlock_unlock(object);
}

void print_call(enum lock_class class, const struct call *call)
{
    static const char *const hows[] = {"lock", "try", "timed", "clock"};
    printf(" %s%s", class_names[class], hows[call->how]);
    if (call->how == CLOCK)
        printf("(%d)", (int)call->clock);
    if (call->how >= TIMED)
        printf("-%s", when_names[call->when]);
}

int measured(enum lock_class class, void *object, const struct call *call)
{
    struct timespec time = deadline(call->clock, call->when);
    errno = UNTOUCHED;
    return call_fns[class](object, call, &time);
}

void perform(const char *lock, const char *situation, enum lock_class class, void *object, const struct call *call)
{
    int result = measured(class, object, call), left = errno;
    printf("%s %s", lock, situation);
    print_call(class, call);
    printf(" = %d errno %d", result, left);
    if (result == 0 || result == EOWNERDEAD) {
        errno = UNTOUCHED;
        int error = unlock(class, object);
        printf(" unlock %d errno %d", error, errno);
    }
    putchar('\n');
}

bool ends(const struct call *call)
{
    return call->how == TRY || (call->how >= TIMED && call->when != LONG);
}

void each_call(bool has_clock, each_fn *each, void *argument)
{
    struct call call = {.how = LOCK};
    each(&call, argument);
    call.how = TRY;
    each(&call, argument);
    call.how = TIMED;
    for (int when = 0; when < WHENS; when++) {
        call.when = (enum when)when;
        each(&call, argument);
    }
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, BAD_CLOCK};
    call.how = CLOCK;
    for (size_t i = 0; has_clock && i < sizeof clocks / sizeof clocks[0]; i++) {
        for (int when = 0; when < WHENS; when++) {
            call.clock = clocks[i];
            call.when = (enum when)when;
            each(&call, argument);
        }
    }
}

static void *be_other(void *argument)
{
    struct other *other = argument;
    struct call call = {.how = LOCK};
    int error = call_fns[other->class](other->object, &call, NULL);
    sem_post(&other->has_it);
    if (other->release == WHEN_TOLD)
        while (sem_wait(&other->go)) {
        }
    if (other->release == SOON)
        nanosleep(&(struct timespec){0, SHORT_NS}, NULL);
    if (error == 0 && other->release != NEVER)
        unlock(other->class, other->object);
    return NULL;
}

void other_begin(struct other *other)
{
    sem_init(&other->has_it, 0, 0);
    sem_init(&other->go, 0, 0);
    check(pthread_create(&other->thread, NULL, be_other, other), "start a thread");
    while (sem_wait(&other->has_it)) {
    }
}

void other_end(struct other *other)
{
    sem_post(&other->go);
    pthread_join(other->thread, NULL);
}
