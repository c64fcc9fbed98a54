/* See recording.h. Start reading at recording_open and recording_draw: one pass each, recording_pass.h. */
#include "collector/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/map_states.h"
#include "collector/analyses/timeline_relay.h"
#include "collector/capture_read.h"
#include "collector/page_list.h"
#include "collector/process_maps.h"
#include "collector/recording_pass.h"
#include "collector/symbolize/symbolize.h"
#include "support/helper.h"

static void note_time(struct recording *recording, uint64_t first_ns, uint64_t last_ns)
{
    if (recording->first_ns == 0 || first_ns < recording->first_ns)
        recording->first_ns = first_ns;
    if (last_ns > recording->last_ns)
        recording->last_ns = last_ns;
}

/* What was only counted. */
static void note_tally(struct recording *recording, const struct ctf_reader *reader)
{
    struct ctf_tally tally = ctf_tally(reader);
    recording->own_events += tally.events[PASS_TALLY_OURS];
    if (tally.first_ns <= tally.last_ns)
        note_time(recording, tally.first_ns, tally.last_ns);
}

/* What the kernel does is no process' doing, even where its context names one. */
static bool is_kernels(const struct event *event)
{
    return event->kind == EVENT_OTHER && event->other.is_kernel;
}

static int apply_first(struct pass *pass, const struct event *event)
{
    struct recording *recording = pass->recording;
    note_time(recording, event->time_ns, event->time_ns);
    recording->own_events += pass_is_ours(event->kind);
    uint64_t kind = EVENT_SET(event->kind);
    int error = 0;
    if (!is_kernels(event) && !process_table_knows(&recording->processes, event))
        error = process_table_apply(&recording->processes, event);
    if (!error && kind & CONTENTION_EVENTS)
        error = contention_apply(pass->contention, event);
    if (!error && kind & MAP_ANALYSES_EVENTS && pass->maps)
        error = map_analyses_apply(pass->maps, event);
    if (!error && kind & MAP_STATES_EVENTS && recording->map_states)
        error = map_states_apply(recording->map_states, event);
    return error;
}

/* What the reader knows at the end. */
static void note_reader(struct recording *recording, const struct ctf_reader *reader)
{
    note_tally(recording, reader);
    recording->losses = ctf_losses(reader);
    capture_add_losses(&recording->capture, &recording->losses);
    recording->clock_offset_ns = ctf_clock_offset_ns(reader);
    if (!recording->clock_offset_ns)
        recording->clock_offset_ns = recording->capture.clock_offset_ns;
}

/* A process that lives can be asked for what the trace does not tell yet. Its threads' names count from here on. */
static int ask_process(struct pass *pass, const struct lock_snapshot *snapshot)
{
    struct process_table *processes = &pass->recording->processes;
    const struct process *process = process_find(processes, snapshot->pid);
    int error = 0;
    if (!snapshot->has_ended && (!process || process->module_count == 0))
        error = process_maps_read(processes, snapshot->pid) == -ENOMEM ? -ENOMEM : 0;
    process = process_find(processes, snapshot->pid);
    for (size_t i = 0; process && i < process->thread_count && !error; i++) {
        const struct process_thread *thread = &process->threads[i];
        struct event named = {.kind = EVENT_THREAD_START,
                              .pid = snapshot->pid,
                              .tid = thread->tid,
                              .thread.name = {thread->name, (uint32_t)strlen(thread->name)}};
        error = contention_apply(pass->contention, &named);
    }
    return error;
}

/* The time of a recording without events is that of its pages. */
static void note_page(struct recording *recording, const struct lock_snapshot *snapshot)
{
    if (!recording->clock_offset_ns)
        recording->clock_offset_ns = snapshot->clock_offset_ns;
    if (recording->losses.events == 0)
        note_time(recording, snapshot->begin_ns, snapshot->at_ns);
}

/* What had not ended with the events. A process that lives goes on: its page is as of now. */
static int apply_pages(struct pass *pass, struct diag *diag)
{
    struct recording *recording = pass->recording;
    uint64_t end_ns = recording->capture.end_ns > recording->last_ns ? recording->capture.end_ns : recording->last_ns;
    int error = page_read_all(recording->path, end_ns, &recording->snapshots, pass_warn, pass, diag);
    for (size_t i = 0; i < recording->snapshots.count && !error; i++) {
        struct lock_snapshot *snapshot = &recording->snapshots.items[i];
        note_page(recording, snapshot);
        error = ask_process(pass, snapshot);
        if (!error)
            error = contention_apply_snapshot(pass->contention, snapshot);
    }
    return error;
}

static int first_pass(struct recording *recording, struct diag *diag)
{
    struct pass pass = {.recording = recording,
                        .apply = apply_first,
                        .expects_symbols = recording->options.expect_symbols,
                        .events = PROCESS_EVENTS | CONTENTION_EVENTS};
    int error = contention_create(recording->stacks, &pass.contention);
    if (!error && recording->options.find_lost_keys) {
        error = map_analyses_create(recording->stacks, &recording->findings, &pass.maps);
        pass.events |= MAP_ANALYSES_EVENTS;
        pass.needs_all = true;
    }
    if (!error && recording->options.keep_map_states) {
        error = map_states_create(&recording->map_states);
        pass.events |= MAP_STATES_EVENTS;
        pass.needs_all = true;
    }
    if (!error) {
        pass.helper = pass.needs_all ? helper_create() : NULL;
        error = pass_run(&pass, diag);
    }
    if (!error) {
        note_reader(recording, pass.reader);
        error = apply_pages(&pass, diag);
    }
    if (!error)
        error = contention_view_create(pass.contention, &recording->contention);
    if (!error) {
        recording->losses.dropped_by_runtime = recording->contention->totals.dropped;
        recording->losses.cut_stacks = stacks_count_cut(recording->stacks);
    }
    if (!error && pass.maps)
        error = map_analyses_finish(pass.maps, &recording->losses);
    if (!error)
        error = contention_view_name(recording->contention, recording->stacks, &recording->symbols, recording->last_ns);
    recording->contention_state = pass.contention; /* the view borrows names from it */
    pass.contention = NULL;
    pass_end(&pass);
    return error;
}

