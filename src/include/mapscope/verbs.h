/*
 * The verbs that every concurrent map has: msc_rwmap, msc_syncmap, msc_shardmap, msc_cowmap.
 *
 *     struct msc_map_options options = {.struct_size = sizeof options, .name = "sessions", .key = MSC_KEY_BYTES,
 *                                       .value_size = sizeof(struct session)};
 *     struct msc_shardmap *sessions;
 *     int error = msc_shardmap_create(&options, &sessions);
 *     ...
 *     struct session session;
 *     error = msc_shardmap_load_bytes(sessions, id, strlen(id), &session);       // copied out
 *
 *     // read, think, write only if nobody wrote meanwhile: no lock is held while thinking
 *     uint64_t version;
 *     do {
 *         error = msc_shardmap_load_version_bytes(sessions, id, strlen(id), &session, &version);
 *         if (error)
 *             break;
 *         session.hits++;
 *         error = msc_shardmap_store_version_bytes(sessions, id, strlen(id), version, &session);
 *     } while (error == -ESTALE);
 *
 * Which one when (docs/maps.md has the numbers and what the trace of each shows):
 *
 *     msc_rwmap      any mix, one map: start here
 *     msc_shardmap   many threads write different keys
 *     msc_syncmap    keys are written once and read often, or threads keep to their own keys
 *     msc_cowmap     reads and whole iterations matter most, writes are rare; an immutable snapshot at any time
 *     msc_mapwriter  a write must be done or given up by a deadline (mapwriter.h: its writes take one)
 *
 * Keys: `key` points to what the map's kind of key says: a uint64_t (MSC_KEY_U64), a struct msc_bytes
 * (MSC_KEY_BYTES; copied), and so on as for msc_map. The verbs that end in _u64 and _bytes take it by value.
 * Values are `value_size` bytes, copied in and out whole: no reader ever sees half a value.
 *
 * Each verb that is about one key is linearizable: it takes effect at one instant between call and return.
 *
 *     load               0 and the value in *out; -ENOENT
 *     load_version       the same, and the entry's version, which no other write ever has
 *     store              sets the value. 0
 *     load_or_store      1: there was a value, it is in *out, nothing was written. 0: stored
 *     load_and_delete    0, the value that was removed in *out; -ENOENT
 *     delete             the same without the value
 *     swap               stores. 1: the value that was there is in *out. 0: there was none
 *     compare_and_swap   stores if the value equals *expected. 0; -ENOENT; -ESTALE: it is another one
 *     compare_and_delete removes if it equals *expected. As compare_and_swap
 *     store_version      stores if the entry has this version, 0 = if there is none. 0; -ESTALE
 *     delete_version     removes if the entry has this version. 0; -ESTALE; -ENOENT
 *     clear              removes everything
 *     range              calls `visit` for each entry until it returns something else than 0, and returns that
 *     count              entries at some instant
 *
 * `out` may be NULL, `value` NULL is all zero. Values are equal if all their bytes are (mind padding), or if the
 * type's equal_values says so. Every verb may also return -EINVAL (no map, or a key that its kind does not take),
 * and those that write -ENOMEM with the map as it was. On failure *out is untouched.
 *
 * range: each key at most once, and each that is there from call to return exactly once; with its value at some
 * instant in between (msc_cowmap: all at one instant). What `visit` may do with the map each header says. It must
 * return in the ordinary way (no exception, longjmp or end of the thread out of it): the map would stay locked.
 *
 * Threads: any number at once, in every verb but create and destroy. Not for signal handlers. Fork: in the child
 * the map is sound if no other thread of the parent was inside a call to it; else only _exit or exec is left.
 * Destroy only when no call, range, guard-borrowed value or snapshot is under way.
 */
#ifndef MAPSCOPE_VERBS_H
#define MAPSCOPE_VERBS_H

#include <stddef.h>
#include <stdint.h>

#include <mapscope/api.h>
#include <mapscope/map.h>

/* `key` as the verbs take it; both pointers are borrowed until it returns. Something else than 0 ends the range. */
typedef int msc_visit_fn(void *context, const void *key, const void *value, uint64_t version);

#define MSC_VERB_INLINE static inline __attribute__((always_inline))

