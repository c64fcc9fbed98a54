/*
 * What an entry of msc_syncmap holds: a value and its version, which change together in one compare-and-swap.
 *
 *     word      the value itself if it fits, else its box
 *     version   number of the write, or of the removal with a bit that says so
 *
 *     live -> live        by anybody who found the entry in the read half
 *     live -> deleted     by anybody; the entry is still in every table that had it
 *     deleted -> live     by anybody
 *     deleted -> expunged when a dirty half is built, without it; only under the latch
 *     expunged -> deleted its key is stored again, and the entry put into dirty; only under the latch
 *
 * Every write has a number of its own, so a cell that has the version it had has changed in nothing: a reader may look
 * at the halves one by one, and a compare-and-swap never takes one removal for another.
 *
 * Needs a compare-and-swap of 16 bytes: x86-64 (CMake asks for cmpxchg16b), aarch64; elsewhere libatomic's.
 */
#ifndef MSC_RUNTIME_SYNCMAP_CELL_H
#define MSC_RUNTIME_SYNCMAP_CELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__) && !defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16)
#error "compile with -mcx16"
#endif

#define CELL_DELETED (UINT64_C(1) << 63)
#define CELL_EXPUNGED (UINT64_C(1) << 62) /* deleted, and not in dirty */

__extension__ typedef unsigned __int128 syncmap_pair;

union syncmap_cell {
    struct {
        uint64_t word, version;
    };
    struct {
        _Atomic uint64_t word, version;
    } half;
    syncmap_pair both;
};

static inline bool cell_is_live(union syncmap_cell cell)
{
    return !(cell.version & CELL_DELETED);
}

static inline bool cell_is_expunged(union syncmap_cell cell)
{
    return cell.version & CELL_EXPUNGED;
}

/* 0 = there is no value. */
static inline uint64_t cell_version(union syncmap_cell cell)
{
    return cell_is_live(cell) ? cell.version : 0;
}

static inline union syncmap_cell cell_of(uint64_t word, uint64_t version)
{
    return (union syncmap_cell){.word = word, .version = version};
}

#if defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_16) && !defined(__SANITIZE_THREAD__)

/* Acquire pairs with cell_swap. */
static inline union syncmap_cell cell_load(union syncmap_cell *cell)
{
    uint64_t word, version = atomic_load_explicit(&cell->half.version, memory_order_acquire), again;
    for (;; version = again) {
        word = atomic_load_explicit(&cell->half.word, memory_order_acquire);
        again = atomic_load_explicit(&cell->half.version, memory_order_acquire);
        if (__builtin_expect(again == version, 1))
            return cell_of(word, version);
    }
}

/* Full barrier. */
static inline bool cell_swap(union syncmap_cell *cell, union syncmap_cell expected, union syncmap_cell desired)
{
    return __sync_bool_compare_and_swap(&cell->both, expected.both, desired.both);
}

#else

static inline union syncmap_cell cell_load(union syncmap_cell *cell)
{
    return (union syncmap_cell){.both = __atomic_load_n(&cell->both, __ATOMIC_ACQUIRE)};
}

static inline bool cell_swap(union syncmap_cell *cell, union syncmap_cell expected, union syncmap_cell desired)
{
    return __atomic_compare_exchange_n(&cell->both, &expected.both, desired.both, false, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}

#endif

#endif
