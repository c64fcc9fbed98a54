/* Growth and incremental evacuation, after Go's hashGrow, growWork and evacuate. See map_core.h. */
#include "base/clock.h"
#include "runtime/emit.h"
#include "runtime/map_core.h"
#include "runtime/map_trace.h"

/* 6.5 entries a bucket: 13 for 2 buckets. */
#define LOAD_NUMERATOR 13
#define LOAD_DENOMINATOR 2

/* Evacuated buckets that one step may pass over. */
#define ADVANCE_MAX 1024

bool map_over_load(uint64_t count, uint32_t B)
{
    return count > MAP_SLOTS && count > LOAD_NUMERATOR * ((UINT64_C(1) << B) / LOAD_DENOMINATOR);
}

/*
 * As many overflow buckets as buckets: the map is sparse, or it would have doubled. Go asks for
 * noverflow >= 2^min(B, 15), where its counter counts one in 2^(B-15) from B = 16 on: the same.
 */
static bool too_many_overflow(const struct msc_map *map)
{
    return map->noverflow >= UINT64_C(1) << map->table->B;
}

bool map_grow_begin(struct msc_map *map)
{
    if (map->old)
        return false;
    uint32_t B = map->table->B;
    bool bigger = map_over_load(map->count + 1, B);
    if (MAP_LIKELY(!bigger && !too_many_overflow(map)))
        return false;
    struct msc_map_table *table = map_table_create(&map->layout, B + bigger);
    if (!table)
        return false; /* the entry goes where it can; the next one asks again */
    map->old = map->table;
    map->table = table;
    map->same_size = !bigger;
    map->nevacuate = 0;
    map->before_growth = map->evacuation;
    if (msc_gate_on(MSC_EVENT_MAP_GROW))
        map_trace_grow(map);
    map->noverflow = 0;
    return true;
}

/* Where the entries of one half of an old bucket go. Its chain is empty before: nobody uses it until then. */
struct destination {
    struct msc_map_bucket *bucket;
    unsigned used;
};

static void move_slot(struct msc_map *map, struct destination *to, struct map_slot from)
{
    const struct map_layout *layout = &map->layout;
    if (to->used == MAP_SLOTS) {
        to->bucket = map_table_overflow(map->table, layout, to->bucket); /* reserved: does not fail */
        to->used = 0;
        map->noverflow++;
    }
    unsigned index = to->used++;
    to->bucket->tophash[index] = from.bucket->tophash[from.index];
    memcpy(map_bucket_key(to->bucket, layout, index), map_bucket_key(from.bucket, layout, from.index),
           layout->key_size);
    memcpy(map_bucket_value(to->bucket, layout, index), map_bucket_value(from.bucket, layout, from.index),
           layout->value_size);
    *map_bucket_version(to->bucket, layout, index) = *map_bucket_version(from.bucket, layout, from.index);
    map->evacuation.moved++;
}

/* 0 = X, the bucket of the same number; 1 = Y. */
static unsigned half_of(const struct msc_map *map, struct map_slot slot)
{
    if (map->same_size)
        return 0;
    struct map_key key = map_slot_key(map, slot);
    return (map_key_hash(&key, map->hash0) & (map->old->mask + 1)) != 0;
}

static void move_bucket(struct msc_map *map, struct msc_map_bucket *bucket, struct destination to[2])
{
    for (unsigned index = 0; index < MAP_SLOTS; index++) {
        if (bucket->tophash[index] <= MAP_EMPTY_ONE) {
            bucket->tophash[index] = MAP_EVACUATED_EMPTY;
            continue;
        }
        struct map_slot slot = {bucket, index};
        unsigned half = half_of(map, slot);
        move_slot(map, &to[half], slot);
        bucket->tophash[index] = (uint8_t)(MAP_EVACUATED_X + half);
    }
}

static size_t overflow_count(const struct msc_map_bucket *bucket)
{
    size_t count = 0;
    while ((bucket = bucket->overflow))
        count++;
    return count;
}

/*
 * c buckets hold at most 8c entries, and x + y <= 8c entries fill at most c + 1 buckets, two of which are
 * there already: as many overflow buckets as the old chain has always suffice.
 */
static void evacuate(struct msc_map *map, uint64_t number)
{
    struct msc_map_bucket *bucket = map_table_bucket(map->old, &map->layout, number);
    if (map_bucket_evacuated(bucket) || !map_table_reserve(map->table, &map->layout, overflow_count(bucket)))
        return;
    struct destination to[2] = {{.bucket = map_table_bucket(map->table, &map->layout, number)}};
    if (!map->same_size)
        to[1].bucket = map_table_bucket(map->table, &map->layout, number + map->old->mask + 1);
    for (; bucket; bucket = bucket->overflow)
        move_bucket(map, bucket, to);
    map->evacuation.steps++;
}

static void advance(struct msc_map *map)
{
    for (unsigned passed = 0; passed < ADVANCE_MAX && map->nevacuate <= map->old->mask; passed++) {
        if (!map_bucket_evacuated(map_table_bucket(map->old, &map->layout, map->nevacuate)))
            return;
        map->nevacuate++;
    }
}

void map_grow_step(struct msc_map *map, uint64_t hash)
{
    bool timed = msc_gate_on(MSC_EVENT_MAP_ASSIGN) || msc_gate_on(MSC_EVENT_MAP_GROW_END);
    uint64_t begin_ns = timed ? clock_now_ns() : 0;
    evacuate(map, hash & map->old->mask);
    advance(map);
    if (map->nevacuate <= map->old->mask) {
        evacuate(map, map->nevacuate);
        advance(map);
    }
    if (timed)
        map->evacuation.ns += clock_now_ns() - begin_ns;
    if (map->nevacuate > map->old->mask)
        map_grow_finish(map);
}

void map_grow_finish(struct msc_map *map)
{
    struct msc_map_table *old = map->old;
    map->old = NULL;
    map->same_size = false;
    map_retire_table(map, old);
    if (msc_gate_on(MSC_EVENT_MAP_GROW_END))
        map_trace_grow_end(map);
}
