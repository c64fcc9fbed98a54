/* The public functions of msc_map but for iteration: each checks for misuse, asks its gate, operates. */
#include "mapscope/map.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/emit.h"
#include "runtime/map_core.h"
#include "runtime/map_trace.h"
#include "runtime/memory.h"
#include "runtime/object.h"
#include "runtime/stack.h"

/* Compiled into each public function for its kind of key alone. */
#define INLINE static inline __attribute__((always_inline))

/* A value of this size has no business in a bucket; it keeps every size in one far from overflowing. */
#define VALUE_SIZE_MAX (UINT64_C(1) << 28)
#define HINT_B_MAX 48

/* ---- life ---- */

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

static int check_options(const struct msc_map_options *options)
{
    if (!options || options->struct_size < sizeof *options || options->value_size > VALUE_SIZE_MAX)
        return -EINVAL;
    return options->key == MSC_KEY_U64 || options->key == MSC_KEY_BYTES ? 0 : -EINVAL;
}

/* Room for the hint from the start; up to 8 entries wait for the first one. */
static int make_room(struct msc_map *map)
{
    uint32_t B = 0;
    while (B <= HINT_B_MAX && map_over_load(map->hint, B))
        B++;
    if (B == 0)
        return 0;
    map->table = map_table_create(&map->layout, B);
    return map->table ? 0 : -ENOMEM;
}

int msc_map_create(const struct msc_map_options *options, struct msc_map **out)
{
    int error = check_options(options);
    if (error)
        return error;
    const char *name = options->name ? options->name : "";
    size_t name_size = strlen(name) + 1;
    struct msc_map *map = memory.allocate(sizeof *map + name_size);
    if (!map)
        return -ENOMEM;
    memcpy(map->name, name, name_size);
    map->kind = options->key;
    map->layout = map_layout_of(options->key, options->value_size);
    map->hint = options->hint;
    map->generation = object_generation();
    atomic_init(&map->random, random_seed(map->generation));
    map->hash0 = map_random(map);
    error = make_room(map);
    if (error) {
        memory.release(map);
        return error;
    }
    if (msc_gate_on(MSC_EVENT_MAP_ALLOC))
        map_trace_life(MSC_EVENT_MAP_ALLOC, map, STACK_HERE());
    *out = map;
    return 0;
}

void msc_map_destroy(struct msc_map *map)
{
    if (!map)
        return;
    if (msc_gate_on(MSC_EVENT_MAP_FREE))
        map_trace_life(MSC_EVENT_MAP_FREE, map, STACK_HERE());
    map_drop_keys(map);
    map_table_destroy(map->old);
    map_table_destroy(map->table);
    map_free_limbo(map);
    memory.release(map);
}

size_t msc_map_count(const struct msc_map *map)
{
    return map ? map->count : 0;
}

/* ---- misuse ---- */

/* Reports what is wrong and says how the operation is refused. */
MAP_COLD static int refuse(const struct msc_map *map, enum msc_fault_kind kind, const struct map_key *key,
                           uint32_t other_tid, const void *frame)
{
    if (msc_gate_on(MSC_EVENT_MAP_FAULT))
        map_trace_fault(map, kind, key, other_tid, frame);
    switch (kind) {
    case MSC_FAULT_NIL_MAP:
        return -EFAULT;
    case MSC_FAULT_UNHASHABLE:
        return -EINVAL;
    default:
        return -EBUSY;
    }
}

/* Becomes the writer of a map that is not NULL, or returns why not. */
INLINE int enter(struct msc_map *map, const struct map_key *key, const void *frame)
{
    if (MAP_UNLIKELY(!map_takes(map, key)))
        return refuse(map, MSC_FAULT_UNHASHABLE, key, 0, frame);
    uint32_t other_tid = map_writer_enter(map);
    if (MAP_UNLIKELY(other_tid))
        return refuse(map, MSC_FAULT_CONCURRENT_WRITE, key, other_tid, frame);
    return 0;
}

/* ---- the operations, for both kinds of key ---- */

INLINE int assign(struct msc_map *map, struct map_key key, const void *value, const void *frame)
{
    if (MAP_UNLIKELY(!map))
        return refuse(map, MSC_FAULT_NIL_MAP, &key, 0, frame);
    int error = enter(map, &key, frame);
    if (error)
        return error;
    if (msc_gate_on(MSC_EVENT_MAP_ASSIGN))
        return map_put_traced(map, &key, value, frame);
    error = map_put(map, &key, map_key_hash(&key, map->hash0), value);
    map_writer_leave(map);
    return error;
}

INLINE int erase(struct msc_map *map, struct map_key key, uint64_t version, const void *frame)
{
    if (MAP_UNLIKELY(!map))
        return -ENOENT;
    int error = enter(map, &key, frame);
    if (error)
        return error;
    if (msc_gate_on(MSC_EVENT_MAP_DELETE))
        return map_erase_traced(map, &key, version, frame);
    uint64_t seen;
    error = map_erase(map, &key, version, &seen);
    map_writer_leave(map);
    return error;
}

