/*
 * The wait slots of the shared page (base/page_layout.h): a blocked acquisition while it lasts, and then until
 * the event that tells of it went out, after the unlock of the hold that it led to.
 *
 *     FREE -> FILLING -> WAITING -> ENDED -> FREE          waits_claim, _begin, _end, _free
 *     FREE -> FILLING -> SIGNAL -> (WAITING -> ENDED ->) FREE   in a condition variable
 *
 * A slot belongs to the thread that claimed it. No lock, no allocation. A child begins with none.
 */
#ifndef MSC_RUNTIME_WAITS_H
#define MSC_RUNTIME_WAITS_H

#include <stdint.h>

#include "base/page_layout.h"
#include "runtime/contention.h"
#include "runtime/event.h"

/* With the stack from `frame` on. NULL: all that were looked at are taken. `phase`: FILLING or SIGNAL. */
struct page_wait *waits_claim(struct page_lock *entry, const struct contention_how *how, const void *frame,
                              enum page_wait_phase phase);
void waits_begin(struct page_wait *slot, uint64_t begin_ns, uint32_t owner);
void waits_end(struct page_wait *slot, uint64_t end_ns, uint64_t hold_seq, enum msc_wait_result result);
void waits_free(struct page_wait *slot);

/* What its event says of the wait itself: nothing of the lock, no weight, no stack. */
void waits_describe(struct page_wait *slot, struct msc_ev_lock_wait *out);
struct msc_stack waits_stack(const struct page_wait *slot, uintptr_t pcs[MSC_STACK_MAX]);

uint64_t waits_length(struct page_wait *slot); /* ns; once it ended */

uint32_t waits_index(const struct page_wait *slot);
struct page_wait *waits_at(uint32_t index); /* any number */

#endif
