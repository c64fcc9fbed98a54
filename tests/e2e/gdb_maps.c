/* Maps of every kind of key, one of them within a growth and one within a write, for a debugger to look at. */
#include <mapscope/mapscope.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct point {
    int x, y;
};

struct money {
    long cents;
    char currency[4];
};

struct msc_map *numbers, *names, *points, *growing, *empty, *written;
struct msc_probe foreign;
struct msc_rwmap *users;
struct msc_shardmap *shards;
struct msc_syncmap *cache, *quotes;
struct msc_cowmap *routes;
struct msc_cowmap_snapshot *snapshot;
struct msc_mapwriter *prices;

/* The debugger stops here. */
static __attribute__((noinline, noclone)) void stop_here(void)
{
    __asm__ volatile("" ::: "memory");
}

static uint64_t hash_point(const void *key, struct msc_hash_seed seed)
{
    return msc_hash_bytes(key, sizeof(struct point), seed);
}

static bool equal_points(const void *key, const void *other)
{
    return memcmp(key, other, sizeof(struct point)) == 0;
}

/* Within the assign that replaces the value. */
static void destroy_value(void *value)
{
    (void)value;
    stop_here();
}

static struct msc_map *make(const char *name, enum msc_key_kind key, size_t value_size, const struct msc_map_type *type)
{
    struct msc_map_options options = {
        .struct_size = sizeof options, .name = name, .key = key, .value_size = value_size, .type = type};
    struct msc_map *map;
    if (msc_map_create(&options, &map))
        exit(3);
    return map;
}

static void must(int error)
{
    if (error)
        exit(4);
}

static int stop_at_first(void *context, const void *key, const void *value, uint64_t version)
{
    (void)context, (void)key, (void)value, (void)version;
    return 1;
}

static struct msc_map_options options_of(const char *name, enum msc_key_kind key, const struct msc_map_type *type)
{
    return (struct msc_map_options){.struct_size = sizeof(struct msc_map_options),
                                    .name = name,
                                    .key = key,
                                    .value_size = type ? sizeof(struct money) : 8,
                                    .type = type};
}

/* Three in read, one of them deleted before dirty was built, one after; a fourth in dirty alone. */
static void make_cache(void)
{
    struct msc_map_options options = options_of("cache", MSC_KEY_U64, NULL);
    must(msc_syncmap_create(&options, &cache));
    for (uint64_t key = 1; key <= 3; key++)
        must(msc_syncmap_store(cache, &key, &key));
    must(msc_syncmap_range(cache, stop_at_first, NULL) != 1); /* promotes */
    must(msc_syncmap_delete(cache, &(uint64_t){2}));
    must(msc_syncmap_store(cache, &(uint64_t){4}, &(uint64_t){40}));
    must(msc_syncmap_delete(cache, &(uint64_t){3}));
    must(msc_syncmap_load(cache, &(uint64_t){4}, NULL)); /* a miss of read */
}

static void make_flavours(const struct msc_map_type *point_type)
{
    struct msc_map_options options = options_of("users", MSC_KEY_U64, NULL);
    must(msc_rwmap_create(&options, &users));
    for (uint64_t key = 0; key < 53; key++)
        must(msc_rwmap_store(users, &key, &key));

    options = options_of("shards", MSC_KEY_U32, NULL);
    must(msc_shardmap_create(&options, &shards));
    for (uint32_t key = 1; key <= 5; key++)
        must(msc_shardmap_store(shards, &key, &(uint64_t){key * 10}));

    make_cache();

    options = options_of("quotes", MSC_KEY_CUSTOM, point_type);
    must(msc_syncmap_create(&options, &quotes));
    must(msc_syncmap_store(quotes, &(struct point){7, 8}, &(struct money){12, "SEK"}));

    options = options_of("routes", MSC_KEY_BYTES, NULL);
    must(msc_cowmap_create(&options, &routes));
    char text[4];
    for (uint64_t i = 100; i < 150; i++) {
        snprintf(text, sizeof text, "%u", (unsigned)i);
        must(msc_cowmap_store(routes, &(struct msc_bytes){text, 3}, &i));
    }
    must(msc_cowmap_snapshot_take(routes, &snapshot));
    must(msc_cowmap_delete(routes, &(struct msc_bytes){"149", 3}));

    options = options_of("prices", MSC_KEY_CUSTOM, point_type);
    must(msc_mapwriter_create(&options, &prices));
    must(msc_mapwriter_store(prices, &(struct point){5, 6}, &(struct money){99, "CHF"}, NULL));
}

int main(void)
{
    struct msc_map_type point_type = {.key_type = "struct point",
                                      .value_type = "struct money",
                                      .key_size = sizeof(struct point),
                                      .hash = hash_point,
                                      .equal = equal_points};
    struct msc_map_type written_type = {.destroy_value = destroy_value};
    struct msc_probe_options foreign_options = {
        .struct_size = sizeof foreign_options, .name = "theirs", .flags = MSC_PROBE_WEAK_ID};

    numbers = make("numbers", MSC_KEY_U64, 4, NULL);
    uint32_t value = 77;
    msc_map_assign_u64(numbers, 42, &value);

    names = make("names", MSC_KEY_BYTES, 8, NULL);
    uint64_t large = 1000;
    msc_map_assign_bytes(names, "alice", 5, &large);
    msc_map_assign_bytes(names, "a\n\"b", 4, &large);

    points = make("points", MSC_KEY_CUSTOM, sizeof(struct money), &point_type);
    struct money price = {1250, "EUR"};
    msc_map_assign(points, &(struct point){3, -4}, &price);

    /* 13 entries fill 2 buckets; the 14th begins the growth to 4 and evacuates both, the 27th the one to 8. */
    growing = make("growing", MSC_KEY_U64, 8, NULL);
    for (uint64_t i = 0; i < 53; i++)
        msc_map_assign_u64(growing, i, &i);

    empty = make("empty", MSC_KEY_U64, 0, NULL);
    MSC_PROBE_MAP_ALLOC(&foreign, &foreign_options);

    make_flavours(&point_type);

    written = make("written", MSC_KEY_U64, 8, &written_type);
    msc_map_assign_u64(written, 1, &large);
    msc_map_assign_u64(written, 1, &large);
    return 0;
}
