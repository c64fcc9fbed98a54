/* Two maps of 5000 entries, one with room made for them, one without; and a third that grows while it is gone through.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mapscope/map.h>

enum { ENTRIES = 5000, BEFORE_GROWTH = 104 };

static void must(int error)
{
    if (error)
        exit(2);
}

static struct msc_map *make(const char *name, size_t hint)
{
    struct msc_map *map;
    const struct msc_map_options options = {
        .struct_size = sizeof options, .name = name, .key = MSC_KEY_U64, .value_size = 8, .hint = hint};
    must(msc_map_create(&options, &map));
    return map;
}

static __attribute__((noinline)) void fill(struct msc_map *map, uint64_t entries)
{
    for (uint64_t key = 0; key < entries; key++)
        must(msc_map_assign_u64(map, key, &key));
}

static __attribute__((noinline)) void add_while_going_through(struct msc_map *map)
{
    struct msc_map_iter iter;
    must(msc_map_iter_begin(map, &iter));
    if (msc_map_iter_next(&iter) != 1)
        exit(3);
    fill(map, BEFORE_GROWTH + 1);
    while (msc_map_iter_next(&iter) == 1)
        ;
    msc_map_iter_end(&iter);
}

int main(void)
{
    struct msc_map *late = make("no room", 0), *early = make("room", ENTRIES), *seen = make("gone through", 0);
    fill(late, ENTRIES);
    fill(early, ENTRIES);
    fill(seen, BEFORE_GROWTH);
    add_while_going_through(seen);
    msc_map_destroy(late);
    msc_map_destroy(early);
    msc_map_destroy(seen);
    return 0;
}
