/*
 * Typed concurrent maps: the verbs of mapscope/verbs.h with keys and values of the program's own types.
 *
 *     struct price { uint32_t cents; char currency[4]; };
 *     MSC_FLAVOUR_TEMPLATE_U64(shardmap, prices, struct price);        // keys: _U64, _U32, _PTR, _BYTES
 *
 *     static int print(void *context, uint64_t key, const struct price *price, uint64_t version);
 *     ...
 *     struct prices *map;
 *     int error = prices_create("prices", 0, &map);                    // name, hint
 *     struct price price = {.cents = 1250, .currency = "CHF"};
 *     if (!error)
 *         error = prices_store(map, 42, &price);
 *     error = prices_load(map, 42, &price);
 *     prices_range(map, print, NULL);
 *     prices_destroy(map);
 *
 *     MSC_FLAVOUR_TEMPLATE(rwmap, atlas, struct point, struct city, point_hash, point_equal);   // any type of key
 *
 * The first argument is rwmap, syncmap, shardmap, cowmap or mapwriter, whose header is to be included. Every function
 * does what its namesake there does, in which threads, errors and ownership are described; those of mapwriter that
 * write take a limit last. NAME_map() gives the map itself, for what has no typed form.
 *
 * Own keys: hash and comparison as of MSC_MAP_TEMPLATE, so that one type of key serves both; equal keys must be equal
 * in every byte, or have an `identity`, for the trace: take NAME_type(), change it, set it in the options of
 * NAME_create_with. Byte strings are copied into the map.
 *
 * Cost: that of the functions behind it, which is least for keys of 64 bits and pointers (docs/maps.md).
 */
#ifndef MAPSCOPE_FLAVOUR_TEMPLATE_H
#define MAPSCOPE_FLAVOUR_TEMPLATE_H

#include <mapscope/map_template.h>
#include <mapscope/verbs.h>

#define MSC_FLAVOUR_TEMPLATE(flavour, NAME, K, V, hash_of_key, keys_equal)                                             \
    MSC_FLAVOUR_OF_KIND(flavour, NAME, K, V, MSC_KEY_CUSTOM, hash_of_key, keys_equal)
#define MSC_FLAVOUR_TEMPLATE_U64(flavour, NAME, V)                                                                     \
    MSC_FLAVOUR_OF_KIND(flavour, NAME, uint64_t, V, MSC_KEY_U64, msc_u64_hash, msc_u64_equal)
#define MSC_FLAVOUR_TEMPLATE_U32(flavour, NAME, V)                                                                     \
    MSC_FLAVOUR_OF_KIND(flavour, NAME, uint32_t, V, MSC_KEY_U32, msc_u32_hash, msc_u32_equal)
#define MSC_FLAVOUR_TEMPLATE_PTR(flavour, NAME, V)                                                                     \
    MSC_FLAVOUR_OF_KIND(flavour, NAME, const void *, V, MSC_KEY_POINTER, msc_ptr_hash, msc_ptr_equal)
#define MSC_FLAVOUR_TEMPLATE_BYTES(flavour, NAME, V)                                                                   \
    MSC_FLAVOUR_OF_KIND(flavour, NAME, struct msc_bytes, V, MSC_KEY_BYTES, msc_bytes_hash, msc_bytes_equal)

/* The rest is theirs. What writes to a mapwriter takes one parameter more. */
#define MSC_LIMIT_PARAM_rwmap
#define MSC_LIMIT_PARAM_syncmap
#define MSC_LIMIT_PARAM_shardmap
#define MSC_LIMIT_PARAM_cowmap
#define MSC_LIMIT_PARAM_mapwriter , const struct msc_write_limit *limit
#define MSC_LIMIT_rwmap
#define MSC_LIMIT_syncmap
#define MSC_LIMIT_shardmap
#define MSC_LIMIT_cowmap
#define MSC_LIMIT_mapwriter , limit