INLINE int look_up(const struct msc_map *map, struct map_key key, struct map_slot *slot, const void *frame)
{
    *slot = (struct map_slot){0};
    if (MAP_UNLIKELY(!map))
        return -ENOENT;
    if (MAP_UNLIKELY(!map_takes(map, &key)))
        return refuse(map, MSC_FAULT_UNHASHABLE, &key, 0, frame);
    uint32_t other_tid = map_writer_seen(map);
    if (MAP_UNLIKELY(other_tid))
        return refuse(map, MSC_FAULT_READ_WRITE, &key, other_tid, frame);
    if (msc_gate_on(MSC_EVENT_MAP_ACCESS))
        *slot = map_find_traced(map, &key);
    else
        *slot = map_find(map, &key, map_key_hash(&key, map->hash0));
    return slot->bucket ? 0 : -ENOENT;
}

INLINE void *find(const struct msc_map *map, struct map_key key, const void *frame)
{
    struct map_slot slot;
    look_up(map, key, &slot, frame);
    return map_slot_value(map, slot);
}

INLINE int load(const struct msc_map *map, struct map_key key, void *out, const void *frame)
{
    struct map_slot slot;
    int error = look_up(map, key, &slot, frame);
    if (!error && out)
        memcpy(out, map_slot_value(map, slot), map->layout.value_size);
    return error;
}

INLINE uint64_t version_of(const struct msc_map *map, struct map_key key, const void *frame)
{
    struct map_slot slot;
    look_up(map, key, &slot, frame);
    return map_slot_version(map, slot);
}

/* ---- public ---- */

int msc_map_assign_u64(struct msc_map *map, uint64_t key, const void *value)
{
    return assign(map, map_key_u64(key), value, STACK_HERE());
}

int msc_map_assign_bytes(struct msc_map *map, const void *key, size_t key_length, const void *value)
{
    return assign(map, map_key_bytes(key, key_length), value, STACK_HERE());
}

const void *msc_map_find_u64(const struct msc_map *map, uint64_t key)
{
    return find(map, map_key_u64(key), STACK_HERE());
}

const void *msc_map_find_bytes(const struct msc_map *map, const void *key, size_t key_length)
{
    return find(map, map_key_bytes(key, key_length), STACK_HERE());
}

void *msc_map_edit_u64(struct msc_map *map, uint64_t key)
{
    return find(map, map_key_u64(key), STACK_HERE());
}

void *msc_map_edit_bytes(struct msc_map *map, const void *key, size_t key_length)
{
    return find(map, map_key_bytes(key, key_length), STACK_HERE());
}

int msc_map_load_u64(const struct msc_map *map, uint64_t key, void *out)
{
    return load(map, map_key_u64(key), out, STACK_HERE());
}

int msc_map_load_bytes(const struct msc_map *map, const void *key, size_t key_length, void *out)
{
    return load(map, map_key_bytes(key, key_length), out, STACK_HERE());
}

int msc_map_delete_u64(struct msc_map *map, uint64_t key)
{
    return erase(map, map_key_u64(key), MAP_ANY_VERSION, STACK_HERE());
}

int msc_map_delete_bytes(struct msc_map *map, const void *key, size_t key_length)
{
    return erase(map, map_key_bytes(key, key_length), MAP_ANY_VERSION, STACK_HERE());
}

uint64_t msc_map_version_u64(const struct msc_map *map, uint64_t key)
{
    return version_of(map, map_key_u64(key), STACK_HERE());
}

uint64_t msc_map_version_bytes(const struct msc_map *map, const void *key, size_t key_length)
{
    return version_of(map, map_key_bytes(key, key_length), STACK_HERE());
}

int msc_map_delete_version_u64(struct msc_map *map, uint64_t key, uint64_t version)
{
    return erase(map, map_key_u64(key), version, STACK_HERE());
}

int msc_map_delete_version_bytes(struct msc_map *map, const void *key, size_t key_length, uint64_t version)
{
    return erase(map, map_key_bytes(key, key_length), version, STACK_HERE());
}

int msc_map_clear(struct msc_map *map)
{
    if (!map)
        return 0;
    uint32_t other_tid = map_writer_enter(map);
    if (MAP_UNLIKELY(other_tid))
        return refuse(map, MSC_FAULT_CONCURRENT_WRITE, NULL, other_tid, STACK_HERE());
    if (msc_gate_on(MSC_EVENT_MAP_CLEAR)) {
        map_erase_all_traced(map, STACK_HERE());
        return 0;
    }
    map_erase_all(map);
    map_writer_leave(map);
    return 0;
}
