/*
 * A second opinion: an interposer behind ours that holds a stopwatch to what blocks. Preloaded after
 * libmapscope-preload, pthread_mutex_lock reaches it only where the mutex was not free. At the end it writes
 *
 *     PROGRAM mutex NS cond NS
 *
 * into the file $STOPWATCH: the time that all threads spent in the one and in the other.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int (*next_lock)(pthread_mutex_t *);
static int (*next_wait)(pthread_cond_t *, pthread_mutex_t *);
static _Atomic uint64_t in_lock_ns, in_wait_ns;

__attribute__((constructor)) static void begin(void)
{
    next_lock = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
    next_wait = (int (*)(pthread_cond_t *, pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_cond_wait");
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

__attribute__((visibility("default"))) int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (!next_lock)
        begin();
    uint64_t since = now_ns();
    int result = next_lock(mutex);
    in_lock_ns += now_ns() - since;
    return result;
}

__attribute__((visibility("default"))) int pthread_cond_wait(pthread_cond_t *restrict cond,
                                                             pthread_mutex_t *restrict mutex)
{
    if (!next_wait)
        begin();
    uint64_t since = now_ns();
    int result = next_wait(cond, mutex);
    in_wait_ns += now_ns() - since;
    return result;
}

__attribute__((destructor)) static void end(void)
{
    const char *name = getenv("STOPWATCH");
    FILE *file = name ? fopen(name, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%s mutex %llu cond %llu\n", program_invocation_short_name, (unsigned long long)in_lock_ns,
            (unsigned long long)in_wait_ns);
    fclose(file);
}
