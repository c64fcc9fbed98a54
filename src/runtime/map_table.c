/* See map_table.h. */
#include "runtime/map_table.h"

#include "runtime/memory.h"

#define CACHE_LINE 64
#define PAGE ((size_t)4096)
#define BLOCKS_A_STEP 16

struct map_block {
    _Alignas(16) struct map_block *next;
};

void *map_allocate(const struct msc_allocator *allocator, size_t size)
{
    if (!allocator->allocate)
        return memory.allocate(size);
    return allocator->allocate(allocator->context, size);
}

void map_release(const struct msc_allocator *allocator, void *block, size_t size)
{
    if (!allocator->allocate)
        memory.release(block);
    else if (block)
        allocator->release(allocator->context, block, size);
}

/*
 * Go's estimate of what the median map of this size needs is one for 16. Mapped ones cost nothing until they
 * are used: one for 4, since at 6.5 entries a bucket every fifth overflows.
 */
static uint64_t spare_count(uint32_t B, bool mapped)
{
    if (B < 4)
        return 0;
    return UINT64_C(1) << (B - (mapped ? 2 : 4));
}

/* Bytes of the array; false if there is no such number. */
static bool array_bytes(const struct msc_map_layout *layout, uint32_t B, bool mapped, size_t *bytes)
{
    if (B > 48)
        return false;
    uint64_t count = UINT64_C(1) << B;
    return !__builtin_mul_overflow(count + spare_count(B, mapped), layout->bucket_size, bytes) &&
           !__builtin_add_overflow(*bytes, count * sizeof(uint64_t), bytes) && *bytes <= SIZE_MAX / 2;
}

/* Nothing of the caller's comes zeroed, and to do that for a large array at once would be a pause. */
static struct msc_map_table *create_in_block(const struct msc_allocator *allocator, size_t bytes, bool raw)
{
    size_t block_bytes = sizeof(struct msc_map_table) + CACHE_LINE - 1 + bytes;
    struct msc_map_table *table = map_allocate(allocator, block_bytes);
    if (!table)
        return NULL;
    if (allocator->allocate)
        memset(table, 0, raw ? sizeof *table : block_bytes);
    uintptr_t first = ((uintptr_t)(table + 1) + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
    table->buckets = (unsigned char *)first;
    table->block_bytes = block_bytes;
    return table;
}

static struct msc_map_table *create_mapped(const struct msc_allocator *allocator, size_t bytes)
{
    struct msc_map_table *table = map_allocate(allocator, sizeof *table);
    if (!table)
        return NULL;
    table->buckets = memory.map(bytes);
    if (!table->buckets) {
        map_release(allocator, table, sizeof *table);
        return NULL;
    }
    table->mapped = true;
    table->block_bytes = sizeof *table;
    return table;
}

struct msc_map_table *map_table_create(const struct msc_allocator *allocator, const struct msc_map_layout *layout,
                                       uint32_t B, bool raw)
{
    size_t bytes;
    if (!array_bytes(layout, B, false, &bytes))
        return NULL;
    bool mapped = bytes >= MAP_TABLE_MAPPED && !allocator->allocate && memory.map;
    if (mapped && array_bytes(layout, B, true, &bytes))
        bytes = (bytes + PAGE - 1) & ~(PAGE - 1);
    struct msc_map_table *table = mapped ? create_mapped(allocator, bytes) : create_in_block(allocator, bytes, raw);
    if (!table)
        return NULL;
    uint64_t count = UINT64_C(1) << B;
    table->allocator = *allocator;
    table->mask = count - 1;
    table->B = B;
    table->bytes = bytes;
    table->spare = table->buckets + count * layout->bucket_size;
    table->spare_end = table->spare + spare_count(B, mapped) * layout->bucket_size;
    table->tops = (uint64_t *)(void *)table->spare_end;
    return table;
}

void map_table_give_back(struct msc_map_table *table, size_t end)
{
    end &= ~(MAP_TABLE_CHUNK - 1);
    if (!table->mapped || end <= table->given_back)
        return;
    memory.unmap(table->buckets + table->given_back, end - table->given_back);
    table->given_back = end;
}

static void release_block(struct msc_map_table *table, const struct msc_map_layout *layout)
{
    struct map_block *block = table->blocks;
    table->blocks = block->next;
    map_release(&table->allocator, block, sizeof *block + layout->bucket_size);
}

bool map_table_destroy_step(struct msc_map_table *table, const struct msc_map_layout *layout)
{
    if (table->mapped && table->given_back + MAP_TABLE_CHUNK < table->bytes) {
        map_table_give_back(table, table->given_back + MAP_TABLE_CHUNK);
        return false;
    }
    for (unsigned n = 0; n < BLOCKS_A_STEP; n++) {
        if (!table->blocks) {
            map_table_destroy(table, layout);
            return true;
        }
        release_block(table, layout);
    }
    return false;
}

void map_table_destroy(struct msc_map_table *table, const struct msc_map_layout *layout)
{
    if (!table)
        return;
    while (table->blocks)
        release_block(table, layout);
    if (table->mapped && table->given_back < table->bytes)
        memory.unmap(table->buckets + table->given_back, table->bytes - table->given_back);
    struct msc_allocator allocator = table->allocator;
    map_release(&allocator, table, table->block_bytes);
}

static void keep_reserved(struct msc_map_table *table, struct map_block *block)
{
    struct msc_map_bucket *bucket = (struct msc_map_bucket *)(void *)(block + 1);
    bucket->overflow = table->reserved;
    table->reserved = bucket;
    table->reserved_count++;
}

static bool reserve_one(struct msc_map_table *table, const struct msc_map_layout *layout)
{
    struct map_block *block = map_allocate(&table->allocator, sizeof *block + layout->bucket_size);
    if (!block)
        return false;
    block->next = table->blocks;
    table->blocks = block;
    keep_reserved(table, block);
    return true;
}

bool map_table_reserve(struct msc_map_table *table, const struct msc_map_layout *layout, size_t count)
{
    if (count == 0)
        return true;
    size_t spares = (size_t)(table->spare_end - table->spare) / layout->bucket_size;
    while (spares + table->reserved_count < count)
        if (!reserve_one(table, layout))
            return false;
    return true;
}

struct msc_map_bucket *map_table_overflow(struct msc_map_table *table, const struct msc_map_layout *layout,
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
    }
    map_bucket_make_empty(bucket);
    last->overflow = bucket;
    return bucket;
}

/* Only what was used: spare buckets behind that are untouched. */
void map_table_clear(struct msc_map_table *table, const struct msc_map_layout *layout)
{
    memset(table->buckets, 0, (size_t)(table->spare - table->buckets));
    memset(table->tops, 0, (table->mask + 1) * sizeof *table->tops);
    table->spare = table->buckets + (table->mask + 1) * layout->bucket_size;
    table->reserved = NULL;
    table->reserved_count = 0;
    for (struct map_block *block = table->blocks; block; block = block->next)
        keep_reserved(table, block);
}
