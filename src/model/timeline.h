/*
 * A timeline as a stream: an analysis calls the sink as things complete, an exporter turns the calls into
 * bytes. So memory is bounded by what is open, never by the length of the trace.
 *
 * A row is (pid, row). Real threads use their tid as row; everything else (a map's assigns, a lock's
 * holds) uses a synthetic row that the analysis hands out. Rules that every producer keeps and
 * timeline_check enforces:
 *  - slices of one row nest or are disjoint (half-open: one may begin where another ends), end >= begin;
 *  - every flow has exactly one out slice, which begins no later than its in slices, and at least one in
 *    slice; flow ids are TIMELINE_FLOW_FIRST or above;
 *  - a row is never 0; every row and process that is written to is named once, before or after.
 */
#ifndef MODEL_TIMELINE_H
#define MODEL_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/timeline_args.h"
#include "support/diag.h"

/* Below are the numbers that a viewer gives to flows of its own. */
#define TIMELINE_FLOW_FIRST (UINT64_C(1) << 32)

/* Linux hands out smaller process ids (PID_MAX_LIMIT): groups that are no process get pids from here on. */
#define TIMELINE_SYNTHETIC_PID (UINT32_C(1) << 22)

enum timeline_flow { TIMELINE_FLOW_NONE = 0, TIMELINE_FLOW_OUT = 1, TIMELINE_FLOW_IN = 2 };

struct timeline_place {
    uint32_t pid, row;
};

struct timeline_slice {
    uint32_t pid, row;
    struct timeline_place also; /* where the same stands too, but for the flow; row 0 = nowhere */
    uint64_t begin_ns, end_ns;  /* trace clock */
    const char *name;           /* any bytes, borrowed for the call */
    const char *category;
    struct timeline_facts facts;
    uint64_t flow_id; /* 0 = none */
    enum timeline_flow flow;
    bool is_lasting; /* its texts stay what they are where they are until the timeline is complete */
};

/* For sinks that have no use for `also`: the slice as two, in order. False = it stands on one row only. */
static inline bool timeline_slice_split(const struct timeline_slice *slice, struct timeline_slice *first,
                                        struct timeline_slice *second)
{
    if (!slice->also.row)
        return false;
    *first = *second = *slice;
    first->also = second->also = (struct timeline_place){0};
    first->pid = slice->also.pid;
    first->row = slice->also.row;
    first->flow = TIMELINE_FLOW_NONE;
    first->flow_id = 0;
    return true;
}

struct timeline_instant {
    uint32_t pid, row;
    uint64_t time_ns;
    const char *name;
    const char *category;
    struct timeline_facts facts;
};

struct timeline_counter {
    uint32_t pid;
    uint64_t time_ns;
    const char *name;   /* of the counter row; constant */
    const char *series; /* of the value; constant */
    int64_t value;
};

/*
 * Each returns 0 or a negative errno; after an error the producer stops. Names are any bytes. The calls come one at a
 * time, but perhaps from a thread of the producer's.
 */
struct timeline_sink {
    int (*process)(void *self, uint32_t pid, const char *name, int32_t sort_index);
    int (*row)(void *self, uint32_t pid, uint32_t row, const char *name, int32_t sort_index);
    int (*slice)(void *self, const struct timeline_slice *slice);
    int (*instant)(void *self, const struct timeline_instant *instant);
    int (*counter)(void *self, const struct timeline_counter *counter);
    int (*metadata)(void *self, const char *key, const char *value); /* facts of the run: losses, versions */
    void *self;
};

struct timeline_counts {
    uint64_t slices, instants, counters;
    uint64_t flows; /* out slices */
};

/*
 * A sink that holds what goes through it against the rules above, and passes it on. For tests and for
 * looking for a fault: it remembers every slice. Not thread-safe.
 *
 *     struct timeline_check *check;
 *     int error = timeline_check_create(&sink, diag, &check);          // NULL for the sink: only check
 *     produce(timeline_check_sink(check));
 *     error = timeline_check_finish(check);                            // -EINVAL: diag names what and where
 *     timeline_check_destroy(check);
 */
struct timeline_check; /* opaque */

/* `next` is copied, `diag` borrowed until destroy. 0 or -ENOMEM. */
int timeline_check_create(const struct timeline_sink *next, struct diag *diag, struct timeline_check **out);
void timeline_check_destroy(struct timeline_check *check);

/* Its calls fail with -EINVAL on what is wrong by itself. Borrowed. */
const struct timeline_sink *timeline_check_sink(const struct timeline_check *check);

/* After the last call: the rules that span slices. 0, -EINVAL or -ENOMEM. */
int timeline_check_finish(struct timeline_check *check);

struct timeline_counts timeline_check_counts(const struct timeline_check *check);

#endif
