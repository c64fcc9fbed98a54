/*
 * See timeline_state.h: operations on the keys of a map, on the thread's row and on the map's group. An
 * assign waits in `held` until its key is assigned again or removed: only then is it known whether a flow
 * leaves it, and how long its version of the entry lasted. Within a map `seq` orders, not the stamp.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/key_text.h"
#include "collector/analyses/timeline_state.h"

/* Of a name with a key in it; a longer key is cut. */
enum { NAME_BYTES = 96 };

static const char *const verbs[TIMELINE_OP_COUNT] = {[TIMELINE_ASSIGN] = "assign",
                                                     [TIMELINE_ACCESS] = "access",
                                                     [TIMELINE_MISS] = "miss",
                                                     [TIMELINE_DELETE] = "delete",
                                                     [TIMELINE_STALE_DELETE] = "STALE delete",
                                                     [TIMELINE_CLEAR] = "clear",
                                                     [TIMELINE_ITERATE] = "iterate"};

int timeline_name_ops(struct timeline_builder *timeline, struct timeline_map *map, struct event_text name)
{
    for (size_t op = 0; op < TIMELINE_OP_COUNT; op++) {
        map->op_names[op] = timeline_lasting_title(timeline, verbs[op], name, map->key.address);
        if (!map->op_names[op])
            return -ENOMEM;
    }
    return 0;
}

/* An operation as it is drawn on one row. */
struct drawing {
    struct timeline_row *row;
    struct timeline_span span;
    struct timeline_args args;
    struct timeline_slice slice;
    char name[NAME_BYTES];
};

/* "assign user:alice", or without the key's text "assign sessions". */
static const char *name_op(const struct timeline_map *map, enum timeline_op op, const char *key, char *buffer)
{
    if (!key)
        return map->op_names[op];
    size_t verb_length = strlen(verbs[op]);
    size_t key_length = strnlen(key, NAME_BYTES - verb_length - 2);
    memcpy(buffer, verbs[op], verb_length);
    buffer[verb_length] = ' ';
    memcpy(buffer + verb_length + 1, key, key_length);
    buffer[verb_length + 1 + key_length] = '\0';
    return buffer;
}

static int put_held(struct timeline_builder *timeline, const struct timeline_map *map, uint64_t key_id,
                    const struct timeline_held *held, const struct timeline_ending *ending, uint64_t flow_id)
{
    char name[NAME_BYTES];
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg_hex(&args, "key_id", key_id);
    timeline_arg_int(&args, "version", held->version);
    timeline_arg_int(&args, "seq", held->seq);
    timeline_arg_true(&args, "inserted", held->inserted);
    timeline_arg_site(&args, held->site);
    struct timeline_slice slice = {.name = name_op(map, TIMELINE_ASSIGN, held->key, name),
                                   .category = "map",
                                   .flow_id = flow_id,
                                   .flow = flow_id ? TIMELINE_FLOW_OUT : TIMELINE_FLOW_NONE,
                                   .is_lasting = !held->key};
    int error = timeline_put_slice(timeline, held->row, &held->span, &args, &slice);
    return error || !held->story ? error : timeline_put_version(timeline, held, ending);
}

int timeline_put_all_held(struct timeline_builder *timeline, struct timeline_map *map,
                          const struct timeline_ending *ending)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&map->held, &at, &key, &value);)
        error = put_held(timeline, map, *(const uint64_t *)key, value, ending, 0);
    timeline_drop_all_held(map);
    return error;
}

void timeline_drop_all_held(struct timeline_map *map)
{
    const void *key;
    void *value;
    for (size_t at = 0; map->has_keys && hashmap_next(&map->held, &at, &key, &value);)
        free(((struct timeline_held *)value)->key);
    hashmap_fini(&map->held);
}

static void add_op_args(enum timeline_op op, const struct event_map_op *event, struct timeline_site site,
                        struct timeline_args *args)
{
    timeline_arg_hex(args, "key_id", event->key_id);
    timeline_arg_int(args, "version", event->version);
    timeline_arg_int(args, "seq", event->seq);
    timeline_arg_int(args, "count", op == TIMELINE_CLEAR ? event->count : 0);
    timeline_arg_true(args, "inserted", op == TIMELINE_ASSIGN && !event->found);
    timeline_arg_true(args, "missed", (op == TIMELINE_MISS || op == TIMELINE_DELETE) && !event->found);
    timeline_arg_site(args, site);
}

static int fit_op(struct timeline_builder *timeline, const struct event *event, const struct timeline_map *map,
                  enum timeline_op op, const char *key, struct drawing *drawing)
{
    const struct event_map_op *map_op = &event->map_op;
    drawing->slice =
        (struct timeline_slice){.name = name_op(map, op, key, drawing->name), .category = "map", .is_lasting = !key};
    timeline_args_init(&drawing->args);
    add_op_args(op, map_op, timeline_site(timeline, event), &drawing->args);
    return timeline_fit(timeline, drawing->row, map_op->begin_ns, map_op->end_ns, &drawing->span);
}

