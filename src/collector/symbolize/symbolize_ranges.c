/* See symbolize_ranges.h. */
#include "collector/symbolize/symbolize_ranges.h"

#include <stdlib.h>

#include "support/vec.h"

void ranges_fini(struct ranges *ranges)
{
    free(ranges->items);
    *ranges = (struct ranges){0};
}

int ranges_add(struct ranges *ranges, uint64_t low, uint64_t high, uint32_t rank, uint64_t value)
{
    if (low >= high)
        return 0;
    int error = VEC_RESERVE(ranges->items, ranges->count, ranges->capacity, 1);
    if (error)
        return error;
    ranges->items[ranges->count++] = (struct range){.low = low, .high = high, .rank = rank, .value = value};
    return 0;
}

/* By beginning, then by rank; the rest only makes the order the same on every run. */
static int compare(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    if (a->low != b->low)
        return a->low < b->low ? -1 : 1;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return a->value > b->value ? -1 : a->value < b->value;
}

void ranges_sort(struct ranges *ranges)
{
    if (ranges->count == 0)
        return;
    qsort(ranges->items, ranges->count, sizeof *ranges->items, compare);
    uint64_t reach = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        if (ranges->items[i].high > reach)
            reach = ranges->items[i].high;
        ranges->items[i].reach = reach;
    }
}

const struct range *ranges_find(const struct ranges *ranges, uint64_t address)
{
    size_t low = 0, high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->items[middle].low <= address)
            low = middle + 1;
        else
            high = middle;
    }
    while (low-- > 0 && ranges->items[low].reach > address)
        if (ranges->items[low].high > address)
            return &ranges->items[low];
    return NULL;
}
