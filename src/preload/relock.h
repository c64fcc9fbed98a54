/*
 * Who waits at which condition variable, so that a waiter that was woken counts as waiting for its mutex.
 *
 * A thread in pthread_cond_wait waits for a signal, which is no contention. Woken, it waits for the mutex,
 * inside the C library, where no hook sees it; and mostly the one who signals holds it:
 *
 *     waiter                                signaller, holds the mutex
 *       relock_enter, pthread_cond_wait
 *                                             relock_wake at 100: the waiter joins those who want the mutex
 *                                             pthread_cond_signal
 *                                             unlock at 150: charged 50
 *       woken, gets the mutex at 158
 *       relock_leave says 100: waited 50
 *
 * The 8 after the last release are the waiter's way back to a CPU, as after any other wait: not counted. A
 * waiter that nobody held up has waited 0, and no event tells of it. One that comes back by its deadline was
 * not signalled: its relock is not measured.
 *
 * Which waiter a signal wakes is known only when it comes back: if it is not the one that was marked, it takes
 * the mark of another, so that there are always as many as were woken. A waiter that finds no room is not
 * tracked.
 *
 * Threads: waiters enter and leave while they hold the mutex, and so one at a time for each condition variable;
 * relock_wake any. No lock, no allocation. A forked child starts with an empty table.
 */
#ifndef PRELOAD_RELOCK_H
#define PRELOAD_RELOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/event.h"
#include "runtime/wakeup.h"

struct relock; /* opaque: a waiter's entry */

/* Before waiting; `kind` is the mutex'. NULL: there is no room. */
struct relock *relock_enter(const void *cond, const pthread_mutex_t *mutex, enum msc_lock_kind kind);

/* After waiting. When the caller began to wait for the mutex; 0 = never. `was_signalled`: it did not time out. */
uint64_t relock_leave(struct relock *relock, bool was_signalled);

/* Before a signal (one waiter) or a broadcast (all of them): whom it is for. `frame`: the hook's. */
struct wakeup relock_wake(const void *cond, bool all, const void *frame);

#endif
