/*
 * The profiles of a contention view. Mutex and block: contentions/count and delay/nanoseconds, as Go's profiles
 * of these names. Labels: lock (its title), kind, mode, map, thread (a name), pid, process; docs/profiles.md.
 *
 *     mutex: who made others wait, by the releaser's stack; [lock handoff] for each lock: the waiters' time
 *            while nobody held it (waking them up), which is in nobody's critical section; [still held]: what
 *            a hold that has not ended has cost so far
 *     block: who waited, by the waiter's stack, under [still waiting] if that has not ended; labels result and
 *            wait_bucket
 *     hold:  how long locks were held, contended or not; holds/count and hold/nanoseconds
 *
 * The delays of the first two add up to the same (contention.h). Stacks begin with the user's code. Comments tell
 * the 95 % interval of the total and of the largest sites, and how far the total is from the exact control totals.
 */
#ifndef MODEL_CONTENTION_PROFILE_H
#define MODEL_CONTENTION_PROFILE_H

#include "model/contention.h"
#include "model/losses.h"
#include "model/process.h"
#include "model/profile.h"
#include "model/stacks.h"
#include "model/symbols.h"

enum contention_profile_kind { CONTENTION_PROFILE_MUTEX, CONTENTION_PROFILE_BLOCK, CONTENTION_PROFILE_HOLD };

/* All borrowed for the call. */
struct contention_profile_input {
    const struct contention_view *view;
    const struct stacks *stacks;
    const struct symbols *symbols;
    const struct process_table *processes;
    const struct losses *losses;
    int64_t end_epoch_ns; /* of the recording */
    int64_t duration_ns;
};

/* 0 or -ENOMEM. The caller owns *out. An empty view yields a valid profile whose comment says why. */
int contention_profile_create(const struct contention_profile_input *input, enum contention_profile_kind kind,
                              struct profile **out);

#endif
