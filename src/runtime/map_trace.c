/* See map_trace.h. */
#include "runtime/map_trace.h"

#include "base/clock.h"
#include "runtime/config.h"
#include "runtime/emit.h"
#include "runtime/key_id.h"
#include "runtime/stack.h"

uint64_t map_key_id(const struct map_key *key)
{
    return map_key_hash(key, config.key_seed);
}

static uint64_t address_of(const void *object)
{
    return (uint64_t)(uintptr_t)object;
}

/* Overflow buckets between the start of the entry's chain and the entry. */
static uint32_t chain_depth(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    const struct msc_map_table *home = map_home(map, hash);
    const struct msc_map_bucket *bucket = map_table_bucket(home, &map->layout, hash & home->mask);
    struct map_slot slot = map_find(map, key, hash);
    uint32_t depth = 0;
    for (; bucket != slot.bucket; bucket = bucket->overflow)
        depth++;
    return depth;
}

/* Fills what concerns the key and, if they are to be recorded, its bytes. */
static void describe_key(struct msc_ev_map_assign *event, const struct map_key *key)
{
    if (!config.record_keys)
        return;
    bool number = key->kind == MSC_KEY_U64;
    size_t length = number ? sizeof key->number : key->length;
    event->key = number ? (const void *)&key->number : key->bytes;
    event->key_len = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
}

/* map_put with a record of it; the caller's, the writer's. */
static int put_described(struct msc_map *map, const struct map_key *key, const void *value,
                         struct msc_ev_map_assign *event)
{
    size_t count = map->count;
    struct map_evacuation before = map->evacuation;
    event->hash = map_key_hash(key, map->hash0);
    event->begin_ns = clock_now_ns();
    int error = map_put(map, key, event->hash, value);
    event->end_ns = clock_now_ns();
    if (error)
        return error;
    event->seq = event->version = map->seq;
    event->tophash = map_tophash(event->hash);
    event->bucket = event->hash & map_home(map, event->hash)->mask;
    event->overflow = chain_depth(map, key, event->hash);
    event->inserted = map->count != count;
    event->evac_moved = (uint32_t)(map->evacuation.moved - before.moved);
    event->evac_ns = map->evacuation.ns - before.ns;
    return 0;
}

int map_put_traced(struct msc_map *map, const struct map_key *key, const void *value, const void *frame)
{
    uint64_t key_id = map_key_id(key);
    uint32_t rate = config.map_rate;
    bool kept = key_id_is_kept(key_id, rate);
    struct msc_ev_map_assign event = {
        .map = address_of(map),
        .map_gen = map->generation,
        .key_id = key_id,
        .rate = rate,
        .scope = thread_self.scope,
        .action = thread_self.action,
    };
    int error = kept ? put_described(map, key, value, &event) : map_put(map, key, map_key_hash(key, map->hash0), value);
    map_writer_leave(map);
    if (error || !kept)
        return error;
    uintptr_t pcs[MSC_STACK_MAX];
    event.stack = stack_capture_from(pcs, frame);
    describe_key(&event, key);
    msc_emit(MSC_EVENT_MAP_ASSIGN, &event);
    return 0;
}

/* What access, delete and clear have in common. */
static struct msc_ev_map_op describe_op(const struct msc_map *map, uint64_t key_id)
{
    return (struct msc_ev_map_op){
        .map = address_of(map),
        .map_gen = map->generation,
        .key_id = key_id,
        .rate = config.map_rate,
        .scope = thread_self.scope,
        .action = thread_self.action,
    };
}

int map_erase_traced(struct msc_map *map, const struct map_key *key, uint64_t version, const void *frame)
{
    struct msc_ev_map_op event = describe_op(map, map_key_id(key));
    bool kept = key_id_is_kept(event.key_id, event.rate);
    event.begin_ns = kept ? clock_now_ns() : 0;
    int error = map_erase(map, key, version, &event.version);
    event.end_ns = kept ? clock_now_ns() : 0;
    event.seq = map->seq;
    map_writer_leave(map);
    if (!kept)
        return error;
    uintptr_t pcs[MSC_STACK_MAX];
    event.stack = stack_capture_from(pcs, frame);
    event.found = !error;
    msc_emit(MSC_EVENT_MAP_DELETE, &event);
    return error;
}

