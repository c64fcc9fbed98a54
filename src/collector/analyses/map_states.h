/*
 * What a recording last says of each map that was not destroyed: to be compared with a core.
 *
 * Memory is bounded by live maps. Not thread-safe.
 */
#ifndef COLLECTOR_MAP_STATES_H
#define COLLECTOR_MAP_STATES_H

#include <stdbool.h>
#include <stddef.h>

#include "model/event.h"

struct map_state {
    uint32_t pid;
    struct event_object map;
    char *name; /* owned; NULL = the trace does not tell */
    uint32_t flavor;
    uint64_t seq; /* of the last modification recorded */
    bool knows_B; /* and whether it grows; a flavour's creation does not tell, and shards are many */
    uint32_t B;
    bool is_growing;
    bool is_counted; /* told once, and every key recorded since: `count` is true */
    int64_t count;
};

struct map_states; /* opaque */

/* 0 or -ENOMEM. */
int map_states_create(struct map_states **out);
void map_states_destroy(struct map_states *states);

#define MAP_STATES_EVENTS                                                                                              \
    (EVENT_SET(EVENT_MAP_ALLOC) | EVENT_SET(EVENT_MAP_INVENTORY) | EVENT_SET(EVENT_MAP_FREE) |                         \
     EVENT_SET(EVENT_MAP_ASSIGN) | EVENT_SET(EVENT_MAP_DELETE) | EVENT_SET(EVENT_MAP_CLEAR) |                          \
     EVENT_SET(EVENT_MAP_GROW) | EVENT_SET(EVENT_MAP_GROW_END))

/* 0 or -ENOMEM. Events of other kinds are ignored. */
int map_states_apply(struct map_states *states, const struct event *event);

/* The maps that are still there: start with *position = 0; NULL at the end. Borrowed. */
const struct map_state *map_states_next(const struct map_states *states, size_t *position);

#endif
