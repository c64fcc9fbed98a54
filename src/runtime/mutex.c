/* See mapscope/mutex.h: a pthread mutex, with the accounting of contention.h where it is contended. */
#include <mapscope/mutex.h>

#include <errno.h>
#include <string.h>

#include "runtime/own_lock.h"
#include "runtime/stack.h"

msc_mutex_try_fn *msc_mutex_try = pthread_mutex_trylock;

static int block(msc_mutex *mutex, const struct timespec *deadline)
{
    msc_guard++;
    int error = deadline ? pthread_mutex_timedlock(&mutex->msc_real, deadline) : pthread_mutex_lock(&mutex->msc_real);
    msc_guard--;
    return error;
}

/* Here and in msc_mutex_settle the stack begins with our caller: the user's function, the header being inlined. */
int msc_mutex_wait(msc_mutex *mutex, const struct timespec *deadline)
{
    struct lock_id *id = own_lock_id(&mutex->msc_id);
    if (!contention_wanted()) {
        int error = block(mutex, deadline);
        if (error == 0) {
            own_lock_count(id);
            msc_mutex_overtake(mutex);
        }
        return -error;
    }
    const struct contention_how how = {
        .mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_MUTEX, .owner = own_mutex_holder(&mutex->msc_real)};
    struct page_lock *entry = lock_contend(id, &(struct lock_kind){.lock = (uintptr_t)mutex, .kind = MSC_LOCK_MUTEX});
    struct contention_wait wait;
    contention_join(entry, &how, STACK_HERE(), &wait);
    int error = block(mutex, deadline);
    if (error == 0 && msc_lock_holds_timed)
        holds_begin(mutex, MSC_MODE_EXCLUSIVE);
    if (error == 0)
        contention_acquire(&wait);
    else
        contention_give_up(&wait, error == ETIMEDOUT ? MSC_WAIT_TIMEOUT : MSC_WAIT_ERROR);
    if (error == 0 && !entry)
        own_lock_count(id);
    return -error;
}

void msc_mutex_overtake(msc_mutex *mutex)
{
    if (msc_lock_holds_timed)
        holds_begin(mutex, MSC_MODE_EXCLUSIVE);
    struct page_lock *entry = lock_contended(own_lock_id(&mutex->msc_id));
    if (entry)
        contention_overtake(entry, MSC_MODE_EXCLUSIVE, 0);
}

int msc_mutex_settle(msc_mutex *mutex)
{
    struct lock_id *id = own_lock_id(&mutex->msc_id);
    struct page_lock *entry = lock_contended(id);
    bool owes = entry && contention_to_settle(entry);
    struct contention_release release;
    struct msc_ev_lock_hold hold;
    if (owes)
        contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
    own_hold_end(id, &(struct lock_kind){.lock = (uintptr_t)mutex, .kind = MSC_LOCK_MUTEX}, MSC_MODE_EXCLUSIVE, &hold);
    pthread_mutex_unlock(&mutex->msc_real);
    if (owes)
        contention_tell(&release, STACK_HERE());
    if (hold.weight)
        holds_tell(&hold, STACK_HERE());
    return 0;
}

int msc_mutex_init(msc_mutex *mutex, const char *name)
{
    int error = pthread_mutex_init(&mutex->msc_real, NULL);
    if (error)
        return -error;
    mutex->msc_id = (struct msc_lock_id)MSC_LOCK_ID_INITIALIZER(name, 1);
    lock_enroll(own_lock_id(&mutex->msc_id), &(struct lock_kind){.lock = (uintptr_t)mutex,
                                                                 .site = (uintptr_t)__builtin_return_address(0),
                                                                 .kind = MSC_LOCK_MUTEX});
    return 0;
}

int msc_mutex_destroy(msc_mutex *mutex)
{
    int error = pthread_mutex_destroy(&mutex->msc_real);
    if (error == 0)
        lock_retire(own_lock_id(&mutex->msc_id));
    return -error;
}
