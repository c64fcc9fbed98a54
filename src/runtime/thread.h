/*
 * What the runtime knows of the calling thread, in initial-exec TLS: one pointer add to reach.
 *
 * Thread safety: every function touches only the caller's own state. Signal safety: thread_tid alone; an id
 * could be given twice. Nothing here allocates or takes a lock.
 *
 * Fork: the child's only thread is a new thread: new tid, to be announced again. Whoever keeps things that
 * belong to other threads compares thread_forks with the count at which they were made.
 */
#ifndef MSC_RUNTIME_THREAD_H
#define MSC_RUNTIME_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "runtime/private.h"

enum { THREAD_NAME_SIZE = 16 }; /* with its NUL, as the kernel keeps it */

struct thread_state {
    uint32_t tid;                /* kernel thread id; 0 = not asked yet */
    uint32_t audience;           /* to which thread_start went out; 0 = to none */
    uint32_t names;              /* thread_names when it did */
    char name[THREAD_NAME_SIZE]; /* that it said */
    uint64_t scope;              /* innermost open scope; 0 = none */
    uint64_t action;             /* deferred action that is running; 0 = none */
    uint64_t last_id;            /* for thread_unique_id */
};

extern __thread struct thread_state thread_self __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Forks between this process and the one that loaded the library. Changes only while there is one thread. */
extern _Atomic uint32_t thread_forks __attribute__((visibility("hidden")));

/* Times that somebody is known to have named a thread, himself or another one. */
extern _Atomic uint32_t thread_names __attribute__((visibility("hidden")));

/* The kernel's thread id, asked once a thread (and again after a fork). */
uint32_t thread_ask_tid(void);

static inline uint32_t thread_tid(void)
{
    return __builtin_expect(thread_self.tid != 0, 1) ? thread_self.tid : thread_ask_tid();
}

/* A number that no other call in this process returned, never 0: the thread's ordinal, then a count. */
uint64_t thread_unique_id(void);

/*
 * Emits thread_start for the calling thread if the event is on and that was not done for this audience (emit.h),
 * or not under its present name. Called by msc_emit. A few loads where there is nothing to do.
 */
void thread_announce(void);

/* The same, with what its creator knows of it. False: it was announced already, or nobody listens. */
bool thread_introduce(uint32_t creator, uint64_t start);

#endif
