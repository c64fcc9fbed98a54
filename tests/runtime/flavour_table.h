/* The concurrent maps under test, behind one table: what one does, all must do. */
#ifndef TESTS_RUNTIME_FLAVOUR_TABLE_H
#define TESTS_RUNTIME_FLAVOUR_TABLE_H

#include <mapscope/cowmap.h>
#include <mapscope/mapwriter.h>
#include <mapscope/rwmap.h>
#include <mapscope/shardmap.h>
#include <mapscope/syncmap.h>

/* With which the calling thread's writes to a msc_mapwriter wait. */
static __thread const struct msc_write_limit *flavour_limit;

struct flavour_verbs {
    const char *name;
    int (*create)(const struct msc_map_options *options, void **out);
    void (*destroy)(void *map);
    size_t (*count)(void *map);
    int (*clear)(void *map);
    int (*range)(void *map, msc_visit_fn *visit, void *context);
    int (*load)(void *map, const void *key, void *out);
    int (*load_version)(void *map, const void *key, void *out, uint64_t *version);
    int (*store)(void *map, const void *key, const void *value);
    int (*load_or_store)(void *map, const void *key, const void *value, void *out);
    int (*load_and_delete)(void *map, const void *key, void *out);
    int (*delete)(void *map, const void *key);
    int (*swap)(void *map, const void *key, const void *value, void *out);
    int (*compare_and_swap)(void *map, const void *key, const void *expected, const void *value);
    int (*compare_and_delete)(void *map, const void *key, const void *expected);
    int (*store_version)(void *map, const void *key, uint64_t version, const void *value);
    int (*delete_version)(void *map, const void *key, uint64_t version);
};

/* clang-format off */
#define WRAP(flavour, verb, params, args) static int flavour##_##verb##_of params { return flavour##_##verb args; }
#define NO_LIMIT
#define LIMIT , flavour_limit
#define WRAP_ALL(flavour, limit)                                                                                       \
    static int flavour##_create_of(const struct msc_map_options *options, void **out)                                  \
    {                                                                                                                  \
        return flavour##_create(options, (struct flavour **)out);                                                      \
    }                                                                                                                  \
    static void flavour##_destroy_of(void *map) { flavour##_destroy(map); }                                            \
    static size_t flavour##_count_of(void *map) { return flavour##_count(map); }                                       \
    WRAP(flavour, clear, (void *map), (map limit))                                                                     \
    WRAP(flavour, range, (void *map, msc_visit_fn *visit, void *context), (map, visit, context))                       \
    WRAP(flavour, load, (void *map, const void *key, void *out), (map, key, out))                                      \
    WRAP(flavour, load_version, (void *map, const void *key, void *out, uint64_t *version), (map, key, out, version))  \
    WRAP(flavour, store, (void *map, const void *key, const void *value), (map, key, value limit))                     \
    WRAP(flavour, load_or_store, (void *map, const void *key, const void *value, void *out), (map, key, value, out limit))\
    WRAP(flavour, load_and_delete, (void *map, const void *key, void *out), (map, key, out limit))                     \
    WRAP(flavour, delete, (void *map, const void *key), (map, key limit))                                              \
    WRAP(flavour, swap, (void *map, const void *key, const void *value, void *out), (map, key, value, out limit))      \
    WRAP(flavour, compare_and_swap, (void *map, const void *key, const void *expected, const void *value),             \
         (map, key, expected, value limit))                                                                            \
    WRAP(flavour, compare_and_delete, (void *map, const void *key, const void *expected), (map, key, expected limit))  \
    WRAP(flavour, store_version, (void *map, const void *key, uint64_t version, const void *value),                    \
         (map, key, version, value limit))                                                                             \
    WRAP(flavour, delete_version, (void *map, const void *key, uint64_t version), (map, key, version limit))
#define ROW(flavour)                                                                                                   \
    {                                                                                                                  \
        #flavour, flavour##_create_of, flavour##_destroy_of, flavour##_count_of, flavour##_clear_of,                   \
        flavour##_range_of, flavour##_load_of, flavour##_load_version_of, flavour##_store_of,                          \
        flavour##_load_or_store_of, flavour##_load_and_delete_of, flavour##_delete_of, flavour##_swap_of,              \
        flavour##_compare_and_swap_of, flavour##_compare_and_delete_of, flavour##_store_version_of,                    \
        flavour##_delete_version_of                                                                                    \
    }
/* clang-format on */

WRAP_ALL(msc_rwmap, NO_LIMIT)
WRAP_ALL(msc_syncmap, NO_LIMIT)
WRAP_ALL(msc_shardmap, NO_LIMIT)
WRAP_ALL(msc_cowmap, NO_LIMIT)
WRAP_ALL(msc_mapwriter, LIMIT)

static const struct flavour_verbs flavour_table[] = {ROW(msc_rwmap), ROW(msc_syncmap), ROW(msc_shardmap),
                                                     ROW(msc_cowmap), ROW(msc_mapwriter)};
#define FLAVOURS (sizeof flavour_table / sizeof flavour_table[0])

#endif
