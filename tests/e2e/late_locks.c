/*
 * A program whose lock has a past when somebody begins to record it. It does what its standard input says, one command
 * a line, and answers each:
 *
 *     contend     make a thread wait for the lock, until that is seen where somebody looks -> contended
 *     farewell    nothing                                                                  -> noted
 */
#include <mapscope/mutex.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static msc_mutex lock;

static void *want(void *unused)
{
    if (msc_mutex_lock(&lock) == 0)
        msc_mutex_unlock(&lock);
    return unused;
}

/* `patience_ms`: how long to wait for somebody to look. */
static void contend(int patience_ms)
{
    pthread_t waiter;
    msc_mutex_lock(&lock);
    if (pthread_create(&waiter, NULL, want, NULL))
        exit(EXIT_FAILURE);
    for (int i = 0; i < patience_ms && !msc_lock_is_waited_for(&lock.msc_id); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    msc_mutex_unlock(&lock);
    pthread_join(waiter, NULL);
}

int main(void)
{
    char line[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (msc_mutex_init(&lock, "old lock"))
        return EXIT_FAILURE;
    for (int i = 0; i < 100; i++)
        contend(0); /* nobody looks */
    while (fgets(line, sizeof line, stdin)) {
        if (strcmp(line, "contend\n") == 0)
            contend(10000);
        puts(strcmp(line, "contend\n") == 0 ? "contended" : "noted");
    }
    return EXIT_SUCCESS;
}
