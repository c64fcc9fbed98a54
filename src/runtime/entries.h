/*
 * The entries of the shared page's table of locks, for those who keep locks in them: locks.c (ours), foreign.c
 * (everybody else's).
 *
 *     entry_claim -> entry_fill -> entry_publish -> ... -> entry_retire        or entry_give_back, if never used
 *
 * Any thread; no lock, no allocation.
 */
#ifndef MSC_RUNTIME_ENTRIES_H
#define MSC_RUNTIME_ENTRIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/locks.h"
#include "runtime/page.h"

enum { ENTRY_PROBES = 256 /* entries looked at before giving up */ };

/* What belongs to an entry but to nobody outside. */
extern struct entry_own {
    struct lock_id *_Atomic id; /* NULL: a lock of somebody else's */
    const char *_Atomic name;   /* of constant strings */
    _Atomic uint64_t first_op;  /* holds that are not this process's */
    _Atomic bool is_pinned;     /* never evicted */
} entry_own[PAGE_LOCKS];

static inline uint32_t entry_index(const struct page_lock *entry)
{
    return (uint32_t)(entry - page.locks);
}

/* --- Their numbers ----------------------------------------------------------------------------------------- */

/* All are sums or maxima that nothing else depends on: relaxed throughout. */
static inline uint64_t sum_load(_Atomic uint64_t *field)
{
    return atomic_load_explicit(field, memory_order_relaxed);
}

static inline void sum_store(_Atomic uint64_t *field, uint64_t value)
{
    atomic_store_explicit(field, value, memory_order_relaxed);
}

static inline void sum_add(_Atomic uint64_t *field, uint64_t value)
{
    atomic_fetch_add_explicit(field, value, memory_order_relaxed);
}

static inline void sum_raise(_Atomic uint64_t *field, uint64_t value)
{
    uint64_t now = sum_load(field);
    while (now < value &&
           !atomic_compare_exchange_weak_explicit(field, &now, value, memory_order_relaxed, memory_order_relaxed)) {
    }
}

/* Is the lock one that counts its holds, where it is? */
static inline bool entry_counts_ops(struct page_lock *entry)
{
    return atomic_load_explicit(&entry->counts_ops, memory_order_relaxed);
}

static inline void entry_note_ops(struct page_lock *entry, uint64_t holds)
{
    sum_raise(&entry->ops, holds - sum_load(&entry_own[entry_index(entry)].first_op));
}

/* --- Claiming and giving back ------------------------------------------------------------------------------ */

#define ENTRY_OTHERS_NAME "[other locks]"

/* Entry 0; NULL without tables. */
struct page_lock *entry_others(void);

void entry_name_read(struct page_lock *entry, char out[PAGE_NAME]);

/* NULL: none is free, of those that were looked at. */
struct page_lock *entry_claim(uint64_t gen);

/* Between a claim and its publication nobody else touches an entry. */
void entry_fill(struct page_lock *entry, const struct lock_kind *what, struct lock_id *id);
void entry_publish(struct page_lock *entry, uint64_t gen);
void entry_give_back(struct page_lock *entry);

/* The same, of one whose lock was there: its totals go out as an event, or to the others. */
void entry_retire(struct page_lock *entry);

#endif
