/*
 * A reader-writer lock whose readers do not meet: each counts itself in a cache line of its own.
 *
 *     reader   stripe.readers + 1; writer there? no: read; stripe.readers - 1
 *     writer   mutex; writer = 1; wait until every stripe is 0; write; writer = 0; mutex
 *
 * A reader that finds a writer takes its count back, looks a few more times, then queues at the mutex, so that readers
 * and writers wait in one line and whoever waits is seen waiting for the named msc_mutex. Neither starves: a writer
 * keeps new readers out while it waits for those inside, and is behind the waiting readers when it comes again.
 *
 * The reader's pair (count, look at `writer`) and the writer's (set `writer`, look at the counts) are sequentially
 * consistent: at least one of them sees the other.
 *
 * Why not pthread_rwlock: its readers all write one word, and when a writer comes they convoy (bench/flavours). The
 * price: a writer looks at as many cache lines as there are stripes, one for each processor up to 64.
 *
 * Not recursive, neither way. Any thread; not for signal handlers.
 */
#ifndef MSC_RUNTIME_STRIPE_H
#define MSC_RUNTIME_STRIPE_H

#include <stdatomic.h>
#include <stdint.h>

#include "mapscope/mutex.h"
#include "runtime/spin.h"

struct stripe {
    _Alignas(64) _Atomic uint32_t readers;
};

enum stripe_writer { STRIPE_NONE = 0, STRIPE_WRITING = 1, STRIPE_SLEEPING = 2 };

struct stripe_lock {
    struct stripe *stripes;
    uint32_t mask;           /* number of stripes - 1 */
    _Atomic uint32_t writer; /* enum stripe_writer */
    void *block;
    _Alignas(64) msc_mutex mutex;
};

/* `name` is borrowed as long as the lock lives. 0 or -ENOMEM. */
int stripe_init(struct stripe_lock *lock, const char *name);
void stripe_fini(struct stripe_lock *lock);

extern __thread uint32_t stripe_mine __attribute__((tls_model("initial-exec"), visibility("hidden")));
uint32_t stripe_assign(void);
void stripe_read_slow(struct stripe_lock *lock, struct stripe *stripe);
void stripe_wake_writer(struct stripe *stripe);

/* Returns the reader's stripe, for the unlock. */
static inline struct stripe *stripe_read_lock(struct stripe_lock *lock)
{
    uint32_t mine = stripe_mine;
    if (__builtin_expect(mine == 0, 0))
        mine = stripe_assign();
    struct stripe *stripe = &lock->stripes[mine & lock->mask];
    atomic_fetch_add_explicit(&stripe->readers, 1, memory_order_seq_cst);
    if (__builtin_expect(atomic_load_explicit(&lock->writer, memory_order_seq_cst) != STRIPE_NONE, 0))
        stripe_read_slow(lock, stripe);
    return stripe;
}

static inline void stripe_read_unlock(struct stripe_lock *lock, struct stripe *stripe)
{
    atomic_fetch_sub_explicit(&stripe->readers, 1, memory_order_seq_cst);
    if (__builtin_expect(atomic_load_explicit(&lock->writer, memory_order_seq_cst) == STRIPE_SLEEPING, 0))
        stripe_wake_writer(stripe);
}

void stripe_drain(struct stripe_lock *lock);

static inline void stripe_write_lock(struct stripe_lock *lock)
{
    spin_lock(&lock->mutex);
    atomic_store_explicit(&lock->writer, STRIPE_WRITING, memory_order_seq_cst);
    for (uint32_t i = 0; i <= lock->mask; i++)
        if (__builtin_expect(atomic_load_explicit(&lock->stripes[i].readers, memory_order_seq_cst) != 0, 0)) {
            stripe_drain(lock);
            return;
        }
}

static inline void stripe_write_unlock(struct stripe_lock *lock)
{
    atomic_store_explicit(&lock->writer, STRIPE_NONE, memory_order_release);
    msc_mutex_unlock(&lock->mutex);
}

#endif
