/* Making and destroying maps. See map_core.h; the operations are in map_ops.c. */
#include "mapscope/map.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/config.h"
#include "runtime/emit.h"
#include "runtime/map_core.h"
#include "runtime/map_fault.h"
#include "runtime/map_trace.h"
#include "runtime/object.h"
#include "runtime/stack.h"

/* What is larger has no business in a bucket; it keeps every size in one far from overflowing. */
#define VALUE_SIZE_MAX (UINT64_C(1) << 28)
#define KEY_SIZE_MAX (UINT64_C(1) << 16)

/* Programs may be older than the library: they know the fields up to their struct_size. */
#define OPTIONS_SIZE_MIN offsetof(struct msc_map_options, type)

/* Differs from map to map, and is not to be guessed from outside the process. */
static uint64_t random_seed(uint64_t generation)
{
    static _Atomic uint64_t process_seed; /* 0 = not drawn yet; whoever comes first draws */
    uint64_t seed = atomic_load_explicit(&process_seed, memory_order_relaxed);
    if (!seed) {
        uint64_t drawn = 0;
        /* Not getrandom(): a cancellation point. */
        if (syscall(SYS_getrandom, &drawn, sizeof drawn, GRND_NONBLOCK) != sizeof drawn)
            drawn = (uint64_t)(uintptr_t)&drawn; /* the kernel's layout randomisation is what is left */
        drawn |= 1;
        if (atomic_compare_exchange_strong_explicit(&process_seed, &seed, drawn, memory_order_relaxed,
                                                    memory_order_relaxed))
            seed = drawn;
    }
    return hash_u64(generation, seed);
}

/* Weyl sequence and mixer of splitmix64: any number of readers draw at once, each its own number. */
uint64_t map_random(struct msc_map *map)
{
    const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
    return hash_u64(atomic_fetch_add_explicit(&map->random, step, memory_order_relaxed), step);
}

void map_set_seed(struct msc_map *map, uint64_t hash0)
{
    map->hash0 = hash0;
    map->head.seed = msc_hash_seed_of(hash0);
}

static size_t key_size_of(const struct msc_map_options *options)
{
    switch (options->key) {
    case MSC_KEY_U32:
        return sizeof(uint32_t);
    case MSC_KEY_CUSTOM:
        return options->type ? options->type->key_size : 0;
    case MSC_KEY_BYTES:
    case MSC_KEY_BYTES_BORROWED:
        return sizeof(struct map_string);
    default:
        return sizeof(uint64_t);
    }
}

/* Copies what the caller knows of the options. */
static int read_options(const struct msc_map_options *given, struct msc_map_options *options)
{
    if (!given || given->struct_size < OPTIONS_SIZE_MIN)
        return -EINVAL;
    *options = (struct msc_map_options){0};
    memcpy(options, given, given->struct_size < sizeof *options ? given->struct_size : sizeof *options);
    const struct msc_map_type *type = options->type;
    const struct msc_allocator *allocator = options->allocator;
    if (options->on_fault && !map_fault_is_response(options->on_fault))
        return -EINVAL;
    size_t key_size = key_size_of(options);
    if (options->key > MSC_KEY_CUSTOM || options->value_size > VALUE_SIZE_MAX || options->guard > MSC_GUARD_EXACT ||
        key_size == 0 || key_size > KEY_SIZE_MAX || (allocator && (!allocator->allocate || !allocator->release)))
        return -EINVAL;
    return options->key != MSC_KEY_CUSTOM || (type->hash && type->equal) ? 0 : -EINVAL;
}

/* Room for the hint from the start; up to 8 entries wait for the first one. */
static int make_room(struct msc_map *map)
{
    uint32_t B = map_room_for(map->hint);
    if (B == 0)
        return 0;
    map->table = map_table_create(&map->allocator, &map->layout, B, false);
    return map->table ? 0 : -ENOMEM;
}

/* For maps whose keys' ids a program cannot compute: it asks for each. */
static const uint64_t no_limit = UINT64_MAX;
static const struct msc_key_sampling keep_all = {.limit = &no_limit};

/* Everything but memory that depends on the options; the map is all zero. */
static void set_up(struct msc_map *map, const struct msc_map_options *options, const struct map_identity *identity)
{
    map->kind = options->key;
    map->hint = options->hint;
    if (options->type)
        map->type = *options->type;
    map->has_on_fault = options->on_fault;
    if (options->on_fault)
        map->on_fault = *options->on_fault;
    bool strings = map->kind == MSC_KEY_BYTES || map->kind == MSC_KEY_BYTES_BORROWED;
    size_t key_alignment = strings ? _Alignof(struct map_string) : map->type.key_alignment;
    map->layout =
        msc_map_layout_of(key_size_of(options), key_alignment, options->value_size, map->type.value_alignment);
    map->head.guard.exact = options->guard;
    map->head.sampling = map->type.identity ? &keep_all : &key_sampling;
    uint64_t generation = object_generation();
    map->identity = identity ? *identity : (struct map_identity){.object = map, .generation = generation};
    atomic_init(&map->handles, 1);
    atomic_init(&map->random, random_seed(generation));
    map_set_seed(map, map_random(map));
}

int map_create_as(const struct msc_map_options *given, const struct map_identity *identity, struct msc_map **out)
{
    struct msc_map_options options;
    int error = read_options(given, &options);
    if (error)
        return error;
    const struct msc_allocator allocator = options.allocator ? *options.allocator : (struct msc_allocator){0};
    const char *name = options.name ? options.name : "";
    size_t name_size = strlen(name) + 1;
    struct msc_map *map = map_allocate(&allocator, sizeof *map + name_size);
    if (!map)
        return -ENOMEM;
    memset(map, 0, sizeof *map);
    map->allocator = allocator;
    map->name_size = name_size;
    memcpy(map->name, name, name_size);
    set_up(map, &options, identity);
    error = make_room(map);
    if (error) {
        map_release(&allocator, map, sizeof *map + name_size);
        return error;
    }
    map_show_tables(map);
    *out = map;
    return 0;
}

int msc_map_create(const struct msc_map_options *options, struct msc_map **out)
{
    int error = map_create_as(options, NULL, out);
    if (error)
        return error;
    (*out)->site = (uintptr_t)__builtin_return_address(0);
    if (msc_gate_on(MSC_EVENT_MAP_ALLOC))
        map_trace_alloc(*out, STACK_HERE());
    return 0;
}

static void free_trash(struct msc_map *map)
{
    while (map->trash) {
        struct msc_map_table *table = map->trash;
        map->trash = table->next;
        map_table_destroy(table, &map->layout);
    }
}

void msc_map_destroy(struct msc_map *map)
{
    /* Release: what was done through this handle is done. Acquire: the last one sees what the others did. */
    if (!map || atomic_fetch_sub_explicit(&map->handles, 1, memory_order_acq_rel) != 1)
        return;
    if (map->identity.object == map && msc_gate_on(MSC_EVENT_MAP_FREE))
        map_trace_free(map, STACK_HERE());
    map_drop_entries(map);
    map_table_destroy(map->old, &map->layout);
    map_table_destroy(map->table, &map->layout);
    map_free_limbo(map);
    free_trash(map);
    struct msc_allocator allocator = map->allocator;
    map_release(&allocator, map, sizeof *map + map->name_size);
}

size_t msc_map_count(const struct msc_map *map)
{
    return map ? map->count : 0;
}
