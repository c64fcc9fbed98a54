/* What concerns all entries at once: room, copies, comparison, exchange. See map_core.h. */
#include <errno.h>

#include "runtime/emit.h"
#include "runtime/map_core.h"
#include "runtime/map_guard.h"
#include "runtime/map_trace.h"
#include "runtime/stack.h"

#define PC() __builtin_return_address(0)

/* ---- walking ---- */

/* A bucket of the new table is not even empty before its old one is evacuated. */
static struct msc_map_link link_of(const struct map_walk *walk)
{
    const struct msc_map *map = walk->map;
    bool in_old = map_is_in_old(map, walk->number);
    if (in_old != (walk->table == map->old))
        return (struct msc_map_link){0};
    return map_table_link(walk->table, &map->layout, walk->number);
}

struct map_walk map_walk_begin(const struct msc_map *map)
{
    struct map_walk walk = {.map = map, .table = map->table};
    if (walk.table)
        walk.slot.link = link_of(&walk);
    return walk;
}

static bool next_bucket(struct map_walk *walk)
{
    walk->slot.index = 0;
    if (map_slot_is_there(walk->slot) && msc_map_link_next(&walk->slot.link))
        return true;
    if (walk->number++ == walk->table->view.mask) {
        walk->table = walk->table == walk->map->old ? NULL : walk->map->old;
        walk->number = 0;
    }
    if (walk->table)
        walk->slot.link = link_of(walk);
    return walk->table != NULL;
}

bool map_walk_next(struct map_walk *walk, struct map_slot *slot)
{
    if (!walk->table)
        return false;
    do {
        if (!map_slot_is_there(walk->slot))
            continue;
        while (walk->slot.index < MSC_MAP_SLOTS) {
            *slot = walk->slot;
            walk->slot.index++;
            if (map_slot_top(*slot) >= MSC_MAP_MIN_TOPHASH)
                return true;
        }
    } while (next_bucket(walk));
    return false;
}

/* ---- room ---- */

static void copy_slot(const struct msc_map *map, struct map_slot to, struct map_slot from)
{
    memcpy(map_slot_key_at(to, &map->layout), map_slot_key_at(from, &map->layout), map->layout.key_size);
    memcpy(map_slot_value_at(to, &map->layout), map_slot_value_at(from, &map->layout), map->layout.value_size);
    map_version_set(to, map_version_get(from));
}

/* Copies every entry into an empty table. False when memory is out. */
static bool copy_entries(struct msc_map *map, struct msc_map_table *table, uint64_t *noverflow)
{
    struct map_slot from;
    for (struct map_walk walk = map_walk_begin(map); map_walk_next(&walk, &from);) {
        struct map_key key = map_slot_key(map, from);
        uint64_t hash = map_hash(map, &key);
        struct map_slot to = map_append(map, table, hash, noverflow);
        if (!map_slot_is_there(to))
            return false;
        copy_slot(map, to, from);
        map_occupy(to, hash);
    }
    return true;
}

/* Open iterations are to look each entry up where it is now: as evacuation leaves a bucket. */
static void mark_evacuated(const struct msc_map *map)
{
    struct map_slot slot;
    for (struct map_walk walk = map_walk_begin(map); map_walk_next(&walk, &slot);)
        slot.link.tops[slot.index] = MSC_MAP_EVACUATED_X;
}

int map_rebuild(struct msc_map *map, uint32_t B)
{
    if (!map_grow_complete(map))
        return -ENOMEM;
    struct msc_map_table *table = map_table_create(&map->allocator, &map->layout, B, false);
    if (!table)
        return -ENOMEM;
    uint64_t noverflow = 0;
    if (!copy_entries(map, table, &noverflow)) {
        map_table_destroy(table, &map->layout);
        return -ENOMEM;
    }
    if (map_is_iterated(map))
        mark_evacuated(map);
    if (map->table)
        map_retire_table(map, map->table);
    map->table = table;
    map->noverflow = noverflow;
    map_show_tables(map);
    return 0;
}

/* Becomes the writer, or says why not. */
static int enter(struct msc_map *map, const void *pc, const void *frame)
{
    if (!map)
        return map_refuse(NULL, MSC_FAULT_NIL_MAP, NULL, 0, frame);
    uint32_t other_tid = map_guard_enter(&map->head.guard, pc);
    return other_tid ? map_refuse(map, MSC_FAULT_CONCURRENT_WRITE, NULL, other_tid, frame) : 0;
}

