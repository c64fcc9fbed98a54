/*
 * See timeline_parts.h: slices whose begin and end are two events, as a stack for each thread. Regions and
 * deferred actions nest by how programs are written; where an end is missing, or two cross, the inner one
 * ends with the outer one and says that it is unfinished.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"
#include "support/vec.h"

static void free_names(struct timeline_frame *frame)
{
    free(frame->owned_name);
    free(frame->owned_category);
}

static int open_twin(struct timeline_builder *timeline, const struct timeline_thread *thread,
                     struct timeline_frame *frame)
{
    if (!frame->map)
        return 0;
    int error = timeline_group_row(timeline, &frame->map->group, TIMELINE_CLEANUP, thread->row.tid, &frame->twin);
    if (!error)
        error = nest_open(&frame->twin->nest, &frame->twin_begin_ns);
    if (!error)
        frame->map->pins++;
    return error;
}

/* Its twin cannot be too deep if the frame is not: it lies under fewer slices. */
static int open_frame(struct timeline_builder *timeline, struct timeline_thread *thread, struct timeline_frame *frame)
{
    int error = VEC_RESERVE(thread->frames, thread->frame_count, thread->frame_capacity, 1);
    frame->twin_begin_ns = frame->begin_ns;
    if (!error)
        error = nest_open(&thread->row.nest, &frame->begin_ns);
    if (!error)
        error = open_twin(timeline, thread, frame);
    if (!error)
        thread->frames[thread->frame_count++] = *frame;
    return error;
}

int timeline_frame_open(struct timeline_builder *timeline, struct timeline_thread *thread, struct timeline_frame *frame,
                        bool *opened)
{
    int error = open_frame(timeline, thread, frame);
    *opened = !error;
    if (error)
        free_names(frame);
    if (error == -EOVERFLOW) {
        timeline->stats.dropped++;
        return 0;
    }
    return error;
}

static void add_frame_args(const struct timeline_frame *frame, bool unfinished, struct timeline_args *args)
{
    const struct timeline_action *action = &frame->action;
    timeline_arg(args, TIMELINE_ARG_COUNT, frame->iter.count);
    timeline_arg(args, TIMELINE_ARG_VISITED, frame->iter.visited);
    timeline_arg(args, TIMELINE_ARG_GREW, frame->iter.grew);
    timeline_arg(args, TIMELINE_ARG_MUTATED, frame->iter.mutated);
    timeline_arg(args, TIMELINE_ARG_KEY_ID, action->key_id);
    timeline_arg(args, TIMELINE_ARG_VERSION_AT_PUSH, action->version);
    timeline_arg_text(args, TIMELINE_ARG_PUSHED_BY, action->pusher ? action->pusher->who : NULL);
    timeline_arg_text(args, TIMELINE_ARG_PUSHED_IN, action->push_site);
    timeline_arg(args, TIMELINE_ARG_TRUNCATED, frame->truncated);
    timeline_arg(args, TIMELINE_ARG_UNFINISHED, unfinished);
}

static int close_row(struct timeline_row *row, uint64_t begin_ns, uint64_t end_ns, struct timeline_span *out)
{
    *out = (struct timeline_span){.begin_ns = begin_ns, .end_ns = end_ns};
    return nest_close(&row->nest, &out->end_ns);
}

/* The flow arrives at the twin, where there is one. */
static int put_frame(struct timeline_builder *timeline, struct timeline_thread *thread,
                     const struct timeline_frame *frame, uint64_t end_ns, bool unfinished)
{
    struct timeline_span span, twin_span;
    int error = close_row(&thread->row, frame->begin_ns, end_ns, &span);
    if (!error && frame->map)
        error = close_row(frame->twin, frame->twin_begin_ns, end_ns, &twin_span);
    if (error)
        return error;
    struct timeline_args args;
    struct timeline_slice slice = {.name = frame->name,
                                   .category = frame->category,
                                   .flow_id = frame->flow_id,
                                   .flow = frame->flow_id ? TIMELINE_FLOW_IN : TIMELINE_FLOW_NONE,
                                   .is_lasting = !frame->owned_name};
    timeline_args_init(&args);
    add_frame_args(frame, unfinished, &args);
    if (!frame->map)
        return timeline_put_slice(timeline, &thread->row, &span, &args, &slice);
    return timeline_put_twice(timeline, &thread->row, &span, frame->twin, &twin_span, &args, &slice);
}

