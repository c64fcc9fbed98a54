/* What capture.json (docs/operations.md) says about the trace beside it. */
#ifndef COLLECTOR_CAPTURE_READ_H
#define COLLECTOR_CAPTURE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "model/losses.h"

struct capture_said {
    bool is_there;
    bool is_of_other_version; /* of mapscope than this one */
    enum losses_end end;
    uint64_t discarded_events, lost_packets; /* 0 = none, or not known: as the next two */
    uint64_t without_buffers, without_metadata;
    uint64_t end_ns;         /* trace clock, of the recording; 0 = not known */
    int64_t clock_offset_ns; /* epoch = trace clock + this; 0 = not known */
};

/*
 * Reads the file in `folder`, or beside it: a trace is OUT/trace, and either may be named. A missing or
 * damaged file says nothing.
 */
struct capture_said capture_read(const char *folder);

/* Adds it to what the trace itself says: of two counts of one thing the higher is right. */
void capture_add_losses(const struct capture_said *said, struct losses *losses);

#endif
