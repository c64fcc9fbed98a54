/*
 * msc_guard: while a thread holds one, what it borrowed from a lock-free map stays where it is.
 *
 *     msc_guard_enter();
 *     const struct session *session = msc_syncmap_find(sessions, id, strlen(id));
 *     if (session)
 *         use(session);                                        // may be replaced meanwhile, but not freed
 *     msc_guard_leave();
 *
 * Only for the `find` of msc_syncmap and msc_cowmap: every other call copies out and needs none. Guards nest,
 * are the thread's own and cover every such map of the process.
 *
 * A guard keeps all that was removed since it was taken, so keep it short. If a reader stalls inside one, the
 * memory that waits for it is bounded: past 32 MiB (and 64 KiB a thread) each call that changes such a map
 * first waits for the reader, and in a thread that itself holds a guard it returns -EDEADLK instead and changes
 * nothing. Both are counted below; the first is a reclaim_stall event with the reader's thread id.
 *
 * Threads: any number. A thread that ends gives up the guards that it did not leave. Not for signal handlers. After
 * fork the child holds the guards of the thread that forked;
 * what other threads had removed and not freed yet stays allocated in the child.
 *
 * Cost: enter and leave together some 2 ns where the kernel has membarrier(2), which moves the cost to the threads
 * that free; else two full barriers (bench/flavours). No lock, no allocation, no system call.
 */
#ifndef MAPSCOPE_GUARD_H
#define MAPSCOPE_GUARD_H

#include <stdint.h>

#include <mapscope/api.h>

MSC_BEGIN_DECLS

MSC_API void msc_guard_enter(void);
MSC_API void msc_guard_leave(void); /* once for each enter */

struct msc_guard_numbers {
    uint64_t pending_bytes; /* removed, but maybe still read; of each thread, the last 64 KiB are not in it */
    uint64_t freed;         /* blocks so far */
    uint64_t stalls;        /* calls that had to wait for a reader */
    uint64_t stalled_ns;    /* for how long altogether */
    uint64_t refusals;      /* calls that returned -EDEADLK */
};

/* A snapshot of the process's numbers; each is exact, together they need not be of one instant. */
MSC_API void msc_guard_stats(struct msc_guard_numbers *out);

MSC_END_DECLS

#endif
