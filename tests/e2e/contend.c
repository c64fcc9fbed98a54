/*
 * Two threads that contend for one mutex: makes the file `ready` once they do, and goes on until there is the file
 * `go`, for 60 s at most.
 */
#include <mapscope/mutex.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static msc_mutex lock = MSC_MUTEX_INITIALIZER_NAMED("contended");
static int is_over;

static void pause_us(long us)
{
    const struct timespec pause = {0, us * 1000};
    nanosleep(&pause, NULL);
}

static void *contend(void *argument)
{
    while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED)) {
        if (msc_mutex_lock(&lock))
            abort();
        pause_us(200);
        msc_mutex_unlock(&lock);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, contend, NULL))
            return EXIT_FAILURE;
    pause_us(20000);
    int ready = open("ready", O_CREAT | O_WRONLY, 0600);
    if (ready < 0 || close(ready))
        return EXIT_FAILURE;
    for (int i = 0; i < 6000 && access("go", F_OK); i++)
        pause_us(10000);
    __atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return EXIT_SUCCESS;
}
