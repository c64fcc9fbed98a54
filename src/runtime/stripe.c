/* See stripe.h. */
#include "runtime/stripe.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "runtime/flavour.h"
#include "runtime/futex.h"
#include "runtime/memory.h"

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

int stripe_init(struct stripe_lock *lock, const char *name)
{
    uint32_t count = stripe_count();
    lock->stripes = flavour_allocate_lines(count * sizeof *lock->stripes, &lock->block);
    if (!lock->stripes)
        return -ENOMEM;
    lock->mask = count - 1;
    atomic_init(&lock->writer, STRIPE_NONE);
    msc_mutex_init(&lock->mutex, name);
    return 0;
}

void stripe_fini(struct stripe_lock *lock)
{
    msc_mutex_destroy(&lock->mutex);
    memory.release(lock->block);
}

/* With the mutex there is no writer, and the next one comes after it: it will see the count. */
static void queue(struct stripe_lock *lock, struct stripe *stripe)
{
    msc_mutex_lock(&lock->mutex);
    atomic_fetch_add_explicit(&stripe->readers, 1, memory_order_seq_cst);
    msc_mutex_unlock(&lock->mutex);
}

/* As stripe_read_lock does; false if there is a writer. */
static bool try_again(struct stripe_lock *lock, struct stripe *stripe)
{
    if (atomic_load_explicit(&lock->writer, memory_order_relaxed) != STRIPE_NONE)
        return false;
    atomic_fetch_add_explicit(&stripe->readers, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&lock->writer, memory_order_seq_cst) == STRIPE_NONE)
        return true;
    stripe_read_unlock(lock, stripe);
    return false;
}

void stripe_read_slow(struct stripe_lock *lock, struct stripe *stripe)
{
    stripe_read_unlock(lock, stripe);
    for (unsigned pauses = 1; pauses <= SPIN_PAUSES_MAX; pauses *= 2) {
        if (try_again(lock, stripe))
            return;
        spin_pause(pauses);
    }
    queue(lock, stripe);
}

void stripe_wake_writer(struct stripe *stripe)
{
    futex_wake_all(&stripe->readers);
}

/* Readers are inside for some ten nanoseconds, unless one was preempted or visits all entries. */
static void wait_for(struct stripe_lock *lock, struct stripe *stripe)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&stripe->readers, memory_order_seq_cst) == 0)
            return;
        spin_pause(1);
    }
    atomic_store_explicit(&lock->writer, STRIPE_SLEEPING, memory_order_seq_cst);
    uint32_t readers;
    while ((readers = atomic_load_explicit(&stripe->readers, memory_order_seq_cst)) != 0)
        futex_wait(&stripe->readers, readers, FUTEX_FOREVER);
    atomic_store_explicit(&lock->writer, STRIPE_WRITING, memory_order_seq_cst);
}

void stripe_drain(struct stripe_lock *lock)
{
    for (uint32_t i = 0; i <= lock->mask; i++)
        wait_for(lock, &lock->stripes[i]);
}
