/*
 * What an uncontended lock and unlock costs: msc_mutex, untraced, traced and with its holds timed, against the pthread
 * mutex in it. glibc leaves atomics out while a process has one thread, hence both cases. Linked as a user links.
 */
#include <mapscope/mutex.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "median.h"
#include "runtime/emit.h"

enum { ROUNDS = 101, PAIRS = 200000, VARIANTS = 4 };

static pthread_mutex_t real = PTHREAD_MUTEX_INITIALIZER;
static msc_mutex ours = MSC_MUTEX_INITIALIZER_NAMED("bench");
static union msc_gate *gates;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double pthread_pair_ns(void)
{
    double begin = now_ns();
    for (int i = 0; i < PAIRS; i++) {
        pthread_mutex_lock(&real);
        pthread_mutex_unlock(&real);
    }
    return (now_ns() - begin) / PAIRS;
}

static double msc_pair_ns(int traced, int timed)
{
    msc_lock_holds_timed = timed;
    for (int event = 0; event < MSC_EVENT_COUNT; event++)
        atomic_store(&gates[event].state.on, traced);
    double begin = now_ns();
    for (int i = 0; i < PAIRS; i++) {
        msc_mutex_lock(&ours);
        msc_mutex_unlock(&ours);
    }
    return (now_ns() - begin) / PAIRS;
}

/* The variants take turns, so that whatever disturbs the machine disturbs all. */
static void measure(const char *threads)
{
    static double ns[VARIANTS][ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        ns[0][round] = pthread_pair_ns();
        ns[1][round] = msc_pair_ns(0, 0);
        ns[2][round] = msc_pair_ns(1, 0);
        ns[3][round] = msc_pair_ns(1, 1);
    }
    static const char *const names[VARIANTS] = {"pthread", "msc_mutex", "msc_mutex, traced", "msc_mutex, timed"};
    double base = median(ns[0], ROUNDS);
    for (int variant = 0; variant < VARIANTS; variant++) {
        double middle = median(ns[variant], ROUNDS);
        printf("%-14s %-18s %9.2f %+9.2f %8.2f\n", threads, names[variant], middle, middle - base, middle / base);
    }
}

static void swallow(enum msc_event event, const void *record)
{
    (void)event, (void)record;
}

static void *wait_at(void *gate)
{
    pthread_mutex_lock(gate);
    pthread_mutex_unlock(gate);
    return NULL;
}

int main(void)
{
    if (msc_emit_register(swallow, &gates))
        return EXIT_FAILURE;
    printf("%-14s %-18s %9s %9s %8s\n", "threads", "lock + unlock", "ns", "more", "ratio");
    measure("one");
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_t second;
    pthread_mutex_lock(&gate);
    if (pthread_create(&second, NULL, wait_at, &gate))
        return EXIT_FAILURE;
    measure("a second one");
    pthread_mutex_unlock(&gate);
    pthread_join(second, NULL);
    return EXIT_SUCCESS;
}
