/*
 * Epochs: when memory that lock-free readers may still look at can be freed.
 *
 *     reader                            writer
 *     epoch_enter();                    old = atomic_exchange(&box, new);    unlink first,
 *     box = load(&shared);              epoch_retire(&old->item, bytes);     then retire
 *     read(box);
 *     epoch_leave();
 *
 * There is one epoch for the process. A reader writes the epoch that it saw into its own slot (pins it). The
 * epoch moves from n to n + 1 only when every pinned slot shows n, so a reader pinned at n holds it at n + 1 at
 * most. A batch that was retired while the epoch was t is free of readers once it is t + 2:
 *
 *     epoch      5 ------- 6 ------- 7 --------
 *     reader A   [pinned 5]                        could have seen the block before it was unlinked
 *     batch       retired, t = 5
 *     reader B             [pinned 6]              could have read the epoch late, and so have seen it too
 *     batch                          freed
 *
 * The store that pins must not pass the reader's loads behind it. The reader pays for
 * the light side of a barrier (barrier.h), whoever moves the epoch for the heavy one.
 *
 * Retired blocks gather in the thread, 256 of them or 64 KiB, then go into a list of all threads that anybody
 * frees; what is left goes there when the thread ends. What a stalled reader can hold up is bounded: writers ask
 * epoch_admit() before they change anything, and past EPOCH_BACKLOG_MAX it waits, or refuses if the caller is
 * itself pinned. A single operation may exceed the bound by what it retires itself.
 *
 * Threads: any number. A thread whose slot cannot be registered (no memory for the thread-exit hook) is counted
 * under the lock and keeps the epoch from moving while it reads: slow, never wrong. So is one that is ending, from its
 * exit hook on. (Not seen: a thread that reads for the first time in the last round of its destructors.) Not
 * async-signal-safe.
 * Allocates nothing; blocks are freed with memory.release. Fork: see mapscope/guard.h.
 *
 * Sources: Fraser, "Practical lock-freedom" (2004), section 5.2.3; crossbeam-epoch; liburcu for membarrier.
 */
#ifndef MSC_RUNTIME_EPOCH_H
#define MSC_RUNTIME_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mapscope/guard.h"
#include "runtime/barrier.h"

#define EPOCH_BACKLOG_MAX (UINT64_C(32) << 20)
#define EPOCH_BATCH_COUNT 256
#define EPOCH_BATCH_BYTES (UINT64_C(64) << 10)

/* The first member of everything that is retired: a block of memory.allocate. */
struct epoch_item {
    struct epoch_item *next;
};

struct epoch_batch {
    struct epoch_item *first, *last;
    size_t count;
    uint64_t bytes;
};

struct epoch_slot {
    /* Epoch that the thread may be reading in, 0 = none. Written by the thread, read by whoever moves the epoch. */
    _Alignas(64) _Atomic uint64_t pinned;
    uint32_t depth;
    bool listed;
    bool counted;         /* among the readers without a slot */
    bool has_ended;       /* the thread's exit hook ran: no slot any more */
    _Atomic uint32_t tid; /* for reports */
    struct epoch_batch retired;
    struct epoch_slot *next; /* in the list of slots */
};

extern __thread struct epoch_slot epoch_self __attribute__((tls_model("initial-exec"), visibility("hidden")));
extern _Atomic uint64_t epoch_now __attribute__((visibility("hidden")));
/* Threads can have slots. Constant after the constructor, except in tests. */
extern bool epoch_can_list __attribute__((visibility("hidden")));

void epoch_enter_first(void);
void epoch_leave_unlisted(void);

/* A full barrier of the calling thread that thread sanitizers understand. */
static inline void epoch_fence(void)
{
#ifdef __SANITIZE_THREAD__
    atomic_fetch_add_explicit(&epoch_self.pinned, 0, memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

static inline void epoch_pin(void)
{
    /* Release pairs with the acquire of the thread that moves the epoch: what was read before is done with. */
    uint64_t now = atomic_load_explicit(&epoch_now, memory_order_relaxed);
    atomic_store_explicit(&epoch_self.pinned, now, memory_order_release);
    if (__builtin_expect(barrier_is_asymmetric, 1))
        atomic_signal_fence(memory_order_seq_cst);
    else
        epoch_fence();
}

/* From here to the matching leave, nothing that is reachable now is freed. Nests. */
static inline void epoch_enter(void)
{
    if (epoch_self.depth++ != 0)
        return;
    if (__builtin_expect(epoch_self.listed, 1))
        epoch_pin();
    else
        epoch_enter_first();
}

static inline void epoch_leave(void)
{
    if (--epoch_self.depth != 0)
        return;
    if (__builtin_expect(epoch_self.listed, 1))
        atomic_store_explicit(&epoch_self.pinned, 0, memory_order_release);
    else
        epoch_leave_unlisted();
}

/* Takes a block that no new reader can reach any more. `bytes`: what it counts in the backlog. */
void epoch_retire(struct epoch_item *item, size_t bytes);

/* What is over the bound now? Relaxed: a bound, not an order. */
extern _Atomic uint64_t epoch_backlog __attribute__((visibility("hidden")));
int epoch_admit_slow(void);

/*
 * To be asked before a change that will retire something. 0; waits while a stalled reader holds up more than
 * EPOCH_BACKLOG_MAX. -EDEADLK: the caller is itself a reader, so that waiting could be for ever.
 */
static inline int epoch_admit(void)
{
    if (__builtin_expect(atomic_load_explicit(&epoch_backlog, memory_order_relaxed) <= EPOCH_BACKLOG_MAX, 1))
        return 0;
    return epoch_admit_slow();
}

/* Does a writer wait in epoch_admit now? For tests. */
bool epoch_is_waited_for(void);

/* Frees whatever has no readers any more, of all threads but what others still gather. Tests and destroy. */
void epoch_collect(void);

#endif
