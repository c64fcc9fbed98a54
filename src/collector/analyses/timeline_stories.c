/*
 * See timeline_parts.h: what is told about findings: misuse on a row of its own, and keys that were lost. The findings
 * are known before anything is drawn, so that nothing has to be remembered of all other keys. For each of the first few
 * lost keys of a map
 *
 *     user:alice \u00b7 entry                 | phone's version 1 | laptop's version 4 |
 *     user:alice \u00b7 cleanup of phone        | log_out pending, registered at version 1 |
 *     user:alice \u00b7 cleanup of laptop                       | log_out pending, registered at version 4   ...
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/analyses/timeline_parts.h"
#include "support/vec.h"

/* Of one key; cleanups beyond that share the last one. A longer key or function is cut. */
enum { LANES_MAX = 32, TEXT_BYTES = 192, KEY_SHOWN_MAX = 48, FUNCTION_SHOWN_MAX = 80 };

struct lost_key {
    struct timeline_object_key map;
    uint64_t key_id, version;
};

static const struct finding_operation *last_operation(const struct finding *finding)
{
    return &finding->operations[finding->operation_count - 1];
}

int timeline_stories_init(struct timeline_builder *timeline)
{
    const struct findings *findings = timeline->options.findings;
    hashmap_init(&timeline->lost, sizeof(struct lost_key), sizeof(const struct finding *));
    for (size_t i = 0; findings && i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->kind != FINDING_LOST_KEY || !finding->operation_count)
            continue;
        struct lost_key key = {.map = timeline_object_key(finding->pid, &finding->map),
                               .key_id = finding->key_id,
                               .version = last_operation(finding)->version};
        const struct finding **slot = hashmap_put(&timeline->lost, &key, NULL);
        if (!slot)
            return -ENOMEM;
        *slot = finding;
    }
    return 0;
}

const struct finding *timeline_finding_of(const struct timeline_builder *timeline, const struct timeline_map *map,
                                          const struct event_map_op *op)
{
    struct lost_key key = {.map = map->key, .key_id = op->key_id, .version = op->version};
    if (!timeline->lost.count || !op->found || !op->action)
        return NULL;
    const struct finding **slot = hashmap_find(&timeline->lost, &key);
    return slot ? *slot : NULL;
}

struct timeline_story *timeline_story_of(const struct timeline_map *map, uint64_t key_id)
{
    for (size_t i = 0; i < map->story_count; i++)
        if (map->stories[i].key_id == key_id)
            return &map->stories[i];
    return NULL;
}

static int begin_story(struct timeline_builder *timeline, struct timeline_map *map, const struct finding *finding)
{
    struct timeline_story *story = &map->stories[map->story_count];
    char *title;
    *story = (struct timeline_story){.key_id = finding->key_id,
                                     .key = finding->key,
                                     .kind = TIMELINE_STORY + (enum timeline_row_kind)map->story_count};
    snprintf(story->hex, sizeof story->hex, "0x%llx", (unsigned long long)finding->key_id);
    const char *shown = story->key ? story->key : story->hex;
    if (asprintf(&title, "%.*s \u00b7 entry", KEY_SHOWN_MAX, shown) < 0)
        return -ENOMEM;
    int error = timeline_group_add_row(timeline, &map->group, story->kind, title, &story->entry);
    map->story_count += !error;
    return error;
}

static bool is_of_map(const struct finding *finding, const struct timeline_map *map)
{
    struct timeline_object_key key = timeline_object_key(finding->pid, &finding->map);
    return finding->operation_count && key.address == map->key.address && key.generation == map->key.generation &&
           key.pid == map->key.pid;
}

int timeline_stories_begin(struct timeline_builder *timeline, struct timeline_map *map)
{
    const struct findings *findings = timeline->options.findings;
    int error = 0;
    for (size_t i = 0; !error && findings && i < findings->count && map->story_count < TIMELINE_STORIES_MAX; i++) {
        const struct finding *finding = &findings->items[i];
        if (finding->kind != FINDING_LOST_KEY || !is_of_map(finding, map) || timeline_story_of(map, finding->key_id))
            continue;
        if (!map->stories)
            map->stories = calloc(TIMELINE_STORIES_MAX, sizeof *map->stories);
        error = map->stories ? begin_story(timeline, map, finding) : -ENOMEM;
    }
    return error;
}

