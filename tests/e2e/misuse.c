/*
 * Misuses a map in each way, one after the other, and prints what came back. usage: misuse [WAY...]
 *
 * A writer is held inside its assign by the destructor of the value that it replaces, until the other thread has
 * made its mistake: so each is caught every time.
 */
#define _GNU_SOURCE /* pthread_setname_np */
#include <errno.h>
#include <mapscope/mapscope.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_barrier_t inside, leave;
static _Thread_local int holds;

static void destroy_value(void *value)
{
    (void)value;
    if (!holds)
        return;
    pthread_barrier_wait(&inside);
    pthread_barrier_wait(&leave);
}

static struct msc_map *make(void)
{
    struct msc_map_type type = {.destroy_value = destroy_value};
    struct msc_map_options options = {
        .struct_size = sizeof options, .name = "misused", .key = MSC_KEY_BYTES, .value_size = 4, .type = &type};
    struct msc_map *map;
    if (msc_map_create(&options, &map) || msc_map_assign_bytes(map, "key", 3, "one"))
        exit(3);
    return map;
}

static void *writer_main(void *map)
{
    pthread_setname_np(pthread_self(), "writer");
    holds = 1;
    if (msc_map_assign_bytes(map, "key", 3, "two"))
        exit(3);
    return NULL;
}

static int misuse_write(struct msc_map *map)
{
    return msc_map_assign_bytes(map, "other", 5, "odd");
}

static int misuse_read(struct msc_map *map)
{
    char value[4];
    return msc_map_load_bytes(map, "key", 3, value);
}

static int misuse_iterate(struct msc_map *map)
{
    struct msc_map_iter iter;
    int error = msc_map_iter_begin(map, &iter);
    msc_map_iter_end(&iter);
    return error;
}

static int misuse_nil(struct msc_map *map)
{
    (void)map;
    return msc_map_assign_bytes(NULL, "key", 3, "odd");
}

static int misuse_key(struct msc_map *map)
{
    return msc_map_assign_bytes(map, NULL, 3, "odd");
}

static const struct {
    const char *name;
    int (*misuse)(struct msc_map *map);
    int needs_writer;
} ways[] = {
    {"write", misuse_write, 1}, {"read", misuse_read, 1}, {"iterate", misuse_iterate, 1},
    {"nil", misuse_nil, 0},     {"key", misuse_key, 0},
};

static void go(size_t way)
{
    struct msc_map *map = make();
    pthread_t writer;
    if (ways[way].needs_writer) {
        if (pthread_create(&writer, NULL, writer_main, map))
            exit(3);
        pthread_barrier_wait(&inside);
    }
    int error = ways[way].misuse(map);
    if (ways[way].needs_writer) {
        pthread_barrier_wait(&leave);
        pthread_join(writer, NULL);
    }
    const char *value = msc_map_find_bytes(map, "key", 3);
    printf("%s: %s, then %zu entry, \"%s\"\n", ways[way].name, strerrorname_np(-error), msc_map_count(map),
           value ? value : "");
    msc_map_destroy(map);
}

int main(int argc, char **argv)
{
    pthread_barrier_init(&inside, NULL, 2);
    pthread_barrier_init(&leave, NULL, 2);
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
        int is_wanted = argc == 1;
        for (int i = 1; i < argc; i++)
            is_wanted |= strcmp(argv[i], ways[way].name) == 0;
        if (is_wanted)
            go(way);
    }
    return 0;
}
