/*
 * The mark that a writer leaves in a map while it is inside. See mapscope/fault.h for what it can see.
 *
 *     uint32_t other_tid = map_guard_enter(&map->guard, __builtin_return_address(0));
 *     if (other_tid)
 *         return map_fault(...);             // refused, nothing is changed
 *     ...
 *     if (!map_guard_leave(&map->guard))
 *         map_fault(...);                    // somebody came in the same moment: said too late
 *
 *     A: load writer = 0, store pc, store writer = A, ...write..., load writer = A, store writer = 0
 *     B:                                    load writer = A: refused
 *
 *     A: load writer = 0,                store writer = A,   ...write...,   load writer = B: reported
 *     B:                  load writer = 0,               store writer = B, ...write...   load writer = B
 *
 * No read-modify-write: 0.3 ns a write (bench/guard). The compare-and-swap of the exact mode takes 8.5 by itself, of
 * which 1 shows in a loop of writes, where the processor has other work to do meanwhile.
 * In exact mode the acquire on entry pairs with the release on leaving: an operation sees all of the one before.
 */
#ifndef MSC_RUNTIME_MAP_GUARD_H
#define MSC_RUNTIME_MAP_GUARD_H

#include <stdbool.h>

#include "mapscope/fault.h"
#include "runtime/thread.h"

/* 0 = compiled out (CMake: MAPSCOPE_MAP_GUARD=OFF): the functions are there and do nothing. */
#ifndef MSC_MAP_GUARD
#define MSC_MAP_GUARD 1
#endif

static inline uint32_t map_guard_self(void)
{
    uint32_t tid = thread_self.tid;
    return __builtin_expect(tid != 0, 1) ? tid : thread_tid();
}

/* The writer that is inside, 0 = none. Best effort, for readers and iterations. */
static inline uint32_t map_guard_seen(const struct msc_map_guard *guard)
{
    return MSC_MAP_GUARD ? __atomic_load_n(&guard->writer, __ATOMIC_RELAXED) : 0;
}

/* Where that writer called in; for a moment after the entry in exact mode, where the one before it did. */
static inline const void *map_guard_seen_pc(const struct msc_map_guard *guard)
{
    (void)__atomic_load_n(&guard->writer, __ATOMIC_ACQUIRE); /* pairs with the release in map_guard_enter */
    return __atomic_load_n(&guard->pc, __ATOMIC_RELAXED);
}

/* Becomes the writer. 0, or the tid of the one that is there. `pc`: the return address of the public function. */
static inline uint32_t map_guard_enter(struct msc_map_guard *guard, const void *pc)
{
    if (!MSC_MAP_GUARD)
        return 0;
    uint32_t other_tid = map_guard_seen(guard), self = map_guard_self();
    if (__builtin_expect(other_tid != 0, 0))
        return other_tid;
    if (__builtin_expect(guard->exact, 0)) {
        if (!__atomic_compare_exchange_n(&guard->writer, &other_tid, self, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return other_tid;
        __atomic_store_n(&guard->pc, pc, __ATOMIC_RELAXED);
    } else {
        __atomic_store_n(&guard->pc, pc, __ATOMIC_RELAXED);
        __atomic_store_n(&guard->writer, self, __ATOMIC_RELEASE);
    }
    return 0;
}

/* False if another writer took the mark meanwhile; then the mark is left to it. */
static inline bool map_guard_leave(struct msc_map_guard *guard)
{
    if (!MSC_MAP_GUARD)
        return true;
    if (__builtin_expect(map_guard_seen(guard) != thread_self.tid, 0))
        return false;
    __atomic_store_n(&guard->writer, 0, __ATOMIC_RELEASE);
    return true;
}

#endif
