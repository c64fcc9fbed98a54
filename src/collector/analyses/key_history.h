/*
 * Follows each key of each map through its assigns, look-ups and removals, and finds keys that were lost.
 *
 * Events come in the order of their stamps, which orders nothing within a map: of two operations the one
 * with the higher `seq` is the later. Memory is bounded by live entries, open actions and findings.
 * Not thread-safe.
 */
#ifndef COLLECTOR_KEY_HISTORY_H
#define COLLECTOR_KEY_HISTORY_H

#include "collector/analyses/live_maps.h"
#include "model/findings.h"
#include "model/losses.h"

struct key_history; /* opaque */

/* Both are borrowed; findings are added as they are seen. 0 or -ENOMEM. */
int key_history_create(struct live_maps *maps, struct findings *findings, struct key_history **out);
void key_history_destroy(struct key_history *history);

/* Of these it takes fields, the rest it ignores. */
#define KEY_HISTORY_EVENTS                                                                                             \
    (EVENT_SET(EVENT_MAP_ALLOC) | EVENT_SET(EVENT_MAP_INVENTORY) | EVENT_SET(EVENT_MAP_FREE) |                         \
     EVENT_SET(EVENT_MAP_ASSIGN) | EVENT_SET(EVENT_MAP_ACCESS) | EVENT_SET(EVENT_MAP_DELETE) |                         \
     EVENT_SET(EVENT_MAP_CLEAR) | EVENT_SET(EVENT_DEFER_PUSH) | EVENT_SET(EVENT_DEFER_RUN_BEGIN) |                     \
     EVENT_SET(EVENT_DEFER_RUN_END))

/* 0 or -ENOMEM. */
int key_history_apply(struct key_history *history, struct sighting *sighting);

/* After the last event: with losses no history is complete, so that nothing is certain. 0 or -ENOMEM. */
int key_history_finish(struct key_history *history, const struct losses *losses);

#endif