void map_erase_all_traced(struct msc_map *map, const void *frame)
{
    struct msc_ev_map_op event = describe_op(map, 0);
    event.found = 1;
    event.count = map->count;
    event.begin_ns = clock_now_ns();
    map_erase_all(map);
    event.end_ns = clock_now_ns();
    event.seq = map->seq;
    map_writer_leave(map);
    uintptr_t pcs[MSC_STACK_MAX];
    event.stack = stack_capture_from(pcs, frame);
    msc_emit(MSC_EVENT_MAP_CLEAR, &event);
}

struct map_slot map_find_traced(const struct msc_map *map, const struct map_key *key)
{
    uint64_t hash = map_key_hash(key, map->hash0);
    struct msc_ev_map_op event = describe_op(map, map_key_id(key));
    if (!key_id_is_kept(event.key_id, event.rate))
        return map_find(map, key, hash);
    event.begin_ns = clock_now_ns();
    struct map_slot slot = map_find(map, key, hash);
    event.end_ns = clock_now_ns();
    event.seq = map->seq;
    event.found = slot.bucket != NULL;
    event.version = map_slot_version(map, slot);
    msc_emit(MSC_EVENT_MAP_ACCESS, &event);
    return slot;
}

void map_trace_life(enum msc_event event, const struct msc_map *map, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    struct msc_ev_map_life life = {
        .map = address_of(map),
        .map_gen = map->generation,
        .name = map->name,
        .flavor = MSC_FLAVOR_MAP,
        .key_size = map->kind == MSC_KEY_U64 ? sizeof(uint64_t) : 0,
        .value_size = (uint32_t)map->layout.value_size,
        .hint = map->hint,
        .B = map->table ? map->table->B : 0,
        .hash0 = map->hash0,
        .count = map->count,
        .stack = stack_capture_from(pcs, frame),
    };
    msc_emit(event, &life);
}

void map_trace_grow(const struct msc_map *map)
{
    struct msc_ev_map_grow grow = {
        .map = address_of(map),
        .map_gen = map->generation,
        .seq = map->seq,
        .old_B = map->old->B,
        .new_B = map->table->B,
        .noverflow = (uint32_t)map->noverflow,
        .count = map->count,
        .same_size = map->same_size,
        .bytes = map_table_bytes(map->table),
    };
    msc_emit(MSC_EVENT_MAP_GROW, &grow);
}

void map_trace_grow_end(const struct msc_map *map)
{
    struct msc_ev_map_grow_end end = {
        .map = address_of(map),
        .map_gen = map->generation,
        .seq = map->seq,
        .moved = map->evacuation.moved - map->before_growth.moved,
        .steps = map->evacuation.steps - map->before_growth.steps,
        .evac_ns = map->evacuation.ns - map->before_growth.ns,
    };
    msc_emit(MSC_EVENT_MAP_GROW_END, &end);
}

void map_trace_iter(enum msc_event event, const struct msc_map_iter *iter, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    const struct msc_map *map = iter->map;
    struct msc_ev_map_iter record = {
        .map = address_of(map),
        .map_gen = map->generation,
        .iter = iter->id,
        .count = map->count,
        .visited = iter->visited,
        .grew = iter->current && iter->current != map->table,
        .mutated = iter->seq != map->seq,
        .action = thread_self.action,
        .stack = stack_capture_from(pcs, frame),
    };
    msc_emit(event, &record);
}

void map_trace_fault(const struct msc_map *map, enum msc_fault_kind kind, const struct map_key *key, uint32_t other_tid,
                     const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    bool hashable = key && kind != MSC_FAULT_UNHASHABLE;
    struct msc_ev_map_fault fault = {
        .map = address_of(map),
        .map_gen = map ? map->generation : 0,
        .kind = kind,
        .key_id = hashable ? map_key_id(key) : 0,
        .tid = thread_tid(),
        .other_tid = other_tid,
        .stack = stack_capture_from(pcs, frame),
    };
    msc_emit(MSC_EVENT_MAP_FAULT, &fault);
}
