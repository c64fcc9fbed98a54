/* What our own locks (mutex.c, rwlock.c, cond.c) share: their public face and the accounting behind it. */
#ifndef MSC_RUNTIME_OWN_LOCK_H
#define MSC_RUNTIME_OWN_LOCK_H

#include <mapscope/lock.h>
#include <pthread.h>
#include <stddef.h>

#include "runtime/contention.h"
#include "runtime/holds.h"
#include "runtime/locks.h"

/* struct lock_id behind its public face, and what the headers' inline functions touch of an entry. */
#define SAME_PLACE(type, ours, publicly, theirs)                                                                       \
    _Static_assert(offsetof(struct type, ours) == offsetof(struct publicly, theirs), #theirs)
_Static_assert(sizeof(struct lock_id) == sizeof(struct msc_lock_id), "the public storage fits");
SAME_PLACE(lock_id, hold_seq, msc_lock_id, msc_holds);
SAME_PLACE(lock_id, contended, msc_lock_id, msc_contended);
SAME_PLACE(lock_id, name, msc_lock_id, msc_name);
SAME_PLACE(lock_id, gen, msc_lock_id, msc_gen);
SAME_PLACE(lock_id, entry, msc_lock_id, msc_entry);
SAME_PLACE(lock_id, counts, msc_lock_id, msc_counts);
SAME_PLACE(page_lock, word, msc_contended, word);
SAME_PLACE(page_lock, tell, msc_contended, tell);
#undef SAME_PLACE

static inline struct lock_id *own_lock_id(struct msc_lock_id *public)
{
    return (struct lock_id *)(void *)public;
}

/* Exclusive holder, after an acquisition that neither the inline path nor the accounting counted. */
static inline void own_lock_count(struct lock_id *id)
{
    atomic_fetch_add_explicit(&id->hold_seq, 1, memory_order_relaxed);
}

/* Exclusive or shared holder, before the real unlock: its hold, to be told after it if event->weight is not 0. */
static inline void own_hold_end(struct lock_id *id, const struct lock_kind *what, enum msc_lock_mode mode,
                                struct msc_ev_lock_hold *event)
{
    event->weight = 0;
    if (msc_lock_holds_timed)
        holds_end((const void *)(uintptr_t)what->lock, mode, event);
    if (event->weight)
        holds_describe(lock_enroll(id, what), (enum msc_lock_kind)what->kind, event);
}

/* Where glibc keeps its holder: without synchronisation, and 0 when it is free. */
static inline const int *own_mutex_holder(const pthread_mutex_t *mutex)
{
#ifdef __GLIBC__
    return &mutex->__data.__owner;
#else
    (void)mutex;
    return NULL;
#endif
}

#endif
