/*
 * msc_map: a hash map with the layout and the growth of Go's, whose life can be watched in production.
 *
 *     struct msc_map_options options = {
 *         .struct_size = sizeof options, .name = "sessions", .key = MSC_KEY_BYTES,
 *         .value_size = sizeof(struct session), .hint = 1000,
 *     };
 *     struct msc_map *sessions;
 *     int error = msc_map_create(&options, &sessions);
 *     if (error)
 *         return error;                                        // negative errno
 *     error = msc_map_assign_bytes(sessions, id, strlen(id), &session);
 *     ...
 *     const struct session *found = msc_map_find_bytes(sessions, id, strlen(id));
 *     if (found)
 *         use(found);                                          // until the next mutation
 *     msc_map_delete_bytes(sessions, id, strlen(id));
 *     msc_map_destroy(sessions);
 *
 * Keys are 64-bit numbers (`_u64`) or byte strings (`_bytes`: any bytes, any length, copied). Values are
 * `value_size` bytes, copied in and aligned for any type. Each entry has a version: the map's modification
 * number when it was last assigned, so that a late cleanup can ask for "the entry that I saw".
 *
 * Threads: as with a Go map, the caller synchronises. Any number of threads may read and iterate at once;
 * whoever mutates must be alone. The map checks this as Go does and reports what it catches as a map_fault
 * event: of two writers the second gets -EBUSY (always caught), and so does a reader that meets a writer
 * (caught if the writer came first; a look-up without an error to return then finds nothing). What is
 * caught is not carried out, so it does no damage. Not for signal handlers. After fork the child has its
 * own copy, which is sound if no other thread was writing.
 *
 * A NULL map is an empty one: nothing is found, nothing deleted; assigning is a map_fault and -EFAULT. Using
 * a map with the other kind of key is a map_fault and -EINVAL.
 *
 * Cost: a look-up reads the bucket's 8 tophash bytes at once and usually one key. The map never shrinks;
 * growth is spread over the assigns and deletes that follow it, so that none of them stops for the whole
 * map. Memory an entry: 8 (number) or 16 bytes plus the string, 8 for the version, the value, all over the
 * load (3.25 to 6.5 of 8 slots). Each call asks one flag whether somebody traces: one load and a branch.
 *
 * Source: Go 1.19 runtime/map.go.
 */
#ifndef MAPSCOPE_MAP_H
#define MAPSCOPE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include <mapscope/api.h>

MSC_BEGIN_DECLS

struct msc_map; /* opaque */
struct msc_map_table;
struct msc_map_bucket;

enum msc_key_kind { MSC_KEY_U64 = 0, MSC_KEY_BYTES = 1 };

/* Zero is the default of every field but struct_size. */
struct msc_map_options {
    size_t struct_size;    /* sizeof(struct msc_map_options) */
    const char *name;      /* shown in traces; copied; NULL = "" */
    enum msc_key_kind key; /* of all keys of this map */
    size_t value_size;     /* bytes, at most 256 MiB; 0 = a set */
    size_t hint;           /* entries to have room for from the start */
};

/*
 * Makes an empty map, to be given to msc_map_destroy. Returns 0, or with `*out` untouched: -EINVAL (no
 * options, struct_size too small, unknown key kind, value_size too large), -ENOMEM.
 */
MSC_API int msc_map_create(const struct msc_map_options *options, struct msc_map **out);

/* Frees the map, its keys and values. No iteration may be open. NULL is allowed. */
MSC_API void msc_map_destroy(struct msc_map *map);

/* Entries in the map. Constant time. */
MSC_API size_t msc_map_count(const struct msc_map *map);

/*
 * Sets the value of `key`, making the entry if there is none. `value` is value_size bytes outside this map;
 * NULL = all zero. Returns 0; -ENOMEM with the map's entries as they were; -EFAULT (NULL map), -EBUSY,
 * -EINVAL (other kind of key, or NULL key bytes with a length).
 */
MSC_API int msc_map_assign_u64(struct msc_map *map, uint64_t key, const void *value);
MSC_API int msc_map_assign_bytes(struct msc_map *map, const void *key, size_t key_length, const void *value);

