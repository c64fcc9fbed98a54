/*
 * See timeline_parts.h: deferred actions, from their registration on one thread to their run on the same or
 * another. The slice of the registration is held back until the run begins, so that its flow has an end.
 */
#include <errno.h>

#include "collector/analyses/timeline_parts.h"

struct action_key {
    uint64_t pid, id;
};

static struct action_key key_of(const struct event *event)
{
    return (struct action_key){.pid = event->pid, .id = event->defer.action};
}

static const char *function_name(struct timeline_builder *timeline, uint32_t pid, uint64_t fn)
{
    const char *name = timeline_function(timeline, pid, fn + 1); /* it takes return addresses */
    return name ? name : "deferred action";
}

/*
 * The registration has no duration: it is drawn as the shortest slice that is not shown as an instant,
 * because only a slice can carry a flow. Nothing can end inside it, so it nests with whatever there is.
 */
static int put_push(struct timeline_builder *timeline, const struct action_key *key,
                    const struct timeline_action *action, uint64_t flow_id)
{
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, (uint32_t)key->pid, action->push_tid, &thread);
    if (error)
        return error;
    uint64_t at_ns = action->push_ns > timeline->options.base_ns ? action->push_ns : timeline->options.base_ns;
    struct timeline_span span = {.begin_ns = at_ns, .end_ns = at_ns + 1};
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg_text(&args, TIMELINE_ARG_DEFERS, action->deferred);
    timeline_arg(&args, TIMELINE_ARG_KEY_ID, action->key_id);
    timeline_arg(&args, TIMELINE_ARG_VERSION, action->version);
    timeline_arg_text(&args, TIMELINE_ARG_SITE, action->push_site);
    timeline_arg(&args, TIMELINE_ARG_NEVER_RUN, !action->has_run);
    struct timeline_slice slice = {.name = "defer",
                                   .category = "deferred",
                                   .flow_id = flow_id,
                                   .flow = flow_id ? TIMELINE_FLOW_OUT : TIMELINE_FLOW_NONE,
                                   .is_lasting = true};
    return timeline_put_slice(timeline, &thread->row, &span, &args, &slice);
}

static void fill(struct timeline_action *action, const struct event_defer *defer)
{
    action->fn = defer->fn;
    action->map = defer->map;
    action->key_id = defer->key_id;
    action->version = defer->version;
}

static int push(struct timeline_builder *timeline, const struct event *event)
{
    struct action_key key = key_of(event);
    struct timeline_thread *thread;
    const char *site;
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (!error)
        error = timeline_site(timeline, event, &site);
    if (error)
        return error;
    bool is_new;
    struct timeline_action *action = hashmap_put(&timeline->actions, &key, &is_new);
    if (!action)
        return -ENOMEM;
    if (!is_new && action->has_push && !action->has_run) { /* its id was given out again */
        error = put_push(timeline, &key, action, 0);
        if (error)
            return error;
    }
    *action = (struct timeline_action){.has_push = true,
                                       .push_tid = event->tid,
                                       .push_ns = event->time_ns,
                                       .push_site = site,
                                       .pusher = thread,
                                       .deferred = function_name(timeline, event->pid, event->defer.fn)};
    fill(action, &event->defer);
    return 0;
}

/* A twin on the map's cleanup row if the action is bound to a map. */
static int open_run(struct timeline_builder *timeline, const struct event *event, const struct timeline_action *action,
                    uint64_t flow_id, bool *opened)
{
    struct timeline_thread *thread;
    struct timeline_frame frame = {.kind = TIMELINE_ACTION,
                                   .id = event->defer.action,
                                   .begin_ns = event->time_ns,
                                   .name = function_name(timeline, event->pid, action->fn),
                                   .category = "deferred",
                                   .flow_id = flow_id,
                                   .action = *action};
    int error = timeline_thread_get(timeline, event->pid, event->tid, &thread);
    if (!error && action->map.address)
        error = timeline_map_get(timeline, event->pid, &action->map, &frame.map);
    return error ? error : timeline_frame_open(timeline, thread, &frame, opened);
}

static int run_begin(struct timeline_builder *timeline, const struct event *event)
{
    struct action_key key = key_of(event);
    struct timeline_action *action = hashmap_put(&timeline->actions, &key, NULL);
    if (!action)
        return -ENOMEM;
    bool is_first = action->has_push && !action->has_run, opened = false;
    uint64_t flow_id = is_first && action->push_ns <= event->time_ns ? timeline->next_flow : 0;
    action->has_run = true;
    action->run_tid = event->tid;
    if (!action->has_push)
        fill(action, &event->defer);
    int error = open_run(timeline, event, action, flow_id, &opened);
    if (error || !is_first)
        return error;
    timeline->next_flow += opened;
    return put_push(timeline, &key, action, opened ? flow_id : 0);
}

static int run_end(struct timeline_builder *timeline, const struct event *event)
{
    struct action_key key = key_of(event);
    struct timeline_action action;
    bool is_known = hashmap_take(&timeline->actions, &key, &action);
    uint32_t tid = is_known && action.has_run ? action.run_tid : event->tid;
    struct timeline_thread *thread;
    int error = timeline_thread_get(timeline, event->pid, tid, &thread);
    if (error)
        return error;
    return timeline_frame_close(timeline, thread, TIMELINE_ACTION, event->defer.action, event->time_ns);
}

int timeline_action_event(struct timeline_builder *timeline, const struct event *event)
{
    switch (event->kind) {
    case EVENT_DEFER_PUSH:
        return push(timeline, event);
    case EVENT_DEFER_RUN_BEGIN:
        return run_begin(timeline, event);
    default:
        return run_end(timeline, event);
    }
}

/* It never ran. */
static int put_forgotten(struct timeline_builder *timeline, const struct action_key *key,
                         const struct timeline_action *action)
{
    struct timeline_object_key map_key = timeline_object_key((uint32_t)key->pid, &action->map);
    struct timeline_map **map = hashmap_find(&timeline->maps, &map_key);
    int error = 0;
    if (map)
        error = timeline_put_pending(timeline, *map, action, action->deferred, TIMELINE_NEVER, timeline->now_ns);
    return error ? error : put_push(timeline, key, action, 0);
}

int timeline_actions_finish(struct timeline_builder *timeline)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&timeline->actions, &at, &key, &value);) {
        const struct timeline_action *action = value;
        if (action->has_push && !action->has_run)
            error = put_forgotten(timeline, key, action);
    }
    return error;
}
