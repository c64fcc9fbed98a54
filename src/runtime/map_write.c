/* Making, replacing and removing entries. See map_core.h. */
#include "runtime/map_entry.h"

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

/* The key and value of an entry that is going. Its slot is free already; iterations may still come by. */
void map_drop_entry(struct msc_map *map, void *stored, void *value)
{
    if (map->kind == MSC_KEY_BYTES)
        map_retire_text(map, ((struct map_string *)stored)->bytes);
    if (map->kind == MSC_KEY_CUSTOM && map->type.destroy_key)
        map->type.destroy_key(stored);
    if (map->type.destroy_value)
        map->type.destroy_value(value);
}

/* ---- put ---- */

int map_make_first_table(struct msc_map *map)
{
    map->table = map_table_create(&map->allocator, &map->layout, 0, false);
    if (!map->table)
        return -ENOMEM;
    map_show_tables(map);
    return 0;
}

int map_put_growing(struct msc_map *map, struct map_key key, uint64_t hash, const void *value)
{
    map_grow_work(map, hash);
    return map_store(map, map_look(map, &key, hash), &key, hash, value);
}

int map_put(struct msc_map *map, const struct map_key *key, uint64_t hash, const void *value)
{
    return map_put_here(map, key, hash, value);
}

int map_erase(struct msc_map *map, const struct map_key *key, uint64_t hash, uint64_t version, uint64_t *seen)
{
    return map_erase_here(map, key, hash, version, seen);
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

/* The same for the buckets before an overflow bucket in which there is nothing any more. */
void map_mark_rest_before(const struct msc_map *map, uint64_t hash, const struct msc_map_bucket *empty)
{
    const struct msc_map_link first = map_home(map, hash);
    uint64_t tops = 0;
    while (tops == 0 && empty != first.bucket) {
        struct msc_map_link link = first;
        while (link.bucket->overflow != empty)
            msc_map_link_next(&link);
        tops = map_with_rest(msc_map_tops_number(link.tops));
        map_tops_write(link.tops, tops);
        empty = link.bucket;
    }
}

/* An attacker who has learnt to collide starts anew. */
void map_reseed(struct msc_map *map)
{
    map_set_seed(map, map_random(map));
}

void map_drop_entries(struct msc_map *map)
{
    if (!map_owns(map))
        return;
    struct map_slot slot;
    for (struct map_walk walk = map_walk_begin(map); map_walk_next(&walk, &slot);)
        map_drop_entry(map, map_slot_key_at(slot, &map->layout), map_slot_value_at(slot, &map->layout));
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
    map_reseed(map);
}
