/*
 * msc_syncmap: Go's sync.Map. Keys that are written once and read often are read without any lock.
 *
 *     static int print(void *context, const void *key, const void *value, uint64_t version);
 *     ...
 *     struct msc_syncmap *routes;
 *     int error = msc_syncmap_create(&options, &routes);       // options as for msc_map
 *     ...
 *     error = msc_syncmap_load_u64(routes, 42, &route);        // no lock if the key is in the read half
 *     msc_syncmap_range(routes, print, NULL);
 *     msc_syncmap_destroy(routes);
 *
 * Two tables share their entries. `read` is never changed while it is published; `dirty` has all of it, and the
 * keys that are new, under a mutex. A look-up that finds its key in `read` is lock-free, and so is every write to
 * such a key: it swaps the entry's value by compare-and-swap. A look-up that has to go to `dirty` is a miss; after
 * as many misses as `dirty` has entries it is promoted to `read` (a syncmap_promote event), and the next new key
 * builds another `dirty`.
 *
 *     read  [a b c ]        store(d): d only in dirty          promoted: read [a b c d], dirty none
 *     dirty [a b c d]       load(d), 4 times: 4 misses
 *
 * When to use it: each key is written once and read many times, or threads keep to keys of their own. Not for a
 * steady stream of new keys: each promotion is followed by a copy of the whole table, O(n) inside one store
 * (docs/maps.md). For those, msc_shardmap.
 *
 * The verbs, their results and thread rules are in mapscope/verbs.h. range visits under a guard (guard.h), without
 * a lock: `visit` may use this map and any other. Keys and values are plain bytes: a type with destructors or
 * clones is -EINVAL.
 *
 * Cost: a hit reads the table and the entry, two cache lines, without an atomic read-modify-write. A value of up to 8
 * bytes is in the entry, and a write to a key of the read half is one compare-and-swap; a larger one is in a block of
 * its own that each write allocates, so that a reader never sees half of one. Memory: 16 bytes a slot at a load of 1/4
 * to 3/4, in each of the two tables, and 32 bytes an entry with its key's bytes. What is replaced is freed in batches:
 * guard.h. Measured beside sync.Map in docs/maps.md.
 *
 * Source: Go 1.19 sync/map.go.
 */
#ifndef MAPSCOPE_SYNCMAP_H
#define MAPSCOPE_SYNCMAP_H

#include <mapscope/guard.h>
#include <mapscope/verbs.h>

MSC_BEGIN_DECLS

struct msc_syncmap; /* opaque */

/* As msc_map_create. */
MSC_API int msc_syncmap_create(const struct msc_map_options *options, struct msc_syncmap **out);

/*
 * The value of `key`, or NULL; *version (which may be NULL) is its version. Borrowed from a map that goes on
 * changing: only inside msc_guard_enter and msc_guard_leave, and valid until the leave. For large values: of up to 8
 * bytes it allocates a copy (NULL when memory is out), where load allocates nothing.
 */
MSC_API const void *msc_syncmap_find(struct msc_syncmap *map, const void *key, uint64_t *version);

MSC_MAP_VERBS(msc_syncmap)

MSC_END_DECLS

#endif
