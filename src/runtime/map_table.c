/* See map_table.h. */
#include "runtime/map_table.h"

#include "runtime/map_core.h"
#include "runtime/memory.h"

#define CACHE_LINE 64
#define VALUE_ALIGN 16

struct map_block {
    _Alignas(16) struct map_block *next;
};

struct map_layout map_layout_of(enum msc_key_kind kind, size_t value_size)
{
    struct map_layout layout = {
        .key_size = kind == MSC_KEY_U64 ? sizeof(uint64_t) : sizeof(struct map_string),
        .value_size = value_size,
    };
    layout.versions_offset = sizeof(struct msc_map_bucket) + MAP_SLOTS * layout.key_size;
    layout.values_offset = layout.versions_offset + MAP_SLOTS * sizeof(uint64_t);
    size_t end = layout.values_offset + MAP_SLOTS * value_size;
    layout.bucket_size = (end + VALUE_ALIGN - 1) / VALUE_ALIGN * VALUE_ALIGN;
    return layout;
}

/* Go's estimate of what the median map of this size needs. */
static uint64_t spare_count(uint32_t B)
{
    return B >= 4 ? UINT64_C(1) << (B - 4) : 0;
}

struct msc_map_table *map_table_create(const struct map_layout *layout, uint32_t B)
{
    size_t bytes, header = sizeof(struct msc_map_table) + CACHE_LINE - 1;
    uint64_t count = UINT64_C(1) << B;
    if (B > 48 || __builtin_mul_overflow(count + spare_count(B), layout->bucket_size, &bytes) ||
        __builtin_add_overflow(bytes, header, &header))
        return NULL;
    struct msc_map_table *table = memory.allocate(header);
    if (!table)
        return NULL;
    uintptr_t first = ((uintptr_t)(table + 1) + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
    table->buckets = (unsigned char *)first;
    table->mask = count - 1;
    table->B = B;
    table->spare = table->buckets + count * layout->bucket_size;
    table->spare_end = table->buckets + bytes;
    return table;
}

void map_table_destroy(struct msc_map_table *table)
{
    if (!table)
        return;
    while (table->blocks) {
        struct map_block *block = table->blocks;
        table->blocks = block->next;
        memory.release(block);
    }
    memory.release(table);
}

size_t map_table_bytes(const struct msc_map_table *table)
{
    return (size_t)(table->spare_end - table->buckets);
}

static void keep_reserved(struct msc_map_table *table, struct map_block *block)
{
    struct msc_map_bucket *bucket = (struct msc_map_bucket *)(void *)(block + 1);
    bucket->overflow = table->reserved;
    table->reserved = bucket;
    table->reserved_count++;
}

static bool reserve_one(struct msc_map_table *table, const struct map_layout *layout)
{
    struct map_block *block = memory.allocate(sizeof *block + layout->bucket_size);
    if (!block)
        return false;
    block->next = table->blocks;
    table->blocks = block;
    keep_reserved(table, block);
    return true;
}

bool map_table_reserve(struct msc_map_table *table, const struct map_layout *layout, size_t count)
{
    size_t spares = (size_t)(table->spare_end - table->spare) / layout->bucket_size;
    while (spares + table->reserved_count < count)
        if (!reserve_one(table, layout))
            return false;
    return true;
}

struct msc_map_bucket *map_table_overflow(struct msc_map_table *table, const struct map_layout *layout,
                                          struct msc_map_bucket *last)
{
    struct msc_map_bucket *bucket;
    if (table->spare != table->spare_end) {
        bucket = (struct msc_map_bucket *)(void *)table->spare;
        table->spare += layout->bucket_size;
    } else {
        if (!map_table_reserve(table, layout, 1))
            return NULL;
        bucket = table->reserved;
        table->reserved = bucket->overflow;
        table->reserved_count--;
        bucket->overflow = NULL;
    }
    last->overflow = bucket;
    return bucket;
}

void map_table_clear(struct msc_map_table *table, const struct map_layout *layout)
{
    memset(table->buckets, 0, map_table_bytes(table));
    table->spare = table->buckets + (table->mask + 1) * layout->bucket_size;
    table->reserved = NULL;
    table->reserved_count = 0;
    for (struct map_block *block = table->blocks; block; block = block->next) {
        memset(block + 1, 0, layout->bucket_size);
        keep_reserved(table, block);
    }
}
