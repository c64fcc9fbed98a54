/*
 * Putting and removing one entry, as code to be compiled for a kind of key: map_ops.c does so for each public function,
 * map_write.c once for any key (map_put, map_erase), with what is rare.
 *
 * Inline throughout, and keys and slots are handed on as values: a slot in memory would be written in words of eight
 * bytes and copied in words of sixteen, which waits until the stores before have left the processor; behind a store
 * that misses the cache that is a third of an insert.
 *
 * For the writer.
 */
#ifndef MSC_RUNTIME_MAP_ENTRY_H
#define MSC_RUNTIME_MAP_ENTRY_H

#include <errno.h>

#include "runtime/map_core.h"

/* ---- what is rare: map_write.c ---- */

/* 0 or -ENOMEM. */
int map_make_first_table(struct msc_map *map);

/* As map_put, once map_grow_begin has. */
int map_put_growing(struct msc_map *map, struct map_key key, uint64_t hash, const void *value);

/* Destroys the key and value of an entry that is going. Its slot is free already; iterations may still come by. */
void map_drop_entry(struct msc_map *map, void *stored, void *value);

/* Makes the empty slots before an overflow bucket MSC_MAP_EMPTY_REST, in which there is nothing any more. */
void map_mark_rest_before(const struct msc_map *map, uint64_t hash, const struct msc_map_bucket *empty);

/* Another seed, for a map that has become empty: an attacker who has learnt to collide starts anew. */
void map_reseed(struct msc_map *map);

/* ---- put ---- */

/* Where a key is, or where it could be put. */
struct map_place {
    struct map_slot slot;
    enum {
        MAP_PLACE_ENTRY,
        MAP_PLACE_EMPTY,
        MAP_PLACE_FULL
    } what; /* of the key; the first free slot of its chain; its last bucket, there is none */
};

MSC_INLINE struct map_place map_look(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    struct map_slot slot = {.link = map_home(map, hash)}, empty = {0};
    msc_map_tops wanted = msc_map_tops_all(msc_map_tophash(hash));
    for (;;) {
        msc_map_tops tops = msc_map_tops_load(slot.link.tops);
        for (msc_map_matches found = msc_map_tops_match(tops, wanted); msc_map_any(found); found &= found - 1) {
            slot.index = msc_map_first(found);
            if (map_key_is(map, key, map_slot_key_at(slot, &map->layout)))
                return (struct map_place){slot, MAP_PLACE_ENTRY};
        }
        msc_map_matches free_slots = map_tops_empty(tops);
        if (msc_map_any(free_slots) && !map_slot_is_there(empty))
            empty = (struct map_slot){slot.link, msc_map_first(free_slots)};
        if (msc_map_any(msc_map_tops_match(tops, msc_map_tops_all(MSC_MAP_EMPTY_REST))))
            return (struct map_place){empty, MAP_PLACE_EMPTY};
        struct msc_map_link last = slot.link;
        if (!msc_map_link_next(&slot.link))
            return map_slot_is_there(empty) ? (struct map_place){empty, MAP_PLACE_EMPTY}
                                            : (struct map_place){{last, 0}, MAP_PLACE_FULL};
    }
}

/* Writes the key into its slot; `bytes` are what it is to own of a byte string. */
MSC_INLINE void map_store_key(const struct msc_map *map, struct map_slot slot, const struct map_key *key,
                              const void *bytes)
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

/* A slot for a key that has none yet; none if memory is out. */
MSC_INLINE struct map_slot map_free_slot(struct msc_map *map, struct map_place place, uint64_t hash)
{
    if (MSC_LIKELY(place.what == MAP_PLACE_EMPTY))
        return place.slot;
    struct msc_map_table *table = map_table_of(map, hash);
    struct msc_map_link added = map_table_overflow(table, &map->layout, place.slot.link.bucket);
    map->noverflow += added.bucket && table == map->table;
    return (struct map_slot){added, 0};
}

/* Owns what it allocates only once it is stored: a failure leaves nothing behind. */
MSC_INLINE struct map_slot map_insert(struct msc_map *map, struct map_place place, const struct map_key *key,
                                      uint64_t hash)
{
    const void *bytes = key->bytes;
    if (map->kind == MSC_KEY_BYTES && !(bytes = map_copy_text(map, key)))
        return (struct map_slot){0};
    struct map_slot slot = map_free_slot(map, place, hash);
    if (MSC_UNLIKELY(!map_slot_is_there(slot))) {
        if (map->kind == MSC_KEY_BYTES)
            map_free_text(map, bytes);
        return slot;
    }
    map_store_key(map, slot, key, bytes);
    map_occupy(slot, hash);
    map->count++;
    return slot;
}

