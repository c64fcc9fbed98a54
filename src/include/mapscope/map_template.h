/*
 * Typed maps: msc_map for any type of key and value, with the look-up compiled into the program.
 *
 *     struct point { int32_t x, y; };
 *     struct city { char name[24]; };
 *
 *     static inline uint64_t point_hash(const struct point *point, struct msc_hash_seed seed)
 *     {
 *         return msc_hash_bytes(point, sizeof *point, seed);
 *     }
 *
 *     static inline bool point_equal(const struct point *point, const struct point *other)
 *     {
 *         return point->x == other->x && point->y == other->y;
 *     }
 *
 *     MSC_MAP_TEMPLATE(atlas, struct point, struct city, point_hash, point_equal);
 *
 *     struct atlas *map;
 *     int error = atlas_create("atlas", 0, &map);              // name, hint
 *     struct city rome = {"Rome"};
 *     if (!error)
 *         error = atlas_assign(map, (struct point){12, 41}, &rome);
 *     const struct city *found = atlas_find(map, (struct point){12, 41});
 *     struct atlas_iter iter;
 *     for (error = atlas_iter_begin(map, &iter); !error && atlas_iter_next(&iter) == 1;)
 *         printf("%d %d %s\n", iter.key.x, iter.key.y, iter.value->name);
 *     atlas_iter_end(&iter);
 *     atlas_destroy(map);
 *
 * Every function does what its namesake in mapscope/map.h does, in which threads, errors and ownership are
 * described; atlas_map() gives the msc_map for those that have no typed form (reserve, shrink, swap, ...).
 * Destructors and the like: take atlas_type(), change it, set it in the options of atlas_create_with. The trace
 * knows a key by the hash of its bytes: where equal keys may differ in a byte (padding!), set type.identity.
 *
 * Ready for 64-bit keys: MSC_MAP_TEMPLATE(ages, uint64_t, int, msc_u64_hash, msc_u64_equal); the same with u32, ptr
 * (const void *) and bytes (struct msc_bytes, borrowed). Type names of one word, so name what needs more.
 *
 * Cost: a look-up is inline. It asks the tracer with one load, for a branch that it shares with the check for a writer
 * (no load with MSC_TRACE defined as 0); only for a key that a trace keeps it calls the library. Whatever changes the
 * map is one call, with the hash computed inline. bench/maps, tests/e2e/test_map_off_path.sh.
 */
#ifndef MAPSCOPE_MAP_TEMPLATE_H
#define MAPSCOPE_MAP_TEMPLATE_H

#include <mapscope/map.h>
#include <mapscope/map_inline.h>

MSC_BEGIN_DECLS

/* As the functions without suffix, for a key whose hash is known; `is_kept`: MSC_MAP_IS_KEPT. `map` is MSC_KEY_CUSTOM.
 */
MSC_API int msc_map_assign_hashed(struct msc_map *map, const void *key, uint64_t hash, const void *value, bool is_kept);
MSC_API int msc_map_delete_hashed(struct msc_map *map, const void *key, uint64_t hash, bool is_kept);

MSC_END_DECLS

static inline uint64_t msc_u64_hash(const uint64_t *key, struct msc_hash_seed seed)
{
    return msc_hash_bucket(*key, seed);
}

static inline bool msc_u64_equal(const uint64_t *key, const uint64_t *other)
{
    return *key == *other;
}

static inline uint64_t msc_u32_hash(const uint32_t *key, struct msc_hash_seed seed)
{
    return msc_hash_bucket(*key, seed);
}

static inline bool msc_u32_equal(const uint32_t *key, const uint32_t *other)
{
    return *key == *other;
}

static inline uint64_t msc_ptr_hash(const void *const *key, struct msc_hash_seed seed)
{
    return msc_hash_bucket((uint64_t)(uintptr_t)*key, seed);
}

static inline bool msc_ptr_equal(const void *const *key, const void *const *other)
{
    return *key == *other;
}

static inline uint64_t msc_bytes_hash(const struct msc_bytes *key, struct msc_hash_seed seed)
{
    return msc_hash_bytes(key->data, key->length, seed);
}

static inline bool msc_bytes_equal(const struct msc_bytes *key, const struct msc_bytes *other)
{
    return key->length == other->length && (key->length == 0 || memcmp(key->data, other->data, key->length) == 0);
}

#ifdef __cplusplus
#define MSC_ALIGN_OF(T) alignof(T)
#else
#define MSC_ALIGN_OF(T) _Alignof(T)
#endif

