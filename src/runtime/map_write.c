/* Making, replacing and removing entries. See map_core.h. */
#include <errno.h>

#include "runtime/map_core.h"

/* So that what it returns stays in registers. */
#define INLINE static inline __attribute__((always_inline))

/* Where a key is, or where it could be put. */
struct place {
    struct map_slot slot;
    enum { ENTRY, EMPTY, FULL } what; /* of the key; the first free slot of its chain; its last bucket, there is none */
};

INLINE struct place look(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    struct map_slot slot = {.link = map_home(map, hash)}, empty = {0};
    msc_map_tops wanted = msc_map_tops_all(msc_map_tophash(hash));
    for (;;) {
        msc_map_tops tops = msc_map_tops_load(slot.link.tops);
        for (msc_map_matches found = msc_map_tops_match(tops, wanted); msc_map_any(found); found &= found - 1) {
            slot.index = msc_map_first(found);
            if (map_key_is(map, key, map_slot_key_at(slot, &map->layout)))
                return (struct place){slot, ENTRY};
        }
        msc_map_matches free_slots = map_tops_empty(tops);
        if (msc_map_any(free_slots) && !map_slot_is_there(empty))
            empty = (struct map_slot){slot.link, msc_map_first(free_slots)};
        if (msc_map_any(msc_map_tops_match(tops, msc_map_tops_all(MSC_MAP_EMPTY_REST))))
            return (struct place){empty, EMPTY};
        struct msc_map_link last = slot.link;
        if (!msc_map_link_next(&slot.link))
            return map_slot_is_there(empty) ? (struct place){empty, EMPTY} : (struct place){{last, 0}, FULL};
    }
}

/* ---- keys ---- */

const void *map_copy_text(struct msc_map *map, const struct map_key *key)
{
    size_t size;
    if (__builtin_add_overflow(sizeof(struct map_text), key->length, &size))
        return NULL;
    struct map_text *text = map_allocate(&map->allocator, size);
    if (!text)
        return NULL;
    text->next = NULL;
    text->length = key->length;
    if (key->length)
        memcpy(text->bytes, key->bytes, key->length);
    return text->bytes;
}

/* Writes the key into its slot; `bytes` are what it is to own of a byte string. */
INLINE void store_key(const struct msc_map *map, struct map_slot slot, const struct map_key *key, const void *bytes)
{
    void *stored = map_slot_key_at(slot, &map->layout);
    switch (key->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_POINTER:
        *(uint64_t *)stored = key->number;
        break;
    case MSC_KEY_U32:
        *(uint32_t *)stored = (uint32_t)key->number;
        break;
    case MSC_KEY_CUSTOM:
        map_copy(stored, key->bytes, key->length);
        break;
    default:
        *(struct map_string *)stored = (struct map_string){bytes, key->length};
    }
}

/* Whether entries own more than their bytes. */
INLINE bool owns(const struct msc_map *map)
{
    return map->kind == MSC_KEY_BYTES || map->type.destroy_key || map->type.destroy_value;
}

/* The key and value of an entry that is going. Its slot is free already; iterations may still come by. */
static void drop_entry(struct msc_map *map, void *stored, void *value)
{
    if (map->kind == MSC_KEY_BYTES)
        map_retire_text(map, ((struct map_string *)stored)->bytes);
    if (map->kind == MSC_KEY_CUSTOM && map->type.destroy_key)
        map->type.destroy_key(stored);
    if (map->type.destroy_value)
        map->type.destroy_value(value);
}

/* ---- put ---- */

/* A slot for a key that has none yet; none if memory is out. */
INLINE struct map_slot free_slot(struct msc_map *map, struct place place, uint64_t hash)
{
    if (MSC_LIKELY(place.what == EMPTY))
        return place.slot;
    struct msc_map_table *table = map_table_of(map, hash);
    struct msc_map_link added = map_table_overflow(table, &map->layout, place.slot.link.bucket);
    map->noverflow += added.bucket && table == map->table;
    return (struct map_slot){added, 0};
}

/* Owns what it allocates only once it is stored: a failure leaves nothing behind. */
INLINE struct map_slot insert(struct msc_map *map, struct place place, const struct map_key *key, uint64_t hash)
{
    const void *bytes = key->bytes;
    if (map->kind == MSC_KEY_BYTES && !(bytes = map_copy_text(map, key)))
        return (struct map_slot){0};
    struct map_slot slot = free_slot(map, place, hash);
    if (MSC_UNLIKELY(!map_slot_is_there(slot))) {
        if (map->kind == MSC_KEY_BYTES)
            map_free_text(map, bytes);
        return slot;
    }
    store_key(map, slot, key, bytes);
    map_occupy(slot, hash);
    map->count++;
    return slot;
}

/* The new key is given up for the one that is there, and the old value for the new one. */
INLINE void replace(struct msc_map *map, struct map_slot slot, const struct map_key *key)
{
    if (map->kind == MSC_KEY_CUSTOM && map->type.destroy_key)
        map->type.destroy_key((void *)(uintptr_t)key->bytes);
    if (map->type.destroy_value)
        map->type.destroy_value(map_slot_value(map, slot));
}

INLINE int store(struct msc_map *map, struct place place, const struct map_key *key, uint64_t hash, const void *value)
{
    struct map_slot slot = place.slot;
    if (place.what == ENTRY)
        replace(map, slot, key);
    else
        slot = insert(map, place, key, hash);
    if (MSC_UNLIKELY(!map_slot_is_there(slot)))
        return -ENOMEM;
    if (value)
        map_copy(map_slot_value_at(slot, &map->layout), value, map->layout.value_size);
    else
        memset(map_slot_value_at(slot, &map->layout), 0, map->layout.value_size);
    map_version_set(slot, map->seq);
    return 0;
}

