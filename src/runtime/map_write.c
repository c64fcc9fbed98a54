/* Making, replacing and removing entries. See map_core.h. */
#include <errno.h>

#include "runtime/map_core.h"
#include "runtime/memory.h"

/* Where a key is, or where it could be put. */
struct place {
    struct map_slot entry; /* of the key */
    struct map_slot empty; /* first free slot of its chain */
    struct msc_map_bucket *last;
    struct msc_map_table *home;
};

static struct place look(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    struct place place = {.home = map_home(map, hash)};
    uint8_t top = map_tophash(hash);
    struct msc_map_bucket *bucket = map_table_bucket(place.home, &map->layout, hash & place.home->mask);
    for (; bucket; bucket = bucket->overflow) {
        uint64_t tops = map_bucket_tops(bucket);
        for (uint64_t found = map_tops_equal(tops, top); found; found &= found - 1) {
            place.entry = (struct map_slot){bucket, map_tops_first(found)};
            if (map_key_is(key, map_bucket_key(bucket, &map->layout, place.entry.index)))
                return place;
        }
        uint64_t empty = map_tops_empty(tops);
        if (empty && !place.empty.bucket)
            place.empty = (struct map_slot){bucket, map_tops_first(empty)};
        place.last = bucket;
        if (map_tops_zero(tops))
            break;
    }
    place.entry = (struct map_slot){0};
    return place;
}

static struct map_text *copy_text(const struct map_key *key)
{
    size_t size;
    if (__builtin_add_overflow(sizeof(struct map_text), key->length, &size))
        return NULL;
    struct map_text *text = memory.allocate(size);
    if (text && key->length)
        memcpy(text->bytes, key->bytes, key->length);
    return text;
}

/* Owns what it allocates only once it is stored: a failure leaves nothing behind. */
static int store_key(struct msc_map *map, struct place *place, const struct map_key *key)
{
    struct map_text *text = NULL;
    if (map->kind == MSC_KEY_BYTES && !(text = copy_text(key)))
        return -ENOMEM;
    if (!place->empty.bucket) {
        struct msc_map_bucket *added = map_table_overflow(place->home, &map->layout, place->last);
        if (!added) {
            memory.release(text);
            return -ENOMEM;
        }
        map->noverflow += place->home == map->table;
        place->empty = (struct map_slot){added, 0};
    }
    void *stored = map_bucket_key(place->empty.bucket, &map->layout, place->empty.index);
    if (map->kind == MSC_KEY_BYTES)
        *(struct map_string *)stored = (struct map_string){text, key->length};
    else
        *(uint64_t *)stored = key->number;
    return 0;
}

static int insert(struct msc_map *map, struct place *place, const struct map_key *key, uint64_t hash)
{
    if (map_grow_begin(map)) {
        map_grow_work(map, hash);
        *place = look(map, key, hash);
    }
    int error = store_key(map, place, key);
    if (error)
        return error;
    place->entry = place->empty;
    place->entry.bucket->tophash[place->entry.index] = map_tophash(hash);
    map->count++;
    return 0;
}

int map_put(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value)
{
    map->seq++;
    if (!map->table && !(map->table = map_table_create(&map->layout, 0)))
        return -ENOMEM;
    map_grow_work(map, hash);
    struct place place = look(map, key, hash);
    if (!place.entry.bucket) {
        int error = insert(map, &place, key, hash);
        if (error)
            return error;
    }
    void *stored = map_slot_value(map, place.entry);
    if (value)
        memcpy(stored, value, map->layout.value_size);
    else
        memset(stored, 0, map->layout.value_size);
    *map_bucket_version(place.entry.bucket, &map->layout, place.entry.index) = map->seq;
    return 0;
}

/* Whether everything behind the slot is empty. */
static bool is_last(struct map_slot slot)
{
    if (slot.index < MAP_SLOTS - 1)
        return slot.bucket->tophash[slot.index + 1] == MAP_EMPTY_REST;
    return !slot.bucket->overflow || slot.bucket->overflow->tophash[0] == MAP_EMPTY_REST;
}

/* The slot before, in the chain that starts with `first`; bucket NULL = there is none. */
static struct map_slot previous(struct map_slot slot, struct msc_map_bucket *first)
{
    if (slot.index > 0)
        return (struct map_slot){slot.bucket, slot.index - 1};
    if (slot.bucket == first)
        return (struct map_slot){0};
    struct msc_map_bucket *before = first;
    while (before->overflow != slot.bucket)
        before = before->overflow;
    return (struct map_slot){before, MAP_SLOTS - 1};
}

/* Empties the slot; if the chain now ends in empty slots, marks them so that searches stop there. */
static void empty_slot(struct map_slot slot, struct msc_map_bucket *first)
{
    slot.bucket->tophash[slot.index] = MAP_EMPTY_ONE;
    if (!is_last(slot))
        return;
    while (slot.bucket && slot.bucket->tophash[slot.index] == MAP_EMPTY_ONE) {
        slot.bucket->tophash[slot.index] = MAP_EMPTY_REST;
        slot = previous(slot, first);
    }
}

/* An attacker who has learnt to collide starts anew. */
static void reseed(struct msc_map *map)
{
    map->hash0 = map_random(map);
}

int map_erase(struct msc_map *map, const struct map_key *key, uint64_t version, uint64_t *seen)
{
    *seen = 0;
    if (map->count == 0)
        return -ENOENT;
    uint64_t hash = map_key_hash(key, map->hash0);
    map_grow_work(map, hash);
    struct map_slot slot = map_find(map, key, hash);
    if (!slot.bucket)
        return -ENOENT;
    *seen = map_slot_version(map, slot);
    if (version != MAP_ANY_VERSION && version != *seen)
        return -ESTALE;

    map->seq++;
    if (map->kind == MSC_KEY_BYTES)
        map_retire_text(map, ((struct map_string *)map_bucket_key(slot.bucket, &map->layout, slot.index))->text);
    const struct msc_map_table *home = map_home(map, hash);
    empty_slot(slot, map_table_bucket(home, &map->layout, hash & home->mask));
    if (--map->count == 0)
        reseed(map);
    return 0;
}

static void drop_table_keys(struct msc_map *map, const struct msc_map_table *table)
{
    for (uint64_t number = 0; number <= table->mask; number++)
        for (struct msc_map_bucket *bucket = map_table_bucket(table, &map->layout, number); bucket;
             bucket = bucket->overflow)
            for (unsigned index = 0; index < MAP_SLOTS; index++) {
                if (bucket->tophash[index] < MAP_MIN_TOPHASH)
                    continue;
                struct map_string *string = map_bucket_key(bucket, &map->layout, index);
                map_retire_text(map, string->text);
            }
}

void map_drop_keys(struct msc_map *map)
{
    if (map->kind != MSC_KEY_BYTES)
        return;
    if (map->table)
        drop_table_keys(map, map->table);
    if (map->old)
        drop_table_keys(map, map->old); /* evacuated slots are below MAP_MIN_TOPHASH */
}

void map_erase_all(struct msc_map *map)
{
    map->seq++;
    map->clears++;
    map_drop_keys(map);
    if (map->old)
        map_grow_finish(map);
    if (map->table)
        map_table_clear(map->table, &map->layout);
    map->count = 0;
    map->noverflow = 0;
    reseed(map);
}

/* Weyl sequence and mixer of splitmix64: any number of readers draw at once, each its own number. */
uint64_t map_random(struct msc_map *map)
{
    const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
    return hash_u64(atomic_fetch_add_explicit(&map->random, step, memory_order_relaxed), step);
}
