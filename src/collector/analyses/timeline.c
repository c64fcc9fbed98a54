/*
 * See timeline.h, and timeline_parts.h for the parts. Here: each event to its part, instants, and
 * what is written at the end.
 */
#include "collector/analyses/timeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/analyses/timeline_parts.h"
#include "support/strtab.h"

struct pid_id {
    uint64_t pid, id;
};

int timeline_create(const struct timeline_sink *sink, const struct timeline_options *options,
                    struct timeline_builder **out)
{
    struct timeline_builder *timeline = calloc(1, sizeof *timeline);
    if (!timeline)
        return -ENOMEM;
    timeline->sink = *sink;
    timeline->options = *options;
    timeline->now_ns = options->base_ns;
    timeline->next_pid = TIMELINE_SYNTHETIC_PID + 1; /* the first one stands for pid 0 */
    timeline->next_flow = TIMELINE_FLOW_FIRST;
    hashmap_init(&timeline->processes, sizeof(uint32_t), sizeof(struct timeline_process));
    hashmap_init(&timeline->threads, 2 * sizeof(uint32_t), sizeof(struct timeline_thread *));
    hashmap_init(&timeline->maps, sizeof(struct timeline_object_key), sizeof(struct timeline_map *));
    hashmap_init(&timeline->locks, sizeof(struct timeline_object_key), sizeof(struct timeline_lock *));
    hashmap_init(&timeline->signals, sizeof(struct timeline_object_key), sizeof(struct timeline_signals));
    hashmap_init(&timeline->lock_titles, sizeof(struct timeline_object_key), sizeof(const char *));
    hashmap_init(&timeline->actions, sizeof(struct pid_id), sizeof(struct timeline_action));
    timeline_names_init(timeline);
    int error = strtab_create(&timeline->titles);
    if (!error)
        error = timeline_lock_titles_init(timeline);
    if (!error)
        error = timeline_stories_init(timeline);
    if (error)
        timeline_destroy(timeline);
    else
        *out = timeline;
    return error;
}

/* Threads first: their open frames hold on to maps. */
void timeline_destroy(struct timeline_builder *timeline)
{
    if (!timeline)
        return;
    const void *key;
    void *value;
    for (size_t at = 0; hashmap_next(&timeline->threads, &at, &key, &value);)
        timeline_thread_destroy(*(struct timeline_thread **)value);
    for (size_t at = 0; hashmap_next(&timeline->maps, &at, &key, &value);)
        timeline_map_destroy(*(struct timeline_map **)value);
    for (size_t at = 0; hashmap_next(&timeline->locks, &at, &key, &value);)
        timeline_lock_destroy(*(struct timeline_lock **)value);
    hashmap_fini(&timeline->processes);
    hashmap_fini(&timeline->threads);
    hashmap_fini(&timeline->maps);
    hashmap_fini(&timeline->locks);
    hashmap_fini(&timeline->signals);
    hashmap_fini(&timeline->lock_titles);
    hashmap_fini(&timeline->actions);
    hashmap_fini(&timeline->lost);
    hashmap_fini(&timeline->sites);
    strtab_destroy(timeline->titles);
    free(timeline);
}

/* A log line or a variant. */
static int note_event(struct timeline_builder *timeline, const struct event *event)
{
    const struct event_note *note = &event->note;
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (error)
        return error;
    char *message = timeline_text(note->message);
    char *category = timeline_text(note->category);
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_ID, note->id);
    timeline_arg(&args, TIMELINE_ARG_TRUNCATED, note->truncated);
    error = -ENOMEM;
    if (message && category)
        error = timeline_put_instant(timeline, &thread->row, event->time_ns, message[0] ? message : "(empty)", category,
                                     &args);
    free(message);
    free(category);
    return error;
}

