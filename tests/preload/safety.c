/*
 * What an interposer is easily broken by, one case an argument; each says what it saw, the same preloaded.
 *
 *     cancel         threads cancelled in condition variables' waits
 *     fork           processes forked while other threads lock
 *     dlopen LIB     libraries loaded and unloaded, whose constructors and destructors lock
 *     threads        many threads that come and go
 *     old            the pthread_cond_t of glibc before 2.3.2 (x86-64)
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int waiting, unlocked;

/* --- cancel ------------------------------------------------------------------------------------------------ */

static void unlock(void *how)
{
    (void)how;
    unlocked++; /* under the mutex, which the cancelled thread has again */
    pthread_mutex_unlock(&mutex);
}

static void *wait_for_ever(void *is_timed)
{
    struct timespec late;
    clock_gettime(CLOCK_REALTIME, &late);
    late.tv_sec += 1000;
    pthread_mutex_lock(&mutex);
    pthread_cleanup_push(unlock, NULL);
    waiting++;
    for (;;) {
        if (is_timed)
            pthread_cond_timedwait(&cond, &mutex, &late);
        else
            pthread_cond_wait(&cond, &mutex);
    }
    pthread_cleanup_pop(1);
    return NULL;
}

static int cancel(void)
{
    enum { THREADS = 16 };
    pthread_t threads[THREADS];
    int cancelled = 0;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, wait_for_ever, i % 2 ? &cond : NULL))
            return 1;
    for (bool all = false; !all;) {
        pthread_mutex_lock(&mutex);
        all = waiting == THREADS;
        if (all)
            pthread_cond_broadcast(&cond); /* some are cancelled on the way back to the mutex */
        for (int i = 0; all && i < THREADS; i++)
            pthread_cancel(threads[i]);
        pthread_mutex_unlock(&mutex);
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        cancelled += result == PTHREAD_CANCELED;
    }
    printf("cancelled %d, unlocked %d, free %d\n", cancelled, unlocked, pthread_mutex_trylock(&mutex));
    return 0;
}

/* --- fork ---------------------------------------------------------------------------------------------------- */

static atomic_bool stop;
static pthread_mutex_t own[4] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
                                 PTHREAD_MUTEX_INITIALIZER};

static void *lock_on_and_on(void *unused)
{
    (void)unused;
    for (unsigned i = 0; !stop; i++) {
        pthread_mutex_lock(&own[i % 4]);
        pthread_mutex_unlock(&own[i % 4]);
    }
    return NULL;
}

static void *lock_once(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    waiting++;
    pthread_cond_signal(&cond);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

/* A child has only the forking thread: it makes another one, and waits for it in every way. */
static void be_child(void)
{
    pthread_t thread;
    alarm(60);
    if (pthread_create(&thread, NULL, lock_once, NULL))
        _exit(1);
    pthread_mutex_lock(&mutex);
    while (waiting == 0)
        pthread_cond_wait(&cond, &mutex);
    pthread_mutex_unlock(&mutex);
    pthread_join(thread, NULL);
    exit(7);
}

static int fork_storm(void)
{
    enum { THREADS = 3, CHILDREN = 12 };
    pthread_t threads[THREADS];
    int sevens = 0;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, lock_on_and_on, NULL))
            return 1;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0)
            be_child();
        int status;
        waitpid(child, &status, 0);
        sevens += WIFEXITED(status) && WEXITSTATUS(status) == 7;
    }
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("children %d\n", sevens);
    return 0;
}

/* --- dlopen ---------------------------------------------------------------------------------------------------- */

static int load(const char *library)
{
    int sum = 0;
    for (int i = 0; i < 50; i++) {
        void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            puts(dlerror());
            return 1;
        }
        int (*answer)(void) = (int (*)(void))dlsym(handle, "loaded_answer");
        sum += answer();
        dlclose(handle);
    }
    printf("answers %d\n", sum);
    return 0;
}

/* --- threads ----------------------------------------------------------------------------------------------------- */

static void *come_and_go(void *result)
{
    pthread_mutex_lock(&mutex);
    waiting++;
    pthread_mutex_unlock(&mutex);
    if (result == (void *)1)
        pthread_exit(result);
    return result;
}

static int many_threads(void)
{
    enum { ROUNDS = 20, THREADS = 50 };
    long sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            if (pthread_create(&threads[i], NULL, come_and_go, (char *)0 + i % 3))
                return 1;
        for (int i = 0; i < THREADS; i++) {
            void *result;
            pthread_join(threads[i], &result);
            sum += (char *)result - (char *)0;
        }
    }
    printf("threads %d, results %ld\n", waiting, sum);
    return 0;
}

/* --- old ------------------------------------------------------------------------------------------------------------
 */

#ifdef __x86_64__
int old_signal(void *cond);
__asm__(".symver old_signal, pthread_cond_signal@GLIBC_2.2.5");

static int old(void)
{
    void *place[6] = {NULL}; /* the old pthread_cond_t begins with a pointer to the new one, made at first use */
    Dl_info info;
    dladdr((void *)(size_t)old_signal, &info);
    printf("signal %d, in %s\n", old_signal(place), strrchr(info.dli_fname, '/'));
    return 0;
}
#else
static int old(void)
{
    return 0;
}
#endif

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "cancel") == 0)
        return cancel();
    if (strcmp(what, "fork") == 0)
        return fork_storm();
    if (strcmp(what, "dlopen") == 0)
        return argc > 2 ? load(argv[2]) : 2;
    if (strcmp(what, "threads") == 0)
        return many_threads();
    if (strcmp(what, "old") == 0)
        return old();
    return 2;
}
