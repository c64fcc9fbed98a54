/*
 * See hashmap.h. Linear probing over slots of eight bytes, at most 3/4 full, removal by shifting back: no
 * tombstones. Entries lie side by side elsewhere, so that probing does not touch them; one that is freed is
 * the next to be used, while it is in the cache.
 */
#include "support/hashmap.h"

#include <stdlib.h>
#include <string.h>

/* A look-up is one function: calls within it cost as much as what they do. */
#define INLINED static inline __attribute__((always_inline))

enum { FIRST_CAPACITY = 64, WORD = sizeof(uint64_t) };

/* Tags have 32 bits. */
static const size_t capacity_max = (size_t)1 << 31;

static size_t round_up(size_t size)
{
    return (size + WORD - 1) / WORD * WORD;
}

void hashmap_init(struct hashmap *map, size_t key_size, size_t value_size)
{
    *map = (struct hashmap){.key_size = key_size, .value_size = value_size};
    map->value_at = round_up(key_size);
    map->entry_size = map->value_at + round_up(value_size);
}

void hashmap_fini(struct hashmap *map)
{
    free(map->slots);
    free(map->entries);
    hashmap_init(map, map->key_size, map->value_size);
}

static unsigned char *entry_key(const struct hashmap *map, uint32_t entry)
{
    return map->entries + (size_t)(entry - 1) * map->entry_size;
}

static void *entry_value(const struct hashmap *map, uint32_t entry)
{
    return entry_key(map, entry) + map->value_at;
}

static uint64_t load(const unsigned char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* wyhash's mixer. */
static uint64_t mix(uint64_t hash, uint64_t word)
{
    unsigned __int128 product = (unsigned __int128)(hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

INLINED uint32_t tag_of(const struct hashmap *map, const unsigned char *key)
{
    uint64_t hash = UINT64_C(0xa0761d6478bd642f);
    size_t left = map->key_size;
    for (; left >= WORD; key += WORD, left -= WORD)
        hash = mix(hash, load(key));
    if (left) {
        uint64_t word = 0;
        memcpy(&word, key, left);
        hash = mix(hash, word);
    }
    return (uint32_t)hash;
}

/* Calling memcmp costs more than a key has words. */
INLINED bool is_key(const struct hashmap *map, uint32_t entry, const unsigned char *key)
{
    const unsigned char *known = entry_key(map, entry);
    size_t left = map->key_size;
    for (; left >= WORD; key += WORD, known += WORD, left -= WORD)
        if (load(key) != load(known))
            return false;
    return left == 0 || memcmp(key, known, left) == 0;
}

/* The slot of the key, or the free one where it belongs. The map has slots. */
INLINED struct hashmap_slot *probe(const struct hashmap *map, const void *key, uint32_t tag)
{
    size_t mask = map->capacity - 1;
    for (size_t i = tag & mask;; i = (i + 1) & mask) {
        struct hashmap_slot *slot = &map->slots[i];
        if (!slot->entry || (slot->tag == tag && is_key(map, slot->entry, key)))
            return slot;
    }
}

/* The free slot for a tag that is not there. */
static struct hashmap_slot *probe_free(struct hashmap_slot *slots, size_t mask, uint32_t tag)
{
    size_t i = tag & mask;
    while (slots[i].entry)
        i = (i + 1) & mask;
    return &slots[i];
}

static bool grow(struct hashmap *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : FIRST_CAPACITY;
    if (capacity > capacity_max)
        return false;
    size_t most = capacity / 4 * 3;
    unsigned char *entries = realloc(map->entries, most * map->entry_size);
    if (!entries)
        return false;
    map->entries = entries;
    struct hashmap_slot *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].entry)
            *probe_free(slots, capacity - 1, map->slots[i].tag) = map->slots[i];
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    map->most = most;
    return true;
}

void *hashmap_find(const struct hashmap *map, const void *key)
{
    if (map->count == 0)
        return NULL;
    const struct hashmap_slot *slot = probe(map, key, tag_of(map, key));
    return slot->entry ? entry_value(map, slot->entry) : NULL;
}

static uint32_t take_entry(struct hashmap *map)
{
    uint32_t entry = map->free;
    if (!entry)
        return ++map->used;
    memcpy(&map->free, entry_key(map, entry), sizeof map->free);
    return entry;
}

static void free_entry(struct hashmap *map, uint32_t entry)
{
    memcpy(entry_key(map, entry), &map->free, sizeof map->free);
    map->free = entry;
}

void *hashmap_put(struct hashmap *map, const void *key, bool *is_new)
{
    if (map->count == map->most && !grow(map))
        return NULL;
    uint32_t tag = tag_of(map, key);
    struct hashmap_slot *slot = probe(map, key, tag);
    bool fresh = !slot->entry;
    if (fresh) {
        *slot = (struct hashmap_slot){.tag = tag, .entry = take_entry(map)};
        memcpy(entry_key(map, slot->entry), key, map->key_size);
        memset(entry_value(map, slot->entry), 0, map->value_size);
        map->count++;
    }
    if (is_new)
        *is_new = fresh;
    return entry_value(map, slot->entry);
}

/* Moves up what the hole would hide from its probe. */
static void close_hole(struct hashmap *map, size_t hole)
{
    size_t mask = map->capacity - 1;
    for (size_t i = (hole + 1) & mask; map->slots[i].entry; i = (i + 1) & mask) {
        size_t distance = (i - map->slots[i].tag) & mask;
        if (distance < ((i - hole) & mask))
            continue; /* its home lies behind the hole */
        map->slots[hole] = map->slots[i];
        hole = i;
    }
    map->slots[hole].entry = 0;
}

static bool take(struct hashmap *map, const void *key, void *value)
{
    if (map->count == 0)
        return false;
    const struct hashmap_slot *slot = probe(map, key, tag_of(map, key));
    if (!slot->entry)
        return false;
    if (value)
        memcpy(value, entry_value(map, slot->entry), map->value_size);
    free_entry(map, slot->entry);
    close_hole(map, (size_t)(slot - map->slots));
    map->count--;
    return true;
}

bool hashmap_remove(struct hashmap *map, const void *key)
{
    return take(map, key, NULL);
}

bool hashmap_take(struct hashmap *map, const void *key, void *value)
{
    return take(map, key, value);
}

bool hashmap_next(const struct hashmap *map, size_t *position, const void **key, void **value)
{
    for (; *position < map->capacity; ++*position) {
        uint32_t entry = map->slots[*position].entry;
        if (!entry)
            continue;
        *key = entry_key(map, entry);
        *value = entry_value(map, entry);
        ++*position;
        return true;
    }
    return false;
}
