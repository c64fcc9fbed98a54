/*
 * A program that uses libmapscope, linked with it or with a copy of its own: ROUNDS times its msc_mutex makes
 * one thread wait, and ALONE times it is locked by nobody else. Preloaded, each of these waits and acquisitions must be
 * counted once. Prints the mutex' address.
 */
#include <mapscope/mutex.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { ROUNDS = 5, ALONE = 1000, HOLD_NS = 5000000 };

static msc_mutex mutex = MSC_MUTEX_INITIALIZER_NAMED("counted once");
static atomic_int wants;

static void *want(void *unused)
{
    wants = 1;
    msc_mutex_lock(&mutex);
    msc_mutex_unlock(&mutex);
    return unused;
}

int main(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t waiter;
        wants = 0;
        msc_mutex_lock(&mutex);
        if (pthread_create(&waiter, NULL, want, NULL))
            return 1;
        while (!wants) {
        }
        nanosleep(&(struct timespec){0, HOLD_NS}, NULL);
        msc_mutex_unlock(&mutex);
        pthread_join(waiter, NULL);
    }
    for (int i = 0; i < ALONE; i++) {
        msc_mutex_lock(&mutex);
        msc_mutex_unlock(&mutex);
    }
    printf("%p\n", (void *)&mutex);
    return 0;
}