void timeline_stories_fini(struct timeline_map *map)
{
    for (size_t i = 0; i < map->story_count; i++)
        free(map->stories[i].lanes);
    free(map->stories);
}

/* As short as can be, but no instant: a slice can carry a flow. */
int timeline_put_finding(struct timeline_builder *timeline, struct timeline_map *map, const struct finding *finding,
                         uint64_t time_ns, uint64_t flow_id)
{
    char name[TEXT_BYTES];
    struct timeline_row *row;
    struct timeline_span span;
    int error = timeline_group_row(timeline, &map->group, TIMELINE_LOST_KEYS, 0, &row);
    if (!error)
        error = timeline_fit(timeline, row, time_ns, time_ns + 1, &span);
    if (error)
        return error;
    snprintf(name, sizeof name, "lost key %.*s", KEY_SHOWN_MAX, finding->key ? finding->key : "");
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_KEY_ID, finding->key_id);
    timeline_arg_text(&args, TIMELINE_ARG_KEY, finding->key);
    timeline_arg_text(&args, TIMELINE_ARG_MAP_NAME, finding->map_name);
    timeline_arg_text(&args, TIMELINE_ARG_WHAT, finding->sentence);
    timeline_arg_text(&args, TIMELINE_ARG_CERTAINTY, finding->severity == FINDING_CERTAIN ? "certain" : "suspected");
    struct timeline_slice slice = {.name = finding->key ? name : "lost key",
                                   .category = "finding",
                                   .flow_id = flow_id,
                                   .flow = flow_id ? TIMELINE_FLOW_IN : TIMELINE_FLOW_NONE};
    return timeline_put_slice(timeline, row, &span, &args, &slice);
}

/* A finding that is no lost key, at its last operation. */
static int put_finding(struct timeline_builder *timeline, struct timeline_row *row, const struct finding *finding)
{
    const struct finding_operation *first = &finding->operations[0], *last = last_operation(finding);
    struct timeline_span span;
    int error = timeline_fit(timeline, row, last->begin_ns, last->begin_ns + 1, &span);
    if (error)
        return error;
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_KEY_ID, finding->key_id);
    timeline_arg_text(&args, TIMELINE_ARG_ONE, first->verb);
    timeline_arg(&args, TIMELINE_ARG_ONE_THREAD, first->tid);
    timeline_arg_text(&args, TIMELINE_ARG_OTHER, last->verb);
    timeline_arg(&args, TIMELINE_ARG_OTHER_THREAD, last->tid);
    timeline_arg(&args, TIMELINE_ARG_TIMES, finding->times);
    timeline_arg_text(&args, TIMELINE_ARG_WHAT, finding->sentence);
    timeline_arg_text(&args, TIMELINE_ARG_FIGURES, finding->figures);
    timeline_arg_text(&args, TIMELINE_ARG_CERTAINTY, finding->severity == FINDING_CERTAIN ? "certain" : "suspected");
    struct timeline_slice slice = {.name = finding_kind_text(finding->kind), .category = "finding"};
    return timeline_put_slice(timeline, row, &span, &args, &slice);
}

int timeline_put_findings(struct timeline_builder *timeline, struct timeline_map *map)
{
    const struct findings *findings = timeline->options.findings;
    int error = 0;
    for (size_t i = 0; !error && findings && i < findings->count; i++) {
        struct timeline_row *row;
        const struct finding *finding = &findings->items[i];
        if (finding->kind == FINDING_LOST_KEY || !is_of_map(finding, map))
            continue;
        error = timeline_group_row(timeline, &map->group, TIMELINE_FINDINGS, 0, &row);
        if (!error)
            error = put_finding(timeline, row, finding);
    }
    return error;
}

int timeline_put_version(struct timeline_builder *timeline, const struct timeline_story *story,
                         const struct timeline_held *held, const struct timeline_ending *ending)
{
    char name[TEXT_BYTES], end[TEXT_BYTES];
    struct timeline_span span;
    int error = timeline_fit(timeline, story->entry, held->span.begin_ns, ending->time_ns, &span);
    if (error)
        return error;
    snprintf(name, sizeof name, "%s's version %llu", held->by->label, (unsigned long long)held->version);
    if (ending->what)
        snprintf(end, sizeof end, "%s %s", ending->by->label, ending->what);
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_VERSION, held->version);
    timeline_arg_text(&args, TIMELINE_ARG_ENDED_BY, ending->what ? end : NULL);
    timeline_arg(&args, TIMELINE_ARG_UNFINISHED, !ending->what);
    struct timeline_slice slice = {.name = name, .category = "key"};
    return timeline_put_slice(timeline, story->entry, &span, &args, &slice);
}

