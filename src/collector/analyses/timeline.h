/*
 * Draws the timeline: events in, in the order of time, calls of a timeline_sink out.
 *
 *     struct timeline_builder *timeline;
 *     int error = timeline_create(sink, &options, &timeline);
 *     while (!error && next(&event))
 *         error = timeline_apply(timeline, &event);
 *     if (!error)
 *         error = timeline_finish(timeline, last_ns);
 *     timeline_destroy(timeline);
 *
 * What it draws:
 *  - each process: a row a thread (row = tid, as the kernel has them) with waits, map operations, iterations,
 *    deferred actions and regions as slices that nest, and log lines, faults and variants as instants;
 *  - behind it each map as a group of its own, "map sessions": lost keys; misuse; the story of the first few keys that
 *    were lost, which is one row for the versions of the entry, each from its assign to what ended it, and one
 *    for the cleanups that each thread registered, from the registration to the end of the run; then assigns
 *    and deferred cleanup, one row a thread, so that the two can be seen against one another, and growth;
 *    counters of entries, buckets and overflow buckets. A deletion by a deferred action lies inside that
 *    action's slice; it is "STALE" if it removed another version than the action had seen at its registration;
 *  - behind those each lock: holds (of contended ones, from the first waiter to the release), and how many wait;
 *    a release that others waited for is marked on its thread's row too;
 *  - signals of condition variables that woke somebody, with a flow to the wait for the mutex that they began;
 *  - flows from the registration of a deferred action to its run, and from an assign to the deletion of what
 *    it assigned, and to the lost key.
 *
 * Memory is bounded by what is alive: maps and their recorded keys, locks, threads, open actions. Not
 * thread-safe. Each call returns 0, -ENOMEM or the sink's error; after an error only destroy is legal.
 */
#ifndef COLLECTOR_TIMELINE_H
#define COLLECTOR_TIMELINE_H

#include "model/contention.h"
#include "model/event.h"
#include "model/findings.h"
#include "model/lock_snapshot.h"
#include "model/losses.h"
#include "model/process.h"
#include "model/symbols.h"
#include "model/timeline.h"

struct timeline_builder; /* opaque */

struct timeline_options {
    uint64_t base_ns; /* time of the first event: nothing is drawn before it */
    /* Borrowed until destroy; each may be NULL. */
    const struct process_table *processes;    /* names of processes and threads */
    const struct symbols *symbols;            /* names of functions */
    const struct findings *findings;          /* to be marked; keys that were lost get rows of their own */
    const struct losses *losses;              /* to be told in the metadata */
    const struct contention_view *contention; /* titles of locks without a name */
};

struct timeline_stats {
    struct timeline_counts written;
    uint64_t cut;        /* slices that were shortened so that they nest or lie within the trace */
    uint64_t unfinished; /* slices whose end is not in the trace */
    uint64_t unmatched;  /* ends whose begin is not in the trace */
    uint64_t dropped;    /* slices nested too deeply to be shown */
};

int timeline_create(const struct timeline_sink *sink, const struct timeline_options *options,
                    struct timeline_builder **out);
void timeline_destroy(struct timeline_builder *timeline);

int timeline_apply(struct timeline_builder *timeline, const struct event *event);

/*
 * After the last event: what a process' locks and waiters were at the end, `end_ns`. Draws the waits that no event has
 * told, and the holds that they wait for.
 */
int timeline_apply_snapshot(struct timeline_builder *timeline, const struct lock_snapshot *snapshot, uint64_t end_ns);

/* Ends what is open at `end_ns`, writes what was held back and every name; once. */
int timeline_finish(struct timeline_builder *timeline, uint64_t end_ns);

struct timeline_stats timeline_stats(const struct timeline_builder *timeline);

#endif
