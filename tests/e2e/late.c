/*
 * A program that has made its maps before anybody records it: for each line of its standard input it looks up one key
 * in each, and answers "used".
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <mapscope/map.h>
#include <mapscope/rwmap.h>

enum { ENTRIES = 37 };

static void must(int error)
{
    if (error)
        exit(2);
}

static struct msc_map *make_sessions(void)
{
    struct msc_map *map;
    const struct msc_map_options options = {
        .struct_size = sizeof options, .name = "sessions", .key = MSC_KEY_U64, .value_size = 8};
    must(msc_map_create(&options, &map));
    for (uint64_t key = 1; key <= ENTRIES; key++)
        must(msc_map_assign_u64(map, key, &key));
    return map;
}

static struct msc_rwmap *make_users(void)
{
    struct msc_rwmap *map;
    const struct msc_map_options options = {
        .struct_size = sizeof options, .name = "users", .key = MSC_KEY_U64, .value_size = 8};
    must(msc_rwmap_create(&options, &map));
    for (uint64_t key = 1; key <= 2; key++)
        must(msc_rwmap_store(map, &key, &key));
    return map;
}

int main(void)
{
    char line[64];
    uint64_t key = 1;
    prctl(PR_SET_NAME, "late bird");
    struct msc_map *sessions = make_sessions(), *untouched = make_sessions();
    struct msc_rwmap *users = make_users();
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
        if (!msc_map_find_u64(sessions, key))
            return 1;
        must(msc_rwmap_load(users, &key, NULL));
        puts("used");
    }
    msc_map_destroy(sessions);
    msc_map_destroy(untouched);
    msc_rwmap_destroy(users);
    return 0;
}