static int create(const char *path, const struct recording_options *options, struct recording **out)
{
    struct recording *recording = calloc(1, sizeof *recording);
    if (!recording)
        return -ENOMEM;
    recording->path = path;
    recording->capture = capture_read(path);
    if (options)
        recording->options = *options;
    process_table_init(&recording->processes);
    findings_init(&recording->findings);
    int error = stacks_create(&recording->stacks);
    if (!error)
        error = symbolizer_create(&recording->processes, &recording->symbolizer);
    if (error) {
        recording_close(recording);
        return error;
    }
    recording->symbols = symbolizer_symbols(recording->symbolizer);
    *out = recording;
    return 0;
}

static int explain_nothing(const struct recording *recording, struct diag *diag)
{
    if (recording->losses.unrecorded_processes)
        return diag_set(diag, -ENODATA,
                        "%s holds no mapscope event: of %" PRIu64
                        " processes nothing was recorded, because LTTng opened "
                        "no buffers for them; was /dev/shm too small?",
                        recording->path, recording->losses.unrecorded_processes);
    return diag_set(diag, -ENODATA,
                    "%s holds no mapscope event: the program used no map or lock of libmapscope, or was traced without "
                    "libmapscope-lttng",
                    recording->path);
}

int recording_open(const char *path, const struct recording_options *options, struct diag *diag, struct recording **out)
{
    struct recording *recording;
    int error = create(path, options, &recording);
    if (error)
        return diag_errno(diag, -error, "cannot read %s", path);
    error = first_pass(recording, diag);
    if (!error && recording->own_events == 0 && !lock_snapshots_blocked(&recording->snapshots))
        error = explain_nothing(recording, diag);
    if (error) {
        recording_close(recording);
        return error;
    }
    *out = recording;
    return 0;
}

void recording_close(struct recording *recording)
{
    if (!recording)
        return;
    contention_view_destroy(recording->contention);
    contention_destroy(recording->contention_state);
    map_states_destroy(recording->map_states);
    symbolizer_destroy(recording->symbolizer);
    stacks_destroy(recording->stacks);
    lock_snapshots_fini(&recording->snapshots);
    findings_fini(&recording->findings);
    process_table_fini(&recording->processes);
    free(recording);
}

static int apply_second(struct pass *pass, const struct event *event)
{
    return timeline_apply(pass->timeline, event);
}

/* A process that lives goes on waiting beyond a recording that has ended: that is not drawn. */
static int draw_pages(struct pass *pass)
{
    const struct recording *recording = pass->recording;
    uint64_t end_ns = recording->capture.end_ns;
    int error = 0;
    for (size_t i = 0; i < recording->snapshots.count && !error; i++) {
        const struct lock_snapshot *snapshot = &recording->snapshots.items[i];
        if (snapshot->wait_count)
            error = timeline_apply_snapshot(pass->timeline, snapshot, end_ns ? end_ns : snapshot->at_ns);
    }
    return error;
}

/* Behind the last event. What is drawn may borrow names from the timeline: so all of it arrives before that goes. */
static int finish_drawing(struct pass *pass, struct timeline_relay *relay)
{
    int error = draw_pages(pass);
    if (!error)
        error = timeline_finish(pass->timeline, pass->recording->last_ns);
    return error ? error : timeline_relay_finish(relay);
}

static int draw_into(struct recording *recording, struct timeline_relay *relay, struct helper *helper,
                     struct diag *diag)
{
    struct pass pass = {.recording = recording,
                        .helper = helper,
                        .apply = apply_second,
                        .events = EVENT_SET_ALL,
                        .needs_all = true,
                        .is_silent = true};
    struct timeline_options options = {
        .base_ns = recording->first_ns,
        .processes = &recording->processes,
        .symbols = &recording->symbols,
        .findings = &recording->findings,
        .losses = &recording->losses,
        .contention = recording->contention,
    };
    int error = timeline_create(timeline_relay_sink(relay), &options, &pass.timeline);
    int read_error = error ? 0 : pass_run(&pass, diag);
    if (!error && !read_error)
        error = finish_drawing(&pass, relay);
    if (error)
        diag_errno(diag, -error, "cannot draw %s", recording->path);
    timeline_relay_destroy(relay);
    pass_end(&pass);
    return error ? error : read_error;
}

int recording_draw(struct recording *recording, const struct timeline_sink *sink, struct diag *diag)
{
    struct helper *helper = helper_create();
    struct timeline_relay *relay;
    int error = timeline_relay_create(sink, helper, &relay);
    if (!error)
        return draw_into(recording, relay, helper, diag);
    helper_destroy(helper);
    return diag_errno(diag, -error, "cannot draw %s", recording->path);
}