/* The new key is given up for the one that is there, and the old value for the new one. */
MSC_INLINE void map_replace(struct msc_map *map, struct map_slot slot, const struct map_key *key)
{
    if (map->kind == MSC_KEY_CUSTOM && map->type.destroy_key)
        map->type.destroy_key((void *)(uintptr_t)key->bytes);
    if (map->type.destroy_value)
        map->type.destroy_value(map_slot_value(map, slot));
}

MSC_INLINE int map_store(struct msc_map *map, struct map_place place, const struct map_key *key, uint64_t hash,
                         const void *value)
{
    struct map_slot slot = place.slot;
    if (place.what == MAP_PLACE_ENTRY)
        map_replace(map, slot, key);
    else
        slot = map_insert(map, place, key, hash);
    if (MSC_UNLIKELY(!map_slot_is_there(slot)))
        return -ENOMEM;
    if (value)
        map_copy(map_slot_value_at(slot, &map->layout), value, map->layout.value_size);
    else
        memset(map_slot_value_at(slot, &map->layout), 0, map->layout.value_size);
    map_version_set(slot, map->seq);
    return 0;
}

/* See map_put. */
MSC_INLINE int map_put_here(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value)
{
    map->seq++;
    if (MSC_UNLIKELY(!map->table) && map_make_first_table(map))
        return -ENOMEM;
    __builtin_prefetch(&map->head.now.buckets[hash & map->head.now.mask], 1); /* the version goes there */
    map_grow_work(map, hash);
    struct map_place place = map_look(map, key, hash);
    if (place.what != MAP_PLACE_ENTRY && MSC_UNLIKELY(map_asks_to_grow(map)) && map_grow_begin(map))
        return map_put_growing(map, *key, hash, value);
    return map_store(map, place, key, hash, value);
}

/* ---- erase ---- */

/* Whether everything behind the slot is empty. */
MSC_INLINE bool map_is_last(struct map_slot slot, uint64_t tops)
{
    if (MSC_LIKELY(slot.index < MSC_MAP_SLOTS - 1))
        return (uint8_t)(tops >> (slot.index + 1) * 8) == MSC_MAP_EMPTY_REST;
    return !msc_map_link_next(&slot.link) || slot.link.tops[0] == MSC_MAP_EMPTY_REST;
}

/* Makes the empty slots at the end of eight MSC_MAP_EMPTY_REST. */
MSC_INLINE uint64_t map_with_rest(uint64_t tops)
{
    uint64_t entries = tops & ~msc_map_eight_times(MSC_MAP_EMPTY_ONE);
    return entries ? tops & UINT64_MAX >> __builtin_clzll(entries) / 8 * 8 : 0;
}

/* If the chain now ends in empty slots, they are marked so that searches stop there. */
MSC_INLINE void map_empty_slot(const struct msc_map *map, struct map_slot slot, uint64_t hash)
{
    uint64_t tops = msc_map_tops_number(slot.link.tops), bit = UINT64_C(1) << slot.index * 8;
    bool last = map_is_last(slot, tops);
    tops = (tops & ~(bit * UINT8_MAX)) | bit * MSC_MAP_EMPTY_ONE;
    map_tops_write(slot.link.tops, last ? map_with_rest(tops) : tops);
    if (MSC_UNLIKELY(last && map_with_rest(tops) == 0 && slot.link.tops == slot.link.bucket->tops))
        map_mark_rest_before(map, hash, slot.link.bucket);
}

/* Whether entries own more than their bytes. */
MSC_INLINE bool map_owns(const struct msc_map *map)
{
    return map->kind == MSC_KEY_BYTES || map->type.destroy_key || map->type.destroy_value;
}

/* See map_erase. */
MSC_INLINE int map_erase_here(struct msc_map *map, const struct map_key *key, uint64_t hash, uint64_t version,
                              uint64_t *seen)
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
    map_empty_slot(map, slot, hash);
    if (MSC_UNLIKELY(map_is_iterated(map)))
        map_forget_key(map, map_slot_key_at(slot, &map->layout), hash);
    if (map_owns(map))
        map_drop_entry(map, map_slot_key_at(slot, &map->layout), map_slot_value_at(slot, &map->layout));
    if (--map->count == 0)
        map_reseed(map);
    return 0;
}

#endif
