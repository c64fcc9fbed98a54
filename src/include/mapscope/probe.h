/*
 * Probes for hash tables that are not ours: a few lines, and a table of your own, or uthash, or khash, gives the
 * same events as a map of mapscope/map.h, so the same rows in the timeline and the same findings.
 *
 *     struct table {
 *         struct msc_probe probe;                                            // the table's life in the trace
 *         ...
 *     };
 *     struct entry {
 *         uint64_t version;                                                  // what ASSIGN returned
 *         ...
 *     };
 *
 *     MSC_PROBE_MAP_ALLOC(&table->probe, &options);                          // table_create
 *
 *     uint64_t began = MSC_PROBE_BEGIN(ASSIGN);                              // table_put
 *     ...
 *     entry->version = MSC_PROBE_MAP_ASSIGN(&table->probe, began, key, key_length, is_new);
 *
 *     MSC_PROBE_MAP_ACCESS(&table->probe, 0, key, key_length, entry, entry ? entry->version : 0);     // table_get
 *     MSC_PROBE_MAP_DELETE(&table->probe, 0, key, key_length, entry, entry ? entry->version : 0);     // table_remove
 *     MSC_PROBE_MAP_FREE(&table->probe, table->count);                       // table_destroy
 *
 * A complete program is examples/uthash_sessions. What each field means: docs/events.md; how a table shows:
 * docs/probes.md.
 *
 * Cost while nobody traces: a load and a branch each (in a shared library of yours, and where the address of the
 * variable comes from its global offset table: one load more), and the arguments are not evaluated; BEGIN makes no
 * clock call. While somebody does: the key's bytes are hashed, and an operation on a kept key costs one event,
 * as one of ours. Nothing here allocates, takes a lock or changes errno.
 *
 * Place a probe after the operation, where the table is still yours alone (before the unlock): two mutations that
 * the trace finds with one number, or at overlapping times, are then two writers at once, and reported.
 * `began` is when the operation began, from MSC_PROBE_BEGIN, or 0: it took no time.
 *
 * `key` and `length` are the bytes that make two keys equal. A table that keeps nothing but a hash of 32 bits can
 * give that (`&hash, sizeof hash`) with MSC_PROBE_WEAK_ID: two keys may then look like one, and no finding
 * about the table is certain.
 *
 * Threads: what your table asks for. The probe is written by mutations, while somebody traces.
 */
#ifndef MAPSCOPE_PROBE_H
#define MAPSCOPE_PROBE_H

#include <stddef.h>
#include <stdint.h>

#include <mapscope/api.h>
#include <mapscope/gate.h>
#include <mapscope/scope.h>

MSC_BEGIN_DECLS

/* The table as it is known to traces: in your memory, not to be moved. Its fields are the runtime's own. */
struct msc_probe {
    uint64_t generation; /* 0 = not begun: probes of it do nothing */
    uint64_t seq;        /* modifications so far, while traced */
    const char *name;
    uint32_t flags, key_size, value_size;
    uint32_t told; /* who knows of it already; atomic */
    const void *site;
};

/* Of msc_probe_options.flags. */
enum { MSC_PROBE_WEAK_ID = 1 }; /* 32 bits or less identify a key */

/* Zero is the default of every field but struct_size. */
struct msc_probe_options {
    size_t struct_size;  /* sizeof(struct msc_probe_options) */
    const char *name;    /* shown in traces; borrowed as long as the table lives; NULL = "" */
    uint32_t flags;      /* MSC_PROBE_WEAK_ID */
    uint32_t key_size;   /* bytes; 0 = byte strings of any length */
    uint32_t value_size; /* bytes of an entry */
    uint64_t hint;       /* entries it was made for */
    uint32_t B;          /* it has 2^B buckets */
};

/* An iteration, from its begin to its end. */
struct msc_probe_iter {
    uint64_t id, seq;
};

/* A table comes into being. Must run once, traced or not, before any other probe of it. */
#define MSC_PROBE_MAP_ALLOC(probe, options) msc_probe_alloc(probe, options)

/* It goes, with `count` entries left. */
#define MSC_PROBE_MAP_FREE(probe, count) MSC_PROBE_IF(FREE, msc_probe_free(probe, count), (void)0)

