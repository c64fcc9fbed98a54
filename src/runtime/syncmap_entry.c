/* See syncmap_core.h. Start reading at syncmap_change. */
#include "runtime/memory.h"
#include "runtime/syncmap_core.h"

/* ---- memory ---- */

static size_t bytes_of_box(const struct msc_syncmap *map)
{
    return sizeof(struct syncmap_box) + map->flavour.value_size;
}

struct syncmap_box *syncmap_box_create(const struct msc_syncmap *map)
{
    return memory_allocate_raw(bytes_of_box(map));
}

void syncmap_box_retire(const struct msc_syncmap *map, struct syncmap_box *box)
{
    epoch_retire(&box->item, bytes_of_box(map));
}

void syncmap_cell_retire(const struct msc_syncmap *map, union syncmap_cell cell)
{
    if (map->has_boxes && cell_is_live(cell))
        syncmap_box_retire(map, (struct syncmap_box *)(uintptr_t)cell.word); /* NOLINT: it was one */
}

static size_t bytes_of_entry(enum msc_key_kind kind, size_t key_bytes)
{
    return sizeof(struct syncmap_entry) + (flavour_key_has_bytes(kind) ? key_bytes : 0);
}

struct syncmap_entry *syncmap_entry_create(const struct map_key *key)
{
    size_t key_bytes = flavour_key_bytes(key);
    if (key_bytes > SIZE_MAX - sizeof(struct syncmap_entry))
        return NULL;
    struct syncmap_entry *entry = memory_allocate_raw(bytes_of_entry(key->kind, key_bytes));
    if (!entry)
        return NULL;
    entry->cell = cell_of(0, CELL_DELETED);
    entry->number = flavour_key_number(key);
    if (key_bytes)
        memcpy(entry->bytes, key->bytes, key_bytes);
    return entry;
}

void syncmap_entry_retire(const struct msc_syncmap *map, struct syncmap_entry *entry)
{
    epoch_retire(&entry->item, bytes_of_entry(map->flavour.kind, entry->number));
}

/* ---- what is to be written ---- */

int syncmap_writer_prepare(const struct msc_syncmap *map, const struct flavour_op *op, struct syncmap_writer *writer)
{
    if (writer->is_ready)
        return 0;
    if (map->has_boxes) {
        writer->box = syncmap_box_create(map);
        if (!writer->box)
            return -ENOMEM;
        writer->word = (uintptr_t)writer->box;
    }
    flavour_copy_value(&map->flavour, writer->box ? (void *)writer->box->value : &writer->word, op->value);
    writer->is_ready = true;
    return 0;
}

void syncmap_writer_fini(struct syncmap_writer *writer)
{
    if (MSC_UNLIKELY(writer->box != NULL))
        memory.release(writer->box);
}

/* ---- what an op does ---- */

static void count_effect(struct msc_syncmap *map, const struct flavour_op *op)
{
    if (op->effect == EFFECT_WRITE && !op->was_there)
        atomic_fetch_add_explicit(&map->count, 1, memory_order_relaxed);
    else if (op->effect == EFFECT_ERASE)
        atomic_fetch_sub_explicit(&map->count, 1, memory_order_relaxed);
}

/* The cell was `old` until write number seq: hands out what was in it and lets it go. */
static void complete(struct msc_syncmap *map, struct flavour_op *op, union syncmap_cell old, uint64_t seq)
{
    flavour_end(op, seq);
    flavour_hand_out(&map->flavour, op, syncmap_value(map, &old));
    count_effect(map, op);
    syncmap_cell_retire(map, old);
}

int syncmap_change(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_entry *entry,
                   struct syncmap_writer *writer)
{
    for (;;) {
        union syncmap_cell old = cell_load(&entry->cell), new;
        const void *value = syncmap_value(map, &old);
        int error = flavour_decide(&map->flavour, op, value, cell_version(old));
        if (!map->has_boxes)
            op->found = NULL; /* ours, and gone when we return */
        if (op->effect == EFFECT_NONE) {
            flavour_hand_out(&map->flavour, op, value);
            flavour_end(op, syncmap_last_seq(map));
            return error;
        }
        if (cell_is_expunged(old))
            return -EAGAIN;
        if (op->effect == EFFECT_WRITE) {
            error = syncmap_writer_prepare(map, op, writer);
            if (error)
                return error;
            new = cell_of(writer->word, syncmap_draw_seq(map));
        } else {
            new = cell_of(0, syncmap_draw_seq(map) | CELL_DELETED);
        }
        if (cell_swap(&entry->cell, old, new)) {
            if (op->effect == EFFECT_WRITE)
                writer->box = NULL;
            complete(map, op, old, new.version & ~CELL_DELETED);
            return 0;
        }
    }
}

void syncmap_publish(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_entry *entry,
                     struct syncmap_writer *writer)
{
    union syncmap_cell nothing = entry->cell;
    uint64_t seq = syncmap_draw_seq(map);
    cell_swap(&entry->cell, nothing, cell_of(writer->word, seq));
    writer->box = NULL;
    complete(map, op, nothing, seq);
}
