/*
 * What a trace of LTTng holds, from its folders and index files alone: fast enough to look at each time.
 *
 * The losses are those of the index files because the daemon's own counters come late: it adds what an
 * ended process lost only some time after its end (LTTng 2.13.9: 0 right after `stop`, 369591 a second
 * later, as the index said at once).
 */
#ifndef COLLECTOR_SESSION_SURVEY_H
#define COLLECTOR_SESSION_SURVEY_H

#include <stdint.h>

enum { SURVEY_NAMES = 8, SURVEY_NAME_SIZE = 256 };

/* Folders, one a process; the first of them by name. */
struct survey_names {
    uint64_t count;
    char names[SURVEY_NAMES][SURVEY_NAME_SIZE];
};

struct survey {
    uint64_t bytes; /* of all files */
    uint64_t
        processes; /* folders with a stream of the channel `ev` (control.h) and metadata, the last that LTTng makes */
    uint64_t discarded_events;            /* the tracer had no room */
    uint64_t lost_packets;                /* gaps in the numbers of packets */
    struct survey_names without_buffers;  /* with metadata, but no such stream: LTTng could open no buffers */
    struct survey_names without_metadata; /* with streams; the metadata is empty or cut: not written, or not yet */
};

/* Adds up what lies below the folder `name` in `at`. 0, or the first negative errno, with what could be read. */
int survey_trace(int at, const char *name, struct survey *survey);

#endif
