/* See syncmap_core.h: what concerns all entries at once, and the life of a map. */
#include "runtime/flavour_verbs.h"
#include "runtime/memory.h"
#include "runtime/syncmap_core.h"

size_t msc_syncmap_count(struct msc_syncmap *map)
{
    int64_t count = map ? atomic_load_explicit(&map->count, memory_order_relaxed) : 0;
    return count > 0 ? (size_t)count : 0;
}

/* ---- range ---- */

static int visit_all(const struct msc_syncmap *map, const struct syncmap_table *table, msc_visit_fn *visit,
                     void *context, uint64_t *visited)
{
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct syncmap_entry *entry = table->slots[i].entry;
        union syncmap_cell cell = entry ? cell_load(&entry->cell) : cell_of(0, CELL_DELETED);
        const void *value = syncmap_value(map, &cell);
        if (!value)
            continue;
        union flavour_key_view view;
        const void *key = flavour_show_key(map->flavour.kind, entry->number, entry->bytes, &view);
        ++*visited;
        int stop = visit(context, key, value, cell_version(cell));
        if (stop)
            return stop;
    }
    return 0;
}

int msc_syncmap_range(struct msc_syncmap *map, msc_visit_fn *visit, void *context)
{
    if (!map || !visit)
        return -EINVAL;
    struct flavour_iter iter;
    flavour_iter_begin(&map->flavour, &iter, msc_syncmap_count(map), syncmap_last_seq(map), STACK_HERE());
    epoch_enter();
    int stop = visit_all(map, syncmap_promote_all(map), visit, context, &iter.visited);
    epoch_leave();
    flavour_iter_end(&map->flavour, &iter, msc_syncmap_count(map), syncmap_last_seq(map), STACK_HERE());
    return stop;
}

/* ---- clear ---- */

/* Nobody finds the entry any more, but who did before may still write to it: it is made to refuse. */
static bool seal(struct msc_syncmap *map, struct syncmap_entry *entry)
{
    union syncmap_cell cell;
    do
        cell = cell_load(&entry->cell);
    while (!cell_swap(&entry->cell, cell, cell_of(0, cell.version | CELL_DELETED | CELL_EXPUNGED)));
    syncmap_cell_retire(map, cell);
    syncmap_entry_retire(map, entry);
    return cell_is_live(cell);
}

/* Each entry once: dirty has all of read but what is expunged. */
static size_t seal_all(struct msc_syncmap *map, struct syncmap_table *read, struct syncmap_table *dirty)
{
    syncmap_retire_expunged(map);
    const struct syncmap_table *all = dirty ? dirty : read;
    size_t removed = 0;
    for (uint64_t i = 0; i <= all->mask; i++)
        if (all->slots[i].entry)
            removed += seal(map, all->slots[i].entry);
    return removed;
}

static int clear(struct msc_syncmap *map, struct msc_ev_map_op *event)
{
    struct syncmap_table *empty = syncmap_table_create(0);
    if (!empty)
        return -ENOMEM;
    latch_lock(&map->latch);
    event->begin_ns = msc_gate_on(MSC_EVENT_MAP_CLEAR) ? clock_now_ns() : 0;
    struct syncmap_table *read = syncmap_read(map), *dirty = map->dirty;
    atomic_store_explicit(&map->read, empty, memory_order_release);
    map->dirty = NULL;
    map->misses = 0;
    event->count = seal_all(map, read, dirty);
    atomic_fetch_sub_explicit(&map->count, (int64_t)event->count, memory_order_relaxed);
    event->seq = syncmap_draw_seq(map);
    event->end_ns = event->begin_ns ? clock_now_ns() : 0;
    latch_unlock(&map->latch);
    epoch_retire(&read->item, syncmap_table_bytes(read));
    memory.release(dirty); /* only seen under the latch */
    return 0;
}

int msc_syncmap_clear(struct msc_syncmap *map)
{
    int error = map ? epoch_admit() : -EINVAL;
    if (error)
        return error;
    struct msc_ev_map_op event = {0};
    epoch_enter();
    error = clear(map, &event);
    epoch_leave();
    if (!error && event.begin_ns)
        flavour_trace_clear(&map->flavour, &event, STACK_HERE());
    return error;
}

/* ---- life ---- */

FLAVOUR_ENTRIES(syncmap)

int msc_syncmap_create(const struct msc_map_options *options, struct msc_syncmap **out)
{
    struct msc_syncmap *map;
    int error =
        flavour_create(sizeof *map, MSC_FLAVOR_SYNCMAP, syncmap_entries, options, (struct flavour **)(void *)&map);
    if (error)
        return error;
    struct syncmap_table *read = syncmap_table_create(0);
    if (!read) {
        flavour_destroy(&map->flavour);
        return -ENOMEM;
    }
    map->has_boxes = map->flavour.value_size > sizeof(uint64_t);
    atomic_init(&map->read, read);
    latch_init(&map->latch, &map->flavour);
    flavour_born(&map->flavour, __builtin_return_address(0), STACK_HERE());
    *out = map;
    return 0;
}

static void free_entries(const struct msc_syncmap *map, const struct syncmap_table *table)
{
    for (uint64_t i = 0; i <= table->mask; i++) {
        struct syncmap_entry *entry = table->slots[i].entry;
        if (entry && map->has_boxes && cell_is_live(entry->cell))
            memory.release((void *)(uintptr_t)entry->cell.word); /* NOLINT: it was one */
        memory.release(entry);
    }
}

void msc_syncmap_destroy(struct msc_syncmap *map)
{
    if (!map)
        return;
    if (msc_gate_on(MSC_EVENT_MAP_FREE))
        flavour_trace_free(&map->flavour, STACK_HERE());
    syncmap_retire_expunged(map);
    struct syncmap_table *read = syncmap_read(map);
    free_entries(map, map->dirty ? map->dirty : read);
    memory.release(map->dirty);
    memory.release(read);
    latch_fini(&map->latch);
    flavour_destroy(&map->flavour);
}
