/*
 * A reader-writer lock whose readers do not meet while writers are rare: each counts itself in a cache line of its own.
 *
 *     open (no writer lately)             closed (a writer came)
 *     reader   stripe.readers + 1         reader   takes the latch, as a writer would
 *              still open? read           writer   takes the latch
 *              stripe.readers - 1
 *     writer   latch; closes; waits until every stripe is 0; writes
 *
 * After a writer the lock stays closed for STRIPE_CLOSED_READS reads: as long as more than one operation in about 16
 * writes, it is that latch alone, which then costs less than telling the readers. Whoever waits, waits at the
 * latch and is seen there. The price of opening: a writer that finds it open looks at as many cache lines as there
 * are stripes, one for each processor up to 64.
 *
 * A reader that stays long (a range) counts itself in its stripe under the latch, and in `stayers`, so that writers
 * look at the stripes even if it is closed.
 *
 * The reader's pair (count, look at `state`) and the writer's (close, look at the counts) are sequentially consistent:
 * at least one of them sees the other.
 *
 * Why not pthread_rwlock: its readers all write one word, and when a writer comes they convoy (bench/flavours).
 *
 * Not recursive, neither way. Any thread; not for signal handlers.
 * Source: Dice and Kogan, "BRAVO - Biased Locking for Reader-Writer Locks" (2019).
 */
#ifndef MSC_RUNTIME_STRIPE_H
#define MSC_RUNTIME_STRIPE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/latch.h"

enum { STRIPE_CLOSED_READS = 16 };

struct stripe {
    _Alignas(64) _Atomic uint32_t readers;
};

enum stripe_state { STRIPE_CLOSED = 0, STRIPE_OPEN = 1, STRIPE_SLEEPING = 2 /* closed, and a writer sleeps */ };

struct stripe_lock {
    struct stripe *stripes;
    uint32_t mask;          /* number of stripes - 1 */
    _Atomic uint32_t state; /* enum stripe_state; changed under the latch */
    void *block;
    _Alignas(64) struct latch latch;
    uint32_t closed_reads; /* until it opens; under the latch */
    _Atomic uint32_t stayers;
};

/* 0 or -ENOMEM. */
int stripe_init(struct stripe_lock *lock, const struct flavour *map);
void stripe_fini(struct stripe_lock *lock);

extern __thread uint32_t stripe_mine __attribute__((tls_model("initial-exec"), visibility("hidden")));
uint32_t stripe_assign(void);
void stripe_leave(struct stripe_lock *lock, struct stripe *stripe);
void stripe_read_closed(struct stripe_lock *lock);
void stripe_drain(struct stripe_lock *lock);

static inline struct stripe *stripe_of_thread(const struct stripe_lock *lock)
{
    uint32_t mine = stripe_mine;
    if (__builtin_expect(mine == 0, 0))
        mine = stripe_assign();
    return &lock->stripes[mine & lock->mask];
}

/* Returns what stripe_read_unlock wants: the reader's stripe, or NULL with the latch. */
static inline struct stripe *stripe_read_lock(struct stripe_lock *lock)
{
    if (atomic_load_explicit(&lock->state, memory_order_relaxed) == STRIPE_OPEN) {
        struct stripe *stripe = stripe_of_thread(lock);
        atomic_fetch_add_explicit(&stripe->readers, 1, memory_order_seq_cst);
        if (__builtin_expect(atomic_load_explicit(&lock->state, memory_order_seq_cst) == STRIPE_OPEN, 1))
            return stripe;
        stripe_leave(lock, stripe);
    }
    stripe_read_closed(lock);
    return NULL;
}

static inline void stripe_read_unlock(struct stripe_lock *lock, struct stripe *stripe)
{
    if (stripe)
        stripe_leave(lock, stripe);
    else
        latch_unlock(&lock->latch);
}

/* For a reader that stays long. */
struct stripe *stripe_stay(struct stripe_lock *lock);
void stripe_stay_end(struct stripe_lock *lock, struct stripe *stripe);

static inline void stripe_write_lock(struct stripe_lock *lock)
{
    latch_lock(&lock->latch);
    lock->closed_reads = STRIPE_CLOSED_READS;
    if (atomic_load_explicit(&lock->state, memory_order_relaxed) != STRIPE_CLOSED ||
        atomic_load_explicit(&lock->stayers, memory_order_acquire) != 0)
        stripe_drain(lock);
}

static inline void stripe_write_unlock(struct stripe_lock *lock)
{
    latch_unlock(&lock->latch);
}

#endif