static int put_drawing(struct timeline_builder *timeline, struct drawing *drawing)
{
    return timeline_put_slice(timeline, drawing->row, &drawing->span, &drawing->args, &drawing->slice);
}

static int put_on_thread(struct timeline_builder *timeline, const struct event *event, const struct timeline_map *map,
                         enum timeline_op op, const char *key)
{
    struct drawing drawing;
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (error)
        return error;
    drawing.row = &thread->row;
    error = fit_op(timeline, event, map, op, key, &drawing);
    return error ? error : put_drawing(timeline, &drawing);
}

/* What is known of the key by its text; the look-up only where texts were recorded. */
static const char *text_of(const struct timeline_map *map, uint64_t key_id, const struct timeline_held *held)
{
    if (held && held->key)
        return held->key;
    const struct timeline_story *story = timeline_story_of(map, key_id);
    return story ? story->key : NULL;
}

static int access_key(struct timeline_builder *timeline, const struct event *event, const struct timeline_map *map)
{
    const struct event_map_op *op = &event->map_op;
    const struct timeline_held *held = map->has_keys && op->found ? hashmap_find(&map->held, &op->key_id) : NULL;
    enum timeline_op what = op->found ? TIMELINE_ACCESS : TIMELINE_MISS;
    return put_on_thread(timeline, event, map, what, text_of(map, op->key_id, held));
}

/* The place where the key's last assign is held; a new one knows what stays as long as the key is live. */
static struct timeline_held *hold_key(struct timeline_map *map, const struct event_map_op *op, bool *is_new)
{
    struct timeline_held *held = hashmap_put(&map->held, &op->key_id, is_new);
    if (!held)
        return NULL;
    if (*is_new)
        held->story = timeline_story_of(map, op->key_id);
    if (held->key || !op->key.length)
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
    int error = put_held(timeline, map, op->key_id, old, &ending, 0);
    if (!is_late)
        *held = *incoming;
    return error;
}

static int hold(struct timeline_builder *timeline, const struct event *event, struct timeline_map *map,
                struct timeline_held *held, bool is_new)
{
    const struct event_map_op *op = &event->map_op;
    struct timeline_held incoming = {.version = op->version,
                                     .seq = op->seq,
                                     .site = timeline_site(timeline, event),
                                     .story = held->story,
                                     .key = held->key,
                                     .inserted = !op->found};
    struct timeline_row *row;
    int error = timeline_group_row(timeline, &map->group, TIMELINE_ASSIGNS, event->tid, &row);
    if (!error)
        error = timeline_thread_borrow(timeline, event->pid, event->tid, &incoming.by);
    if (!error)
        error = timeline_fit(timeline, row, op->begin_ns, op->end_ns, &incoming.span);
    if (error)
        return error;
    incoming.row = row;
    uint64_t end_ns = incoming.span.end_ns;
    if (is_new)
        *held = incoming;
    else
        error = replace(timeline, op, map, held, &incoming);
    return error || op->found ? error : timeline_count_entries(timeline, map, map->entries + op->rate, end_ns);
}

static int assign(struct timeline_builder *timeline, const struct event *event, struct timeline_map *map)
{
    bool is_new;
    struct timeline_held *held = hold_key(map, &event->map_op, &is_new);
    if (!held)
        return -ENOMEM;
    int error = put_on_thread(timeline, event, map, TIMELINE_ASSIGN, held->key);
    return error ? error : hold(timeline, event, map, held, is_new);
}

/* A deletion on its way to being drawn. */
struct removal {
    const struct event *event;
    struct timeline_map *map;
    const struct timeline_thread *thread;
    const struct timeline_action *action; /* bound to this map, that it runs in; its twin is open on the cleanup row */
    const struct finding *finding;
    struct timeline_held held; /* what it removed, if is_held: its key is owned */
    bool is_held;
    enum timeline_op op;
    struct drawing drawing;
};

static const struct timeline_action *cleanup_of(const struct removal *removal)
{
    uint64_t id = removal->event->map_op.action;
    const struct timeline_frame *frame = id ? timeline_frame_find(removal->thread, TIMELINE_ACTION, id) : NULL;
    return frame && frame->map == removal->map ? &frame->action : NULL;
}

/* Takes what is held out, unless it was assigned after this deletion. */
static void take_held(struct removal *removal)
{
    const struct event_map_op *op = &removal->event->map_op;
    struct timeline_held *held = op->found ? hashmap_find(&removal->map->held, &op->key_id) : NULL;
    if (!held || held->seq > op->seq)
        return;
    removal->held = *held;
    removal->is_held = true;
    hashmap_remove(&removal->map->held, &op->key_id);
}