static int fault_event(struct timeline_builder *timeline, const struct event *event)
{
    /* docs/events.md, map_fault.kind */
    static const char *const names[] = {
        "fault", "concurrent write", "read and write", "iterate and write", "write to a nil map", "unhashable key"};
    const struct event_map_fault *fault = &event->map_fault;
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (error)
        return error;
    const char *site;
    error = timeline_site(timeline, event, &site);
    if (error)
        return error;
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_MAP, fault->map.address);
    timeline_arg(&args, TIMELINE_ARG_KEY_ID, fault->key_id);
    timeline_arg(&args, TIMELINE_ARG_OTHER_THREAD, fault->other_tid);
    timeline_arg_text(&args, TIMELINE_ARG_SITE, site);
    const char *name = names[fault->kind < sizeof names / sizeof *names ? fault->kind : 0];
    return timeline_put_instant(timeline, &thread->row, event->time_ns, name, "fault", &args);
}

/* What a flavour of map tells of itself, in the row of the thread that it happened to. */
static int flavour_event(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (error)
        return error;
    const char *name = "promotion";
    struct timeline_args args;
    timeline_args_init(&args);
    if (event->kind == EVENT_SYNCMAP_PROMOTE) {
        timeline_arg(&args, TIMELINE_ARG_MAP, event->syncmap_promote.map.address);
        timeline_arg(&args, TIMELINE_ARG_MISSES, event->syncmap_promote.misses);
        timeline_arg(&args, TIMELINE_ARG_DIRTY_LEN, event->syncmap_promote.dirty_len);
    } else if (event->kind == EVENT_MAP_WRITER_TIMEOUT) {
        name = "write timed out";
        timeline_arg(&args, TIMELINE_ARG_MAP, event->map_writer_timeout.map.address);
        timeline_arg(&args, TIMELINE_ARG_KEY_ID, event->map_writer_timeout.key_id);
        timeline_arg(&args, TIMELINE_ARG_WAITED_NS, event->map_writer_timeout.waited_ns);
    } else {
        name = "stalled by a reader";
        timeline_arg(&args, TIMELINE_ARG_READER, event->reclaim_stall.reader_tid);
        timeline_arg(&args, TIMELINE_ARG_PENDING_BYTES, event->reclaim_stall.pending_bytes);
        timeline_arg(&args, TIMELINE_ARG_WAITED_NS, event->reclaim_stall.waited_ns);
    }
    return timeline_put_instant(timeline, &thread->row, event->time_ns, name, "map", &args);
}

/* Its tid may come back as another thread. */
static int thread_exit(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (!error)
        error = timeline_frames_end(timeline, thread, event->time_ns);
    if (!error)
        nest_restart(&thread->row.nest, event->time_ns);
    return error;
}

int timeline_apply(struct timeline_builder *timeline, const struct event *event)
{
    if (event->time_ns > timeline->now_ns)
        timeline->now_ns = event->time_ns;
    switch (event->kind) {
    case EVENT_MAP_ALLOC:
    case EVENT_MAP_INVENTORY:
    case EVENT_MAP_FREE:
    case EVENT_MAP_GROW:
    case EVENT_MAP_GROW_END:
        return timeline_map_event(timeline, event);
    case EVENT_MAP_ASSIGN:
    case EVENT_MAP_ACCESS:
    case EVENT_MAP_DELETE:
    case EVENT_MAP_CLEAR:
        return timeline_op_event(timeline, event);
    case EVENT_DEFER_PUSH:
    case EVENT_DEFER_RUN_BEGIN:
    case EVENT_DEFER_RUN_END:
        return timeline_action_event(timeline, event);
    case EVENT_MAP_ITER_BEGIN:
    case EVENT_MAP_ITER_END:
        return timeline_iteration_event(timeline, event);
    case EVENT_LOCK_WAIT:
    case EVENT_LOCK_RELEASE:
    case EVENT_LOCK_HOLD:
        return timeline_lock_event(timeline, event);
    case EVENT_COND_SIGNAL:
        return timeline_signal_event(timeline, event);
    case EVENT_REGION_BEGIN:
    case EVENT_REGION_END:
        return timeline_region_event(timeline, event);
    case EVENT_LOG:
    case EVENT_VARIANT:
        return note_event(timeline, event);
    case EVENT_MAP_FAULT:
        return fault_event(timeline, event);
    case EVENT_SYNCMAP_PROMOTE:
    case EVENT_MAP_WRITER_TIMEOUT:
    case EVENT_RECLAIM_STALL:
        return flavour_event(timeline, event);
    case EVENT_THREAD_EXIT:
        return thread_exit(timeline, event);
    case EVENT_MODULE_LOAD:
    case EVENT_MODULE_UNLOAD:
        timeline_forget_functions(timeline);
        return 0;
    case EVENT_OTHER:
        return timeline_other_event(timeline, event);
    default:
        return 0;
    }
}