static int add_lane(struct timeline_builder *timeline, struct timeline_map *map, struct timeline_story *story,
                    const struct timeline_thread *by)
{
    char *title;
    int error = VEC_RESERVE(story->lanes, story->lane_count, story->lane_capacity, 1);
    if (error)
        return error;
    if (asprintf(&title, "%.*s \u00b7 cleanup of %s", KEY_SHOWN_MAX, story->key ? story->key : story->hex,
                 by ? by->label : "other threads") < 0)
        return -ENOMEM;
    struct timeline_lane *lane = &story->lanes[story->lane_count];
    *lane = (struct timeline_lane){.by = by};
    error = timeline_group_add_row(timeline, &map->group, story->kind, title, &lane->row);
    story->lane_count += !error;
    return error;
}

/* One of the registering thread on which there is nothing since `begin_ns`: cleanups come as they end. */
static int find_lane(struct timeline_builder *timeline, struct timeline_map *map, struct timeline_story *story,
                     const struct timeline_thread *by, uint64_t begin_ns, struct timeline_lane **out)
{
    for (size_t i = 0; i < story->lane_count; i++) {
        *out = &story->lanes[i];
        if ((*out)->by == by && (*out)->busy_until_ns <= begin_ns)
            return 0;
    }
    int error = 0;
    if (story->lane_count < LANES_MAX)
        error = add_lane(timeline, map, story, story->lane_count + 1 < LANES_MAX ? by : NULL);
    if (!error)
        *out = &story->lanes[story->lane_count - 1];
    return error;
}

static int put_on_lane(struct timeline_builder *timeline, struct timeline_lane *lane, uint64_t begin_ns,
                       uint64_t end_ns, const char *name, struct timeline_args *args)
{
    struct timeline_span span;
    struct timeline_slice slice = {.name = name, .category = "key"};
    int error = timeline_fit(timeline, lane->row, begin_ns, end_ns, &span);
    if (error)
        return error;
    lane->busy_until_ns = span.end_ns > lane->busy_until_ns ? span.end_ns : lane->busy_until_ns;
    return timeline_put_slice(timeline, lane->row, &span, args, &slice);
}

static int put_pending(struct timeline_builder *timeline, struct timeline_lane *lane,
                       const struct timeline_action *action, const char *function, uint64_t run_ns, uint64_t end_ns)
{
    char name[TEXT_BYTES];
    struct timeline_args args, run_args;
    timeline_args_init(&args);
    timeline_args_init(&run_args);
    snprintf(name, sizeof name, "%.*s pending, registered at version %llu", FUNCTION_SHOWN_MAX, function,
             (unsigned long long)action->version);
    if (!action->version)
        snprintf(name, sizeof name, "%.*s pending, registered before the entry", FUNCTION_SHOWN_MAX, function);
    timeline_arg(&args, TIMELINE_ARG_VERSION_AT_PUSH, action->version);
    timeline_arg_text(&args, TIMELINE_ARG_PUSHED_BY, action->pusher->who);
    timeline_arg_text(&args, TIMELINE_ARG_PUSHED_IN, action->push_site);
    timeline_arg(&args, TIMELINE_ARG_NEVER_RUN, run_ns == TIMELINE_NEVER);
    int error = put_on_lane(timeline, lane, action->push_ns, end_ns, name, &args);
    if (error || run_ns == TIMELINE_NEVER)
        return error;
    snprintf(name, sizeof name, "%.*s runs", FUNCTION_SHOWN_MAX, function);
    return put_on_lane(timeline, lane, run_ns, end_ns, name, &run_args);
}

int timeline_put_pending(struct timeline_builder *timeline, struct timeline_map *map,
                         const struct timeline_action *action, const char *function, uint64_t run_ns, uint64_t end_ns)
{
    struct timeline_story *story = action->pusher ? timeline_story_of(map, action->key_id) : NULL;
    struct timeline_lane *lane;
    if (!story || end_ns < action->push_ns)
        return 0;
    int error = find_lane(timeline, map, story, action->pusher, action->push_ns, &lane);
    return error ? error : put_pending(timeline, lane, action, function, run_ns, end_ns);
}
