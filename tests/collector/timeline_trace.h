/*
 * Makes event streams for tests of the timeline: as real threads would emit them, with parts missing, or
 * nonsense. The same seed gives the same stream.
 */
#ifndef TESTS_TIMELINE_TRACE_H
#define TESTS_TIMELINE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

enum trace_kind {
    TRACE_SOUND,   /* every thread's clock readings and events in program order, none missing */
    TRACE_LOSSY,   /* the same, with one event in eight missing */
    TRACE_HOSTILE, /* any kind, any field */
};

struct trace_options {
    enum trace_kind kind;
    uint64_t seed;
    uint64_t base_ns;
    unsigned steps;
};

/* `use` gets each event in the order of time. */
void trace_run(const struct trace_options *options, int (*use)(void *self, const struct event *event), void *self);

#endif
