/* See lane.h. Start at ctf_lane_fill, which a thread of the crew runs, and ctf_lane_peek_ahead, which reads it. */
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

void ctf_lane_init(struct ctf_lane *lane, struct ctf_stream *stream, struct ctf_crew *crew)
{
    *lane = (struct ctf_lane){.stream = stream, .crew = crew};
    if (!crew)
        return;
    lane->done_bytes = stream->done_bytes;
    lane->report = stream->report;
    lane->keeper = (struct ctf_report){lane->report->warn ? keep_warning : NULL, lane};
    stream->report = &lane->keeper;
}

void ctf_lane_fini(struct ctf_lane *lane)
{
    for (size_t i = 0; i < lane->warning_count; i++)
        free(lane->warnings[i]);
    free(lane->warnings);
    *lane = (struct ctf_lane){0};
}

/* ---- filling ---- */

/* 1 = all of them are in; 0 = the batch is full; -ENOMEM. */
static int put_warnings(struct ctf_lane *lane, struct ctf_batch *batch)
{
    size_t count = 0;
    int state = 1;
    while (count < lane->warning_count && (state = ctf_batch_put_warning(batch, lane->warnings[count])) == 1)
        free(lane->warnings[count++]);
    lane->warning_count -= count;
    if (lane->warning_count)
        memmove(lane->warnings, lane->warnings + count, lane->warning_count * sizeof *lane->warnings);
    return state;
}

static int put_held(struct ctf_lane *lane, struct ctf_batch *batch)
{
    int state = lane->is_held ? ctf_batch_put_event(batch, &lane->held) : 1;
    if (state == 1)
        lane->is_held = false;
    return state;
}

/* A damaged event leaves its time: the merge has seen that, too, where there is no crew. */
static int hold_next(struct ctf_lane *lane)
{
    struct ctf_stream *stream = lane->stream;
    int state = ctf_stream_take(stream, &lane->held);
    if (state < 0)
        return state;
    if (state == 0)
        lane->held = (struct ctf_event){.time_ns = stream->time_ns};
    lane->is_held = true;
    return 1;
}

/* 1 = what was read before is in; 0 = the batch is full; -ENOMEM. */
static int put_rest(struct ctf_lane *lane, struct ctf_batch *batch)
{
    int state = put_held(lane, batch);
    return state == 1 && lane->warning_count ? put_warnings(lane, batch) : state;
}

/* Until there is something to put: 1; else as ctf_stream_peek. */
static int read_next(struct ctf_lane *lane)
{
    int state = lane->stream->is_ready ? 1 : ctf_stream_peek(lane->stream);
    if (state >= 0 && lane->warning_count) /* comes first */
        return 1;
    return state == 1 ? hold_next(lane) : state;
}

void ctf_lane_fill(struct ctf_lane *lane, struct ctf_batch *batch)
{
    int room, state = 1;
    while ((room = put_rest(lane, batch)) == 1 && state == 1)
        state = read_next(lane);
    batch->state = room < 0 ? room : state;
    batch->done_bytes = lane->stream->done_bytes;
}

/* ---- reading ---- */

/* 1 = there is one; 0 = the stream has ended; CTF_LATER, once; -ENOMEM. */
static int next_batch(struct ctf_lane *lane)
{
    int state = lane->batch ? lane->batch->state : !lane->is_over;
    if (state == CTF_LATER)
        lane->batch->state = 1;
    else if (state == 1)
        state = ctf_crew_next(lane->crew, lane);
    else if (state == 0)
        ctf_crew_leave(lane->crew, lane);
    lane->is_over = state == 0;
    if (lane->batch)
        lane->done_bytes = lane->batch->done_bytes;
    return state;
}

/* The next event's record, once what comes before it was said. 1, 0, CTF_LATER or -ENOMEM. */
static int find_record(struct ctf_lane *lane, const struct ctf_record **out)
{
    for (;;) {
        const struct ctf_record *record = lane->batch ? ctf_batch_record(lane->batch) : NULL;
        int state = record ? 1 : next_batch(lane);
        if (state != 1)
            return state;
        if (record && !record->warning) {
            *out = record;
            return 1;
        }
        if (record) {
            ctf_warn(lane->report, "%s", record->warning);
            lane->batch->at += record->bytes;
        }
    }
}

int ctf_lane_peek_ahead(struct ctf_lane *lane)
{
    const struct ctf_record *record;
    int state = find_record(lane, &record);
    lane->is_ready = state == 1;
    if (state == 1)
        lane->time_ns = record->event.time_ns;
    return state;
}

int ctf_lane_take_ahead(struct ctf_lane *lane, struct ctf_event *out)
{
    const struct ctf_record *record = ctf_batch_record(lane->batch);
    lane->batch->at += record->bytes;
    if (!record->event.class)
        return 0;
    *out = record->event;
    return 1;
}
