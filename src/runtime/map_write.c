/* Making, replacing and removing entries. See map_core.h. */
#include <errno.h>

#include "runtime/map_core.h"

/* Where a key is, or where it could be put. */
struct place {
    struct msc_map_slot entry; /* of the key */
    struct msc_map_slot empty; /* first free slot of its chain */
    struct msc_map_bucket *last;
};

static inline struct place look(const struct msc_map *map, const struct map_key *key, uint64_t hash)
{
    struct place place = {0};
    struct msc_map_probe probe = map_home(map, hash);
    uint64_t wanted = msc_map_eight_times(msc_map_tophash(hash));
    do {
        for (msc_map_matches found = msc_map_tops_match(probe.tops, wanted); found; found &= found - 1) {
            place.entry = (struct msc_map_slot){probe.bucket, msc_map_first(found)};
            if (map_key_is(map, key, msc_map_slot_key(place.entry, map->layout)))
                return place;
        }
        msc_map_matches empty = map_tops_empty(probe.tops);
        if (empty && !place.empty.bucket)
            place.empty = (struct msc_map_slot){probe.bucket, msc_map_first(empty)};
        place.last = probe.bucket;
        if (msc_map_tops_match(probe.tops, 0))
            break;
    } while (msc_map_probe_next(&probe));
    place.entry.bucket = NULL;
    return place;
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
static inline void store_key(const struct msc_map *map, struct msc_map_slot slot, const struct map_key *key,
                             const void *bytes)
{
    void *stored = msc_map_slot_key(slot, map->layout);
    switch (key->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_POINTER:
        *(uint64_t *)stored = key->number;
        break;
    case MSC_KEY_U32:
        *(uint32_t *)stored = (uint32_t)key->number;
        break;
    case MSC_KEY_CUSTOM:
        memcpy(stored, key->bytes, key->length);
        break;
    default:
        *(struct map_string *)stored = (struct map_string){bytes, key->length};
    }
}

/* The key and value of an entry that is going. Its slot is free already; iterations may still come by. */
static void drop_entry(struct msc_map *map, struct msc_map_slot slot)
{
    void *stored = msc_map_slot_key(slot, map->layout);
    if (map->kind == MSC_KEY_BYTES)
        map_retire_text(map, ((struct map_string *)stored)->bytes);
    if (map->kind == MSC_KEY_CUSTOM && map->type.destroy_key)
        map->type.destroy_key(stored);
    if (map->type.destroy_value)
        map->type.destroy_value(map_slot_value(map, slot));
}

/* ---- put ---- */

/* Owns what it allocates only once it is stored: a failure leaves nothing behind. */
static int insert_key(struct msc_map *map, struct place *place, const struct map_key *key, uint64_t hash)
{
    const void *bytes = key->bytes;
    if (map->kind == MSC_KEY_BYTES && !(bytes = map_copy_text(map, key)))
        return -ENOMEM;
    if (!place->empty.bucket) {
        struct msc_map_table *table = map_table_of(map, hash);
        struct msc_map_bucket *added = map_table_overflow(table, &map->layout, place->last);
        if (!added) {
            if (map->kind == MSC_KEY_BYTES)
                map_free_text(map, bytes);
            return -ENOMEM;
        }
        map->noverflow += table == map->table;
        place->empty = (struct msc_map_slot){added, 0};
    }
    store_key(map, place->empty, key, bytes);
    return 0;
}

static int insert(struct msc_map *map, struct place *place, const struct map_key *key, uint64_t hash)
{
    if (MSC_UNLIKELY(map_grow_begin(map))) {
        map_grow_work(map, hash);
        *place = look(map, key, hash);
    }
    int error = insert_key(map, place, key, hash);
    if (error)
        return error;
    place->entry = place->empty;
    map_occupy(map, map_table_of(map, hash), place->entry, hash);
    map->count++;
    return 0;
}

/* The new key is given up for the one that is there, and the old value for the new one. */
static void replace(struct msc_map *map, struct msc_map_slot slot, const struct map_key *key)
{
    if (map->kind == MSC_KEY_CUSTOM && map->type.destroy_key)
        map->type.destroy_key((void *)(uintptr_t)key->bytes);
    if (map->type.destroy_value)
        map->type.destroy_value(map_slot_value(map, slot));
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
    map_grow_work(map, hash);
    struct place place = look(map, key, hash);
    if (place.entry.bucket) {
        replace(map, place.entry, key);
    } else {
        int error = insert(map, &place, key, hash);
        if (error)
            return error;
    }
    void *stored = map_slot_value(map, place.entry);
    if (value)
        memcpy(stored, value, map->layout.value_size);
    else
        memset(stored, 0, map->layout.value_size);
    map_version_set(place.entry, &map->layout, map->seq);
    return 0;
}

struct msc_map_slot map_append(struct msc_map *map, struct msc_map_table *table, uint64_t hash, uint64_t *noverflow)
{
    struct msc_map_bucket *bucket = map_table_bucket(table, &map->layout, hash & table->mask);
    while (bucket->overflow)
        bucket = bucket->overflow;
    msc_map_matches empty = map_tops_empty(msc_map_tops(bucket));
    size_t index = empty ? msc_map_first(empty) : 0;
    if (!empty) {
        bucket = map_table_overflow(table, &map->layout, bucket);
        if (!bucket)
            return (struct msc_map_slot){0};
        ++*noverflow;
    }
    return (struct msc_map_slot){bucket, index};
}

/* ---- erase ---- */

/* Whether everything behind the slot is empty. */
static bool is_last(struct msc_map_slot slot)
{
    if (slot.index < MSC_MAP_SLOTS - 1)
        return slot.bucket->tophash[slot.index + 1] == MSC_MAP_EMPTY_REST;
    return !slot.bucket->overflow || slot.bucket->overflow->tophash[0] == MSC_MAP_EMPTY_REST;
}

/* The slot before, in the chain that starts with `first`; bucket NULL = there is none. */
static struct msc_map_slot previous(struct msc_map_slot slot, struct msc_map_bucket *first)
{
    if (slot.index > 0)
        return (struct msc_map_slot){slot.bucket, slot.index - 1};
    if (slot.bucket == first)
        return (struct msc_map_slot){0};
    struct msc_map_bucket *before = first;
    while (before->overflow != slot.bucket)
        before = before->overflow;
    return (struct msc_map_slot){before, MSC_MAP_SLOTS - 1};
}

/* Empties the slot; if the chain now ends in empty slots, marks them so that searches stop there. */
static void empty_slot(struct msc_map_slot slot, struct msc_map_bucket *first)
{
    slot.bucket->tophash[slot.index] = MSC_MAP_EMPTY_ONE;
    if (!is_last(slot))
        return;
    while (slot.bucket && slot.bucket->tophash[slot.index] == MSC_MAP_EMPTY_ONE) {
        slot.bucket->tophash[slot.index] = MSC_MAP_EMPTY_REST;
        slot = previous(slot, first);
    }
}

/* An attacker who has learnt to collide starts anew. */
static void reseed(struct msc_map *map)
{
    map_set_seed(map, map_random(map));
}

int map_erase(struct msc_map *map, const struct map_key *key, uint64_t hash, uint64_t version, uint64_t *seen)
{
    *seen = 0;
    if (map->count == 0)
        return -ENOENT;
    map_grow_work(map, hash);
    struct msc_map_slot slot = map_find(map, key, hash);
    if (!slot.bucket)
        return -ENOENT;
    *seen = map_slot_version(map, slot);
    if (version != MAP_ANY_VERSION && version != *seen)
        return -ESTALE;

    map->seq++;
    empty_slot(slot, map_home(map, hash).bucket);
    map_mirror(map, hash);
    if (MSC_UNLIKELY(map_is_iterated(map)))
        map_forget_key(map, msc_map_slot_key(slot, map->layout), hash);
    drop_entry(map, slot);
    if (--map->count == 0)
        reseed(map);
    return 0;
}

void map_drop_entries(struct msc_map *map)
{
    bool plain = map->kind != MSC_KEY_BYTES && !map->type.destroy_value;
    if (plain && (map->kind != MSC_KEY_CUSTOM || !map->type.destroy_key))
        return;
    struct msc_map_slot slot;
    for (struct map_walk walk = map_walk_begin(map); map_walk_next(&walk, &slot);)
        drop_entry(map, slot);
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
    map_table_clear(map->table, &map->layout);
    reseed(map);
}
