/*
 * msc_cowmap: a map that readers see whole. Each write makes a new immutable map, which shares with the one before
 * all but one path from its root.
 *
 *     struct msc_cowmap_snapshot *now;
 *     int error = msc_cowmap_snapshot_take(routes, &now);
 *     if (error)
 *         return error;
 *     msc_cowmap_snapshot_range(now, print, NULL);             // while others write: none of that is seen
 *     msc_cowmap_snapshot_release(now);
 *
 * When to use it: look-ups and whole iterations must never wait for a writer and an iteration must be of one
 * instant: configuration, routes, memberships. Writes are serial and each copies a path: some hundred nanoseconds,
 * ten times a write to msc_shardmap (docs/maps.md).
 *
 * A hash array mapped trie: 32-way nodes without empty slots, five bits of the hash a level, leaves with key and
 * value. n entries are about log32(n) levels deep; a write allocates that many nodes of up to 272 bytes and a leaf.
 *
 *     root ─┬─ leaf          write ──► root' ─┬─ (the same leaf)
 *           ├─ node ─ ...                     ├─ (the same node)
 *           └─ node ─ leaf                    └─ node' ─ leaf'
 *
 * The verbs, their results and thread rules are in mapscope/verbs.h. Look-ups are lock-free. range is that of a
 * snapshot taken for it: `visit` may use the map, and holds up nobody.
 *
 * Snapshots. Taking and releasing one holds the writers' lock for a moment; reading it takes no lock and needs no
 * guard. It keeps what it needs and nothing younger: at most what the map was when it was taken, however long it
 * lives and however much is written meanwhile. What only look-ups may still read is freed in batches: guard.h.
 *
 * Cost: a look-up reads a node a level and the leaf. Memory an entry: 40 bytes, key, value, and 8 to 12 bytes of
 * nodes. clear and the release of the last old snapshot free what they own at once: O(n).
 *
 * Source: Bagwell, "Ideal hash trees" (2001).
 */
#ifndef MAPSCOPE_COWMAP_H
#define MAPSCOPE_COWMAP_H

#include <mapscope/guard.h>
#include <mapscope/verbs.h>

MSC_BEGIN_DECLS

struct msc_cowmap;          /* opaque */
struct msc_cowmap_snapshot; /* opaque */

/* As msc_map_create; `hint` is not used. */
MSC_API int msc_cowmap_create(const struct msc_map_options *options, struct msc_cowmap **out);

/*
 * The value of `key`, or NULL; *version (which may be NULL) is its version. Borrowed: only inside msc_guard_enter
 * and msc_guard_leave, and valid until the leave.
 */
MSC_API const void *msc_cowmap_find(struct msc_cowmap *map, const void *key, uint64_t *version);

MSC_MAP_VERBS(msc_cowmap)

/* The map as it is now, to be given to msc_cowmap_snapshot_release before the map is destroyed. 0, -ENOMEM, -EINVAL. */
MSC_API int msc_cowmap_snapshot_take(struct msc_cowmap *map, struct msc_cowmap_snapshot **out);
MSC_API void msc_cowmap_snapshot_release(struct msc_cowmap_snapshot *snapshot); /* NULL is allowed */

/* Any number of threads may read one snapshot at once. Pointers from it are valid until its release. */
MSC_API size_t msc_cowmap_snapshot_count(const struct msc_cowmap_snapshot *snapshot);
MSC_API const void *msc_cowmap_snapshot_find(const struct msc_cowmap_snapshot *snapshot, const void *key,
                                             uint64_t *version);
MSC_API int msc_cowmap_snapshot_range(const struct msc_cowmap_snapshot *snapshot, msc_visit_fn *visit, void *context);

MSC_END_DECLS

#endif
