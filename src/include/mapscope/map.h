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
 * Keys are 64-bit or 32-bit numbers (`_u64`, `_u32`), pointers (`_ptr`), byte strings of any bytes and length,
 * copied (`_bytes`) or borrowed, or a type of the caller's with its own hash and equality. The functions without
 * a suffix take a pointer to a key of the map's kind; mapscope/map_template.h makes typed ones whose look-up is
 * inline. Values are `value_size` bytes, copied in and aligned for any type.
 * Each entry has a version: the map's modification number when it was last assigned (48 bits of it), so that a
 * late cleanup can ask for "the entry that I saw".
 *
 * Threads: as with a Go map, the caller synchronises. Any number of threads may read and iterate at once;
 * whoever mutates must be alone. The map checks this as Go does: who meets a writer gets -EBUSY (a look-up
 * without an error to return finds nothing) and the policy of mapscope/fault.h takes its course. Not for signal
 * handlers. After fork the child has its own copy, which is sound if no other thread was writing.
 *
 * A NULL map is an empty one: nothing is found, nothing deleted; assigning is a map_fault and -EFAULT. Using
 * a map with another kind of key is a map_fault and -EINVAL.
 *
 * Cost: a look-up reads the bucket's 8 tophash bytes at once and usually one key: one cache line, and the
 * value's. The map shrinks only on request; growth is spread over the assigns and deletes that follow it, and so
 * is giving back the old array, so that none of them stops for the whole map (docs/maps.md). Memory: a bucket of
 * 8 slots is 72 bytes, keys and values; 3.25 to 6.5 slots are used; an owned byte string is 16 bytes and the
 * string. Each call asks one flag whether somebody traces: one load and a branch.
 *
 * Source: Go 1.19 runtime/map.go.
 */
#ifndef MAPSCOPE_MAP_H
#define MAPSCOPE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mapscope/api.h>
#include <mapscope/fault.h>
#include <mapscope/hash.h>

MSC_BEGIN_DECLS

struct msc_map; /* opaque */
struct msc_map_table;
struct msc_map_bucket;

/* What the `key` of a generic function points to. */
enum msc_key_kind {
    MSC_KEY_U64 = 0,            /* uint64_t */
    MSC_KEY_BYTES = 1,          /* struct msc_bytes; the map keeps a copy of the bytes */
    MSC_KEY_U32 = 2,            /* uint32_t */
    MSC_KEY_POINTER = 3,        /* void * */
    MSC_KEY_BYTES_BORROWED = 4, /* struct msc_bytes; the bytes stay the caller's, as they are, until the delete */
    MSC_KEY_CUSTOM = 5,         /* struct msc_map_type says */
};

/* `data` may be NULL if `length` is 0. */
struct msc_bytes {
    const void *data;
    size_t length;
};

/*
 * Keys and values that are more than their bytes. Copied by msc_map_create; NULL = the default. The functions
 * may run inside any operation on the map, so they must not use it (-EBUSY) and must return in the ordinary way.
 */
struct msc_map_type {
    const char *key_type, *value_type;     /* C names, for debuggers; borrowed for good: string literals */
    size_t key_alignment, value_alignment; /* up to 16; 0 = the largest power of 2, up to 16, that divides the size */

    /* MSC_KEY_CUSTOM only; the first three are needed. */
    size_t key_size;                                              /* bytes, 1 to 64 KiB */
    uint64_t (*hash)(const void *key, struct msc_hash_seed seed); /* all 64 bits count: the lowest choose the bucket */
    bool (*equal)(const void *key, const void *other);
    uint64_t (*identity)(const void *key, struct msc_hash_seed seed); /* for traces; NULL = hash of the key's bytes */
    void (*destroy_key)(void *key);
    int (*clone_key)(void *to, const void *from); /* 0 or negative errno; NULL = copy the bytes */

    bool (*hashable)(const void *key); /* NULL = every key; false: a map_fault and -EINVAL */
    void (*destroy_value)(void *value);
    int (*clone_value)(void *to, const void *from);
    bool (*equal_values)(const void *value, const void *other); /* NULL = compare the bytes */
};

/* Where a map gets its memory; both functions are needed. Called while the map is written, by that thread. */
struct msc_allocator {
    void *(*allocate)(void *context, size_t size); /* aligned for any type; NULL when memory is out */
    void (*release)(void *context, void *block, size_t size);
    void *context;
};

