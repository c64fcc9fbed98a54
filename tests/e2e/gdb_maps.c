/* Maps of every kind of key, one of them within a growth and one within a write, for a debugger to look at. */
#include <mapscope/mapscope.h>
#include <signal.h>
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

    written = make("written", MSC_KEY_U64, 8, &written_type);
    msc_map_assign_u64(written, 1, &large);
    msc_map_assign_u64(written, 1, &large);
    return 0;
}
