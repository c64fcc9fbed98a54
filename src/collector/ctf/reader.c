/*
 * The facade (ctf.h): walks the tree, compiles each leaf's metadata, groups its files into streams and
 * merges them. What a leaf or file cannot give is counted here and named.
 */
#include "collector/ctf/ctf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/crew.h"
#include "collector/ctf/known.h"
#include "collector/ctf/merge.h"
#include "collector/ctf/metadata.h"
#include "collector/ctf/tree.h"
#include "support/vec.h"

enum {
    KEPT_OPEN_MAX = 256,
    UUID_BYTES = 16,
    ALONE_BYTES = 8 * 1024 /* decoded at a time without threads: it stays in the first cache */
};

struct ctf_reader {
    struct ctf_report report;
    const char *const *known_texts; /* borrowed while it is opened */
    struct ctf_tree tree;
    struct ctf_trace **traces; /* owned */
    size_t trace_count, trace_capacity;
    struct ctf_stream *streams; /* owned */
    struct ctf_lane *lanes;     /* owned; of each stream */
    size_t stream_count;
    struct ctf_crew crew;
    struct ctf_merge merge;
    uint32_t class_count;
    uint64_t total_bytes;
    int64_t clock_offset_ns;
    struct losses losses; /* what is known before the first event */
};

/* Files while they wait to be grouped into streams. */
struct file_list {
    struct ctf_file *files; /* owned */
    size_t count, capacity;
};

/* ---- leaves ---- */

static int load_trace(struct ctf_reader *reader, const struct ctf_leaf *leaf, struct diag *cause,
                      struct ctf_trace **out)
{
    char *path, *text;
    size_t length;
    if (asprintf(&path, "%s/metadata", leaf->path) < 0)
        return diag_errno(cause, ENOMEM, "%s", leaf->path);
    int error = ctf_metadata_read(path, cause, &text, &length);
    free(path);
    if (error)
        return error;
    error = ctf_trace_create(text, length, &reader->class_count, cause, out);
    free(text);
    return error ? diag_wrap(cause, error, "%s/metadata", leaf->path) : 0;
}

static int keep_trace(struct ctf_reader *reader, struct ctf_trace *trace)
{
    if (VEC_RESERVE(reader->traces, reader->trace_count, reader->trace_capacity, 1)) {
        ctf_trace_destroy(trace);
        return -ENOMEM;
    }
    reader->traces[reader->trace_count++] = trace;
    return 0;
}

/* Finds the file's first packet. 0 also when there is none: the file is counted and left out then. */
static int add_file(struct ctf_reader *reader, const struct ctf_trace *trace, const struct ctf_leaf_file *found,
                    struct ctf_window *window, struct file_list *list)
{
    struct ctf_file file = {.path = found->path, .trace = trace, .size = found->size};
    reader->total_bytes += file.size;
    int state = ctf_file_next(&file, window, &reader->report);
    if (state == -ENOMEM)
        return state;
    if (state == 1) {
        int error = VEC_RESERVE(list->files, list->count, list->capacity, 1);
        if (!error)
            list->files[list->count++] = file;
        return error;
    }
    reader->losses.skipped_streams++;
    ctf_warn(&reader->report, "%s: skipped, %s", file.path, state ? strerror(-state) : "no packet in it");
    return 0;
}

static int add_files(struct ctf_reader *reader, const struct ctf_trace *trace, const struct ctf_leaf *leaf,
                     struct file_list *list)
{
    struct ctf_window window;
    ctf_window_init(&window);
    int error = 0;
    for (size_t i = 0; i < leaf->file_count && !error; i++)
        error = add_file(reader, trace, &leaf->files[i], &window, list);
    ctf_window_fini(&window);
    return error;
}

static void skip_leaf(struct ctf_reader *reader, const char *why)
{
    reader->losses.skipped_traces++;
    ctf_warn(&reader->report, "trace skipped: %s", why);
}