/* Zero is the default of every field but struct_size. */
struct msc_map_options {
    size_t struct_size;                        /* sizeof(struct msc_map_options) */
    const char *name;                          /* shown in traces; copied; NULL = "" */
    enum msc_key_kind key;                     /* of all keys of this map */
    size_t value_size;                         /* bytes, at most 256 MiB; 0 = a set */
    size_t hint;                               /* entries to have room for from the start */
    const struct msc_map_type *type;           /* copied; NULL = keys and values are their bytes */
    const struct msc_allocator *allocator;     /* copied; NULL = malloc, and mmap for large arrays */
    uint32_t guard;                            /* enum msc_guard_mode: how hard it looks for a second writer */
    const struct msc_fault_response *on_fault; /* copied; NULL = what msc_map_on_fault set for all */
};

/*
 * Makes an empty map, to be given to msc_map_destroy. Returns 0, or with `*out` untouched: -EINVAL (no
 * options, struct_size too small, unknown key kind or policy, a type without what its kind needs, value_size too
 * large), -ENOMEM.
 */
MSC_API int msc_map_create(const struct msc_map_options *options, struct msc_map **out);

/*
 * Gives up a handle; with the last one the map, its keys and values are freed. No iteration may be open then.
 * NULL is allowed.
 */
MSC_API void msc_map_destroy(struct msc_map *map);

/* Entries in the map. Constant time. */
MSC_API size_t msc_map_count(const struct msc_map *map);

/*
 * Sets the value of `key`, making the entry if there is none. `value` is value_size bytes outside this map;
 * NULL = all zero. Takes key and value: they are copied as bytes, and what was there before (of the key, the new
 * one) is destroyed as the type says. Returns 0; or, with key and value still the caller's, -ENOMEM with the map's
 * entries as they were; -EFAULT (NULL map), -EBUSY, -EINVAL (other kind of key, NULL key bytes with a length, not
 * hashable).
 */
MSC_API int msc_map_assign(struct msc_map *map, const void *key, const void *value);
MSC_API int msc_map_assign_u64(struct msc_map *map, uint64_t key, const void *value);
MSC_API int msc_map_assign_u32(struct msc_map *map, uint32_t key, const void *value);
MSC_API int msc_map_assign_ptr(struct msc_map *map, const void *key, const void *value);
MSC_API int msc_map_assign_bytes(struct msc_map *map, const void *key, size_t key_length, const void *value);

/*
 * The value of `key`, or NULL if there is none. Borrowed until the next mutation of the map. Of a map with
 * value_size 0 the pointer only says "there".
 */
MSC_API const void *msc_map_find(const struct msc_map *map, const void *key);
MSC_API const void *msc_map_find_u64(const struct msc_map *map, uint64_t key);
MSC_API const void *msc_map_find_u32(const struct msc_map *map, uint32_t key);
MSC_API const void *msc_map_find_ptr(const struct msc_map *map, const void *key);
MSC_API const void *msc_map_find_bytes(const struct msc_map *map, const void *key, size_t key_length);

/* As find, for changing the value in place: no assign to the trace, and the entry keeps its version. */
MSC_API void *msc_map_edit(struct msc_map *map, const void *key);
MSC_API void *msc_map_edit_u64(struct msc_map *map, uint64_t key);
MSC_API void *msc_map_edit_u32(struct msc_map *map, uint32_t key);
MSC_API void *msc_map_edit_ptr(struct msc_map *map, const void *key);
MSC_API void *msc_map_edit_bytes(struct msc_map *map, const void *key, size_t key_length);

/* Copies the value to `out` (value_size bytes; NULL = do not). 0, or with `out` untouched -ENOENT, -EBUSY, -EINVAL. */
MSC_API int msc_map_load(const struct msc_map *map, const void *key, void *out);
MSC_API int msc_map_load_u64(const struct msc_map *map, uint64_t key, void *out);
MSC_API int msc_map_load_u32(const struct msc_map *map, uint32_t key, void *out);
MSC_API int msc_map_load_ptr(const struct msc_map *map, const void *key, void *out);
MSC_API int msc_map_load_bytes(const struct msc_map *map, const void *key, size_t key_length, void *out);

/* Removes the entry. 0, -ENOENT, -EBUSY or -EINVAL. Needs no memory. */
MSC_API int msc_map_delete(struct msc_map *map, const void *key);
MSC_API int msc_map_delete_u64(struct msc_map *map, uint64_t key);
MSC_API int msc_map_delete_u32(struct msc_map *map, uint32_t key);
MSC_API int msc_map_delete_ptr(struct msc_map *map, const void *key);
MSC_API int msc_map_delete_bytes(struct msc_map *map, const void *key, size_t key_length);