/*
 * The value of `key`, or NULL if there is none. Borrowed until the next mutation of the map. Of a map with
 * value_size 0 the pointer only says "there".
 */
MSC_API const void *msc_map_find_u64(const struct msc_map *map, uint64_t key);
MSC_API const void *msc_map_find_bytes(const struct msc_map *map, const void *key, size_t key_length);

/* As find, for changing the value in place: no assign to the trace, and the entry keeps its version. */
MSC_API void *msc_map_edit_u64(struct msc_map *map, uint64_t key);
MSC_API void *msc_map_edit_bytes(struct msc_map *map, const void *key, size_t key_length);

/* Copies the value to `out` (value_size bytes; NULL = do not). 0, or with `out` untouched -ENOENT, -EBUSY, -EINVAL. */
MSC_API int msc_map_load_u64(const struct msc_map *map, uint64_t key, void *out);
MSC_API int msc_map_load_bytes(const struct msc_map *map, const void *key, size_t key_length, void *out);

/* Removes the entry. 0, -ENOENT, -EBUSY or -EINVAL. Needs no memory. */
MSC_API int msc_map_delete_u64(struct msc_map *map, uint64_t key);
MSC_API int msc_map_delete_bytes(struct msc_map *map, const void *key, size_t key_length);

/* The version of the entry: rises with each assign to any key of the map; 0 = there is no entry. */
MSC_API uint64_t msc_map_version_u64(const struct msc_map *map, uint64_t key);
MSC_API uint64_t msc_map_version_bytes(const struct msc_map *map, const void *key, size_t key_length);

/*
 * Removes the entry only if it was not assigned again since it had this version: cleanup that cannot hit
 * somebody else's entry. -ESTALE if it was; else as delete.
 */
MSC_API int msc_map_delete_version_u64(struct msc_map *map, uint64_t key, uint64_t version);
MSC_API int msc_map_delete_version_bytes(struct msc_map *map, const void *key, size_t key_length, uint64_t version);

/* Removes all entries and keeps the buckets. 0 or -EBUSY. */
MSC_API int msc_map_clear(struct msc_map *map);

/*
 * Iteration, in caller's memory:
 *
 *     struct msc_map_iter iter;
 *     int error = msc_map_iter_begin(map, &iter);
 *     while (!error && (error = msc_map_iter_next(&iter)) == 1) {
 *         error = 0;
 *         printf("%" PRIu64 "\n", iter.key.number);
 *     }
 *     msc_map_iter_end(&iter);
 *
 * The order is random. The map may be changed between two calls of next, also the entry at hand: no entry
 * is produced twice, one that is there throughout is produced, one deleted before it was reached is not,
 * and one inserted meanwhile may be or not. After a clear the iteration is over.
 */
struct msc_map_iter {
    union {
        uint64_t number;   /* MSC_KEY_U64 */
        const void *bytes; /* MSC_KEY_BYTES: borrowed until the next next or end */
    } key;
    size_t key_length; /* in bytes */
    void *value;       /* borrowed until the next mutation; may be written through, as with edit */
    uint64_t version;

    /* The rest is the map's own. */
    struct msc_map *map;
    struct msc_map_table *table;         /* that it goes through; NULL = nothing to go through */
    struct msc_map_table *current;       /* the map's when it began */
    const struct msc_map_bucket *bucket; /* at hand; NULL = take the next one */
    uint64_t start, next, only;          /* bucket numbers */
    uint64_t id, seq, clears, visited;
    uint8_t offset, slot, wrapped, begun, filtered;
};

/* 0; -EBUSY, -EINVAL (NULL iter). After an error next ends at once. */
MSC_API int msc_map_iter_begin(struct msc_map *map, struct msc_map_iter *iter);

/* 1 = an entry is in *iter, 0 = there are no more, -EBUSY = a writer is at work: try again later. */
MSC_API int msc_map_iter_next(struct msc_map_iter *iter);

/*
 * Must follow every begin. Memory that the map gave up in the meantime is kept until no iteration is open.
 * Not before the map is destroyed: undefined.
 */
MSC_API void msc_map_iter_end(struct msc_map_iter *iter);

MSC_END_DECLS

#endif
