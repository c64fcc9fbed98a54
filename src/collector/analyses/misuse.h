/*
 * Finds misuse of maps: what the map itself noticed (map_fault), and what only the trace shows.
 *
 *   thread 1   [ assign  seq 7 ]                      two writers inside at once: their times overlap, or their
 *   thread 2          [ delete  seq 7 ]               modifications got one number. Certain, whatever the locks.
 *   thread 3                          [ access ]
 *
 *   thread 1   < iteration ............................... >    open from its first event to its last
 *   thread 1          cleanup: [ delete ]                       changes what its own caller is walking through
 *   thread 2                       [ clear ]                    empties it under a reader
 *
 * Only maps whose caller synchronises are watched: the flavours that do it themselves may overlap. Of the
 * operations of a map the last few are remembered, so an overlap with one long before its event came is missed;
 * what is found is true. Sampling by key makes misses, never false findings.
 *
 * The same misuse from the same places is one finding, and counted. Memory is bounded by live maps and findings.
 * Not thread-safe.
 */
#ifndef COLLECTOR_MISUSE_H
#define COLLECTOR_MISUSE_H

#include "collector/analyses/live_maps.h"
#include "model/findings.h"

struct misuse; /* opaque */

/* All are borrowed; findings are added as they are seen. 0 or -ENOMEM. */
int misuse_create(struct live_maps *maps, struct stacks *stacks, struct findings *findings, struct misuse **out);
void misuse_destroy(struct misuse *misuse);

/* Of these it takes fields, the rest it ignores. */
#define MISUSE_EVENTS                                                                                                  \
    (EVENT_SET(EVENT_MAP_ALLOC) | EVENT_SET(EVENT_MAP_INVENTORY) | EVENT_SET(EVENT_MAP_FREE) |                         \
     EVENT_SET(EVENT_MAP_ASSIGN) | EVENT_SET(EVENT_MAP_ACCESS) | EVENT_SET(EVENT_MAP_DELETE) |                         \
     EVENT_SET(EVENT_MAP_CLEAR) | EVENT_SET(EVENT_MAP_ITER_BEGIN) | EVENT_SET(EVENT_MAP_ITER_END) |                    \
     EVENT_SET(EVENT_MAP_FAULT))

/* 0 or -ENOMEM. */
int misuse_apply(struct misuse *misuse, struct sighting *sighting);

/* After the last event. 0 or -ENOMEM. */
int misuse_finish(struct misuse *misuse);

#endif
