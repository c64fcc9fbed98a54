/* See sources.h. Start at ctf_sources_open. */
#include "collector/ctf/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctf/known.h"
#include "collector/ctf/metadata.h"
#include "support/vec.h"

enum { KEPT_OPEN_MAX = 256, UUID_BYTES = 16 };

/* Files while they wait to be grouped into streams. */
struct file_list {
    struct ctf_file *files; /* owned */
    size_t count, capacity;
};

/* ---- leaves ---- */

static int load_trace(struct ctf_sources *sources, const struct ctf_leaf *leaf, struct diag *cause,
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
    error = ctf_trace_create(text, length, &sources->class_count, cause, out);
    free(text);
    return error ? diag_wrap(cause, error, "%s/metadata", leaf->path) : 0;
}

static int keep_trace(struct ctf_sources *sources, struct ctf_trace *trace)
{
    if (VEC_RESERVE(sources->traces, sources->trace_count, sources->trace_capacity, 1)) {
        ctf_trace_destroy(trace);
        return -ENOMEM;
    }
    sources->traces[sources->trace_count++] = trace;
    return 0;
}

/* Finds the file's first packet. 0 also when there is none: the file is counted and left out then. */
static int add_file(struct ctf_sources *sources, const struct ctf_trace *trace, const struct ctf_leaf_file *found,
                    struct ctf_window *window, struct file_list *list)
{
    struct ctf_file file = {.path = found->path, .trace = trace, .size = found->size};
    sources->total_bytes += file.size;
    int state = ctf_file_next(&file, window, &sources->report);
    if (state == -ENOMEM)
        return state;
    if (state == 1) {
        int error = VEC_RESERVE(list->files, list->count, list->capacity, 1);
        if (!error)
            list->files[list->count++] = file;
        return error;
    }
    sources->losses.skipped_streams++;
    ctf_warn(&sources->report, "%s: skipped, %s", file.path, state ? strerror(-state) : "no packet in it");
    return 0;
}

static int add_files(struct ctf_sources *sources, const struct ctf_trace *trace, const struct ctf_leaf *leaf,
                     struct file_list *list)
{
    struct ctf_window window;
    ctf_window_init(&window);
    int error = 0;
    for (size_t i = 0; i < leaf->file_count && !error; i++)
        error = add_file(sources, trace, &leaf->files[i], &window, list);
    ctf_window_fini(&window);
    return error;
}

static void skip_leaf(struct ctf_sources *sources, const char *why)
{
    sources->losses.skipped_traces++;
    ctf_warn(&sources->report, "trace skipped: %s", why);
}

/* A file of a leaf without metadata: an enum ctf_known_result, or -ENOMEM. */
static int add_known_file(struct ctf_sources *sources, struct ctf_known *known, const struct ctf_leaf_file *found,
                          struct ctf_window *window, struct file_list *list)
{
    struct ctf_trace *trace;
    int result = ctf_known_explain(known, found, &trace), error = 0;
    if (result == KNOWN_FIRST) {
        trace->is_known = true;
        error = keep_trace(sources, trace);
    }
    if (!error && result >= KNOWN_FIRST)
        error = add_file(sources, trace, found, window, list);
    return error ? error : result;
}

/* How many of the leaf's files were tried, by what came of it. 0 or -ENOMEM. */
static int add_known_files(struct ctf_sources *sources, const struct ctf_leaf *leaf, struct file_list *list,
                           unsigned counts[KNOWN_AGAIN + 1])
{
    struct ctf_known known;
    struct ctf_window window;
    int state = ctf_known_init(&known, sources->known_texts, &sources->class_count);
    ctf_window_init(&window);
    for (size_t i = 0; i < leaf->file_count && state >= 0; i++) {
        state = add_known_file(sources, &known, &leaf->files[i], &window, list);
        if (state >= 0)
            counts[state]++;
    }
    ctf_window_fini(&window);
    ctf_known_fini(&known);
    return state < 0 ? state : 0;
}

/* `cause` is why its own metadata cannot be used. */
static int add_leaf_without_metadata(struct ctf_sources *sources, const struct ctf_leaf *leaf, struct diag *cause,
                                     struct file_list *list)
{
    unsigned counts[KNOWN_AGAIN + 1] = {0};
    int error = add_known_files(sources, leaf, list, counts);
    if (error)
        return error;
    unsigned known = counts[KNOWN_FIRST] + counts[KNOWN_AGAIN], unknown = counts[KNOWN_NOTHING];
    if (known == 0) {
        skip_leaf(sources, diag_text(cause));
        return 0;
    }
    sources->losses.known_traces++;
    sources->losses.skipped_streams += unknown;
    ctf_warn(&sources->report, "%s; its events are read as this mapscope records them%s", diag_text(cause),
             unknown ? ", but for streams that are not like that" : "");
    return 0;
}

