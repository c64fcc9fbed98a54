/* The lock matrix: signals, broadcasts, threads. */
#include "matrix.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

struct meeting {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    mtx_t mtx;
    cnd_t cnd;
    int ready, go, done;
};

static void *wait_pthread(void *argument)
{
    struct meeting *m = argument;
    pthread_mutex_lock(&m->mutex);
    m->ready++;
    int result = 0;
    while (!m->go && !result)
        result = pthread_cond_wait(&m->cond, &m->mutex);
    m->go--;
    m->done++;
    pthread_mutex_unlock(&m->mutex);
    return (void *)(intptr_t)result;
}

static int wait_c11(void *argument)
{
    struct meeting *m = argument;
    mtx_lock(&m->mtx);
    m->ready++;
    int result = thrd_success;
    while (!m->go && result == thrd_success)
        result = cnd_wait(&m->cnd, &m->mtx);
    m->go--;
    mtx_unlock(&m->mtx);
    return 70 + result;
}

enum { WAITERS = 8 };

static void meetings(void)
{
    struct meeting m = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    pthread_t threads[WAITERS];
    for (int i = 0; i < WAITERS; i++)
        check(pthread_create(&threads[i], NULL, wait_pthread, &m), "start a thread");
    for (int go = 0; go < 3;) { /* two by signals, the others by a broadcast */
        pthread_mutex_lock(&m.mutex);
        if (m.ready == WAITERS) {
            go++;
            m.go += go < 3 ? 1 : WAITERS - 2;
            printf("wake %d\n", go < 3 ? pthread_cond_signal(&m.cond) : pthread_cond_broadcast(&m.cond));
        }
        pthread_mutex_unlock(&m.mutex);
    }
    for (int i = 0; i < WAITERS; i++) {
        void *result;
        printf("join %d", pthread_join(threads[i], &result));
        printf(" waited %d\n", (int)(intptr_t)result);
    }
    printf("done %d destroy %d", m.done, pthread_cond_destroy(&m.cond));
    printf(" %d\n", pthread_mutex_destroy(&m.mutex));

    thrd_t thread;
    m.ready = m.go = 0;
    mtx_init(&m.mtx, mtx_plain);
    cnd_init(&m.cnd);
    printf("thrd_create %d\n", thrd_create(&thread, wait_c11, &m));
    for (int go = 0; !go;) {
        mtx_lock(&m.mtx);
        go = m.go = m.ready;
        if (go)
            printf("cnd_signal %d\n", cnd_signal(&m.cnd));
        mtx_unlock(&m.mtx);
    }
    int result = -1;
    printf("thrd_join %d", thrd_join(thread, &result));
    printf(" result %d\n", result);
}

static void *returns_itself(void *argument)
{
    return argument;
}

static void *exits(void *argument)
{
    pthread_exit(argument);
}

static void threads(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    void *result;
    size_t sizes[] = {16384, 65536, 1 << 20};
    for (size_t i = 0; i < 3; i++) {
        pthread_attr_init(&attributes);
        printf("stack %zu: %d", sizes[i], pthread_attr_setstacksize(&attributes, sizes[i]));
        printf(" create %d", pthread_create(&thread, &attributes, i % 2 ? exits : returns_itself, &sizes[i]));
        printf(" join %d", pthread_join(thread, &result));
        printf(" same %d\n", result == &sizes[i]);
    }
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)1 << 46);
    printf("too large: create %d\n", pthread_create(&thread, &attributes, exits, NULL));
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, 77);
    struct sched_param impossible = {.sched_priority = 77};
    pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
    printf("impossible priority: %d", pthread_attr_setschedparam(&attributes, &impossible));
    printf(" create %d\n", pthread_create(&thread, &attributes, exits, NULL));
}

void matrix_signals_and_threads(void)
{
    meetings();
    threads();
}
