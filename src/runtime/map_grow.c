/* Growth and incremental evacuation, after Go's hashGrow, growWork and evacuate. See map_core.h. */
#include "base/clock.h"
#include "runtime/emit.h"
#include "runtime/map_core.h"
#include "runtime/map_trace.h"

/* Evacuated buckets that one step may pass over. */
#define ADVANCE_MAX 1024

#define TIMED_ONE_IN 64

#define INLINE static inline __attribute__((always_inline))

/* No array is larger. */
#define B_MAX 48

uint32_t map_room_for(uint64_t count)
{
    uint32_t B = 0;
    while (B <= B_MAX && count > map_capacity(B))
        B++;
    return B;
}

void map_show_tables(struct msc_map *map)
{
    /* What a map without a table looks up in; never written. */
    static const struct msc_map_bucket no_bucket;
    static const uint8_t no_tops[MSC_MAP_SLOTS];
    const struct msc_map_view none = {.tops = (uint8_t *)(uintptr_t)no_tops,
                                      .buckets = (struct msc_map_bucket *)(uintptr_t)&no_bucket};
    map->head.now = map->table ? map->table->view : none;
    map->head.old = map->old ? &map->old->view : NULL;
    map->head.is_growing = map->old != NULL;
}

bool map_grow_begin(struct msc_map *map)
{
    uint32_t B = map->table->B;
    bool bigger = map->count >= map_capacity(B);
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
    struct map_slot next;
    uint64_t tops; /* of that bucket, to be written when it is complete */
};

/* Member by member: a load of sixteen bytes would wait until the two stores before have left the processor. */
INLINE void set_link(struct destination *to, struct msc_map_link link)
{
    to->next.link.pairs = link.pairs;
    to->next.link.tops = link.tops;
    to->next.link.bucket = link.bucket;
    to->next.index = 0;
    to->tops = 0;
}

INLINE void begin(struct destination *to, const struct msc_map *map, uint64_t number)
{
    struct msc_map_link link = map_table_link(map->table, &map->layout, number);
    link.bucket->overflow = NULL;
    set_link(to, link);
}

static void complete(struct msc_map *map, struct destination *to)
{
    map_tops_write(to->next.link.tops, to->tops);
    set_link(to, map_table_overflow(map->table, &map->layout, to->next.link.bucket)); /* reserved: does not fail */
    map->noverflow++;
}

INLINE void move_slot(struct msc_map *map, struct destination *to, struct map_slot from, uint64_t top)
{
    const struct msc_map_layout *layout = &map->layout;
    if (MSC_UNLIKELY(to->next.index == MSC_MAP_SLOTS))
        complete(map, to);
    map_copy(map_slot_key_at(to->next, layout), map_slot_key_at(from, layout), layout->key_size);
    map_copy(map_slot_value_at(to->next, layout), map_slot_value_at(from, layout), layout->value_size);
    struct msc_map_bucket *bucket = to->next.link.bucket;
    bucket->version_low[to->next.index] = from.link.bucket->version_low[from.index];
    bucket->version_high[to->next.index] = from.link.bucket->version_high[from.index];
    to->tops |= top << to->next.index * 8;
    to->next.index++;
}

/* 0 = X, the bucket of the same number; 1 = Y. */
INLINE unsigned half_of(const struct msc_map *map, struct map_slot slot)
{
    if (map->same_size)
        return 0;
    struct map_key key = map_slot_key(map, slot);
    return (map_hash(map, &key) & (map->old->view.mask + 1)) != 0;
}

INLINE void move_bucket(struct msc_map *map, struct msc_map_link link, struct destination to[2])
{
    uint64_t tops = msc_map_tops_number(link.tops), said = msc_map_eight_times(MSC_MAP_EVACUATED_EMPTY);
    for (unsigned index = 0; tops; index++, tops >>= 8) {
        uint64_t top = (uint8_t)tops;
        if (top <= MSC_MAP_EMPTY_ONE)
            continue;
        struct map_slot slot = {link, index};
        unsigned half = half_of(map, slot);
        move_slot(map, &to[half], slot, top);
        said ^= (uint64_t)(MSC_MAP_EVACUATED_EMPTY ^ (MSC_MAP_EVACUATED_X + half)) << index * 8;
        map->evacuation.moved++;
    }
    map_tops_write(link.tops, said);
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
    if (!map_is_in_old(map, number))
        return;
    struct msc_map_link link = map_table_link(map->old, &map->layout, number);
    if (!map_table_reserve(map->table, &map->layout, overflow_count(link.bucket)))
        return;
    struct destination to[2];
    begin(&to[0], map, number);
    if (!map->same_size)
        begin(&to[1], map, number + map->old->view.mask + 1);
    do
        move_bucket(map, link, to);
    while (msc_map_link_next(&link));
    map_tops_write(to[0].next.link.tops, to[0].tops);
    if (!map->same_size)
        map_tops_write(to[1].next.link.tops, to[1].tops);
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
    for (unsigned passed = 0; passed <= ADVANCE_MAX && map->nevacuate <= map->old->view.mask; passed++) {
        if (map_is_in_old(map, map->nevacuate))
            break;
        map->nevacuate++;
    }
    if (map->old->mapped && !map_is_iterated(map))
        map_table_give_back(map->old, &map->layout, map->nevacuate);
}

/* Asks for what evacuating that bucket will read and write. */
INLINE void expect(const struct msc_map *map, uint64_t number)
{
    struct msc_map_link from = map_table_link(map->old, &map->layout, number);
    struct msc_map_link x = map_table_link(map->table, &map->layout, number);
    struct msc_map_link y = map_table_link(map->table, &map->layout, number + map->old->view.mask + 1);
    __builtin_prefetch(from.pairs);
    __builtin_prefetch(from.pairs + 64);
    __builtin_prefetch(from.bucket);
    __builtin_prefetch(x.pairs, 1);
    __builtin_prefetch(x.bucket, 1);
    if (!map->same_size) {
        __builtin_prefetch(y.pairs, 1);
        __builtin_prefetch(y.bucket, 1);
    }
}

static void evacuate_two(struct msc_map *map, uint64_t hash)
{
    expect(map, hash & map->old->view.mask);
    work_on(map, hash & map->old->view.mask);
    if (map->nevacuate <= map->old->view.mask)
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
    if (map->nevacuate > map->old->view.mask)
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
