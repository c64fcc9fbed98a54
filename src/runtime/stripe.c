/* See stripe.h. */
#include "runtime/stripe.h"

#include <errno.h>
#include <unistd.h>

#include "runtime/flavour.h"
#include "runtime/futex.h"
#include "runtime/memory.h"
#include "runtime/spin.h"

enum { STRIPES_MAX = 64, SPINS = 200 };

__thread uint32_t stripe_mine; /* 0 = none yet */

uint32_t stripe_assign(void)
{
    static _Atomic uint32_t assigned; /* only spreads threads: relaxed */
    uint32_t mine = atomic_fetch_add_explicit(&assigned, 1, memory_order_relaxed) + 1;
    return stripe_mine = mine ? mine : 1;
}

static uint32_t stripe_count(void)
{
    long processors = sysconf(_SC_NPROCESSORS_CONF);
    uint32_t count = 1;
    while (count < STRIPES_MAX && (long)count < processors)
        count *= 2;
    return count;
}

int stripe_init(struct stripe_lock *lock, const struct flavour *map)
{
    uint32_t count = stripe_count();
    lock->stripes = flavour_allocate_lines(count * sizeof *lock->stripes, &lock->block);
    if (!lock->stripes)
        return -ENOMEM;
    lock->mask = count - 1;
    atomic_init(&lock->state, STRIPE_OPEN);
    latch_init(&lock->latch, map);
    return 0;
}

void stripe_fini(struct stripe_lock *lock)
{
    latch_fini(&lock->latch);
    memory.release(lock->block);
}

void stripe_leave(struct stripe_lock *lock, struct stripe *stripe)
{
    atomic_fetch_sub_explicit(&stripe->readers, 1, memory_order_seq_cst);
    if (__builtin_expect(atomic_load_explicit(&lock->state, memory_order_seq_cst) == STRIPE_SLEEPING, 0))
        futex_wake_all(&stripe->readers);
}

/* With the latch there is no writer. The last of these reads opens the lock, for those that come then. */
void stripe_read_closed(struct stripe_lock *lock)
{
    latch_lock(&lock->latch);
    if (lock->closed_reads && --lock->closed_reads == 0)
        atomic_store_explicit(&lock->state, STRIPE_OPEN, memory_order_seq_cst);
}

struct stripe *stripe_stay(struct stripe_lock *lock)
{
    struct stripe *stripe = stripe_of_thread(lock);
    latch_lock(&lock->latch);
    atomic_fetch_add_explicit(&lock->stayers, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&stripe->readers, 1, memory_order_seq_cst);
    latch_unlock(&lock->latch);
    return stripe;
}

/* Release pairs with the acquire of a writer that sees nobody stay and so does not look at the stripes. */
void stripe_stay_end(struct stripe_lock *lock, struct stripe *stripe)
{
    stripe_leave(lock, stripe);
    atomic_fetch_sub_explicit(&lock->stayers, 1, memory_order_release);
}

/* Readers are inside for some ten nanoseconds, unless one was preempted or visits all entries. */
static void wait_for(struct stripe_lock *lock, struct stripe *stripe)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&stripe->readers, memory_order_seq_cst) == 0)
            return;
        spin_pause(1);
    }
    atomic_store_explicit(&lock->state, STRIPE_SLEEPING, memory_order_seq_cst);
    uint32_t readers;
    while ((readers = atomic_load_explicit(&stripe->readers, memory_order_seq_cst)) != 0)
        futex_wait(&stripe->readers, readers, FUTEX_FOREVER);
    atomic_store_explicit(&lock->state, STRIPE_CLOSED, memory_order_seq_cst);
}

void stripe_drain(struct stripe_lock *lock)
{
    atomic_store_explicit(&lock->state, STRIPE_CLOSED, memory_order_seq_cst);
    for (uint32_t i = 0; i <= lock->mask; i++)
        wait_for(lock, &lock->stripes[i]);
}
