/*
 * One reading of the whole trace: every event is decoded and applied, in the order of time.
 *
 *     struct pass pass = {.recording = recording, .apply = apply, .events = EVENT_SET_ALL, .needs_all = true};
 *     int error = pass_run(&pass, diag);
 *     ...                                      // what the reader knows at the end
 *     pass_end(&pass);                         // legal on what was never run
 *
 * Private to recording.c.
 */
#ifndef COLLECTOR_RECORDING_PASS_H
#define COLLECTOR_RECORDING_PASS_H

#include "collector/analyses/contention.h"
#include "collector/analyses/map_analyses.h"
#include "collector/analyses/timeline.h"
#include "collector/ctf/ctf.h"
#include "collector/recording.h"

struct pass {
    struct recording *recording;
    struct ctf_reader *reader;                                  /* owned */
    struct helper *helper;                                      /* owned; NULL = there is none */
    int (*apply)(struct pass *pass, const struct event *event); /* 0 or a negative errno, which ends it */
    struct contention *contention;                              /* first pass */
    struct map_analyses *maps;                                  /* first pass, may be NULL */
    bool expects_symbols;                                       /* first pass, where stacks are to be resolved */
    size_t expected_stacks;                                     /* those before are expected */
    struct timeline_builder *timeline;                          /* second pass */
    bool is_silent;                                             /* what is wrong with the trace has been said */
    uint64_t events;                                            /* EVENT_SET: of which fields are needed */
    bool needs_all; /* of the others the ids and the order; else their number is enough */
};

/* Where events are counted that are of no more use. */
enum { PASS_TALLY_OURS, PASS_TALLY_OTHERS };

static inline bool pass_is_ours(enum event_kind kind)
{
    return kind >= EVENT_MAP_ALLOC && kind <= EVENT_VARIANT;
}

/* 0; -EINTR, if the progress callback wants no more; or what the reader or `apply` returned. */
int pass_run(struct pass *pass, struct diag *diag);

/* Says what is wrong with the trace, once for all passes; `self` is the pass. */
void pass_warn(void *self, const char *text);

/* Releases what the pass owns. */
void pass_end(struct pass *pass);

#endif
