/*
 * A trace to measure readers with: two threads work on a map each and on one lock, as fast as the buffers
 * take it. usage: load OPERATIONS (of each thread)
 */
#include <mapscope/mapscope.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS = 2, KEYS = 5000, BURST = 500 };

static msc_mutex shared_lock = MSC_MUTEX_INITIALIZER_NAMED("shared");
static unsigned long operations;

static void drop(void *arg)
{
    msc_map_delete_u64((struct msc_map *)arg, 1);
}

/* One request: a deferred cleanup, an assign, a look-up, a removal, and the lock. */
static int work(struct msc_map *map, unsigned long step)
{
    MSC_SCOPE(request);
    uint64_t key = 2 + step * UINT64_C(2654435761) % KEYS;
    int error = msc_defer_map_u64(&request, drop, map, map, 1);
    if (!error)
        error = msc_map_assign_u64(map, step % 8 ? key : 1, &step);
    msc_map_find_u64(map, key);
    if (step % 3 == 0)
        msc_map_delete_u64(map, key);
    msc_mutex_lock(&shared_lock);
    for (int i = 0; i < 100; i++)
        __asm__ volatile("");
    msc_mutex_unlock(&shared_lock);
    return error;
}

static void *thread_main(void *arg)
{
    static const struct timespec pause = {.tv_nsec = 1000000}; /* lets the buffers drain */
    struct msc_map_options options = {.struct_size = sizeof options, .name = arg, .value_size = sizeof(unsigned long)};
    struct msc_map *map;
    if (msc_map_create(&options, &map))
        exit(1);
    for (unsigned long step = 0; step < operations; step++) {
        if (work(map, step))
            exit(1);
        if (step % BURST == 0)
            nanosleep(&pause, NULL);
    }
    msc_map_destroy(map);
    return NULL;
}

int main(int argc, char **argv)
{
    static char names[THREADS][8] = {"first", "second"};
    operations = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (operations == 0) {
        fprintf(stderr, "usage: load OPERATIONS\n");
        return 2;
    }
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, thread_main, names[i]))
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
