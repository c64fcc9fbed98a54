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

#define TIMED_ONE_IN 64

/* No array is larger. */
#define B_MAX 48

bool map_over_load(uint64_t count, uint32_t B)
{
    return count > MSC_MAP_SLOTS && count > LOAD_NUMERATOR * ((UINT64_C(1) << B) / LOAD_DENOMINATOR);
}

uint32_t map_room_for(uint64_t count)
{
    uint32_t B = 0;
    while (B <= B_MAX && map_over_load(count, B))
        B++;
    return B;
}

void map_show_tables(struct msc_map *map)
{
    /* What a map without a table looks up in; never written. */
    static _Alignas(64) const unsigned char no_entries[sizeof(struct msc_map_bucket)];
    static uint64_t no_tops;
    map->head.buckets = map->table ? map->table->buckets : (unsigned char *)(uintptr_t)no_entries;
    map->head.tops = map->table ? map->table->tops : &no_tops;
    map->head.mask = map->table ? map->table->mask : 0;
    map->head.old = map->old ? map->old->buckets : NULL;
    map->head.old_tops = map->old ? map->old->tops : NULL;
    map->head.old_mask = map->old ? map->old->mask : 0;
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
    if (MSC_LIKELY(!bigger && !too_many_overflow(map)))
        return false;
    struct msc_map_table *table = map_table_create(&map->allocator, &map->layout, B + bigger, true);
    if (!table)
        return false; /* the entry goes where it can; the next one asks again */
    map->old = map->table;
    map->table = table;
    map->same_size = !bigger;
    map->nevacuate = 0;
    map->before_growth = map->evacuation;
    map_show_tables(map);
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

static struct destination destination(struct msc_map *map, uint64_t number)
{
    struct msc_map_bucket *bucket = map_table_bucket(map->table, &map->layout, number);
    map_bucket_make_empty(bucket);
    return (struct destination){.bucket = bucket};
}

static inline void copy_small(void *to, const void *from, size_t size)
{
    if (size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else
        memcpy(to, from, size);
}

static inline void move_slot(struct msc_map *map, struct destination *to, struct msc_map_slot from)
{
    if (to->used == MSC_MAP_SLOTS) {
        to->bucket = map_table_overflow(map->table, &map->layout, to->bucket); /* reserved: does not fail */
        to->used = 0;
        map->noverflow++;
    }
    struct msc_map_slot slot = {to->bucket, to->used++};
    slot.bucket->tophash[slot.index] = from.bucket->tophash[from.index];
    copy_small(msc_map_slot_key(slot, map->layout), msc_map_slot_key(from, map->layout), map->layout.key_size);
    copy_small(msc_map_slot_value(slot, map->layout), msc_map_slot_value(from, map->layout), map->layout.value_size);
    map_version_set(slot, &map->layout, map_version_get(from, &map->layout));
    map->evacuation.moved++;
}

/* 0 = X, the bucket of the same number; 1 = Y. */
static inline unsigned half_of(const struct msc_map *map, struct msc_map_slot slot)
{
    if (map->same_size)
        return 0;
    struct map_key key = map_slot_key(map, slot);
    return (map_hash(map, &key) & (map->old->mask + 1)) != 0;
}

static void move_bucket(struct msc_map *map, struct msc_map_bucket *bucket, struct destination to[2])
{
    for (unsigned index = 0; index < MSC_MAP_SLOTS; index++) {
        if (bucket->tophash[index] <= MSC_MAP_EMPTY_ONE) {
            bucket->tophash[index] = MSC_MAP_EVACUATED_EMPTY;
            continue;
        }
        struct msc_map_slot slot = {bucket, index};
        unsigned half = half_of(map, slot);
        move_slot(map, &to[half], slot);
        bucket->tophash[index] = (uint8_t)(MSC_MAP_EVACUATED_X + half);
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
    const struct msc_map_layout *layout = &map->layout;
    struct msc_map_bucket *bucket = map_old_bucket(map, number);
    if (!bucket || !map_table_reserve(map->table, layout, overflow_count(bucket)))
        return;
    struct destination to[2] = {destination(map, number)};
    if (!map->same_size)
        to[1] = destination(map, number + map->old->mask + 1);
    for (; bucket; bucket = bucket->overflow)
        move_bucket(map, bucket, to);
    map_table_mirror(map->old, layout, number);
    map_table_mirror(map->table, layout, number);
    if (!map->same_size)
        map_table_mirror(map->table, layout, number + map->old->mask + 1);
    map->evacuation.steps++;
}

/*
 * Go's evacuate: the mark moves if it was at this bucket, past it and up to 1024 more. What lies below it is
 * given back, unless an iteration may still read it.
 */
static void work_on(struct msc_map *map, uint64_t number)
{
    evacuate(map, number);
    if (number != map->nevacuate)
        return;
    for (unsigned passed = 0; passed <= ADVANCE_MAX && map->nevacuate <= map->old->mask; passed++) {
        if (map_old_bucket(map, map->nevacuate))
            break;
        map->nevacuate++;
    }
    size_t end = map->nevacuate * map->layout.bucket_size;
    if (map->old->mapped && end - map->old->given_back >= MAP_TABLE_CHUNK && !map_is_iterated(map))
        map_table_give_back(map->old, end);
}

static void evacuate_two(struct msc_map *map, uint64_t hash)
{
    work_on(map, hash & map->old->mask);
    if (map->nevacuate <= map->old->mask)
        work_on(map, map->nevacuate);
}

/* Two clocks would take as long as the two buckets: writes that are not kept pay for them once in TIMED_ONE_IN. */
static bool is_timed(const struct msc_map *map)
{
    return map->is_described || (msc_gate_on(MSC_EVENT_MAP_GROW_END) && map->nevacuate % TIMED_ONE_IN == 0);
}

static void evacuate_two_timed(struct msc_map *map, uint64_t hash)
{
    uint64_t before = map->evacuation.steps, begin_ns = clock_now_ns();
    evacuate_two(map, hash);
    map->evacuation.ns += clock_now_ns() - begin_ns;
    map->evacuation.timed += map->evacuation.steps - before;
}

static void evacuate_step(struct msc_map *map, uint64_t hash)
{
    if (MSC_UNLIKELY(is_timed(map)))
        evacuate_two_timed(map, hash);
    else
        evacuate_two(map, hash);
    if (map->nevacuate > map->old->mask)
        map_grow_finish(map);
}

void map_grow_step(struct msc_map *map, uint64_t hash)
{
    struct msc_map_table *trash = map->trash;
    if (trash) {
        struct msc_map_table *next = trash->next;
        if (map_table_destroy_step(trash, &map->layout))
            map->trash = next;
    }
    if (map->old)
        evacuate_step(map, hash);
}

bool map_grow_complete(struct msc_map *map)
{
    while (map->old) {
        uint64_t before = map->evacuation.steps;
        evacuate_step(map, map->nevacuate);
        if (map->old && map->evacuation.steps == before)
            return false;
    }
    return true;
}

void map_grow_finish(struct msc_map *map)
{
    struct msc_map_table *old = map->old;
    map->old = NULL;
    map->same_size = false;
    map_show_tables(map);
    map_retire_table(map, old);
    if (msc_gate_on(MSC_EVENT_MAP_GROW_END))
        map_trace_grow_end(map);
}
