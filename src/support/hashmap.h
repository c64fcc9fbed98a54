/*
 * A hash map from keys of a fixed size to values of a fixed size: for offline state that is looked up once
 * an event. Keys compare as bytes, so a key struct has no padding or is zeroed.
 *
 *     struct hashmap actions;
 *     hashmap_init(&actions, sizeof(struct action_key), sizeof(struct action));
 *     struct action *action = hashmap_put(&actions, &key, NULL);    // NULL = no memory
 *
 * A value's address is good until the next put. Not thread-safe. Cost: one look at a small slot, which stays
 * in the cache, and one at the entry.
 */
#ifndef SUPPORT_HASHMAP_H
#define SUPPORT_HASHMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an entry is. */
struct hashmap_slot {
    uint32_t tag;   /* half of its hash */
    uint32_t entry; /* its number, from 1; 0 = free */
};

struct hashmap {
    size_t key_size, value_size; /* bytes */
    size_t value_at, entry_size; /* in an entry, and of one */
    struct hashmap_slot *slots;  /* owned; by tag */
    unsigned char *entries;      /* owned: {key, value}, or of a free one the number of the next */
    size_t capacity;             /* of slots: power of two, or 0 */
    size_t count, most;          /* of entries; at `most` it grows */
    uint32_t used;               /* entries that were in use ever */
    uint32_t free;               /* the one that was freed last, 0 = none */
};

void hashmap_init(struct hashmap *map, size_t key_size, size_t value_size);
void hashmap_fini(struct hashmap *map);

/* The value, or NULL. */
void *hashmap_find(const struct hashmap *map, const void *key);

/* The value, zeroed and *is_new (may be NULL) set if the key was not there; NULL when memory is out. */
void *hashmap_put(struct hashmap *map, const void *key, bool *is_new);

/* True if the key was there. */
bool hashmap_remove(struct hashmap *map, const void *key);

/* The same, with a copy of what the value was. */
bool hashmap_take(struct hashmap *map, const void *key, void *value);

/* Walks the map: start with *position = 0; false at the end. No put or remove meanwhile. */
bool hashmap_next(const struct hashmap *map, size_t *position, const void **key, void **value);

#endif
