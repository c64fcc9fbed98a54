/*
 * msc_shardmap: many small maps, each with a lock of its own; a key's hash says in which it is.
 *
 *     struct msc_shardmap *sessions;
 *     int error = msc_shardmap_create(&options, &sessions);    // options as for msc_map
 *     ...
 *     error = msc_shardmap_store_u64(sessions, 42, &session);
 *     error = msc_shardmap_load_u64(sessions, 42, &session);
 *     msc_shardmap_destroy(sessions);
 *
 * When to use it: many threads, keys that come and go, a share of writes that makes msc_rwmap's one lock the hot one.
 * Not where an iteration must be of one instant, nor for small maps by the thousand (a shard takes 300 bytes and its
 * map). Growth is spread by the shards, too: each grows for itself.
 *
 * There are 32 shards, more where the machine has more than 8 processors: four for each, up to 1024. Each has a
 * lock with the map's name on a cache line of its own, for readers and writers alike: a look-up takes less time than
 * telling the two apart.
 *
 * The verbs, their results and thread rules are in mapscope/verbs.h. range goes shard by shard and holds that one's
 * lock: `visit` must not use this map, and sees each shard at an instant of its own. clear takes all locks at once,
 * count one after the other. A type with destructors or clones, and an allocator, are -EINVAL.
 *
 * Cost: one atomic read-modify-write and the operation of msc_map; least for keys of 64 bits (bench/flavours). Versions
 * are unique in the whole map and rise for each key; of two keys in different shards they say nothing.
 */
#ifndef MAPSCOPE_SHARDMAP_H
#define MAPSCOPE_SHARDMAP_H

#include <mapscope/verbs.h>

MSC_BEGIN_DECLS

struct msc_shardmap; /* opaque */

/* As msc_map_create; `hint` is for all shards together. */
MSC_API int msc_shardmap_create(const struct msc_map_options *options, struct msc_shardmap **out);

MSC_MAP_VERBS(msc_shardmap)

MSC_END_DECLS

#endif
