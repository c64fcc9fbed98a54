/*
 * The analyses of maps as one: which maps live (live_maps.h), the histories of their keys (key_history.h), misuse
 * (misuse.h), growth (growth.h). Each event is looked up once for all. Not thread-safe.
 */
#ifndef COLLECTOR_MAP_ANALYSES_H
#define COLLECTOR_MAP_ANALYSES_H

#include "collector/analyses/growth.h"
#include "collector/analyses/key_history.h"
#include "collector/analyses/live_maps.h"
#include "collector/analyses/misuse.h"

struct map_analyses; /* opaque */

/* `stacks` and `findings` are borrowed; findings are added as they are seen. 0 or -ENOMEM. */
int map_analyses_create(struct stacks *stacks, struct findings *findings, struct map_analyses **out);
void map_analyses_destroy(struct map_analyses *analyses);

#define MAP_ANALYSES_EVENTS (LIVE_MAPS_EVENTS | KEY_HISTORY_EVENTS | MISUSE_EVENTS | GROWTH_EVENTS)

/* One of those. 0 or -ENOMEM. */
int map_analyses_apply(struct map_analyses *analyses, const struct event *event);

/* After the last event. 0 or -ENOMEM. */
int map_analyses_finish(struct map_analyses *analyses, const struct losses *losses);

#endif
