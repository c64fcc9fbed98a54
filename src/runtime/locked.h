/*
 * The verbs of a flavour on a msc_map that the caller has locked: msc_rwmap, msc_shardmap, msc_mapwriter.
 *
 * The core map appears in the trace as the flavour that it is part of: its identity is the flavour's, and numbers go
 * out as seq << seq_shift | seq_low. So versions are given to the user, too: unique in the flavour, and rising for
 * each key. The core's own guard is not used.
 */
#ifndef MSC_RUNTIME_LOCKED_H
#define MSC_RUNTIME_LOCKED_H

#include "runtime/flavour.h"
#include "runtime/map_core.h"

/* An empty core for `flavour`, given to msc_map_destroy. `part`: number of this shard, of 2^part_bits. 0 or -ENOMEM. */
int locked_create(const struct flavour *flavour, size_t hint, uint32_t part_bits, uint64_t part, struct msc_map **out);

static inline uint64_t locked_number(const struct msc_map *core, uint64_t seq)
{
    return seq ? seq << core->identity.seq_shift | core->identity.seq_low : 0;
}

/* Compiled for 64-bit numbers alone, and for the rest. */
static inline struct msc_map_slot locked_find(const struct msc_map *core, const struct map_key *key, uint64_t hash)
{
    if (MSC_UNLIKELY(key->kind != MSC_KEY_U64))
        return map_find(core, key, hash);
    struct map_key number = map_key_u64(key->number);
    return map_find(core, &number, hash);
}

static inline uint64_t locked_version(const struct msc_map *core, struct msc_map_slot slot)
{
    return locked_number(core, map_slot_version(core, slot));
}

/* A look-up; readers may be beside it. Versions are a cache line of their own: read only if wanted. */
static inline int locked_get(const struct flavour *flavour, const struct msc_map *core, struct flavour_op *op)
{
    flavour_begin(op);
    struct msc_map_slot slot = locked_find(core, &op->key, map_hash(core, &op->key));
    op->was_there = slot.bucket != NULL;
    if (op->was_there)
        flavour_hand_out(flavour, op, msc_map_slot_value(slot, core->layout));
    if (op->wants_version || MSC_UNLIKELY(op->event != NULL))
        op->version = locked_version(core, slot);
    flavour_end(op, locked_number(core, core->seq));
    return op->was_there ? 0 : -ENOENT;
}

/* Nobody may be beside it. */
int locked_apply(const struct flavour *flavour, struct msc_map *core, struct flavour_op *op);

/* Visits every entry; readers may be beside it. */
int locked_range(const struct flavour *flavour, const struct msc_map *core, msc_visit_fn *visit, void *context,
                 uint64_t *visited);

#endif
