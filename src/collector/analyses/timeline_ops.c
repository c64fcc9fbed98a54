/*
 * See timeline_parts.h: operations on the keys of a map, on the thread's row and on the map's group. An
 * assign waits in `held` until its key is assigned again or removed: only then is it known whether a flow
 * leaves it, and how long its version of the entry lasted (timeline_held.c). Within a map `seq` orders, not the stamp.
 */
#include <errno.h>
#include <stdlib.h>

#include "collector/analyses/key_text.h"
#include "collector/analyses/timeline_parts.h"

/* An operation, and what it is about. */
struct subject {
    const struct event *event;
    const struct event_map_op *op;
    struct timeline_map *map;
    struct timeline_thread *thread;
    const char *site;
};

/* How it is drawn: the same on each of its rows. */
struct drawing {
    struct timeline_args args;
    struct timeline_slice slice;
    char name[TIMELINE_OP_NAME_BYTES];
};

static void describe(const struct subject *subject, enum timeline_op op, const char *key, struct drawing *drawing)
{
    const struct event_map_op *told = subject->op;
    struct timeline_args *args = &drawing->args;
    timeline_args_init(args);
    timeline_arg_change(args, told->key_id, told->version, told->seq);
    timeline_arg(args, TIMELINE_ARG_COUNT, op == TIMELINE_CLEAR ? told->count : 0);
    timeline_arg(args, TIMELINE_ARG_INSERTED, op == TIMELINE_ASSIGN && !told->found);
    timeline_arg(args, TIMELINE_ARG_MISSED, (op == TIMELINE_MISS || op == TIMELINE_DELETE) && !told->found);
    timeline_arg_text(args, TIMELINE_ARG_SITE, subject->site);
    drawing->slice = (struct timeline_slice){
        .name = timeline_name_op(subject->map, op, key, drawing->name), .category = "map", .is_lasting = !key};
}

static int fit(struct timeline_builder *timeline, const struct subject *subject, struct timeline_row *row,
               struct timeline_span *span)
{
    return timeline_fit(timeline, row, subject->op->begin_ns, subject->op->end_ns, span);
}

static int put_on_thread(struct timeline_builder *timeline, const struct subject *subject, struct drawing *drawing)
{
    struct timeline_row *row = &subject->thread->row;
    struct timeline_span span;
    int error = fit(timeline, subject, row, &span);
    return error ? error : timeline_put_slice(timeline, row, &span, &drawing->args, &drawing->slice);
}

static int draw(struct timeline_builder *timeline, const struct subject *subject, enum timeline_op op, const char *key)
{
    struct drawing drawing;
    describe(subject, op, key, &drawing);
    return put_on_thread(timeline, subject, &drawing);
}

/* What is known of the key by its text; the look-up only where texts were recorded. */
static const char *text_of(const struct timeline_map *map, uint64_t key_id, const struct timeline_held *held)
{
    if (held && held->key)
        return held->key;
    const struct timeline_story *story = timeline_story_of(map, key_id);
    return story ? story->key : NULL;
}

static int access_key(struct timeline_builder *timeline, const struct subject *subject)
{
    const struct timeline_map *map = subject->map;
    const struct event_map_op *op = subject->op;
    const struct timeline_held *held = map->has_keys && op->found ? hashmap_find(&map->held, &op->key_id) : NULL;
    enum timeline_op what = op->found ? TIMELINE_ACCESS : TIMELINE_MISS;
    return draw(timeline, subject, what, text_of(map, op->key_id, held));
}

/* The place where the key's last assign is held; a new one knows the key's text as long as the key is live. */
static struct timeline_held *hold_key(struct timeline_map *map, const struct event_map_op *op, bool *is_new)
{
    struct timeline_held *held = hashmap_put(&map->held, &op->key_id, is_new);
    if (!held || held->key || !op->key.length)
        return held;
    map->has_keys = true;
    held->key = key_text(op->key);
    return held->key ? held : NULL;
}

