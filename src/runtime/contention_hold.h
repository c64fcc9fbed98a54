/*
 * The holds of a contended lock: when one begins what is unsettled was hand-off, when it ends the holder's charge.
 * Between the two what its release is to find lies in the lock's entry, or with its thread if several may hold the lock
 * at once.
 *
 *     hold_begin           settles, and says whose hold it is
 *     hold_keep            the wait that led to it and the hand-off, for its release
 *     contention_release   the end
 *
 * An exclusive holder is alone: plain stores to lines of his own. No lock, no allocation.
 */
#ifndef MSC_RUNTIME_CONTENTION_HOLD_H
#define MSC_RUNTIME_CONTENTION_HOLD_H

#include "runtime/contention.h"

/* What a hold has to tell. */
struct hold {
    struct page_lock *entry;
    uint64_t gen;
    struct page_wait *slot; /* NULL = none */
    uint64_t handoff_ns;
};

/* Begins a hold, of one who waited for it in the word (`waited`) or not; entry and slot are given. Returns since when.
 */
uint64_t hold_begin(struct hold *hold, enum msc_lock_mode mode, bool waited);

/* What the release of this hold is to find. */
void hold_keep(const struct hold *hold, enum msc_lock_mode mode);

/* Both, without a wait; `tried_ns` as in contention_overtake. */
void hold_overtake(struct page_lock *entry, enum msc_lock_mode mode, uint64_t tried_ns);

#endif