/* Defines NAME_type, which says what the keys and values of NAME are. */
#define MSC_MAP_TYPE_TEMPLATE(NAME, K, V, hash_of_key, keys_equal)                                                     \
    static inline uint64_t NAME##_hash_key(const void *key, struct msc_hash_seed seed)                                 \
    {                                                                                                                  \
        return hash_of_key((K const *)key, seed);                                                                      \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE bool NAME##_equal_keys(const void *key, const void *other)                                              \
    {                                                                                                                  \
        return keys_equal((K const *)key, (K const *)other);                                                           \
    }                                                                                                                  \
                                                                                                                       \
    static inline bool NAME##_compare_keys(const void *key, const void *other)                                         \
    {                                                                                                                  \
        return NAME##_equal_keys(key, other);                                                                          \
    }                                                                                                                  \
                                                                                                                       \
    static inline struct msc_map_type NAME##_type(void)                                                                \
    {                                                                                                                  \
        struct msc_map_type type;                                                                                      \
        memset(&type, 0, sizeof type);                                                                                 \
        type.key_type = #K;                                                                                            \
        type.value_type = #V;                                                                                          \
        type.key_size = sizeof(K);                                                                                     \
        type.key_alignment = MSC_ALIGN_OF(K);                                                                          \
        type.value_alignment = MSC_ALIGN_OF(V);                                                                        \
        type.hash = NAME##_hash_key;                                                                                   \
        type.equal = NAME##_compare_keys;                                                                              \
        return type;                                                                                                   \
    }

/* Defines struct NAME, which is a `target`, and how it is made and destroyed; for keys of the kind KIND. */
#define MSC_MAP_LIFE_TEMPLATE(NAME, V, KIND, target)                                                                   \
    struct NAME;                                                                                                       \
                                                                                                                       \
    static inline struct target *NAME##_map(struct NAME *map)                                                          \
    {                                                                                                                  \
        return (struct target *)(void *)map;                                                                           \
    }                                                                                                                  \
                                                                                                                       \
    /* `options`: key and value_size are set here, and type if it is NULL. */                                          \
    static inline int NAME##_create_with(struct msc_map_options options, struct NAME **out)                            \
    {                                                                                                                  \
        struct msc_map_type type = NAME##_type();                                                                      \
        struct target *map;                                                                                            \
        options.struct_size = sizeof options;                                                                          \
        options.key = KIND;                                                                                            \
        options.value_size = sizeof(V);                                                                                \
        if (!options.type)                                                                                             \
            options.type = &type;                                                                                      \
        int error = target##_create(&options, &map);                                                                   \
        if (!error)                                                                                                    \
            *out = (struct NAME *)(void *)map;                                                                         \
        return error;                                                                                                  \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_create(const char *name, size_t hint, struct NAME **out)                                  \
    {                                                                                                                  \
        struct msc_map_options options;                                                                                \
        memset(&options, 0, sizeof options);                                                                           \
        options.name = name;                                                                                           \
        options.hint = hint;                                                                                           \
        return NAME##_create_with(options, out);                                                                       \
    }                                                                                                                  \
                                                                                                                       \
    static inline void NAME##_destroy(struct NAME *map)                                                                \
    {                                                                                                                  \
        target##_destroy(NAME##_map(map));                                                                             \
    }

/* Defines struct NAME and the functions NAME_* for keys of type K and values of type V. `hash` is used as it is. */
#define MSC_MAP_TEMPLATE(NAME, K, V, hash_of_key, keys_equal)                                                          \
    MSC_MAP_TYPE_TEMPLATE(NAME, K, V, hash_of_key, keys_equal)                                                         \
    MSC_MAP_LIFE_TEMPLATE(NAME, V, MSC_KEY_CUSTOM, msc_map)                                                            \
                                                                                                                       \
    struct NAME##_iter {                                                                                               \
        K key;    /* a copy */                                                                                         \
        V *value; /* borrowed until the next mutation */                                                               \
        struct msc_map_iter iter;                                                                                      \
    };                                                                                                                 \
                                                                                                                       \
    static inline const struct msc_map *NAME##_const_map(const struct NAME *map)                                       \
    {                                                                                                                  \
        return (const struct msc_map *)(const void *)map;                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static inline size_t NAME##_count(const struct NAME *map)                                                          \
    {                                                                                                                  \
        return msc_map_count(NAME##_const_map(map));                                                                   \
    }                                                                                                                  \
                                                                                                                       \
    /* A look-up that must not, or cannot, go straight ahead. */                                                       \
    MSC_OUTLINE V *NAME##_edit_slowly(struct NAME *map, K key)                                                         \
    {                                                                                                                  \
        const struct msc_map_head *head = (const struct msc_map_head *)(const void *)map;                              \
        if (MSC_LOAD_RELAXED(head->guard.writer) || MSC_MAP_IS_KEPT(ACCESS, head, key))                                \
            return (V *)msc_map_edit(NAME##_map(map), &key);                                                           \
        struct msc_map_layout layout = msc_map_layout_of(sizeof(K), MSC_ALIGN_OF(K), sizeof(V), MSC_ALIGN_OF(V));      \
        uint64_t hash = hash_of_key((K const *)&key, head->seed);                                                      \
        return (V *)msc_map_seek(head, layout, hash, &key, NAME##_equal_keys);                                         \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE V *NAME##_edit(struct NAME *map, K key)                                                                 \
    {                                                                                                                  \
        const struct msc_map_head *head = (const struct msc_map_head *)(const void *)map;                              \
        if (MSC_UNLIKELY(!head))                                                                                       \
            return NULL;                                                                                               \
        uint32_t busy = msc_map_is_busy(head);                                                                         \
        if (MSC_UNLIKELY((busy | MSC_MAP_GATE(ACCESS)) != 0) &&                                                        \
            (busy || msc_key_is_kept(head->sampling, &key, sizeof key)))                                               \
            return NAME##_edit_slowly(map, key);                                                                       \
        struct msc_map_layout layout = msc_map_layout_of(sizeof(K), MSC_ALIGN_OF(K), sizeof(V), MSC_ALIGN_OF(V));      \
        uint64_t hash = hash_of_key((K const *)&key, head->seed);                                                      \
        return (V *)msc_map_seek_in(&head->now, layout, hash, &key, NAME##_equal_keys);                                \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE V const *NAME##_find(const struct NAME *map, K key)                                                     \
    {                                                                                                                  \
        return NAME##_edit((struct NAME *)(uintptr_t)map, key);                                                        \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_load(const struct NAME *map, K key, V *out)                                               \
    {                                                                                                                  \
        return msc_map_load(NAME##_const_map(map), &key, out);                                                         \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_assign(struct NAME *map, K key, V const *value)                                           \
    {                                                                                                                  \
        const struct msc_map_head *head = (const struct msc_map_head *)(const void *)map;                              \
        if (MSC_UNLIKELY(!head))                                                                                       \
            return msc_map_assign_hashed(NULL, &key, 0, value, false);                                                 \
        uint64_t hash = hash_of_key((K const *)&key, head->seed);                                                      \
        return msc_map_assign_hashed(NAME##_map(map), &key, hash, value, MSC_MAP_IS_KEPT(ASSIGN, head, key));          \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_delete(struct NAME *map, K key)                                                           \
    {                                                                                                                  \
        const struct msc_map_head *head = (const struct msc_map_head *)(const void *)map;                              \
        if (MSC_UNLIKELY(!head))                                                                                       \
            return msc_map_delete_hashed(NULL, &key, 0, false);                                                        \
        uint64_t hash = hash_of_key((K const *)&key, head->seed);                                                      \
        return msc_map_delete_hashed(NAME##_map(map), &key, hash, MSC_MAP_IS_KEPT(DELETE, head, key));                 \
    }                                                                                                                  \
                                                                                                                       \
    static inline uint64_t NAME##_version(const struct NAME *map, K key)                                               \
    {                                                                                                                  \
        return msc_map_version(NAME##_const_map(map), &key);                                                           \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_delete_version(struct NAME *map, K key, uint64_t version)                                 \
    {                                                                                                                  \
        return msc_map_delete_version(NAME##_map(map), &key, version);                                                 \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_iter_begin(struct NAME *map, struct NAME##_iter *iter)                                    \
    {                                                                                                                  \
        return msc_map_iter_begin(NAME##_map(map), &iter->iter);                                                       \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_iter_next(struct NAME##_iter *iter)                                                       \
    {                                                                                                                  \
        int result = msc_map_iter_next(&iter->iter);                                                                   \
        if (result == 1) {                                                                                             \
            memcpy(&iter->key, iter->iter.key.custom, sizeof(K));                                                      \
            iter->value = (V *)iter->iter.value;                                                                       \
        }                                                                                                              \
        return result;                                                                                                 \
    }                                                                                                                  \
                                                                                                                       \
    static inline void NAME##_iter_end(struct NAME##_iter *iter)                                                       \
    {                                                                                                                  \
        msc_map_iter_end(&iter->iter);                                                                                 \
    }                                                                                                                  \
    struct NAME

#endif
