/* msc_map by the functions of libmapscope.so, as one that is not typed is used. */
#include <mapscope/map.h>

#include "peer.h"

#define auto_table struct msc_map *

static struct msc_map *create(enum msc_key_kind kind)
{
    struct msc_map_options options = {
        .struct_size = sizeof options, .name = "bench", .key = kind, .value_size = sizeof(uint64_t)};
    struct msc_map *map = NULL;
    if (msc_map_create(&options, &map))
        exit(1);
    return map;
}

static uint64_t sum_of(struct msc_map *map)
{
    uint64_t total = 0;
    struct msc_map_iter iter;
    msc_map_iter_begin(map, &iter);
    while (msc_map_iter_next(&iter) == 1)
        total += *(const uint64_t *)iter.value;
    msc_map_iter_end(&iter);
    return total;
}

static struct msc_map *u64_new(void)
{
    return create(MSC_KEY_U64);
}

PEER_INLINE void u64_insert(struct msc_map *map, uint64_t key, uint64_t value)
{
    msc_map_assign_u64(map, key, &value);
}

PEER_INLINE const uint64_t *u64_find(struct msc_map *map, uint64_t key)
{
    return msc_map_find_u64(map, key);
}

PEER_INLINE void u64_delete(struct msc_map *map, uint64_t key)
{
    msc_map_delete_u64(map, key);
}

/* As byte strings, owned by the map. */
static struct msc_map *key16_new(void)
{
    return create(MSC_KEY_BYTES);
}

PEER_INLINE void key16_insert(struct msc_map *map, struct key16 key, uint64_t value)
{
    msc_map_assign_bytes(map, &key, sizeof key, &value);
}

PEER_INLINE const uint64_t *key16_find(struct msc_map *map, struct key16 key)
{
    return msc_map_find_bytes(map, &key, sizeof key);
}

PEER_INLINE void key16_delete(struct msc_map *map, struct key16 key)
{
    msc_map_delete_bytes(map, &key, sizeof key);
}

#define u64_sum sum_of
#define key16_sum sum_of
PEER_LOOPS(u64, uint64_t)
PEER_LOOPS(key16, struct key16)

int main(int argc, char **argv)
{
    struct peer_data *data = peer_data_create(argc, argv);
    u64_measure(data);
    key16_measure(data);
    return 0;
}
