/* See map_trace.h. */
#include "runtime/map_trace.h"

#include "base/clock.h"
#include "runtime/config.h"
#include "runtime/emit.h"
#include "runtime/key_id.h"
#include "runtime/stack.h"

uint64_t map_key_id(const struct msc_map *map, const struct map_key *key)
{
    uint32_t small = (uint32_t)key->number;
    switch (key->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_POINTER:
        return msc_hash_u64(key->number, key_sampling.seed);
    case MSC_KEY_U32:
        return key_id_of(&small, sizeof small);
    case MSC_KEY_CUSTOM:
        if (map && map->type.identity)
            return map->type.identity(key->bytes, key_sampling.seed);
        return key_id_of(key->bytes, key->length);
    default:
        return key_id_of(key->bytes, key->length);
    }
}

static uint64_t address_of(const void *object)
{
    return (uint64_t)(uintptr_t)object;
}

/* A number of this map's as the trace is to see it; 0 is no number. */
static uint64_t number_of(const struct msc_map *map, uint64_t seq)
{
    return seq ? seq << map->identity.seq_shift | map->identity.seq_low : 0;
}

/* Bytes of a key, 0 = strings of any length. */
static uint32_t key_size_of(const struct msc_map *map)
{
    bool strings = map->kind == MSC_KEY_BYTES || map->kind == MSC_KEY_BYTES_BORROWED;
    return strings ? 0 : (uint32_t)map->layout.key_size;
}

static void emit_life(enum msc_event event, const struct msc_map *map, struct msc_stack stack)
{
    struct msc_ev_map_life life = {
        .map = address_of(map->identity.object),
        .map_gen = map->identity.generation,
        .name = map->name,
        .flavor = map->identity.flavor,
        .flags = key_size_of(map) && key_size_of(map) <= sizeof(uint32_t) ? MSC_MAP_WEAK_ID : 0,
        .key_size = key_size_of(map),
        .value_size = (uint32_t)map->layout.value_size,
        .hint = map->hint,
        .B = map->table ? map->table->B : 0,
        .hash0 = map->hash0,
        .count = map->count,
        .stack = stack,
    };
    msc_emit(event, &life);
}

void map_trace_alloc(struct msc_map *map, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    map->told = emit_audience_now(); /* nobody else has the map yet */
    emit_life(MSC_EVENT_MAP_ALLOC, map, stack_capture_from(pcs, frame));
}

void map_trace_free(const struct msc_map *map, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    emit_life(MSC_EVENT_MAP_FREE, map, stack_capture_from(pcs, frame));
}

/* Tells of a map that is older than its audience; a part of a flavour leaves that to the flavour. */
static void introduce(const struct msc_map *map)
{
    uint32_t *told = &((struct msc_map *)(uintptr_t)map)->told; /* all that a reader changes */
    if (map->identity.object == map && msc_gate_on(MSC_EVENT_MAP_INVENTORY) && emit_is_news(told))
        emit_life(MSC_EVENT_MAP_INVENTORY, map, (struct msc_stack){.pcs = &map->site, .count = map->site != 0});
}

/* Overflow buckets between the start of the entry's chain and the entry. */
static uint32_t chain_depth(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    const struct msc_map_bucket *bucket = map_home(map, hash).bucket;
    struct map_slot slot = map_find(map, key, hash);
    uint32_t depth = 0;
    for (; bucket != slot.link.bucket; bucket = bucket->overflow)
        depth++;
    return depth;
}

int map_put_described(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value,
                      struct msc_ev_map_assign *event)
{
    *event = (struct msc_ev_map_assign){
        .map = address_of(map->identity.object),
        .map_gen = map->identity.generation,
        .key_id = map_key_id(map, key),
        .rate = config_map_rate(),
        .hash = hash,
        .tophash = (uint32_t)msc_map_tophash(hash),
        .scope = thread_self.scope,
        .action = thread_self.action,
    };
    introduce(map);
    size_t count = map->count;
    struct map_evacuation before = map->evacuation;
    map->is_described = true;
    event->begin_ns = clock_now_ns();
    int error = map_put(map, key, hash, value);
    event->end_ns = clock_now_ns();
    map->is_described = false;
    if (error)
        return error;
    event->seq = event->version = number_of(map, map->seq);
    event->bucket = hash & map_table_of(map, hash)->view.mask;
    event->overflow = chain_depth(map, key, hash);
    event->inserted = map->count != count;
    event->evac_moved = (uint32_t)(map->evacuation.moved - before.moved);
    event->evac_ns = map->evacuation.ns - before.ns;
    return 0;
}

/* The key's bytes, if they are to be recorded. */
static void describe_key(struct msc_ev_map_assign *event, const struct map_key *key, const uint32_t *small)
{
    if (!config.record_keys)
        return;
    bool bytes = key->kind == MSC_KEY_BYTES || key->kind == MSC_KEY_CUSTOM;
    size_t length = bytes ? key->length : key->kind == MSC_KEY_U32 ? sizeof *small : sizeof key->number;
    event->key = bytes ? key->bytes : key->kind == MSC_KEY_U32 ? small : (const void *)&key->number;
    event->key_len = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
}

