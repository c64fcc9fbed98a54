/*
 * All that there is to read below a folder: each leaf's metadata, compiled, its files grouped into streams, and one
 * clock for all of them. What a leaf or file cannot give is counted here and named.
 */
#ifndef COLLECTOR_CTF_SOURCES_H
#define COLLECTOR_CTF_SOURCES_H

#include "collector/ctf/ctf.h"
#include "collector/ctf/report.h"
#include "collector/ctf/stream.h"
#include "collector/ctf/trace.h"
#include "collector/ctf/tree.h"

struct ctf_sources {
    struct ctf_report report;
    const char *const *known_texts; /* borrowed while they are opened */
    struct ctf_tree tree;
    struct ctf_trace **traces; /* owned */
    size_t trace_count, trace_capacity;
    struct ctf_stream *streams; /* owned */
    size_t stream_count;
    uint32_t class_count;
    uint64_t total_bytes;
    int64_t clock_offset_ns;
    struct losses losses; /* what is known before the first event */
};

/* Into a zeroed struct that stays where it is. As ctf_open; to be closed also after an error. */
int ctf_sources_open(struct ctf_sources *sources, const char *path, const struct ctf_options *options,
                     struct diag *diag);
void ctf_sources_close(struct ctf_sources *sources);

#endif
