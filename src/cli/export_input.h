/* What exporters are told of a recording: all of it borrowed, and nobody to warn. */
#ifndef CLI_EXPORT_INPUT_H
#define CLI_EXPORT_INPUT_H

#include "collector/recording.h"
#include "exporters/exporter.h"

static inline struct export_input export_input_of(const struct recording *recording, const char *source)
{
    return (struct export_input){
        .source = source,
        .begin_ns = recording->first_ns,
        .end_ns = recording->last_ns,
        .end_epoch_ns = (int64_t)recording->last_ns + recording->clock_offset_ns,
        .own_events = recording->own_events,
        .losses = &recording->losses,
        .processes = &recording->processes,
        .stacks = recording->stacks,
        .symbols = &recording->symbols,
        .contention = recording->contention,
        .findings = &recording->findings,
        .snapshots = &recording->snapshots,
    };
}

#endif
