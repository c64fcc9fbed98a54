/* See syncmap_core.h: what happens under the latch. Start reading at change_locked. */
#include "runtime/memory.h"
#include "runtime/syncmap_core.h"

/* What a locked section did that is told after it. */
struct aftermath {
    struct msc_ev_syncmap_promote promote; /* if its map is not 0 */
};

static void tell(const struct aftermath *after)
{
    if (after->promote.map && msc_gate_on(MSC_EVENT_SYNCMAP_PROMOTE))
        msc_emit(MSC_EVENT_SYNCMAP_PROMOTE, &after->promote);
}

/* ---- dirty becomes read ---- */

void syncmap_retire_expunged(struct msc_syncmap *map)
{
    while (map->expunged) {
        struct syncmap_entry *entry = map->expunged;
        map->expunged = entry->next_expunged;
        if (cell_is_expunged(cell_load(&entry->cell)))
            syncmap_entry_retire(map, entry);
    }
}

static void promote(struct msc_syncmap *map, struct aftermath *after)
{
    struct syncmap_table *old = syncmap_read(map);
    after->promote = (struct msc_ev_syncmap_promote){
        .map = (uintptr_t)map,
        .map_gen = map->flavour.generation,
        .misses = map->misses,
        .dirty_len = map->dirty->count,
    };
    atomic_store_explicit(&map->read, map->dirty, memory_order_release);
    map->dirty = NULL;
    map->misses = 0;
    epoch_retire(&old->item, syncmap_table_bytes(old));
    syncmap_retire_expunged(map);
}

static void count_miss(struct msc_syncmap *map, struct aftermath *after)
{
    if (++map->misses >= map->dirty->count)
        promote(map, after);
}

struct syncmap_table *syncmap_promote_all(struct msc_syncmap *map)
{
    if (!syncmap_is_amended(syncmap_read(map)))
        return syncmap_read(map);
    struct aftermath after = {0};
    latch_lock(&map->latch);
    if (map->dirty)
        promote(map, &after);
    struct syncmap_table *read = syncmap_read(map);
    latch_unlock(&map->latch);
    tell(&after);
    return read;
}

/* ---- read becomes dirty ---- */

/* True if the entry is now left out of dirty. */
static bool expunge(struct msc_syncmap *map, struct syncmap_entry *entry)
{
    union syncmap_cell deleted = cell_load(&entry->cell);
    if (cell_is_live(deleted) || !cell_swap(&entry->cell, deleted, cell_of(0, deleted.version | CELL_EXPUNGED)))
        return false;
    entry->next_expunged = map->expunged;
    map->expunged = entry;
    return true;
}

/* Makes a dirty half of what is in read and not deleted, with room for one more. */
static int build_dirty(struct msc_syncmap *map)
{
    struct syncmap_table *read = syncmap_read(map);
    struct syncmap_table *dirty = syncmap_table_create(read->count + 1);
    if (!dirty)
        return -ENOMEM;
    for (uint64_t i = 0; i <= read->mask; i++)
        if (read->slots[i].entry && !expunge(map, read->slots[i].entry))
            syncmap_table_add(&dirty, read->slots[i]); /* never grows: no failure */
    map->dirty = dirty;
    map->misses = 0;
    return 0;
}

/* Pairs with the acquire in syncmap_is_amended: who sees it finds dirty under the latch. */
static void amend(struct msc_syncmap *map)
{
    atomic_store_explicit(&syncmap_read(map)->amended, true, memory_order_release);
}

/* ---- ops ---- */

/* Makes a new entry; its key is in neither half. The op wants to write. */
static int insert(struct msc_syncmap *map, struct flavour_op *op, uint64_t hash, struct syncmap_writer *writer)
{
    int error = syncmap_writer_prepare(map, op, writer);
    if (!error && !map->dirty)
        error = build_dirty(map);
    struct syncmap_entry *entry = error ? NULL : syncmap_entry_create(&op->key);
    if (!entry || !syncmap_table_add(&map->dirty, (struct syncmap_slot){hash, entry})) {
        memory.release(entry);
        if (map->dirty)
            amend(map); /* nothing new in it, but a dirty half there is */
        return -ENOMEM;
    }
    amend(map);
    syncmap_publish(map, op, entry, writer);
    return 0;
}

/* The entry is expunged and to be written: it goes into dirty again. */
static int revive(struct msc_syncmap *map, struct syncmap_entry *entry, uint64_t hash)
{
    if (!syncmap_table_add(&map->dirty, (struct syncmap_slot){hash, entry}))
        return -ENOMEM;
    union syncmap_cell expunged = cell_load(&entry->cell); /* and stays so: we have the latch */
    cell_swap(&entry->cell, expunged, cell_of(0, expunged.version & ~CELL_EXPUNGED));
    return 0;
}

static int change_in_read(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_entry *entry, uint64_t hash,
                          struct syncmap_writer *writer)
{
    int error = syncmap_change(map, op, entry, writer);
    if (error != -EAGAIN)
        return error;
    error = revive(map, entry, hash);
    return error ? error : syncmap_change(map, op, entry, writer);
}

static int change_in_dirty(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_slot slot,
                           struct syncmap_writer *writer, struct aftermath *after)
{
    int error = syncmap_change(map, op, slot.entry, writer);
    if (op->effect == EFFECT_ERASE && !error) {
        syncmap_table_remove(map->dirty, slot);
        syncmap_entry_retire(map, slot.entry);
    }
    if (op->verb != VERB_STORE) /* as in Go, where Store does not count */
        count_miss(map, after);
    return error;
}

static int change_locked(struct msc_syncmap *map, struct flavour_op *op, uint64_t hash, struct syncmap_writer *writer,
                         struct aftermath *after)
{
    struct syncmap_entry *entry = syncmap_table_find(&map->flavour, syncmap_read(map), &op->key, hash);
    if (entry)
        return change_in_read(map, op, entry, hash, writer);
    entry = map->dirty ? syncmap_table_find(&map->flavour, map->dirty, &op->key, hash) : NULL;
    if (entry)
        return change_in_dirty(map, op, (struct syncmap_slot){hash, entry}, writer, after);
    int error = flavour_decide(&map->flavour, op, NULL, 0);
    if (op->effect == EFFECT_WRITE)
        return insert(map, op, hash, writer);
    if (map->dirty)
        count_miss(map, after);
    flavour_end(op, syncmap_last_seq(map));
    return error;
}

int syncmap_apply_locked(struct msc_syncmap *map, struct flavour_op *op, uint64_t hash, struct syncmap_writer *writer)
{
    struct aftermath after = {0};
    latch_lock(&map->latch);
    int error = change_locked(map, op, hash, writer, &after);
    latch_unlock(&map->latch);
    tell(&after);
    return error;
}