static int put_fact(struct timeline_builder *timeline, const char *key, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    return number ? timeline->sink.metadata(timeline->sink.self, key, text) : 0;
}

/* What is not in the timeline, and why. */
static int put_facts(struct timeline_builder *timeline)
{
    static const struct losses none;
    const struct timeline_stats *stats = &timeline->stats;
    const struct losses *losses = timeline->options.losses ? timeline->options.losses : &none;
    const struct {
        const char *key;
        uint64_t number;
    } facts[] = {
        {"events", losses->events},
        {"lost_events", losses->discarded_events},
        {"lost_packets", losses->lost_packets},
        {"damaged_packets", losses->damaged_packets},
        {"skipped_streams", losses->skipped_streams},
        {"skipped_traces", losses->skipped_traces},
        {"unrecorded_processes", losses->unrecorded_processes},
        {"known_traces", losses->known_traces},
        {"dropped_by_runtime", losses->dropped_by_runtime},
        {"cut_stacks", losses->cut_stacks},
        {"slices_cut", stats->cut},
        {"slices_unfinished", stats->unfinished},
        {"slices_dropped", stats->dropped},
        {"ends_without_begin", stats->unmatched},
    };
    const char *end = losses_end_text(losses->end);
    int error = end ? timeline->sink.metadata(timeline->sink.self, "recording", end) : 0;
    for (size_t i = 0; !error && i < sizeof facts / sizeof *facts; i++)
        error = put_fact(timeline, facts[i].key, facts[i].number);
    return error;
}

static int end_frames(struct timeline_builder *timeline)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&timeline->threads, &at, &key, &value);)
        error = timeline_frames_end(timeline, *(struct timeline_thread **)value, timeline->now_ns);
    return error;
}

/* The viewer begins where the first event is: so that its times are the report's, there is one at 0. */
static int mark_zero(struct timeline_builder *timeline)
{
    static const struct timeline_args none;
    const struct timeline_thread *thread = timeline->first_thread;
    if (timeline->is_zero_marked || !thread)
        return 0;
    return timeline_put_instant(timeline, &thread->row, timeline->options.base_ns, "recording begins", "note", &none);
}

int timeline_finish(struct timeline_builder *timeline, uint64_t end_ns)
{
    if (end_ns > timeline->now_ns)
        timeline->now_ns = end_ns;
    int error = end_frames(timeline);
    if (!error)
        error = timeline_actions_finish(timeline);
    if (!error)
        error = timeline_maps_finish(timeline);
    if (!error)
        error = timeline_locks_finish(timeline);
    if (!error)
        error = timeline_signals_finish(timeline);
    if (!error)
        error = mark_zero(timeline);
    if (!error)
        error = timeline_name_threads(timeline);
    if (!error)
        error = timeline_name_kernel(timeline);
    return error ? error : put_facts(timeline);
}

struct timeline_stats timeline_stats(const struct timeline_builder *timeline)
{
    return timeline->stats;
}