__attribute__((noinline)) static int put_after_growth_began(struct msc_map *map, const struct map_key *key,
                                                            uint64_t hash, const void *value)
{
    map_grow_work(map, hash);
    return store(map, look(map, key, hash), key, hash, value);
}

int map_put(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value)
{
    map->seq++;
    if (MSC_UNLIKELY(!map->table)) {
        map->table = map_table_create(&map->allocator, &map->layout, 0, false);
        if (!map->table)
            return -ENOMEM;
        map_show_tables(map);
    }
    __builtin_prefetch(&map->head.now.buckets[hash & map->head.now.mask], 1); /* the version goes there */
    map_grow_work(map, hash);
    struct place place = look(map, key, hash);
    if (place.what != ENTRY && MSC_UNLIKELY(map_asks_to_grow(map)) && map_grow_begin(map))
        return put_after_growth_began(map, key, hash, value);
    return store(map, place, key, hash, value);
}

struct map_slot map_append(struct msc_map *map, struct msc_map_table *table, uint64_t hash, uint64_t *noverflow)
{
    struct msc_map_link link = map_table_link(table, &map->layout, hash & table->view.mask), last;
    do
        last = link;
    while (msc_map_link_next(&link));
    msc_map_matches empty = map_tops_empty(msc_map_tops_load(last.tops));
    if (msc_map_any(empty))
        return (struct map_slot){last, msc_map_first(empty)};
    link = map_table_overflow(table, &map->layout, last.bucket);
    *noverflow += link.bucket != NULL;
    return (struct map_slot){link, 0};
}

/* ---- erase ---- */

/* Whether everything behind the slot is empty. */
INLINE bool is_last(struct map_slot slot, uint64_t tops)
{
    if (MSC_LIKELY(slot.index < MSC_MAP_SLOTS - 1))
        return (uint8_t)(tops >> (slot.index + 1) * 8) == MSC_MAP_EMPTY_REST;
    return !msc_map_link_next(&slot.link) || slot.link.tops[0] == MSC_MAP_EMPTY_REST;
}

/* Makes the empty slots at the end of eight MSC_MAP_EMPTY_REST. */
INLINE uint64_t with_rest(uint64_t tops)
{
    uint64_t entries = tops & ~msc_map_eight_times(MSC_MAP_EMPTY_ONE);
    return entries ? tops & UINT64_MAX >> __builtin_clzll(entries) / 8 * 8 : 0;
}

/* The same for the buckets before an overflow bucket in which there is nothing any more. */
__attribute__((noinline)) static void mark_rest_before(const struct msc_map *map, uint64_t hash,
                                                       const struct msc_map_bucket *empty)
{
    const struct msc_map_link first = map_home(map, hash);
    uint64_t tops = 0;
    while (tops == 0 && empty != first.bucket) {
        struct msc_map_link link = first;
        while (link.bucket->overflow != empty)
            msc_map_link_next(&link);
        tops = with_rest(msc_map_tops_number(link.tops));
        map_tops_write(link.tops, tops);
        empty = link.bucket;
    }
}

/* If the chain now ends in empty slots, they are marked so that searches stop there. */
INLINE void empty_slot(const struct msc_map *map, struct map_slot slot, uint64_t hash)
{
    uint64_t tops = msc_map_tops_number(slot.link.tops), bit = UINT64_C(1) << slot.index * 8;
    bool last = is_last(slot, tops);
    tops = (tops & ~(bit * UINT8_MAX)) | bit * MSC_MAP_EMPTY_ONE;
    map_tops_write(slot.link.tops, last ? with_rest(tops) : tops);
    if (MSC_UNLIKELY(last && with_rest(tops) == 0 && slot.link.tops == slot.link.bucket->tops))
        mark_rest_before(map, hash, slot.link.bucket);
}

/* An attacker who has learnt to collide starts anew. */
static void reseed(struct msc_map *map)
{
    map_set_seed(map, map_random(map));
}

int map_erase(struct msc_map *map, const struct map_key *key, uint64_t hash, uint64_t version, uint64_t *seen)
{
    if (seen)
        *seen = 0;
    if (map->count == 0)
        return -ENOENT;
    map_grow_work(map, hash);
    struct map_slot slot = map_find(map, key, hash);
    if (!map_slot_is_there(slot))
        return -ENOENT;
    if (seen)
        *seen = map_version_get(slot);
    if (version != MAP_ANY_VERSION && version != map_version_get(slot))
        return -ESTALE;

    map->seq++;
    empty_slot(map, slot, hash);
    if (MSC_UNLIKELY(map_is_iterated(map)))
        map_forget_key(map, map_slot_key_at(slot, &map->layout), hash);
    if (owns(map))
        drop_entry(map, map_slot_key_at(slot, &map->layout), map_slot_value_at(slot, &map->layout));
    if (--map->count == 0)
        reseed(map);
    return 0;
}

void map_drop_entries(struct msc_map *map)
{
    if (!owns(map))
        return;
    struct map_slot slot;
    for (struct map_walk walk = map_walk_begin(map); map_walk_next(&walk, &slot);)
        drop_entry(map, map_slot_key_at(slot, &map->layout), map_slot_value_at(slot, &map->layout));
}

/* As in Go, clearing an empty map leaves a growth under way. */
void map_erase_all(struct msc_map *map)
{
    map->seq++;
    map->clears++;
    if (map->count == 0)
        return;
    map_drop_entries(map);
    map->count = 0;
    map->noverflow = 0;
    if (map->old)
        map_grow_finish(map);
    map_table_clear(map->table);
    reseed(map);
}
