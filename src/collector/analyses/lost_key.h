/*
 * The rule for a lost key: a deferred cleanup removed an entry that was not its own.
 *
 * The entry's own cleanup is the correct idiom in either order: insert, then register; or register, then
 * insert. What is wrong is an entry that somebody else assigned after the cleanup was registered:
 *
 *     request 1:  assign k (version 7)   register cleanup of k (saw 7)
 *     request 2:                                                        assign k (version 9)
 *     request 1:                                                                               cleanup: delete k (9)
 *
 * Somebody else is another scope. An assign on the cleanup's own thread, between the registration and a run
 * that was not handed over, lies inside the cleanup's scope, in a nested one perhaps: it is the same work.
 */
#ifndef COLLECTOR_LOST_KEY_H
#define COLLECTOR_LOST_KEY_H

#include <stdbool.h>
#include <stdint.h>

/* A registered cleanup. */
struct lost_key_action {
    uint64_t scope;
    uint32_t tid;     /* that registered it */
    uint64_t time_ns; /* of the registration */
    bool bound;       /* registered for just this key */
    uint64_t version; /* bound: of the entry at the registration, 0 = absent */
    bool handed_over; /* ran from a batch */
    uint32_t run_tid; /* that runs it */
};

/* The assign that made the removed entry. */
struct lost_key_assign {
    uint64_t scope;
    uint32_t tid;
    uint64_t time_ns;
};

/* True if the removal of that entry by that action lost a key. */
bool lost_key_by_action(const struct lost_key_action *action, uint64_t removed_version,
                        const struct lost_key_assign *assign);

/* The same where the assign of the removed entry is not in the trace: only a replaced version tells. */
bool lost_key_without_assign(const struct lost_key_action *action, uint64_t removed_version);

#endif
