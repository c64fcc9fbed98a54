/*
 * Iteration, after Go's mapiterinit and mapiternext; and what keeps its memory alive without a collector.
 *
 * An iteration goes through the table that it found at its begin, from a random bucket round to it again.
 * That table may since have been evacuated: its slots then say which keys there were, and each is looked up
 * where it lives now. Or it may not have been filled yet: then its bucket's entries are still in the old
 * one, of which those are taken that will go to this bucket.
 *
 * So an open iteration may read tables and key bytes that the map has given up. They go to the map's limbo
 * while any iteration is open, and the last end frees them. Only the writer puts things there, and what is
 * there no new iteration can reach; readers' ends may coincide, so that each takes the lists by exchange.
 */
#include <errno.h>

#include "runtime/emit.h"
#include "runtime/map_core.h"
#include "runtime/map_trace.h"
#include "runtime/memory.h"
#include "runtime/stack.h"

/* Pairs with the acquire-release in msc_map_iter_end; the caller's own order does the rest. */
static bool is_iterated(struct msc_map *map)
{
    return atomic_load_explicit(&map->iterations, memory_order_acquire) != 0;
}

void map_retire_table(struct msc_map *map, struct msc_map_table *table)
{
    if (!is_iterated(map)) {
        map_table_destroy(table);
        return;
    }
    table->next = atomic_load_explicit(&map->limbo_tables, memory_order_relaxed);
    atomic_store_explicit(&map->limbo_tables, table, memory_order_release);
}

void map_retire_text(struct msc_map *map, struct map_text *text)
{
    if (!is_iterated(map)) {
        memory.release(text);
        return;
    }
    text->next = atomic_load_explicit(&map->limbo_texts, memory_order_relaxed);
    atomic_store_explicit(&map->limbo_texts, text, memory_order_release);
}

void map_free_limbo(struct msc_map *map)
{
    struct msc_map_table *table = atomic_exchange_explicit(&map->limbo_tables, NULL, memory_order_acquire);
    while (table) {
        struct msc_map_table *next = table->next;
        map_table_destroy(table);
        table = next;
    }
    struct map_text *text = atomic_exchange_explicit(&map->limbo_texts, NULL, memory_order_acquire);
    while (text) {
        struct map_text *next = text->next;
        memory.release(text);
        text = next;
    }
}

/* 0, or -EBUSY after reporting the writer that is there. */
static int check_writer(const struct msc_map *map, const void *frame)
{
    uint32_t writer = map_writer_seen(map);
    if (MAP_LIKELY(!writer))
        return 0;
    if (msc_gate_on(MSC_EVENT_MAP_FAULT))
        map_trace_fault(map, MSC_FAULT_ITERATE_WRITE, NULL, writer, frame);
    return -EBUSY;
}

int msc_map_iter_begin(struct msc_map *map, struct msc_map_iter *iter)
{
    if (!iter)
        return -EINVAL;
    *iter = (struct msc_map_iter){0};
    int error = map ? check_writer(map, STACK_HERE()) : 0;
    if (!map || error)
        return error;
    atomic_fetch_add_explicit(&map->iterations, 1, memory_order_relaxed);
    uint64_t random = map_random(map);
    iter->map = map;
    iter->table = iter->current = map->table;
    iter->seq = map->seq;
    iter->clears = map->clears;
    iter->start = iter->next = map->table ? random & map->table->mask : 0;
    iter->offset = (uint8_t)(random >> 61);
    if (msc_gate_on(MSC_EVENT_MAP_ITER_BEGIN)) {
        iter->id = thread_unique_id();
        map_trace_iter(MSC_EVENT_MAP_ITER_BEGIN, iter, STACK_HERE());
    }
    return 0;
}

/* The next bucket of the round; false = it is closed. */
static bool take_bucket(struct msc_map_iter *iter)
{
    const struct msc_map *map = iter->map;
    if (iter->next == iter->start && iter->wrapped)
        return false;
    uint64_t number = iter->next;
    iter->bucket = map_table_bucket(iter->table, &map->layout, number);
    iter->filtered = false;
    if (map->old && iter->table->B == map->table->B) {
        const struct msc_map_bucket *bucket = map_table_bucket(map->old, &map->layout, number & map->old->mask);
        if (!map_bucket_evacuated(bucket)) {
            iter->bucket = bucket;
            iter->filtered = !map->same_size;
            iter->only = number;
        }
    }
    iter->slot = 0;
    iter->next = (number + 1) & iter->table->mask;
    iter->wrapped |= iter->next == 0;
    return true;
}

/* Puts the entry of the slot into *iter; false if there is none (any more, or here). */
static bool visit(struct msc_map_iter *iter, unsigned index)
{
    const struct msc_map *map = iter->map;
    uint8_t top = iter->bucket->tophash[index];
    if (top <= MAP_EMPTY_ONE || top == MAP_EVACUATED_EMPTY)
        return false;
    struct map_slot slot = {(struct msc_map_bucket *)(uintptr_t)iter->bucket, index};
    struct map_key key = map_slot_key(map, slot);
    bool moved = top < MAP_MIN_TOPHASH;
    uint64_t hash = moved || iter->filtered ? map_key_hash(&key, map->hash0) : 0;
    if (iter->filtered && (hash & iter->table->mask) != iter->only)
        return false;
    if (moved)
        slot = map_find(map, &key, hash);
    if (!slot.bucket)
        return false;
    key = map_slot_key(map, slot);
    if (map->kind == MSC_KEY_U64)
        iter->key.number = key.number;
    else
        iter->key.bytes = key.bytes;
    iter->key_length = map->kind == MSC_KEY_U64 ? sizeof key.number : key.length;
    iter->value = map_slot_value(map, slot);
    iter->version = map_slot_version(map, slot);
    iter->visited++;
    return true;
}

int msc_map_iter_next(struct msc_map_iter *iter)
{
    const struct msc_map *map = iter->map;
    if (!map || !iter->table)
        return 0;
    int error = check_writer(map, STACK_HERE());
    if (error)
        return error;
    if (iter->clears != map->clears)
        return 0;
    for (;;) {
        if (!iter->bucket && !take_bucket(iter))
            return 0;
        while (iter->slot < MAP_SLOTS)
            if (visit(iter, (iter->slot++ + iter->offset) % MAP_SLOTS))
                return 1;
        iter->bucket = iter->bucket->overflow;
        iter->slot = 0;
    }
}

void msc_map_iter_end(struct msc_map_iter *iter)
{
    struct msc_map *map = iter->map;
    if (!map)
        return;
    if (iter->id && msc_gate_on(MSC_EVENT_MAP_ITER_END))
        map_trace_iter(MSC_EVENT_MAP_ITER_END, iter, STACK_HERE());
    iter->map = NULL;
    /* Release: our reads are done before the writer that sees 0 frees. Acquire: so are the others' before us. */
    if (atomic_fetch_sub_explicit(&map->iterations, 1, memory_order_acq_rel) == 1)
        map_free_limbo(map);
}
