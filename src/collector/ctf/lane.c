/* See lane.h. Start at ctf_lane_fill, which a thread of the crew runs, and ctf_lane_peek, which reads it. */
#include "collector/ctf/lane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/crew.h"
#include "support/vec.h"

/* For want of memory a warning is lost. */
static void keep_warning(void *self, const char *text)
{
    struct ctf_lane *lane = self;
    char *copy = strdup(text);
    if (copy && !VEC_RESERVE(lane->warnings, lane->warning_count, lane->warning_capacity, 1))
        lane->warnings[lane->warning_count++] = copy;
    else
        free(copy);
}

void ctf_lane_init(struct ctf_lane *lane, struct ctf_stream *stream, struct ctf_crew *crew, size_t batch_bytes)
{
    *lane =
        (struct ctf_lane){.stream = stream, .crew = crew, .batch_bytes = batch_bytes, .done_bytes = stream->done_bytes};
    lane->report = stream->report;
    lane->keeper = (struct ctf_report){lane->report->warn ? keep_warning : NULL, lane};
    stream->report = &lane->keeper;
}

void ctf_lane_fini(struct ctf_lane *lane)
{
    for (size_t i = 0; i < lane->warning_count; i++)
        free(lane->warnings[i]);
    free(lane->warnings);
    if (!lane->crew)
        ctf_batch_destroy(lane->batch);
    *lane = (struct ctf_lane){0};
}

/* ---- filling ---- */

/* 1 = all of them are in; CTF_FULL; -ENOMEM. */
static int put_warnings(struct ctf_lane *lane, struct ctf_batch *batch)
{
    size_t count = 0;
    int state = 1;
    while (count < lane->warning_count &&
           (state = ctf_batch_put_warning(batch, lane->report, lane->warnings[count])) == 1)
        free(lane->warnings[count++]);
    lane->warning_count -= count;
    if (lane->warning_count)
        memmove(lane->warnings, lane->warnings + count, lane->warning_count * sizeof *lane->warnings);
    return state;
}

/* What was said comes before the events that follow. As put_warnings, or ctf_stream_fill. */
static int put_next(struct ctf_lane *lane, struct ctf_batch *batch)
{
    return lane->warning_count ? put_warnings(lane, batch) : ctf_stream_fill(lane->stream, batch);
}

/* What was said at the end, or before a pause, comes before that, too. */
static bool is_going_on(const struct ctf_lane *lane, int state)
{
    return state == 1 || state == CTF_AGAIN || (lane->warning_count && (state == 0 || state == CTF_LATER));
}

void ctf_lane_fill(struct ctf_lane *lane, struct ctf_batch *batch)
{
    int state;
    do
        state = put_next(lane, batch);
    while (is_going_on(lane, state));
    batch->state = state == CTF_FULL ? 1 : state;
    batch->done_bytes = lane->stream->done_bytes;
}

/* ---- reading ---- */

/* The same batch once more, without a crew. 1 or -ENOMEM. */
static int refill(struct ctf_lane *lane)
{
    int error = lane->batch ? 0 : ctf_batch_create(lane->batch_bytes, &lane->batch);
    if (error)
        return error;
    ctf_batch_clear(lane->batch);
    ctf_lane_fill(lane, lane->batch);
    return 1;
}

static void leave(struct ctf_lane *lane)
{
    if (lane->crew) {
        ctf_crew_leave(lane->crew, lane);
        return;
    }
    ctf_batch_destroy(lane->batch);
    lane->batch = NULL;
}

/* One that is not new has been read. */
static void begin_batch(struct ctf_lane *lane, bool is_new)
{
    lane->end = lane->batch->bytes + lane->batch->used;
    lane->at = is_new ? lane->batch->bytes : lane->end;
    atomic_store_explicit(&lane->done_bytes, lane->batch->done_bytes, memory_order_relaxed);
}

/* 1 = there is one; 0 = the stream has ended; CTF_LATER, once; -ENOMEM. */
static int next_batch(struct ctf_lane *lane)
{
    int state = lane->batch ? lane->batch->state : !lane->is_over;
    if (state == CTF_LATER)
        lane->batch->state = 1;
    else if (state == 1)
        state = lane->crew ? ctf_crew_next(lane->crew, lane) : refill(lane);
    else if (state == 0)
        leave(lane);
    lane->is_over = state == 0;
    if (lane->batch)
        begin_batch(lane, state == 1);
    else
        lane->at = lane->end = NULL;
    return state;
}

int ctf_lane_go_on(struct ctf_lane *lane)
{
    int state = 1;
    while (lane->at == lane->end && state == 1)
        state = next_batch(lane);
    return state;
}