/* A file of a leaf without metadata: an enum ctf_known_result, or -ENOMEM. */
static int add_known_file(struct ctf_reader *reader, struct ctf_known *known, const struct ctf_leaf_file *found,
                          struct ctf_window *window, struct file_list *list)
{
    struct ctf_trace *trace;
    int result = ctf_known_explain(known, found, &trace), error = 0;
    if (result == KNOWN_FIRST) {
        trace->is_known = true;
        error = keep_trace(reader, trace);
    }
    if (!error && result >= KNOWN_FIRST)
        error = add_file(reader, trace, found, window, list);
    return error ? error : result;
}

/* How many of the leaf's files were tried, by what came of it. 0 or -ENOMEM. */
static int add_known_files(struct ctf_reader *reader, const struct ctf_leaf *leaf, struct file_list *list,
                           unsigned counts[KNOWN_AGAIN + 1])
{
    struct ctf_known known;
    struct ctf_window window;
    int state = ctf_known_init(&known, reader->known_texts, &reader->class_count);
    ctf_window_init(&window);
    for (size_t i = 0; i < leaf->file_count && state >= 0; i++) {
        state = add_known_file(reader, &known, &leaf->files[i], &window, list);
        if (state >= 0)
            counts[state]++;
    }
    ctf_window_fini(&window);
    ctf_known_fini(&known);
    return state < 0 ? state : 0;
}

/* `cause` is why its own metadata cannot be used. */
static int add_leaf_without_metadata(struct ctf_reader *reader, const struct ctf_leaf *leaf, struct diag *cause,
                                     struct file_list *list)
{
    unsigned counts[KNOWN_AGAIN + 1] = {0};
    int error = add_known_files(reader, leaf, list, counts);
    if (error)
        return error;
    unsigned known = counts[KNOWN_FIRST] + counts[KNOWN_AGAIN], unknown = counts[KNOWN_NOTHING];
    if (known == 0) {
        skip_leaf(reader, diag_text(cause));
        return 0;
    }
    reader->losses.known_traces++;
    reader->losses.skipped_streams += unknown;
    ctf_warn(&reader->report, "%s; its events are read as this mapscope records them%s", diag_text(cause),
             unknown ? ", but for streams that are not like that" : "");
    return 0;
}

static int add_leaf(struct ctf_reader *reader, const struct ctf_leaf *leaf, struct file_list *list)
{
    struct diag cause;
    struct ctf_trace *trace;
    diag_init(&cause);
    int error = load_trace(reader, leaf, &cause, &trace);
    bool is_usable = !error;
    if (error && error != -ENOMEM)
        error = add_leaf_without_metadata(reader, leaf, &cause, list);
    diag_fini(&cause);
    if (!is_usable)
        return error;
    error = keep_trace(reader, trace);
    if (error)
        return error;
    if (trace->refused_classes)
        ctf_warn(&reader->report, "%s: %zu event classes cannot be read, the first is %s", leaf->path,
                 trace->refused_classes, trace->refused_name);
    return add_files(reader, trace, leaf, list);
}

static int add_leaves(struct ctf_reader *reader, struct file_list *list)
{
    int error = 0;
    for (size_t i = 0; i < reader->tree.count && !error; i++)
        error = add_leaf(reader, &reader->tree.leaves[i], list);
    return error;
}

/* ---- one common clock ---- */

static int64_t epoch_offset_ns(const struct ctf_trace *trace)
{
    const struct tsdl_clock *clock = &trace->declared.clock;
    int64_t second_ns = 1000000000;
    if (!clock->frequency_hz)
        return 0;
    __int128 ticks_ns = (__int128)clock->offset * second_ns / (int64_t)clock->frequency_hz;
    return (int64_t)(ticks_ns + (__int128)clock->offset_s * second_ns);
}

