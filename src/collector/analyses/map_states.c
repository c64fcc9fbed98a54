/* See map_states.h. */
#include "collector/analyses/map_states.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/hashmap.h"

enum { FLAVOR_MAP = 0, FLAVOR_SHARDMAP = 3 }; /* docs/events.md, Values */

struct map_key {
    uint64_t pid, address, generation;
};

struct map_states {
    struct hashmap maps; /* map_key -> struct map_state */
};

int map_states_create(struct map_states **out)
{
    struct map_states *states = calloc(1, sizeof *states);
    if (!states)
        return -ENOMEM;
    hashmap_init(&states->maps, sizeof(struct map_key), sizeof(struct map_state));
    *out = states;
    return 0;
}

void map_states_destroy(struct map_states *states)
{
    if (!states)
        return;
    const void *key;
    void *state;
    for (size_t at = 0; hashmap_next(&states->maps, &at, &key, &state);)
        free(((struct map_state *)state)->name);
    hashmap_fini(&states->maps);
    free(states);
}

static struct map_key key_of(const struct event *event, const struct event_object *map)
{
    return (struct map_key){.pid = event->pid, .address = map->address, .generation = map->generation};
}

/* NULL when memory is out. */
static struct map_state *get(struct map_states *states, const struct event *event, const struct event_object *map)
{
    struct map_key key = key_of(event, map);
    struct map_state *state = hashmap_put(&states->maps, &key, NULL);
    if (state) {
        state->pid = event->pid;
        state->map = *map;
    }
    return state;
}

/* map_alloc or map_inventory */
static int apply_presence(struct map_states *states, const struct event *event)
{
    const struct event_map_life *life = &event->map_life;
    struct map_state *state = get(states, event, &life->map);
    char *name = state ? strndup(life->name.length ? life->name.data : "", life->name.length) : NULL;
    if (!name)
        return -ENOMEM;
    free(state->name);
    state->name = name;
    state->flavor = life->flavor;
    if (life->count == EVENT_COUNT_UNKNOWN)
        return 0;
    state->knows_B = life->flavor == FLAVOR_MAP;
    state->B = life->B;
    state->count = (int64_t)life->count;
    state->is_counted = true;
    return 0;
}

static void apply_free(struct map_states *states, const struct event *event)
{
    struct map_key key = key_of(event, &event->map_life.map);
    struct map_state state;
    if (hashmap_take(&states->maps, &key, &state))
        free(state.name);
}

static void note_seq(struct map_state *state, uint64_t seq)
{
    if (seq > state->seq)
        state->seq = seq;
}

static int apply_op(struct map_states *states, const struct event *event)
{
    const struct event_map_op *op = &event->map_op;
    struct map_state *state = get(states, event, &op->map);
    if (!state)
        return -ENOMEM;
    note_seq(state, op->seq);
    if (op->rate != 1)
        state->is_counted = false;
    if (event->kind == EVENT_MAP_CLEAR) {
        state->count = 0;
        state->is_growing = false;
    } else if (event->kind == EVENT_MAP_ASSIGN) {
        state->count += !op->found;
    } else {
        state->count -= op->found;
    }
    return 0;
}

static int apply_growth(struct map_states *states, const struct event *event)
{
    bool begins = event->kind == EVENT_MAP_GROW;
    struct map_state *state = get(states, event, begins ? &event->map_grow.map : &event->map_grow_end.map);
    if (!state)
        return -ENOMEM;
    if (state->flavor == FLAVOR_SHARDMAP)
        return 0;
    state->is_growing = begins;
    if (!begins)
        return 0;
    state->knows_B = true;
    state->B = event->map_grow.new_B;
    return 0;
}

int map_states_apply(struct map_states *states, const struct event *event)
{
    switch (event->kind) {
    case EVENT_MAP_ALLOC:
    case EVENT_MAP_INVENTORY:
        return apply_presence(states, event);
    case EVENT_MAP_FREE:
        apply_free(states, event);
        return 0;
    case EVENT_MAP_ASSIGN:
    case EVENT_MAP_DELETE:
    case EVENT_MAP_CLEAR:
        return apply_op(states, event);
    case EVENT_MAP_GROW:
    case EVENT_MAP_GROW_END:
        return apply_growth(states, event);
    default:
        return 0;
    }
}

const struct map_state *map_states_next(const struct map_states *states, size_t *position)
{
    const void *key;
    void *state;
    return hashmap_next(&states->maps, position, &key, &state) ? state : NULL;
}
