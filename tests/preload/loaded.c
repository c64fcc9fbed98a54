/* A library whose constructor and destructor lock, wait and start a thread: for safety.c, loaded and linked. */
#include <pthread.h>
#include <threads.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static mtx_t mtx;
static int ready, answer;

static void *be_ready(void *unused)
{
    pthread_mutex_lock(&mutex);
    ready = 1;
    pthread_cond_broadcast(&cond);
    pthread_mutex_unlock(&mutex);
    return unused;
}

__attribute__((constructor)) static void begin(void)
{
    pthread_t thread;
    mtx_init(&mtx, mtx_plain);
    mtx_lock(&mtx);
    pthread_rwlock_rdlock(&rwlock);
    pthread_mutex_lock(&mutex);
    if (pthread_create(&thread, NULL, be_ready, NULL) == 0) {
        while (!ready)
            pthread_cond_wait(&cond, &mutex);
        pthread_mutex_unlock(&mutex);
        pthread_join(thread, NULL);
        answer = 42;
    }
    pthread_rwlock_unlock(&rwlock);
    mtx_unlock(&mtx);
}

__attribute__((destructor)) static void end(void)
{
    pthread_rwlock_wrlock(&rwlock);
    answer = 0;
    pthread_rwlock_unlock(&rwlock);
    mtx_destroy(&mtx);
}

__attribute__((visibility("default"))) int loaded_answer(void);
int loaded_answer(void)
{
    return answer;
}