/* The earliest offset said for the trace's clock: traces of one boot differ by some nanoseconds of rounding. */
static int64_t clock_offset_ns(const struct ctf_reader *reader, const struct ctf_trace *trace)
{
    int64_t earliest = epoch_offset_ns(trace);
    for (size_t i = 0; i < reader->trace_count; i++) {
        const struct ctf_trace *other = reader->traces[i];
        bool is_same = memcmp(other->declared.clock.uuid, trace->declared.clock.uuid, UUID_BYTES) == 0;
        if (is_same && !other->is_known && epoch_offset_ns(other) < earliest)
            earliest = epoch_offset_ns(other);
    }
    return earliest;
}

/*
 * Traces of one clock keep its raw value; others are moved onto the clock that began first. What has no metadata
 * of its own was recorded beside the others, by their clock.
 */
static void align_clocks(struct ctf_reader *reader)
{
    bool is_known = false;
    for (size_t i = 0; i < reader->trace_count; i++) {
        int64_t offset = epoch_offset_ns(reader->traces[i]);
        if (reader->traces[i]->is_known || (is_known && offset >= reader->clock_offset_ns))
            continue;
        reader->clock_offset_ns = offset;
        is_known = true;
    }
    for (size_t i = 0; i < reader->trace_count; i++) {
        struct ctf_trace *trace = reader->traces[i];
        if (!trace->is_known)
            trace->shift_ns = (int64_t)((uint64_t)clock_offset_ns(reader, trace) - (uint64_t)reader->clock_offset_ns);
    }
}

/* ---- grouping ---- */

/* Files of one stream have the same trace uuid, stream class and instance; without these a file is its own. */
static bool has_identity(const struct ctf_file *file)
{
    return file->trace->declared.has_uuid && file->packet.has_instance;
}

static int by_number(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

static int by_identity(const void *a, const void *b)
{
    const struct ctf_file *left = a, *right = b;
    int order = has_identity(right) - has_identity(left);
    if (!order && !has_identity(left))
        return strcmp(left->path, right->path);
    if (!order)
        order = memcmp(left->trace->declared.uuid, right->trace->declared.uuid, UUID_BYTES);
    if (!order)
        order = by_number(left->packet.stream->id, right->packet.stream->id);
    return order ? order : by_number(left->packet.instance, right->packet.instance);
}

static size_t count_same(const struct file_list *list, size_t from)
{
    size_t count = 1;
    while (from + count < list->count && by_identity(&list->files[from], &list->files[from + count]) == 0)
        count++;
    return count;
}

static int add_stream(struct ctf_reader *reader, const struct ctf_file *files, size_t count)
{
    struct ctf_file *copy = malloc(count * sizeof *copy);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, files, count * sizeof *copy);
    ctf_stream_init(&reader->streams[reader->stream_count], (uint32_t)reader->stream_count, copy, count,
                    &reader->report);
    reader->stream_count++;
    return 0;
}

static int group_files(struct ctf_reader *reader, struct file_list *list)
{
    reader->streams = aligned_alloc(CTF_APART_BYTES, (list->count + 1) * sizeof *reader->streams);
    if (!reader->streams)
        return -ENOMEM;
    if (list->count)
        qsort(list->files, list->count, sizeof *list->files, by_identity);
    int error = 0;
    for (size_t from = 0, count; from < list->count && !error; from += count) {
        count = count_same(list, from);
        error = add_stream(reader, &list->files[from], count);
    }
    for (size_t i = 0; i < reader->stream_count; i++)
        reader->streams[i].window.close_after = reader->stream_count > KEPT_OPEN_MAX;
    return error;
}

/* ---- life ---- */

static int plan_records(struct ctf_reader *reader, const struct ctf_options *options)
{
    int error = 0;
    for (size_t i = 0; i < reader->trace_count && !error; i++)
        error = ctf_trace_plan(reader->traces[i], options);
    return error;
}

