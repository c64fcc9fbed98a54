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

/* Where the parts of an array begin, from its own begin. */
struct plan {
    size_t buckets, spare, tops, bytes;
    uint64_t spare_count;
};

static size_t overflow_bytes(const struct msc_map_layout *layout)
{
    return sizeof(struct msc_map_bucket) + layout->pairs_size;
}

/* False if there is no such number. */
static bool plan_array(const struct msc_map_layout *layout, uint32_t B, bool mapped, struct plan *plan)
{
    const size_t unit = mapped ? PAGE : CACHE_LINE;
    if (B > 48)
        return false;
    uint64_t count = UINT64_C(1) << B;
    size_t spare_bytes;
    plan->spare_count = spare_count(B, mapped);
    if (__builtin_mul_overflow(count, layout->pairs_size, &plan->buckets) || plan->buckets > SIZE_MAX / 8 ||
        __builtin_mul_overflow(plan->spare_count, overflow_bytes(layout), &spare_bytes) || spare_bytes > SIZE_MAX / 8)
        return false;
    plan->buckets = (plan->buckets + unit - 1) & ~(unit - 1);
    plan->spare = plan->buckets + count * sizeof(struct msc_map_bucket);
    plan->tops = plan->spare + spare_bytes;
    plan->bytes = (plan->tops + count * MSC_MAP_SLOTS + unit - 1) & ~(unit - 1);
    return true;
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
    table->view.pairs = (unsigned char *)first;
    table->block_bytes = block_bytes;
    return table;
}

static struct msc_map_table *create_mapped(const struct msc_allocator *allocator, const struct plan *plan)
{
    struct msc_map_table *table = map_allocate(allocator, sizeof *table);
    if (!table)
        return NULL;
    unsigned char *begin = memory.map(plan->bytes);
    if (!begin) {
        map_release(allocator, table, sizeof *table);
        return NULL;
    }
    table->view.pairs = begin;
    table->mapped = true;
    table->pairs = (struct map_range){begin, begin + plan->buckets};
    table->rest = (struct map_range){begin + plan->buckets, begin + plan->bytes};
    table->block_bytes = sizeof *table;
    return table;
}

struct msc_map_table *map_table_create(const struct msc_allocator *allocator, const struct msc_map_layout *layout,
                                       uint32_t B, bool raw)
{
    struct plan plan;
    if (!plan_array(layout, B, false, &plan))
        return NULL;
    bool mapped = plan.bytes >= MAP_TABLE_MAPPED && !allocator->allocate && memory.map;
    if (mapped && !plan_array(layout, B, true, &plan))
        return NULL;
    struct msc_map_table *table =
        mapped ? create_mapped(allocator, &plan) : create_in_block(allocator, plan.bytes, raw);
    if (!table)
        return NULL;
    unsigned char *begin = table->view.pairs;
    table->allocator = *allocator;
    table->B = B;
    table->view.mask = (UINT64_C(1) << B) - 1;
    table->view.buckets = (struct msc_map_bucket *)(void *)(begin + plan.buckets);
    table->view.tops = begin + plan.tops;
    table->spare = begin + plan.spare;
    table->spare_end = table->spare + plan.spare_count * overflow_bytes(layout);
    return table;
}

/* Whole chunks up to `end`. */
static void give_back(struct map_range *range, unsigned char *end)
{
    size_t bytes = (size_t)(end - range->begin) & ~(MAP_TABLE_CHUNK - 1);
    if (end <= range->begin || bytes == 0)
        return;
    memory.unmap(range->begin, bytes);
    range->begin += bytes;
}

void map_table_give_back(struct msc_map_table *table, const struct msc_map_layout *layout, uint64_t count)
{
    if (!table->mapped)
        return;
    give_back(&table->pairs, table->view.pairs + count * layout->pairs_size);
    give_back(&table->rest, (unsigned char *)(table->view.buckets + count));
}

/* A chunk of it; false if there is not more than one. */
static bool give_back_step(struct map_range *range)
{
    if ((size_t)(range->end - range->begin) <= MAP_TABLE_CHUNK)
        return false;
    give_back(range, range->begin + MAP_TABLE_CHUNK);
    return true;
}

static void give_back_all(const struct map_range *range)
{
    if (range->begin < range->end)
        memory.unmap(range->begin, (size_t)(range->end - range->begin));
}

static void release_block(struct msc_map_table *table, const struct msc_map_layout *layout)
{
    struct map_block *block = table->blocks;
    table->blocks = block->next;
    map_release(&table->allocator, block, sizeof *block + overflow_bytes(layout));
}

bool map_table_destroy_step(struct msc_map_table *table, const struct msc_map_layout *layout)
{
    if (table->mapped && (give_back_step(&table->pairs) || give_back_step(&table->rest)))
        return false;
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
    if (table->mapped) {
        give_back_all(&table->pairs);
        give_back_all(&table->rest);
    }
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
    struct map_block *block = map_allocate(&table->allocator, sizeof *block + overflow_bytes(layout));
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
    size_t spares = (size_t)(table->spare_end - table->spare) / overflow_bytes(layout);
    while (spares + table->reserved_count < count)
        if (!reserve_one(table, layout))
            return false;
    return true;
}

struct msc_map_link map_table_overflow(struct msc_map_table *table, const struct msc_map_layout *layout,
                                       struct msc_map_bucket *last)
{
    struct msc_map_bucket *bucket;
    if (table->spare != table->spare_end) {
        bucket = (struct msc_map_bucket *)(void *)table->spare;
        table->spare += overflow_bytes(layout);
    } else {
        if (!map_table_reserve(table, layout, 1))
            return (struct msc_map_link){0};
        bucket = table->reserved;
        table->reserved = bucket->overflow;
        table->reserved_count--;
    }
    struct msc_map_link link = {(unsigned char *)(bucket + 1), bucket->tops, bucket};
    map_link_make_empty(link);
    last->overflow = bucket;
    return link;
}

void map_table_clear(struct msc_map_table *table)
{
    uint64_t count = table->view.mask + 1;
    memset(table->view.tops, MSC_MAP_EMPTY_REST, count * MSC_MAP_SLOTS);
    for (uint64_t number = 0; number < count; number++)
        table->view.buckets[number].overflow = NULL;
    table->spare = (unsigned char *)(table->view.buckets + count);
    table->reserved = NULL;
    table->reserved_count = 0;
    for (struct map_block *block = table->blocks; block; block = block->next)
        keep_reserved(table, block);
}
