/* See operations.h. */
#include "preload/operations.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { CELLS = 4096, CACHE_LINE = 64, KEYS_WITHOUT_MALLOC = 32 /* glibc keeps their values in the thread itself */ };

struct cell {
    _Alignas(CACHE_LINE) _Atomic uint64_t count; /* written by the thread that has it */
    atomic_flag taken;                           /* acquire and release hand over the count */
};

static struct cell cells[CELLS];
static struct cell *const shared = &cells[CELLS - 1]; /* of those that find no other; adds get lost there */

__thread _Atomic uint64_t *operations_cell;

static pthread_key_t exit_key;
static bool exit_key_usable;

static struct cell *cell_claim(void)
{
    static _Atomic uint32_t next;
    for (uint32_t i = 0; exit_key_usable && i < CELLS - 1; i++) {
        uint32_t at = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % (CELLS - 1);
        if (!atomic_flag_test_and_set_explicit(&cells[at].taken, memory_order_acquire))
            return &cells[at];
    }
    return shared;
}

void operations_first(void)
{
    struct cell *cell = cell_claim();
    operations_cell = &cell->count;
    operations_count();
    if (cell != shared)
        pthread_setspecific(exit_key, cell);
}

static void at_thread_exit(void *own)
{
    struct cell *cell = own;
    operations_cell = &shared->count; /* of what other destructors do */
    atomic_flag_clear_explicit(&cell->taken, memory_order_release);
}

uint64_t operations_total(void)
{
    uint64_t total = 0;
    for (struct cell *cell = cells; cell < cells + CELLS; cell++)
        total += atomic_load_explicit(&cell->count, memory_order_relaxed);
    return total;
}

static void in_child(void)
{
    for (struct cell *cell = cells; cell < cells + CELLS; cell++) {
        atomic_store_explicit(&cell->count, 0, memory_order_relaxed);
        if (&cell->count != operations_cell)
            atomic_flag_clear_explicit(&cell->taken, memory_order_relaxed);
    }
}

__attribute__((constructor)) static void operations_prepare(void)
{
    exit_key_usable = pthread_key_create(&exit_key, at_thread_exit) == 0 && exit_key < KEYS_WITHOUT_MALLOC;
    pthread_atfork(NULL, NULL, in_child);
}