static void leave(struct msc_map *map, const void *frame)
{
    if (!map_guard_leave(&map->head.guard))
        map_refuse(map, MSC_FAULT_CONCURRENT_WRITE, NULL, map_guard_seen(&map->head.guard), frame);
}

int msc_map_reserve(struct msc_map *map, size_t count)
{
    int error = enter(map, PC(), STACK_HERE());
    if (error)
        return error;
    uint32_t B = map_room_for(count);
    if (B > (map->table ? map->table->B : 0))
        error = map_rebuild(map, B);
    leave(map, STACK_HERE());
    return error;
}

int msc_map_shrink(struct msc_map *map)
{
    if (!map)
        return 0;
    int error = enter(map, PC(), STACK_HERE());
    if (error)
        return error;
    uint32_t B = map_room_for(map->count);
    if (map->table && B < map->table->B)
        error = map_rebuild(map, B);
    leave(map, STACK_HERE());
    return error;
}

/* ---- copies ---- */

/* Whether somebody writes to a map that is to be read. */
static int check_reader(const struct msc_map *map, const void *frame)
{
    uint32_t other_tid = map ? map_guard_seen(&map->head.guard) : 0;
    return other_tid ? map_refuse(map, MSC_FAULT_READ_WRITE, NULL, other_tid, frame) : 0;
}

static void destroy_key(struct msc_map *map, void *stored)
{
    if (map->kind == MSC_KEY_BYTES)
        map_free_text(map, ((struct map_string *)stored)->bytes);
    if (map->kind == MSC_KEY_CUSTOM && map->type.destroy_key)
        map->type.destroy_key(stored);
}

static int clone_key(struct msc_map *map, void *to, const void *from)
{
    memcpy(to, from, map->layout.key_size);
    if (map->kind == MSC_KEY_CUSTOM && map->type.clone_key)
        return map->type.clone_key(to, from);
    if (map->kind != MSC_KEY_BYTES)
        return 0;
    struct map_string *string = to;
    struct map_key key = map_key_bytes(string->bytes, string->length);
    string->bytes = map_copy_text(map, &key);
    return string->bytes ? 0 : -ENOMEM;
}

static int clone_value(struct msc_map *map, void *to, const void *from)
{
    memcpy(to, from, map->layout.value_size);
    return map->type.clone_value ? map->type.clone_value(to, from) : 0;
}

static int clone_entry(struct msc_map *map, const struct msc_map *source, struct map_slot from)
{
    struct map_key key = map_slot_key(source, from);
    uint64_t hash = map_hash(map, &key);
    struct map_slot to = map_append(map, map->table, hash, &map->noverflow);
    if (!map_slot_is_there(to))
        return -ENOMEM;
    void *stored = map_slot_key_at(to, &map->layout);
    int error = clone_key(map, stored, map_slot_key_at(from, &source->layout));
    if (error)
        return error;
    error = clone_value(map, map_slot_value(map, to), map_slot_value(source, from));
    if (error) {
        destroy_key(map, stored);
        return error;
    }
    map_version_set(to, map_version_get(from));
    map_occupy(to, hash);
    map->count++;
    return 0;
}

static int create_like(const struct msc_map *map, struct msc_map **out)
{
    struct msc_map_options options = {
        .struct_size = sizeof options,
        .name = map->name,
        .key = map->kind,
        .value_size = map->layout.value_size,
        .hint = map->count > map->hint ? map->count : map->hint,
        .type = &map->type,
        .allocator = map->allocator.allocate ? &map->allocator : NULL,
        .guard = map->head.guard.exact,
        .on_fault = map->has_on_fault ? &map->on_fault : NULL,
    };
    int error = map_create_as(&options, NULL, out);
    if (error)
        return error;
    struct msc_map *made = *out;
    if (!made->table && map->count) {
        made->table = map_table_create(&made->allocator, &made->layout, 0, false);
        map_show_tables(made);
    }
    return made->table || !map->count ? 0 : -ENOMEM;
}

int msc_map_clone(const struct msc_map *map, struct msc_map **out)
{
    if (!map)
        return -EFAULT;
    int error = check_reader(map, STACK_HERE());
    if (error)
        return error;
    struct msc_map *copy = NULL;
    error = create_like(map, &copy);
    if (!error)
        copy->seq = map->seq;
    struct map_slot slot;
    for (struct map_walk walk = map_walk_begin(map); !error && map_walk_next(&walk, &slot);)
        error = clone_entry(copy, map, slot);
    if (error) {
        msc_map_destroy(copy);
        return error;
    }
    copy->site = (uintptr_t)__builtin_return_address(0);
    if (msc_gate_on(MSC_EVENT_MAP_ALLOC))
        map_trace_alloc(copy, STACK_HERE());
    if (msc_gate_on(MSC_EVENT_MAP_CLONE))
        map_trace_copy(MSC_EVENT_MAP_CLONE, map, copy, 0, STACK_HERE());
    *out = copy;
    return 0;
}