/* Ends the innermost frame. */
static int close_top(struct timeline_builder *timeline, struct timeline_thread *thread, uint64_t end_ns,
                     bool unfinished)
{
    struct timeline_frame *frame = &thread->frames[--thread->frame_count];
    timeline->stats.unfinished += unfinished;
    int error = put_frame(timeline, thread, frame, end_ns, unfinished);
    if (frame->map) {
        if (!error)
            error = timeline_put_pending(timeline, frame->map, &frame->action, frame->name, frame->begin_ns, end_ns);
        int unpin_error = timeline_map_unpin(timeline, frame->map);
        error = error ? error : unpin_error;
    }
    free_names(frame);
    return error;
}

const struct timeline_frame *timeline_frame_find(const struct timeline_thread *thread, enum timeline_frame_kind kind,
                                                 uint64_t id)
{
    for (size_t at = thread->frame_count; at > 0; at--)
        if (thread->frames[at - 1].kind == kind && thread->frames[at - 1].id == id)
            return &thread->frames[at - 1];
    return NULL;
}

int timeline_frame_close(struct timeline_builder *timeline, struct timeline_thread *thread,
                         enum timeline_frame_kind kind, uint64_t id, uint64_t end_ns)
{
    const struct timeline_frame *frame = timeline_frame_find(thread, kind, id);
    if (!frame) {
        timeline->stats.unmatched++;
        return 0;
    }
    size_t at = (size_t)(frame - thread->frames);
    int error = 0;
    while (!error && thread->frame_count > at)
        error = close_top(timeline, thread, end_ns, thread->frame_count > at + 1);
    return error;
}

int timeline_frames_end(struct timeline_builder *timeline, struct timeline_thread *thread, uint64_t end_ns)
{
    int error = 0;
    while (!error && thread->frame_count)
        error = close_top(timeline, thread, end_ns, true);
    return error;
}

/* Without a finish there may be maps that only their pins keep. */
static void abandon_frame(struct timeline_frame *frame)
{
    free_names(frame);
    if (frame->map && --frame->map->pins == 0 && frame->map->is_freed)
        timeline_map_destroy(frame->map);
}

void timeline_thread_destroy(struct timeline_thread *thread)
{
    if (!thread)
        return;
    for (size_t i = 0; i < thread->frame_count; i++)
        abandon_frame(&thread->frames[i]);
    free(thread->frames);
    free(thread->label);
    free(thread->who);
    nest_fini(&thread->row.nest);
    free(thread);
}

static int region_begin(struct timeline_builder *timeline, struct timeline_thread *thread, const struct event *event)
{
    const struct event_note *note = &event->note;
    struct event_text name = note->message.length ? note->message : note->category;
    struct timeline_frame frame = {.kind = TIMELINE_REGION,
                                   .id = note->id,
                                   .begin_ns = event->time_ns,
                                   .truncated = note->truncated,
                                   .owned_name = timeline_text(name),
                                   .owned_category = timeline_text(note->category)};
    if (!frame.owned_name || !frame.owned_category) {
        free_names(&frame);
        return -ENOMEM;
    }
    frame.name = frame.owned_name[0] ? frame.owned_name : "region";
    frame.category = frame.owned_category;
    bool opened;
    return timeline_frame_open(timeline, thread, &frame, &opened);
}

int timeline_region_event(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (error)
        return error;
    if (event->kind == EVENT_REGION_BEGIN)
        return region_begin(timeline, thread, event);
    return timeline_frame_close(timeline, thread, TIMELINE_REGION, event->note.id, event->time_ns);
}

static int iteration_begin(struct timeline_builder *timeline, struct timeline_thread *thread, const struct event *event)
{
    struct timeline_map *map;
    int error = timeline_map_get(timeline, event->pid, &event->map_iter.map, &map);
    if (error)
        return error;
    struct timeline_frame frame = {.kind = TIMELINE_ITERATION,
                                   .id = event->map_iter.iter,
                                   .begin_ns = event->time_ns,
                                   .name = map->op_names[TIMELINE_ITERATE],
                                   .category = "map",
                                   .iter = event->map_iter};
    bool opened;
    return timeline_frame_open(timeline, thread, &frame, &opened);
}

/* An iteration may be ended by another thread, or not in the order of its begin: then it is unfinished. */
int timeline_iteration_event(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (error)
        return error;
    if (event->kind == EVENT_MAP_ITER_BEGIN)
        return iteration_begin(timeline, thread, event);
    for (size_t i = 0; i < thread->frame_count; i++)
        if (thread->frames[i].kind == TIMELINE_ITERATION && thread->frames[i].id == event->map_iter.iter)
            thread->frames[i].iter = event->map_iter;
    return timeline_frame_close(timeline, thread, TIMELINE_ITERATION, event->map_iter.iter, event->time_ns);
}
