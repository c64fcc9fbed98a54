/* See guard_run.h. GUARD_RUN is the name of the function in this build. */
#include "bench/guard_run.h"

#include <mapscope/mapscope.h>
#include <stdlib.h>
#include <time.h>

enum { KEYS = 512, OPERATIONS = 200000 }; /* the map stays in the first cache level */

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void must(int error)
{
    if (error)
        abort();
}

static struct msc_map *make(int exact)
{
    struct msc_map_options options = {.struct_size = sizeof options,
                                      .key = MSC_KEY_U64,
                                      .value_size = sizeof(uint64_t),
                                      .guard = exact ? MSC_GUARD_EXACT : MSC_GUARD_BEST_EFFORT};
    struct msc_map *map;
    must(msc_map_create(&options, &map));
    for (uint64_t key = 0; key < KEYS; key++)
        must(msc_map_assign_u64(map, key, &key));
    for (uint64_t key = 0; key < 4 * KEYS; key++) /* a growth under way ends */
        must(msc_map_assign_u64(map, key % KEYS, &key));
    return map;
}

__attribute__((visibility("default"))) double GUARD_RUN(enum guard_operation operation, int exact)
{
    static struct msc_map *maps[2];
    if (!maps[exact])
        maps[exact] = make(exact);
    struct msc_map *map = maps[exact];
    uint64_t sum = 0;
    double begin = now_ns();
    if (operation == GUARD_WRITE)
        for (uint64_t i = 0; i < OPERATIONS; i++)
            sum += (uint64_t)msc_map_assign_u64(map, i % KEYS, &i);
    else
        for (uint64_t i = 0; i < OPERATIONS; i++)
            sum += msc_map_find_u64(map, i % KEYS) != NULL;
    double ns = (now_ns() - begin) / OPERATIONS;
    if (sum != (operation == GUARD_WRITE ? 0 : OPERATIONS))
        abort();
    return ns;
}
