/*
 * What libmapscope-preload costs a program: one measurement a run, for bench/preload.sh to compare.
 *
 *     preload pair       a lock and an unlock in a process of one thread, ns
 *     preload pair-two   the same with a second thread there, ns: glibc leaves atomics out before that
 *     preload contended  two threads that want the same mutex all the time, for 300 ns of work, ns a turn
 *     preload longer     the same for 5 us
 *     preload handover   a mutex and a condition variable to and fro between two threads, ns a turn
 *     preload turn       the median turn of `contended`, of those that began and ended while both threads took turns,
 * ns: what it costs where nobody had to be woken, which takes 50 us and more preload hold       how long the mutex is
 * held in `contended` while the other thread waits, median ns preload woken      the same of holds whose holder had to
 * wait; both with preload_hold.c preloaded
 */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "median.h"

enum { ROUNDS = 15, PAIRS = 20000, TURNS = 50000, LONGER_TURNS = 5000, HANDOVERS = 2000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void start(pthread_t *thread, void *(*function)(void *), void *argument, int cpu)
{
    if (pthread_create(thread, NULL, function, argument))
        abort();
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    pthread_setaffinity_np(*thread, sizeof set, &set);
}

/* --- Uncontended ----------------------------------------------------------------------------------------------- */

static double pair_ns(void)
{
    static double ns[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t begin = now_ns();
        for (int i = 0; i < PAIRS; i++) {
            pthread_mutex_lock(&mutex);
            pthread_mutex_unlock(&mutex);
        }
        ns[round] = (double)(now_ns() - begin) / PAIRS;
    }
    return median(ns, ROUNDS);
}

static void *sleep_on(void *unused)
{
    (void)unused;
    nanosleep(&(struct timespec){600, 0}, NULL);
    return NULL;
}

static double pair_two_ns(void)
{
    pthread_t second;
    start(&second, sleep_on, NULL, 0);
    return pair_ns();
}

/* --- Contended --------------------------------------------------------------------------------------------------- */

static void work(uint64_t ns)
{
    for (uint64_t end = now_ns() + ns; now_ns() < end;) {
    }
}

static int turns = TURNS;
static uint64_t work_ns = 300;

static void *take_turns(void *unused)
{
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < turns; i++) {
        pthread_mutex_lock(&mutex);
        work(work_ns);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static double two_ns(void *(*function)(void *))
{
    static int numbers[] = {0, 1};
    pthread_t threads[2];
    pthread_barrier_init(&barrier, NULL, 3);
    for (int i = 0; i < 2; i++)
        start(&threads[i], function, &numbers[i], i);
    pthread_barrier_wait(&barrier);
    uint64_t begin = now_ns();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return (double)(now_ns() - begin) / (2.0 * turns);
}

/* When each turn ended, of both threads. */
static uint64_t ends[2][TURNS + 1];

static void *take_turns_timed(void *number)
{
    uint64_t *end = ends[*(int *)number];
    pthread_barrier_wait(&barrier);
    *end++ = now_ns();
    for (int i = 0; i < turns; i++) {
        pthread_mutex_lock(&mutex);
        work(work_ns);
        pthread_mutex_unlock(&mutex);
        *end++ = now_ns();
    }
    return NULL;
}

static double turn_ns(void)
{
    static double ns[2 * TURNS];
    two_ns(take_turns_timed);
    uint64_t from = ends[0][0] > ends[1][0] ? ends[0][0] : ends[1][0];
    uint64_t to = ends[0][turns] < ends[1][turns] ? ends[0][turns] : ends[1][turns];
    size_t count = 0;
    for (int thread = 0; thread < 2; thread++)
        for (int i = 0; i < turns; i++)
            if (ends[thread][i] >= from && ends[thread][i + 1] <= to)
                ns[count++] = (double)(ends[thread][i + 1] - ends[thread][i]);
    return count ? median(ns, count) : -1;
}

static double longer_ns(void)
{
    turns = LONGER_TURNS;
    work_ns = 5000;
    return two_ns(take_turns);
}

static int turn;

static void *hand_over(void *number)
{
    int own = *(int *)number;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < turns; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != own)
            pthread_cond_wait(&cond, &mutex);
        turn = !own;
        pthread_cond_signal(&cond);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static double handover_ns(void)
{
    turns = HANDOVERS;
    return two_ns(hand_over);
}

/* --- How long it is held --------------------------------------------------------------------------------------- */

/* bench/preload_hold, preloaded last, has watched. */
static double hold_ns(bool woken_only)
{
    double (*median_ns)(bool) = (double (*)(bool))dlsym(RTLD_DEFAULT, "hold_median_ns");
    two_ns(take_turns);
    return median_ns ? median_ns(woken_only) : -1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    double ns = strcmp(what, "pair") == 0        ? pair_ns()
                : strcmp(what, "pair-two") == 0  ? pair_two_ns()
                : strcmp(what, "contended") == 0 ? two_ns(take_turns)
                : strcmp(what, "longer") == 0    ? longer_ns()
                : strcmp(what, "handover") == 0  ? handover_ns()
                : strcmp(what, "turn") == 0      ? turn_ns()
                : strcmp(what, "hold") == 0      ? hold_ns(false)
                : strcmp(what, "woken") == 0     ? hold_ns(true)
                                                 : -1;
    printf("%.2f\n", ns);
    return ns < 0;
}