/* Declares the verbs of `struct flavour`. */
#define MSC_MAP_VERBS(flavour)                                                                                         \
    MSC_API void flavour##_destroy(struct flavour *map); /* NULL is allowed */                                         \
    MSC_API size_t flavour##_count(struct flavour *map);                                                               \
    MSC_API int flavour##_clear(struct flavour *map);                                                                  \
    MSC_API int flavour##_range(struct flavour *map, msc_visit_fn *visit, void *context);                              \
    MSC_API int flavour##_load(struct flavour *map, const void *key, void *out);                                       \
    MSC_API int flavour##_load_version(struct flavour *map, const void *key, void *out, uint64_t *version);            \
    MSC_API int flavour##_store(struct flavour *map, const void *key, const void *value);                              \
    MSC_API int flavour##_load_or_store(struct flavour *map, const void *key, const void *value, void *out);           \
    MSC_API int flavour##_load_and_delete(struct flavour *map, const void *key, void *out);                            \
    MSC_API int flavour##_delete(struct flavour *map, const void *key);                                                \
    MSC_API int flavour##_swap(struct flavour *map, const void *key, const void *value, void *out);                    \
    MSC_API int flavour##_compare_and_swap(struct flavour *map, const void *key, const void *expected,                 \
                                           const void *value);                                                         \
    MSC_API int flavour##_compare_and_delete(struct flavour *map, const void *key, const void *expected);              \
    MSC_API int flavour##_store_version(struct flavour *map, const void *key, uint64_t version, const void *value);    \
    MSC_API int flavour##_delete_version(struct flavour *map, const void *key, uint64_t version);                      \
    MSC_VERBS_BY_VALUE(flavour, u64, U64)                                                                              \
    MSC_VERBS_BY_VALUE(flavour, bytes, BYTES)

/* The same with the key by value. */
#define MSC_U64_PARAMS uint64_t number
#define MSC_U64_KEY uint64_t key = number
#define MSC_BYTES_PARAMS const void *bytes, size_t length
#define MSC_BYTES_KEY struct msc_bytes key = {bytes, length}
#define MSC_VERBS_BY_VALUE(flavour, suffix, KIND)                                                                      \
    MSC_VERB_INLINE int flavour##_load_##suffix(struct flavour *map, MSC_##KIND##_PARAMS, void *out)                   \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_load(map, &key, out);                                                                         \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_load_version_##suffix(struct flavour *map, MSC_##KIND##_PARAMS, void *out,           \
                                                        uint64_t *version)                                             \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_load_version(map, &key, out, version);                                                        \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_store_##suffix(struct flavour *map, MSC_##KIND##_PARAMS, const void *value)          \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_store(map, &key, value);                                                                      \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_load_or_store_##suffix(struct flavour *map, MSC_##KIND##_PARAMS, const void *value,  \
                                                         void *out)                                                    \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_load_or_store(map, &key, value, out);                                                         \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_load_and_delete_##suffix(struct flavour *map, MSC_##KIND##_PARAMS, void *out)        \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_load_and_delete(map, &key, out);                                                              \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_delete_##suffix(struct flavour *map, MSC_##KIND##_PARAMS)                            \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_delete(map, &key);                                                                            \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_swap_##suffix(struct flavour *map, MSC_##KIND##_PARAMS, const void *value,           \
                                                void *out)                                                             \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_swap(map, &key, value, out);                                                                  \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_compare_and_swap_##suffix(struct flavour *map, MSC_##KIND##_PARAMS,                  \
                                                            const void *expected, const void *value)                   \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_compare_and_swap(map, &key, expected, value);                                                 \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_compare_and_delete_##suffix(struct flavour *map, MSC_##KIND##_PARAMS,                \
                                                              const void *expected)                                    \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_compare_and_delete(map, &key, expected);                                                      \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_store_version_##suffix(struct flavour *map, MSC_##KIND##_PARAMS, uint64_t version,   \
                                                         const void *value)                                            \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_store_version(map, &key, version, value);                                                     \
    }                                                                                                                  \
    MSC_VERB_INLINE int flavour##_delete_version_##suffix(struct flavour *map, MSC_##KIND##_PARAMS, uint64_t version)  \
    {                                                                                                                  \
        MSC_##KIND##_KEY;                                                                                              \
        return flavour##_delete_version(map, &key, version);                                                           \
    }

#endif
