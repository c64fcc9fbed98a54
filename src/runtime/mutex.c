/* See mapscope/mutex.h: a pthread mutex, with the accounting of contention.h where it is contended. */
#include <mapscope/mutex.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "runtime/contention.h"
#include "runtime/stack.h"

/* What msc_mutex is behind its public face. */
struct mutex {
    pthread_mutex_t real;
    struct contention contention;
};

_Static_assert(sizeof(struct mutex) == sizeof(msc_mutex), "the public storage fits");
_Static_assert(_Alignof(struct mutex) == _Alignof(msc_mutex), "the public storage is aligned");

/* What the header's inline functions touch. */
#define SAME_PLACE(ours, publicly)                                                                                     \
    _Static_assert(offsetof(struct mutex, ours) == offsetof(msc_mutex, publicly), #publicly)
SAME_PLACE(contention.word, msc_word);
SAME_PLACE(contention.wait, msc_wait);
SAME_PLACE(contention.id.hold_seq, msc_holds);
SAME_PLACE(contention.id.name, msc_name);

static struct mutex *mutex_of(msc_mutex *public)
{
    return (struct mutex *)(void *)public;
}

/* A hint: glibc writes it without synchronisation, and clears it when the mutex is released. */
static uint32_t owner_tid(struct mutex *mutex)
{
#ifdef __GLIBC__
    return (uint32_t)__atomic_load_n(&mutex->real.__data.__owner, __ATOMIC_RELAXED);
#else
    (void)mutex;
    return 0;
#endif
}

static int block(struct mutex *mutex, const struct timespec *deadline)
{
    return deadline ? pthread_mutex_timedlock(&mutex->real, deadline) : pthread_mutex_lock(&mutex->real);
}

/* Here and in msc_mutex_settle the stack begins with our caller: the user's function, the header being inlined. */
int msc_mutex_wait(msc_mutex *public, const struct timespec *deadline)
{
    struct mutex *mutex = mutex_of(public);
    if (!contention_wanted()) {
        int error = block(mutex, deadline);
        if (error == 0)
            contention_count(&mutex->contention);
        return -error;
    }
    struct contention_wait wait;
    contention_join(&mutex->contention, mutex, owner_tid(mutex), STACK_HERE(), &wait);
    int error = block(mutex, deadline);
    if (error == 0)
        contention_acquire(&mutex->contention, &wait);
    else
        contention_give_up(&mutex->contention, &wait, error == ETIMEDOUT ? MSC_WAIT_TIMEOUT : MSC_WAIT_ERROR);
    return -error;
}

void msc_mutex_overtake(msc_mutex *public)
{
    contention_overtake(&mutex_of(public)->contention);
}

int msc_mutex_settle(msc_mutex *public)
{
    struct mutex *mutex = mutex_of(public);
    struct contention_release release;
    contention_release(&mutex->contention, mutex, &release);
    pthread_mutex_unlock(&mutex->real);
    contention_tell(&release, STACK_HERE());
    return 0;
}

int msc_mutex_init(msc_mutex *public, const char *name)
{
    struct mutex *mutex = mutex_of(public);
    memset(mutex, 0, sizeof *mutex);
    int error = pthread_mutex_init(&mutex->real, NULL);
    if (error)
        return -error;
    mutex->contention.id.name = name;
    atomic_store_explicit(&mutex->contention.forks, atomic_load_explicit(&thread_forks, memory_order_relaxed),
                          memory_order_relaxed);
    lock_enroll(&mutex->contention.id, (uintptr_t)mutex, MSC_LOCK_MUTEX);
    return 0;
}

int msc_mutex_destroy(msc_mutex *public)
{
    struct mutex *mutex = mutex_of(public);
    int error = pthread_mutex_destroy(&mutex->real);
    if (error == 0)
        lock_retire(&mutex->contention.id);
    return -error;
}
