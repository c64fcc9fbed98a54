/*
 * A bucket array of msc_map with its overflow buckets: its memory; no hashing, no semantics.
 *
 *     table ── pairs    of bucket 0 ... bucket 2^B - 1, as mapscope/map_inline.h draws them
 *              buckets  the same
 *              spare    overflow buckets, from B = 4 on; later ones are blocks of their own
 *              tops     of bucket 0 ... bucket 2^B - 1
 *
 * A large array is a range of address space: the kernel provides its pages as they are touched, and pairs and buckets
 * are given back from the front, a chunk at a time (map_table_give_back), so that neither making nor zeroing nor
 * freeing it takes long at any moment. No directory is needed, hence no indirection on look-ups. With an
 * allocator of the caller's, and below MAP_TABLE_MAPPED bytes, it is one block.
 *
 * Owned by a map and guarded like it.
 */
#ifndef MSC_RUNTIME_MAP_TABLE_H
#define MSC_RUNTIME_MAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mapscope/map.h"
#include "mapscope/map_inline.h"

/* Bytes of an array from which on it is mapped, and that are given back at once: 16 pages, 2-3 us. */
#define MAP_TABLE_MAPPED ((size_t)256 << 10)
#define MAP_TABLE_CHUNK ((size_t)64 << 10)

struct map_block; /* an overflow bucket with memory of its own */

/* Whole pages of a table that are still there. */
struct map_range {
    unsigned char *begin, *end;
};

struct msc_map_table {
    struct msc_map_view view; /* first: struct msc_map_head points here */
    uint32_t B;
    bool mapped;                      /* the array is whole pages of its own, else part of `block_bytes` */
    struct map_range pairs, rest;     /* of a mapped one; `rest` begins with the buckets */
    size_t block_bytes;               /* of this struct with what was allocated along with it */
    unsigned char *spare, *spare_end; /* preallocated overflow buckets not used yet */
    struct msc_map_bucket *reserved;  /* allocated ones not used yet, linked by overflow */
    size_t reserved_count;
    struct map_block *blocks;       /* every overflow bucket that was allocated */
    struct msc_map_table *next;     /* in its map's limbo or trash */
    struct msc_allocator allocator; /* its map's when it was made; allocate NULL = runtime/memory.h */
};

/* A slot of a bucket, or none: link.bucket is NULL. */
struct map_slot {
    struct msc_map_link link;
    uint32_t index;
};

/* From an allocator of a map. NULL when memory is out. */
void *map_allocate(const struct msc_allocator *allocator, size_t size);
void map_release(const struct msc_allocator *allocator, void *block, size_t size);

/*
 * All slots MSC_MAP_EMPTY_REST; or, with `raw`, perhaps not: each bucket is to be made empty before it is used.
 * NULL when memory is out or the size has no number.
 */
struct msc_map_table *map_table_create(const struct msc_allocator *allocator, const struct msc_map_layout *layout,
                                       uint32_t B, bool raw);
void map_table_destroy(struct msc_map_table *table, const struct msc_map_layout *layout);

/* Gives the memory of the first `count` buckets back, in whole chunks; only if it is mapped. */
void map_table_give_back(struct msc_map_table *table, const struct msc_map_layout *layout, uint64_t count);

/* Whether a bucket was not given back. */
static inline bool map_table_has(const struct msc_map_table *table, const struct msc_map_layout *layout,
                                 uint64_t number)
{
    struct msc_map_link link = msc_map_link_of(&table->view, number, layout->pairs_size);
    return !table->mapped || (link.pairs >= table->pairs.begin && (unsigned char *)link.bucket >= table->rest.begin);
}

/* A step of map_table_destroy. True when all is gone. */
bool map_table_destroy_step(struct msc_map_table *table, const struct msc_map_layout *layout);

/* Makes sure that the next `count` calls of map_table_overflow succeed. False when memory is out. */
bool map_table_reserve(struct msc_map_table *table, const struct msc_map_layout *layout, size_t count);

/* Appends an empty bucket to the chain that ends with `last`. Its bucket is NULL when memory is out. */
struct msc_map_link map_table_overflow(struct msc_map_table *table, const struct msc_map_layout *layout,
                                       struct msc_map_bucket *last);

/* Makes every slot MSC_MAP_EMPTY_REST and every overflow bucket unused. */
void map_table_clear(struct msc_map_table *table);

static inline struct msc_map_link map_table_link(const struct msc_map_table *table, const struct msc_map_layout *layout,
                                                 uint64_t number)
{
    return msc_map_link_of(&table->view, number, layout->pairs_size);
}

static inline bool map_table_is_evacuated(const struct msc_map_table *table, uint64_t number)
{
    return msc_map_tops_evacuated(table->view.tops + number * MSC_MAP_SLOTS);
}

/* Of its 2^B buckets, in bytes. */
static inline uint64_t map_table_bytes(const struct msc_map_table *table, const struct msc_map_layout *layout)
{
    return (table->view.mask + 1) * (layout->pairs_size + sizeof(struct msc_map_bucket) + MSC_MAP_SLOTS);
}

static inline void map_link_make_empty(struct msc_map_link link)
{
    memset(link.tops, MSC_MAP_EMPTY_REST, MSC_MAP_SLOTS);
    link.bucket->overflow = NULL;
}

/* The eight tophash bytes of a bucket, slot 0 lowest. */
static inline void map_tops_write(uint8_t *tops, uint64_t number)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    number = __builtin_bswap64(number);
#endif
    memcpy(tops, &number, sizeof number);
}

/* What the tophash byte of the slot says. */
static inline uint8_t map_slot_top(struct map_slot slot)
{
    return slot.link.tops[slot.index];
}

static inline void *map_slot_key_at(struct map_slot slot, const struct msc_map_layout *layout)
{
    return msc_map_key_at(slot.link.pairs, slot.index, *layout);
}

static inline void *map_slot_value_at(struct map_slot slot, const struct msc_map_layout *layout)
{
    return msc_map_value_at(slot.link.pairs, slot.index, *layout);
}

/* The 48 bits of a version. */
static inline uint64_t map_version_get(struct map_slot slot)
{
    const struct msc_map_bucket *bucket = slot.link.bucket;
    return (uint64_t)bucket->version_high[slot.index] << 32 | bucket->version_low[slot.index];
}

static inline void map_version_set(struct map_slot slot, uint64_t version)
{
    slot.link.bucket->version_low[slot.index] = (uint32_t)version;
    slot.link.bucket->version_high[slot.index] = (uint16_t)(version >> 32);
}

/* A bit for each slot that is MSC_MAP_EMPTY_REST or MSC_MAP_EMPTY_ONE. */
static inline msc_map_matches map_tops_empty(msc_map_tops tops)
{
    return msc_map_tops_match(tops, msc_map_tops_all(MSC_MAP_EMPTY_REST)) |
           msc_map_tops_match(tops, msc_map_tops_all(MSC_MAP_EMPTY_ONE));
}

#endif
