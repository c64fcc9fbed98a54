/*
 * One stream as the merge reads it: decoded in batches when it is asked, or ahead of that by a crew (crew.h). Both ways
 * it gives the same events and says the same warnings at the same points.
 *
 *     while ((state = ctf_lane_peek(lane, &entry)) == 1) {     // the next one, as often as one likes
 *         use(entry);                                          // good until the next peek; with a crew, longer
 *         ctf_lane_take(lane, entry);
 *     }
 */
#ifndef COLLECTOR_CTF_LANE_H
#define COLLECTOR_CTF_LANE_H

#include <stdatomic.h>

#include "collector/ctf/stream.h"

struct ctf_crew;

struct ctf_lane {
    struct ctf_stream *stream; /* borrowed; with a crew, of who fills a batch from it */
    struct ctf_crew *crew;     /* NULL = decoded when asked */

    /* of who reads */
    _Alignas(CTF_APART_BYTES) const uint8_t *at; /* the entry to be read next */
    const uint8_t *end;                          /* of the batch */
    struct ctf_batch *batch;                     /* that it reads; without a crew owned; NULL = none */
    size_t batch_bytes;                          /* without a crew: how large to make it */
    bool is_over;                                /* the last batch was read */
    _Atomic uint64_t done_bytes;

    /* of who fills: `is_busy` */
    _Alignas(CTF_APART_BYTES) struct ctf_report keeper; /* in place of the stream's report */
    const struct ctf_report *report; /* the stream's own, which the warnings are said through where they are read */
    char **warnings;                 /* owned: said and not in a batch yet */
    size_t warning_count, warning_capacity;

    /* guarded by the crew's mutex */
    _Alignas(CTF_APART_BYTES) struct ctf_batch *first; /* filled, to be read */
    struct ctf_batch *last;
    bool is_busy;   /* someone fills a batch from it */
    bool has_ended; /* there will be no further batch */
    uint64_t order; /* the lane with the least is needed first */
};

/*
 * What the stream was told to warn through is said when its place among the events is reached, from now on. Without a
 * crew, `batch_bytes` is what to decode at a time.
 */
void ctf_lane_init(struct ctf_lane *lane, struct ctf_stream *stream, struct ctf_crew *crew, size_t batch_bytes);
void ctf_lane_fini(struct ctf_lane *lane);

/* Decodes into the batch until it is full or the stream ends; batch->state says which. By one thread at a time. */
void ctf_lane_fill(struct ctf_lane *lane, struct ctf_batch *batch);

/* Goes on to a batch with an entry in it: 1; 0 = the stream has ended; CTF_LATER, once; -ENOMEM. */
int ctf_lane_go_on(struct ctf_lane *lane);

/* 1 = `*out` is the next event's or warning; else as ctf_lane_go_on. */
static inline int ctf_lane_peek(struct ctf_lane *lane, const struct ctf_entry **out)
{
    int state = lane->at != lane->end ? 1 : ctf_lane_go_on(lane);
    *out = (const struct ctf_entry *)(const void *)lane->at;
    return state;
}

/* By any thread. */
static inline uint64_t ctf_lane_done_bytes(const struct ctf_lane *lane)
{
    return atomic_load_explicit(&lane->done_bytes, memory_order_relaxed);
}

static inline void ctf_lane_take(struct ctf_lane *lane, const struct ctf_entry *entry)
{
    lane->at += entry->bytes;
}

#endif