void map_trace_assign(struct msc_ev_map_assign *event, const struct map_key *key, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    uint32_t small = (uint32_t)key->number;
    event->stack = stack_capture_from(pcs, frame);
    describe_key(event, key, &small);
    msc_emit(MSC_EVENT_MAP_ASSIGN, event);
}

/* What access, delete and clear have in common. */
static struct msc_ev_map_op describe_op(const struct msc_map *map, uint64_t key_id)
{
    introduce(map);
    return (struct msc_ev_map_op){
        .map = address_of(map->identity.object),
        .map_gen = map->identity.generation,
        .key_id = key_id,
        .rate = config_map_rate(),
        .scope = thread_self.scope,
        .action = thread_self.action,
    };
}

int map_erase_described(struct msc_map *map, const struct map_key *key, uint64_t hash, uint64_t version,
                        struct msc_ev_map_op *event)
{
    *event = describe_op(map, map_key_id(map, key));
    map->is_described = true;
    event->begin_ns = clock_now_ns();
    int error = map_erase(map, key, hash, version, &event->version);
    event->end_ns = clock_now_ns();
    map->is_described = false;
    event->version = number_of(map, event->version);
    event->seq = number_of(map, map->seq);
    event->found = !error;
    return error;
}

void map_erase_all_described(struct msc_map *map, struct msc_ev_map_op *event)
{
    *event = describe_op(map, 0);
    event->found = 1;
    event->count = map->count;
    event->begin_ns = clock_now_ns();
    map_erase_all(map);
    event->end_ns = clock_now_ns();
    event->seq = number_of(map, map->seq);
}

void map_trace_op(enum msc_event kind, struct msc_ev_map_op *event, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    event->stack = stack_capture_from(pcs, frame);
    msc_emit(kind, event);
}

struct map_slot map_find_traced(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    struct msc_ev_map_op event = describe_op(map, map_key_id(map, key));
    event.begin_ns = clock_now_ns();
    struct map_slot slot = map_find(map, key, hash);
    event.end_ns = clock_now_ns();
    event.seq = number_of(map, map->seq);
    event.found = map_slot_is_there(slot);
    event.version = number_of(map, map_slot_version(slot));
    msc_emit(MSC_EVENT_MAP_ACCESS, &event);
    return slot;
}

void map_trace_copy(enum msc_event event, const struct msc_map *source, const struct msc_map *copy, uint32_t handles,
                    const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    introduce(source);
    introduce(copy);
    struct msc_ev_map_copy record = {
        .src = address_of(source->identity.object),
        .src_gen = source->identity.generation,
        .dst = address_of(copy->identity.object),
        .dst_gen = copy->identity.generation,
        .handle = handles,
        .count = source->count,
        .deep = event == MSC_EVENT_MAP_CLONE,
        .action = thread_self.action,
        .stack = stack_capture_from(pcs, frame),
    };
    msc_emit(event, &record);
}

void map_trace_grow(const struct msc_map *map)
{
    introduce(map);
    struct msc_ev_map_grow grow = {
        .map = address_of(map->identity.object),
        .map_gen = map->identity.generation,
        .seq = number_of(map, map->seq),
        .old_B = map->old->B,
        .new_B = map->table->B,
        .noverflow = (uint32_t)map->noverflow,
        .count = map->count,
        .same_size = map->same_size,
        .bytes = map_table_bytes(map->table, &map->layout),
    };
    msc_emit(MSC_EVENT_MAP_GROW, &grow);
}

/* What evacuation took since the growth began: the timed steps' time, for all. */
static uint64_t evacuation_ns(const struct msc_map *map)
{
    uint64_t timed = map->evacuation.timed - map->before_growth.timed;
    double ns = (double)(map->evacuation.ns - map->before_growth.ns);
    double steps = (double)(map->evacuation.steps - map->before_growth.steps);
    return timed ? (uint64_t)(ns * steps / (double)timed + 0.5) : 0;
}

void map_trace_grow_end(const struct msc_map *map)
{
    introduce(map);
    struct msc_ev_map_grow_end end = {
        .map = address_of(map->identity.object),
        .map_gen = map->identity.generation,
        .seq = number_of(map, map->seq),
        .moved = map->evacuation.moved - map->before_growth.moved,
        .steps = map->evacuation.steps - map->before_growth.steps,
        .evac_ns = evacuation_ns(map),
    };
    msc_emit(MSC_EVENT_MAP_GROW_END, &end);
}

void map_trace_iter(enum msc_event event, const struct msc_map_iter *iter, const void *frame)
{
    uintptr_t pcs[MSC_STACK_MAX];
    const struct msc_map *map = iter->map;
    introduce(map);
    struct msc_ev_map_iter record = {
        .map = address_of(map->identity.object),
        .map_gen = map->identity.generation,
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