/* The clock in ns if operations of this kind (ASSIGN, ACCESS, DELETE, CLEAR) are traced, else 0. */
#define MSC_PROBE_BEGIN(kind) MSC_PROBE_IF(kind, msc_probe_clock(), (uint64_t)0)

/* A value was written under the key; `inserted`: the key is new. Yields the entry's version; untraced, 0. */
#define MSC_PROBE_MAP_ASSIGN(probe, began, key, length, inserted)                                                      \
    MSC_PROBE_IF(ASSIGN, msc_probe_assign(probe, began, key, length, (inserted) ? 1 : 0), (uint64_t)0)

/* A look-up; `hit`: the key was there. `version`: as stored with the entry; 0 = unknown, or no entry. */
#define MSC_PROBE_MAP_ACCESS(probe, began, key, length, hit, version)                                                  \
    MSC_PROBE_IF(ACCESS, msc_probe_access(probe, began, key, length, (hit) ? 1 : 0, version), (void)0)

/* A removal; `found`: there was an entry, of that version. */
#define MSC_PROBE_MAP_DELETE(probe, began, key, length, found, version)                                                \
    MSC_PROBE_IF(DELETE, msc_probe_delete(probe, began, key, length, (found) ? 1 : 0, version), (void)0)

/* All `count` entries were removed at once. */
#define MSC_PROBE_MAP_CLEAR(probe, began, count) MSC_PROBE_IF(CLEAR, msc_probe_clear(probe, began, count), (void)0)

/* The table begins to move its `count` entries from 2^old_B to 2^new_B buckets, of `bytes` in all. */
#define MSC_PROBE_MAP_GROW(probe, old_B, new_B, count, bytes)                                                          \
    MSC_PROBE_IF(GROW, msc_probe_grow(probe, old_B, new_B, count, bytes), (void)0)

/* It has moved them. */
#define MSC_PROBE_MAP_GROW_END(probe, moved) MSC_PROBE_IF(GROW_END, msc_probe_grow_end(probe, moved), (void)0)

/* An iteration begins: yields a struct msc_probe_iter for its end. */
#define MSC_PROBE_MAP_ITER_BEGIN(probe, count) msc_probe_iter_begin(probe, count)

/* It ends, after `visited` entries. */
#define MSC_PROBE_MAP_ITER_END(probe, iter, count, visited)                                                            \
    MSC_PROBE_IF(ITER_END, msc_probe_iter_end(probe, iter, count, visited), (void)0)

/*
 * As msc_defer_map_bytes (mapscope/scope.h): cleanup of the table's entry of that key, which has `version` now
 * (0 = there is none). That is how a trace shows a cleanup that removed somebody else's entry.
 */
MSC_API int msc_defer_probe(struct msc_scope *scope, msc_defer_fn *fn, void *arg, const struct msc_probe *probe,
                            const void *key, size_t length, uint64_t version);

/* ---- what the macros are made of ---- */

#define MSC_PROBE_IF(kind, traced, untraced) (MSC_PROBE_IS_ON(kind) ? (traced) : (untraced))

MSC_API uint64_t msc_probe_clock(void);
MSC_API void msc_probe_alloc(struct msc_probe *probe, const struct msc_probe_options *options);
MSC_API void msc_probe_free(struct msc_probe *probe, uint64_t count);
MSC_API uint64_t msc_probe_assign(struct msc_probe *probe, uint64_t began_ns, const void *key, size_t length,
                                  int inserted);
MSC_API void msc_probe_access(const struct msc_probe *probe, uint64_t began_ns, const void *key, size_t length, int hit,
                              uint64_t version);
MSC_API void msc_probe_delete(struct msc_probe *probe, uint64_t began_ns, const void *key, size_t length, int found,
                              uint64_t version);
MSC_API void msc_probe_clear(struct msc_probe *probe, uint64_t began_ns, uint64_t count);
MSC_API void msc_probe_grow(struct msc_probe *probe, uint32_t old_B, uint32_t new_B, uint64_t count, uint64_t bytes);
MSC_API void msc_probe_grow_end(struct msc_probe *probe, uint64_t moved);
MSC_API struct msc_probe_iter msc_probe_iter_begin(const struct msc_probe *probe, uint64_t count);
MSC_API void msc_probe_iter_end(const struct msc_probe *probe, struct msc_probe_iter iter, uint64_t count,
                                uint64_t visited);

MSC_END_DECLS

#endif
