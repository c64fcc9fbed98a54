/*
 * The locks that the process knows of: entries of the shared page (base/page_layout.h), with the exact totals
 * of each. Totals are never sampled; they go out as lock_totals when a contended lock is destroyed and when
 * the process ends, and as lock_inventory to each new audience (emit.h), from the tracer's own thread: what a
 * recording that began late has to subtract.
 *
 *     our own locks     keep a struct lock_id in their memory, which names the entry
 *     everybody else's  are found by their address (contention_of), once they were contended
 *
 * An entry is claimed by a lock with compare-and-swap and given back when the lock is destroyed. What has no
 * entry of its own is counted in entry 0, "[other locks]": waits for locks that found the table full, and what
 * destroyed locks left that was not emitted.
 *
 * An entry outlives its lock, so whoever walks the table never follows a lock's address: the entry has a
 * copy of the name (of up to 127 bytes), and what is only in the lock, its number of holds, is read through
 * the kernel, and believed if that memory still names the entry.
 *
 * Any thread; no lock, no allocation. A forked child starts with an empty table: its parent's contention is
 * its parent's.
 */
#ifndef MSC_RUNTIME_LOCKS_H
#define MSC_RUNTIME_LOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/page_layout.h"
#include "runtime/event.h"

/* What a lock of ours keeps in its own memory: all zero but for the name at first. */
struct lock_id {
    _Atomic uint64_t hold_seq;           /* holds so far; written by the holder, if the lock counts them */
    struct page_lock *_Atomic contended; /* its entry, once it was contended: what the inline path looks at */
    const char *name;                    /* constant string; NULL = none */
    _Atomic uint64_t gen;                /* 0 = not asked for yet */
    _Atomic uint32_t entry;              /* 0 = not claimed yet */
    uint32_t counts;                     /* 1: hold_seq counts every hold */
};

/* What a lock is, as it goes into events. */
struct lock_kind {
    uint64_t lock;         /* address */
    uint64_t map, map_gen; /* the map that it belongs to; 0 = none */
    uint64_t site;         /* return address of its init; 0 = unknown */
    uint32_t kind;         /* enum msc_lock_kind */
};

/* Makes the lock known, in a child anew. NULL: no room. Idempotent. */
struct page_lock *lock_enroll(struct lock_id *id, const struct lock_kind *what);

/* The same, before a wait: from now on the inline path looks at the entry. */
struct page_lock *lock_contend(struct lock_id *id, const struct lock_kind *what);

/* The entry that the inline path looked at; NULL if it was a parent's: the lock forgets it then. */
struct page_lock *lock_contended(struct lock_id *id);

/* The lock goes away, nobody uses it: emits its totals, or keeps them for the others. Zeroes all but the name. */
void lock_retire(struct lock_id *id);

/* Of an entry: the name that its lock was given, which lives as long as the process; "" if none. */
const char *lock_name(const struct page_lock *entry);

/* Holder: the number of this hold; of the next one, which begins. */
uint64_t lock_hold(struct page_lock *entry);
uint64_t lock_next_hold(struct page_lock *entry, enum msc_lock_mode mode);

/* Holder: adds to one of the sums. An exclusive one is alone, and needs no atomic addition. */
static inline void lock_add(_Atomic uint64_t *sum, enum msc_lock_mode mode, uint64_t value)
{
    if (mode == MSC_MODE_SHARED)
        atomic_fetch_add_explicit(sum, value, memory_order_relaxed);
    else
        atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) + value, memory_order_relaxed);
}

/* Holder: a wait ended with the hold `hold_seq`. */
void lock_add_wait(struct page_lock *entry, enum msc_lock_mode mode, uint64_t wait_ns, uint64_t hold_seq);

/* A wait ended without the lock. */
void lock_add_vain(struct page_lock *entry, uint64_t wait_ns);

/* A wait that ended has no event: there was no slot for its stack. It is in the sums above. */
void lock_add_unslotted(struct page_lock *entry, uint64_t wait_ns);

/* A wait that ended is in no sum of its lock: there was no entry (NULL), or no room in its word. */
void lock_add_unlocked(struct page_lock *entry, uint64_t wait_ns);

/* Acquisitions of locks that have no entry. */
void lock_add_other_ops(uint64_t ops);

/* Emits the totals of every lock that was ever held. */
void lock_emit_all(void);

#endif
