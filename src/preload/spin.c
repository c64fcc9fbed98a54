/*
 * pthread_spin_*: as mutex.c. A spin lock does not say whether it is shared between processes; of one that is,
 * the waits of this process are seen, and what others made it wait is hand-off.
 */
#include <errno.h>

#include "preload/account.h"
#include "preload/thread.h"

/* A number to the accounting, which never reads it: nothing volatile about that. */
static const void *address(pthread_spinlock_t *spin)
{
    return (const void *)(uintptr_t)spin;
}

static void took(pthread_spinlock_t *spin, uint64_t tried_ns)
{
    operations_count();
    account_hold_begins(address(spin), MSC_MODE_EXCLUSIVE);
    account_took(address(spin), MSC_MODE_EXCLUSIVE, tried_ns);
}

__attribute__((noinline)) static int wait_for(pthread_spinlock_t *spin, const void *frame)
{
    if (!contention_wanted())
        return real()->pthread_spin_lock(spin);
    struct contention_how how = {.mode = MSC_MODE_EXCLUSIVE, .kind = MSC_LOCK_SPIN, .lock = address(spin)};
    struct contention_wait wait;
    thread_expect_events();
    contention_join(contention_enroll(address(spin), MSC_LOCK_SPIN, frame), &how, frame, &wait);
    int result = real()->pthread_spin_lock(spin);
    account_hold_begins(address(spin), MSC_MODE_EXCLUSIVE);
    contention_acquire(&wait);
    operations_count();
    return result;
}

HOOK int pthread_spin_lock(pthread_spinlock_t *spin)
{
    if (!account_on())
        return real()->pthread_spin_lock(spin);
    uint64_t tried_ns = account_tries(address(spin));
    int tried = real()->pthread_spin_trylock(spin);
    if (__builtin_expect(tried == EBUSY, 0))
        return wait_for(spin, STACK_HERE());
    took(spin, tried_ns);
    return tried;
}

HOOK int pthread_spin_trylock(pthread_spinlock_t *spin)
{
    int result = real()->pthread_spin_trylock(spin);
    if (result == 0 && account_on())
        took(spin, 0);
    return result;
}

__attribute__((noinline)) static int settle(struct page_lock *entry, pthread_spinlock_t *spin, const void *frame)
{
    struct contention_release release;
    struct msc_ev_lock_hold hold;
    if (entry)
        contention_release(entry, MSC_MODE_EXCLUSIVE, true, &release);
    account_hold_ends(address(spin), MSC_LOCK_SPIN, MSC_MODE_EXCLUSIVE, frame, &hold);
    int result = real()->pthread_spin_unlock(spin);
    if (entry)
        contention_tell(&release, frame);
    if (hold.weight)
        holds_tell(&hold, frame);
    return result;
}

HOOK int pthread_spin_unlock(pthread_spinlock_t *spin)
{
    struct page_lock *entry = account_owing(address(spin));
    return account_is_idle(entry) ? real()->pthread_spin_unlock(spin) : settle(entry, spin, STACK_HERE());
}

HOOK int pthread_spin_init(pthread_spinlock_t *spin, int is_shared)
{
    contention_retire(address(spin));
    return real()->pthread_spin_init(spin, is_shared);
}

HOOK int pthread_spin_destroy(pthread_spinlock_t *spin)
{
    int result = real()->pthread_spin_destroy(spin);
    if (result == 0)
        contention_retire(address(spin));
    return result;
}
