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

/* NULL: none is free, of those that were looked at. */
struct page_lock *entry_claim(uint64_t gen);

/* Between a claim and its publication nobody else touches an entry. */
void entry_fill(struct page_lock *entry, const struct lock_kind *what, struct lock_id *id);
void entry_publish(struct page_lock *entry, uint64_t gen);
void entry_give_back(struct page_lock *entry);

/* The same, of one whose lock was there: its totals go out as an event, or to the others. */
void entry_retire(struct page_lock *entry);

#endif
