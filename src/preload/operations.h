/*
 * How many lock operations there were, so that a recording can say "0 contended of N".
 *
 * Each thread counts in a cell of its own, with plain stores: the cells are a fixed table; a thread that ends
 * gives its cell, with what is in it, to a later one. Threads that find none free share the last cell.
 *
 * Threads: operations_count any; operations_total any, and may miss what is being counted. A forked child
 * begins with 0.
 */
#ifndef PRELOAD_OPERATIONS_H
#define PRELOAD_OPERATIONS_H

#include <stdatomic.h>
#include <stdint.h>

extern __thread _Atomic uint64_t *operations_cell __attribute__((tls_model("initial-exec"), visibility("hidden")));

void operations_first(void); /* the thread's first one: it gets a cell */

static inline void operations_count(void)
{
    _Atomic uint64_t *cell = operations_cell;
    if (__builtin_expect(!cell, 0))
        operations_first();
    else
        atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + 1, memory_order_relaxed);
}

uint64_t operations_total(void);

#endif
