/*
 * The maps that live in the traced processes, and what the trace said of each: what the analyses of maps have in
 * common. An event is looked up once, for all of them:
 *
 *     struct sighting sighting;
 *     int error = live_maps_see(maps, event, &sighting);         // the map it is about, made known if it was not
 *     if (!error)
 *         error = misuse_apply(misuse, &sighting);               // and the others
 *     live_maps_leave(maps, &sighting);                          // a map that was destroyed is forgotten
 *
 * An analysis keeps what it knows of a map in map->states[its own number], and says how that is released.
 * Memory is bounded by live maps. Not thread-safe.
 */
#ifndef COLLECTOR_LIVE_MAPS_H
#define COLLECTOR_LIVE_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"
#include "model/findings.h"
#include "model/stacks.h"

struct live_maps; /* opaque */

/* Without padding: it is hashed as it is. */
struct live_map_key {
    uint64_t pid, address, generation;
};

enum live_map_user { LIVE_MAP_HISTORY, LIVE_MAP_MISUSE, LIVE_MAP_GROWTH, LIVE_MAP_USERS };

struct live_map {
    struct live_map_key key;
    char *name;                   /* owned; NULL = the trace does not tell */
    uint32_t flavor;              /* docs/events.md, Values; 0 = as most are, or the trace does not tell */
    bool is_complete;             /* its creation is in the trace */
    bool has_weak_ids;            /* 32 bits or less identify a key */
    void *states[LIVE_MAP_USERS]; /* owned; NULL = nothing yet */
};

/* docs/events.md, Values */
enum live_map_flavor { LIVE_MAP_PLAIN = 0, LIVE_MAP_FOREIGN = 16 };

/* An event and the map that it is about. Valid until live_maps_leave. */
struct sighting {
    const struct event *event;
    struct live_map *map; /* NULL: about none, or the end of an unknown one */
    struct stacks *stacks;
    stack_id stack; /* once sighting_stack asked for it */
    bool is_interned;
};

/* `stacks` is borrowed. 0 or -ENOMEM. */
int live_maps_create(struct stacks *stacks, struct live_maps **out);
void live_maps_destroy(struct live_maps *maps);

/* How the states of this user are released. Before the first event. */
void live_maps_own(struct live_maps *maps, enum live_map_user user, void (*release)(void *state));

/* These are about a map. */
#define LIVE_MAPS_EVENTS                                                                                               \
    (EVENT_SET(EVENT_MAP_ALLOC) | EVENT_SET(EVENT_MAP_INVENTORY) | EVENT_SET(EVENT_MAP_FREE) |                         \
     EVENT_SET(EVENT_MAP_GROW) | EVENT_SET(EVENT_MAP_GROW_END) | EVENT_SET(EVENT_MAP_ASSIGN) |                         \
     EVENT_SET(EVENT_MAP_ACCESS) | EVENT_SET(EVENT_MAP_DELETE) | EVENT_SET(EVENT_MAP_CLEAR) |                          \
     EVENT_SET(EVENT_MAP_ITER_BEGIN) | EVENT_SET(EVENT_MAP_ITER_END) | EVENT_SET(EVENT_MAP_FAULT))

/* Any event; of other kinds, and of a fault on no map, the map is NULL. 0 or -ENOMEM. */
int live_maps_see(struct live_maps *maps, const struct event *event, struct sighting *out);
void live_maps_forget(struct live_maps *maps, struct live_map *map);

static inline void live_maps_leave(struct live_maps *maps, const struct sighting *sighting)
{
    if (sighting->event->kind == EVENT_MAP_FREE && sighting->map)
        live_maps_forget(maps, sighting->map);
}

/* NULL = there is none. */
struct live_map *live_maps_find(struct live_maps *maps, const struct live_map_key *key);

/* All of them: start with *position = 0; NULL at the end. */
struct live_map *live_maps_next(const struct live_maps *maps, size_t *position);

/* A finding about the map (NULL = about none), with nothing else in it. 0 or -ENOMEM. */
int live_map_finding(const struct live_map *map, struct finding *out);

int sighting_intern(struct sighting *sighting);

/* The event's stack, interned once for all. 0 or -ENOMEM. */
static inline int sighting_stack(struct sighting *sighting, stack_id *out)
{
    int error = sighting->is_interned ? 0 : sighting_intern(sighting);
    *out = sighting->stack;
    return error;
}

#endif
