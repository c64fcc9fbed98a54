/*
 * A call that may hang, given up in time: it runs in a child process that is killed at the deadline.
 * liblttng-ctl waits for its daemon without one, and a thread that hangs in it could not be ended.
 *
 * For single-threaded callers: the child goes on in a copy of their memory.
 */
#ifndef COLLECTOR_SESSION_BOUNDED_H
#define COLLECTOR_SESSION_BOUNDED_H

#include <stddef.h>

#include "support/diag.h"

/* Runs in the child. What it leaves in `reply` (zeroed before) and `diag` reaches the caller; nothing else does. */
typedef int bounded_fn(const void *arg, void *reply, struct diag *diag);

/*
 * Runs `call`, at most `timeout_ms`. Returns its result with `reply_bytes` of its reply; -ETIMEDOUT when
 * it did not end in time; -ECHILD when it was killed; or an error of fork. On these `reply` is untouched.
 */
int bounded_run(bounded_fn *call, const void *arg, void *reply, size_t reply_bytes, int timeout_ms, struct diag *diag);

/* Whom to tell, once a call, that it takes longer than a second; NULL = nobody. */
struct bounded_patience {
    void (*ask)(void *self);
    void *self;
};

int bounded_run_patiently(bounded_fn *call, const void *arg, void *reply, size_t reply_bytes, int timeout_ms,
                          struct bounded_patience patience, struct diag *diag);

#endif
