/* What the trace does not hold. Every output repeats it. Plain data. */
#ifndef MODEL_LOSSES_H
#define MODEL_LOSSES_H

#include <stdbool.h>
#include <stdint.h>

/* How the recording ended, as the recorder says (capture.json). From LOSSES_END_CUT on, the trace's end may be missing.
 */
enum losses_end {
    LOSSES_END_UNKNOWN, /* nobody says */
    LOSSES_END_PROGRAM, /* with the program */
    LOSSES_END_DURATION,
    LOSSES_END_SIZE,
    LOSSES_END_SIGNAL,
    LOSSES_END_CUT,
    LOSSES_END_DAEMON,
    LOSSES_END_KILLED
};

struct losses {
    uint64_t events;               /* decoded */
    uint64_t discarded_events;     /* the tracer had no room */
    uint64_t lost_packets;         /* gaps in the sequence numbers */
    uint64_t damaged_packets;      /* unreadable, skipped */
    uint64_t skipped_streams;      /* files that could not be read at all */
    uint64_t skipped_traces;       /* leaf folders without usable metadata */
    uint64_t known_traces;         /* such folders, read by mapscope's own metadata instead */
    uint64_t unrecorded_processes; /* the tracer could open no buffers for them */
    uint64_t dropped_by_runtime;   /* locks and waits that found no slot */
    uint64_t cut_stacks;           /* different stacks without their outermost frames: no event is lost by that */
    enum losses_end end;
};

static inline bool losses_is_cut(const struct losses *losses)
{
    return losses->end >= LOSSES_END_CUT || losses->known_traces;
}

/* Whether there were events, or may have been, that are not in the trace. */
static inline bool losses_hide_events(const struct losses *losses)
{
    return losses->discarded_events || losses->lost_packets || losses->damaged_packets || losses->skipped_streams ||
           losses->skipped_traces || losses->unrecorded_processes || losses_is_cut(losses);
}

static inline bool losses_any(const struct losses *losses)
{
    return losses_hide_events(losses) || losses->dropped_by_runtime;
}

/* A sentence without its full stop, or NULL if there is nothing to say. Static. */
const char *losses_end_text(enum losses_end end);

#endif
