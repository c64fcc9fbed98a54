/*
 * How long locks are held, whether anybody waits or not: what the accounting of contention.h cannot know, since it
 * reads no clock where nobody waits. Only on request (MAPSCOPE_HOLD=1: msc_lock_holds_timed of mapscope/lock.h).
 *
 *     after the real acquisition, first of all      holds_begin       the clock
 *     before the real unlock, last of all           holds_end         the clock, the sampler's draw; if it is kept
 *                                                   holds_describe    what the event says of the lock
 *     after it                                      holds_tell        the stack, the event lock_hold
 *
 * Begin and end are the thread's own: a table of HOLDS_MAX locks that it holds at the moment, without a pointer to
 * any of them being followed. Of a thread that holds more, the oldest is forgotten and counted; a note in the
 * recording says how many. A lock that another thread gives back has no hold. What is kept gets an entry in the page
 * (locks.h), so that its events are those of one object.
 *
 * Cost: a clock read at each end and a draw, all within the hold: 80 ns a hold (bench/mutex, bench/preload). Any
 * thread; no lock, no allocation, errno is kept.
 */
#ifndef MSC_RUNTIME_HOLDS_H
#define MSC_RUNTIME_HOLDS_H

#include <mapscope/lock.h>

#include "base/page_layout.h"
#include "runtime/event.h"
#include "runtime/private.h"

enum { HOLDS_MAX = 16 };

/* The caller has it. A lock that it had already begins anew, unless it is `shared`. */
MSC_PRIVATE void holds_begin(const void *lock, enum msc_lock_mode mode);

/* The caller is about to give it up. out->weight 0: there is nothing to tell, the rest is not set. */
MSC_PRIVATE void holds_end(const void *lock, enum msc_lock_mode mode, struct msc_ev_lock_hold *out);

/* Holder: whose hold *out was. `entry` NULL: the table of locks is full. */
MSC_PRIVATE void holds_describe(struct page_lock *entry, enum msc_lock_kind kind, struct msc_ev_lock_hold *out);

/* `frame`: the public function's STACK_HERE. */
MSC_PRIVATE void holds_tell(struct msc_ev_lock_hold *event, const void *frame);

/* The note of what was forgotten. */
void holds_say_farewell(void);

#endif
