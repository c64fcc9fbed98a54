/*
 * A table of msc_syncmap: pointers to entries by hash. Open addressing, linear probing, at most 3/4 full.
 *
 * One writer at a time, and no reader beside it: a table that readers can see is never changed. The entries are
 * not the table's. Allocates with memory.h.
 */
#ifndef MSC_RUNTIME_SYNCMAP_TABLE_H
#define MSC_RUNTIME_SYNCMAP_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/epoch.h"
#include "runtime/flavour.h"
#include "runtime/syncmap_cell.h"

struct syncmap_entry {
    union {
        struct epoch_item item;              /* once it is retired */
        struct syncmap_entry *next_expunged; /* before, if it was expunged */
    };
    uint64_t number; /* the key, or the length of its bytes */
    union syncmap_cell cell;
    _Alignas(16) unsigned char bytes[]; /* only if keys have any */
};

struct syncmap_slot {
    uint64_t hash;
    struct syncmap_entry *entry; /* NULL = empty */
};

struct syncmap_table {
    struct epoch_item item;
    _Atomic bool amended; /* of a read table: there are keys in dirty that it does not have. Set once, by release. */
    uint64_t mask;
    size_t count;
    struct syncmap_slot slots[];
};

/* Room for `count` entries. NULL when memory is out. */
struct syncmap_table *syncmap_table_create(size_t count);
size_t syncmap_table_bytes(const struct syncmap_table *table);

/* Puts an entry whose key is not there. May replace *table, freeing the old one. False when memory is out. */
bool syncmap_table_add(struct syncmap_table **table, struct syncmap_slot slot);

/* Takes an entry out that is there. */
void syncmap_table_remove(struct syncmap_table *table, struct syncmap_slot slot);

static inline struct syncmap_entry *syncmap_table_find(const struct flavour *flavour, const struct syncmap_table *table,
                                                       const struct map_key *key, uint64_t hash)
{
    for (uint64_t i = hash & table->mask;; i = (i + 1) & table->mask) {
        const struct syncmap_slot *slot = &table->slots[i];
        if (!slot->entry)
            return NULL;
        if (slot->hash == hash && MSC_LIKELY(flavour_key_is(flavour, key, slot->entry->number, slot->entry->bytes)))
            return slot->entry;
    }
}

#endif
