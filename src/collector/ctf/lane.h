/*
 * One stream as the merge reads it: decoded when it is asked, or ahead of that by a crew (crew.h). Both ways it
 * gives the same events and says the same warnings at the same points.
 *
 *     while ((state = ctf_lane_peek(lane)) == 1) {     // as ctf_stream_next; its time is known
 *         ctf_lane_take(lane, &event);
 *         use(&event);                                 // good until the next peek
 *     }
 */
#ifndef COLLECTOR_CTF_LANE_H
#define COLLECTOR_CTF_LANE_H

#include "collector/ctf/batch.h"

struct ctf_crew;

struct ctf_lane {
    struct ctf_stream *stream; /* borrowed; with a crew, of who fills a batch from it */
    struct ctf_crew *crew;     /* NULL = decoded when asked */

    /* the reader's */
    _Alignas(CTF_APART_BYTES) bool is_ready; /* an event was peeked at and not taken */
    bool is_over;                            /* with a crew: the last batch was read */
    uint64_t time_ns;
    uint64_t done_bytes;
    struct ctf_batch *batch; /* that it reads, of the crew's; NULL = none */

    /* of who fills: `is_busy` */
    _Alignas(CTF_APART_BYTES) struct ctf_report keeper; /* in place of the stream's report */
    const struct ctf_report *report; /* the stream's own, which the reader says the warnings through */
    char **warnings;                 /* owned: said and not in a batch yet */
    size_t warning_count, warning_capacity;

    /* guarded by the crew's mutex */
    _Alignas(CTF_APART_BYTES) struct ctf_batch *first; /* filled, to be read */
    struct ctf_batch *last;
    bool is_busy;   /* someone fills a batch from it */
    bool has_ended; /* there will be no further batch */
    uint64_t order; /* the lane with the least is needed first */
};

/* With a crew, what `lane` was told to warn through is kept for the reader from now on. */
void ctf_lane_init(struct ctf_lane *lane, struct ctf_stream *stream, struct ctf_crew *crew);
void ctf_lane_fini(struct ctf_lane *lane);

/* Decodes into the batch until it is full or the stream ends; batch->state says which. By one thread at a time. */
void ctf_lane_fill(struct ctf_lane *lane, struct ctf_batch *batch);

/* With a crew: what is not the next record of the batch. */
int ctf_lane_peek_ahead(struct ctf_lane *lane);

static inline int ctf_lane_peek(struct ctf_lane *lane)
{
    if (lane->crew) {
        const struct ctf_record *record = lane->batch ? ctf_batch_record(lane->batch) : NULL;
        if (!record || ctf_record_warning(record))
            return ctf_lane_peek_ahead(lane);
        lane->is_ready = true;
        lane->time_ns = record->event.time_ns;
        return 1;
    }
    int state = ctf_stream_next(lane->stream);
    lane->is_ready = state == 1;
    lane->time_ns = lane->stream->event.time_ns;
    return state;
}

static inline void ctf_lane_take(struct ctf_lane *lane, struct ctf_event *out)
{
    lane->is_ready = false;
    if (!lane->crew) {
        *out = lane->stream->event;
        return;
    }
    const struct ctf_record *record = ctf_batch_record(lane->batch);
    lane->batch->at += record->bytes;
    *out = record->event;
}

static inline uint64_t ctf_lane_done_bytes(const struct ctf_lane *lane)
{
    return lane->crew ? lane->done_bytes : lane->stream->done_bytes;
}

#endif
