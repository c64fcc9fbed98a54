/*
 * A bucket array of msc_map with its overflow buckets: its memory; no hashing, no semantics.
 *
 *     table ── buckets ─┬─ bucket 0 ... bucket 2^B - 1     as mapscope/map_inline.h draws them
 *                       ├─ spare: overflow buckets, from B = 4 on; later ones are blocks of their own
 *                       └─ tops: the tophash bytes of bucket 0 ... 2^B - 1 once more (map_table_mirror)
 *
 * A large array is a range of address space: the kernel provides its pages as they are touched, and they are
 * given back from the front, a chunk at a time (map_table_give_back), so that neither making nor zeroing nor
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

struct msc_map_table {
    unsigned char *buckets;
    uint64_t *tops;
    uint64_t mask; /* 2^B - 1 */
    uint32_t B;
    bool mapped;                      /* the array is whole pages of its own, else part of `block_bytes` */
    size_t bytes;                     /* of the array with its spare buckets and tops */
    size_t given_back;                /* of them, from the front */
    size_t block_bytes;               /* of this struct with what was allocated along with it */
    unsigned char *spare, *spare_end; /* preallocated overflow buckets not used yet */
    struct msc_map_bucket *reserved;  /* allocated ones not used yet, linked by overflow */
    size_t reserved_count;
    struct map_block *blocks;       /* every overflow bucket that was allocated */
    struct msc_map_table *next;     /* in its map's limbo or trash */
    struct msc_allocator allocator; /* its map's when it was made; allocate NULL = runtime/memory.h */
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

/* Gives memory of a table back from the front up to byte `end` of the array, in whole chunks; only if it is mapped. */
void map_table_give_back(struct msc_map_table *table, size_t end);

/* A step of map_table_destroy. True when all is gone. */
bool map_table_destroy_step(struct msc_map_table *table, const struct msc_map_layout *layout);

/* Makes sure that the next `count` calls of map_table_overflow succeed. False when memory is out. */
bool map_table_reserve(struct msc_map_table *table, const struct msc_map_layout *layout, size_t count);

/* Appends an empty bucket to the chain that ends with `last`. NULL when memory is out. */
struct msc_map_bucket *map_table_overflow(struct msc_map_table *table, const struct msc_map_layout *layout,
                                          struct msc_map_bucket *last);

/* Makes every slot MSC_MAP_EMPTY_REST and every overflow bucket unused. */
void map_table_clear(struct msc_map_table *table, const struct msc_map_layout *layout);

static inline struct msc_map_bucket *map_table_bucket(const struct msc_map_table *table,
                                                      const struct msc_map_layout *layout, uint64_t number)
{
    return (struct msc_map_bucket *)(void *)(table->buckets + number * layout->bucket_size);
}

static inline void map_bucket_make_empty(struct msc_map_bucket *bucket)
{
    memset(bucket, 0, sizeof *bucket);
}

/* To be called whenever tophash bytes of a chain that begins with bucket `number` have changed. */
static inline void map_table_mirror(struct msc_map_table *table, const struct msc_map_layout *layout, uint64_t number)
{
    table->tops[number] = msc_map_tops(map_table_bucket(table, layout, number));
}

/* The 48 bits of a version. */
static inline uint64_t map_version_get(struct msc_map_slot slot, const struct msc_map_layout *layout)
{
    const unsigned char *at = (const unsigned char *)slot.bucket + layout->versions_offset;
    uint32_t low;
    uint16_t high;
    memcpy(&low, at + slot.index * sizeof low, sizeof low);
    memcpy(&high, at + MSC_MAP_SLOTS * sizeof low + slot.index * sizeof high, sizeof high);
    return (uint64_t)high << 32 | low;
}

static inline void map_version_set(struct msc_map_slot slot, const struct msc_map_layout *layout, uint64_t version)
{
    unsigned char *at = (unsigned char *)slot.bucket + layout->versions_offset;
    uint32_t low = (uint32_t)version;
    uint16_t high = (uint16_t)(version >> 32);
    memcpy(at + slot.index * sizeof low, &low, sizeof low);
    memcpy(at + MSC_MAP_SLOTS * sizeof low + slot.index * sizeof high, &high, sizeof high);
}

/* A bit for each slot that is MSC_MAP_EMPTY_REST or MSC_MAP_EMPTY_ONE. */
static inline msc_map_matches map_tops_empty(uint64_t tops)
{
    return msc_map_tops_match(tops & ~msc_map_eight_times(1), 0);
}

#endif
