/*
 * See timeline_parts.h: maps from their creation to their end, how they grow, and what their groups count.
 * Operations on keys are timeline_ops.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "collector/analyses/timeline_parts.h"

enum { BUCKETS_B_MAX = 62 };

static const struct event_text no_name;

void timeline_map_destroy(struct timeline_map *map)
{
    timeline_drop_all_held(map);
    timeline_stories_fini(map);
    timeline_group_fini(&map->group);
    free(map);
}

static int create_map(struct timeline_builder *timeline, const struct timeline_object_key *key, struct event_text name,
                      struct timeline_map **out)
{
    struct timeline_map *map = calloc(1, sizeof *map);
    if (!map)
        return -ENOMEM;
    map->key = *key;
    map->buckets = (struct timeline_level){.name = "buckets", .series = "count"};
    map->overflow = (struct timeline_level){.name = "overflow", .series = "buckets"};
    hashmap_init(&map->held, sizeof(uint64_t), sizeof(struct timeline_held));
    int error = timeline_group_init(timeline, TIMELINE_GROUP_MAP, key, name, &map->group);
    if (!error)
        error = timeline_name_ops(timeline, map, name);
    if (!error)
        error = timeline_stories_begin(timeline, map);
    map->is_named = name.length;
    struct timeline_map **slot = error ? NULL : hashmap_put(&timeline->maps, key, NULL);
    if (!slot) {
        timeline_map_destroy(map);
        return -ENOMEM;
    }
    *slot = *out = map;
    return 0;
}

/* Objects lie at multiples of 16 at least, and most of them at larger distances. */
static struct timeline_map **recent_place(struct timeline_builder *timeline, const struct timeline_object_key *key)
{
    return &timeline->recent_maps[(key->address >> 4 ^ key->address >> 12) % TIMELINE_RECENT];
}

static int get_map(struct timeline_builder *timeline, uint32_t pid, const struct event_object *object,
                   struct event_text name, struct timeline_map **out)
{
    struct timeline_object_key key = timeline_object_key(pid, object);
    struct timeline_map **recent = recent_place(timeline, &key);
    if (*recent && (*recent)->key.address == key.address && (*recent)->key.generation == key.generation &&
        (*recent)->key.pid == key.pid) {
        *out = *recent;
        return 0;
    }
    struct timeline_map **slot = hashmap_find(&timeline->maps, &key);
    int error = slot ? 0 : create_map(timeline, &key, name, out);
    if (slot)
        *out = *slot;
    if (!error)
        *recent = *out;
    return error;
}

int timeline_map_get(struct timeline_builder *timeline, uint32_t pid, const struct event_object *object,
                     struct timeline_map **out)
{
    return get_map(timeline, pid, object, no_name, out);
}

int timeline_count_entries(struct timeline_builder *timeline, struct timeline_map *map, int64_t entries,
                           uint64_t time_ns)
{
    entries = entries > 0 ? entries : 0;
    if (entries == map->entries)
        return 0;
    map->entries = entries;
    return timeline_put_counter(timeline, &map->group, time_ns, "entries", "in the map", entries);
}

static int draw_level(struct timeline_builder *timeline, const struct timeline_map *map,
                      const struct timeline_level *level)
{
    return timeline_put_counter(timeline, &map->group, level->time_ns, level->name, level->series, level->value);
}

static int set_level(struct timeline_builder *timeline, const struct timeline_map *map, struct timeline_level *level,
                     uint64_t time_ns, int64_t value)
{
    int error = 0;
    if (level->is_known && level->value == value)
        return 0;
    if (level->is_known && !level->is_drawn) {
        level->is_drawn = true;
        error = draw_level(timeline, map, level);
    }
    level->is_known = true;
    level->time_ns = time_ns;
    level->value = value;
    return !error && level->is_drawn ? draw_level(timeline, map, level) : error;
}

static int count_buckets(struct timeline_builder *timeline, struct timeline_map *map, uint32_t B, uint32_t overflow,
                         uint64_t time_ns)
{
    int64_t buckets = INT64_C(1) << (B < BUCKETS_B_MAX ? B : BUCKETS_B_MAX);
    int error = set_level(timeline, map, &map->buckets, time_ns, buckets);
    return error ? error : set_level(timeline, map, &map->overflow, time_ns, overflow);
}