struct msc_map *msc_map_alias(struct msc_map *map)
{
    if (!map)
        return NULL;
    uint32_t handles = atomic_fetch_add_explicit(&map->handles, 1, memory_order_relaxed) + 1;
    if (msc_gate_on(MSC_EVENT_MAP_ALIAS))
        map_trace_copy(MSC_EVENT_MAP_ALIAS, map, map, handles, STACK_HERE());
    return map;
}

/* ---- comparison ---- */

static bool alike(const struct msc_map *map, const struct msc_map *other)
{
    return map->kind == other->kind && map->layout.key_size == other->layout.key_size &&
           map->layout.value_size == other->layout.value_size;
}

static bool values_equal(const struct msc_map *map, const void *value, const void *other)
{
    if (map->type.equal_values)
        return map->type.equal_values(value, other);
    return memcmp(value, other, map->layout.value_size) == 0;
}

static bool entries_equal(const struct msc_map *map, const struct msc_map *other)
{
    struct map_slot slot;
    for (struct map_walk walk = map_walk_begin(map); map_walk_next(&walk, &slot);) {
        struct map_key key = map_slot_key(map, slot);
        struct map_slot found = map_find(other, &key, map_hash(other, &key));
        if (!map_slot_is_there(found) || !values_equal(map, map_slot_value(map, slot), map_slot_value(other, found)))
            return false;
    }
    return true;
}

int msc_map_equal(const struct msc_map *map, const struct msc_map *other)
{
    if (!map || !other)
        return msc_map_count(map) == msc_map_count(other);
    if (!alike(map, other))
        return -EINVAL;
    int error = check_reader(map, STACK_HERE());
    if (!error)
        error = check_reader(other, STACK_HERE());
    if (error)
        return error;
    return map->count == other->count && entries_equal(map, other);
}

/* ---- exchange ---- */

#define EXCHANGE(field)                                                                                                \
    do {                                                                                                               \
        __typeof__(map->field) kept = map->field;                                                                      \
        map->field = other->field;                                                                                     \
        other->field = kept;                                                                                           \
    } while (0)

/* All but identity, name, handles and guard. */
static void exchange(struct msc_map *map, struct msc_map *other)
{
    EXCHANGE(head.now);
    EXCHANGE(head.old);
    EXCHANGE(head.is_growing);
    EXCHANGE(head.seed);
    EXCHANGE(head.sampling);
    EXCHANGE(table);
    EXCHANGE(old);
    EXCHANGE(count);
    EXCHANGE(same_size);
    EXCHANGE(hash0);
    EXCHANGE(nevacuate);
    EXCHANGE(noverflow);
    EXCHANGE(trash);
    EXCHANGE(evacuation);
    EXCHANGE(before_growth);
    EXCHANGE(hint);
    EXCHANGE(type);
    /* A number that neither has used: what was read of either before is not taken for what it holds now. */
    map->seq = other->seq = (map->seq > other->seq ? map->seq : other->seq) + 1;
}

static bool same_allocator(const struct msc_allocator *allocator, const struct msc_allocator *other)
{
    return allocator->allocate == other->allocate && allocator->release == other->release &&
           allocator->context == other->context;
}

/* As the writer of both. */
static int exchange_checked(struct msc_map *map, struct msc_map *other)
{
    if (!alike(map, other) || !same_allocator(&map->allocator, &other->allocator))
        return -EINVAL;
    if (map_is_iterated(map) || map_is_iterated(other))
        return -EBUSY;
    exchange(map, other);
    return 0;
}

int msc_map_swap(struct msc_map *map, struct msc_map *other)
{
    if (map && map == other)
        return 0;
    int error = enter(map, PC(), STACK_HERE());
    if (error)
        return error;
    error = enter(other, PC(), STACK_HERE());
    if (!error) {
        error = exchange_checked(map, other);
        leave(other, STACK_HERE());
    }
    leave(map, STACK_HERE());
    if (!error && msc_gate_on(MSC_EVENT_MAP_SWAP))
        map_trace_copy(MSC_EVENT_MAP_SWAP, map, other, 0, STACK_HERE());
    return error;
}
