/*
 * msc_rwmap: one map for all threads; readers beside each other, writers alone.
 *
 *     struct msc_rwmap *sessions;
 *     int error = msc_rwmap_create(&options, &sessions);       // options as for msc_map
 *     ...
 *     error = msc_rwmap_store_u64(sessions, 42, &session);
 *     error = msc_rwmap_load_u64(sessions, 42, &session);
 *     msc_rwmap_destroy(sessions);
 *
 * When to use it: first. It is a msc_map behind a lock, grows like it and costs the least memory. Where many
 * threads write, or must not wait for each other, take msc_shardmap (docs/maps.md).
 *
 * While writes are rare, readers count themselves in a cache line a processor and do not meet; with more than one write
 * in some 16 operations they take turns like the writers, which is then cheaper for all. Whoever has to wait, reader or
 * writer, waits at one lock with the map's name: contention shows in the mutex and block profiles under it, with the
 * map as a label.
 *
 * The verbs, their results and thread rules are in mapscope/verbs.h. range holds the read lock from begin to end and
 * sees one instant of the map: `visit` must not use this map. A type with destructors or clones, and an allocator,
 * are -EINVAL.
 *
 * Cost: two atomic read-modify-writes on a line that is nearly always the thread's own, and the look-up; a rare
 * write looks at a line for each processor. Least for keys of 64 bits (numbers, pointers): bench/flavours. Source: Dice
 * and Kogan, "BRAVO" (2019).
 */
#ifndef MAPSCOPE_RWMAP_H
#define MAPSCOPE_RWMAP_H

#include <mapscope/verbs.h>

MSC_BEGIN_DECLS

struct msc_rwmap; /* opaque */

/* As msc_map_create. */
MSC_API int msc_rwmap_create(const struct msc_map_options *options, struct msc_rwmap **out);

MSC_MAP_VERBS(msc_rwmap)

MSC_END_DECLS

#endif
