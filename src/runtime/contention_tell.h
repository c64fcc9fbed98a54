/*
 * The events of waits and of contended releases, once the lock was given up: draws (sampler.h), stacks, msc_emit.
 * Any thread; no lock, no allocation; errno is kept.
 */
#ifndef MSC_RUNTIME_CONTENTION_TELL_H
#define MSC_RUNTIME_CONTENTION_TELL_H

#include "runtime/contention.h"

/* A wait that ended, of a thread that holds nothing to tell it by later. Its slot is free afterwards. */
void tell_now(struct page_lock *entry, struct page_wait *slot);

#endif
