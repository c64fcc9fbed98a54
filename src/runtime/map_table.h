/*
 * A bucket array of msc_map with its overflow buckets: layout and memory; no hashing, no semantics.
 *
 *     table ── buckets ─┬─ bucket 0        each bucket: tophash[8]  one byte a slot: state or top of the hash
 *                       ├─ ...                          overflow    next bucket of the chain
 *                       ├─ bucket 2^B - 1               keys[8], versions[8], values[8]
 *                       └─ overflow buckets, one for 16, from B = 4 on; later ones are blocks of their own
 *
 * tophash and overflow stand first, keys next: a miss reads one cache line, a hit mostly one and the value's.
 * Owned by a map and guarded like it. Allocates through memory.h.
 */
#ifndef MSC_RUNTIME_MAP_TABLE_H
#define MSC_RUNTIME_MAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mapscope/map.h"

#define MAP_SLOTS 8

/* What a tophash byte below MAP_MIN_TOPHASH says of its slot. */
enum map_slot_state {
    MAP_EMPTY_REST = 0,      /* empty, and so is every slot behind it in the chain */
    MAP_EMPTY_ONE = 1,       /* empty */
    MAP_EVACUATED_X = 2,     /* moved to the bucket of the same number */
    MAP_EVACUATED_Y = 3,     /* moved to the bucket 2^(old B) further on */
    MAP_EVACUATED_EMPTY = 4, /* was empty when its bucket was evacuated */
    MAP_MIN_TOPHASH = 5,
};

struct msc_map_bucket {
    _Alignas(16) uint8_t tophash[MAP_SLOTS];
    struct msc_map_bucket *overflow;
};

/* Where things are in a bucket, in bytes from its start. Keys follow the header. */
struct map_layout {
    size_t key_size; /* in the slot */
    size_t value_size;
    size_t versions_offset, values_offset, bucket_size;
};

struct map_block; /* an overflow bucket with memory of its own */

struct msc_map_table {
    unsigned char *buckets;
    uint64_t mask; /* 2^B - 1 */
    uint32_t B;
    unsigned char *spare, *spare_end; /* preallocated overflow buckets not used yet */
    struct msc_map_bucket *reserved;  /* allocated ones not used yet, linked by overflow */
    size_t reserved_count;
    struct map_block *blocks;   /* every overflow bucket that was allocated */
    struct msc_map_table *next; /* in its map's limbo */
};

/* `value_size` is at most 2^28. */
struct map_layout map_layout_of(enum msc_key_kind kind, size_t value_size);

/* All slots MAP_EMPTY_REST. NULL when memory is out or the size has no number. */
struct msc_map_table *map_table_create(const struct map_layout *layout, uint32_t B);
void map_table_destroy(struct msc_map_table *table);

/* Bytes of the array with its preallocated overflow buckets. */
size_t map_table_bytes(const struct msc_map_table *table);

/* Makes sure that the next `count` calls of map_table_overflow succeed. False when memory is out. */
bool map_table_reserve(struct msc_map_table *table, const struct map_layout *layout, size_t count);

/* Appends an empty bucket to the chain that ends with `last`. NULL when memory is out. */
struct msc_map_bucket *map_table_overflow(struct msc_map_table *table, const struct map_layout *layout,
                                          struct msc_map_bucket *last);

/* Makes every slot MAP_EMPTY_REST and every overflow bucket unused. */
void map_table_clear(struct msc_map_table *table, const struct map_layout *layout);

static inline struct msc_map_bucket *map_table_bucket(const struct msc_map_table *table,
                                                      const struct map_layout *layout, uint64_t number)
{
    return (struct msc_map_bucket *)(void *)(table->buckets + number * layout->bucket_size);
}

static inline bool map_bucket_evacuated(const struct msc_map_bucket *bucket)
{
    return bucket->tophash[0] > MAP_EMPTY_ONE && bucket->tophash[0] < MAP_MIN_TOPHASH;
}

/* The key of slot `index`: layout->key_size bytes, 8-aligned. */
static inline void *map_bucket_key(const struct msc_map_bucket *bucket, const struct map_layout *layout, unsigned index)
{
    return (unsigned char *)(uintptr_t)bucket + sizeof *bucket + index * layout->key_size;
}

static inline uint64_t *map_bucket_version(const struct msc_map_bucket *bucket, const struct map_layout *layout,
                                           unsigned index)
{
    return (uint64_t *)(void *)((unsigned char *)(uintptr_t)bucket + layout->versions_offset) + index;
}

static inline void *map_bucket_value(const struct msc_map_bucket *bucket, const struct map_layout *layout,
                                     unsigned index)
{
    return (unsigned char *)(uintptr_t)bucket + layout->values_offset + index * layout->value_size;
}

/* The eight tophash bytes as one word, slot 0 lowest, and searches in it: bit 7 of each byte that fits. */
static inline uint64_t map_bucket_tops(const struct msc_map_bucket *bucket)
{
    uint64_t tops;
    memcpy(&tops, bucket->tophash, sizeof tops);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    tops = __builtin_bswap64(tops);
#endif
    return tops;
}

#define MAP_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

static inline uint64_t map_tops_zero(uint64_t tops)
{
    const uint64_t low = MAP_EACH_BYTE(0x7f);
    return ~(((tops & low) + low) | tops | low);
}

static inline uint64_t map_tops_equal(uint64_t tops, uint8_t top)
{
    return map_tops_zero(tops ^ MAP_EACH_BYTE(top));
}

/* MAP_EMPTY_REST or MAP_EMPTY_ONE. */
static inline uint64_t map_tops_empty(uint64_t tops)
{
    return map_tops_zero(tops & MAP_EACH_BYTE(0xfe));
}

/* The lowest slot of a non-zero search result. */
static inline unsigned map_tops_first(uint64_t found)
{
    return (unsigned)__builtin_ctzll(found) / 8;
}

#endif
