/* See pause.h: msc_map, and no table at all, which is what the clock and the machine do alone. usage: [COUNT] */
#include <mapscope/map.h>

#include "pause.h"

static void assign(void *map, uint64_t key, uint64_t value)
{
    msc_map_assign_u64((struct msc_map *)map, key, &value);
}

static void do_nothing(void *table, uint64_t key, uint64_t value)
{
    (void)table;
    peer_sink = key + value;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
    struct msc_map_options options = {.struct_size = sizeof options, .name = "pause", .value_size = sizeof(uint64_t)};
    struct msc_map *map;
    if (msc_map_create(&options, &map))
        return 1;
    pause_run("nothing", NULL, do_nothing, count);
    pause_run("msc_map", map, assign, count);
    return 0;
}
