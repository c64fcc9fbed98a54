/*
 * Finds growth that could have been spared.
 *
 *   growth burst             a map doubles again and again within a short time: it was filled without room being made.
 *                            What it cost is told exactly, and for how many entries to make room.
 *
 *                                assign  grow 2^0 -> 2^1    assign  grow 2^1 -> 2^2   ...   assign  grow 2^6 -> 2^7
 *                                |- at the most GROWTH_GAP_NS -|
 *
 *   growth during iteration  a map began to grow while somebody went through it. Nothing is lost; but the iteration
 *                            goes through the old array to its end, which is kept for it.
 *
 * A burst is told when it is over and the map has gone, or at the end: until then it may become larger. The same from
 * the same places is one finding, whichever the map, and counted. Growth that sheds overflow buckets is no part
 * of a burst; nor is that of a shard, whose events do not tell it from the others.
 * Memory is bounded by live maps and findings. Not thread-safe.
 */
#ifndef COLLECTOR_GROWTH_H
#define COLLECTOR_GROWTH_H

#include "collector/analyses/live_maps.h"
#include "model/findings.h"

/* What makes a burst: so many doublings, each so soon after the one before, and so many entries moved in all. */
enum { GROWTH_BURST = 4, GROWTH_MOVED = 1000, GROWTH_GAP_NS = 1000000000 };

struct growth; /* opaque */

/* Both are borrowed. 0 or -ENOMEM. */
int growth_create(struct live_maps *maps, struct findings *findings, struct growth **out);
void growth_destroy(struct growth *growth);

/* Of these it takes fields, the rest it ignores. */
#define GROWTH_EVENTS                                                                                                  \
    (EVENT_SET(EVENT_MAP_ALLOC) | EVENT_SET(EVENT_MAP_INVENTORY) | EVENT_SET(EVENT_MAP_FREE) |                         \
     EVENT_SET(EVENT_MAP_GROW) | EVENT_SET(EVENT_MAP_GROW_END) | EVENT_SET(EVENT_MAP_ASSIGN) |                         \
     EVENT_SET(EVENT_MAP_DELETE) | EVENT_SET(EVENT_MAP_CLEAR) | EVENT_SET(EVENT_MAP_ITER_BEGIN) |                      \
     EVENT_SET(EVENT_MAP_ITER_END))

/* 0 or -ENOMEM. */
int growth_apply(struct growth *growth, struct sighting *sighting);

/* After the last event. 0 or -ENOMEM. */
int growth_finish(struct growth *growth);

#endif
