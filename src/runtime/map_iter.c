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
 * Keys that are destroyed with their entry are instead taken out of those tables (map_forget_key).
 */
#include <errno.h>
#include <stddef.h>

#include "runtime/emit.h"
#include "runtime/map_core.h"
#include "runtime/map_guard.h"
#include "runtime/map_trace.h"
#include "runtime/stack.h"

/* ---- what an iteration may still read ---- */

void map_retire_table(struct msc_map *map, struct msc_map_table *table)
{
    if (map_is_iterated(map)) {
        table->next = atomic_load_explicit(&map->limbo_tables, memory_order_relaxed);
        atomic_store_explicit(&map->limbo_tables, table, memory_order_release);
    } else if (table->mapped) {
        table->next = map->trash;
        map->trash = table;
    } else {
        map_table_destroy(table, &map->layout);
    }
}

static struct map_text *text_of(const void *bytes)
{
    return (struct map_text *)(void *)((unsigned char *)(uintptr_t)bytes - offsetof(struct map_text, bytes));
}

static void free_text(struct msc_map *map, struct map_text *text)
{
    map_release(&map->allocator, text, sizeof *text + text->length);
}

void map_free_text(struct msc_map *map, const void *bytes)
{
    free_text(map, text_of(bytes));
}

void map_retire_text(struct msc_map *map, const void *bytes)
{
    struct map_text *text = text_of(bytes);
    if (!map_is_iterated(map)) {
        free_text(map, text);
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
        map_table_destroy(table, &map->layout);
        table = next;
    }
    struct map_text *text = atomic_exchange_explicit(&map->limbo_texts, NULL, memory_order_acquire);
    while (text) {
        struct map_text *next = text->next;
        free_text(map, text);
        text = next;
    }
}

/* An entry moves as it is, so its bytes tell it from every other one. */
static void forget_in(const struct msc_map *map, const struct msc_map_table *table, const void *stored, uint64_t hash)
{
    if (!map_table_has(table, &map->layout, hash & table->view.mask))
        return;
    struct map_slot slot = {.link = map_table_link(table, &map->layout, hash & table->view.mask)};
    do
        for (slot.index = 0; slot.index < MSC_MAP_SLOTS; slot.index++) {
            uint8_t top = map_slot_top(slot);
            if ((top == MSC_MAP_EVACUATED_X || top == MSC_MAP_EVACUATED_Y) &&
                memcmp(map_slot_key_at(slot, &map->layout), stored, map->layout.key_size) == 0)
                slot.link.tops[slot.index] = MSC_MAP_EVACUATED_EMPTY;
        }
    while (msc_map_link_next(&slot.link));
}

void map_forget_key(struct msc_map *map, const void *stored, uint64_t hash)
{
    if (map->kind != MSC_KEY_CUSTOM && map->kind != MSC_KEY_BYTES_BORROWED)
        return;
    if (map->old)
        forget_in(map, map->old, stored, hash);
    struct msc_map_table *table = atomic_load_explicit(&map->limbo_tables, memory_order_relaxed);
    for (; table; table = table->next)
        forget_in(map, table, stored, hash);
}

/* ---- the iteration ---- */

void map_iter_start(struct msc_map *map, struct msc_map_iter *iter)
{
    atomic_fetch_add_explicit(&map->iterations, 1, memory_order_relaxed);
    uint64_t random = map_random(map);
    *iter = (struct msc_map_iter){
        .map = map,
        .table = map->table,
        .current = map->table,
        .seq = map->seq,
        .clears = map->clears,
        .start = map->table ? random & map->table->view.mask : 0,
        .offset = (uint8_t)(random >> 61),
    };
    iter->next = iter->start;
}

/* The next bucket of the round; false = it is closed. */
static bool take_bucket(struct msc_map_iter *iter)
{
    const struct msc_map *map = iter->map;
    if (iter->next == iter->start && iter->wrapped)
        return false;
    uint64_t number = iter->next;
    bool unmoved = MSC_UNLIKELY(map->old != NULL) && iter->table == map->table && map_is_in_old(map, number);
    iter->filtered = unmoved && !map->same_size;
    iter->only = number;
    if (MSC_UNLIKELY(unmoved))
        iter->link = map_table_link(map->old, &map->layout, number & map->old->view.mask);
    else
        iter->link = map_table_link(iter->table, &map->layout, number);
    iter->slot = 0;
    iter->next = (number + 1) & iter->table->view.mask;
    iter->wrapped |= iter->next == 0;
    return true;
}

