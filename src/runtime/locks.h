/*
 * The locks that the process knows of, and the exact totals of each: never sampled, emitted as lock_totals
 * when a contended lock is destroyed and when the process ends.
 *
 * A fixed table of entries, each claimed by a lock with compare-and-swap and given back when the lock is
 * destroyed. What has no entry of its own is counted in one for all, which goes out as lock 0 "[other
 * locks]": locks that found the table full, and what destroyed locks left that were not emitted.
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
#include <stdint.h>

struct lock_entry; /* opaque */

/* What a lock keeps in its own memory: all zero but for the name at first. */
struct lock_id {
    _Atomic uint64_t hold_seq;        /* holds so far; written by the holder */
    _Atomic uint64_t gen;             /* 0 = not asked for yet */
    struct lock_entry *_Atomic entry; /* NULL = not claimed yet */
    const char *name;                 /* constant string; NULL = none */
};

/* Makes the lock known, in a child anew. `lock` and `kind` (enum msc_lock_kind) as they go into events. Idempotent. */
void lock_enroll(struct lock_id *id, uint64_t lock, uint32_t kind);

/* The lock goes away, nobody uses it: emits its totals, or keeps them for the others. Zeroes all but the name. */
void lock_retire(struct lock_id *id);

/* A wait of an enrolled lock ended; its waiters' time went to a hold; to nobody. Before the real unlock. */
void lock_add_wait(struct lock_id *id, uint64_t wait_ns);
void lock_add_charge(struct lock_id *id, uint64_t charge_ns);
void lock_add_handoff(struct lock_id *id, uint64_t handoff_ns);

/* A wait will have no event: there was no memory for its stack. */
void lock_add_dropped(struct lock_id *id);

/* Emits the totals of every lock that was ever held. */
void lock_emit_all(void);

#endif