#define MSC_FLAVOUR_OF_KIND(flavour, NAME, K, V, KIND, hash_of_key, keys_equal)                                        \
    MSC_MAP_TYPE_TEMPLATE(NAME, K, V, hash_of_key, keys_equal)                                                         \
    MSC_MAP_LIFE_TEMPLATE(NAME, V, KIND, msc_##flavour)                                                                \
                                                                                                                       \
    static inline size_t NAME##_count(struct NAME *map)                                                                \
    {                                                                                                                  \
        return msc_##flavour##_count(NAME##_map(map));                                                                 \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_clear(struct NAME *map MSC_LIMIT_PARAM_##flavour)                                         \
    {                                                                                                                  \
        return msc_##flavour##_clear(NAME##_map(map) MSC_LIMIT_##flavour);                                             \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_load(struct NAME *map, K key, V *out)                                                        \
    {                                                                                                                  \
        return msc_##flavour##_load(NAME##_map(map), &key, out);                                                       \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_load_version(struct NAME *map, K key, V *out, uint64_t *version)                             \
    {                                                                                                                  \
        return msc_##flavour##_load_version(NAME##_map(map), &key, out, version);                                      \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_store(struct NAME *map, K key, V const *value MSC_LIMIT_PARAM_##flavour)                     \
    {                                                                                                                  \
        return msc_##flavour##_store(NAME##_map(map), &key, value MSC_LIMIT_##flavour);                                \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_load_or_store(struct NAME *map, K key, V const *value, V *out MSC_LIMIT_PARAM_##flavour)     \
    {                                                                                                                  \
        return msc_##flavour##_load_or_store(NAME##_map(map), &key, value, out MSC_LIMIT_##flavour);                   \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_load_and_delete(struct NAME *map, K key, V *out MSC_LIMIT_PARAM_##flavour)                   \
    {                                                                                                                  \
        return msc_##flavour##_load_and_delete(NAME##_map(map), &key, out MSC_LIMIT_##flavour);                        \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_delete(struct NAME *map, K key MSC_LIMIT_PARAM_##flavour)                                    \
    {                                                                                                                  \
        return msc_##flavour##_delete(NAME##_map(map), &key MSC_LIMIT_##flavour);                                      \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_swap(struct NAME *map, K key, V const *value, V *out MSC_LIMIT_PARAM_##flavour)              \
    {                                                                                                                  \
        return msc_##flavour##_swap(NAME##_map(map), &key, value, out MSC_LIMIT_##flavour);                            \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_compare_and_swap(struct NAME *map, K key, V const *expected,                                 \
                                           V const *value MSC_LIMIT_PARAM_##flavour)                                   \
    {                                                                                                                  \
        return msc_##flavour##_compare_and_swap(NAME##_map(map), &key, expected, value MSC_LIMIT_##flavour);           \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_compare_and_delete(struct NAME *map, K key, V const *expected MSC_LIMIT_PARAM_##flavour)     \
    {                                                                                                                  \
        return msc_##flavour##_compare_and_delete(NAME##_map(map), &key, expected MSC_LIMIT_##flavour);                \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_store_version(struct NAME *map, K key, uint64_t version,                                     \
                                        V const *value MSC_LIMIT_PARAM_##flavour)                                      \
    {                                                                                                                  \
        return msc_##flavour##_store_version(NAME##_map(map), &key, version, value MSC_LIMIT_##flavour);               \
    }                                                                                                                  \
                                                                                                                       \
    MSC_INLINE int NAME##_delete_version(struct NAME *map, K key, uint64_t version MSC_LIMIT_PARAM_##flavour)          \
    {                                                                                                                  \
        return msc_##flavour##_delete_version(NAME##_map(map), &key, version MSC_LIMIT_##flavour);                     \
    }                                                                                                                  \
                                                                                                                       \
    typedef int NAME##_visit_fn(void *context, K key, V const *value, uint64_t version);                               \
                                                                                                                       \
    struct NAME##_visitor {                                                                                            \
        NAME##_visit_fn *visit;                                                                                        \
        void *context;                                                                                                 \
    };                                                                                                                 \
                                                                                                                       \
    static inline int NAME##_visit(void *visitor, const void *key, const void *value, uint64_t version)                \
    {                                                                                                                  \
        const struct NAME##_visitor *own = (const struct NAME##_visitor *)visitor;                                     \
        return own->visit(own->context, *(K const *)key, (V const *)value, version);                                   \
    }                                                                                                                  \
                                                                                                                       \
    static inline int NAME##_range(struct NAME *map, NAME##_visit_fn *visit, void *context)                            \
    {                                                                                                                  \
        struct NAME##_visitor visitor = {visit, context};                                                              \
        return msc_##flavour##_range(NAME##_map(map), visit ? NAME##_visit : (msc_visit_fn *)0, &visitor);             \
    }                                                                                                                  \
    struct NAME

#endif