/* The version of the entry: rises with each assign to any key of the map; 0 = there is no entry. */
MSC_API uint64_t msc_map_version(const struct msc_map *map, const void *key);
MSC_API uint64_t msc_map_version_u64(const struct msc_map *map, uint64_t key);
MSC_API uint64_t msc_map_version_u32(const struct msc_map *map, uint32_t key);
MSC_API uint64_t msc_map_version_ptr(const struct msc_map *map, const void *key);
MSC_API uint64_t msc_map_version_bytes(const struct msc_map *map, const void *key, size_t key_length);

/*
 * Removes the entry only if it was not assigned again since it had this version: cleanup that cannot hit
 * somebody else's entry. -ESTALE if it was; else as delete.
 */
MSC_API int msc_map_delete_version(struct msc_map *map, const void *key, uint64_t version);
MSC_API int msc_map_delete_version_u64(struct msc_map *map, uint64_t key, uint64_t version);
MSC_API int msc_map_delete_version_u32(struct msc_map *map, uint32_t key, uint64_t version);
MSC_API int msc_map_delete_version_ptr(struct msc_map *map, const void *key, uint64_t version);
MSC_API int msc_map_delete_version_bytes(struct msc_map *map, const void *key, size_t key_length, uint64_t version);

/* Removes all entries and keeps the buckets. 0 or -EBUSY. */
MSC_API int msc_map_clear(struct msc_map *map);

/* ---- whole maps ---- */

/*
 * Makes room for `count` entries: no assign up to there begins a growth for their number. Moves the entries at
 * once, not step by step. 0; -ENOMEM with the map as it was; -EFAULT, -EBUSY.
 */
MSC_API int msc_map_reserve(struct msc_map *map, size_t count);

/* Moves the entries to the smallest array that has room for them, at once. 0; -ENOMEM with the map as it was; -EBUSY.
 */
MSC_API int msc_map_shrink(struct msc_map *map);

/*
 * A map of its own with the same entries and versions, of the same type and allocator; keys and values are
 * cloned. A reader of `map`. 0, or with `*out` untouched: -ENOMEM, -EFAULT, -EBUSY, what clone_key or
 * clone_value returned.
 */
MSC_API int msc_map_clone(const struct msc_map *map, struct msc_map **out);

/*
 * A second handle to the same map, as when a Go map is assigned to another variable: returns `map`, which now
 * needs one destroy more. Any thread that holds a handle. NULL for NULL.
 */
MSC_API struct msc_map *msc_map_alias(struct msc_map *map);

/*
 * Exchanges what two maps hold, with type and hint; names and identity stay, so that every handle to one sees the
 * entries of the other. Constant time. A writer of both. 0; -EFAULT; -EINVAL: not the same kind and size of key,
 * size of value and allocator; -EBUSY, also if an iteration of one is open.
 */
MSC_API int msc_map_swap(struct msc_map *map, struct msc_map *other);

/*
 * 1 = the same keys with equal values (by the type of the first), 0 = not, -EINVAL: other kind or size of key
 * or value, -EBUSY. A reader of both. A NULL map equals an empty one.
 */
MSC_API int msc_map_equal(const struct msc_map *map, const struct msc_map *other);

/* A bucket of eight slots: mapscope/map_inline.h. The map's own. */
struct msc_map_link {
    unsigned char *pairs;          /* its keys and values */
    uint8_t *tops;                 /* its tophash bytes */
    struct msc_map_bucket *bucket; /* the rest of it */
};

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
        uint64_t number;     /* MSC_KEY_U64, MSC_KEY_U32 */
        const void *bytes;   /* MSC_KEY_BYTES: borrowed until the next next or end; MSC_KEY_BYTES_BORROWED */
        const void *pointer; /* MSC_KEY_POINTER */
        const void *custom;  /* MSC_KEY_CUSTOM: borrowed until the next mutation */
    } key;
    size_t key_length; /* in bytes */
    void *value;       /* borrowed until the next mutation; may be written through, as with edit */
    uint64_t version;

    /* The rest is the map's own. */
    struct msc_map *map;
    struct msc_map_table *table;   /* that it goes through; NULL = nothing to go through */
    struct msc_map_table *current; /* the map's when it began */
    struct msc_map_link link;      /* at hand; bucket NULL = take the next one */
    uint64_t start, next, only;    /* bucket numbers */
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