/* It removed another version than its action saw when it was registered. */
static bool is_other_version(const struct removal *removal)
{
    const struct timeline_action *action = removal->action;
    const struct event_map_op *op = &removal->event->map_op;
    return action && op->found && action->key_id == op->key_id && action->version && action->version != op->version;
}

static void mark_stale(struct removal *removal)
{
    removal->drawing.slice.category = "stale";
    timeline_arg_int(&removal->drawing.args, "version_at_push", removal->action ? removal->action->version : 0);
    timeline_arg_true(&removal->drawing.args, "stale", true);
}

/* On the cleanup row, inside its action's slice, and on the thread's; else on the thread's row alone. */
static int fit_removal(struct timeline_builder *timeline, struct removal *removal, struct timeline_thread *thread)
{
    const struct event *event = removal->event;
    const char *key = text_of(removal->map, event->map_op.key_id, removal->is_held ? &removal->held : NULL);
    int error = 0;
    removal->drawing.row = &thread->row;
    if (removal->action)
        error = put_on_thread(timeline, event, removal->map, removal->op, key);
    if (!error && removal->action)
        error = timeline_group_row(timeline, &removal->map->group, TIMELINE_CLEANUP, event->tid, &removal->drawing.row);
    if (!error)
        error = fit_op(timeline, event, removal->map, removal->op, key, &removal->drawing);
    if (!error && removal->op == TIMELINE_STALE_DELETE)
        mark_stale(removal);
    return error;
}

/* The assign of what was removed, with a flow to the deletion if it can be one. */
static int put_removed(struct timeline_builder *timeline, struct removal *removal)
{
    const struct event_map_op *op = &removal->event->map_op;
    const struct timeline_held *held = &removal->held;
    struct drawing *drawing = &removal->drawing;
    struct timeline_ending ending = {.time_ns = drawing->span.begin_ns, .what = "deleted it", .by = removal->thread};
    if (held->version == op->version && held->span.begin_ns <= drawing->span.begin_ns) {
        drawing->slice.flow_id = timeline->next_flow++;
        drawing->slice.flow = TIMELINE_FLOW_IN;
    }
    return put_held(timeline, removal->map, op->key_id, held, &ending, drawing->slice.flow_id);
}

static int put_removal(struct timeline_builder *timeline, struct removal *removal)
{
    struct timeline_map *map = removal->map;
    struct drawing *drawing = &removal->drawing;
    int error = removal->is_held ? put_removed(timeline, removal) : 0;
    if (!error)
        error = put_drawing(timeline, drawing);
    if (!error && removal->finding)
        error = timeline_put_finding(timeline, map, removal->finding, drawing->span.begin_ns, drawing->slice.flow_id);
    if (error || !removal->event->map_op.found)
        return error;
    return timeline_count_entries(timeline, map, map->entries - removal->event->map_op.rate, drawing->span.end_ns);
}

/* All but the drawing, which is large and filled in as it goes. */
static void begin_removal(struct timeline_builder *timeline, const struct event *event, struct timeline_map *map,
                          const struct timeline_thread *thread, struct removal *removal)
{
    removal->event = event;
    removal->map = map;
    removal->thread = thread;
    removal->action = cleanup_of(removal);
    removal->finding = timeline_finding_of(timeline, map, &event->map_op);
    removal->op = removal->finding || is_other_version(removal) ? TIMELINE_STALE_DELETE : TIMELINE_DELETE;
    removal->held.key = NULL;
    removal->is_held = false;
    take_held(removal);
}

static int delete_key(struct timeline_builder *timeline, const struct event *event, struct timeline_map *map)
{
    struct removal removal;
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (error)
        return error;
    begin_removal(timeline, event, map, thread, &removal);
    error = fit_removal(timeline, &removal, thread);
    if (!error)
        error = put_removal(timeline, &removal);
    free(removal.held.key);
    return error;
}

static int clear(struct timeline_builder *timeline, const struct event *event, struct timeline_map *map)
{
    struct timeline_ending ending = {.time_ns = event->map_op.begin_ns, .what = "cleared the map"};
    int error = put_on_thread(timeline, event, map, TIMELINE_CLEAR, NULL);
    if (!error)
        error = timeline_thread_borrow(timeline, event->pid, event->tid, &ending.by);
    if (!error)
        error = timeline_put_all_held(timeline, map, &ending);
    return error ? error : timeline_count_entries(timeline, map, 0, event->map_op.end_ns);
}

int timeline_op_event(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_map *map;
    int error = timeline_map_get(timeline, event->pid, &event->map_op.map, &map);
    if (error)
        return error;
    switch (event->kind) {
    case EVENT_MAP_ASSIGN:
        return assign(timeline, event, map);
    case EVENT_MAP_DELETE:
        return delete_key(timeline, event, map);
    case EVENT_MAP_CLEAR:
        return clear(timeline, event, map);
    default:
        return access_key(timeline, event, map);
    }
}
