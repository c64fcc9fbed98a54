/* See live_maps.h. */
#include "collector/analyses/live_maps.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "support/hashmap.h"

enum { FLAG_WEAK_ID = 1 }; /* docs/events.md, Values */

/* A power of two. */
enum { RECENT = 64 };

struct live_maps {
    struct stacks *stacks;
    struct hashmap maps;             /* live_map_key -> struct live_map *, owned */
    struct live_map *recent[RECENT]; /* by address: most events are about a map that had one shortly before */
    void (*release[LIVE_MAP_USERS])(void *state);
};

int live_maps_create(struct stacks *stacks, struct live_maps **out)
{
    struct live_maps *maps = calloc(1, sizeof *maps);
    if (!maps)
        return -ENOMEM;
    maps->stacks = stacks;
    hashmap_init(&maps->maps, sizeof(struct live_map_key), sizeof(struct live_map *));
    *out = maps;
    return 0;
}

void live_maps_own(struct live_maps *maps, enum live_map_user user, void (*release)(void *state))
{
    maps->release[user] = release;
}

static void destroy_map(const struct live_maps *maps, struct live_map *map)
{
    for (size_t user = 0; user < LIVE_MAP_USERS; user++)
        if (map->states[user])
            maps->release[user](map->states[user]);
    free(map->name);
    free(map);
}

void live_maps_destroy(struct live_maps *maps)
{
    if (!maps)
        return;
    struct live_map *map;
    for (size_t at = 0; (map = live_maps_next(maps, &at));)
        destroy_map(maps, map);
    hashmap_fini(&maps->maps);
    free(maps);
}

struct live_map *live_maps_next(const struct live_maps *maps, size_t *position)
{
    const void *key;
    void *map;
    return hashmap_next(&maps->maps, position, &key, &map) ? *(struct live_map **)map : NULL;
}

static bool is_map(const struct live_map *map, const struct live_map_key *key)
{
    return map && map->key.address == key->address && map->key.generation == key->generation &&
           map->key.pid == key->pid;
}

/* Maps lie at multiples of 16, where malloc puts them, or of more. */
static struct live_map **recent_of(struct live_maps *maps, const struct live_map_key *key)
{
    return &maps->recent[(key->address >> 4 ^ key->address >> 12) % RECENT];
}

static struct live_map *find_map(struct live_maps *maps, const struct live_map_key *key, struct live_map **recent)
{
    if (is_map(*recent, key))
        return *recent;
    struct live_map **map = hashmap_find(&maps->maps, key);
    return map ? *recent = *map : NULL;
}

struct live_map *live_maps_find(struct live_maps *maps, const struct live_map_key *key)
{
    return find_map(maps, key, recent_of(maps, key));
}

/* NULL when memory is out. */
static struct live_map *get_map(struct live_maps *maps, const struct live_map_key *key)
{
    struct live_map **recent = recent_of(maps, key), *map = find_map(maps, key, recent);
    if (map)
        return map;
    map = calloc(1, sizeof *map);
    struct live_map **place = map ? hashmap_put(&maps->maps, key, NULL) : NULL;
    if (!place) {
        free(map);
        return NULL;
    }
    map->key = *key;
    return *recent = *place = map;
}

/* NULL = it is about none. What is told of a map begins with which it is, whatever it is. */
static const struct event_object *object_of(const struct event *event)
{
    static_assert(offsetof(struct event, map_op.map) == offsetof(struct event, map_life.map) &&
                      offsetof(struct event, map_op.map) == offsetof(struct event, map_iter.map) &&
                      offsetof(struct event, map_op.map) == offsetof(struct event, map_grow.map) &&
                      offsetof(struct event, map_op.map) == offsetof(struct event, map_grow_end.map) &&
                      offsetof(struct event, map_op.map) == offsetof(struct event, map_fault.map),
                  "an event about a map begins with it");
    const struct event_object *object = &event->map_op.map;
    bool is_about_map = EVENT_SET(event->kind) & LIVE_MAPS_EVENTS;
    return is_about_map && (object->address || event->kind != EVENT_MAP_FAULT) ? object : NULL;
}

static int describe(struct live_map *map, const struct event *event)
{
    const struct event_map_life *life = &event->map_life;
    char *name = strndup(life->name.length ? life->name.data : "", life->name.length);
    if (!name)
        return -ENOMEM;
    free(map->name);
    map->name = name;
    map->flavor = life->flavor;
    map->has_weak_ids = life->flags & FLAG_WEAK_ID;
    map->is_complete = map->is_complete || event->kind == EVENT_MAP_ALLOC;
    return 0;
}

int live_maps_see(struct live_maps *maps, const struct event *event, struct sighting *out)
{
    *out = (struct sighting){.event = event, .stacks = maps->stacks};
    const struct event_object *object = object_of(event);
    if (!object)
        return 0;
    struct live_map_key key = {.pid = event->pid, .address = object->address, .generation = object->generation};
    bool is_end = event->kind == EVENT_MAP_FREE;
    out->map = is_end ? live_maps_find(maps, &key) : get_map(maps, &key);
    if (!out->map)
        return is_end ? 0 : -ENOMEM;
    bool is_told = event->kind == EVENT_MAP_ALLOC || event->kind == EVENT_MAP_INVENTORY;
    return is_told ? describe(out->map, event) : 0;
}

void live_maps_forget(struct live_maps *maps, struct live_map *map)
{
    *recent_of(maps, &map->key) = NULL;
    hashmap_remove(&maps->maps, &map->key);
    destroy_map(maps, map);
}

int live_map_finding(const struct live_map *map, struct finding *out)
{
    char *name = strdup(map && map->name ? map->name : "");
    if (!name)
        return -ENOMEM;
    *out = (struct finding){.map_name = name, .times = 1};
    if (map) {
        out->pid = (uint32_t)map->key.pid;
        out->map = (struct event_object){.address = map->key.address, .generation = map->key.generation};
    }
    return 0;
}

int sighting_intern(struct sighting *sighting)
{
    const struct event *event = sighting->event;
    int error = stacks_intern(sighting->stacks, event->pid, event->stack.pcs, event->stack.count, event->time_ns,
                              &sighting->stack);
    sighting->is_interned = !error;
    return error;
}
