/*
 * Address ranges that may overlap, looked up by address: compilation units, functions, ELF symbols.
 *
 *     ranges_add(&ranges, low, high, rank, value);   // any number, then once:
 *     ranges_sort(&ranges);
 *     const struct range *found = ranges_find(&ranges, address);
 *
 * Not thread-safe.
 */
#ifndef COLLECTOR_SYMBOLIZE_RANGES_H
#define COLLECTOR_SYMBOLIZE_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct range {
    uint64_t low, high; /* [low, high) */
    uint64_t reach;     /* the largest `high` up to here: where a search backwards may stop */
    uint64_t value;
    uint32_t rank;
};

struct ranges {
    struct range *items; /* owned */
    size_t count, capacity;
};

void ranges_fini(struct ranges *ranges);

/* Ignores an empty range. 0, or -ENOMEM. */
int ranges_add(struct ranges *ranges, uint64_t low, uint64_t high, uint32_t rank, uint64_t value);
void ranges_sort(struct ranges *ranges);

/* Of those that cover the address, the one that begins last, and among these the one of the highest rank; or NULL. */
const struct range *ranges_find(const struct ranges *ranges, uint64_t address);

#endif