/* Replaces what is held by the assign that comes in; if that comes late, it is replaced already. */
static int replace(struct timeline_builder *timeline, const struct event_map_op *op, struct timeline_map *map,
                   struct timeline_held *held, const struct timeline_held *incoming)
{
    bool is_late = incoming->seq < held->seq;
    const struct timeline_held *old = is_late ? incoming : held, *next = is_late ? held : incoming;
    struct timeline_ending ending = {.time_ns = next->span.begin_ns, .what = "assigned over it", .by = next->by};
    int error = timeline_put_held(timeline, map, op->key_id, old, &ending, 0);
    if (!is_late)
        *held = *incoming;
    return error;
}

static int hold(struct timeline_builder *timeline, const struct subject *subject, struct timeline_held *held,
                bool is_new)
{
    struct timeline_map *map = subject->map;
    const struct event_map_op *op = subject->op;
    struct timeline_row *row;
    struct timeline_span span;
    int error = timeline_group_row(timeline, &map->group, TIMELINE_ASSIGNS, subject->event->tid, &row);
    if (!error)
        error = fit(timeline, subject, row, &span);
    if (error)
        return error;
    struct timeline_held incoming = {.row = row,
                                     .span = span,
                                     .version = op->version,
                                     .seq = op->seq,
                                     .site = subject->site,
                                     .by = subject->thread,
                                     .key = held->key,
                                     .inserted = !op->found};
    if (is_new)
        *held = incoming;
    else
        error = replace(timeline, op, map, held, &incoming);
    return error || op->found ? error : timeline_count_entries(timeline, map, map->entries + op->rate, span.end_ns);
}

static int assign(struct timeline_builder *timeline, const struct subject *subject)
{
    bool is_new;
    struct timeline_held *held = hold_key(subject->map, subject->op, &is_new);
    if (!held)
        return -ENOMEM;
    int error = draw(timeline, subject, TIMELINE_ASSIGN, held->key);
    return error ? error : hold(timeline, subject, held, is_new);
}

/* A deletion on its way to being drawn. */
struct removal {
    const struct subject *subject;
    const struct timeline_action *action; /* bound to this map, that it runs in; its twin is open on the cleanup row */
    const struct finding *finding;
    struct timeline_held held; /* what it removed, if is_held: its key is owned */
    bool is_held;
    enum timeline_op op;
    struct timeline_row *row; /* where its flows arrive: the cleanup row, inside its action's slice, or the thread's */
    struct timeline_span span;
    struct timeline_span on_thread; /* if `row` is the cleanup row */
    struct drawing drawing;
};

static const struct timeline_action *cleanup_of(const struct subject *subject)
{
    uint64_t id = subject->op->action;
    const struct timeline_frame *frame = id ? timeline_frame_find(subject->thread, TIMELINE_ACTION, id) : NULL;
    return frame && frame->map == subject->map ? &frame->action : NULL;
}

/* Takes what is held out, unless it was assigned after this deletion. */
static void take_held(struct removal *removal)
{
    const struct event_map_op *op = removal->subject->op;
    struct hashmap *all = &removal->subject->map->held;
    struct timeline_held *held = op->found ? hashmap_find(all, &op->key_id) : NULL;
    if (!held || held->seq > op->seq)
        return;
    removal->held = *held;
    removal->is_held = true;
    hashmap_remove(all, &op->key_id);
}

/* It removed another version than its action saw when it was registered. */
static bool is_other_version(const struct removal *removal)
{
    const struct timeline_action *action = removal->action;
    const struct event_map_op *op = removal->subject->op;
    return action && op->found && action->key_id == op->key_id && action->version && action->version != op->version;
}

static void mark_stale(struct removal *removal)
{
    removal->drawing.slice.category = "stale";
    timeline_arg(&removal->drawing.args, TIMELINE_ARG_VERSION_AT_PUSH, removal->action ? removal->action->version : 0);
    timeline_arg(&removal->drawing.args, TIMELINE_ARG_STALE, true);
}

/* Into the thread's row and, with an action, into the cleanup row. */
static int fit_removal(struct timeline_builder *timeline, struct removal *removal)
{
    const struct subject *subject = removal->subject;
    struct timeline_group *group = &subject->map->group;
    removal->row = &subject->thread->row;
    int error = fit(timeline, subject, removal->row, &removal->span);
    if (error || !removal->action)
        return error;
    removal->on_thread = removal->span;
    error = timeline_group_row(timeline, group, TIMELINE_CLEANUP, subject->event->tid, &removal->row);
    return error ? error : fit(timeline, subject, removal->row, &removal->span);
}