/* Puts the entry of the slot into *iter. */
static inline void produce(struct msc_map_iter *iter, struct map_slot slot)
{
    const struct msc_map *map = iter->map;
    struct map_key key = map_slot_key(map, slot);
    switch (map->kind) {
    case MSC_KEY_U64:
    case MSC_KEY_U32:
        iter->key.number = key.number;
        break;
    case MSC_KEY_POINTER:
        iter->key.pointer = (const void *)(uintptr_t)key.number;
        break;
    default:
        iter->key.bytes = key.bytes;
    }
    iter->key_length = key.kind == MSC_KEY_BYTES ? key.length : map->layout.key_size;
    iter->value = map_slot_value(map, slot);
    iter->version = map_slot_version(slot);
    iter->visited++;
}

/* An entry that has moved, or of which it must be asked where it will; bucket NULL = none (any more, or not here). */
static struct map_slot find_moved(const struct msc_map_iter *iter, struct map_slot slot, bool moved)
{
    const struct msc_map *map = iter->map;
    struct map_key key = map_slot_key(map, slot);
    uint64_t hash = map_hash(map, &key);
    if (iter->filtered && (hash & iter->table->view.mask) != iter->only)
        return (struct map_slot){0};
    return moved ? map_find(map, &key, hash) : slot;
}

bool map_iter_step(struct msc_map_iter *iter)
{
    if (!iter->table || iter->clears != iter->map->clears)
        return false;
    for (;;) {
        if (!iter->link.bucket && !take_bucket(iter))
            return false;
        while (iter->slot < MSC_MAP_SLOTS) {
            unsigned index = (iter->slot++ + iter->offset) % MSC_MAP_SLOTS;
            uint8_t top = iter->link.tops[index];
            if (top <= MSC_MAP_EMPTY_ONE || top == MSC_MAP_EVACUATED_EMPTY)
                continue;
            struct map_slot slot = {iter->link, index};
            bool moved = top < MSC_MAP_MIN_TOPHASH;
            if (MSC_UNLIKELY(moved || iter->filtered))
                slot = find_moved(iter, slot, moved);
            if (!map_slot_is_there(slot))
                continue;
            produce(iter, slot);
            return true;
        }
        msc_map_link_next(&iter->link);
        iter->slot = 0;
    }
}

void map_iter_stop(struct msc_map_iter *iter)
{
    struct msc_map *map = iter->map;
    iter->map = NULL;
    /* Release: our reads are done before the writer that sees 0 frees. Acquire: so are the others' before us. */
    if (atomic_fetch_sub_explicit(&map->iterations, 1, memory_order_acq_rel) == 1)
        map_free_limbo(map);
}

/* ---- public ---- */

/* 0, or -EBUSY after reporting the writer that is there. */
static inline int check_writer(const struct msc_map *map, const void *frame)
{
    uint32_t writer = map_guard_seen(&map->head.guard);
    return MSC_LIKELY(!writer) ? 0 : map_refuse(map, MSC_FAULT_ITERATE_WRITE, NULL, writer, frame);
}

int msc_map_iter_begin(struct msc_map *map, struct msc_map_iter *iter)
{
    if (!iter)
        return -EINVAL;
    *iter = (struct msc_map_iter){0};
    int error = map ? check_writer(map, STACK_HERE()) : 0;
    if (!map || error)
        return error;
    map_iter_start(map, iter);
    if (msc_gate_on(MSC_EVENT_MAP_ITER_BEGIN)) {
        iter->id = thread_unique_id();
        map_trace_iter(MSC_EVENT_MAP_ITER_BEGIN, iter, STACK_HERE());
    }
    return 0;
}

int msc_map_iter_next(struct msc_map_iter *iter)
{
    if (MSC_UNLIKELY(!iter->map))
        return 0;
    int error = check_writer(iter->map, STACK_HERE());
    return MSC_UNLIKELY(error) ? error : map_iter_step(iter);
}

void msc_map_iter_end(struct msc_map_iter *iter)
{
    if (!iter->map)
        return;
    if (iter->id && msc_gate_on(MSC_EVENT_MAP_ITER_END))
        map_trace_iter(MSC_EVENT_MAP_ITER_END, iter, STACK_HERE());
    map_iter_stop(iter);
}
