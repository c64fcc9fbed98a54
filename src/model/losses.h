/* What the trace does not hold. Every output repeats it. Plain data. */
#ifndef MODEL_LOSSES_H
#define MODEL_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

struct losses {
    uint64_t events;             /* decoded */
    uint64_t discarded_events;   /* the tracer had no room */
    uint64_t lost_packets;       /* gaps in the sequence numbers */
    uint64_t damaged_packets;    /* unreadable, skipped */
    uint64_t skipped_streams;    /* files that could not be read at all */
    uint64_t skipped_traces;     /* leaf folders without usable metadata */
    uint64_t dropped_by_runtime; /* locks and waits that found no slot */
};

static inline bool losses_any(const struct losses *losses)
{
    return losses->discarded_events || losses->lost_packets || losses->damaged_packets || losses->skipped_streams ||
           losses->skipped_traces || losses->dropped_by_runtime;
}

#endif