static int add_leaf(struct ctf_sources *sources, const struct ctf_leaf *leaf, struct file_list *list)
{
    struct diag cause;
    struct ctf_trace *trace;
    diag_init(&cause);
    int error = load_trace(sources, leaf, &cause, &trace);
    bool is_usable = !error;
    if (error && error != -ENOMEM)
        error = add_leaf_without_metadata(sources, leaf, &cause, list);
    diag_fini(&cause);
    if (!is_usable)
        return error;
    error = keep_trace(sources, trace);
    if (error)
        return error;
    if (trace->refused_classes)
        ctf_warn(&sources->report, "%s: %zu event classes cannot be read, the first is %s", leaf->path,
                 trace->refused_classes, trace->refused_name);
    return add_files(sources, trace, leaf, list);
}

static int add_leaves(struct ctf_sources *sources, struct file_list *list)
{
    int error = 0;
    for (size_t i = 0; i < sources->tree.count && !error; i++)
        error = add_leaf(sources, &sources->tree.leaves[i], list);
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
static int64_t clock_offset_ns(const struct ctf_sources *sources, const struct ctf_trace *trace)
{
    int64_t earliest = epoch_offset_ns(trace);
    for (size_t i = 0; i < sources->trace_count; i++) {
        const struct ctf_trace *other = sources->traces[i];
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
static void align_clocks(struct ctf_sources *sources)
{
    bool is_known = false;
    for (size_t i = 0; i < sources->trace_count; i++) {
        int64_t offset = epoch_offset_ns(sources->traces[i]);
        if (sources->traces[i]->is_known || (is_known && offset >= sources->clock_offset_ns))
            continue;
        sources->clock_offset_ns = offset;
        is_known = true;
    }
    for (size_t i = 0; i < sources->trace_count; i++) {
        struct ctf_trace *trace = sources->traces[i];
        if (!trace->is_known)
            trace->shift_ns = (int64_t)((uint64_t)clock_offset_ns(sources, trace) - (uint64_t)sources->clock_offset_ns);
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

static int add_stream(struct ctf_sources *sources, const struct ctf_file *files, size_t count)
{
    struct ctf_file *copy = malloc(count * sizeof *copy);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, files, count * sizeof *copy);
    ctf_stream_init(&sources->streams[sources->stream_count], (uint32_t)sources->stream_count, copy, count,
                    &sources->report);
    sources->stream_count++;
    return 0;
}

static int group_files(struct ctf_sources *sources, struct file_list *list)
{
    sources->streams = aligned_alloc(CTF_APART_BYTES, (list->count + 1) * sizeof *sources->streams);
    if (!sources->streams)
        return -ENOMEM;
    if (list->count)
        qsort(list->files, list->count, sizeof *list->files, by_identity);
    int error = 0;
    for (size_t from = 0, count; from < list->count && !error; from += count) {
        count = count_same(list, from);
        error = add_stream(sources, &list->files[from], count);
    }
    for (size_t i = 0; i < sources->stream_count; i++)
        sources->streams[i].window.close_after = sources->stream_count > KEPT_OPEN_MAX;
    return error;
}

/* ---- all of it ---- */

static int plan_records(struct ctf_sources *sources, const struct ctf_options *options)
{
    int error = 0;
    for (size_t i = 0; i < sources->trace_count && !error; i++)
        error = ctf_trace_plan(sources->traces[i], options);
    return error;
}

static int open_traces(struct ctf_sources *sources, const struct ctf_options *options)
{
    struct file_list list = {0};
    int error = add_leaves(sources, &list);
    if (!error)
        error = plan_records(sources, options);
    if (!error) {
        align_clocks(sources);
        error = group_files(sources, &list);
    }
    free(list.files);
    return error;
}

int ctf_sources_open(struct ctf_sources *sources, const char *path, const struct ctf_options *options,
                     struct diag *diag)
{
    sources->report = (struct ctf_report){options->warn, options->self};
    sources->known_texts = options->known;
    int error = ctf_tree_walk(path, &sources->report, diag, &sources->tree);
    if (!error && sources->tree.count == 0)
        error = diag_set(diag, -ENODATA, "there is no trace below %s", path);
    if (error)
        return error;
    sources->losses.skipped_traces = sources->tree.unreadable;
    error = open_traces(sources, options);
    return error ? diag_errno(diag, -error, "cannot read %s", path) : 0;
}

void ctf_sources_close(struct ctf_sources *sources)
{
    for (size_t i = 0; i < sources->stream_count; i++)
        ctf_stream_fini(&sources->streams[i]);
    free(sources->streams);
    for (size_t i = 0; i < sources->trace_count; i++)
        ctf_trace_destroy(sources->traces[i]);
    free(sources->traces);
    ctf_tree_fini(&sources->tree);
}
