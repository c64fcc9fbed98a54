/*
 * The inside of msc_syncmap: its state, and who does what with it.
 *
 *     syncmap.c          the verbs: what is done without the latch
 *     syncmap_entry.c    one entry: its memory, and what an op does to it
 *     syncmap_halves.c   under the latch: misses, promotion, new keys
 *     syncmap_whole.c    all entries at once: range, clear; life
 *     syncmap_table.c    the tables of both halves
 *     syncmap_cell.h     value and version of an entry, and the states that they go through
 *
 * Whoever finds an entry in `read` that is not expunged may change it without the latch: whatever table replaces `read`
 * has the entry too. Entries that are in no table any more are retired: those still expunged when their table is, those
 * that only dirty had when they are deleted, and all of them on clear, which expunges them first so that a writer who
 * still holds one comes back for another.
 *
 * seq: each write loads the cell, then draws a number, then swaps. If the swap succeeds, nobody wrote since the load,
 * and whoever wrote before had drawn before: per key the numbers rise, and across keys a write that ended before
 * another began has the lower one.
 */
#ifndef MSC_RUNTIME_SYNCMAP_CORE_H
#define MSC_RUNTIME_SYNCMAP_CORE_H

#include "mapscope/syncmap.h"
#include "runtime/epoch.h"
#include "runtime/flavour.h"
#include "runtime/latch.h"
#include "runtime/syncmap_table.h"

/* A value that does not fit into the word of a cell. */
struct syncmap_box {
    struct epoch_item item;
    _Alignas(16) unsigned char value[];
};

struct msc_syncmap {
    struct flavour flavour;
    bool has_boxes; /* values do not fit into a word */
    /* Published by release under the latch, read by acquire. */
    _Alignas(64) _Atomic(struct syncmap_table *) read;
    _Alignas(64) struct latch latch;
    struct syncmap_table *dirty;    /* NULL unless read->amended */
    struct syncmap_entry *expunged; /* when dirty was built; some may be in use again */
    size_t misses;
    /* Writers'. */
    _Alignas(64) _Atomic uint64_t seq;
    _Atomic int64_t count; /* relaxed; no order is taken from it */
};

static inline struct syncmap_table *syncmap_read(struct msc_syncmap *map)
{
    return atomic_load_explicit(&map->read, memory_order_acquire);
}

static inline bool syncmap_is_amended(const struct syncmap_table *read)
{
    return atomic_load_explicit(&read->amended, memory_order_acquire);
}

static inline uint64_t syncmap_draw_seq(struct msc_syncmap *map)
{
    return atomic_fetch_add_explicit(&map->seq, 1, memory_order_acq_rel) + 1;
}

static inline uint64_t syncmap_last_seq(struct msc_syncmap *map)
{
    return atomic_load_explicit(&map->seq, memory_order_relaxed);
}

/* Borrowed from *cell or its box; NULL = there is none. */
static inline const void *syncmap_value(const struct msc_syncmap *map, const union syncmap_cell *cell)
{
    if (!cell_is_live(*cell))
        return NULL;
    return map->has_boxes ? ((const struct syncmap_box *)(uintptr_t)cell->word)->value : (const void *)&cell->word;
}

/* ---- syncmap_entry.c ---- */

/* Uninitialised; NULL when memory is out. */
struct syncmap_box *syncmap_box_create(const struct msc_syncmap *map);
void syncmap_box_retire(const struct msc_syncmap *map, struct syncmap_box *box);

/* The box of a cell, which nobody may use any more. */
void syncmap_cell_retire(const struct msc_syncmap *map, union syncmap_cell cell);

/* Without a value. NULL when memory is out. */
struct syncmap_entry *syncmap_entry_create(const struct map_key *key);
void syncmap_entry_retire(const struct msc_syncmap *map, struct syncmap_entry *entry);

/* The value to be written, made at most once an operation. All zero at first, at the end syncmap_writer_fini. */
struct syncmap_writer {
    bool is_ready;
    uint64_t word;
    struct syncmap_box *box; /* owned until the value is in an entry */
};

int syncmap_writer_prepare(const struct msc_syncmap *map, const struct flavour_op *op, struct syncmap_writer *writer);
void syncmap_writer_fini(struct syncmap_writer *writer);

/* Does to the entry what the op wants. -EAGAIN: it is expunged, and the op would write to it. */
int syncmap_change(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_entry *entry,
                   struct syncmap_writer *writer);

/* The value of the writer is the first of an entry that nobody has seen. */
void syncmap_publish(struct msc_syncmap *map, struct flavour_op *op, struct syncmap_entry *entry,
                     struct syncmap_writer *writer);

/* ---- syncmap_halves.c ---- */

/* Does what the op wants, wherever its key is. */
int syncmap_apply_locked(struct msc_syncmap *map, struct flavour_op *op, uint64_t hash, struct syncmap_writer *writer);

/* Everything that `read` does not have becomes visible in it. Returns it. */
struct syncmap_table *syncmap_promote_all(struct msc_syncmap *map);

/* What was left out when dirty was built and did not come back is in no table any more, or soon not. With the latch. */
void syncmap_retire_expunged(struct msc_syncmap *map);

#endif