static int put_on_rows(struct timeline_builder *timeline, struct removal *removal)
{
    struct drawing *drawing = &removal->drawing;
    const struct timeline_row *thread = &removal->subject->thread->row;
    if (!removal->action)
        return timeline_put_slice(timeline, removal->row, &removal->span, &drawing->args, &drawing->slice);
    return timeline_put_twice(timeline, thread, &removal->on_thread, removal->row, &removal->span, &drawing->args,
                              &drawing->slice);
}

/* The assign of what was removed, with a flow to the deletion if it can be one. */
static int put_removed(struct timeline_builder *timeline, struct removal *removal)
{
    const struct subject *subject = removal->subject;
    const struct timeline_held *held = &removal->held;
    struct timeline_slice *slice = &removal->drawing.slice;
    struct timeline_ending ending = {.time_ns = removal->span.begin_ns, .what = "deleted it", .by = subject->thread};
    if (held->version == subject->op->version && held->span.begin_ns <= removal->span.begin_ns) {
        slice->flow_id = timeline->next_flow++;
        slice->flow = TIMELINE_FLOW_IN;
    }
    return timeline_put_held(timeline, subject->map, subject->op->key_id, held, &ending, slice->flow_id);
}

static int put_removal(struct timeline_builder *timeline, struct removal *removal)
{
    struct timeline_map *map = removal->subject->map;
    const struct event_map_op *op = removal->subject->op;
    struct drawing *drawing = &removal->drawing;
    const struct timeline_span *span = &removal->span;
    describe(removal->subject, removal->op, text_of(map, op->key_id, removal->is_held ? &removal->held : NULL),
             drawing);
    if (removal->op == TIMELINE_STALE_DELETE)
        mark_stale(removal);
    int error = removal->is_held ? put_removed(timeline, removal) : 0;
    if (!error)
        error = put_on_rows(timeline, removal);
    if (!error && removal->finding)
        error = timeline_put_finding(timeline, map, removal->finding, span->begin_ns, drawing->slice.flow_id);
    return error || !op->found ? error : timeline_count_entries(timeline, map, map->entries - op->rate, span->end_ns);
}

/* All but the drawing, which is large and filled in as it goes. */
static void begin_removal(struct timeline_builder *timeline, const struct subject *subject, struct removal *removal)
{
    removal->subject = subject;
    removal->action = cleanup_of(subject);
    removal->finding = timeline_finding_of(timeline, subject->map, subject->op);
    removal->op = removal->finding || is_other_version(removal) ? TIMELINE_STALE_DELETE : TIMELINE_DELETE;
    removal->held.key = NULL;
    removal->is_held = false;
    take_held(removal);
}

static int delete_key(struct timeline_builder *timeline, const struct subject *subject)
{
    struct removal removal;
    begin_removal(timeline, subject, &removal);
    int error = fit_removal(timeline, &removal);
    if (!error)
        error = put_removal(timeline, &removal);
    free(removal.held.key);
    return error;
}

static int clear(struct timeline_builder *timeline, const struct subject *subject)
{
    uint64_t begin_ns = subject->op->begin_ns, end_ns = subject->op->end_ns;
    struct timeline_ending ending = {.time_ns = begin_ns, .what = "cleared the map", .by = subject->thread};
    int error = draw(timeline, subject, TIMELINE_CLEAR, NULL);
    if (!error)
        error = timeline_put_all_held(timeline, subject->map, &ending);
    return error ? error : timeline_count_entries(timeline, subject->map, 0, end_ns);
}

int timeline_op_event(struct timeline_builder *timeline, const struct event *event)
{
    struct subject subject = {.event = event, .op = &event->map_op};
    int error = timeline_map_get(timeline, event->pid, &event->map_op.map, &subject.map);
    if (!error)
        error = timeline_thread_get(timeline, event->pid, event->tid, &subject.thread);
    if (!error)
        error = timeline_site(timeline, event, &subject.site);
    if (error)
        return error;
    switch (event->kind) {
    case EVENT_MAP_ASSIGN:
        return assign(timeline, &subject);
    case EVENT_MAP_DELETE:
        return delete_key(timeline, &subject);
    case EVENT_MAP_CLEAR:
        return clear(timeline, &subject);
    default:
        return access_key(timeline, &subject);
    }
}
