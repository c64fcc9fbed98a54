/*
 * A recorded trace, read: the pipeline from CTF events to what the exporters write.
 *
 *     struct recording *recording;
 *     int error = recording_open(dir, &options, diag, &recording);          // first pass
 *     if (!error)
 *         error = recording_draw(recording, timeline_sink, diag);           // second pass
 *     ...
 *     recording_close(recording);
 *
 * The first pass finds processes, modules, locks, losses, lost keys and misuse: all that profiles and the report
 * need. The second draws the timeline, with every name known, and the keys whose story it is to tell. Both
 * read the events in the order of time (a module is unloaded after it was loaded). Memory is bounded by what
 * is alive in the traced programs, not by the length of the trace. Not thread-safe.
 */
#ifndef COLLECTOR_RECORDING_H
#define COLLECTOR_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/capture_read.h"
#include "model/contention.h"
#include "model/findings.h"
#include "model/lock_snapshot.h"
#include "model/losses.h"
#include "model/process.h"
#include "model/stacks.h"
#include "model/symbols.h"
#include "model/timeline.h"
#include "support/diag.h"

struct contention;
struct map_states;
struct symbolizer;

struct recording_options {
    /* Called for each damaged file or packet. NULL = be silent. */
    void (*warn)(void *self, const char *text);
    /* Called now and then with bytes read and in all; false = stop with -EINTR. NULL = never stop. */
    bool (*progress)(void *self, uint64_t done, uint64_t total);
    void *self;
    /*
     * Follow the history of each key, and look for misuse of maps. Without it, events of maps are counted only, and
     * so not asked for threads.
     */
    bool find_lost_keys;
    /* Whole stacks will be resolved, as in profiles: the files that they lead to are opened while the trace is read. */
    bool expect_symbols;
    bool keep_map_states; /* what is last said of each map that is still there */
};

/* Read-only for callers. */
struct recording {
    struct process_table processes;
    struct stacks *stacks;
    struct symbolizer *symbolizer;
    struct symbols symbols; /* of the symbolizer */
    struct contention_view *contention;
    struct lock_snapshots snapshots; /* what had not ended; empty without shared pages */
    struct findings findings;        /* empty without options.find_lost_keys */
    struct map_states *map_states;   /* NULL without options.keep_map_states */
    struct losses losses;
    struct capture_said capture;
    uint64_t own_events;                 /* of provider mapscope */
    uint64_t first_ns, last_ns;          /* trace clock, of any event; equal for an empty trace */
    int64_t clock_offset_ns;             /* epoch = trace clock + this */
    struct contention *contention_state; /* behind `contention` */
    const char *path;                    /* borrowed from the caller of recording_open */
    struct recording_options options;
};

/*
 * The first pass. Returns 0; -ENOENT, -EACCES, -ENODATA (no trace, or none of our
 * events in it), -EINTR, -ENOMEM, with the cause in `diag`.
 */
int recording_open(const char *path, const struct recording_options *options, struct diag *diag,
                   struct recording **out);
void recording_close(struct recording *recording);

/* The second pass: draws the timeline. */
int recording_draw(struct recording *recording, const struct timeline_sink *sink, struct diag *diag);

#endif
