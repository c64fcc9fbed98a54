/*
 * A program that stands still, for the tests of what a shared page tells: `standstill stuck` (a thread "hog" takes a
 * lock and never gives it back, three wait), `standstill deadlock` (two threads take two locks in opposite order).
 * It ends by itself after a minute.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mapscope/mapscope.h>

enum { LIFE_SECONDS = 60 };

static msc_mutex table = MSC_MUTEX_INITIALIZER_NAMED("table");
static msc_mutex nameless = MSC_MUTEX_INITIALIZER;
static pthread_barrier_t both_have_one, is_held;

__attribute__((noinline)) static void wait_for_the_table(void)
{
    msc_mutex_lock(&table);
    msc_mutex_unlock(&table);
}

static void *waiter(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "waiter");
    pthread_barrier_wait(&is_held);
    wait_for_the_table();
    return NULL;
}

static void *hog(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "hog");
    msc_mutex_lock(&table);
    pthread_barrier_wait(&is_held);
    sleep(LIFE_SECONDS);
    return NULL;
}

__attribute__((noinline)) static void take_in_order(msc_mutex *first, msc_mutex *second)
{
    msc_mutex_lock(first);
    pthread_barrier_wait(&both_have_one);
    msc_mutex_lock(second);
    msc_mutex_unlock(second);
    msc_mutex_unlock(first);
}

static void *forwards(void *unused)
{
    (void)unused;
    take_in_order(&table, &nameless);
    return NULL;
}

static void *backwards(void *unused)
{
    (void)unused;
    take_in_order(&nameless, &table);
    return NULL;
}

static int start(void *(*const bodies[])(void *), int count)
{
    pthread_t thread;
    for (int i = 0; i < count; i++)
        if (pthread_create(&thread, NULL, bodies[i], NULL))
            return 1;
    sleep(LIFE_SECONDS);
    return 0;
}

int main(int argc, char **argv)
{
    void *(*const stuck[])(void *) = {hog, waiter, waiter, waiter};
    void *(*const deadlock[])(void *) = {forwards, backwards};
    pthread_barrier_init(&is_held, NULL, 4);
    pthread_barrier_init(&both_have_one, NULL, 2);
    if (argc == 2 && strcmp(argv[1], "stuck") == 0)
        return start(stuck, 4);
    if (argc == 2 && strcmp(argv[1], "deadlock") == 0)
        return start(deadlock, 2);
    fputs("usage: standstill stuck | deadlock\n", stderr);
    return 2;
}
