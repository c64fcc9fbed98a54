/* The facade (ctf.h): what there is to read, decoded by a crew, merged, and delivered block by block. */
#include "collector/ctf/ctf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/ahead.h"
#include "collector/ctf/crew.h"
#include "collector/ctf/sources.h"

struct ctf_reader {
    struct ctf_sources sources;
    struct ctf_lane *lanes; /* owned; of each stream */
    struct ctf_crew crew;
    struct ctf_merge merge;
    _Alignas(CTF_APART_BYTES) struct ctf_ahead *ahead; /* NULL = the merge is the caller's */
    const struct ctf_block *block;                     /* that is read */
    size_t at;                                         /* of its events */
    bool is_told;                                      /* its state was told */
    struct ctf_block alone;                            /* without `ahead` */
};

/* ---- life ---- */

/* Beside the caller's and the helper's. */
static size_t thread_count(const struct ctf_reader *reader, const struct ctf_options *options)
{
    size_t count = options->threads ? options->threads - 1
                                    : ctf_crew_size(reader->sources.stream_count, reader->sources.total_bytes);
    return options->helper && count ? count - 1 : count;
}

static void start_threads(struct ctf_reader *reader, const struct ctf_options *options)
{
    size_t threads = thread_count(reader, options);
    ctf_crew_start(&reader->crew, reader->lanes, reader->sources.stream_count, threads, !threads && !options->helper,
                   options->unordered);
    if (options->helper)
        reader->ahead = ctf_ahead_start(&reader->merge, &reader->crew, options->helper);
}

static int open_lanes(struct ctf_reader *reader, const struct ctf_options *options)
{
    size_t count = reader->sources.stream_count;
    reader->lanes = aligned_alloc(CTF_APART_BYTES, (count + 1) * sizeof *reader->lanes);
    if (!reader->lanes)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        ctf_lane_init(&reader->lanes[i], &reader->sources.streams[i], &reader->crew, 0);
    int error = ctf_merge_init(&reader->merge, reader->lanes, count, options->unordered);
    if (!error)
        start_threads(reader, options);
    return error;
}

int ctf_open(const char *path, const struct ctf_options *options, struct diag *diag, struct ctf_reader **out)
{
    static const struct ctf_options defaults;
    if (!options)
        options = &defaults;
    struct ctf_reader *reader = aligned_alloc(CTF_APART_BYTES, sizeof *reader);
    if (!reader)
        return diag_errno(diag, ENOMEM, "cannot read %s", path);
    memset(reader, 0, sizeof *reader);
    reader->alone.state = 1;
    reader->block = &reader->alone;
    int error = ctf_sources_open(&reader->sources, path, options, diag);
    if (!error && (error = open_lanes(reader, options)))
        diag_errno(diag, -error, "cannot read %s", path);
    if (error)
        ctf_close(reader);
    else
        *out = reader;
    return error;
}

void ctf_close(struct ctf_reader *reader)
{
    if (!reader)
        return;
    ctf_crew_reuse(&reader->crew, reader->block->finished);
    ctf_ahead_stop(reader->ahead);
    ctf_crew_stop(&reader->crew);
    ctf_merge_fini(&reader->merge);
    for (size_t i = 0; i < reader->sources.stream_count && reader->lanes; i++)
        ctf_lane_fini(&reader->lanes[i]);
    free(reader->lanes);
    ctf_sources_close(&reader->sources);
    free(reader);
}

/* ---- use ---- */

static void next_block(struct ctf_reader *reader)
{
    ctf_crew_reuse(&reader->crew, reader->block->finished);
    reader->at = 0;
    reader->is_told = false;
    if (reader->ahead) {
        reader->block = ctf_ahead_next(reader->ahead);
        return;
    }
    ctf_block_fill(&reader->alone, CTF_ALONE_BYTES, &reader->merge, &reader->crew);
    reader->block = &reader->alone;
}

static void say(const struct ctf_entry *entry)
{
    const struct ctf_warning *warning = (const struct ctf_warning *)(const void *)(entry + 1);
    ctf_warn(warning->report, "%s", warning->text);
}

/* Behind the events of a block: 1 = there is the next one, else what is to be told before that. */
static int leave_block(struct ctf_reader *reader)
{
    const struct ctf_block *block = reader->block;
    if (block->warning)
        say(block->warning);
    if (block->state <= 0)
        return block->state;
    if (block->state == CTF_LATER && !reader->is_told) {
        reader->is_told = true;
        return CTF_LATER;
    }
    next_block(reader);
    return 1;
}

static int await_events(struct ctf_reader *reader)
{
    int state = 1;
    while (reader->at == reader->block->count && state == 1)
        state = leave_block(reader);
    return state;
}

int ctf_next_many(struct ctf_reader *reader, const struct ctf_entry *const **events, size_t *count)
{
    int state = await_events(reader);
    if (state != 1)
        return state;
    *events = reader->block->events + reader->at;
    *count = reader->block->count - reader->at;
    reader->at = reader->block->count;
    return 1;
}

int ctf_next(struct ctf_reader *reader, struct ctf_event *event)
{
    int state = await_events(reader);
    if (state != 1)
        return state;
    const struct ctf_entry *entry = reader->block->events[reader->at++];
    *event = (struct ctf_event){.time_ns = entry->time_ns,
                                .class = entry->class,
                                .values = (const struct ctf_value *)(const void *)(entry + 1),
                                .cpu = entry->cpu};
    return 1;
}

struct losses ctf_losses(const struct ctf_reader *reader)
{
    struct losses losses = reader->sources.losses;
    for (size_t i = 0; i < reader->sources.stream_count; i++) {
        const struct ctf_stream *stream = &reader->sources.streams[i];
        losses.events += stream->events;
        losses.discarded_events += stream->sequence.discarded_events;
        losses.lost_packets += stream->sequence.lost_packets;
        losses.damaged_packets += stream->damaged_packets;
        losses.skipped_streams += stream->skipped_files;
    }
    return losses;
}

struct ctf_tally ctf_tally(const struct ctf_reader *reader)
{
    struct ctf_tally all = {.first_ns = UINT64_MAX};
    for (size_t i = 0; i < reader->sources.stream_count; i++) {
        const struct ctf_tally *tally = &reader->sources.streams[i].tally;
        for (size_t k = 0; k < CTF_TALLIES; k++)
            all.events[k] += tally->events[k];
        all.first_ns = tally->first_ns < all.first_ns ? tally->first_ns : all.first_ns;
        all.last_ns = tally->last_ns > all.last_ns ? tally->last_ns : all.last_ns;
    }
    return all;
}

int64_t ctf_clock_offset_ns(const struct ctf_reader *reader)
{
    return reader->sources.clock_offset_ns;
}

void ctf_progress(const struct ctf_reader *reader, uint64_t *done, uint64_t *total)
{
    *done = 0;
    for (size_t i = 0; i < reader->sources.stream_count; i++)
        *done += ctf_lane_done_bytes(&reader->lanes[i]);
    *total = reader->sources.total_bytes;
}

const char *ctf_label(const struct ctf_labels *labels, uint64_t value)
{
    for (size_t i = 0; labels && i < labels->count; i++) {
        const struct tsdl_label *label = &labels->labels[i];
        if (value - label->first <= label->last - label->first)
            return label->name;
    }
    return NULL;
}