static size_t crew_size(const struct ctf_reader *reader, const struct ctf_options *options)
{
    return options->threads ? options->threads - 1 : ctf_crew_size(reader->stream_count, reader->total_bytes);
}

static int open_lanes(struct ctf_reader *reader, const struct ctf_options *options)
{
    size_t count = reader->stream_count, thread_count = crew_size(reader, options);
    reader->lanes = aligned_alloc(CTF_APART_BYTES, (count + 1) * sizeof *reader->lanes);
    if (!reader->lanes)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        ctf_lane_init(&reader->lanes[i], &reader->streams[i], thread_count ? &reader->crew : NULL, ALONE_BYTES);
    int error = ctf_merge_init(&reader->merge, reader->lanes, count, options->unordered);
    if (!error && thread_count)
        ctf_crew_start(&reader->crew, reader->lanes, count, thread_count, options->unordered);
    return error;
}

static int open_traces(struct ctf_reader *reader, const struct ctf_options *options)
{
    struct file_list list = {0};
    int error = add_leaves(reader, &list);
    if (!error)
        error = plan_records(reader, options);
    if (!error) {
        align_clocks(reader);
        error = group_files(reader, &list);
    }
    free(list.files);
    return error ? error : open_lanes(reader, options);
}

int ctf_open(const char *path, const struct ctf_options *options, struct diag *diag, struct ctf_reader **out)
{
    static const struct ctf_options defaults;
    if (!options)
        options = &defaults;
    struct ctf_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return diag_errno(diag, ENOMEM, "cannot read %s", path);
    reader->report = (struct ctf_report){options->warn, options->self};
    reader->known_texts = options->known;
    int error = ctf_tree_walk(path, &reader->report, diag, &reader->tree);
    if (!error && reader->tree.count == 0)
        error = diag_set(diag, -ENODATA, "there is no trace below %s", path);
    if (!error) {
        reader->losses.skipped_traces = reader->tree.unreadable;
        error = open_traces(reader, options);
        if (error)
            diag_errno(diag, -error, "cannot read %s", path);
    }
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
    ctf_crew_stop(&reader->crew);
    ctf_merge_fini(&reader->merge);
    for (size_t i = 0; i < reader->stream_count && reader->lanes; i++)
        ctf_lane_fini(&reader->lanes[i]);
    free(reader->lanes);
    for (size_t i = 0; i < reader->stream_count; i++)
        ctf_stream_fini(&reader->streams[i]);
    free(reader->streams);
    for (size_t i = 0; i < reader->trace_count; i++)
        ctf_trace_destroy(reader->traces[i]);
    free(reader->traces);
    ctf_tree_fini(&reader->tree);
    free(reader);
}

/* ---- use ---- */

int ctf_next(struct ctf_reader *reader, struct ctf_event *event)
{
    return ctf_merge_next(&reader->merge, event);
}

struct losses ctf_losses(const struct ctf_reader *reader)
{
    struct losses losses = reader->losses;
    for (size_t i = 0; i < reader->stream_count; i++) {
        const struct ctf_stream *stream = &reader->streams[i];
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
    for (size_t i = 0; i < reader->stream_count; i++) {
        const struct ctf_tally *tally = &reader->streams[i].tally;
        for (size_t k = 0; k < CTF_TALLIES; k++)
            all.events[k] += tally->events[k];
        all.first_ns = tally->first_ns < all.first_ns ? tally->first_ns : all.first_ns;
        all.last_ns = tally->last_ns > all.last_ns ? tally->last_ns : all.last_ns;
    }
    return all;
}

int64_t ctf_clock_offset_ns(const struct ctf_reader *reader)
{
    return reader->clock_offset_ns;
}

void ctf_progress(const struct ctf_reader *reader, uint64_t *done, uint64_t *total)
{
    *done = 0;
    for (size_t i = 0; i < reader->stream_count; i++)
        *done += reader->lanes[i].done_bytes;
    *total = reader->total_bytes;
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
