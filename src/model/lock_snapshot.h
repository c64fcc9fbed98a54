/*
 * Who held and who waited for which lock at one moment of one process, and what each lock had cost by then:
 * what the shared page says (collector/page.h). Plain data.
 *
 * All times are trace-clock (CLOCK_MONOTONIC) nanoseconds. Nothing in it is certain to fit together: the process
 * went on while it was read.
 */
#ifndef MODEL_LOCK_SNAPSHOT_H
#define MODEL_LOCK_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/contention.h"
#include "model/event.h"
#include "model/stacks.h"

enum { LOCK_SNAPSHOT_STACK_MAX = 64, LOCK_SNAPSHOT_NAME_SIZE = 128, LOCK_SNAPSHOT_COMM_SIZE = 16 };

struct lock_snapshot_lock {
    struct event_object object;         /* address 0 = all those together that had no entry of their own */
    char name[LOCK_SNAPSHOT_NAME_SIZE]; /* "" = unnamed; any bytes */
    uint32_t kind;
    uint64_t site, map;  /* addresses; 0 = unknown, none */
    uint32_t holder_tid; /* 0 = free, or not known */
    uint32_t mode;       /* of the hold */
    bool is_free;        /* nobody holds it: who waits has been handed the lock, but does not run yet */
    uint32_t waiters;
    uint64_t owed_ns;    /* their waiting since it was last accounted for: the holder's, or hand-off if it is free */
    uint64_t handoff_ns; /* accounted for when the present hold began, to be told at its end */
    uint64_t since_ns;   /* when the first of them came, or the last release; 0 = not known */
    struct contention_totals totals; /* of what has ended */
    bool counts_ops;                 /* totals.ops is known */
};

enum lock_wait_state {
    LOCK_WAIT_BLOCKED,
    LOCK_WAIT_ENDED, /* not told by an event yet */
    LOCK_WAIT_SIGNAL /* for a condition variable: no contention */
};

struct lock_snapshot_wait {
    size_t lock;             /* index */
    uint32_t tid, owner_tid; /* the holder when it began; 0 = not known */
    enum lock_wait_state state;
    uint32_t kind, mode, result;
    uint64_t begin_ns;
    uint64_t wait_ns; /* until it ended, or so far */
    stack_id stack;   /* once somebody interned it, else 0 */
    uint32_t pc_count;
    uint64_t pcs[LOCK_SNAPSHOT_STACK_MAX]; /* return addresses, leaf first */
};

struct lock_snapshot {
    uint32_t pid, parent_pid; /* parent 0 = it began with exec */
    char comm[LOCK_SNAPSHOT_COMM_SIZE];
    uint64_t begin_ns;
    int64_t clock_offset_ns;          /* epoch = trace clock + this */
    uint64_t at_ns;                   /* the moment that `wait_ns` and `owed_ns` are of */
    bool has_ended;                   /* the process ran its exit handlers, or is known to be gone */
    bool has_tables;                  /* false: no lock was contended, or what was is lost (error) */
    int error;                        /* errno of why the tables are not in the file; 0 */
    struct lock_snapshot_lock *locks; /* owned */
    size_t lock_count;
    struct lock_snapshot_wait *waits; /* owned; oldest first */
    size_t wait_count;
    uint64_t lost_waits, lost_waits_ns; /* that found no place: in the totals at most */
    uint64_t evicted;                   /* times that a lock made room for another: it is not among these any more */
};

struct lock_snapshots {
    struct lock_snapshot *items; /* owned */
    size_t count, capacity;
};

/* Both are legal on a zeroed one. */
void lock_snapshot_fini(struct lock_snapshot *snapshot);
void lock_snapshots_fini(struct lock_snapshots *snapshots);

/* How many waits have not ended, of all. */
size_t lock_snapshots_blocked(const struct lock_snapshots *snapshots);

/*
 * Threads that wait for each other in a circle: the index of each one's wait in `cycle` (at most `max`), the
 * first of them `first`. Returns how many, 0 if the wait `first` is not part of a circle. Follows the holders:
 * of a lock that several hold, whose holder is not known, no circle is found.
 */
size_t lock_snapshot_cycle(const struct lock_snapshot *snapshot, size_t first, size_t *cycle, size_t max);

#endif