static int put_growth(struct timeline_builder *timeline, struct timeline_map *map, uint64_t end_ns,
                      const struct event_map_grow_end *end)
{
    struct timeline_row *row;
    struct timeline_span span;
    map->is_growing = false;
    int error = timeline_group_row(timeline, &map->group, TIMELINE_GROWTH, 0, &row);
    if (!error)
        error = timeline_fit(timeline, row, map->growth_begin_ns, end_ns, &span);
    if (error)
        return error;
    struct timeline_args args;
    timeline_args_init(&args);
    timeline_arg(&args, TIMELINE_ARG_OLD_B, map->growth.old_B);
    timeline_arg(&args, TIMELINE_ARG_NEW_B, map->growth.new_B);
    timeline_arg(&args, TIMELINE_ARG_BYTES, map->growth.bytes);
    timeline_arg(&args, TIMELINE_ARG_SEQ, map->growth.seq);
    timeline_arg(&args, TIMELINE_ARG_MOVED, end ? end->moved : 0);
    timeline_arg(&args, TIMELINE_ARG_STEPS, end ? end->steps : 0);
    timeline_arg(&args, TIMELINE_ARG_EVAC_NS, end ? end->evac_ns : 0);
    timeline_arg(&args, TIMELINE_ARG_UNFINISHED, !end);
    timeline->stats.unfinished += !end;
    struct timeline_slice slice = {
        .name = map->growth.same_size ? "grow (same size)" : "grow", .category = "map", .is_lasting = true};
    return timeline_put_slice(timeline, row, &span, &args, &slice);
}

static int grow(struct timeline_builder *timeline, const struct event *event)
{
    const struct event_map_grow *growth = &event->map_grow;
    struct timeline_map *map;
    int error = timeline_map_get(timeline, event->pid, &growth->map, &map);
    if (!error && map->is_growing)
        error = put_growth(timeline, map, event->time_ns, NULL);
    if (error)
        return error;
    map->is_growing = true;
    map->growth = *growth;
    map->growth_begin_ns = event->time_ns;
    error = timeline_count_entries(timeline, map, (int64_t)growth->count, event->time_ns);
    return error ? error : count_buckets(timeline, map, growth->new_B, growth->noverflow, event->time_ns);
}

/* With the old array its overflow buckets go; the new ones are known at the next growth. */
static int grow_end(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_map *map;
    int error = timeline_map_get(timeline, event->pid, &event->map_grow_end.map, &map);
    if (error)
        return error;
    if (!map->is_growing) {
        timeline->stats.unmatched++;
        return 0;
    }
    error = set_level(timeline, map, &map->overflow, event->time_ns, 0);
    return error ? error : put_growth(timeline, map, event->time_ns, &event->map_grow_end);
}

/* It was used before it was told of: by another thread, which was faster. */
static int rename_map(struct timeline_builder *timeline, struct timeline_map *map, struct event_text name)
{
    map->is_named = true;
    int error = timeline_group_rename(timeline, TIMELINE_GROUP_MAP, &map->key, name, &map->group);
    return error ? error : timeline_name_ops(timeline, map, name);
}

/* map_alloc or map_inventory */
static int map_is_there(struct timeline_builder *timeline, const struct event *event)
{
    const struct event_map_life *life = &event->map_life;
    struct timeline_map *map;
    int error = get_map(timeline, event->pid, &life->map, life->name, &map);
    if (!error && !map->is_named && life->name.length)
        error = rename_map(timeline, map, life->name);
    if (error || life->count == EVENT_COUNT_UNKNOWN)
        return error;
    map->entries = (int64_t)life->count;
    error = timeline_put_counter(timeline, &map->group, event->time_ns, "entries", "in the map", map->entries);
    return error ? error : count_buckets(timeline, map, life->B, 0, event->time_ns);
}

/* Writes what is left of it and its names. */
static int end_map(struct timeline_builder *timeline, struct timeline_map *map)
{
    struct timeline_ending still_there = {.time_ns = timeline->now_ns};
    int error = timeline_put_all_held(timeline, map, &still_there);
    if (!error && map->is_growing)
        error = put_growth(timeline, map, timeline->now_ns, NULL);
    if (!error)
        error = timeline_put_findings(timeline, map);
    return error ? error : timeline_name_group(timeline, &map->group);
}

static int map_free(struct timeline_builder *timeline, const struct event *event)
{
    struct timeline_object_key key = timeline_object_key(event->pid, &event->map_life.map);
    struct timeline_map **slot = hashmap_find(&timeline->maps, &key);
    if (!slot)
        return 0;
    struct timeline_map *map = *slot;
    hashmap_remove(&timeline->maps, &key);
    if (*recent_place(timeline, &key) == map)
        *recent_place(timeline, &key) = NULL;
    map->is_freed = true;
    map->pins++;
    return timeline_map_unpin(timeline, map);
}

int timeline_map_unpin(struct timeline_builder *timeline, struct timeline_map *map)
{
    if (--map->pins || !map->is_freed)
        return 0;
    int error = end_map(timeline, map);
    timeline_map_destroy(map);
    return error;
}

int timeline_map_event(struct timeline_builder *timeline, const struct event *event)
{
    switch (event->kind) {
    case EVENT_MAP_ALLOC:
    case EVENT_MAP_INVENTORY:
        return map_is_there(timeline, event);
    case EVENT_MAP_FREE:
        return map_free(timeline, event);
    case EVENT_MAP_GROW:
        return grow(timeline, event);
    default:
        return grow_end(timeline, event);
    }
}

int timeline_maps_finish(struct timeline_builder *timeline)
{
    const void *key;
    void *value;
    int error = 0;
    for (size_t at = 0; !error && hashmap_next(&timeline->maps, &at, &key, &value);)
        error = end_map(timeline, *(struct timeline_map **)value);
    return error;
}
